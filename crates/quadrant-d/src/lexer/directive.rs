//! Lines that start with `#`.

use super::{D, Lexer, Tok};
use quadrant_program::span::Span;
use quadrant_syntax::lexer::{Language, logical_line_len};

/// A line that starts with `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directive<'a> {
    /// The whole line, without its end.
    pub span: Span,
    /// The word behind the `#`, empty if there is none: `pragma`; a number for `# 12 "file"`.
    pub word: &'a str,
    /// What follows the word.
    pub rest: &'a str,
    /// Where that starts.
    pub rest_start: u32,
}

/// The lines of a script that start with `#`, outside comments and strings, from `from` on.
pub fn directives(source: &str, from: u32) -> Vec<Directive<'_>> {
    let mut lexer = quadrant_syntax::lexer::Lexer::<Visible>::new(source);
    lexer.seek(from);
    let mut found = Vec::new();
    loop {
        let token = lexer.next_token();
        let start = token.span.start;
        match token.kind {
            Tok::Eof | Tok::UnterminatedComment => return found,
            Tok::Hash if starts_line(source, start) => {
                let end = start + logical_line_len(&source[start as usize..]) as u32;
                found.push(split(source, Span::new(start, end)));
                lexer.seek(end);
            }
            _ => {}
        }
    }
}

/// D with its `#` lines in sight.
#[derive(Debug, Clone, Copy)]
struct Visible;

impl Language for Visible {
    fn token(rest: &str) -> (Tok, usize) {
        D::token(rest)
    }
}

fn starts_line(source: &str, at: u32) -> bool {
    let mut lexer = Lexer::new(source);
    lexer.seek(at);
    lexer.at_line_start()
}

fn split(source: &str, span: Span) -> Directive<'_> {
    let line = &source[span.start as usize + 1..span.end as usize];
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    let len = line[blanks..].bytes().take_while(|&byte| super::is_word_byte(byte)).count();
    let (word, rest) = line[blanks..].split_at(len);
    Directive { span, word, rest, rest_start: span.start + 1 + (blanks + len) as u32 }
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn only_at_the_start_of_a_line() {
        let text = "#!/x\n #pragma D option quiet\nBEGIN { # no\n}\n/*\n# comment\n*/\n\t#  line 3 \\\n more\n#";
        let found: Vec<(&str, &str)> = directives(text, 0).iter().map(|d| (d.word, d.rest)).collect();
        assert_eq!(found, [("", "!/x"), ("pragma", " D option quiet"), ("line", " 3 \\\n more"), ("", "")]);
    }
}
