//! What users of bpftrace see marked: of some mistakes more than the part that is wrong.

use quadrant_bpftrace::Script;
use quadrant_bpftrace::around::Around;
use quadrant_bpftrace::around::{around, operands};
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::template::{holes, kind};

/// What a message says, and what is marked around its place. The first that fits counts.
const AROUND: &[(&str, Around)] = &[
    ("`%{}` does not print {}", Around::CallOf),
    ("the format of {}() is a text in quotes, and this is {}", Around::CallOf),
    ("not supported: the conversion `%{}`", Around::CallOf),
    ("`{}` is an environment variable, not a setting", Around::Setting),
    ("stats() divides its averages alone", Around::CallOf),
    ("the member of a tuple is given by a constant", Around::Indexed),
    ("only the print() of a whole map takes more than one argument{}", Around::CallOf),
    ("{}() takes a number here, and this is {}", Around::CallOf),
    ("{}() takes a `struct task_struct *`, and this is {}", Around::CallOf),
    ("buf() takes an address or an array here, and this is {}", Around::CallOf),
    ("{}() takes a text in quotes here, and this is {}", Around::CallOf),
    ("{}() takes a text here, and this is {}", Around::CallOf),
    ("{}() takes an address, and this is {}", Around::CallOf),
    ("{}() takes an array of 6 bytes, and this is {}", Around::CallOf),
    ("ntop() takes a number or 4 or 16 bytes, and this is {}", Around::CallOf),
    ("{}() needs a number here that is known before the trace starts, and this is {}", Around::CallOf),
    ("{}() compares 0 bytes or more", Around::CallOf),
    ("the length of {}() is not negative, and this is {}", Around::CallOf),
    ("lhist() {}", Around::Call),
    ("tseries() {}", Around::CallOf),
    ("the {} of {}() is not known before the trace starts{}", Around::CallOf),
    ("the {} of {}() is below 0", Around::CallOf),
    ("a {} has 0 to {} frames", Around::CallOf),
    ("the limit of {}() is no mode", Around::CallOf),
    ("`{}` is not an IPv4 or IPv6 address", Around::CallOf),
    ("`{}` takes no argument here", Around::CallOf),
    ("{}() takes a pointer, and this is {}", Around::CallOf),
    ("join() takes an array of texts, and this is {}", Around::CallOf),
    ("offsetof: `{}` has no member `{}`", Around::Member),
    ("{} is neither true nor false", Around::Condition),
    ("tuples and records do not change once they are made", Around::Statement),
    ("{} is not a clock", Around::CallOf),
    ("len() takes a map or a stack, and this is {}", Around::CallOf),
    ("`@{}` has no keys to count", Around::CallOf),
    ("the value of {} is not one number", Around::CallOf),
    ("index {} is outside the array of {}", Around::Indexed),
    ("an index is a number, and this is {}", Around::Indexed),
    ("Enum: {} doesn't contain a variant value of {}", Around::CastType),
    ("Different {} unsupported", Around::Assigned),
    ("{}() has no value to assign to {}", Around::Statement),
    ("the values of {} cannot be copied to a variable", Around::Statement),
    ("the values of {} cannot be copied to another map, `{}`", Around::Statement),
    ("the values of {} cannot be copied to a key", Around::Element),
    ("unknown kind of map `{}`", Around::Declaration),
    ("hist: bits {} must be 0..5", Around::Call),
    ("no symbol `{}` in the kernel{}", Around::Call),
    ("percpu_kaddr(): no symbol `{}` in the kernel{}", Around::Call),
    ("the namespace of {}() is a word", Around::CallOf),
    ("the keys of `{}` are {}, and this is {}", Around::Element),
    ("`{}` has no member `{}`", Around::Member),
    ("`{}` has no argument `{}`", Around::Member),
    ("record {} has no member `{}`", Around::Member),
    ("{} has no members, and so no `{}`", Around::Member),
    ("{} cannot be cast to {}", Around::CastType),
    ("unknown type `enum {}", Around::CastType),
    ("unknown type `{}`", Around::WholeType),
    ("unknown type `{}`; {}", Around::WholeType),
    ("{} is taken as a signed number here", Around::Value),
    ("{} is cut to {}", Around::Value),
    ("signed operands for {}", Around::Value),
    ("`@{}` holds {} (line {}), and this is {}()", Around::Assigned),
    ("`{}` does not go with {} and {}", Around::Operands),
    ("`{}` already exists (line {})", Around::Let),
    ("nothing is ever put into `{}`", Around::Let),
    ("`return` in a macro", Around::Statement),
    ("a probe returns a number or nothing, and this is {}", Around::Statement),
    ("a test returns a number, and this is {}", Around::Statement),
    ("`{}` holds {}, and {} does not fit", Around::Statement),
    ("a range {} with a number, and this is {}", Around::Statement),
    ("`unroll` {}", Around::Statement),
    ("unknown setting `{}`", Around::Setting),
    ("there are no settings called `{}`", Around::Member),
    ("`{}` is a number{}", Around::Setting),
    ("`{}` is true or false", Around::Setting),
    ("`{}` is one of {}", Around::Setting),
    ("`stack_mode` is {}", Around::Setting),
    ("`missing_probes` is {}", Around::Setting),
    ("`unstable_{}` is {}", Around::Setting),
    ("the setting `{}` is now called `{}`", Around::Setting),
    ("{} is deprecated and has no effect", Around::Setting),
    ("unknown probe type `{}`", Around::Point),
    ("the probe type `{}` is not supported yet", Around::Point),
    ("`perf_rb_pages` is {}", Around::Setting),
];

/// Messages of which the semicolon behind the statement is marked, too.
const WITH_SEMICOLON: &[&str] = &[
    "`{}` outside a loop",
    "`{}` in a macro",
    "a probe returns a number or nothing, and this is {}",
    "a test returns a number, and this is {}",
    "unknown kind of map `{}`",
    "`@{}` is declared and never used",
];

/// What is marked for a message.
pub fn marked(script: &Script, diagnostic: &Diagnostic) -> Span {
    let marked = part(script, diagnostic);
    let text = script.sources.text();
    let behind = text.get(marked.end as usize..).unwrap_or_default();
    let ends = WITH_SEMICOLON.iter().any(|pattern| holes(pattern, &diagnostic.message).is_some())
        || diagnostic.message == "this value is not used" && is_followed(behind);
    let blanks = behind.len() - behind.trim_start().len();
    let is_jump = holes("`{}` outside a loop", &diagnostic.message).is_some();
    match ends && behind.trim_start().starts_with(';') {
        _ if is_jump && behind.trim_start().starts_with('}') => Span::new(marked.start, marked.end + blanks as u32),
        true => Span::new(marked.start, marked.end + blanks as u32 + 1),
        false => marked,
    }
}

/// Whether another statement stands behind the semicolon.
fn is_followed(behind: &str) -> bool {
    let next = behind.trim_start().strip_prefix(';').map(str::trim_start);
    next.is_some_and(|next| !next.starts_with('}'))
}

/// What is marked, without a semicolon.
fn part(script: &Script, diagnostic: &Diagnostic) -> Span {
    let Diagnostic { message, span, .. } = diagnostic;
    let text = script.sources.text();
    if message == "missing `;` between statements" || holes("expected {}, found {}", message).is_some() {
        return word(text, *span);
    }
    if message.starts_with("unknown function ") {
        return Span::new(span.start, call_end(text, span.end as usize) as u32);
    }
    if message == "no hexadecimal digit behind `\\x`" {
        return word(text, Span::new(span.end, span.end));
    }
    if message.starts_with("getopt() takes a text in quotes ") {
        return *span;
    }
    if message.starts_with("a loop runs over ") {
        return block(text, *span);
    }
    if let Some(marked) = written(script, diagnostic) {
        return marked;
    }
    if message.starts_with("unknown escape ") {
        return word(text, Span::new(span.start + 1, span.end));
    }
    if message == "this has no address" {
        return Span::new((span.start + 1).min(span.end), span.end);
    }
    if let Some(found) = holes("signed operands for '{}'{}", message)
        && let Some(at) =
            text.get(span.start as usize..span.end as usize).and_then(|part| part.find(&format!("{}=", found[0])))
    {
        return Span::new(span.start + at as u32, span.end);
    }
    let kind = AROUND.iter().find(|(pattern, _)| holes(pattern, message).is_some());
    kind.and_then(|(_, kind)| around(&script.tree, *span, *kind)).unwrap_or(*span)
}

/// What is marked of some mistakes by how it is written.
fn written(script: &Script, diagnostic: &Diagnostic) -> Option<Span> {
    let (text, span) = (script.sources.text(), diagnostic.span);
    let marked = text.get(span.start as usize..span.end as usize)?;
    let behind = text.get(span.end as usize..)?;
    match diagnostic.message.as_str() {
        "a text stands in double quotes" => Some(Span::new(span.start, span.start + 1)),
        "no hexadecimal digit behind `0x`" => Some(Span::new(span.start, span.start + 2)),
        "string without closing quote" => Some(word(text, Span::new(span.end, span.end))),
        "`{` is never closed" => {
            let end = script.sources.file(span.start)?.span.end;
            Some(Span::new(end, end))
        }
        "only a variable or a map can be counted up or down" => {
            let is_behind = behind.starts_with("++") || behind.starts_with("--");
            is_behind.then(|| Span::new(span.end, span.end + 2))
        }
        "this cannot be assigned to" if super::is_place(marked) => around(&script.tree, span, Around::Statement),
        "this cannot be assigned to" => {
            let blanks = (behind.len() - behind.trim_start().len()) as u32;
            Some(Span::new(span.end + blanks, span.end + blanks + 1))
        }
        message if message.starts_with("a range ") => {
            let statement = around(&script.tree, span, Around::Statement)?;
            let head = text.get(statement.start as usize..)?;
            let head = &head[..head.find("..").and_then(|at| Some(at + head[at..].find('{')?))?];
            let ends =
                if head.trim_start_matches("for").trim_start().starts_with('(') { &[' ', ')'][..] } else { &[' '] };
            Some(Span::new(statement.start, statement.start + head.trim_end_matches(ends).len() as u32))
        }
        message
            if holes("`@{}` is declared as {}, with a value for each CPU, and this is one value", message)
                .is_some() =>
        {
            let name = marked.find(|c: char| c != '@' && !c.is_alphanumeric() && c != '_').unwrap_or(marked.len());
            Some(Span::new(span.start, span.start + name as u32))
        }
        message if message.starts_with("unknown suffix ") => {
            let suffix = holes("unknown suffix `{}` on a number", message)?;
            let part = super::suffix::wrong(marked, suffix[0]).marked(marked, suffix[0]);
            Some(Span::new(span.start + part.start as u32, span.start + part.end as u32))
        }
        message if holes("{} is cut to {}", message).is_some() => {
            let (target, value) = operands(&script.tree, span)?;
            let op = text.get(target.end as usize..value.start as usize)?.trim();
            let at = text.get(target.end as usize..)?.find(op)? as u32;
            op.ends_with('=').then(|| Span::new(target.end + at, span.end))
        }
        message => {
            let [op, left, _] = holes("`{}` does not go with {} and {}", message)?[..] else { return None };
            let at = marked.find(&format!("{op}="))?;
            let is_counted = marked.starts_with(['$', '@']) && kind(left) == "int";
            is_counted.then(|| Span::new(span.start + at as u32, span.end))
        }
    }
}

/// The brace that opens the block behind.
fn block(text: &str, from: Span) -> Span {
    let behind = text.get(from.end as usize..).unwrap_or_default();
    match behind.find('{') {
        Some(at) => Span::new(from.end + at as u32, from.end + at as u32 + 1),
        None => from,
    }
}

/// The word that stands there or is the next one; of anything else the first character.
fn word(text: &str, from: Span) -> Span {
    let behind = text.get(from.start as usize..).unwrap_or_default();
    let rest = behind.trim_start();
    if rest.is_empty() {
        return Span::new(text.len() as u32, text.len() as u32);
    }
    let start = from.start + (behind.len() - rest.len()) as u32;
    let sigil = rest.starts_with(['@', '$']).into();
    let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || is_number && c == '.';
    let length = rest[sigil..].find(|c| !is_part(c)).map_or(rest.len(), |end| sigil + end);
    let first = rest.chars().next().map_or(0, char::len_utf8);
    Span::new(start, start + length.max(first) as u32)
}

/// Where a call ends whose name ends there: the whole of it is marked.
fn call_end(text: &str, name_end: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().skip(name_end) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return at + 1,
            b')' => depth -= 1,
            b';' => break,
            _ => {}
        }
    }
    name_end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, place: &str, message: &str) -> String {
        let script = Script::alone("stdin", text);
        let start = text.find(place).expect("it is there") as u32;
        let span = Span::new(start, start + place.len() as u32);
        let marked = marked(&script, &Diagnostic::error(span, message));
        text[marked.start as usize..marked.end as usize].to_owned()
    }

    #[test]
    fn more_than_the_mistake_is_marked() {
        let text = "BEGIN { @x[1] = print(str(\"a\", \"b\")); @y = sum(2) @z++; 12abc; print(\"\\q\"); $v /= 3; break ; } let @d = hash2(1);";
        for (place, message, expected) in [
            ("\"b\"", "str() takes a number here, and this is string[2]", "str(\"a\", \"b\")"),
            ("1", "the keys of `@x` are string[2], and this is int8", "@x[1]"),
            ("@y", "`@y` holds count() (line 1), and this is sum()", "sum(2)"),
            ("@y", "`@y` holds int64 (line 1), and this is string[2]", "@y"),
            (" @z", "missing `;` between statements", "@z"),
            ("\"a\"", "expected `;`, found a string", "\""),
            ("12abc", "unknown suffix `abc` on a number", "abc"),
            ("sum", "unknown function `sum`", "sum(2)"),
            ("2", "division by zero", "2"),
            ("str(\"a\", \"b\")", "`%d` does not print string[2]", "print(str(\"a\", \"b\"))"),
            ("\\q", "unknown escape `\\q`", "q"),
            ("$v /= 3", "signed operands for '/' can lead to undefined behavior", "/= 3"),
            ("break", "`break` outside a loop", "break ;"),
            ("$v /= 3", "int64 is cut to int32", "/= 3"),
            ("$v /= 3", "this value is not used", "$v /= 3;"),
            ("break", "this value is not used", "break"),
            ("hash2", "unknown kind of map `hash2`", "let @d = hash2(1);"),
        ] {
            assert_eq!(shown(text, place, message), expected, "{message}");
        }
    }
}
