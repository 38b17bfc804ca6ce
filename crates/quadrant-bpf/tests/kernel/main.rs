//! Tests on the running kernel. They need root and skip without it.

// The tests make system calls that the standard library does not have.
#![allow(unsafe_code)]

mod attach;
mod callbacks;
mod common;
mod denied;
mod features;
mod maps;
mod objects;
mod process;
mod programs;
mod ring;
mod sideband;
mod tracefs;
mod waiting;
