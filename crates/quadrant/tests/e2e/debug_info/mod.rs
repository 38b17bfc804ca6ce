//! Arguments and types of user functions, by the debug information of their files.

mod errors;
mod floats;
mod handed;
mod lines;
mod memory;
mod places;
mod remade;
mod separate;
mod types;
mod variants;

use quadrant_testing::Outcome;

use crate::common::run_on;

/// Runs a script whose `BIN` stands for a target, on that target.
fn on(target: &str, text: &str) -> Outcome {
    run_on(target, &text.replace("BIN", target))
}
