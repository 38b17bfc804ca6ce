//! Things that went wrong without stopping the work, each with a count.

use std::collections::BTreeMap;

/// At most this many different warnings are kept; the rest is only counted.
const MAX_DISTINCT: usize = 256;

/// One thing that went wrong, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What went wrong and what it means for the output.
    pub message: String,
    /// How many times.
    pub count: u64,
}

/// A bounded collection of warnings.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    counts: BTreeMap<String, u64>,
    unlisted: u64,
}

impl Warnings {
    /// Counts one more occurrence of `message`.
    pub(crate) fn add(&mut self, message: impl Into<String>) {
        self.add_many(message, 1);
    }

    /// Counts `count` more occurrences of `message`; nothing when `count` is 0.
    pub(crate) fn add_many(&mut self, message: impl Into<String>, count: u64) {
        if count == 0 {
            return;
        }
        let message = message.into();
        if self.counts.len() >= MAX_DISTINCT && !self.counts.contains_key(&message) {
            self.unlisted += count;
            return;
        }
        *self.counts.entry(message).or_default() += count;
    }

    /// All warnings so far, and forgets them.
    pub(crate) fn take(&mut self) -> Vec<Warning> {
        let unlisted = std::mem::take(&mut self.unlisted);
        let mut all: Vec<Warning> =
            std::mem::take(&mut self.counts).into_iter().map(|(message, count)| Warning { message, count }).collect();
        if unlisted > 0 {
            all.push(Warning { message: "more warnings about symbols, not listed".to_owned(), count: unlisted });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_messages_are_counted_together() {
        let mut warnings = Warnings::default();
        warnings.add("a");
        warnings.add("a");
        warnings.add_many("b", 0);
        let all = warnings.take();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].message.as_str(), all[0].count), ("a", 2));
        assert!(warnings.take().is_empty());
    }

    #[test]
    fn distinct_messages_are_bounded_and_the_rest_is_counted() {
        let mut warnings = Warnings::default();
        for number in 0..MAX_DISTINCT + 5 {
            warnings.add(format!("warning {number}"));
        }
        let all = warnings.take();
        assert_eq!(all.len(), MAX_DISTINCT + 1);
        assert_eq!(all.last().map(|w| w.count), Some(5));
    }
}
