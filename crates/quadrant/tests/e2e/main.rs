//! The real binary on this machine's own kernel: what it prints, counts, and leaves behind.
//!
//! `QUADRANT_BINARY` names another build to test, such as the release one.

mod active;
mod bpftrace_cli;
mod built;
mod callers;
mod cases;
mod common;
mod complaints;
mod containers;
mod counts;
mod debug_info;
mod doctor;
mod dtrace;
mod entries;
mod errors;
mod explain;
mod fmt;
mod frugal;
mod imports;
mod issue_lines;
mod iterators;
mod json_schema;
mod kernel_functions;
mod kfuncs;
mod life;
mod listing;
mod load;
mod loaders;
mod losses;
mod objects;
mod objects_of_scripts;
mod overhead;
mod own;
mod packets;
mod parameters;
mod privileges;
mod processors;
mod recordings;
mod replay;
mod roots;
mod series;
mod signals;
mod symbols;
mod tools;
mod usdt;
