//! The running kernel's own symbols.

use std::fs;
use std::process::Command;

use quadrant_symbols::{Error, Options, Symbolizer};

use crate::common::{Running, TempDir, compile};

/// Address and name of a function, as `/proc/kallsyms` has them; `None` when hidden.
fn listed(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/kallsyms").ok()?;
    let mut lines = text.lines().map(|line| line.split_whitespace());
    let addr = lines.find_map(|mut words| {
        let addr = words.next()?;
        (words.nth(1)? == name).then_some(addr)
    })?;
    u64::from_str_radix(addr, 16).ok().filter(|addr| *addr != 0)
}

#[test]
fn addresses_become_names_and_names_addresses() {
    let mut symbolizer = Symbolizer::new(Options::default());
    for name in ["vfs_read", "schedule", "do_exit"] {
        let Some(addr) = listed(name) else {
            println!("skipped: the addresses of the kernel are hidden");
            return;
        };
        assert_eq!(symbolizer.kaddr(name), Ok(addr));
        let frames = symbolizer.kernel(&[addr + 5]);
        let frame = &frames[0][0];
        let symbol = frame.symbol.as_ref().unwrap();
        assert_eq!((&*symbol.name, symbol.offset), (name, 5));
        assert!(symbol.size > 5);
        assert_eq!(frame.module.as_deref(), Some("[kernel]"));
        assert_eq!(&*symbolizer.ksym(addr).symbol.unwrap().name, name);
        // With the table in memory the answer stays the same.
        assert_eq!(symbolizer.kaddr(name), Ok(addr));
    }
}

#[test]
fn a_return_address_behind_a_function_belongs_to_it() {
    let mut symbolizer = Symbolizer::new(Options::default());
    let Some(addr) = listed("vfs_read") else {
        println!("skipped: the addresses of the kernel are hidden");
        return;
    };
    let size = symbolizer.ksym(addr).symbol.unwrap().size;
    let frames = symbolizer.kernel_stack(&[addr, addr + size]);
    let symbol = frames[1][0].symbol.as_ref().unwrap();
    assert_eq!((&*symbol.name, symbol.offset), ("vfs_read", size));
}

#[test]
fn user_addresses_and_unknown_names_have_none() {
    let mut symbolizer = Symbolizer::new(Options::default());
    for addr in [0, 0x1000, 0x7fff_ffff_ffff] {
        let frames = symbolizer.kernel(&[addr]);
        assert!(frames[0][0].symbol.is_none());
        assert!(frames[0][0].missing.is_some());
    }
    let missing = symbolizer.kaddr("no such name in any kernel");
    let expected = matches!(missing, Err(Error::KernelAddressesHidden | Error::NoSuchSymbol { .. }));
    assert!(expected, "{missing:?}");
}

/// A program that poses as the kernel's image: `deep` is inlined at `place`.
const IMAGE: &str = r#"
#include <stdio.h>
__asm__(".text\n.globl _text\n_text: nop\n");
extern char _text[];
void *volatile place;
static inline __attribute__((always_inline)) void deep(void) {
#if defined(__x86_64__)
    void *p; __asm__ volatile("lea 0f(%%rip), %0\n0: nop" : "=r"(p));
#else
    void *p; __asm__ volatile("adr %0, 0f\n0: nop" : "=r"(p));
#endif
    place = p;
}
static __attribute__((noipa)) void outer(void) { deep(); }
int main(void) {
    outer();
    printf("text %p\nplace %p\n", (void *)_text, place);
    return 0;
}
"#;

#[test]
fn inlined_functions_from_an_image() {
    let (Some(start), Some(_)) = (listed("_text"), listed("vfs_read")) else {
        println!("skipped: the addresses of the kernel are hidden");
        return;
    };
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "vmlinux.c", IMAGE, &["-g", "-O2", "-no-pie"]) else {
        return;
    };
    let mut program = Running::start(&mut Command::new(&binary));
    let (text, place) = (program.addr("text"), program.addr("place"));
    let options = Options { inlines: true, source: true, vmlinux: Some(binary), ..Options::default() };
    let mut symbolizer = Symbolizer::new(options);
    let addr = start.wrapping_add(place).wrapping_sub(text);
    for _ in ["made", "from the cache"] {
        let frames = symbolizer.kernel(&[addr]).remove(0);
        let inner = &frames[0];
        assert_eq!(inner.symbol.as_ref().map(|symbol| &*symbol.name), Some("deep"), "{frames:?}");
        assert!(inner.inlined && inner.source.as_ref().is_some_and(|source| source.line == 8));
        let outer = &frames[1];
        assert_eq!(outer.symbol, symbolizer.ksym(addr).symbol);
        assert!(!outer.inlined && outer.source.as_ref().is_some_and(|source| source.line == 14));
    }
    assert_eq!(symbolizer.warnings(), []);
}

#[test]
fn an_image_that_is_none_is_told() {
    let options = Options { source: true, vmlinux: Some("/dev/null".into()), ..Options::default() };
    let mut symbolizer = Symbolizer::new(options);
    let Some(addr) = listed("vfs_read") else {
        println!("skipped: the addresses of the kernel are hidden");
        return;
    };
    let frames = symbolizer.kernel(&[addr, addr + 1]);
    assert!(frames.iter().all(|frames| frames[0].symbol.is_some()));
    let warnings = symbolizer.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message.contains("/dev/null"), "{warnings:?}");
}
