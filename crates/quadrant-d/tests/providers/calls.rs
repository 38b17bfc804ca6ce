//! The trace itself, timers, system calls, tracepoints.

use crate::world::{World, desc};
use quadrant_d::providers::{Settings, Value, spell};
use quadrant_program::probe::{FieldPlace, Rate, Site};

#[test]
fn the_trace_itself_and_timers() {
    let Some(world) = World::new() else { return };
    let begin = world.find("BEGIN").unwrap();
    assert_eq!((begin.len(), begin[0].id, begin[0].point.name.as_str()), (1, 1, "dtrace:::BEGIN"));
    assert_eq!(world.names("dtrace:::"), ["dtrace:::BEGIN", "dtrace:::END", "dtrace:::ERROR"]);
    let site = |text: &str| world.find(text).unwrap()[0].point.site.clone();
    assert_eq!(site("profile-997"), Site::Profile(Rate::Hertz(997)));
    assert_eq!(site("tick-10s"), Site::Interval { period_ns: 10_000_000_000 });
    assert_eq!(site("profile:::tick-500usec"), Site::Interval { period_ns: 500_000 });
    assert!(world.find("profile-5001").unwrap_err().help_in(spell)[0].contains("5000 times a second"));
    assert!(world.find("profile-0").unwrap_err().help_in(spell)[0].contains("never fire"));
    for wanted in ["profile:::tick-0", ":::tick-0"] {
        let expected = format!("probe description {wanted} does not match any probes");
        assert_eq!(world.find(wanted).unwrap_err().message, expected);
    }
    assert_eq!(world.names("profile:::tick-*").len(), 6);
}

#[test]
fn numbers_lead_back() {
    let Some(world) = World::new() else { return };
    let providers = world.providers();
    let texts = [
        "BEGIN",
        "tick-100",
        "tick-7s",
        "syscall::read:entry",
        "syscall::newfstat:return",
        "sdt:sched::sched_switch",
        "rawtp:sched::sched_switch",
    ];
    for text in texts {
        let found = providers.find(&desc(text)).unwrap();
        let back = providers.by_id(found[0].id).unwrap();
        assert_eq!(back[0].point, found[0].point, "{text}");
    }
    assert!(providers.by_id(0).is_err());
    assert!(providers.by_id(999_998).is_err());
}

#[test]
fn system_calls() {
    let Some(world) = World::new() else { return };
    assert_eq!(world.names("syscall::openat:entry"), ["syscall:vmlinux:openat:entry"]);
    assert_eq!(
        world.names("syscall::read*:").len(),
        2 * ["read", "readahead", "readlink", "readlinkat", "readv"].len()
    );
    let layout = world.layout("syscall::openat:entry");
    let types: Vec<String> = layout
        .args
        .iter()
        .map(|arg| match arg.ty {
            quadrant_d::providers::ArgType::C(id) => world.types().display(id),
            _ => String::new(),
        })
        .collect();
    assert_eq!(types, ["int", "const char *", "int", "umode_t"]);
    assert!(matches!(&layout.raw[1], Value::Field(f) if f.place == FieldPlace::Context { offset: 24, size: 8 }));
    assert!(world.layout("syscall::read:return").errno.is_some());
    let all = world.find("syscall:::entry").unwrap();
    // Calls that are newer than this program have what their records have.
    let alike = all.iter().filter(|probe| probe.layout.raw.len() == 6).count();
    assert!(alike > 300 && all.iter().all(|probe| probe.layout.args_vary), "{alike}");
    let error = world.find("syscall::opennat:entry").unwrap_err();
    assert_eq!(error.message, "probe description syscall::opennat:entry does not match any probes");
    assert!(error.help_in(spell)[0].contains("openat"), "{error:?}");
}

#[test]
fn names_of_other_systems() {
    let Some(world) = World::new() else { return };
    assert_eq!(world.names("syscall::exece:return"), ["syscall:vmlinux:execve:return"]);
    assert_eq!(world.names("syscall:genunix:rexit:entry"), ["syscall:vmlinux:exit_group:entry"]);
    let path = |text: &str, name: &str| {
        let found = world.find(text).unwrap();
        let probe = found.iter().find(|probe| probe.point.func == name).unwrap();
        let Value::Field(field) = &probe.layout.raw[0] else { panic!("{probe:?}") };
        field.place
    };
    let second = FieldPlace::Context { offset: 24, size: 8 };
    assert_eq!(path("syscall::open*:entry", "openat"), second);
    assert_eq!(path("syscall::open64:entry", "openat"), second);
    assert_eq!(path("syscall::open*:entry", "open"), FieldPlace::Context { offset: 16, size: 8 });
    assert_eq!(path("syscall::openat:entry", "openat"), FieldPlace::Context { offset: 16, size: 8 });
    let without = world.with(Settings { aliases: false, ..Settings::default() });
    assert!(without.find(&desc("syscall::exece:return")).is_err());
    // A pattern that Linux has, too, but with other arguments, is told.
    for (text, told) in [("syscall::open*:entry", 1), ("syscall::open*:return", 0), ("syscall::open64:entry", 0)] {
        let providers = world.with(Settings::default());
        providers.find(&desc(text)).unwrap();
        let warnings = providers.take_warnings();
        assert_eq!(warnings.iter().filter(|one| one.contains("-x aliases=no")).count(), told, "{warnings:?}");
    }
    assert_eq!(world.names("sdt:::interrupt-start"), ["sdt:irq::irq_handler_entry"]);
}

#[test]
fn tracepoints() {
    let Some(world) = World::new() else { return };
    let handed = world.layout("rawtp:sched::sched_switch");
    assert_eq!((handed.args.len() >= 3, &handed.raw[1]), (true, &Value::Word(1)));
    let recorded = world.layout("sdt:sched::sched_switch");
    let Value::Field(field) = &recorded.raw[1] else { panic!("{recorded:?}") };
    assert_eq!((recorded.args.len(), field.name.as_str()), (7, "prev_pid"));
    assert!(world.names("sdt:sched::sched_process_*").len() > 3);
    assert!(world.names("sdt:::").len() > 500);
    assert!(world.find("rawtp:::sched_switch").unwrap().len() == 1);
    assert!(world.find("sdt:sched::sched_swich").is_err());
}

#[test]
fn listing_everything_is_quick() {
    let Some(world) = World::new() else { return };
    let providers = world.providers();
    let (mut rows, mut ids) = (0, std::collections::HashSet::new());
    let start = std::time::Instant::now();
    let mut count = |row: quadrant_d::providers::Row| {
        rows += 1;
        assert!(ids.insert(row.id), "{row:?}");
        assert!(row.id < 1_000_000);
    };
    providers.list(&desc(":::"), &mut count).unwrap();
    assert!(rows > 2_000, "{rows}");
    eprintln!("{rows} probes in {:?}", start.elapsed());
}
