//! `__attribute__((...))` in preprocessed text: D reads those that lay out memory; the others say nothing that it could use.

use quadrant_types::Attributes;

const WORD: &str = "__attribute__";

/// The text with blanks for attributes that say nothing of memory, so that all places stay.
pub fn without_others(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '_']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (taken, is_blank) = match rest.as_bytes()[0] {
            b'_' if out.ends_with(|last: char| last.is_ascii_alphanumeric()) => (1, false),
            b'_' => word_or_attribute(rest),
            quote => (literal_len(rest, quote), false),
        };
        let (part, behind) = rest.split_at(taken);
        match is_blank {
            true => out.extend(part.chars().map(|c| if c == '\n' { c } else { ' ' })),
            false => out.push_str(part),
        }
        rest = behind;
    }
    out + rest
}

/// How far the word, or the attribute that it starts, goes, and whether it is to be blank.
fn word_or_attribute(text: &str) -> (usize, bool) {
    let word = text.bytes().take_while(|&byte| byte == b'_' || byte.is_ascii_alphanumeric()).count();
    let parens = if &text[..word] == WORD { parens_len(&text[word..]) } else { None };
    match parens {
        Some(len) => (word + len, !lays_out(&text[word..word + len])),
        None => (word, false),
    }
}

/// Whether one of the attributes matters, also as `__packed__`.
fn lays_out(list: &str) -> bool {
    let mut words = list.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).map(|word| word.trim_matches('_'));
    words.any(|word| matches!(word, "packed" | "aligned") || Attributes::OTHERS.contains(&word))
}

/// The length of what stands in parentheses, with the blanks in front of it.
fn parens_len(text: &str) -> Option<usize> {
    let start = text.len() - text.trim_start().len();
    let mut open = 0usize;
    let mut at = start;
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b'"' | b'\'' => {
                at += literal_len(&text[at..], byte);
                continue;
            }
            b'(' => open += 1,
            b')' if open == 1 => return Some(at + 1),
            b')' => open -= 1,
            _ if open == 0 => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The length of a text or character, with its quotes; no longer than its line.
fn literal_len(text: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' => return at,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_say_nothing_of_memory_are_blanks() {
        let text = "int f(void) __attribute__ ((__format__ (__printf__, 1, 2)));\nint __attribute__((unused))\nx;";
        let blank = without_others(text);
        assert!(!blank.contains("attribute"), "{blank}");
        assert_eq!((blank.len(), blank.lines().count()), (text.len(), 3));
    }

    #[test]
    fn attributes_that_lay_out_memory_and_all_else_stay() {
        let text = "struct s { char a; } __attribute__((__packed__, aligned(2))); x = \"__attribute__((a))\"; 'é' my__attribute__((a)) __attribute__ é (((";
        assert_eq!(without_others(text), text);
    }
}
