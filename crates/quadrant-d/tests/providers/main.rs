//! Providers against this machine's kernel and processes.

mod calls;
mod processes;
mod tables;
mod world;
