//! The optimizer. Each pass walks a function once or twice; none of them iterates to a fixed point.

mod cfg;
mod dce;
mod gvn;
mod simplify;

pub use dce::predecessors;

use super::ir::Func;

/// Optimizes a verified function.
pub fn optimize(func: &mut Func) {
    gvn::run(func);
    dce::run(func);
    if cfg::run(func) {
        // Shorter ways through the graph leave parameters with one source and conditions that are now known.
        gvn::run(func);
        dce::run(func);
        cfg::run(func);
    }
}
