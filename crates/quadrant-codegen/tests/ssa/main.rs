//! The back end against a plain evaluator of its representation, in the user-space machine and in the kernel.

mod eval;
mod generate;
mod kernel;
mod listing;
mod machine;
mod random;
mod shapes;
