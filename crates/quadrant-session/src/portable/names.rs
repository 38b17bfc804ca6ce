//! Names in an object: C identifiers, each once.

use std::collections::HashSet;

/// Names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name as C has it, with a number behind it if it is taken.
    pub(super) fn new_name(&mut self, wanted: &str) -> String {
        let clean = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut plain: String = wanted.chars().take(100).map(clean).collect();
        if !plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            plain.insert(0, '_');
        }
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let name = std::iter::once(plain.clone()).chain(numbered).find(|name| !self.0.contains(name)).unwrap_or(plain);
        self.0.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers_and_each_is_there_once() {
        let mut names = Names::default();
        assert_eq!(names.new_name("a:b"), "a_b");
        assert_eq!(names.new_name("a.b"), "a_b_2");
        assert_eq!(names.new_name("1"), "_1");
        assert_eq!(names.new_name(""), "_");
    }
}
