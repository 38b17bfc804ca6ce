//! tracefs, mounted or not, and files of sysfs.

use std::path::Path;

use quadrant_bpf::debugfs::DebugFs;
use quadrant_bpf::file::MappedFile;
use quadrant_bpf::tracefs::TraceFs;

use crate::common::need_root;

#[test]
fn finds_events() {
    need_root!();
    let tracefs = TraceFs::open().unwrap();
    assert!(tracefs.list("events").unwrap().iter().any(|name| name == "sched"));
    assert!(tracefs.list("").unwrap().iter().any(|name| name == "events"));
    assert!(tracefs.event_id("sched", "sched_switch").unwrap() > 0);
    let format = tracefs.read("events/sched/sched_switch/format").unwrap();
    assert!(String::from_utf8(format).unwrap().contains("field:pid_t prev_pid;"));
}

#[test]
fn explains_what_is_not_there() {
    need_root!();
    let tracefs = TraceFs::open().unwrap();
    assert!(tracefs.event_id("sched", "no_such").unwrap_err().is(libc::ENOENT));
    assert!(tracefs.read("../../etc/passwd").unwrap_err().is(libc::EINVAL));
    assert!(tracefs.read("/etc/passwd").unwrap_err().is(libc::EINVAL));
}

#[test]
fn debugfs_is_open_without_a_mount() {
    need_root!();
    let debugfs = DebugFs::open().unwrap();
    match debugfs.read("kprobes/list") {
        Ok(list) => assert!(list.is_empty() || list.ends_with(b"\n")),
        Err(error) => assert!(error.is(libc::ENOENT) && error.to_string().contains("debugfs"), "{error}"),
    }
}

#[test]
fn maps_files_of_sysfs_only() {
    let btf = Path::new("/sys/kernel/btf/vmlinux");
    if btf.exists() {
        let file = MappedFile::open(btf).unwrap();
        assert_eq!(file.get(..2), Some(&0xeb9fu16.to_ne_bytes()[..]));
        assert_eq!(file.len() as u64, btf.metadata().unwrap().len());
    }
    assert!(MappedFile::open(Path::new("/proc/version")).is_err());
    assert!(MappedFile::open(Path::new("/sys/no/such")).is_err());
}
