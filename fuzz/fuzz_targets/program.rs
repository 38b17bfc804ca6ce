//! Any bytes as a program of somebody else: its functions and static probes found, its addresses named.

#![no_main]

use std::io::Write;
use std::os::fd::AsRawFd;
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use quadrant_probes::{Options, Source};
use quadrant_program::probe::{ProbeKind, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_symbols::Symbolizer;
use quadrant_types::Types;

/// Functions whose places, arguments and names are asked for.
const LOOKED_AT: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    let fd = rustix::fs::memfd_create("fuzzed", rustix::fs::MemfdFlags::CLOEXEC).expect("memory");
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes).expect("memory");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let source = Source::new(Rc::new(Types::without_btf("not needed")), Options::default());
    for kind in [ProbeKind::Uprobe, ProbeKind::Uretprobe, ProbeKind::Usdt] {
        let names = source.list(kind, &[path.clone(), "*".to_owned()]).unwrap_or_default();
        names.iter().take(LOOKED_AT).for_each(|name| resolve(&source, kind, &path, name));
    }
    let options = quadrant_symbols::Options { inlines: true, source: true, ..Default::default() };
    let addresses: Vec<u64> = (0..64).map(|at| 0x1000 + at * 0x40).collect();
    Symbolizer::new(options).file(&path, &addresses);
});

fn resolve(source: &Source, kind: ProbeKind, path: &str, name: &str) {
    let rest = name.split_once(path).map_or(name, |(_, rest)| rest.trim_start_matches(':'));
    let parts: Vec<String> = [path].into_iter().chain(rest.split(':')).map(str::to_owned).collect();
    let spec = ProbeSpec { kind, parts, span: Span::default() };
    let _ = source.arguments(&spec);
}
