//! Wildcards in probe names: `*` any text, `?` any character, `[a-z]` one of a set.

use quadrant_program::glob::{self, Backslash};

/// A pattern for whole names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
}

impl Glob {
    /// A pattern; an empty one matches all names, as in `usdt::probe`.
    pub fn new(pattern: &str) -> Self {
        let pattern = if pattern.is_empty() { "*" } else { pattern };
        Self { pattern: pattern.to_owned() }
    }

    /// The name itself, if the pattern has no wildcards.
    pub fn literal(&self) -> Option<&str> {
        (!has_wildcards(&self.pattern)).then_some(self.pattern.as_str())
    }

    /// Whether the pattern is of wildcards for any text alone.
    pub(crate) fn is_bare(&self) -> bool {
        self.pattern.bytes().all(|byte| matches!(byte, b'*' | b'?'))
    }

    /// The pattern's text.
    pub fn text(&self) -> &str {
        &self.pattern
    }

    /// Whether the pattern matches all of `name`.
    pub fn matches(&self, name: &str) -> bool {
        glob::matches(self.pattern.as_bytes(), name.as_bytes(), Backslash::IsItself)
    }
}

/// Whether a name is a pattern.
pub fn has_wildcards(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).matches(name)
    }

    #[test]
    fn stars() {
        assert!(check("sys_enter_*", "sys_enter_read"));
        assert!(check("sys_enter_*", "sys_enter_"));
        assert!(!check("sys_enter_*", "sys_exit_read"));
        assert!(check("*open*at*", "sys_enter_openat2"));
        assert!(!check("*open", "openat"));
        assert!(check("", "anything"));
        assert!(check("a**b", "ab"));
    }

    #[test]
    fn single_characters_and_sets() {
        assert!(check("vfs_?ead", "vfs_read"));
        assert!(!check("vfs_?", "vfs_"));
        assert!(check("mem[cs]*", "memset"));
        assert!(!check("mem[cs]*", "memmove"));
        assert!(check("mem[!cs]*", "memmove"));
        assert!(check("r[0-9]", "r7"));
        assert!(check("a]", "a]"));
        assert!(check("operator[", "operator["));
        assert!(check("[]]", "]"));
    }

    #[test]
    fn literal_only_without_wildcards() {
        assert_eq!(Glob::new("malloc").literal(), Some("malloc"));
        assert_eq!(Glob::new("mal*").literal(), None);
        assert_eq!(Glob::new("").literal(), None);
    }

    proptest! {
        #[test]
        fn any_pattern_on_any_name(pattern in "[ab*?\\[\\]!-]{0,12}", name in "[ab\\[\\]-]{0,12}") {
            check(&pattern, &name);
        }

        #[test]
        fn a_name_matches_itself(name in "[a-z_0-9.]{1,20}") {
            prop_assert!(check(&name, &name));
            let prefix = format!("{}*", &name[..1]);
            prop_assert!(check(&prefix, &name));
        }
    }
}
