//! The four parts of a description, each a shell-style pattern.

use crate::desc::ProbeDesc;
use quadrant_program::expr::PointPart;
use quadrant_program::glob::{self, Backslash};

/// A pattern for one part: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a character that stands for itself. Nothing matches anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_anything(&self) -> bool {
        self.text.is_empty() || self.text == "*"
    }

    /// The only text that it matches, if there is just one.
    pub fn literal(&self) -> Option<&str> {
        let special = self.text.is_empty() || self.text.contains(['*', '?', '[', '\\']);
        (!special).then_some(self.text.as_str())
    }

    /// Whether anything may follow what it matches.
    pub fn is_open_ended(&self) -> bool {
        self.text.ends_with('*') && !self.text.ends_with("\\*")
    }

    pub fn matches(&self, name: &str) -> bool {
        self.text.is_empty() || glob::matches(self.text.as_bytes(), name.as_bytes(), Backslash::Escapes)
    }

    /// For those who know no backslash: at least as much is matched.
    pub fn widened(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut chars = self.text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => {
                    chars.next();
                    out.push('?');
                }
                other => out.push(other),
            }
        }
        out
    }
}

impl ProbeDesc {
    /// Whether a probe's full name is one that this means.
    pub fn accepts(&self, name: &str) -> bool {
        let (wanted, [provider, module, function, name]) = (Wanted::of(self), PointPart::all_of(name));
        wanted.provider.matches(provider) && wanted.accepts(module, function, name)
    }
}

/// A description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub provider: Pattern,
    pub module: Pattern,
    pub function: Pattern,
    pub name: Pattern,
}

impl Wanted {
    pub fn new(provider: &str, module: &str, function: &str, name: &str) -> Self {
        let [provider, module, function, name] = [provider, module, function, name].map(Pattern::new);
        Self { provider, module, function, name }
    }

    pub fn of(desc: &ProbeDesc) -> Self {
        Self::new(&desc.provider, &desc.module, &desc.function, &desc.name)
    }

    /// A probe's full name as somebody would write it who wrote this description: parts that are left out here are left out.
    pub fn shaped(&self, name: &str) -> String {
        let patterns = [&self.provider, &self.module, &self.function, &self.name];
        let parts = PointPart::all_of(name).into_iter().zip(patterns);
        let parts: Vec<&str> = parts.map(|(part, pattern)| if pattern.text.is_empty() { "" } else { part }).collect();
        parts.join(":")
    }

    /// Whether the parts after the provider fit.
    pub fn accepts(&self, module: &str, function: &str, name: &str) -> bool {
        self.name.matches(name) && self.function.matches(function) && self.module.matches(module)
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}:{}", self.provider.text, self.module.text, self.function.text, self.name.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).matches(name)
    }

    #[test]
    fn shell_patterns() {
        assert!(check("", "anything"));
        assert!(check("open*", "openat"));
        assert!(!check("open", "openat"));
        assert!(check("*open*at*", "sys_openat2"));
        assert!(check("r[ae]ad", "read"));
        assert!(check("[!a]*", "read"));
        assert!(!check("[!r]*", "read"));
        assert!(check("a\\*b", "a*b"));
        assert!(!check("a\\*b", "axb"));
        assert!(check("[]]", "]"));
        assert!(check("x[", "x["));
        assert!(!check("a*", ""));
        assert!(check("**", ""));
    }

    #[test]
    fn what_others_are_given_matches_at_least_as_much() {
        assert_eq!(Pattern::new("a\\*b").widened(), "a?b");
        assert_eq!(Pattern::new("a*").literal(), None);
        assert_eq!(Pattern::new("read").literal(), Some("read"));
        assert_eq!(Pattern::new("").literal(), None);
    }

    #[test]
    fn functions_with_colons() {
        let accepts = |function: &str, name: &str, full: &str| {
            let (function, name) = (function.to_owned(), name.to_owned());
            ProbeDesc { provider: "pid7".into(), module: String::new(), function, name }.accepts(full)
        };
        assert!(accepts("ns::f", "entry", "pid7:prog:ns::f:entry"));
        assert!(accepts("ns::*", "4", "pid7:prog:ns::f:4"));
        assert!(!accepts("ns", "", "pid7:prog:ns::f:entry"));
        assert!(!accepts("ns::f", "return", "pid7:prog:ns::f:entry"));
        assert!(accepts("f", "entry", "pid7:prog:f:entry"));
    }

    proptest! {
        #[test]
        fn any_pattern_ends(pattern in "[ab*?\\[\\]!\\\\-]{0,12}", name in "[ab\\[\\]-]{0,12}") {
            check(&pattern, &name);
        }

        #[test]
        fn a_name_matches_its_beginning(name in "[a-z_0-9.]{1,20}") {
            prop_assert!(check(&name, &name));
            let prefix = format!("{}*", &name[..1]);
            prop_assert!(check(&prefix, &name));
        }
    }
}
