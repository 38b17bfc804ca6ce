//! Finding, describing and attaching probes: one module per mechanism.
