//! From optimized SSA to eBPF instructions.

mod asm;
mod emit;
mod frame;
mod hints;
mod legal;
mod live;
mod moves;
mod reg_file;
mod regalloc;
mod select;

pub use emit::{FuncCode, emit};
pub use frame::MAX_STACK;
