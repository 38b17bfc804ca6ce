//! Whole output compared with what it must be, and hostile bytes.

mod common;
mod document;
mod dtrace;
mod hostile;
mod json;
mod maps;
mod messages;
mod printf;
mod values;
