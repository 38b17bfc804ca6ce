//! What is said about a script while it is lowered.

use quadrant_program::diag::{Diagnostic, Severity};
use quadrant_program::span::Span;
use std::collections::HashSet;

/// Errors after which the rest of a script is not looked at: each costs time (a nearest name is one among a hundred
/// thousand), and nobody reads more of them.
const ENOUGH: usize = 200;

/// Messages in the order in which they were made.
#[derive(Default)]
pub(super) struct Messages {
    all: Vec<Diagnostic>,
    errors: usize,
    /// The first of them, which are about different things, and what these are.
    different: usize,
    seen: HashSet<(Span, Severity)>,
}

impl Messages {
    pub fn push(&mut self, message: Diagnostic) {
        self.errors += usize::from(message.severity == Severity::Error);
        self.all.push(message);
    }

    pub fn append(&mut self, messages: Vec<Diagnostic>) {
        messages.into_iter().for_each(|message| self.push(message));
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn failed(&self) -> bool {
        self.errors > 0
    }

    /// Whether there are so many errors that more of them help nobody.
    pub fn enough(&self) -> bool {
        self.errors >= ENOUGH
    }

    /// Takes back what was said since there were `len` messages.
    pub fn take_back(&mut self, len: usize) {
        let taken = self.all.drain(len..);
        self.errors -= taken.filter(|message| message.severity == Severity::Error).count();
    }

    /// Adds a note to those since there were `from` that are about a part of the script.
    pub fn note_about(&mut self, from: usize, part: Span, note: &str) {
        let inside = |span: Span| part.start <= span.start && span.end <= part.end;
        for message in self.all.iter_mut().skip(from).filter(|message| inside(message.span)) {
            message.notes.push(note.to_owned());
        }
    }

    /// Says everything once: a body that is lowered for several points makes each mistake several times.
    pub fn once(&mut self) {
        for message in self.all.split_off(self.different) {
            if self.seen.insert((message.span, message.severity)) {
                self.all.push(message);
            } else {
                self.errors -= usize::from(message.severity == Severity::Error);
            }
        }
        self.different = self.all.len();
    }

    /// All of them, in the order of the script.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.once();
        self.all.sort_by_key(|message| (message.span.start, message.span.end));
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(at: u32) -> Diagnostic {
        Diagnostic::error(Span::new(at, at + 1), "x")
    }

    #[test]
    fn errors_are_counted_until_they_are_taken_back() {
        let mut messages = Messages::default();
        messages.push(Diagnostic::warning(Span::new(0, 1), "w"));
        assert!(!messages.failed());
        messages.append(vec![error(3), error(2)]);
        assert!(messages.failed());
        messages.take_back(1);
        assert!(!messages.failed());
        assert_eq!(messages.len(), 1);
    }

    #[test]
    fn the_same_mistake_is_one() {
        let mut messages = Messages::default();
        (0..2 * ENOUGH).for_each(|_| messages.push(error(5)));
        messages.push(error(1));
        messages.once();
        assert!(!messages.enough());
        let places: Vec<u32> = messages.sorted().iter().map(|message| message.span.start).collect();
        assert_eq!(places, [1, 5]);
    }
}
