//! Wildcards in probe names: `*` any text, `?` any character, `[a-z]` one of a set.

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
        matches(self.pattern.as_bytes(), name.as_bytes())
    }
}

/// Whether a name is a pattern.
pub fn has_wildcards(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Goes back to the last star only, so the time is at most pattern times name.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_name < name.len() {
        let rest = pattern.get(at_pattern..).unwrap_or_default();
        if rest.first() == Some(&b'*') {
            star = Some((at_pattern, at_name));
            at_pattern += 1;
        } else if let Some(len) = match_one(rest, name[at_name]) {
            at_pattern += len;
            at_name += 1;
        } else if let Some((star_pattern, star_name)) = star {
            star = Some((star_pattern, star_name + 1));
            at_pattern = star_pattern + 1;
            at_name = star_name + 1;
        } else {
            return false;
        }
    }
    pattern[at_pattern.min(pattern.len())..].iter().all(|byte| *byte == b'*')
}

/// How much of the pattern one byte of the name matches.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match_set(pattern, byte),
        exact => (exact == byte).then_some(1),
    }
}

/// A set; a bracket that is never closed stands for itself.
fn match_set(pattern: &[u8], byte: u8) -> Option<usize> {
    let inverted = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = if inverted { 2 } else { 1 };
    let Some(len) = pattern.iter().skip(first + 1).position(|end| *end == b']') else {
        return (byte == b'[').then_some(1);
    };
    let end = first + 1 + len;
    (in_set(&pattern[first..end], byte) != inverted).then_some(end + 1)
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    while let Some((&low, after)) = rest.split_first() {
        if let [b'-', high, tail @ ..] = after {
            if (low..=*high).contains(&byte) {
                return true;
            }
            rest = tail;
        } else if low == byte {
            return true;
        } else {
            rest = after;
        }
    }
    false
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
