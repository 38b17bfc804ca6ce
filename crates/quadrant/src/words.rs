//! Splitting the text of `-c` into words.

use std::ffi::CString;

use crate::failure::Failure;

/// Split as a shell does without expanding anything: blanks, quotes, backslashes.
///
/// # Errors
/// A quote that is not closed, a NUL byte, no word at all.
pub fn split(text: &str) -> Result<Vec<CString>, Failure> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.is_empty() {
        return Err(Failure::new("the command of -c is empty"));
    }
    let c_string = |word| CString::new(word).map_err(|_| Failure::new("the command of -c holds a NUL byte"));
    words.into_iter().map(c_string).collect()
}

fn quoted(quote: char, chars: &mut std::str::Chars, word: &mut String) -> Result<(), Failure> {
    loop {
        match chars.next() {
            None => return Err(Failure::new(format!("the command of -c has a {quote} without its partner"))),
            Some(c) if c == quote => return Ok(()),
            Some('\\') if quote == '"' => word.extend(chars.next()),
            Some(c) => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text).unwrap().into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn as_a_shell_splits() {
        assert_eq!(words("a  b\tc"), ["a", "b", "c"]);
        assert_eq!(words(r#"a 'b c' "d \" e" f\ g ''"#), ["a", "b c", "d \" e", "f g", ""]);
    }

    #[test]
    fn mistakes() {
        assert!(split("").is_err());
        assert!(split("a 'b").is_err());
    }
}
