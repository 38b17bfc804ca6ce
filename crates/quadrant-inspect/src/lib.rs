//! What is attached on this system, by whomever, and what this kernel can do.
//!
//! * [`active`]: probes and programs that are there now, with their targets, owners and counts.
//! * [`doctor`]: each mechanism of this kernel tried, why not where it does not work, and what a bug report needs.
//! * [`objects`]: the maps and programs that the kernel has, who holds them, and what programs cost.
//!
//! Deliberately absent: printing, and any tracing language. Names and paths are bytes as their makers chose them; whoever
//! shows them has to escape them.

pub mod active;
pub mod doctor;
pub mod objects;
