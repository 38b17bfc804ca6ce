//! Very many probes in programs: a wildcard is written in a moment, and each hit of what it means takes the program longer than most
//! of its functions do. What that costs is said before it is paid.

use std::collections::BTreeMap;
use std::path::Path;

use quadrant_probes::processes_that_run;
use quadrant_program::Program;
use quadrant_program::probe::Inode;
use quadrant_program::probe::Site;

use crate::sink::Sink;

/// Probes of programs, of all wildcards of a script, about which nothing is said.
const FEW: usize = 1_000;

/// A file with probes.
#[derive(Clone, Copy)]
struct Crowded<'a> {
    path: &'a Path,
    inode: Inode,
    probes: usize,
}

/// Tell what the probes in programs will cost these, if they are very many.
pub(crate) fn tell(program: &Program, sink: &mut dyn Sink) {
    let sites: Vec<_> = program.points.iter().filter_map(|point| in_program(&point.site)).collect();
    if sites.len() <= FEW {
        return;
    }
    // All are in one process, or they are in every process that runs the files.
    let pid = sites[0].2.filter(|pid| sites.iter().all(|site| site.2 == Some(*pid)));
    let files = by_file(sites.into_iter().map(|(path, inode, _)| (path, inode)));
    sink.advised(&text(&files, pid, &|inode| processes_that_run(inode)));
}

fn in_program(site: &Site) -> Option<(&Path, Inode, Option<u32>)> {
    match site {
        Site::Uprobe { path, inode, pid, .. }
        | Site::Uretprobe { path, inode, pid, .. }
        | Site::Usdt { path, inode, pid, .. } => Some((path, *inode, *pid)),
        _ => None,
    }
}

/// The files, that with the most probes first.
fn by_file<'a>(sites: impl Iterator<Item = (&'a Path, Inode)>) -> Vec<Crowded<'a>> {
    let mut files: BTreeMap<&Path, Crowded> = BTreeMap::new();
    for (path, inode) in sites {
        files.entry(path).or_insert(Crowded { path, inode, probes: 0 }).probes += 1;
    }
    let mut files: Vec<_> = files.into_values().collect();
    files.sort_by_key(|file| std::cmp::Reverse(file.probes));
    files
}

fn text(files: &[Crowded], pid: Option<u32>, running: &dyn Fn(Inode) -> usize) -> String {
    let probes: usize = files.iter().map(|file| file.probes).sum();
    let [first, others @ ..] = files else { return String::new() };
    let place = match others.len() {
        0 => format!("in {}", first.path.display()),
        1 => format!("in {} and another file", first.path.display()),
        others => format!("in {} and {others} other files", first.path.display()),
    };
    let (who, narrower) = match pid {
        Some(pid) => (format!("process {pid} runs"), ""),
        None => (told(running(first.inode)), ", or one process (-p PID)"),
    };
    format!(
        "{probes} probes are put {place}, which {who}: each hit takes its thread about half a microsecond, 4 to 10 where the kernel \
         executes the instruction in single step; name fewer functions{narrower}"
    )
}

fn told(processes: usize) -> String {
    match processes {
        0 => "no process runs now".to_owned(),
        1 => "1 process runs now".to_owned(),
        more => format!("{more} processes run now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, probes: usize) -> Crowded<'_> {
        Crowded { path: Path::new(path), inode: Inode::default(), probes }
    }

    #[test]
    fn the_file_with_the_most_probes_is_named_with_who_runs_it_and_how_to_name_fewer() {
        let text = |files: &[Crowded], pid| text(files, pid, &|_| 3);
        let one = text(&[file("/lib/a.so", 2000)], None);
        assert!(
            one.starts_with("2000 probes are put in /lib/a.so, which 3 processes run now: each hit takes"),
            "{one}"
        );
        assert!(one.ends_with("name fewer functions, or one process (-p PID)"), "{one}");
        let of_a_process = text(&[file("/lib/a.so", 900), file("/lib/b.so", 200)], Some(7));
        let start = "1100 probes are put in /lib/a.so and another file, which process 7 runs: ";
        assert!(of_a_process.starts_with(start) && of_a_process.ends_with("name fewer functions"), "{of_a_process}");
    }

    #[test]
    fn files_come_in_the_order_of_their_probes() {
        let sites = ["/a", "/b", "/b", "/c", "/b", "/c"].map(|path| (Path::new(path), Inode::default()));
        let found: Vec<_> = by_file(sites.into_iter()).iter().map(|file| (file.path, file.probes)).collect();
        assert_eq!(found, [(Path::new("/b"), 3), (Path::new("/c"), 2), (Path::new("/a"), 1)]);
    }
}
