//! A user-space eBPF interpreter with maps and helpers, for tests and replays.
