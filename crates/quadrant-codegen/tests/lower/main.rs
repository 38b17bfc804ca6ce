//! Lowering, tested from the typed program to what programs do: in the user-space machine, and where the tests run as root, in the kernel.

mod aggregates;
mod basics;
mod build;
mod change;
mod comm;
mod contexts;
mod ddata;
mod dkernel;
mod drandom;
mod dtexts;
mod engine;
mod eval;
mod faults;
mod long_keys;
mod long_texts;
mod loops;
mod maps;
mod models;
mod numbers;
mod points;
mod random;
mod sampling;
mod series;
mod stays;
mod texts;
mod values;
