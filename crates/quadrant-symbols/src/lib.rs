//! Kernel and process symbolization.
