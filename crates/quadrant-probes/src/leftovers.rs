//! Events that tracers made in tracefs. They do not go with their maker, so their group tells who that was: a start that uses
//! tracefs, or the user, removes those whose maker is dead.

use std::collections::HashMap;

use quadrant_bpf::maker::Maker;
use quadrant_bpf::tracefs::TraceFs;

use crate::error::{Result, from_kernel};

/// The file of tracefs that makes, lists and removes events in the kernel's code, and the one for user code.
pub(crate) const EVENTS: &str = "kprobe_events";
const USER_EVENTS: &str = "uprobe_events";

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
    for file in [EVENTS, USER_EVENTS].into_iter().filter(|file| tracefs.exists(file)) {
        let text = tracefs.read(file).map_err(|e| from_kernel(&e))?;
        for event in orphans(&String::from_utf8_lossy(&text), &Maker::lives) {
            match tracefs.append(file, &format!("-:{event}\n")) {
                Ok(()) => swept.removed.push(event),
                Err(refusal) => swept.kept.push((event, from_kernel(&refusal).message)),
            }
        }
    }
    Ok(swept)
}

/// `group/event` of our events whose maker does not live.
fn orphans(list: &str, lives: &dyn Fn(&Maker) -> bool) -> Vec<String> {
    let mut living = HashMap::new();
    let mut orphans = Vec::new();
    for event in list.lines().filter_map(event) {
        let Some(maker) = event.split('/').next().and_then(Maker::of) else { continue };
        if !*living.entry((maker.pid, maker.started)).or_insert_with(|| lives(&maker)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "p:kprobes/mine vfs_read\nr8:quadrant_10_500/q10_0 vfs_read\np:quadrant_10_500/q10_1 vfs_read+4\n\
        p:quadrant_11_500/q11_0 vfs_read\np:quadrant_12_500/q12_0 0xffffffff81000000\np:quadrant_x/y z\nnonsense\n";

    #[test]
    fn orphans_are_those_whose_maker_is_gone() {
        // 10 lives, 11 is another process by now, 12 is none.
        let lives = |maker: &Maker| *maker == Maker { pid: 10, started: 500 };
        assert_eq!(orphans(LIST, &lives), ["quadrant_11_500/q11_0", "quadrant_12_500/q12_0"]);
    }

    #[test]
    fn this_process_lives() {
        let group = Maker::this().unwrap().group();
        assert!(orphans(&format!("p:{group}/q vfs_read\n"), &Maker::lives).is_empty());
    }
}
