//! What the tracer knows of the machine, opened at first need.

use quadrant_bpf::file::MappedFile;
use quadrant_types::Btf;
use quadrant_types::TypeError;
use quadrant_types::Types;

/// C types of the running kernel; its BTF is read only when a script needs it.
pub fn types() -> Types {
    Types::with_loader(|| {
        let mapped = MappedFile::open("/sys/kernel/btf/vmlinux".as_ref());
        Btf::new(mapped.map_err(|error| TypeError::NoBtf { reason: error.to_string() })?)
    })
}
