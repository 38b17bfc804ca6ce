//! A line on standard error that says how far something long has come.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

/// Time between lines where one cannot replace another.
const PATIENCE: Duration = Duration::from_secs(5);

/// The line. On a terminal it is written over; elsewhere there is a new one now and then.
#[derive(Debug, Default)]
pub struct Progress {
    shown: Option<Instant>,
}

impl Progress {
    /// Shows how far it is.
    pub fn show(&mut self, text: &str) {
        let mut stderr = io::stderr();
        let is_terminal = stderr.is_terminal();
        if !is_terminal && self.shown.is_some_and(|shown| shown.elapsed() < PATIENCE) {
            return;
        }
        self.shown = Some(Instant::now());
        // Nobody can be told that standard error does not take it.
        let _ = if is_terminal { write!(stderr, "\r{text}") } else { writeln!(stderr, "{text}") };
    }

    /// Takes the line away, for what comes next.
    pub fn end(&mut self) {
        if self.shown.take().is_some() && io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}
