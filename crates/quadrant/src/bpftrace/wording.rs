//! The words in which users of bpftrace know common mistakes.
//!
//! Only what says the same thing has its counterpart here; other messages stay as they are.

mod marks;
mod suffix;
mod table;

use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;

pub use marks::marked;
use table::{LIBRARY, TABLE};

/// The message of a diagnostic; `marked` is the text that it points at.
pub fn message(diagnostic: &Diagnostic, marked: &str) -> String {
    let message = diagnostic.message.as_str();
    arguments(message)
        .or_else(|| operation(message, marked))
        .or_else(|| target(message, marked))
        .or_else(|| index(message, marked))
        .or_else(|| values(message))
        .or_else(|| parts(message, marked))
        .or_else(|| wildcard(diagnostic, marked))
        .or_else(|| probe(message, marked))
        .or_else(|| setting(message, marked))
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

/// A number with a fraction, which reads as the member of a number.
fn fraction(message: &str, marked: &str) -> Option<String> {
    let (whole, index) = marked.split_once('.').filter(|_| message == "a number of a script has no fraction")?;
    Some(format!("Can not access index '{index}' on expression of type '{}'", room(whole)))
}

fn table(message: &str) -> Option<String> {
    TABLE.iter().find_map(|(ours, theirs)| {
        let holes = holes(ours, message)?;
        Some(filled(theirs, &holes))
    })
}

/// A template with its holes filled. What fills them may look like holes: it is not filled again.
fn filled(template: &str, holes: &[&str]) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        match behind.split_once('}').and_then(|(hole, behind)| Some((written(hole, holes)?, behind))) {
            Some((text, behind)) => {
                out.push_str(&text);
                rest = behind;
            }
            None => {
                out.push('{');
                rest = behind;
            }
        }
    }
    out + rest
}

/// What stands in a template for `{0}`, `{0:type}` or `{0:kind}`, without the braces.
fn written(hole: &str, holes: &[&str]) -> Option<String> {
    let (number, how) = hole.split_once(':').unwrap_or((hole, ""));
    let text = holes.get(number.parse::<usize>().ok()?)?;
    match how {
        "" => Some(spelled(text)),
        "type" => Some(probe_type(text).to_owned()),
        "kind" => Some(kind(text).to_owned()),
        "call" if *text == "count()" => Some("count()".to_owned()),
        "call" => Some(text.replace("()", "(retval)")),
        "lower" => Some(text.to_lowercase()),
        _ => None,
    }
}

/// What stands in a message where the pattern has `{}`; `None` if the message is another one.
fn holes<'a>(pattern: &str, message: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = message.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = match (part, parts.peek()) {
            ("", None) => rest.len(),
            (part, None) => rest.len().checked_sub(part.len()).filter(|end| rest.get(*end..) == Some(part))?,
            (part, Some(_)) => rest.find(part)?,
        };
        found.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then_some(found)
}

/// How the values of stats() are described.
const STATS: &str = "record { .count = uint64, .average = uint64, .total = uint64 }";
const SIGNED_STATS: &str = "record { .count = uint64, .average = int64, .total = int64 }";

/// Types of aggregations and quotes are written in another way.
fn spelled(hole: &str) -> String {
    match hole {
        "ksym" | "usym" | "username" => return format!("{hole}_t"),
        "macaddr" => return "mac_address".to_owned(),
        "error text" | "system call name" | "signal name" => return "string[64]".to_owned(),
        STATS | SIGNED_STATS => return "stats_t".to_owned(),
        "cgroup path" => return "cgroup_path_t".to_owned(),
        _ => {}
    }
    if let Some(buffer) = buffer(hole) {
        return buffer;
    }
    match hole.strip_suffix("()") {
        Some(aggregation) => format!("{aggregation}_t"),
        None if hole.starts_with("kstack(") || hole.starts_with("ustack(") => {
            hole.trim_end_matches(')').replace(", ", "_").replace('(', "_")
        }
        None => hole.replace('`', "'"),
    }
}

/// A buffer with the four bytes that say how much of it is used, which bpftrace counts.
fn buffer(ty: &str) -> Option<String> {
    let bytes: u32 = ty.strip_prefix("buffer[")?.strip_suffix(']')?.parse().ok()?;
    Some(format!("buffer[{}]", bytes.checked_add(4)?))
}

/// The kind of values that a type is.
fn kind(ty: &str) -> &str {
    match ty {
        STATS | SIGNED_STATS => "stats_t",
        "hist()" => "hist_t",
        "lhist()" => "lhist_t",
        "tseries()" => "tseries_t",
        ty if ty.starts_with("kstack(") => "kstack",
        ty if ty.starts_with("ustack(") => "ustack",
        ty if ty.ends_with('*') => "pointer",
        ty if ty.starts_with('(') => "tuple",
        ty if ty.ends_with(']') && !ty.starts_with("string[") && !ty.starts_with("buffer[") => "array",
        ty if ty.starts_with("record ") => "record",
        ty if ty.starts_with("int") || ty.starts_with("uint") || ty.starts_with("enum") => "int",
        ty => ty.split('[').next().unwrap_or(ty),
    }
}

/// Probes that the tracer runs itself are of one type.
fn probe_type(kind: &str) -> &str {
    let kind = kind.split(':').next().unwrap_or(kind);
    if kind == "begin" || kind == "end" { "special" } else { kind }
}

/// Too few or too many arguments of a function.
fn arguments(message: &str) -> Option<String> {
    let (name, rest) = message.split_once("() takes ")?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let (takes, rest) = rest.split_once(" argument")?;
    let given = rest.split_once(", and ")?.1.split(' ').next()?;
    let number = |text: &str| text.trim_end_matches(" or more").parse::<u32>().ok();
    let (least, most) = match takes.split_once(" to ") {
        Some((least, most)) => (number(least)?, number(most)),
        None => (number(takes)?, number(takes).filter(|_| !takes.ends_with("or more"))),
    };
    let count: u32 = given.parse().ok()?;
    if name == "getopt" {
        return Some(
            "The 'getopt' function can take a maximum of three arguments and a minimum of one argument.".to_owned(),
        );
    }
    if LIBRARY.contains(&name) {
        return Some(no_definition(name));
    }
    let how = match most {
        Some(0) => "requires no arguments".to_owned(),
        Some(most) if least == most => format!("requires {}", plural(least)),
        Some(most) if count > most => format!("takes up to {}", plural(most)),
        _ => format!("requires at least {}", plural(least)),
    };
    Some(format!("{name}() {how} ({count} provided)"))
}

/// A function of bpftrace's library, of which each form is a definition of its own.
fn no_definition(name: &str) -> String {
    format!("Call to {name}() has arguments that do not match any definition.")
}

fn plural(count: u32) -> String {
    if count == 1 { "one argument".to_owned() } else { format!("{count} arguments") }
}

/// Too few or too many values for a format.
fn values(message: &str) -> Option<String> {
    let (takes, rest) = message.strip_prefix("the format takes ")?.split_once(" value")?;
    let given = rest.split_once(", and ")?.1.split(' ').next()?;
    let number = |text: &str| if text == "no" { Some(0) } else { text.parse::<u32>().ok() };
    let (takes, given) = (number(takes)?, number(given)?);
    let how = if given < takes { "not enough" } else { "too many" };
    Some(format!("{how} arguments for format string ({given} supplied, {takes} expected)"))
}

/// Where it stands why there are not more licenses.
const LICENSES: &str = "Read more about BPF programs and licensing: \
                        https://docs.kernel.org/bpf/bpf_licensing.html#using-bpf-programs-in-the-linux-kernel";

/// A setting that is a number or one of some words, and was given something else.
fn setting(message: &str, marked: &str) -> Option<String> {
    let given = marked.trim_matches('"');
    if let Some(known) = holes("`license` is one of {}", message) {
        return Some(format!("Invalid value for license. Found: {given}. Valid values: {}. {LICENSES}", known[0]));
    }
    let holes = holes("`{}` is a number{}", message).or_else(|| holes("`{}` is a power of two{}", message))?;
    given.parse::<u64>().is_err().then(|| format!("{}: expecting a number, got {given}", holes[0]))
}

/// A text that is longer than texts can be.
fn too_long(message: &str, marked: &str) -> Option<String> {
    let holes = holes("this text has {} bytes, and `max_strlen` is {}", message)?;
    Some(format!("String is too long (over {} bytes): {}", holes.get(1)?, marked.trim_matches('"')))
}

/// A number that cannot be one.
fn number(message: &str, marked: &str) -> Option<String> {
    match message {
        "this number needs more than 64 bits" => {
            let digits = marked.strip_prefix("0x").unwrap_or(marked.trim_start_matches('0'));
            Some(format!("syntax: overflow error, maximum value is {}: {digits}", u64::MAX))
        }
        _ if message.starts_with("cannot use this ") => rate(message),
        "positional parameters count from `$1`" => {
            Some(format!("syntax: param {marked} is out of integer range [1, {}]", i64::MAX))
        }
        _ => {
            let is_octal = holes("`{}` is not an octal digit{}", message).is_some();
            let behind = holes("unknown suffix `{}` on a number", message)
                .map(|found| suffix::wrong(marked, found[0]).message());
            behind.or_else(|| is_octal.then(|| format!("syntax: invalid trailing bytes: {}", octal(marked))))
        }
    }
}

/// The digits of an octal number without the 0 that says so, if there are several.
fn octal(number: &str) -> &str {
    number.strip_prefix('0').filter(|rest| rest.len() > 1).unwrap_or(number)
}

/// A rate that begins as a number, and is none.
fn rate(message: &str) -> Option<String> {
    let [kind, rate, _] = holes("cannot use this {} probe: `{}` is no {}", message)?[..] else { return None };
    let digits = rate.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0 => None,
        _ if rate == "0" => None,
        _ if digits < rate.len() => Some(format!("Invalid rate of {kind} probe: invalid trailing bytes: {rate}")),
        _ => Some(format!("Invalid rate of {kind} probe: overflow error, maximum value is {}: {rate}", u64::MAX)),
    }
}

/// A number that a variable has no room for.
fn overflow(message: &str) -> Option<String> {
    let [name, ty, number] = holes("`{}` holds {}, and {} does not fit", message)?[..] else { return None };
    let needed = room(number);
    Some(format!(
        "Type mismatch for {name}: trying to assign value of type '{needed}' when variable already has a type '{ty}'"
    ))
}

/// The smallest type with a sign that has room for a number, else the greatest one.
fn room(number: &str) -> &'static str {
    match number.parse::<i64>() {
        Ok(number) if i8::try_from(number).is_ok() => "int8",
        Ok(number) if i16::try_from(number).is_ok() => "int16",
        Ok(number) if i32::try_from(number).is_ok() => "int32",
        Ok(_) => "int64",
        Err(_) => "uint64",
    }
}

/// What is written like an address, and is none.
fn address(message: &str) -> Option<String> {
    let text = holes("`{}` is not an IPv4 or IPv6 address", message)?[0];
    text.contains(['.', ':']).then(|| format!("pton() expects a valid IPv4/IPv6 address, got {text}"))
}

/// What is said of a probe whose parts are too few or too many.
const FORMS: &[&str] = &[
    " is written `",
    " is named `",
    "it has a unit and a number",
    "it has an address, a length and a mode",
    "has no parts, and this one has",
    "the probe names no file",
];

/// How many parts probes have.
const PARTS: &[(&str, &str)] = &[
    ("kprobe", "requires 1 or 2 arguments"),
    ("kretprobe", "requires 1 or 2 arguments"),
    ("fentry", "requires 1 or 3 arguments"),
    ("fexit", "requires 1 or 3 arguments"),
    ("tracepoint", "requires 2 arguments"),
    ("rawtracepoint", "requires 2 or 1 arguments"),
    ("uprobe", "requires 2 or 3 arguments"),
    ("uretprobe", "requires 2 or 3 arguments"),
    ("usdt", "requires 2 or 3 arguments"),
    ("profile", "requires 1 or 2 arguments"),
    ("interval", "requires 1 or 2 arguments"),
    ("software", "requires 1 or 2 arguments"),
    ("hardware", "requires 1 or 2 arguments"),
    ("watchpoint", "requires 3 arguments"),
    ("self", "requires 2 arguments"),
    ("begin", "requires 0 arguments"),
    ("end", "requires 0 arguments"),
];

/// Too few or too many parts of a probe.
fn parts(message: &str, marked: &str) -> Option<String> {
    if !FORMS.iter().any(|form| message.contains(form)) {
        return None;
    }
    if let ["uprobe" | "u" | "uretprobe" | "ur", _, language, _] = marked.split(':').collect::<Vec<_>>()[..] {
        return Some(format!("unsupported language type: {language}"));
    }
    let mut given = marked.split(':');
    let kind = quadrant_bpftrace::lower::probe_kind(given.next()?)?.name();
    if kind == "iter" {
        return Some("iter probe type takes 2 arguments (1 optional)".to_owned());
    }
    let (_, needs) = PARTS.iter().find(|(name, _)| *name == kind)?;
    Some(format!("{kind} probe type {needs}, found {}", given.count()))
}

/// What is said of a name that there is not.
const MISSING: &[&str] = &[
    "`{}` is no address",
    "{} has no function `{}`",
    "there is no function `{}`{}",
    "there are no static probes in {}",
    "{} has no probe `{}`",
];

/// What is said of patterns that match nothing, and of names that are looked up like these.
const NONE: &[&str] = &[
    "no raw tracepoint matches `{}`",
    "the kernel's BTF does not describe tracepoint `{}`",
    "no loaded eBPF program has a function `{}` (and types)",
    "there is no eBPF program with the number {}",
    "{} has no C++ or Rust function `{}`",
];

/// Whether a probe may be several: a static probe without a provider is one of any.
fn is_pattern(probe: &str) -> bool {
    let kind = probe.split(':').next().and_then(quadrant_bpftrace::lower::probe_kind);
    let is_static = kind.is_some_and(|kind| kind.name() == "usdt");
    probe.contains('*') || is_static && probe.matches(':').count() == 2
}

/// Whether it is said of a whole probe that nothing of it is there.
pub fn is_left_out(diagnostic: &Diagnostic) -> bool {
    diagnostic.message == "this probe is left out: nothing of it is there"
}

/// Whether it is said of a pattern that nothing matches it.
pub fn is_pattern_without_match(diagnostic: &Diagnostic, marked: &str) -> bool {
    let is_said = |pattern: &str| holes(pattern, &diagnostic.message).is_some();
    let any = MISSING.iter().copied().chain(["there is no tracepoint `{}`"]).any(is_said) && is_pattern(marked);
    any || is_none(diagnostic)
}

fn is_none(diagnostic: &Diagnostic) -> bool {
    let message = diagnostic.message.split("; did you mean ").next().unwrap_or_default();
    NONE.iter().any(|pattern| holes(pattern, message).is_some())
}

/// Why a probe has nowhere to be, where bpftrace's words do not say it.
pub fn reason(diagnostic: &Diagnostic) -> Option<&str> {
    (diagnostic.severity == Severity::Error && is_none(diagnostic)).then_some(diagnostic.message.as_str())
}

/// A pattern that no probe matches, where that ends the trace.
fn wildcard(diagnostic: &Diagnostic, marked: &str) -> Option<String> {
    let missing = is_pattern_without_match(diagnostic, marked);
    (missing && diagnostic.severity == Severity::Error).then(|| {
        "Probe has no valid attach points. If this is expected, set the 'missing_probes' config variable to 'warn'."
            .to_owned()
    })
}

/// Probes that there are not are named as the script names them.
fn probe(message: &str, marked: &str) -> Option<String> {
    let (kind, rest) = marked.split_once(':')?;
    let kind = quadrant_bpftrace::lower::probe_kind(kind)?.name();
    if MISSING.iter().any(|pattern| holes(pattern, message).is_some()) {
        // Where a static probe is named without its provider, that may be any.
        let provider = rest.split(':').nth(1).filter(|_| kind == "usdt" && rest.matches(':').count() == 2);
        let rest = provider.map_or(rest.to_owned(), |provider| rest.replacen(&format!(":{provider}:"), ":", 1));
        return Some(format!("No matches for {kind} {}.", rest.replace('"', "")));
    }
    match (message, kind) {
        ("the probe names no function", "kprobe" | "kretprobe") => {
            return Some("kprobes should be attached to a function or an address".to_owned());
        }
        ("the probe names no function", "fentry" | "fexit") => {
            return Some("fentry/fexit should specify a function".to_owned());
        }
        ("the probe names no event", "rawtracepoint") => {
            return Some("rawtracepoint should be attached to a function".to_owned());
        }
        ("the probe names no event", "software" | "hardware") => {
            return Some(format!("{kind} probe must have a {kind} event name"));
        }
        ("this probe names no file", "usdt") => {
            return Some(
                "usdt probe must specify at least path or pid to probe. To target all paths/pids set the path to '*'."
                    .to_owned(),
            );
        }
        _ => {}
    }
    let unread = [
        "cannot read {}: {}",
        "there is no program or library called `{}` in {}",
        "cannot use {}: it is not an ELF file{}",
    ];
    unread.iter().find_map(|pattern| holes(pattern, message))?;
    let file = rest.split(':').next()?.trim_matches('"');
    Some(format!("{kind} target file '{file}' does not exist or is not executable"))
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
