//! Quadrant's only door to the kernel: bpf(2), perf_event_open(2), tracefs, and eBPF instructions.
