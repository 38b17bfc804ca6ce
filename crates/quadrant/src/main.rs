//! One tracer for all four quadrants of Linux tracing.

fn main() {}
