//! Letters behind a number that mean nothing, as bpftrace tells them.

use quadrant_bpftrace::lexer::parse_int;

/// What is wrong behind a number.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong<'a> {
    /// `1_`
    Underscore,
    /// `1e`: the whole text up to there.
    Exponent(&'a str),
    /// What would be a suffix, and does not stop there: `3dd`.
    Letters(&'a str),
    /// A number that is whole, and something behind it: `1u1`.
    More(&'a str),
}

/// What is wrong with a number that ends with this suffix.
pub fn wrong<'a>(number: &'a str, suffix: &'a str) -> Wrong<'a> {
    let Some(plain) = number.strip_suffix(suffix) else { return Wrong::Letters(suffix) };
    if suffix.starts_with('_') {
        return Wrong::Underscore;
    }
    if suffix.starts_with(['e', 'E']) && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Wrong::Exponent(&number[..plain.len() + 1]);
    }
    let is_whole = |length: &usize| parse_int(&number[..plain.len() + length]).is_ok();
    let known = (1..suffix.len()).rev().filter(|&at| suffix.is_char_boundary(at)).find(is_whole).unwrap_or(0);
    let rest = &suffix[known..];
    match rest.starts_with(|c: char| c.is_ascii_digit()) {
        true if known > 0 => Wrong::More(rest),
        _ => Wrong::Letters(rest),
    }
}

impl Wrong<'_> {
    /// The message.
    pub fn message(&self) -> String {
        match self {
            Wrong::Underscore => "syntax: trailing underscore in integer literal".to_owned(),
            Wrong::Exponent(text) => format!("syntax: invalid trailing bytes: {text}"),
            Wrong::Letters(text) => format!("syntax: invalid integer suffix '{text}'"),
            Wrong::More(_) => "syntax: expected ';'".to_owned(),
        }
    }

    /// Which part of the number is marked.
    pub fn marked(&self, number: &str, suffix: &str) -> std::ops::Range<usize> {
        let start = number.len().saturating_sub(suffix.len());
        match self {
            Wrong::Underscore => start..start + 1,
            Wrong::Exponent(text) => 0..text.len(),
            Wrong::Letters(text) | Wrong::More(text) => number.len() - text.len()..number.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_number_is_told_from_where_it_is_wrong() {
        for (number, suffix, message, marked) in [
            ("12abc", "abc", "syntax: invalid integer suffix 'abc'", "abc"),
            ("3dd", "dd", "syntax: invalid integer suffix 'd'", "d"),
            ("1ulll", "ulll", "syntax: invalid integer suffix 'l'", "l"),
            ("5ns5", "ns5", "syntax: expected ';'", "5"),
            ("1e", "e", "syntax: invalid trailing bytes: 1e", "1e"),
            ("10_x", "_x", "syntax: trailing underscore in integer literal", "_"),
            ("0x1g", "g", "syntax: invalid integer suffix 'g'", "g"),
        ] {
            let wrong = wrong(number, suffix);
            assert_eq!(wrong.message(), message, "{number}");
            assert_eq!(&number[wrong.marked(number, suffix)], marked, "{number}");
        }
    }
}
