//! What is said about a script while it is lowered.

use quadrant_program::diag::{Diagnostic, Severity};
use quadrant_program::span::Span;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Errors after which the rest of a script is not looked at: each costs time (a nearest name is one among a hundred
/// thousand), and nobody reads more of them.
const ENOUGH: usize = 200;

/// What is said of a probe of which nothing is there.
pub(super) const LEFT_OUT: &str = "this probe is left out: nothing of it is there";

/// Places that a message has at most.
const PLACES: usize = 20;

/// Messages in the order in which they were made.
#[derive(Default)]
pub(super) struct Messages {
    all: Vec<Diagnostic>,
    errors: usize,
    /// The first of them, which are about different things, and what these are.
    different: usize,
    /// Where of all they stand.
    seen: HashMap<(Span, Severity, bool), usize>,
}

impl Messages {
    pub fn push(&mut self, message: Diagnostic) {
        self.errors += usize::from(message.severity == Severity::Error);
        self.all.push(message);
    }

    pub fn append(&mut self, messages: Vec<Diagnostic>) {
        messages.into_iter().for_each(|message| self.push(message));
    }

    /// Words the last one in another way.
    pub fn reword(&mut self, how: impl FnOnce(&str) -> String) {
        if let Some(last) = self.all.last_mut() {
            last.message = how(&last.message);
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn failed(&self) -> bool {
        self.errors > 0
    }

    /// Whether one has these words.
    pub fn says(&self, words: &str) -> bool {
        self.all.iter().any(|message| message.message == words)
    }

    /// The last error among those since there were `from`.
    pub fn last_error(&self, from: usize) -> Option<&Diagnostic> {
        self.all.iter().skip(from).rfind(|message| message.severity == Severity::Error)
    }

    /// Whether there is an error among those since there were `from`.
    pub fn failed_since(&self, from: usize) -> bool {
        self.all.iter().skip(from).any(|message| message.severity == Severity::Error)
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

    /// Adds a place that explains them to those since there were `from`.
    pub fn explain(&mut self, from: usize, place: Span, text: &str) {
        for message in self.all.iter_mut().skip(from) {
            message.places.push((place, text.to_owned()));
        }
    }

    /// Says everything once: a body that is lowered for several points, or put in for several calls, makes each mistake several
    /// times.
    pub fn once(&mut self) {
        for message in self.all.split_off(self.different) {
            // That a probe is left out is said beside the reason, of the same place.
            let is_left_out = message.message == LEFT_OUT;
            match self.seen.entry((message.span, message.severity, is_left_out)) {
                Entry::Vacant(entry) => {
                    entry.insert(self.all.len());
                    self.all.push(message);
                }
                Entry::Occupied(entry) => {
                    self.errors -= usize::from(message.severity == Severity::Error);
                    if let Some(first) = self.all.get_mut(*entry.get()) {
                        add_places(first, message.places);
                    }
                }
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

/// Adds places that a message does not have yet, as far as anybody reads them.
fn add_places(message: &mut Diagnostic, places: Vec<(Span, String)>) {
    for place in places {
        if message.places.len() < PLACES && !message.places.contains(&place) {
            message.places.push(place);
        }
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

    #[test]
    fn the_same_mistake_in_several_calls_has_all_their_places() {
        let mut messages = Messages::default();
        for call in [7, 9, 7] {
            let from = messages.len();
            messages.push(error(5));
            messages.explain(from, Span::new(call, call + 1), "called here");
        }
        let all = messages.sorted();
        let places: Vec<u32> = all.iter().flat_map(|message| &message.places).map(|(span, _)| span.start).collect();
        assert_eq!((all.len(), places), (1, vec![7, 9]));
    }
}
