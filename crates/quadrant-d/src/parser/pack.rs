//! `#pragma pack` of C: how members of structs are aligned from there on.

/// What is said where.
#[derive(Debug, Default)]
pub(super) struct Packs {
    /// Places behind which it holds, in order, and the largest alignment in bytes; 0 for none.
    said: Vec<(u32, u64)>,
    /// What `push` keeps, with its name.
    kept: Vec<(String, u64)>,
}

impl Packs {
    /// The largest alignment of members of a struct that ends at a place; 0 if nothing is said.
    pub fn most_at(&self, offset: u32) -> u64 {
        let before = self.said.partition_point(|(from, _)| *from < offset);
        before.checked_sub(1).map_or(0, |at| self.said[at].1)
    }

    /// Takes in what stands behind the word: `(push, 2)`. False if it is no such thing.
    pub fn say(&mut self, from: u32, text: &str) -> bool {
        let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        let Some(inner) = inner else { return false };
        let words: Vec<&str> = inner.split(',').map(str::trim).collect();
        let most = match words[..] {
            [""] | ["0"] => Some(0),
            ["push", ref rest @ ..] => self.push(rest),
            ["pop", ref rest @ ..] => self.pop(rest),
            [number] => alignment(number),
            _ => None,
        };
        self.said.extend(most.map(|most| (from, most)));
        most.is_some()
    }

    fn now(&self) -> u64 {
        self.said.last().map_or(0, |(_, most)| *most)
    }

    fn push(&mut self, words: &[&str]) -> Option<u64> {
        let (name, most) = named(words)?;
        self.kept.push((name.to_owned(), self.now()));
        Some(most.unwrap_or(self.now()))
    }

    /// A name takes off all down to it; without anything kept there is nothing to return to.
    fn pop(&mut self, words: &[&str]) -> Option<u64> {
        let (name, most) = named(words)?;
        let at = self.kept.iter().rposition(|(kept, _)| name.is_empty() || kept == name);
        let kept = at.map(|at| self.kept.drain(at..).next().map_or(0, |(_, most)| most));
        most.or(kept)
    }
}

/// The name and the number of `push` and `pop`, each if it is there.
fn named<'a>(words: &[&'a str]) -> Option<(&'a str, Option<u64>)> {
    match *words {
        [] => Some(("", None)),
        [number] if !is_name(number) => Some(("", Some(alignment(number)?))),
        [name] => Some((name, None)),
        [name, number] if is_name(name) => Some((name, Some(alignment(number)?))),
        _ => None,
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
}

fn alignment(word: &str) -> Option<u64> {
    word.parse().ok().filter(|bytes| matches!(bytes, 1 | 2 | 4 | 8 | 16))
}
