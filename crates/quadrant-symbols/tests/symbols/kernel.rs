//! The running kernel's own symbols.

use std::fs;

use quadrant_symbols::{Error, Options, Symbolizer};

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
