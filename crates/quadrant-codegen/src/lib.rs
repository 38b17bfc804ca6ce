//! From the program model to eBPF.
//!
//! [`compile`] turns a typed program into an [`Object`]: eBPF programs, the maps that they share, and what is where in their data section.
//! [`lower`] says what each construct becomes; [`ssa`] is the back end: optimizer, register allocation, instruction selection.
//! [`target`] is what the kernel can do, as data.
//!
//! Nothing here talks to the kernel, and the same input gives the same bytes.

pub mod front;
pub mod lower;
pub mod object;
pub mod ssa;
pub mod target;

pub use lower::CompileError;
pub use lower::compile;
pub use lower::compile_with;
pub use object::Context;
pub use object::Data;
pub use object::Group;
pub use object::Loss;
pub use object::LossKind;
pub use object::MapDef;
pub use object::MapRole;
pub use object::Object;
pub use object::RawRead;
pub use object::Unit;
pub use ssa::Code;
pub use ssa::FuncInfo;
pub use ssa::RelocKind;
pub use target::Target;
