//! A running trace: load, attach, consume, account for losses.
//!
//! [`compile`] plans a program ([`mod@plan`]) and generates its code; [`Trace::load`] creates maps and loads programs;
//! [`Trace::run`] attaches, follows the trace to its end and hands every answer to a [`Sink`].
//!
//! Deliberately absent: printing, threads, an async runtime, languages.

mod attaching;
mod backlog;
mod callers;
mod checks;
mod clock;
mod controls;
mod crowd;
mod descendants;
mod entries;
mod error;
mod gather;
mod inside;
mod kernel;
mod ledger;
mod load;
mod machine;
mod map_types;
mod mechanisms;
pub mod object;
pub mod overhead;
mod pins;
pub mod plan;
pub mod portable;
mod privileges;
mod probed;
mod processes;
mod processors;
mod programs;
mod reader;
mod records;
mod refused;
pub mod replay;
mod run;
mod sink;
mod source;
mod stuck;
mod take;
mod target;
mod targets;
mod trace;
mod user_symbols;
mod uses;
mod verifier;
mod world;

pub use checks::Checks;
pub use clock::boot_ns;
pub use clock::wall_offset_ns;
pub use descendants::share_places;
pub use error::Error;
pub use inside::Inside;
pub use ledger::Ledger;
pub use map_types::STACK_TYPE;
pub use mechanisms::Mechanism;
pub use run::End;
pub use sink::Check;
pub use sink::MapPrint;
pub use sink::Sink;
pub use sink::View;
pub use source::Source;
pub use trace::Compiled;
pub use trace::Focus;
pub use trace::Options;
pub use trace::Outcome;
pub use trace::Trace;
pub use trace::Until;
pub use trace::compile;
