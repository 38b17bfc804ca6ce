//! BPF object files (ELF, machine 247), as clang makes them and libbpf's conventions give them a meaning.
//!
//! [`Object::parse`] turns a file's bytes into programs, maps, data sections, external symbols and type information;
//! [`Object::link`] makes one program ready for loading: CO-RE relocations resolved against the types of a kernel, the functions that
//! it calls appended, and everything that only a loader knows (descriptors, addresses) listed as a [`Reference`].
//! [`write`](mod@write) makes such files.
//!
//! Deliberately absent: the kernel, files, system calls. What an object says is not trusted: sizes, counts and depths are bounded, and
//! nothing here panics.

mod btf;
mod contexts;
mod core;
mod data;
mod elf;
mod error;
mod ext;
mod externs;
mod function;
mod hook;
mod link;
mod map;
mod object;
mod set;
pub mod write;

pub use crate::btf::Sanitizing;
pub use crate::core::{KernelTypes, types_are_compatible};
pub use crate::data::{DataKind, DataSection, Variable};
pub use crate::error::{Error, Result};
pub use crate::ext::LineInfo;
pub use crate::externs::{Extern, ExternKind, essential_name};
pub use crate::hook::{Hook, Part};
pub use crate::link::{Broken, FunctionInfo, Linked, Reference};
pub use crate::map::{InitialValue, MapDef};
pub use crate::object::{Object, Program, Skipped};
