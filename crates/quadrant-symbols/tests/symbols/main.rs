//! The whole crate on real programs and the running kernel.

mod common;
mod debug_info;
mod hostile;
mod kernel;
mod live;
mod perf_map;
mod reported;
