//! Events that tracers made in tracefs. They do not go with their maker, so their group tells who that was: a start that uses
//! tracefs, or the user, removes those whose maker is dead.

use std::collections::BTreeSet;

use quadrant_bpf::tracefs::TraceFs;

use crate::error::{Result, error, from_kernel};

/// The file of tracefs that makes, lists and removes events in the kernel's code.
pub(crate) const EVENTS: &str = "kprobe_events";

/// What the names of our groups begin with; process id and start time of the maker follow.
const PREFIX: &str = "quadrant_";

/// The group of this process's events.
pub(crate) fn own_group() -> Result<String> {
    let id = std::process::id();
    let started =
        start_time(id).ok_or_else(|| error("cannot read the start time of this process (/proc/self/stat)"))?;
    Ok(format!("{PREFIX}{id}_{started}"))
}

/// What became of the events of dead tracers, each `group/event`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Those that are gone.
    pub removed: Vec<String>,
    /// Those that the kernel keeps, and why: someone else uses them.
    pub kept: Vec<(String, String)>,
}

/// Removes the events of tracers that are dead. Those in use by someone else are left.
///
/// # Errors
/// The events cannot be listed.
pub fn sweep(tracefs: &TraceFs) -> Result<Swept> {
    let mut swept = Swept::default();
    if !tracefs.exists(EVENTS) {
        return Ok(swept);
    }
    let text = tracefs.read(EVENTS).map_err(|e| from_kernel(&e))?;
    for event in orphans(&String::from_utf8_lossy(&text), &start_time) {
        match tracefs.append(EVENTS, &format!("-:{event}\n")) {
            Ok(()) => swept.removed.push(event),
            Err(refusal) => swept.kept.push((event, from_kernel(&refusal).message)),
        }
    }
    Ok(swept)
}

/// `group/event` of our events whose maker does not live: no process has its id, or one that started at another time.
fn orphans(list: &str, start_time: &dyn Fn(u32) -> Option<u64>) -> Vec<String> {
    let mut living = BTreeSet::new();
    let mut orphans = Vec::new();
    for event in list.lines().filter_map(event) {
        let group = event.split('/').next().unwrap_or_default();
        let Some((id, started)) = owner(group) else { continue };
        if living.contains(group) {
            continue;
        }
        if start_time(id) == Some(started) {
            living.insert(group.to_owned());
        } else {
            orphans.push(event.to_owned());
        }
    }
    orphans
}

/// A line is `p:group/event PLACE`, or `r8:group/event PLACE`.
fn event(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(':')?;
    rest.split_whitespace().next()
}

fn owner(group: &str) -> Option<(u32, u64)> {
    let (id, started) = group.strip_prefix(PREFIX)?.split_once('_')?;
    Some((id.parse().ok()?, started.parse().ok()?))
}

/// When a process started, in clock ticks since boot: field 22 of its `stat`, which counts from behind the name.
fn start_time(id: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "p:kprobes/mine vfs_read\nr8:quadrant_10_500/q10_0 vfs_read\np:quadrant_10_500/q10_1 vfs_read+4\n\
        p:quadrant_11_500/q11_0 vfs_read\np:quadrant_12_500/q12_0 0xffffffff81000000\np:quadrant_x/y z\nnonsense\n";

    #[test]
    fn orphans_are_those_whose_maker_is_gone() {
        // 10 lives, 11 is another process by now, 12 is none.
        let started = |id| match id {
            10 => Some(500),
            11 => Some(900),
            _ => None,
        };
        assert_eq!(orphans(LIST, &started), ["quadrant_11_500/q11_0", "quadrant_12_500/q12_0"]);
    }

    #[test]
    fn this_process_lives() {
        let group = own_group().unwrap();
        assert!(orphans(&format!("p:{group}/q vfs_read\n"), &start_time).is_empty());
        assert_eq!(owner(&group).unwrap().0, std::process::id());
    }
}
