//! What /proc tells about a running tracer.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::Failure;

/// A process and all that it started.
pub fn family(pid: u32) -> Vec<u32> {
    let parents = parents();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(child, _)| *child));
        next += 1;
    }
    family
}

/// The bytes of the file that a process runs, and of the libraries that it has mapped beside it.
pub fn file_sizes(pid: u32) -> Result<(u64, u64), Failure> {
    let exe = fs::metadata(format!("/proc/{pid}/exe"))?.len();
    Ok((exe, mapped_libraries(pid)?.values().sum()))
}

/// The memory that a process has now, in KiB.
pub fn memory_kib(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("its memory is not known")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Every process's parent.
fn parents() -> BTreeMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

/// The fourth field of /proc/PID/stat; the second is the name in parentheses, which can hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// The size of each mapped file that has the name of a library, by device and inode.
fn mapped_libraries(pid: u32) -> Result<BTreeMap<(u64, u64), u64>, Failure> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let ranges = maps.lines().filter(|line| line.contains(".so")).filter_map(|line| line.split_once(' '));
    // The path may be of another root; the link of the mapping leads to the file itself.
    let files = ranges.filter_map(|(range, _)| fs::metadata(format!("/proc/{pid}/map_files/{range}")).ok());
    Ok(files.map(|file| ((file.dev(), file.ino()), file.len())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_in_the_family() {
        let child = quadrant_testing::Program::new("sleep").arg("60").start().unwrap();
        assert!(family(std::process::id()).contains(&child.pid()));
        assert!(!family(child.pid()).contains(&std::process::id()));
    }

    #[test]
    fn this_static_program_has_no_libraries() {
        let (exe, libraries) = file_sizes(std::process::id()).unwrap();
        assert!(exe > 100_000 && libraries == 0, "{exe} {libraries}");
        assert!(memory_kib(std::process::id()).unwrap() > 100);
    }

    #[test]
    fn a_dynamic_program_has_libraries() {
        let shell = quadrant_testing::Program::new("sh").args(["-c", "echo started; read line"]).with_input();
        let shell = shell.start().unwrap();
        shell.wait_for_stdout("started").unwrap();
        let (exe, libraries) = file_sizes(shell.pid()).unwrap();
        assert!(exe > 0 && libraries > 1_000_000, "{exe} {libraries}");
    }
}
