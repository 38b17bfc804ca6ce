//! The words in which users of bpftrace know common mistakes.
//!
//! Only what says the same thing has its counterpart here; other messages stay as they are.

mod counts;
mod marks;
mod numbers;
mod probes;
mod settings;
mod suffix;
mod table;
mod template;

use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;

use counts::{arguments, values};
pub use marks::marked;
use numbers::{fraction, number, overflow};
pub use probes::{is_left_out, is_pattern_without_match, reason};
use probes::{parts, probe, wildcard};
pub use settings::environment;
use settings::{option, setting};
use table::TABLE;
use template::{filled, holes, kind, spelled};

/// The message of a diagnostic; `marked` is the text that it points at.
pub fn message(diagnostic: &Diagnostic, marked: &str) -> String {
    let message = diagnostic.message.as_str();
    environment(diagnostic)
        .or_else(|| arguments(message))
        .or_else(|| operation(message, marked))
        .or_else(|| target(message, marked))
        .or_else(|| index(message, marked))
        .or_else(|| values(message))
        .or_else(|| parts(message, marked))
        .or_else(|| wildcard(diagnostic, marked))
        .or_else(|| probe(message, marked))
        .or_else(|| setting(message, marked))
        .or_else(|| option(message))
        .or_else(|| too_long(message, marked))
        .or_else(|| number(message, marked))
        .or_else(|| overflow(message))
        .or_else(|| address(message))
        .or_else(|| counted(message, marked))
        .or_else(|| fraction(message, marked))
        .or_else(|| table(message))
        .map(|text| skipping(diagnostic, text))
        .unwrap_or_else(|| message.to_owned())
}

/// What is said of another place that a message has.
pub fn place(text: &str) -> String {
    table(text).unwrap_or_else(|| text.to_owned())
}

/// A piece of advice without options that bpftrace does not have.
pub fn hint(text: &str) -> String {
    match holes("name fewer, or allow that many with --max-probes {} or, in the script, {}", text).as_deref() {
        Some([_, setting]) => format!("name fewer, or allow that many in the script: {setting}"),
        _ => text.to_owned(),
    }
}

/// The types of the two operands, if they do not go with each other.
pub fn sides(diagnostic: &Diagnostic) -> Option<(String, String)> {
    let holes = holes("`{}` does not go with {} and {}", &diagnostic.message)?;
    Some((spelled(holes.get(1)?), spelled(holes.get(2)?)))
}

/// The variable that is there already, if that is what is wrong.
pub fn existing(diagnostic: &Diagnostic) -> Option<String> {
    let patterns = ["`{}` already exists (line {})", "the loop's variable `{}` already exists (line {})"];
    let found = patterns.iter().find_map(|pattern| holes(pattern, &diagnostic.message))?;
    found.first()?.strip_prefix('$').map(str::to_owned)
}

/// A probe that may be missing is not there.
fn skipping(diagnostic: &Diagnostic, text: String) -> String {
    let is_missing = diagnostic.severity == Severity::Warning && text.starts_with("No matches for ");
    if is_missing { format!("{text} Skipping.") } else { text }
}

/// An operation whose operands do not go with each other: of `x += y` the result does not go with what is in x.
fn operation(message: &str, marked: &str) -> Option<String> {
    let [op, left, right] = holes("`{}` does not go with {} and {}", message)?[..] else { return None };
    let name = marked.split(|c: char| !c.is_alphanumeric() && !"$@_".contains(c)).next().unwrap_or_default();
    if name.starts_with(['$', '@']) && marked.contains(&format!("{op}=")) && kind(left) != "int" {
        let result = if right.starts_with("int") { "int64" } else { "uint64" };
        let holder = if name.starts_with('$') { "variable" } else { "map" };
        return Some(format!(
            "Type mismatch for {name}: trying to assign value of type '{result}' when {holder} already has a type '{left}'"
        ));
    }
    if kind(left) == "string" && kind(right) == "string" && marked.starts_with('"') && marked.ends_with('"') {
        return Some("illegal literal operation with strings".to_owned());
    }
    let is_address = |side: &str| kind(side) == "pointer";
    let is_number_or_address = |side: &str| is_address(side) || kind(side) == "int";
    let is_mixed = is_address(left) && !is_number_or_address(right) || is_address(right) && !is_number_or_address(left);
    (left == right || is_mixed)
        .then(|| format!("The {op} operator can not be used on expressions of types {left}, {right}"))
}

/// A number behind a dot, and no tuple before it.
fn index(message: &str, marked: &str) -> Option<String> {
    let ty = holes("{} is not a tuple", message)?[0];
    let index = marked.rsplit('.').next()?;
    Some(format!("Can not access index '{index}' on expression of type '{ty}'"))
}

/// Whether a variable, a map or a part of one is written there, not a parameter of the script.
fn is_place(marked: &str) -> bool {
    let is_parameter = marked.starts_with('$') && marked[1..].starts_with(|c: char| c.is_ascii_digit());
    marked.starts_with(['$', '@']) && !is_parameter
}

/// Something that cannot be assigned to, by how it is written.
fn target(message: &str, marked: &str) -> Option<String> {
    let said = match message {
        "this cannot be assigned to" if !is_place(marked) => "syntax: expected ';'",
        "this cannot be assigned to" if marked.ends_with(']') => "syntax: invalid assignment target",
        "this cannot be assigned to" => return table("tuples and records do not change once they are made"),
        _ => return None,
    };
    Some(said.to_owned())
}

/// Something that is no number is counted: up by a number without a sign, if it holds none with one; down by one with a sign.
fn counted(message: &str, marked: &str) -> Option<String> {
    let plain = || holes("`{}` holds {}, which cannot be counted up or down", message);
    let aggregated = || holes("`{}` holds {} (line {}), and this is int64", message).filter(|_| marked.contains("++"));
    let found = plain().or_else(aggregated)?;
    let (name, ty) = (found.first()?, spelled(found.get(1)?));
    let is_signed = marked.contains("--") || ["sum_t", "min_t", "max_t", "avg_t", "stats_t"].contains(&&*ty);
    let number = if is_signed { "int64" } else { "uint64" };
    let holder = if name.starts_with('$') { "variable" } else { "map" };
    Some(format!(
        "Type mismatch for {name}: trying to assign value of type '{number}' when {holder} already has a type '{ty}'"
    ))
}

fn table(message: &str) -> Option<String> {
    TABLE.iter().find_map(|(ours, theirs)| {
        let holes = holes(ours, message)?;
        Some(filled(theirs, &holes))
    })
}

/// A text that is longer than texts can be.
fn too_long(message: &str, marked: &str) -> Option<String> {
    let holes = holes("this text has {} bytes, and `max_strlen` is {}", message)?;
    Some(format!("String is too long (over {} bytes): {}", holes.get(1)?, marked.trim_matches('"')))
}

/// What is written like an address, and is none.
fn address(message: &str) -> Option<String> {
    let text = holes("`{}` is not an IPv4 or IPv6 address", message)?[0];
    text.contains(['.', ':']).then(|| format!("pton() expects a valid IPv4/IPv6 address, got {text}"))
}

#[cfg(test)]
mod tests {
    use quadrant_program::span::Span;

    use super::*;

    fn said(text: &str) -> String {
        message(&Diagnostic::error(Span::default(), text), "uprobe:/bin/true:x")
    }

    #[test]
    fn common_mistakes() {
        assert_eq!(said("unknown name `x`"), "Unknown identifier: 'x'");
        assert_eq!(
            said("`@a` holds count() (line 1), and this is int8"),
            "Type mismatch for @a: trying to assign value of type 'int8' when map already has a type 'count_t'"
        );
        let raw = "the kernel's BTF does not describe tracepoint `x`; did you mean `y`?";
        assert!(said(raw).starts_with("Probe has no valid attach points."));
        assert_eq!(reason(&Diagnostic::error(Span::default(), raw)), Some(raw));
        let usdt = |probe: &str| {
            message(&Diagnostic::error(Span::default(), "there is no static probe `n:x` in /bin/t"), probe)
        };
        assert_eq!(usdt("usdt:/bin/t:n:x"), "No matches for usdt /bin/t:x.");
        assert!(usdt("usdt:/bin/t:n:x*").starts_with("Probe has no valid attach points."));
        assert!(usdt("usdt:/bin/t:x").starts_with("Probe has no valid attach points."));
        let middle = "no instruction starts at `x+1`: a probe there would break the program";
        assert_eq!(said(middle), "Could not add uprobe into middle of instruction: /bin/true:x");
        assert_eq!(said("`{` is never closed"), "syntax: expected '}'");
        assert_eq!(said("/usr/bin/true has no function `x`"), "No matches for uprobe /bin/true:x.");
        assert_eq!(
            message(&Diagnostic::error(Span::default(), "a uprobe is written `uprobe:file:function`"), "u:x"),
            "uprobe probe type requires 2 or 3 arguments, found 1"
        );
        assert_eq!(said("expected `,` or `)`, found `}`"), "syntax: expected ')'");
        assert_eq!(said("`%d` does not print buffer[2]"), "unsupported format specifier for type 'buffer[6]': d");
        assert_eq!(said("`%d` does not print error text"), "unsupported format specifier for type 'string[64]': d");
        assert_eq!(said("`1.2` is not an IPv4 or IPv6 address"), "pton() expects a valid IPv4/IPv6 address, got 1.2");
        assert!(said("`x` is not an IPv4 or IPv6 address").contains("expects an string argument"));
        assert_eq!(said("unknown type `enum x`; did you mean `enum y`?"), "Unknown enum: x");
        let counted = Diagnostic::error(Span::default(), "`@a` holds count() (line 1), and this is int64");
        assert!(
            message(&counted, "@a++").contains("assign value of type 'uint64' when map already has a type 'count_t'")
        );
        assert!(message(&counted, "@a--").contains("assign value of type 'int64'"));
    }

    #[test]
    fn numbers_of_arguments() {
        assert_eq!(
            said("str() takes 1 to 2 arguments, and 0 are given"),
            "str() requires at least one argument (0 provided)"
        );
        assert_eq!(
            said("exit() takes 0 to 1 arguments, and 2 are given"),
            "exit() takes up to one argument (2 provided)"
        );
        assert_eq!(said("lhist() takes 4 arguments, and 2 are given"), "lhist() requires 4 arguments (2 provided)");
        assert_eq!(
            said("cat() takes 1 or more arguments, and 0 are given"),
            "cat() requires at least one argument (0 provided)"
        );
        assert_eq!(
            said("the format takes no values, and 1 is given"),
            "too many arguments for format string (1 supplied, 0 expected)"
        );
    }

    #[test]
    fn advice_names_no_options_that_bpftrace_lacks() {
        let advice =
            "name fewer, or allow that many with --max-probes 3 or, in the script, `config = { max_probes = 3 }`";
        assert_eq!(hint(advice), "name fewer, or allow that many in the script: `config = { max_probes = 3 }`");
        assert_eq!(hint("run again with `--unsafe`"), "run again with `--unsafe`");
    }

    #[test]
    fn what_a_script_says_is_not_filled() {
        assert_eq!(filled("{1}, {0:kind}: {", &["{1} *", "{0}"]), "{0}, pointer: {");
    }

    #[test]
    fn others_stay() {
        let text = "`x() takes 1 argument, and 2 are given` is odd";
        assert_eq!(said(text), text);
        assert_eq!(said("an error like no other"), "an error like no other");
    }
}
