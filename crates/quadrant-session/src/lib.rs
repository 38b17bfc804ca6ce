//! A running trace: load, attach, consume, account for losses.
