//! The first instructions of functions, as far as stacks that are taken there depend on them.
//!
//! At a function's entry the frame pointer is the caller's. The kernel's walk of a stack goes by frame pointers, so it finds the
//! function and its caller's caller. x86 kernels that know of this take the address on top of the stack, too, if the instruction under the
//! probe is one with which functions that have a frame pointer begin.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use quadrant_program::probe::Inode;

use crate::elf::Elf;
use crate::target::TargetFile;

/// Length of the nop behind which a probe on a function may be.
const LONG_NOP: u64 = 5;

/// How a function starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionStart {
    /// With `push %rbp`.
    Frame,
    /// With `endbr64`, or `endbr32`.
    Landing,
    /// With anything else.
    Plain,
}

/// Those of these offsets in a file that are the start of a function which others call, and how that starts; a five-byte nop before it
/// does not count. There are none in a file that cannot be read or is another one by now.
pub fn function_starts(path: &Path, inode: Inode, offsets: &[u64]) -> BTreeMap<u64, FunctionStart> {
    let open = || Elf::parse(TargetFile::open(path).ok()?).ok();
    let Some(elf) = open().filter(|elf| elf.file().inode() == inode) else { return BTreeMap::new() };
    let before = |address: u64| address.checked_sub(LONG_NOP).filter(|before| elf.has_long_nop(*before));
    let addresses = || offsets.iter().filter_map(|offset| elf.code_address_of(*offset));
    let called = called(&elf, &addresses().chain(addresses().filter_map(before)).collect());
    let is_start = |address: u64| called.contains(&address) && !elf.starts_at(address);
    let is_called = |address: u64| is_start(address) || before(address).is_some_and(is_start);
    let starts = |offset: u64| elf.code_address_of(offset).is_some_and(is_called).then(|| start(&elf, offset));
    offsets.iter().filter_map(|offset| Some((*offset, starts(*offset)?))).collect()
}

/// Those of these addresses where functions start: by their names, and in a stripped file by the table for unwinding. That has parts of
/// functions that lie elsewhere, too, whose names say so where there are any.
fn called(elf: &Elf, addresses: &HashSet<u64>) -> HashSet<u64> {
    let Ok(symbols) = elf.symbols() else { return HashSet::new() };
    let (mut called, mut parts) = (HashSet::new(), HashSet::new());
    for symbol in symbols.functions().filter(|symbol| addresses.contains(&symbol.address)) {
        let kind = if symbol.cold_part_of().is_some() { &mut parts } else { &mut called };
        kind.insert(symbol.address);
    }
    if elf.section(".symtab").is_none() {
        let starts = elf.unwind_starts().unwrap_or_default().into_iter();
        called.extend(starts.filter(|address| addresses.contains(address) && !parts.contains(address)));
    }
    called
}

fn start(elf: &Elf, offset: u64) -> FunctionStart {
    const PUSH_RBP: &[u8] = &[0x55];
    const ENDBR: [&[u8]; 2] = [&[0xf3, 0x0f, 0x1e, 0xfb], &[0xf3, 0x0f, 0x1e, 0xfa]];
    let begins_with = |code: &[u8]| elf.file().read(offset, code.len() as u64).is_ok_and(|bytes| bytes == code);
    match cfg!(target_arch = "x86_64") {
        true if begins_with(PUSH_RBP) => FunctionStart::Frame,
        true if begins_with(elf.class().of(ENDBR)) => FunctionStart::Landing,
        _ => FunctionStart::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_testing::Folder;

    const SOURCE: &str = r#"
        #define FUNCTION(name, code) \
            __asm__(".globl " #name "\n.type " #name ", @function\n" #name ":" code "\n.size " #name ", . - " #name "\n");
        FUNCTION(frame, "push %rbp; pop %rbp; ret") FUNCTION(marked, "endbr64; ret") FUNCTION(plain, "push %rbx; pop %rbx; ret")
        __asm__(".type main.cold, @function\nmain.cold: ret\n.size main.cold, 1\n");
        int main(void) { return 0; }"#;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn starts_are_those_that_are_called() {
        let folder = Folder::new("starts");
        let Some(program) = folder.compile("starts", SOURCE, &["-O1", "-w"]) else { return };
        let elf = Elf::parse(TargetFile::open(&program).unwrap()).unwrap();
        let offset = |name: &str| {
            let symbol = elf.symbols().unwrap().named(name).next().unwrap();
            elf.code_offset_of(symbol.address).unwrap()
        };
        let of = |offset: u64| function_starts(&program, elf.file().inode(), &[offset]).get(&offset).copied();
        assert_eq!(of(offset("frame")), Some(FunctionStart::Frame));
        assert_eq!(of(offset("marked")), Some(FunctionStart::Landing));
        assert_eq!(of(offset("plain")), Some(FunctionStart::Plain));
        for elsewhere in [offset("frame") + 1, offset("main.cold"), offset("_start"), u64::MAX] {
            assert_eq!(of(elsewhere), None, "{elsewhere:#x}");
        }
        assert_eq!(function_starts(&program, Inode::default(), &[offset("frame")]), BTreeMap::new());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn stripped_files_have_them_for_unwinding() {
        let folder = Folder::new("starts-stripped");
        let source =
            "__attribute__((noinline)) static int hidden(int x) { __asm__ volatile(\"\" : \"+r\"(x)); return x; }
            int main(int argc, char **argv) { return hidden(argc) + 1; }";
        let Some(named) = folder.compile("named", source, &["-O1"]) else { return };
        let Some(stripped) = folder.compile("stripped", source, &["-O1", "-s"]) else { return };
        let elf = Elf::parse(TargetFile::open(&named).unwrap()).unwrap();
        let hidden = elf.code_offset_of(elf.symbols().unwrap().named("hidden").next().unwrap().address).unwrap();
        let inode = TargetFile::open(&stripped).unwrap().inode();
        let found = function_starts(&stripped, inode, &[hidden, hidden + 1]);
        assert_eq!(found.into_keys().collect::<Vec<_>>(), [hidden]);
    }
}
