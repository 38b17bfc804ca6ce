//! How much memory is left to this process where its control group limits it: beyond that the kernel kills instead of refusing.

use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted, and the hierarchy of memory where each controller has one of its own.
const UNIFIED: &str = "/sys/fs/cgroup";
const MEMORY: &str = "/sys/fs/cgroup/memory";

/// What a control group's files of one version are called.
struct Names {
    limit: &'static str,
    usage: &'static str,
    /// Of `memory.stat`: pages of files, which the kernel takes back.
    files: [&'static str; 2],
}

const SECOND: Names = Names { limit: "memory.max", usage: "memory.current", files: ["inactive_file", "active_file"] };
const FIRST: Names = Names {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    files: ["total_inactive_file", "total_active_file"],
};

/// Bytes that this process's control group, and those around it, have left; `None` without a limit.
pub(crate) fn left() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let of = |(root, path, names): (&str, &str, &'static Names)| least(Path::new(root), path, names);
    hierarchies(&groups).filter_map(of).min()
}

/// The hierarchies that can limit memory: where they are mounted, this process's group in them, and what their files are called.
fn hierarchies(groups: &str) -> impl Iterator<Item = (&'static str, &str, &'static Names)> {
    groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        match controllers {
            "" => Some((UNIFIED, path, &SECOND)),
            _ if controllers.split(',').any(|controller| controller == "memory") => Some((MEMORY, path, &FIRST)),
            _ => None,
        }
    })
}

/// What the group that is nearest to its limit has left, of a group and those around it. In a container, the path may not be there.
fn least(root: &Path, path: &str, names: &Names) -> Option<u64> {
    let group: PathBuf = root.join(path.trim_start_matches('/'));
    let all = group.ancestors().take_while(|dir| dir.starts_with(root));
    all.filter_map(|dir| left_in(&|file| fs::read_to_string(dir.join(file)).ok(), names)).min()
}

fn left_in(read: &dyn Fn(&str) -> Option<String>, names: &Names) -> Option<u64> {
    let number = |file: &str| read(file)?.trim().parse::<u64>().ok();
    // `max` is no number; without a limit, the first version has a very large one, of which all is left.
    let (limit, usage) = (number(names.limit)?, number(names.usage)?);
    let stat = read("memory.stat").unwrap_or_default();
    let fields = stat.lines().filter_map(|line| line.split_once(' '));
    let files: u64 = fields
        .filter(|(name, _)| names.files.contains(name))
        .filter_map(|(_, value)| value.parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    Some(limit.saturating_sub(usage.saturating_sub(files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_versions() {
        let found = |text| hierarchies(text).map(|(root, path, _)| (root, path)).collect::<Vec<_>>();
        assert_eq!(found("0::/user.slice/a\n"), [(UNIFIED, "/user.slice/a")]);
        assert_eq!(found("4:memory:/a\n3:cpu,cpuacct:/\n0::/\n"), [(MEMORY, "/a"), (UNIFIED, "/")]);
        assert_eq!(found("nonsense"), []);
    }

    #[test]
    fn pages_of_files_are_left() {
        let read = |limit: &'static str| {
            move |file: &str| {
                let text = match file {
                    "memory.max" => limit,
                    "memory.current" => "30\n",
                    "memory.stat" => "anon 5\ninactive_file 7\nactive_file 8\n",
                    _ => return None,
                };
                Some(text.to_owned())
            }
        };
        assert_eq!(left_in(&read("100\n"), &SECOND), Some(85));
        assert_eq!(left_in(&read("10\n"), &SECOND), Some(0));
        assert_eq!(left_in(&read("max\n"), &SECOND), None);
        assert_eq!(left_in(&read("100\n"), &FIRST), None);
    }
}
