//! What bpftrace says of the same place after a first error of its parser, which goes on as if nothing had been there.

use quadrant_program::span::Span;

/// The messages that follow `message` about the marked part of a text.
pub fn after(text: &str, marked: Span, message: &str) -> &'static [&'static str] {
    let before = text.get(..marked.start as usize).unwrap_or_default().trim_end();
    let rest = text.get(marked.start as usize..).unwrap_or_default();
    match message {
        "syntax: expected expression" if before.ends_with('(') => in_parentheses(rest),
        "syntax: expected expression" if !goes_on(rest) => after_expression(before),
        "syntax: expected identifier after '$'" if starts_statement(before) => &["unexpected input in block"],
        "syntax: expected attach point" if before.ends_with(',') => &["expected '{'"],
        "syntax: expected attach point" if !rest.is_empty() => &["unexpected input"],
        "syntax: expected '/' to close predicate" => &["expected '{'"],
        "syntax: expected string, int, boolean, or ident" if !rest.starts_with([';', '}']) => &["expected ';'"],
        "syntax: expected macro argument ($var, @map, or identifier)" => &["expected ')'"],
        "syntax: expected variable in function argument" => &["expected ')'"],
        "syntax: expected ')'" if is_inside(before) && !ends(rest) && !rest.starts_with('{') => &["expected ';'"],
        message if message.starts_with("syntax: expected field name") && is_no_index(rest) => &["expected ';'"],
        "syntax: unterminated string" => &["expected ';'"],
        _ => &[],
    }
}

/// What follows an expression that is not there, by what stands before it.
fn after_expression(before: &str) -> &'static [&'static str] {
    let operator = before.ends_with('=');
    match before {
        _ if starts_statement(before) => &["expected ';'", "unexpected input in block"],
        _ if operator => &["expected ';'"],
        _ => &[],
    }
}

/// What follows the first expression in parentheses that is not there.
fn in_parentheses(rest: &str) -> &'static [&'static str] {
    match rest {
        _ if rest.starts_with([',', ')']) => &[],
        _ if ends(rest) => &["expected ')'"],
        _ if goes_on(rest) => &[],
        _ => &["expected ')'", "expected ';'"],
    }
}

/// Whether neither a number nor anything else stands here with which a statement goes on.
fn is_no_index(rest: &str) -> bool {
    !goes_on(rest) && !rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a statement ends here.
fn ends(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([';', '}'])
}

/// Whether a block is open behind a text.
fn is_inside(before: &str) -> bool {
    before.matches('{').count() > before.matches('}').count()
}

/// Whether a statement starts behind a text.
fn starts_statement(before: &str) -> bool {
    before.ends_with(['{', ';', '}'])
}

/// Whether the parser can take this for the end of a statement, or an operator whose left side is missing.
fn goes_on(rest: &str) -> bool {
    let is_operator = ["==", "||", "&&", "!=", "<", ">", "+", "-", "*", "/", "%", "^", "|", "&", "?", "[", "->"];
    let is_member = rest.starts_with('.') && !rest.starts_with("..");
    ends(rest) || is_member || is_operator.iter().any(|op| rest.starts_with(op))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_no_statement_is_told_three_times() {
        let messages = |text: &str, at: u32| after(text, Span::new(at, at + 1), "syntax: expected expression").len();
        assert_eq!(messages("BEGIN { # }", 8), 2);
        assert_eq!(messages("BEGIN { $x = #; }", 13), 1);
        assert_eq!(messages("BEGIN { $x = ; }", 13), 0);
        assert_eq!(messages("BEGIN { ^ }", 8), 0);
        assert_eq!(messages("BEGIN { .. }", 8), 2);
    }

    #[test]
    fn what_is_no_probe_is_unexpected_or_lacks_its_body() {
        let message = "syntax: expected attach point";
        assert_eq!(after("{ }", Span::new(0, 1), message), ["unexpected input"]);
        assert_eq!(after("BEGIN,, END { }", Span::new(6, 7), message), ["expected '{'"]);
        assert_eq!(after("BEGIN,", Span::new(6, 6), message), ["expected '{'"]);
    }
}
