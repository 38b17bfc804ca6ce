//! Advice that names probes, which every language calls by names of its own.

use crate::probe::ProbeKind;

/// What to do about something that is wrong, one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The same in every language.
    Words(String),
    /// Probes, with words around them.
    Probes {
        /// What stands before them.
        before: String,
        /// At least one.
        probes: Vec<Named>,
        /// Whether they are meant together, not one of them.
        together: bool,
        /// What stands behind them.
        behind: String,
    },
}

/// Something of which each language has its own spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A probe: kind and parts, as in a [`crate::probe::ProbeSpec`].
    Probe(ProbeKind, Vec<String>),
    /// What shows all probes that a kind and patterns mean.
    Listing(ProbeKind, Vec<String>),
}

/// A language's spelling; `None` for what it does not have.
pub type Spelling = fn(&Named) -> Option<String>;

impl Named {
    /// A probe of a kind.
    pub fn probe<const N: usize>(kind: ProbeKind, parts: [&str; N]) -> Named {
        Named::Probe(kind, parts.map(str::to_owned).to_vec())
    }

    /// A listing of a kind.
    pub fn listing<const N: usize>(kind: ProbeKind, parts: [&str; N]) -> Named {
        Named::Listing(kind, parts.map(str::to_owned).to_vec())
    }
}

impl Advice {
    /// One of those.
    pub fn one_of(before: impl Into<String>, probes: Vec<Named>, behind: impl Into<String>) -> Advice {
        Advice::Probes { before: before.into(), probes, together: false, behind: behind.into() }
    }

    /// All of those together.
    pub fn all_of(before: impl Into<String>, probes: Vec<Named>) -> Advice {
        Advice::Probes { before: before.into(), probes, together: true, behind: String::new() }
    }

    /// The line in a language; `None` if it has none of the probes.
    pub fn spelled(&self, spelling: Spelling) -> Option<String> {
        let (before, probes, together, behind) = match self {
            Advice::Words(words) => return Some(words.clone()),
            Advice::Probes { before, probes, together, behind } => (before, probes, together, behind),
        };
        let names: Vec<String> = probes.iter().filter_map(spelling).collect();
        let names = names.join(if *together { "," } else { "` or `" });
        (!names.is_empty()).then(|| format!("{before}`{names}`{behind}"))
    }
}

impl From<String> for Advice {
    fn from(words: String) -> Advice {
        Advice::Words(words)
    }
}

impl From<&str> for Advice {
    fn from(words: &str) -> Advice {
        Advice::Words(words.to_owned())
    }
}

/// All lines in a language.
pub fn spelled(advice: &[Advice], spelling: Spelling) -> Vec<String> {
    advice.iter().filter_map(|one| one.spelled(spelling)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files_only(named: &Named) -> Option<String> {
        match named {
            Named::Probe(ProbeKind::Uprobe, parts) => Some(parts.join("!")),
            _ => None,
        }
    }

    #[test]
    fn a_language_names_what_it_has() {
        let probes = vec![
            Named::probe(ProbeKind::Uprobe, ["a", "f"]),
            Named::probe(ProbeKind::Kprobe, ["g"]),
            Named::probe(ProbeKind::Uprobe, ["b", "h"]),
        ];
        let one = Advice::one_of("use ", probes.clone(), " instead");
        assert_eq!(one.spelled(files_only).as_deref(), Some("use `a!f` or `b!h` instead"));
        assert_eq!(Advice::all_of("use ", probes).spelled(files_only).as_deref(), Some("use `a!f,b!h`"));
        let none = Advice::one_of("", vec![Named::listing(ProbeKind::Uprobe, ["*"])], " lists them");
        assert_eq!(spelled(&[none, "words".into()], files_only), ["words"]);
    }
}
