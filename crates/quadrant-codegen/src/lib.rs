//! From the program model to eBPF: SSA, register allocation, instruction selection.

pub mod ssa;
