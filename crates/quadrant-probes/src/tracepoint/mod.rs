//! `tracepoint:CATEGORY:EVENT`: the kernel's static trace events, with the fields that their format files describe.

mod list;
mod made;
mod resolve;

pub(crate) use list::list;
pub use made::{MadeEvent, made_events};
pub(crate) use resolve::{format_text, found, resolve};
