//! Watchpoints are made for an address; there is nothing to list.

/// The form of the name.
pub(crate) fn list() -> Vec<String> {
    vec!["watchpoint:address:length:mode".to_owned()]
}
