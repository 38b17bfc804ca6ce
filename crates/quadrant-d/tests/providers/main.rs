//! Providers against this machine's kernel and processes.

mod calls;
mod fake;
mod library;
mod processes;
mod tables;
mod world;
