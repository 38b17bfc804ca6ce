//! Which of C's words make up a type.

use crate::parser::{INTEGERS_ONLY, NUMBERS_ONLY};

/// What is wrong with the words of a type: DTrace's tag, and the message.
pub(super) fn mistake(words: &str) -> Option<(&'static str, &'static str)> {
    let count = |word| count(words, word);
    let signs = count("signed") + count("unsigned");
    let long = count("long");
    let sizes = count("short") + long;
    let has = |word| count(word) > 0;
    match () {
        () if has("void") && signs + sizes > 0 => {
            Some(("D_DECL_VOIDATTR", "invalid type declaration: attributes may not be used with void type"))
        }
        () if has("void") && words != "void" => Some(("D_DECL_COMBO", "invalid type combination")),
        () if has("char") && sizes > 0 => {
            Some(("D_DECL_CHARATTR", "invalid type declaration: short and long may not be used with char type"))
        }
        () if signs > 0 && (has("float") || has("double") || has("string")) => Some(INTEGERS_ONLY),
        () if long > 0 && has("string") => Some(NUMBERS_ONLY),
        () => None,
    }
}

fn count(words: &str, word: &str) -> usize {
    words.split(' ').filter(|known| *known == word).count()
}

/// Sizes that no floating-point type has; `long double` is one.
pub(super) fn no_float(words: &str) -> bool {
    let count = |word| count(words, word);
    let (short, long) = (count("short"), count("long"));
    (count("float") > 0 && short + long > 0) || (count("double") > 0 && (short > 0 || long > 1))
}

/// The message about words that go together, but name no type.
pub(super) fn no_type(words: &str) -> (&'static str, String) {
    let is_base = |word: &&str| !matches!(*word, "signed" | "unsigned" | "short" | "long");
    let (bases, attributes): (Vec<&str>, Vec<&str>) = words.split(' ').partition(is_base);
    match bases.len() {
        // The name of the type that they are attributes of is missing.
        0 if !words.contains("long short") => {
            ("D_UNKNOWN", format!("failed to resolve type {words} : Unknown type name"))
        }
        1 if matches!(bases[0], "float" | "double") => {
            ("D_UNKNOWN", format!("failed to resolve type {} {}: Unknown type name", attributes.join(" "), bases[0]))
        }
        _ => ("D_DECL_COMBO", "invalid type combination".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::mistake;

    #[test]
    fn words_that_go_together() {
        for words in ["void", "unsigned char", "long long unsigned int", "short", "long double", "string", "signed"] {
            assert_eq!(mistake(words), None, "{words}");
        }
    }

    #[test]
    fn words_that_do_not() {
        for (words, tag) in [
            ("unsigned void", "D_DECL_VOIDATTR"),
            ("long char", "D_DECL_CHARATTR"),
            ("unsigned float", "D_DECL_SIGNINT"),
            ("signed string", "D_DECL_SIGNINT"),
            ("long string", "D_DECL_LONGINT"),
        ] {
            assert_eq!(mistake(words).map(|(tag, _)| tag), Some(tag), "{words}");
        }
    }
}
