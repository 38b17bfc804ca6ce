//! The back end: an SSA intermediate representation, its optimizer, and eBPF code from it.
//!
//! Build functions with [`FuncBuilder`], put them in a [`Module`], and compile that.

pub mod builder;
mod dom;
pub mod error;
pub mod ir;
pub mod purity;
mod uses;
mod vars;
mod verify;

pub use builder::FuncBuilder;
pub use error::{SsaError, SsaErrorKind};
pub use ir::{
    AtomicOp, BinOp, Block, Callee, Cond, Func, FuncRef, KfuncRef, MapRef, Module, Op, Operand, Purity, Size, Slot,
    Span, Value, Var,
};
