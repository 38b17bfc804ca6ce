//! The back end: an SSA intermediate representation, its optimizer, and eBPF code from it.
//!
//! Build functions with [`FuncBuilder`], put them in a [`Module`], and compile that.

pub mod builder;
pub mod code;
mod display;
mod dom;
pub mod error;
pub mod ir;
mod layout;
mod machine;
pub mod ops;
pub mod passes;
pub mod purity;
mod uses;
mod vars;
mod verify;

pub use builder::FuncBuilder;
pub use code::{Code, FuncInfo, Options, Reloc, RelocKind, compile};
pub use error::{SsaError, SsaErrorKind};
pub use ir::{
    AtomicOp, BinOp, Block, Callee, Cond, CoreRef, Func, FuncRef, ImportRef, KfuncRef, MapRef, Module, Op, Operand,
    Purity, Size, Slot, Span, Value, Var,
};
