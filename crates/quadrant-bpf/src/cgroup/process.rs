//! Processes of groups, by the numbers that they have in their own namespaces.

use std::io;
use std::path::Path;

use super::{Refusal, Subtree, UNIFIED, hierarchies};

/// Processes that a message names.
const NAMED: usize = 8;
/// What reading says when a group was removed meanwhile.
const GONE: [i32; 2] = [libc::ENOENT, libc::ENODEV];

impl Subtree {
    /// The process with a number in the group or those in it: the number that it has here or, if none there has that, the one that it has
    /// in a process namespace of its own.
    ///
    /// # Errors
    /// There is none, or several, or it cannot be read which there are.
    pub fn process(&self, number: u32) -> Result<u32, Refusal> {
        let there = self.processes()?;
        if there.contains(&number) {
            return Ok(number);
        }
        let called: Vec<u32> = there.into_iter().filter(|pid| own_numbers(*pid).contains(&number)).collect();
        match called.as_slice() {
            [one] => Ok(*one),
            [] => Err(Refusal::new(
                format!("no process {number} is in that container or control group"),
                "`quadrant active` and `ps` show numbers as they are here; those of a container are taken, too",
            )),
            several => Err(Refusal::new(
                format!("{} processes of that container or control group call themselves {number}", several.len()),
                format!("take the number that one has here: {}", listed(several)),
            )),
        }
    }

    /// The processes in the group and those in it, as they are numbered here.
    fn processes(&self) -> Result<Vec<u32>, Refusal> {
        let all = hierarchies();
        let Some(unified) = all.iter().find(|hierarchy| hierarchy.name == UNIFIED) else { return Ok(Vec::new()) };
        let Some(path) = unified.path(self.id) else { return Ok(Vec::new()) };
        let inside = |candidate: &[u8]| {
            let rest = candidate.strip_prefix(path.strip_suffix(b"/").unwrap_or(&path));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let groups = unified.paths().into_values().filter(|group| inside(group));
        let mut found = Vec::new();
        for group in groups {
            found.extend(processes_of(&unified.folder(&group))?);
        }
        // One that has threads in several groups is in each of them.
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// Those that are in a group itself, or have threads in it.
fn processes_of(folder: &Path) -> Result<Vec<u32>, Refusal> {
    match listed_in(&folder.join("cgroup.procs")) {
        // Groups of threads tell their threads only.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            let threads = listed_in(&folder.join("cgroup.threads"));
            threads.map(|threads| threads.into_iter().filter_map(process_of_thread).collect())
        }
        listed => listed,
    }
    .map_err(|error| {
        Refusal::new(
            format!("cannot read which processes are in {}: {error}", folder.display()),
            "leave --cgroup or --container out: a process is one of itself",
        )
    })
}

/// The numbers in a group's file; none if the group is gone. One that has no number here is there as 0.
fn listed_in(file: &Path) -> io::Result<Vec<u32>> {
    let is_gone = |error: &io::Error| matches!(error.raw_os_error(), Some(code) if GONE.contains(&code));
    let text = match std::fs::read_to_string(file) {
        Err(error) if is_gone(&error) => String::new(),
        text => text?,
    };
    Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|number| *number != 0).collect())
}

/// The process of a thread; `None` if it is gone.
fn process_of_thread(thread: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

/// What processes with such a number in a namespace of their own are called here, for messages; empty if there are none.
pub(crate) fn called_elsewhere(number: u32) -> String {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.retain(|pid| own_numbers(*pid).contains(&number));
    pids.sort_unstable();
    listed(&pids)
}

fn listed(pids: &[u32]) -> String {
    let shown: Vec<String> = pids.iter().take(NAMED).map(u32::to_string).collect();
    let more = if pids.len() > NAMED { ", ..." } else { "" };
    shown.join(", ") + more
}

/// The numbers of a process in the namespaces below this one.
fn own_numbers(pid: u32) -> Vec<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    numbers(&status)
}

fn numbers(status: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    line.split_whitespace().skip(1).filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_namespaces() {
        assert_eq!(numbers("Name:\tx\nNSpid:\t4711\t12\t1\nFDSize:\t64\n"), [12, 1]);
        assert_eq!(numbers("NSpid:\t4711\n"), [] as [u32; 0]);
        assert_eq!(numbers(""), [] as [u32; 0]);
        assert_eq!(listed(&[1, 2]), "1, 2");
        assert_eq!(listed(&[7; 9]), "7, 7, 7, 7, 7, 7, 7, 7, ...");
    }
}
