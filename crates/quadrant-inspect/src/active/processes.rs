//! Which process holds what: its descriptors of links, programs, maps and perf events.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use quadrant_bpf::Error;

use super::Notes;
use super::model::Owner;

/// A process that holds something of interest.
#[derive(Clone, Debug)]
pub struct Process {
    pub owner: Owner,
    pub handles: Vec<Handle>,
}

/// A descriptor.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Handle {
    Link(u32),
    Program(u32),
    Map(u32),
    /// A perf event: the descriptor's number.
    PerfEvent(u32),
    /// Makes the kernel count runs of programs.
    Statistics,
}

/// Looks at the descriptors of all processes. What belongs to others is open to root only.
pub fn scan(notes: &mut Notes) -> Vec<Process> {
    let entries = match std::fs::read_dir("/proc") {
        Ok(entries) => entries,
        Err(error) => {
            notes.add(Error::io("cannot list processes", &error));
            return Vec::new();
        }
    };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut closed = 0;
    let found = pids.filter_map(|pid: u32| process(pid, &mut closed)).collect();
    if closed > 0 {
        notes.add(format!("cannot see what {closed} processes of other users hold: EACCES: run it as root"));
    }
    found
}

fn process(pid: u32, closed: &mut u32) -> Option<Process> {
    let directory = format!("/proc/{pid}/fd");
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) => {
            *closed += u32::from(error.kind() == std::io::ErrorKind::PermissionDenied);
            return None;
        }
    };
    let handles: Vec<Handle> = entries.flatten().filter_map(|entry| handle(pid, &entry.path())).collect();
    (!handles.is_empty()).then(|| Process { owner: owner(pid), handles })
}

fn handle(pid: u32, link: &Path) -> Option<Handle> {
    let target = std::fs::read_link(link).ok()?;
    let kind = target.as_os_str().as_bytes().strip_prefix(b"anon_inode:")?;
    let fd: u32 = link.file_name()?.to_str()?.parse().ok()?;
    let bare = kind.strip_prefix(b"[").and_then(|kind| kind.strip_suffix(b"]")).unwrap_or(kind);
    match bare {
        b"bpf_link" | b"bpf-link" => Some(Handle::Link(field(pid, fd, "link_id:")?)),
        b"bpf-map" => Some(Handle::Map(field(pid, fd, "map_id:")?)),
        b"bpf-prog" => Some(Handle::Program(field(pid, fd, "prog_id:")?)),
        b"perf_event" => Some(Handle::PerfEvent(fd)),
        b"bpf-stats" => Some(Handle::Statistics),
        _ => None,
    }
}

/// A number from what the kernel says about a descriptor.
fn field(pid: u32, fd: u32, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

/// What a descriptor of this process is.
pub fn own_handle(fd: u32) -> Option<Handle> {
    let pid = std::process::id();
    handle(pid, Path::new(&format!("/proc/{pid}/fd/{fd}")))
}

/// A process with its name.
pub fn owner(pid: u32) -> Owner {
    let mut comm = std::fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    if comm.last() == Some(&b'\n') {
        comm.pop();
    }
    Owner { pid, comm }
}
