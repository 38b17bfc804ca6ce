//! Providers that are tables, on this machine's kernel.

use crate::world::{World, desc};
use quadrant_d::providers::{ArgType, Value, spell};
use quadrant_program::probe::Site;

/// What any kernel tells whose tracepoints are all there.
const EVERYWHERE: &[&str] = &[
    "proc:::create",
    "proc:::exec",
    "proc:::exec-failure",
    "proc:::exec-success",
    "proc:::exit",
    "proc:::lwp-create",
    "proc:::lwp-exit",
    "proc:::lwp-start",
    "proc:::signal-clear",
    "proc:::signal-discard",
    "proc:::signal-handle",
    "proc:::signal-send",
    "proc:::start",
    "sched:::dequeue",
    "sched:::enqueue",
    "sched:::off-cpu",
    "sched:::on-cpu",
    "sched:::preempt",
    "sched:::sleep",
    "sched:::tick",
    "sched:::wakeup",
    "io:::start",
    "io:::done",
    "ip:::send",
    "ip:::receive",
    "tcp:::send",
    "tcp:::receive",
    "tcp:::accept-established",
    "tcp:::accept-refused",
    "tcp:::connect-established",
    "tcp:::connect-refused",
    "tcp:::connect-request",
    "tcp:::state-change",
    "udp:::send",
    "udp:::receive",
    "sysinfo:::readch",
    "sysinfo:::writech",
    "sysinfo:::pswitch",
    "sysinfo:::syscall",
    "sysinfo:::xcalls",
    "vminfo:::as_fault",
    "vminfo:::maj_fault",
    "vminfo:::pgpgin",
    "mib:::tcpActiveOpens",
    "mib:::udpHCOutDatagrams",
];

#[test]
fn what_kernels_tell() {
    let Some(world) = World::new() else { return };
    for text in EVERYWHERE {
        let found = world.find(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert!(found.iter().all(|probe| probe.id == found[0].id), "{text}");
    }
    assert_eq!(world.find("sysinfo:::readch").unwrap().len(), 5);
    assert!(matches!(world.find("vminfo:::maj_fault").unwrap()[0].point.site, Site::PerfEvent { period: 1, .. }));
}

#[test]
fn arguments_are_of_the_place() {
    let Some(world) = World::new() else { return };
    let text = |value: &Value| match value {
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    let create = world.layout("proc:::create");
    assert_eq!(create.args[0].ty, ArgType::D("psinfo_t *".into()));
    assert_eq!(text(&create.args[0].value), "xlate<psinfo_t *>(((struct task_struct *)arg1))");
    assert_eq!(text(&create.raw[0]), "(uint64_t)(((struct task_struct *)arg1))");
    let predicate = create.predicate.unwrap();
    assert_eq!(predicate, "((struct task_struct *)arg1)->pid == ((struct task_struct *)arg1)->tgid");
    assert!(world.layout("sched:::on-cpu").thread.unwrap().contains("arg2"));
    let done = world.layout("io:::done");
    let remembers = &done.requires[0];
    assert!(remembers.starts_with("rawtp:::block_bio_queue { "), "{remembers}");
    assert!(remembers.contains("__io_bytes[(uint64_t)((struct bio *)arg"), "{remembers}");
    assert_eq!(done.ends.len(), 1);
    let exec = world.layout("proc:::exec");
    assert_eq!((text(&exec.args[0].value).as_str(), exec.inputs.len()), ("copyinstr(arg0)", 6));
    assert!(world.layout("proc:::exec-failure").errno.is_some());
}

#[test]
fn what_no_tracepoint_tells() {
    let Some(world) = World::new() else { return };
    let error = world.find("vminfo:::zfod").unwrap_err();
    assert!(
        error.message.contains("no tracepoint tells it") && error.help_in(spell)[0].contains("hat_fault"),
        "{error:?}"
    );
    let error = world.find("lockstat:::spin-acquire").unwrap_err();
    assert!(error.help_in(spell)[0].contains("spin-spin"), "{error:?}");
    // Patterns mean what there is.
    assert!(world.names("vminfo:::").iter().all(|name| !name.ends_with(":zfod")));
    let near = world.find("proc:::exec-succes").unwrap_err();
    assert!(near.help_in(spell)[0].contains("`proc:::exec-success`"), "{near:?}");
}

#[test]
fn numbers_of_tables_lead_back() {
    let Some(world) = World::new() else { return };
    let providers = world.providers();
    for text in ["proc:::create", "sched:::wakeup", "mib:::udpHCOutDatagrams", "tcp:::state-change"] {
        let found = world.find(text).unwrap();
        assert_eq!(providers.by_id(found[0].id).unwrap()[0].point, found[0].point);
    }
}

#[test]
fn processor_events() {
    let Some(world) = World::new() else { return };
    let site = |text: &str| world.find(text).unwrap()[0].point.site.clone();
    assert_eq!(site("cpc:::cycles-all-10000"), Site::PerfEvent { kind: 0, config: 0, period: 10_000 });
    assert_eq!(site("cpc:::page_faults-all-1"), Site::PerfEvent { kind: 1, config: 2, period: 1 });
    assert!(world.layout("cpc:::instructions-user-10000").predicate.is_some());
    assert!(world.find("cpc:::cycles-all-10").unwrap_err().message.contains("too few"));
    assert!(world.find("cpc:::nonsense").unwrap_err().help_in(spell)[0].contains("a mode"));
}

#[test]
fn each_processor_event_is_listed_once_in_a_form_that_can_be_used() {
    let Some(world) = World::new() else { return };
    let providers = world.providers();
    let listed = |text: &str| {
        let mut rows = Vec::new();
        providers.list(&desc(text), &mut |row| rows.push(row)).unwrap();
        rows
    };
    let faults = listed("cpc:::page_*");
    assert_eq!(faults.iter().map(|row| &*row.name).collect::<Vec<_>>(), ["cpc:::page_faults-all-1000000000"]);
    assert_eq!(providers.by_id(faults[0].id).unwrap()[0].point.name, faults[0].name);
    assert!(listed("cpc:::").iter().any(|row| row.name == "cpc:::instructions-all-1000000000"));
    assert!(listed("cpc::read:").is_empty());
}
