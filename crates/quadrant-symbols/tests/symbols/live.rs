//! Programs in C, C++ and Rust: symbolized while they run, and again after they ended.

use std::process::Command;

use crate::common::{Running, TempDir, compile};
use quadrant_symbols::{Frame, Missing, Options, Symbolizer};

const C: &str = r#"
#include <stdio.h>
#include <unistd.h>
static __attribute__((noinline)) int hidden(int x) { return x * 3 + 1; }
__attribute__((noinline)) int visible(int x) { return hidden(x) + 1; }
int data[4] = {1, 2, 3, 4};
int main(void) {
    char c;
    printf("hidden %p\nvisible %p\ndata %p\nputs %p\n",
           (void *)hidden, (void *)visible, (void *)data, (void *)puts);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return visible(3);
}
"#;

const CPP: &str = r#"
#include <cstdio>
#include <unistd.h>
namespace ns {
template <typename T> __attribute__((noinline)) T twice(T x) { return x + x; }
}
int main() {
    char c;
    printf("twice %p\n", (void *)static_cast<long (*)(long)>(ns::twice<long>));
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

const RUST: &str = r#"
use std::io::Read;
mod inner {
    #[inline(never)]
    pub fn work(x: u64) -> u64 { x.rotate_left(3) ^ 5 }
}
fn main() {
    println!("work {:x}", inner::work as fn(u64) -> u64 as usize);
    let mut all = Vec::new();
    std::io::stdin().read_to_end(&mut all).unwrap();
    std::process::exit(inner::work(all.len() as u64) as i32);
}
"#;

fn name(frame: &Frame) -> &str {
    frame.symbol.as_ref().map_or("", |symbol| &symbol.name)
}

fn one(frames: Vec<Vec<Frame>>) -> Frame {
    let mut frames: Vec<Frame> = frames.into_iter().flatten().collect();
    assert_eq!(frames.len(), 1, "{frames:?}");
    frames.remove(0)
}

/// Symbolizes `addr + 1` now, kills the program, and symbolizes again.
fn live_and_dead(mut program: Running, addr: u64, expected: &str) {
    let mut symbolizer = Symbolizer::new(Options::default());
    let pid = program.pid();
    assert!(symbolizer.remember(pid).is_some());
    let live = one(symbolizer.process(pid, &[addr + 1]));
    assert_eq!(name(&live), expected, "{live:?}");
    let symbol = live.symbol.clone().unwrap();
    assert_eq!(symbol.offset, 1);
    assert!(symbol.size > 1);
    program.kill();
    let dead = one(symbolizer.process(pid, &[addr + 1]));
    assert_eq!(dead, live);
    assert_eq!(symbolizer.warnings(), []);
}

#[test]
fn c_static_function() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", C, &["-O1"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("hidden");
    live_and_dead(program, addr, "hidden");
}

#[test]
fn cpp_template() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "g++", "prog.cc", CPP, &["-O1"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("twice");
    live_and_dead(program, addr, "long ns::twice<long>(long)");
}

#[test]
fn rust_function() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "rustc", "prog.rs", RUST, &["-O"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("work");
    live_and_dead(program, addr, "prog::inner::work");
}

#[test]
fn first_looked_up_after_the_end() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", C, &["-O1"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(&binary));
    let addrs = ["hidden", "visible", "data", "puts"].map(|name| program.addr(name));
    let mut symbolizer = Symbolizer::new(Options::default());
    symbolizer.remember(program.pid());
    // Deleted and gone: only what is held open can still be read.
    std::fs::remove_file(&binary).unwrap();
    program.kill();
    let frames = symbolizer.process(program.pid(), &addrs);
    let names: Vec<&str> = frames.iter().map(|frames| name(&frames[0])).collect();
    assert_eq!(names[..3], ["hidden", "visible", "data"]);
    assert!(names[3].contains("puts"), "{names:?}");
    let module = frames[0][0].module.as_deref();
    assert_eq!(module, binary.to_str());
}

#[test]
fn reasons() {
    let mut symbolizer = Symbolizer::new(Options::default());
    let gone = one(symbolizer.process(u32::MAX >> 1, &[0x1000]));
    assert_eq!(gone.missing, Some(Missing::ProcessGone));
    let nowhere = one(symbolizer.process(std::process::id(), &[0x10]));
    assert_eq!(nowhere.missing, Some(Missing::NotMapped));
}

#[test]
fn names_become_addresses() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", C, &["-O1"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(&binary));
    let addrs = ["hidden", "visible", "data", "puts"].map(|name| (name, program.addr(name)));
    let mut symbolizer = Symbolizer::new(Options::default());
    let pid = program.pid();
    for (name, addr) in addrs {
        assert_eq!(symbolizer.uaddr_in_process(pid, None, name), Ok(addr), "{name}");
    }
    let puts = symbolizer.uaddr_in_process(pid, Some("libc"), "puts");
    assert_eq!(puts, Ok(addrs[3].1));
    let in_file = symbolizer.uaddr_in_file(binary.to_str().unwrap(), "hidden").unwrap();
    assert_eq!(in_file.vaddr & 0xfff, addrs[0].1 & 0xfff);
    assert!(in_file.file_offset.is_some() && in_file.size > 0);
    for (module, symbol) in [(Some("libnone"), "puts"), (None, "no_such_symbol")] {
        assert!(symbolizer.uaddr_in_process(pid, module, symbol).is_err());
    }
}

const VDSO: &str = r#"
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>
int main(void) {
    char c;
    printf("vdso %lx\n", getauxval(AT_SYSINFO_EHDR));
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

#[test]
fn vdso_functions() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", VDSO, &[]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let base = program.addr("vdso");
    let mut symbolizer = Symbolizer::new(Options::default());
    let addrs: Vec<u64> = (base..base + 0x2000).step_by(16).collect();
    symbolizer.remember(program.pid());
    program.kill();
    let frames = symbolizer.process(program.pid(), &addrs);
    let mut names = frames.iter().flatten().map(name);
    assert!(names.any(|name| name.contains("clock_gettime")), "{frames:?}");
    assert_eq!(frames[0][0].module.as_deref(), Some("[vdso]"));
}

/// A program with two files that are mapped one after the other: at first only itself.
const LOADER: &str = r#"
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char c;
    printf("ready 0\n");
    fflush(stdout);
    if (read(0, &c, 1) <= 0) return 1;
    void *library = dlopen(argv[1], RTLD_NOW);
    printf("late %p\n", dlsym(library, "late"));
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

#[test]
fn libraries_loaded_later() {
    let dir = TempDir::new();
    let library = "int late(int x) { return x + 1; }";
    let Some(library) = compile(&dir, "gcc", "late.c", library, &["-shared", "-fPIC"]) else {
        return;
    };
    let Some(binary) = compile(&dir, "gcc", "prog.c", LOADER, &["-ldl"]) else {
        return;
    };
    let mut program = Running::start(Command::new(binary).arg(&library));
    program.addr("ready");
    let mut symbolizer = Symbolizer::new(Options::default());
    symbolizer.remember(program.pid());
    program.go_on();
    let addr = program.addr("late");
    let frame = one(symbolizer.process(program.pid(), &[addr]));
    assert_eq!(name(&frame), "late", "{frame:?}");
    assert_eq!(frame.module.as_deref(), library.to_str());
}

/// The same process is another program after an exec.
#[test]
fn a_program_that_executes_another() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", C, &["-O1"]) else {
        return;
    };
    let script = format!("echo ready 0; read line; exec {}", binary.display());
    let mut program = Running::start(Command::new("sh").arg("-c").arg(script));
    program.addr("ready");
    let mut symbolizer = Symbolizer::new(Options::default());
    let before = symbolizer.remember(program.pid());
    program.go_on();
    let addr = program.addr("hidden");
    let frame = one(symbolizer.process(program.pid(), &[addr]));
    assert_eq!(name(&frame), "hidden", "{frame:?}");
    assert_eq!(symbolizer.remember(program.pid()), before);
}

#[test]
fn an_earlier_process_can_be_named() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", C, &["-O1"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("hidden");
    let mut symbolizer = Symbolizer::new(Options::default());
    let id = symbolizer.remember(program.pid()).unwrap();
    program.kill();
    let frame = one(symbolizer.process_stack_by_id(id, &[addr]));
    assert_eq!(name(&frame), "hidden");
    let other = quadrant_symbols::ProcessId { start_time: id.start_time + 1, ..id };
    let frame = one(symbolizer.process_stack_by_id(other, &[addr]));
    assert_eq!(frame.missing, Some(Missing::ProcessGone));
}

const LEADERLESS: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static __attribute__((noinline)) int hidden(int x) { return x * 3 + 1; }
static void *wait_for_end(void *main_thread) {
    char c;
    pthread_join(*(pthread_t *)main_thread, 0);
    printf("hidden %p\n", (void *)hidden);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
int main(void) {
    static pthread_t self, other;
    self = pthread_self();
    pthread_create(&other, 0, wait_for_end, &self);
    pthread_exit(0);
}
"#;

/// The main thread has ended and has no memory any more; the process has.
#[test]
fn a_process_without_its_main_thread() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", LEADERLESS, &["-O1", "-pthread"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("hidden");
    let mut symbolizer = Symbolizer::new(Options::default());
    let frame = one(symbolizer.process(program.pid(), &[addr]));
    assert_eq!(name(&frame), "hidden", "{frame:?}");
}

/// With room for very few open files, live programs still resolve, and dead ones whose files are gone say why not.
#[test]
fn few_open_files() {
    let dir = TempDir::new();
    let Some(first) = compile(&dir, "gcc", "first.c", C, &["-O1"]) else {
        return;
    };
    let second = dir.path().join("second");
    std::fs::copy(&first, &second).unwrap();
    let first_path = first.clone();
    let mut first = Running::start(&mut Command::new(first));
    let mut second = Running::start(&mut Command::new(second));
    let addrs = [first.addr("hidden"), second.addr("hidden")];
    let mut symbolizer = Symbolizer::new(Options { max_files: 1, ..Options::default() });
    for _ in 0..3 {
        for (program, addr) in [&first, &second].into_iter().zip(addrs) {
            let frame = one(symbolizer.process(program.pid(), &[addr]));
            assert_eq!(name(&frame), "hidden", "{frame:?}");
        }
    }
    std::fs::remove_file(&first_path).unwrap();
    first.kill();
    let cached = one(symbolizer.process(first.pid(), &[addrs[0]]));
    assert_eq!(name(&cached), "hidden");
    let closed = one(symbolizer.process(first.pid(), &[addrs[0] + 1]));
    let missing = closed.missing.map(|missing| missing.to_string()).unwrap_or_default();
    assert!(missing.contains("make room"), "{missing}");
}

#[test]
fn can_move_to_another_thread() {
    let mut symbolizer = Symbolizer::new(Options { inlines: true, ..Options::default() });
    let worker = std::thread::spawn(move || symbolizer.process(std::process::id(), &[0x10]).len());
    assert_eq!(worker.join().ok(), Some(1));
}
