//! Programs whose own files are made to break the reader.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use proptest::prelude::*;
use quadrant_symbols::{DebugSource, Frame, Missing, Options, Symbolizer};
use quadrant_types::{DebugTag, TypeId, Types};

use crate::common::{Running, TempDir, compile, run_tool};

/// A function whose debug information nests inlined functions 200,000 deep, each over all of
/// the function: a reader that recurses runs out of stack.
const DEEP: &str = r#"
#include <stdio.h>
#include <unistd.h>
__asm__(
    ".text\n.globl victim\n.type victim, STT_FUNC\nvictim: nop\nret\n.size victim, 2\n"
    ".section .debug_abbrev,\"\"\nabbrevs:\n"
    ".uleb128 1,0x11,1,0x11,1,0x12,7,0,0\n"
    ".uleb128 2,0x2e,1,0x03,8,0x11,1,0x12,7,0,0\n"
    ".uleb128 3,0x1d,1,0x03,8,0x11,1,0x12,7,0,0\n"
    ".uleb128 0\n"
    ".section .debug_info,\"\"\n"
    ".4byte unit_end - unit_start\nunit_start: .2byte 4\n.4byte abbrevs\n.byte 8\n"
    ".uleb128 1\n.8byte victim\n.8byte 2\n"
    ".uleb128 2\n.asciz \"victim\"\n.8byte victim\n.8byte 2\n"
    ".rept 200000\n.uleb128 3\n.asciz \"deep\"\n.8byte victim\n.8byte 2\n.endr\n"
    ".fill 200002, 1, 0\nunit_end:\n.text\n");
void victim(void);
int main(void) {
    char c;
    printf("victim %p\n", (void *)victim);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

fn all() -> Symbolizer {
    Symbolizer::new(Options { inlines: true, source: true, ..Options::default() })
}

fn name(frame: &Frame) -> &str {
    frame.symbol.as_ref().map_or("", |symbol| &symbol.name)
}

#[test]
fn deeply_nested_inlined_functions() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", DEEP, &["-no-pie"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("victim");
    let frames = all().process(program.pid(), &[addr]).remove(0);
    assert!(frames.len() > 10 && frames.len() <= 256, "{}", frames.len());
    assert_eq!(name(&frames[0]), "deep");
    assert_eq!(frames.last().map(name), Some("victim"));
}

/// Links to other files name a FIFO, which would block whoever opens it.
#[test]
fn links_to_a_fifo() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", PLAIN, &["-g"]) else {
        return;
    };
    let fifo = dir.path().join("fifo");
    if !run_tool(Command::new("mkfifo").arg(&fifo)) {
        return;
    }
    let link = dir.path().join("link");
    for section in [".gnu_debugaltlink", ".gnu_debuglink"] {
        let target = if section == ".gnu_debuglink" { Path::new("fifo") } else { &*fifo };
        let text = format!("{}\0build-id-of-20-bytes", target.display());
        fs::write(&link, text).unwrap();
        let option = format!("{section}={}", link.display());
        run_tool(Command::new("objcopy").arg("--add-section").arg(option).arg(&binary));
    }
    let mut program = Running::start(&mut Command::new(binary));
    let addr = program.addr("hidden");
    let frames = all().process(program.pid(), &[addr]);
    assert_eq!(name(&frames[0][0]), "hidden");
}

const PLAIN: &str = r#"
#include <stdio.h>
#include <unistd.h>
static __attribute__((noinline)) int hidden(int x) { return x * 3 + 1; }
int main(void) {
    char c;
    printf("hidden %p\n", (void *)hidden);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return hidden(3);
}
"#;

/// A file costs nothing where nothing was written to it.
#[test]
fn tables_without_end_are_read_to_a_limit() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", PLAIN, &[]) else {
        return;
    };
    let mut bytes = fs::read(&binary).unwrap();
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let mut headers = (word(&bytes, 40) as usize..bytes.len()).step_by(64);
    let symbols = headers.find(|at| bytes[at + 4..at + 8] == [2, 0, 0, 0]).unwrap();
    bytes[symbols + 32..symbols + 40].copy_from_slice(&(24_u64 << 34).to_le_bytes());
    fs::write(&binary, bytes).unwrap();
    if fs::File::options().write(true).open(&binary).unwrap().set_len(25 << 34).is_err() {
        println!("skipped: no file may be so long here");
        return;
    }
    let mut symbolizer = all();
    assert!(symbolizer.uaddr_in_file(binary.to_str().unwrap(), "hidden").is_ok());
    symbolizer.file(binary.to_str().unwrap(), &[0x1140]);
    let warnings = symbolizer.warnings();
    assert!(warnings.iter().any(|warning| warning.message.contains("more symbols than are kept")), "{warnings:?}");
}

/// A section says that a kilobyte of it unpacks to 320 MB.
#[test]
fn contents_that_unpack_to_a_thousand_times_their_size() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", PLAIN, &[]) else {
        return;
    };
    let zeros = vec![0; 1 << 20];
    let packed = dir.path().join("packed");
    let mut encoder = flate2::write::ZlibEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::best());
    encoder.get_mut().write_all(&[&b"ZLIB"[..], &(320u64 << 20).to_be_bytes()].concat()).unwrap();
    encoder.write_all(&zeros).unwrap();
    encoder.finish().unwrap();
    let option = format!(".zdebug_info={}", packed.display());
    if !run_tool(Command::new("objcopy").arg("--add-section").arg(option).arg(&binary)) {
        return;
    }
    let refused = DebugSource::default().of(fs::File::open(&binary).unwrap(), &binary, None).unwrap_err();
    assert!(refused.why.contains("larger than what is kept"), "{refused:?}");
}

/// A file that is cut short after it was mapped and opened.
#[test]
fn file_cut_short_while_in_use() {
    let dir = TempDir::new();
    let library = "int late(int x) { return x + 1; }";
    let Some(library) = compile(&dir, "gcc", "late.c", library, &["-shared", "-fPIC", "-g"]) else {
        return;
    };
    let args = ["-ldl"];
    let Some(binary) = compile(&dir, "gcc", "prog.c", LOADER, &args) else {
        return;
    };
    let mut program = Running::start(Command::new(binary).arg(&library));
    let addr = program.addr("late");
    let mut symbolizer = all();
    symbolizer.remember(program.pid());
    fs::File::options().write(true).open(&library).unwrap().set_len(100).unwrap();
    let frames = symbolizer.process(program.pid(), &[addr]);
    let missing = frames[0][0].missing.as_ref();
    assert!(matches!(missing, Some(Missing::BadFile(_))), "{frames:?}");
    assert_ne!(symbolizer.warnings(), []);
}

const LOADER: &str = r#"
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char c;
    void *library = dlopen(argv[1], RTLD_NOW);
    printf("late %p\n", dlsym(library, "late"));
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

/// Looks everything up in a file that was damaged: no panic, whatever comes out.
fn look_into(path: &Path) {
    let mut symbolizer = all();
    let path = path.to_str().expect("a temporary path is text");
    drop(symbolizer.uaddr_in_file(path, "hidden"));
    for offset in (0..20_000).step_by(61) {
        assert!(!symbolizer.file(path, &[offset]).is_empty());
    }
    look_at_types(Path::new(path));
}

/// Asks for everything that probes ask of debug information.
fn look_at_types(path: &Path) {
    let Ok(file) = fs::File::open(path) else { return };
    let Ok(info) = DebugSource::default().of(file, path, None) else { return };
    let info = Rc::new(info);
    let types = Types::without_btf("not needed here");
    let of = types.add_debug_info(Rc::clone(&info));
    for vaddr in (0x1000..0x1400).step_by(4) {
        let copy = info.inlined_subprogram(vaddr, "hidden");
        for function in info.subprogram(vaddr).into_iter().chain(copy) {
            let dies = function.parameters.iter().map(|parameter| parameter.ty).chain([function.result]);
            dies.for_each(|die| look_at_type(&types, types.debug_type(of, die), 4));
        }
    }
    for name in ["int", "hidden", "x", "size_t"] {
        let found = types.lookup_debug_type(of, DebugTag::Plain, name);
        found.into_iter().for_each(|id| look_at_type(&types, id, 4));
        let _ = types.lookup_debug_constant(of, name);
        drop(types.suggest_debug_type(of, DebugTag::Struct, name));
        info.inlined_copies(name);
    }
    drop(info.line_code("prog.c", 4, None));
}

fn look_at_type(types: &Types, id: TypeId, depth: u8) {
    drop((types.display(id), types.size_of(id), types.align_of(id)));
    if depth == 0 {
        return;
    }
    types.pointee(id).into_iter().for_each(|target| look_at_type(types, target, depth - 1));
    types.members(id).iter().take(16).for_each(|member| look_at_type(types, member.ty, depth - 1));
}

#[test]
fn damaged_files() {
    let dir = TempDir::new();
    let variants: [&[&str]; 3] = [&["-g", "-O2"], &["-g", "-gz=zlib"], &["-gdwarf-4"]];
    for args in variants {
        let Some(binary) = compile(&dir, "gcc", "prog.c", PLAIN, args) else {
            return;
        };
        let good = fs::read(&binary).unwrap();
        let damaged = dir.path().join("damaged");
        let edits = prop::collection::vec((0..good.len(), any::<u8>()), 1..200);
        let strategy = (edits, 0..good.len(), any::<bool>());
        let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |((edits, len, cut) in strategy)| {
            let mut bytes = good.clone();
            for (at, byte) in edits {
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(len);
            }
            fs::write(&damaged, bytes).unwrap();
            look_into(&damaged);
        });
    }
}

/// Damage that hits the headers, where every field counts.
#[test]
fn damaged_headers() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", PLAIN, &["-g"]) else {
        return;
    };
    let good = fs::read(&binary).unwrap();
    let damaged = dir.path().join("damaged");
    let section_headers = u64::from_le_bytes(good[40..48].try_into().unwrap()) as usize;
    let places = (0..64).chain(64..64 + 56 * 4).chain(section_headers..good.len());
    for at in places.step_by(11) {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            fs::write(&damaged, bytes).unwrap();
            let mut symbolizer = all();
            let path = damaged.to_str().unwrap();
            assert_eq!(symbolizer.file(path, &[0x1140, 0x1160, 0x3000]).len(), 3);
        }
    }
}
