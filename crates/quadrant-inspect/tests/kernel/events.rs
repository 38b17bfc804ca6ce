//! Events of tracefs, and the kernel's list of kernel probes.

use quadrant_bpf::debugfs::DebugFs;
use quadrant_bpf::maker::Maker;
use quadrant_bpf::perf::{Event, KernelPlace, PerfEvent, Scope};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_inspect::active::{self, Attachment, Kind, Via};

use crate::common::{need, need_root, place};

/// Events of one test, removed when it ends in whatever way.
struct Events {
    tracefs: TraceFs,
    group: String,
}

impl Events {
    fn new(group: &str, lines: &[&str]) -> Events {
        let events = Events { tracefs: TraceFs::open().unwrap(), group: group.to_owned() };
        for line in lines {
            events.tracefs.append("kprobe_events", &line.replace("GROUP", group)).unwrap();
        }
        events
    }

    fn switch(&self, to: &str) {
        self.tracefs.append(&format!("events/{}/enable", self.group), to).unwrap();
    }

    fn found(&self) -> Vec<Attachment> {
        let mut all = active::survey().attachments;
        let prefix = format!("{}/", self.group);
        all.retain(|found| found.event.as_ref().is_some_and(|event| event.starts_with(&prefix)));
        all
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.switch("0");
        let names: Vec<String> = self.found().into_iter().filter_map(|found| found.event).collect();
        for name in names {
            self.tracefs.append("kprobe_events", &format!("-:{name}\n")).unwrap();
        }
    }
}

fn has_kprobe_events() -> bool {
    TraceFs::open().is_ok_and(|tracefs| tracefs.exists("kprobe_events"))
}

#[test]
fn counts_are_those_of_the_kernels_profile() {
    need_root!();
    need!(has_kprobe_events(), "this kernel has no kprobes");
    let lines = ["p:GROUP/quadrant_in vfs_open\n", "r1:GROUP/quadrant_out vfs_open\n"];
    let events = Events::new("inspect_profile", &lines);
    events.switch("1");
    (0..101).for_each(|_| look());
    events.switch("0");
    let found = events.found();
    let profile = String::from_utf8(events.tracefs.read("kprobe_profile").unwrap()).unwrap();
    for (name, kind) in [("quadrant_in", Kind::Kprobe), ("quadrant_out", Kind::Kretprobe)] {
        let line = profile.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        let counts: Vec<u64> = line.split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect();
        let one = found.iter().find(|found| found.kind == kind).unwrap();
        assert_eq!((one.hits, one.misses), (Some(counts[0]), Some(counts[1])), "{one:#?}\n{profile}");
        assert_eq!((one.via, place(one), one.enabled), (Via::Tracefs, "vfs_open".to_owned(), Some(false)));
    }
}

/// Makes the kernel call `vfs_open`.
fn look() {
    drop(std::fs::File::open("/proc/self/comm").unwrap());
}

#[test]
fn every_kernel_probe_is_shown_once() {
    need_root!();
    need!(has_kprobe_events(), "this kernel has no kprobes");
    let events = Events::new("inspect_list", &["p:GROUP/one vfs_fadvise\n", "p:GROUP/two vfs_fadvise\n"]);
    let list = String::from_utf8(DebugFs::open().unwrap().read("kprobes/list").unwrap()).unwrap();
    let listed = list.lines().filter(|line| line.contains("vfs_fadvise")).count();
    let all = active::survey().attachments;
    let shown = all.iter().filter(|found| place(found) == "vfs_fadvise").map(|found| found.kprobes.len()).sum();
    assert_eq!((listed, shown), (2, 2), "{list}");
    for found in events.found() {
        assert_eq!(found.kprobes.len(), 1, "{found:#?}");
        assert!(found.kprobes[0].flags.contains(&"DISABLED".to_owned()), "{found:#?}");
    }
}

#[test]
fn a_kernel_probe_without_a_program_is_shown_too() {
    need_root!();
    need!(has_kprobe_events(), "this kernel has no kprobes");
    let event = Event::Kprobe { place: KernelPlace::Symbol(c"vfs_fallocate", 0), on_return: false };
    let _event = PerfEvent::open(&event, Scope::All).unwrap();
    let all = active::survey().attachments;
    let probe = |found: &&Attachment| found.kind == Kind::Kprobe && found.via == Via::Kernel;
    let found = all.iter().filter(probe).find(|found| place(found).starts_with("vfs_fallocate")).unwrap();
    assert_eq!(found.kprobes.len(), 1, "{found:#?}");
    let bare = |found: &&Attachment| found.kind == Kind::PerfEvent && found.program.is_none();
    let mine = all.iter().filter(bare).find(|found| found.owners.iter().any(|owner| owner.pid == std::process::id()));
    assert!(mine.unwrap().target_count >= 1);
}

#[test]
fn events_that_fill_a_buffer_are_shown() {
    need_root!();
    let tracefs = TraceFs::open().unwrap();
    let Some(buffer) = Instance::new("quadrant_inspect") else {
        return quadrant_testing::skip("tracefs is not mounted");
    };
    tracefs.append("instances/quadrant_inspect/events/sched/sched_process_hang/enable", "1").unwrap();
    let of = |instance: Option<&str>| {
        let all = active::survey().attachments;
        let mut found = all.into_iter().filter(|found| found.kind == Kind::Tracepoint && found.via == Via::Tracefs);
        found.find(|found| found.instance.as_deref() == instance)
    };
    let found = of(Some("quadrant_inspect")).unwrap();
    assert_eq!((place(&found), found.target_count), ("sched:sched_process_hang".to_owned(), 1));
    drop(buffer);
    assert!(of(Some("quadrant_inspect")).is_none());
}

/// A trace buffer of its own, in a tracefs that is mounted; removed when the test ends in whatever way.
struct Instance(std::path::PathBuf);

impl Instance {
    fn new(name: &str) -> Option<Instance> {
        let path = std::path::Path::new("/sys/kernel/tracing/instances").join(name);
        std::fs::create_dir(&path).ok()?;
        Some(Instance(path))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let patience = std::time::Duration::from_secs(30);
        let start = std::time::Instant::now();
        // The surveys of other tests have its files open for a moment.
        while let Err(error) = std::fs::remove_dir(&self.0) {
            assert!(error.kind() == std::io::ErrorKind::ResourceBusy && start.elapsed() < patience, "{error}");
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_maker_of_an_event_is_known_and_orphans_too() {
    need_root!();
    need!(has_kprobe_events(), "this kernel has no kprobes");
    let this = Maker::this().unwrap();
    let mine = Events::new(&this.group(), &["p:GROUP/quadrant_mine vfs_fsync_range\n"]).found();
    assert_eq!((mine[0].owners[0].pid, mine[0].orphan), (this.pid, false));
    let gone = Maker { started: this.started + 1, ..this };
    let left = Events::new(&gone.group(), &["p:GROUP/quadrant_left vfs_fsync_range\n"]).found();
    assert!(left[0].owners.is_empty() && left[0].orphan, "{left:#?}");
}
