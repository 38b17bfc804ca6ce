use super::*;
use proptest::prelude::*;
use quadrant_testing::Folder;
use std::path::Path;

/// Bytes of a section's header in 64-bit files.
const SECTION_LEN: u64 = 64;

const SOURCE: &str = r#"
int counter = 7;
static __attribute__((noinline)) int twice(int x) { if (x > 3) return x * 2; return x; }
__attribute__((noinline)) int work(int x) { return twice(x) + counter; }
__attribute__((alias("work"))) int work_alias(int x);
static int chosen(int x) { return x; }
static void *choose(void) { return chosen; }
int indirect(int) __attribute__((ifunc("choose")));
__asm__(".globl bare\nbare: nop\nret\n");
int main(int argc, char **argv) { return work(argc) + indirect(argc); }
"#;

fn open(path: &Path) -> Elf {
    Elf::parse(TargetFile::open(path).unwrap()).unwrap()
}

fn symbol<'a>(elf: &'a Elf, name: &'a str) -> Symbol<'a> {
    elf.symbols().unwrap().named(name).next().unwrap()
}

#[test]
fn kinds_of_symbols() {
    let folder = Folder::new("kinds");
    let Some(program) = folder.compile("program", SOURCE, &["-O1", "-w"]) else { return };
    let elf = open(&program);
    let kind = |name: &str| symbol(&elf, name).kind;
    assert_eq!(kind("work"), SymbolKind::Function);
    assert_eq!(kind("twice"), SymbolKind::Function);
    assert_eq!(kind("bare"), SymbolKind::Function);
    assert_eq!(kind("counter"), SymbolKind::Data);
    assert_eq!(kind("indirect"), SymbolKind::Indirect);
    assert_eq!(kind("__libc_start_main"), SymbolKind::Imported);
    assert_eq!(symbol(&elf, "work").address, symbol(&elf, "work_alias").address);
    assert!(symbol(&elf, "work").global && !symbol(&elf, "twice").global);
    assert!(!elf.is_go());
}

/// Puts the symbols of a file and their names elsewhere.
fn with_symbols(file: &mut Vec<u8>, entries: &[u8], names: &[u8]) {
    let header = |file: &[u8], index: usize| u64_at(file, 40).unwrap() as usize + index * SECTION_LEN as usize;
    let symbols = (0..).find(|index| u32_at(file, header(file, *index) + 4) == Some(2)).unwrap();
    let linked = u32_at(file, header(file, symbols) + 40).unwrap() as usize;
    for (section, bytes) in [(symbols, entries), (linked, names)] {
        let place = [file.len() as u64, bytes.len() as u64].map(u64::to_le_bytes).concat();
        let at = header(file, section) + 24;
        file[at..][..8].copy_from_slice(&place[..8]);
        file[at + 8..][..8].copy_from_slice(&place[8..]);
        file.extend(bytes);
    }
}

/// Each name is the end of the one before: a megabyte is the text of many gigabytes.
#[test]
fn names_inside_names_are_cut_and_no_more_than_memory() {
    const SYMBOLS: usize = 100_000;
    let folder = Folder::new("overlapping");
    let Some(program) = folder.compile("program", SOURCE, &["-O1", "-w"]) else { return };
    let mut bytes = std::fs::read(&program).unwrap();
    let symbol = |at: u32| [&at.to_le_bytes()[..], &[0x12, 0, 1, 0], &0x1000u64.to_le_bytes(), &[0; 8]].concat();
    let table: Vec<u8> = (0..SYMBOLS as u32).flat_map(symbol).collect();
    with_symbols(&mut bytes, &table, &[b'a'; 1 << 20]);
    std::fs::write(&program, bytes).unwrap();
    let elf = open(&program);
    let text: usize = elf.symbols().unwrap().functions().map(|symbol| symbol.name.len()).sum();
    assert!(elf.is_cut() && text <= 512 << 20, "{text}");
}

/// ELF has one table of each kind: a thousand at one place would be a thousand times as much memory.
#[test]
fn of_several_tables_of_symbols_the_first_is_read() {
    let folder = Folder::new("tables");
    let Some(program) = folder.compile("program", SOURCE, &["-O1", "-w"]) else { return };
    let works = |elf: &Elf| elf.symbols().unwrap().named("twice").count();
    assert_eq!(works(&open(&program)), 1);
    let mut bytes = std::fs::read(&program).unwrap();
    let (table, count) = (u64_at(&bytes, 40).unwrap() as usize, u16_at(&bytes, 60).unwrap() as usize);
    let headers = bytes[table..][..count * SECTION_LEN as usize].to_vec();
    let symbols = headers.chunks_exact(SECTION_LEN as usize).find(|header| u32_at(header, 4) == Some(2)).unwrap();
    let many = [&headers[..], &symbols.repeat(30)].concat();
    let at = bytes.len() as u64;
    bytes[40..48].copy_from_slice(&at.to_le_bytes());
    bytes[60..62].copy_from_slice(&(count as u16 + 30).to_le_bytes());
    bytes.extend(many);
    std::fs::write(&program, bytes).unwrap();
    let elf = open(&program);
    assert_eq!(works(&elf), 1);
    assert!(elf.is_cut());
}

#[test]
fn addresses_are_not_offsets() {
    let folder = Folder::new("offsets");
    // Code far from its place in the file.
    let flags = ["-O1", "-w", "-no-pie", "-Wl,-Ttext-segment=0x10000000"];
    let Some(program) = folder.compile("program", SOURCE, &flags) else { return };
    let elf = open(&program);
    let work = symbol(&elf, "work");
    let offset = elf.code_offset_of(work.address).unwrap();
    assert!(work.address > 0x1000_0000 && offset < elf.file().len());
    let data = symbol(&elf, "counter").address;
    assert_eq!(elf.code_offset_of(data), None);
    let bytes = elf.file().read(elf.offset_of(data).unwrap(), 4).unwrap();
    assert_eq!(bytes, 7_i32.to_le_bytes());
    assert_eq!(elf.offset_of(1), None);
}

#[test]
fn instruction_boundaries() {
    let folder = Folder::new("boundaries");
    let Some(program) = folder.compile("program", SOURCE, &["-O1", "-w"]) else { return };
    let elf = open(&program);
    let work = symbol(&elf, "work");
    let starts = (0..work.size).filter(|offset| elf.is_boundary(&work, work.address + offset).unwrap()).count();
    assert!(starts > 1 && (starts as u64) < work.size);
    let bare = symbol(&elf, "bare");
    assert_eq!(bare.size, 0);
    assert!(elf.is_boundary(&bare, bare.address + 1).unwrap());
    assert_eq!(elf.symbols().unwrap().function_around(work.address + 1).map(|found| found.address), Some(work.address));
}

/// `f` goes on behind its `ret` only from `f.cold`.
#[cfg(target_arch = "x86_64")]
const COLD: &str = r#"
__asm__(".globl f\n.type f, @function\nf: test %edi, %edi\njne f.cold\nret\n1: push %rax\npop %rax\nret\n.size f, . - f\n"
    ".section .text.unlikely,\"ax\",@progbits\n.type f.cold, @function\nf.cold: jmp 1b\n.size f.cold, . - f.cold\n.text\n");
int main(void) { return 0; }
"#;

#[test]
#[cfg(target_arch = "x86_64")]
fn instructions_reached_from_a_cold_part() {
    let folder = Folder::new("cold");
    let Some(program) = folder.compile("program", COLD, &["-O1", "-w"]) else { return };
    let elf = open(&program);
    assert_eq!(elf.all_instructions(&symbol(&elf, "f")).unwrap().len(), 6);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn code_at_the_last_addresses() {
    let folder = Folder::new("last");
    let mut elf = open(&folder.write("file", small_elf()));
    let address = u64::MAX - 5;
    elf.segments.iter_mut().for_each(|segment| segment.address = address);
    let ask = |size| {
        let function = Symbol { name: "f", address, size, kind: SymbolKind::Function, global: true };
        (
            elf.is_boundary(&function, address + 1).is_ok(),
            elf.all_instructions(&function).map_err(|error| error.message),
        )
    };
    assert!(ask(5).0);
    for size in [6, 8] {
        let (known, all) = ask(size);
        assert!(!known && all.unwrap_err().contains("beyond the last address"), "{size}");
    }
}

#[test]
fn return_instructions() {
    let folder = Folder::new("returns");
    let Some(program) = folder.compile("program", SOURCE, &["-O1", "-w"]) else { return };
    let elf = open(&program);
    for name in ["work", "twice", "bare"] {
        let function = symbol(&elf, name);
        let sites = elf.return_sites(&function).unwrap();
        assert!(!sites.is_empty(), "{name}");
        for site in sites {
            let byte = elf.file().read(elf.code_offset_of(site).unwrap(), 1).unwrap();
            assert_eq!(byte, [0xc3], "{name}");
        }
    }
}

/// This machine's, which fits a byte on all that are known.
fn machine() -> u8 {
    u8::try_from(quadrant_program::arch::native().elf_machine).unwrap()
}

#[test]
fn refused_files() {
    let folder = Folder::new("refused");
    let refused = |content: &[u8]| {
        let path = folder.write("file", content);
        Elf::parse(TargetFile::open(&path).unwrap()).err().unwrap().message
    };
    assert!(refused(b"").contains("not an ELF file"));
    assert!(refused(b"#!/bin/sh\necho a script that is longer than the header of an ELF file\n").contains("script"));
    let mut header = vec![0; 64];
    header[..6].copy_from_slice(b"\x7fELF\x02\x02");
    assert!(refused(&header).contains("little-endian"));
    header[5] = 1;
    assert!(refused(&header).contains("another processor"));
    if cfg!(target_arch = "x86_64") {
        // x32, and i386 with a header that ends too early.
        (header[4], header[18]) = (1, machine());
        assert!(refused(&header).contains("x32"));
        header[18] = 3;
        assert!(refused(&header[..48]).contains("cut short"));
        header[4] = 2;
    }
    header[18] = machine();
    header[40] = 255;
    header[60] = 1;
    assert!(refused(&header).contains("beyond its end"));
}

#[test]
fn versions_are_cut_off() {
    let Ok(targets) = crate::target::find(&crate::files::Files::default(), "libc", crate::target::Sight::Own) else {
        return;
    };
    let elf = open(&targets[0].path);
    let symbols = elf.symbols().unwrap();
    assert!(symbols.named("malloc").any(|symbol| symbol.kind == SymbolKind::Function));
    assert!(symbols.iter().all(|symbol| !symbol.name.contains('@')));
    assert!(symbols.named("memcpy").any(|symbol| symbol.kind == SymbolKind::Indirect));
}

/// Asks everything.
fn exercise(path: &Path) {
    let Ok(elf) = TargetFile::open(path).and_then(Elf::parse) else { return };
    elf.is_go();
    let Ok(symbols) = elf.symbols() else { return };
    for symbol in symbols.functions().take(100) {
        elf.code_offset_of(symbol.address);
        let _ = elf.is_boundary(&symbol, symbol.address.wrapping_add(1));
        let _ = elf.return_sites(&symbol);
        symbols.function_around(symbol.address.wrapping_add(3));
        elf.unwind_range(symbol.address);
    }
}

/// Functions in assembly of 32 bits, in a program that needs no C library.
#[cfg(target_arch = "x86_64")]
const NARROW: &str = r#"
__asm__(".globl _start\n.type _start, @function\n_start: call first\nhlt\n.size _start, . - _start\n"
    ".globl first\n.type first, @function\nfirst: inc %ecx\npush %ebp\nlds (%ebx), %eax\npop %ebp\nret\n.size first, . - first\n");
unsigned data = 7;
"#;

#[test]
#[cfg(target_arch = "x86_64")]
fn programs_of_32_bits() {
    let folder = Folder::new("narrow");
    let flags = ["-m32", "-nostdlib", "-static", "-no-pie", "-ffreestanding", "-fno-pic", "-w"];
    let Some(program) = folder.compile("program", NARROW, &flags) else { return };
    let elf = open(&program);
    assert_eq!(elf.class(), Class::Narrow);
    let first = symbol(&elf, "first");
    // 0x41 is no prefix here, and c5 none of AVX.
    let offsets: Vec<u64> =
        elf.all_instructions(&first).unwrap().iter().map(|address| address - first.address).collect();
    assert_eq!(offsets, [0, 1, 2, 4, 5]);
    assert_eq!(elf.is_boundary(&first, first.address + 1), Ok(true));
    assert_eq!(elf.return_sites(&first).unwrap(), [first.address + 5]);
    assert!(elf.starts_at(symbol(&elf, "_start").address) && elf.code_offset_of(first.address).is_some());
    let data = symbol(&elf, "data");
    assert_eq!((data.kind, data.size), (SymbolKind::Data, 4));
    assert_eq!(elf.file().read(elf.offset_of(data.address).unwrap(), 4).unwrap(), 7_u32.to_le_bytes());
    exercise(&program);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn corrupted_tables(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        // The test's own program is a large ELF file; its head and its section table are what matters.
        let mut data = small_elf();
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        let folder = Folder::new("corrupted");
        exercise(&folder.write("file", &data));
    }
}

/// One segment, code, a symbol table with two functions.
fn small_elf() -> Vec<u8> {
    let names = b"\0.text\0.symtab\0.strtab\0first\0second\0";
    let code = [0x55, 0x48, 0x89, 0xe5, 0xc3, 0x90, 0xc3, 0xc3];
    let mut symbols = vec![0; 24];
    for (name, value, size) in [(23_u32, 0_u64, 5_u64), (29, 6, 0)] {
        symbols.extend(name.to_le_bytes());
        symbols.extend([0x12, 0, 1, 0]);
        symbols.extend((0x40_0000 + value).to_le_bytes());
        symbols.extend(size.to_le_bytes());
    }
    let code_at = 64 + 56;
    let symbols_at = code_at + code.len() as u64;
    let names_at = symbols_at + symbols.len() as u64;
    let sections_at = names_at + names.len() as u64;
    let mut data = b"\x7fELF\x02\x01\x01".to_vec();
    data.resize(16, 0);
    data.extend([2, 0, machine(), 0, 1, 0, 0, 0]);
    for word in [0x40_0000, 64, sections_at] {
        data.extend(word.to_le_bytes());
    }
    data.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 4, 0, 3, 0]);
    data.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [code_at, 0x40_0000, 0x40_0000, code.len() as u64, code.len() as u64, 4096] {
        data.extend(word.to_le_bytes());
    }
    data.extend(code);
    data.extend(&symbols);
    data.extend(names);
    data.extend([0; 64]);
    push_section(&mut data, 1, 1, 6, [0x40_0000, code_at, code.len() as u64], 0);
    push_section(&mut data, 7, 2, 0, [0, symbols_at, symbols.len() as u64], 3);
    push_section(&mut data, 15, 3, 0, [0, names_at, names.len() as u64], 0);
    data
}

fn push_section(data: &mut Vec<u8>, name: u32, kind: u32, flags: u64, place: [u64; 3], link: u32) {
    data.extend(name.to_le_bytes());
    data.extend(kind.to_le_bytes());
    data.extend(flags.to_le_bytes());
    place.iter().for_each(|word| data.extend(word.to_le_bytes()));
    data.extend(link.to_le_bytes());
    data.extend([0; 20]);
}

#[test]
fn the_small_file_is_whole() {
    let folder = Folder::new("small");
    let elf = open(&folder.write("file", small_elf()));
    let names: Vec<&str> = elf.symbols().unwrap().functions().map(|symbol| symbol.name).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(elf.return_sites(&symbol(&elf, "first")).unwrap(), [0x40_0004]);
    assert_eq!(elf.return_sites(&symbol(&elf, "second")).unwrap(), [0x40_0006, 0x40_0007]);
    assert!(elf.section(".text").is_some());
}
