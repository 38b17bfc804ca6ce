//! What a script has become: listings with the script beside them, machine code, helper functions, costs.
//!
//! Everything here turns data into text. Nothing asks the kernel, and nothing is printed.

pub mod cost;
pub mod helpers;
pub mod listing;
pub mod machine;
