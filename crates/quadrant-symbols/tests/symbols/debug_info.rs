//! Inlined functions, source lines, and debug information that is not in the program itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{Running, TempDir, compile, run_tool};
use quadrant_symbols::{Frame, Options, Symbolizer};

/// `deep` and `middle` are inlined into `outer`; the address lies in `deep`.
const INLINED: &str = r#"
#include <stdio.h>
#include <unistd.h>
void *volatile place;
static int counter;
static inline __attribute__((always_inline)) void deep(void) {
#if defined(__x86_64__)
    void *p; __asm__ volatile("lea 0f(%%rip), %0\n0: nop" : "=r"(p));
#else
    void *p; __asm__ volatile("adr %0, 0f\n0: nop" : "=r"(p));
#endif
    place = p;
}
static inline __attribute__((always_inline)) void middle(int n) {
    counter += n;
    deep();
}
static __attribute__((noipa)) int outer(int n) {
    middle(n);
    return counter;
}
int main(void) {
    char c;
    outer(3);
    printf("place %p\n", place);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

const ALL: Options = Options {
    inlines: true,
    source: true,
    cache_bytes: 64 << 20,
    debug_bytes: 256 << 20,
    vmlinux: None,
    max_processes: 100,
    max_files: 100,
};

/// `name@line`, with `*` for inlined functions, innermost first.
fn outline(frames: &[Frame]) -> Vec<String> {
    let part = |frame: &Frame| {
        let name = frame.symbol.as_ref().map_or("?", |symbol| &symbol.name);
        let line = frame.source.as_ref().map_or(0, |source| source.line);
        let star = if frame.inlined { "*" } else { "" };
        format!("{name}{star}@{line}")
    };
    frames.iter().map(part).collect()
}

fn symbolize(program: &mut Running, options: Options) -> (Vec<Frame>, Symbolizer) {
    let addr = program.addr("place");
    let mut symbolizer = Symbolizer::new(options);
    let mut frames = symbolizer.process(program.pid(), &[addr]);
    (frames.remove(0), symbolizer)
}

#[test]
fn inlined_functions_come_before_the_real_one() {
    let variants: [&[&str]; 5] = [
        &["-g", "-O2"],
        &["-gdwarf-4", "-O2"],
        &["-gdwarf-5", "-O2", "-gz=zlib"],
        &["-g", "-O2", "-no-pie"],
        &["-g", "-O2", "-fno-omit-frame-pointer", "-gz=none"],
    ];
    for args in variants {
        let dir = TempDir::new();
        let Some(binary) = compile(&dir, "gcc", "prog.c", INLINED, args) else {
            return;
        };
        let mut program = Running::start(&mut Command::new(binary));
        let (frames, mut symbolizer) = symbolize(&mut program, ALL);
        assert_eq!(outline(&frames), ["deep*@8", "middle*@16", "outer@19"], "{args:?}");
        let file = frames[0].source.as_ref().map(|source| &*source.file);
        assert_eq!(file, dir.path().join("prog.c").to_str(), "{args:?}");
        assert_eq!(symbolizer.warnings(), []);
    }
}

#[test]
fn only_what_is_asked_for() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", INLINED, &["-g", "-O2"]) else {
        return;
    };
    let cases = [
        (false, false, vec!["outer@0"]),
        (false, true, vec!["outer@8"]),
        (true, false, vec!["deep*@0", "middle*@0", "outer@0"]),
    ];
    for (inlines, source, expected) in cases {
        let mut program = Running::start(&mut Command::new(&binary));
        let (frames, _) = symbolize(&mut program, Options { inlines, source, ..ALL });
        assert_eq!(outline(&frames), expected);
        let usym = Symbolizer::new(ALL).usym(program.pid(), frames[0].addr);
        assert_eq!(usym.symbol.map(|symbol| symbol.name.to_string()).as_deref(), Some("outer"));
    }
}

#[test]
fn too_much_debug_information_is_left_out_with_a_warning() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", INLINED, &["-g", "-O2"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let (frames, mut symbolizer) = symbolize(&mut program, Options { debug_bytes: 100, ..ALL });
    assert_eq!(outline(&frames), ["outer@0"]);
    let warnings = symbolizer.warnings();
    assert!(warnings.iter().any(|w| w.message.contains("larger than")), "{warnings:?}");
}

/// Splits `binary` into a stripped program and `debug`.
fn split(binary: &Path, debug: &Path) -> bool {
    let objcopy = |args: &[&str], files: &[&Path]| {
        let mut command = Command::new("objcopy");
        run_tool(command.args(args).args(files))
    };
    objcopy(&["--only-keep-debug"], &[binary, debug]) && objcopy(&["--strip-all"], &[binary])
}

#[test]
fn stripped_program_with_a_debug_link() {
    for build_id in ["-Wl,--build-id=none", "-Wl,--build-id=sha1"] {
        let dir = TempDir::new();
        let args = ["-g", "-O2", build_id];
        let Some(binary) = compile(&dir, "gcc", "prog.c", INLINED, &args) else {
            return;
        };
        let debug = dir.path().join(".debug/prog.dbg");
        fs::create_dir(dir.path().join(".debug")).unwrap();
        if !split(&binary, &debug) {
            return;
        }
        let mut link = Command::new("objcopy");
        let option = format!("--add-gnu-debuglink={}", debug.display());
        run_tool(link.arg(option).arg(&binary));
        let mut program = Running::start(&mut Command::new(&binary));
        let (frames, _) = symbolize(&mut program, ALL);
        assert_eq!(outline(&frames), ["deep*@8", "middle*@16", "outer@19"], "{build_id}");

        // Another file under the same name is not believed.
        fs::copy("/proc/self/exe", &debug).unwrap();
        let mut program = Running::start(&mut Command::new(&binary));
        let (frames, _) = symbolize(&mut program, ALL);
        assert_eq!(outline(&frames), ["?@0"], "{build_id}");
    }
}

/// The debug file is found by build id in the root of the process, which is not ours.
#[test]
fn stripped_program_in_another_root() {
    let dir = TempDir::new();
    let args = ["-g", "-O2", "-static", "-Wl,--build-id=0xabcdef0123"];
    let Some(binary) = compile(&dir, "gcc", "prog.c", INLINED, &args) else {
        return;
    };
    let place = dir.path().join("usr/lib/debug/.build-id/ab");
    fs::create_dir_all(&place).unwrap();
    if !split(&binary, &place.join("cdef0123.debug")) {
        return;
    }
    let allowed = Command::new("chroot").arg("/").arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: chroot is not allowed");
        return;
    }
    let mut program = Running::start(Command::new("chroot").arg(dir.path()).arg("/prog"));
    let (frames, mut symbolizer) = symbolize(&mut program, ALL);
    assert_eq!(outline(&frames), ["deep*@8", "middle*@16", "outer@19"]);
    assert!(frames[0].module.as_ref().is_some_and(|module| module.ends_with("/prog")));
    let addr = frames[0].addr;
    program.kill();
    let dead = symbolizer.process_stack(program.pid(), &[addr]);
    assert_eq!(dead[0], frames);
}

const RUST: &str = r#"
use std::io::Read;
#[inline(always)]
fn helper() -> usize {
    let place: usize;
    #[cfg(target_arch = "x86_64")]
    unsafe { std::arch::asm!("lea {}, [rip + 2f]", "2: nop", out(reg) place) };
    #[cfg(target_arch = "aarch64")]
    unsafe { std::arch::asm!("adr {}, 2f", "2: nop", out(reg) place) };
    place
}
#[inline(never)]
fn work() -> usize { helper() }
fn main() {
    println!("place {:x}", work());
    let mut all = Vec::new();
    std::io::stdin().read_to_end(&mut all).unwrap();
}
"#;

#[test]
fn rust_inlined_function() {
    let dir = TempDir::new();
    let args = ["-O", "-g", "-Cstrip=none"];
    let Some(binary) = compile(&dir, "rustc", "prog.rs", RUST, &args) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let (frames, _) = symbolize(&mut program, ALL);
    assert_eq!(outline(&frames), ["prog::helper*@7", "prog::work@13"]);
}

/// The symbols that stripping removed, packed into the program itself.
#[test]
fn stripped_program_with_packed_symbols() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", INLINED, &["-O2"]) else {
        return;
    };
    let symbols = dir.path().join("symbols");
    if !split(&binary, &symbols) || !run_tool(Command::new("xz").arg(&symbols)) {
        return;
    }
    let option = format!(".gnu_debugdata={}", symbols.with_extension("xz").display());
    run_tool(Command::new("objcopy").arg("--add-section").arg(option).arg(&binary));
    let mut program = Running::start(&mut Command::new(binary));
    let (frames, _) = symbolize(&mut program, Options::default());
    assert_eq!(outline(&frames), ["outer@0"]);
}

const NARROW: &str = "static __attribute__((noipa)) int callee(int x) { return x + 1; }\n\
    void _start(void) { for (;;) callee(1); }\n";

#[test]
fn files_of_32_bits() {
    let dir = TempDir::new();
    let mut probe = Command::new("gcc");
    let able = probe.args(["-m32", "-xc", "-fsyntax-only", "/dev/null"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        println!("skipped: gcc makes no 32-bit programs here");
        return;
    }
    let args = ["-m32", "-g", "-nostdlib", "-static", "-ffreestanding", "-fno-pic"];
    let Some(binary) = compile(&dir, "gcc", "prog.c", NARROW, &args) else {
        return;
    };
    let mut symbolizer = Symbolizer::new(ALL);
    let path = binary.to_str().unwrap();
    let addr = symbolizer.uaddr_in_file(path, "callee").unwrap();
    let frames = symbolizer.file(path, &[addr.file_offset.unwrap()]);
    assert_eq!(outline(&frames[0]), ["callee@1"]);
}
