//! `#pragma pack` of C: how members of structs are aligned from there on.

/// What becomes of a pragma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It holds from there on.
    Held,
    /// C's compilers warn of it, in these words, and go on as if it was not there.
    Ignored(&'static str),
    /// It asks for what is not known.
    Unknown,
}

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

    /// Takes in what stands behind the word: `(push, 2)`.
    pub fn say(&mut self, from: u32, text: &str) -> Said {
        let Some(inner) = text.trim().strip_prefix('(') else { return Said::Ignored("there is no `(` behind it") };
        let Some(inner) = inner.strip_suffix(')') else { return Said::Unknown };
        let words: Vec<&str> = inner.split(',').map(str::trim).collect();
        let most = match words[..] {
            [""] => Ok(0),
            ["show"] => Err(Said::Ignored("nothing is shown here")),
            ["push", ref rest @ ..] => self.push(rest).ok_or(Said::Unknown),
            ["pop", ref rest @ ..] => self.pop(rest),
            [number] => alignment(number).ok_or(Said::Unknown),
            _ => Err(Said::Unknown),
        };
        self.said.extend(most.map(|most| (from, most)));
        most.map_or_else(|why| why, |_| Said::Held)
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
    fn pop(&mut self, words: &[&str]) -> Result<u64, Said> {
        let (name, most) = named(words).ok_or(Said::Unknown)?;
        let at = self.kept.iter().rposition(|(kept, _)| name.is_empty() || kept == name);
        let kept = at.map(|at| self.kept.drain(at..).next().map_or(0, |(_, most)| most));
        most.or(kept).ok_or(Said::Ignored("nothing was pushed that it could take off"))
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

/// 0 is none.
fn alignment(word: &str) -> Option<u64> {
    word.parse().ok().filter(|bytes| matches!(bytes, 0 | 1 | 2 | 4 | 8 | 16))
}
