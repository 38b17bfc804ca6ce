//! Processes that are known only from what the kernel reported of them: gone before anybody looked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Running, TempDir, compile};
use proptest::prelude::*;
use quadrant_symbols::{Frame, Mapped, Options, Symbolizer};

const PROGRAM: &str = r#"
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int NAME(int x) { return x * 3 + 1; }
int main(void) {
    char c;
    printf("addr %p\n", (void *)NAME);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return NAME(3);
}
"#;

/// A program with a function of that name; `args` can give it a fixed address.
fn program(dir: &TempDir, function: &str, args: &[&str]) -> Option<PathBuf> {
    let name = format!("-DNAME={function}");
    let args = [&["-O1", &name], args].concat();
    compile(dir, "gcc", &format!("{function}.c"), PROGRAM, &args)
}

/// A program that ran, and what the kernel would have reported of it.
struct Gone {
    pid: u32,
    addr: u64,
    lines: Vec<String>,
}

impl Gone {
    /// Runs a program and ends it.
    fn run(path: &Path) -> Self {
        let mut running = Running::start(&mut Command::new(path));
        let addr = running.addr("addr");
        let maps = fs::read_to_string(format!("/proc/{}/maps", running.pid())).unwrap();
        let lines = maps.lines().filter(|line| line.contains(" r-xp ")).map(str::to_owned).collect();
        running.kill();
        Self { pid: running.pid(), addr, lines }
    }

    /// Reports the mappings as those of process `pid` at a time.
    fn report(&self, symbolizer: &mut Symbolizer, pid: u32, time: u64) {
        for line in &self.lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
            let (start, end) = words[0].split_once('-').unwrap();
            let (major, minor) = words[3].split_once(':').unwrap();
            symbolizer.mapped(&Mapped {
                pid,
                time,
                start: hex(start),
                len: hex(end) - hex(start),
                offset: hex(words[2]),
                device: (hex(major) as u32, hex(minor) as u32),
                inode: words[4].parse().unwrap(),
                path: words.get(5).map_or(b"//anon", |path| path.as_bytes()),
            });
        }
    }
}

/// Now, by the boot clock.
fn now() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
    (seconds * 1e9) as u64 + 1_000_000_000
}

fn name(frames: &[Vec<Frame>]) -> &str {
    frames[0][0].symbol.as_ref().map_or("", |symbol| &symbol.name)
}

/// A pid that nobody has.
const NOBODY: u32 = (1 << 22) + 1;

#[test]
fn a_program_that_nobody_saw() {
    let dir = TempDir::new();
    let Some(path) = program(&dir, "unseen", &[]) else { return };
    let gone = Gone::run(&path);
    let mut symbolizer = Symbolizer::new(Options::default());
    assert_eq!(name(&symbolizer.process(gone.pid, &[gone.addr])), "");
    symbolizer.executed(gone.pid, now());
    gone.report(&mut symbolizer, gone.pid, now());
    // Opened when it was reported: its path is not needed any more.
    fs::remove_file(&path).unwrap();
    let frames = symbolizer.process(gone.pid, &[gone.addr]);
    assert_eq!(name(&frames), "unseen", "{frames:?}");
    assert_eq!(frames[0][0].module.as_deref(), path.to_str());
    assert!(symbolizer.remember(gone.pid).is_some());
    assert_eq!(symbolizer.warnings(), []);
}

#[test]
fn a_file_that_changed_since_is_not_taken_for_the_one_that_was_mapped() {
    let dir = TempDir::new();
    let Some(path) = program(&dir, "changed", &[]) else { return };
    let mut symbolizer = Symbolizer::new(Options::default());
    let gone = Gone::run(&path);
    // As if it had been mapped before the compiler wrote it.
    gone.report(&mut symbolizer, NOBODY, 1);
    let frames = symbolizer.process(NOBODY, &[gone.addr]);
    assert_eq!(name(&frames), "", "{frames:?}");
    assert!(frames[0][0].missing.as_ref().is_some_and(|why| why.to_string().contains("another file")), "{frames:?}");
}

#[test]
fn a_copy_has_what_its_origin_had() {
    let dir = TempDir::new();
    let Some(path) = program(&dir, "copied", &[]) else { return };
    let mut running = Running::start(&mut Command::new(&path));
    let addr = running.addr("addr");
    let mut symbolizer = Symbolizer::new(Options::default());
    symbolizer.forked(NOBODY, running.pid(), now());
    running.kill();
    assert_eq!(name(&symbolizer.process(NOBODY, &[addr])), "copied");
    // A copy of the copy, and one that became another program.
    symbolizer.forked(NOBODY + 1, NOBODY, now());
    symbolizer.executed(NOBODY, now());
    assert_eq!(name(&symbolizer.process(NOBODY + 1, &[addr])), "copied");
    assert_eq!(name(&symbolizer.process(NOBODY, &[addr])), "copied", "it ran this code before");
}

/// Its origin may be looked at later than it starts.
#[test]
fn a_copy_that_becomes_another_program_before_its_origin_is_looked_at() {
    let dir = TempDir::new();
    let (Some(origin), Some(path)) = (program(&dir, "origin", &[]), program(&dir, "became", &[])) else { return };
    let mut origin = Running::start(&mut Command::new(origin));
    origin.addr("addr");
    let time = now() - 2_000_000_000;
    let gone = Gone::run(&path);
    let mut symbolizer = Symbolizer::new(Options::default());
    symbolizer.forked(NOBODY, origin.pid(), time);
    symbolizer.executed(NOBODY, time + 1);
    // Its file is not older than the report, so another process must hold it open.
    gone.report(&mut symbolizer, NOBODY + 1, now());
    gone.report(&mut symbolizer, NOBODY, time + 2);
    assert_eq!(name(&symbolizer.process(NOBODY, &[gone.addr])), "became");
}

#[test]
fn a_stack_belongs_to_the_program_that_it_fits() {
    let dir = TempDir::new();
    // Without random addresses, two programs have code at the same ones.
    let fixed = ["-no-pie", "-Wl,-z,norelro"];
    let (Some(first), Some(second)) = (program(&dir, "first", &fixed), program(&dir, "second", &fixed)) else { return };
    let (first, second) = (Gone::run(&first), Gone::run(&second));
    let mut symbolizer = Symbolizer::new(Options::default());
    symbolizer.executed(NOBODY, now());
    first.report(&mut symbolizer, NOBODY, now());
    let library = |gone: &Gone| {
        let line = gone.lines.iter().find(|line| line.contains("libc")).unwrap();
        u64::from_str_radix(line.split_once('-').unwrap().0, 16).unwrap() + 0x100
    };
    let (stack_of_first, stack_of_second) = ([first.addr, library(&first)], [second.addr, library(&second)]);
    assert_eq!(name(&symbolizer.process_stack(NOBODY, &stack_of_first)), "first");
    symbolizer.executed(NOBODY, now());
    second.report(&mut symbolizer, NOBODY, now());
    assert_eq!(name(&symbolizer.process_stack(NOBODY, &stack_of_second)), "second");
    assert_eq!(name(&symbolizer.process_stack(NOBODY, &stack_of_first)), "first");
    // The same when it is a new process that has the number.
    let earlier = symbolizer.remember(NOBODY);
    symbolizer.forked(NOBODY, NOBODY + 9, now());
    symbolizer.executed(NOBODY, now());
    first.report(&mut symbolizer, NOBODY, now());
    assert_ne!(symbolizer.remember(NOBODY), earlier);
    assert_eq!(name(&symbolizer.process_stack(NOBODY, &stack_of_first)), "first");
    assert_eq!(name(&symbolizer.process_stack(NOBODY, &stack_of_second)), "second");
    let of_earlier = symbolizer.process_stack_by_id(earlier.unwrap(), &stack_of_second);
    assert_eq!(name(&of_earlier), "second");
}

#[test]
fn two_processes_with_the_same_code_elsewhere() {
    let dir = TempDir::new();
    let Some(path) = program(&dir, "moved", &["-pie", "-fPIE"]) else { return };
    let (one, other) = (Gone::run(&path), Gone::run(&path));
    let mut symbolizer = Symbolizer::new(Options::default());
    one.report(&mut symbolizer, NOBODY, now());
    other.report(&mut symbolizer, NOBODY + 1, now());
    assert_eq!(name(&symbolizer.process(NOBODY, &[one.addr])), "moved");
    assert_eq!(name(&symbolizer.process(NOBODY + 1, &[other.addr])), "moved");
    if one.addr != other.addr {
        assert_eq!(name(&symbolizer.process(NOBODY, &[other.addr])), "");
    }
}

#[test]
fn reports_that_are_older_than_a_look_change_nothing() {
    let dir = TempDir::new();
    let Some(path) = program(&dir, "looked", &[]) else { return };
    let mut running = Running::start(&mut Command::new(&path));
    let (pid, addr) = (running.pid(), running.addr("addr"));
    let mut symbolizer = Symbolizer::new(Options::default());
    let id = symbolizer.remember(pid);
    symbolizer.forked(pid, std::process::id(), 1);
    symbolizer.executed(pid, 2);
    symbolizer.mapped(&Mapped {
        pid,
        time: 3,
        start: addr & !0xfff,
        len: 0x1000,
        path: b"//anon",
        ..Mapped::default()
    });
    running.kill();
    assert_eq!(name(&symbolizer.process(pid, &[addr])), "looked");
    assert_eq!(symbolizer.remember(pid), id);
}

#[test]
fn what_is_reported_of_running_processes_joins_what_is_seen() {
    let dir = TempDir::new();
    let Some(path) = program(&dir, "joined", &[]) else { return };
    let mut running = Running::start(&mut Command::new(&path));
    let (pid, addr) = (running.pid(), running.addr("addr"));
    let mut symbolizer = Symbolizer::new(Options::default());
    // Its start was reported, a little after it started.
    symbolizer.executed(pid, now());
    let id = symbolizer.remember(pid);
    let frames = symbolizer.process(pid, &[addr]);
    assert_eq!(name(&frames), "joined", "what was not reported is looked for: {frames:?}");
    running.kill();
    assert_eq!(symbolizer.remember(pid), id, "it is one process");
    assert_eq!(name(&symbolizer.process(pid, &[addr])), "joined");
}

proptest! {
    /// Programs choose what they map where, and how often they fork.
    #[test]
    fn any_reports(reports in prop::collection::vec((0..4u8, 0..4u32, any::<u64>(), any::<u64>(), ".{0,8}"), 0..200)) {
        let mut symbolizer = Symbolizer::new(Options { max_processes: 3, max_files: 2, ..Options::default() });
        for (kind, process, start, len, path) in reports {
            let (pid, time) = (NOBODY + process, start >> 7);
            match kind {
                0 => symbolizer.forked(pid, NOBODY + (start % 5) as u32, time),
                1 => symbolizer.executed(pid, time),
                _ => symbolizer.mapped(&Mapped {
                    pid,
                    time,
                    start,
                    len: len >> (start % 64),
                    offset: len,
                    device: (8, 1),
                    inode: len % 3,
                    path: path.as_bytes(),
                }),
            }
            prop_assert_eq!(symbolizer.process_stack(pid, &[start, len, 0, u64::MAX]).len(), 4);
        }
    }
}

#[test]
fn a_flood_of_mappings_is_bounded_and_counted() {
    let mut symbolizer = Symbolizer::new(Options::default());
    for number in 0..(1u64 << 18) + 10 {
        let start = number << 13;
        symbolizer.mapped(&Mapped { pid: NOBODY, time: 1, start, len: 1, path: b"//anon", ..Mapped::default() });
    }
    let warnings = symbolizer.warnings();
    assert_eq!(warnings.iter().map(|warning| warning.count).sum::<u64>(), 10, "{warnings:?}");
}
