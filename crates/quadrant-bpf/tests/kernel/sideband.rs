//! What processes map and become, as the side-band reports it.

use std::ffi::CString;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quadrant_bpf::process::{Child, Status};
use quadrant_bpf::sideband::{Event, Sideband, What};
use quadrant_bpf::wait::Epoll;

use crate::common::{self, need_root};

/// Every side-band sees all processes, so the test that fills a buffer must not run beside the others.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that happened meanwhile.
fn all(sideband: &mut Sideband) -> Vec<Event> {
    let mut events = Vec::new();
    sideband.drain(|event| events.push(event.clone()));
    events
}

/// Starts a shell; it must exist before the side-band for the test to see only the shell's program.
fn shell(script: &str) -> Child {
    let words = ["/bin/sh", "-c", script].map(|word| CString::new(word).unwrap());
    Child::spawn(&words).unwrap()
}

fn run(child: &mut Child) {
    child.release().unwrap();
    assert_eq!(child.wait().unwrap(), Status::Exited(0));
}

#[test]
fn a_processor_that_was_off_is_listened_to_again_and_nothing_is_told_twice() {
    need_root!();
    let _alone = alone();
    let (mut before, mut after) = (shell("exit 0"), shell("exit 0"));
    let mut sideband = Sideband::open().unwrap();
    run(&mut before);
    let online = quadrant_bpf::cpus::online().unwrap();
    for cpu in &online {
        assert!(sideband.listen(*cpu).unwrap().is_some());
    }
    assert_eq!(sideband.fds().count(), online.len());
    run(&mut after);
    let events = all(&mut sideband);
    for child in [before, after] {
        let executed = events.iter().filter(|event| event.pid == child.pid() && event.what == What::Executed);
        assert_eq!(executed.count(), 1);
    }
    assert_eq!(sideband.lost(), 0);
}

#[test]
fn a_program_that_is_gone_was_reported() {
    need_root!();
    let _alone = alone();
    let mut child = shell("exit 0");
    let mut sideband = Sideband::open().unwrap();
    assert_eq!(sideband.fds().count(), quadrant_bpf::cpus::online().unwrap().len());
    run(&mut child);
    let events = all(&mut sideband);
    let own: Vec<&Event> = events.iter().filter(|event| event.pid == child.pid()).collect();
    assert_eq!(own[0].what, What::Executed, "{own:?}");
    let file = std::fs::metadata("/bin/sh").unwrap();
    let mapped = own.iter().filter_map(|event| match &event.what {
        What::Mapped(mapped) if mapped.inode == file.ino() => Some(mapped),
        _ => None,
    });
    let mapped: Vec<_> = mapped.collect();
    assert_eq!(mapped.len(), 1, "only executable mappings are reported: {own:?}");
    assert_eq!(mapped[0].path, std::fs::canonicalize("/bin/sh").unwrap().into_os_string().as_encoded_bytes());
    assert!(mapped[0].len > 0 && mapped[0].start > 0);
    assert!(own.is_sorted_by_key(|event| event.time) && own[0].time > 0);
    assert_eq!(sideband.lost(), 0);
    assert!(!all(&mut sideband).iter().any(|event| event.pid == child.pid()), "nothing is given twice");
}

#[test]
fn a_copy_is_known_before_what_it_does() {
    need_root!();
    let _alone = alone();
    let mut child = shell("for i in 1 2 3 4 5 6 7 8; do /bin/true & done; wait");
    let mut sideband = Sideband::open().unwrap();
    run(&mut child);
    let events = all(&mut sideband);
    let forked: Vec<&Event> =
        events.iter().filter(|event| event.what == What::Forked { parent: child.pid() }).collect();
    assert_eq!(forked.len(), 8, "{events:?}");
    for copy in forked {
        let first = events.iter().find(|event| event.pid == copy.pid);
        assert_eq!(first, Some(copy));
        assert!(events.iter().any(|event| event.pid == copy.pid && event.what == What::Executed));
    }
}

#[test]
fn threads_are_no_processes() {
    need_root!();
    let _alone = alone();
    let mut sideband = Sideband::open().unwrap();
    std::thread::spawn(|| ()).join().unwrap();
    let own = std::process::id();
    assert!(!all(&mut sideband).iter().any(|event| event.pid == own && matches!(event.what, What::Forked { .. })));
}

#[test]
fn executed_programs_wake_the_reader() {
    need_root!();
    let _alone = alone();
    let mut child = shell("for i in 1 2 3 4; do /bin/true; done");
    let sideband = Sideband::open().unwrap();
    let epoll = Epoll::new().unwrap();
    sideband.fds().for_each(|fd| epoll.add(fd, 5).unwrap());
    run(&mut child);
    let mut ready = Vec::new();
    epoll.wait(Some(Duration::from_secs(10)), &mut ready).unwrap();
    assert!(ready.contains(&5));
}

#[test]
fn what_has_no_room_is_counted() {
    need_root!();
    let _alone = alone();
    // One processor's buffer is to be filled.
    common::stay_on_this_processor();
    let mut child = shell("i=0; while [ $i -lt 2000 ]; do (:); i=$((i+1)); done");
    let mut sideband = Sideband::open().unwrap();
    run(&mut child);
    let seen = all(&mut sideband);
    // Older kernels tell only with the next record that fits.
    run(&mut shell("exit 0"));
    all(&mut sideband);
    let forked = seen.iter().filter(|event| event.what == What::Forked { parent: child.pid() }).count();
    assert!(forked < 2000, "the test must fill the buffer");
    assert!(sideband.lost() as usize >= 2000 - forked, "{} of {forked}", sideband.lost());
}
