//! C types as the kernel and programs describe them: BTF, DWARF and tracefs formats.
//!
//! Four things live here:
//! * [`Btf`], a lazy reader of raw BTF bytes;
//! * [`DebugInfo`], the debug information of a program: functions, parameters, types, lines;
//! * [`Types`], the session's store: built-in types, those a script defines and BTF's,
//!   all behind cheap [`TypeId`] handles, with C's spelling both ways;
//! * [`EventFormat`], the parser of tracefs `format` files.
//!
//! Nothing here opens a file or asks the kernel: it takes bytes and text.

mod btf;
mod dwarf;
mod error;
mod format;
mod suggest;
#[cfg(test)]
mod testing;
mod types;

pub use btf::{Btf, BtfKind};
pub use dwarf::{
    Base, Companions, DebugInfo, DieRef, Function, LineCode, Location, Parameter, Passing, Sections, SourceLine,
    Subprogram,
};
pub use error::TypeError;
pub use format::{EventFormat, FieldStorage, FormatField};
pub use suggest::{suggest, suggest_many};
pub use types::{
    Attributes, CType, DebugTag, DebugTypes, EnumValue, FieldDef, FuncProto, KernelFunc, Member, POINTER_SIZE, Param,
    RawTracepoint, StructDef, TypeId, TypeSet, Types, Variant, Variants, is_fixed_name,
};

mod header;

pub use btf::{BtfInt, BtfLinkage, BtfMember, BtfVariable};
pub use header::{c_header, c_type};
