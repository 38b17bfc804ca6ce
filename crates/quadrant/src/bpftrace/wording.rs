//! The words in which users of bpftrace know common mistakes.
//!
//! Only what says the same thing has its counterpart here; other messages stay as they are.

use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;

/// The message of a diagnostic; `marked` is the text that it points at.
pub fn message(diagnostic: &Diagnostic, marked: &str) -> String {
    let message = diagnostic.message.as_str();
    arguments(message)
        .or_else(|| values(message))
        .or_else(|| parts(message, marked))
        .or_else(|| probe(message, marked))
        .or_else(|| setting(message, marked))
        .or_else(|| too_long(message, marked))
        .or_else(|| table(message))
        .map(|text| skipping(diagnostic, text))
        .unwrap_or_else(|| message.to_owned())
}

/// A probe that may be missing is not there.
fn skipping(diagnostic: &Diagnostic, text: String) -> String {
    let is_missing = diagnostic.severity == Severity::Warning && text.starts_with("No matches for ");
    if is_missing { format!("{text} Skipping.") } else { text }
}

/// What a message says, and the same in other words. `{}` is any text; `{0}`, `{1}` put it elsewhere, `{0:type}` as a type of probe.
const TABLE: &[(&str, &str)] = &[
    ("unknown name `{}`", "Unknown identifier: '{0}'"),
    ("unknown function `{}`", "Unknown function: '{0}'"),
    ("unknown probe type `{}`", "Invalid probe type: {0}"),
    ("unknown type `{}`; {}", "Cannot resolve unknown type \"{0}\"; {1}"),
    ("unknown type `{}`", "Cannot resolve unknown type \"{0}\""),
    ("unknown setting `{}`", "{0}: not a known configuration option"),
    ("unknown stack mode", "Invalid value for stack_mode: valid values are bpftrace, raw, perf, and build_id."),
    ("only files of programs have build IDs", "'build_id' stack mode can only be used for ustack"),
    ("unknown clock `{}`", "Invalid timestamp mode: {0}"),
    ("the setting `{}` is now called `{}`", "{0} has been renamed, please use {1}"),
    ("`@{}` holds hist() (line {}), and this is hist()", "Different bits in a single hist unsupported"),
    ("`@{}` holds lhist() (line {}), and this is lhist()", "Different lhist bounds in a single map unsupported"),
    (
        "`@{}` holds {} (line {}), and this is {}",
        "Type mismatch for @{0}: trying to assign value of type '{3}' when map already has a type '{1}'",
    ),
    (
        "`${}` holds {}, and this is {}",
        "Type mismatch for ${0}: trying to assign value of type '{2}' when variable already has a type '{1}'",
    ),
    (
        "the keys of `{}` are {}, and this is {}",
        "Argument mismatch for {0}: trying to access with arguments: '{2}' when map expects arguments: '{1}'",
    ),
    (
        "`{}` has keys (line {}), and here there is none",
        "{0} used as a map without an explicit key (scalar map), previously used with an explicit key (non-scalar map)",
    ),
    (
        "`{}` has no keys (line {}), and here it has one",
        "{0} used as a map with an explicit key (non-scalar map), previously used without an explicit key (scalar map)",
    ),
    ("nothing is ever assigned to `{}`", "Undefined map: {0}"),
    ("there is no variable `{}` here", "Undefined or undeclared variable: {0}"),
    ("`{}` already exists (line {})", "Variable {0} was already declared. Variable shadowing is not allowed."),
    (
        "`unstable_{}` is enable, warn or error",
        "unstable_{0}: Invalid value for unstable config: valid values are enable, warn, and error.",
    ),
    ("`%{}` does not print {}", "unsupported format specifier for type '{1}': {0}"),
    ("the format of {}() is a text in quotes", "{0}() expects a string literal"),
    ("{}() takes a text in quotes here", "{0}() expects a string literal"),
    ("len() takes a map here", "call to len() expects a map, ustack, or kstack"),
    ("{}() takes a map here", "{0}() expects a map argument"),
    ("sum() takes a number here, and this is {}", "sum() only supports integer arguments ({0} provided)"),
    ("min() takes a number here, and this is {}", "min() only supports integer arguments ({0} provided)"),
    ("max() takes a number here, and this is {}", "max() only supports integer arguments ({0} provided)"),
    ("avg() takes a number here, and this is {}", "avg() only supports integer arguments ({0} provided)"),
    ("stats() takes a number here, and this is {}", "stats() only supports integer arguments ({0} provided)"),
    ("{}() takes a number here, and this is string[{}]", "{0}() only supports int arguments (string provided)"),
    ("{}() takes a number here, and this is {}", "{0}() only supports int arguments ({1} provided)"),
    (
        "the option `{}` has another default in line {}",
        "Command line option '{0}' needs to have the same default value in all places it is used.",
    ),
    ("{}() has a value only in a map", "{0}() must be assigned directly to a map"),
    (
        "lhist() goes from {} to {}: the second must be greater",
        "lhist() min must be less than max (provided min {0} and max {1})",
    ),
    (
        "{}() changes the traced program, which is not allowed without a word from you",
        "{0}() is unsafe. To use you need the --unsafe flag",
    ),
    (
        "system() runs commands, which is not allowed without a word from you",
        "system() is an unsafe function being used in safe mode",
    ),
    ("`{}` does not go with {} and {}", "Type mismatch for '{0}': comparing {1} with {2}"),
    ("`{}` has no member `{}`", "Struct/union of type '{0}' does not contain a field named '{1}'"),
    ("`{}` has no argument `{}`", "Struct/union of type 'struct {0}_args' does not contain a field named '{1}'"),
    ("there is no member {} in a tuple of {}", "Invalid tuple index: {0}. Found {1} elements in tuple."),
    ("index {} is outside the array of {}", "the index {0} is out of bounds for array of size {1}"),
    ("`{}` outside a loop", "'{0}' statement is not allowed in a probe"),
    ("`unroll` takes 1 round or more", "unroll minimum value is 1"),
    ("`unroll` needs a number that is known before the trace starts", "invalid unroll value"),
    (
        "outside of probes, `let` declares maps: `{}`",
        "syntax: root-level let statements need to be map declarations, e.g. let @a = hash(2);",
    ),
    ("`return` in a macro", "'return' statement is not allowed in a macro"),
    (
        "the macro `{}` is not given `@{}`",
        "Unhygienic access to map: @{1}. Maps must be passed into the macro as arguments.",
    ),
    ("the macro `{}` already exists (line {})", "Redefinition of macro: {0}"),
    (
        "the macro `{}` takes another number of arguments",
        "Call to {0}() has arguments that do not match any definition.",
    ),
    ("cannot find `{}` to import", "Unable to find suitable path for import"),
    (
        "`stack_mode` is {}",
        "stack_mode: Invalid value for stack_mode: valid values are bpftrace, raw, perf, and build_id.",
    ),
    (
        "`missing_probes` is {}",
        "missing_probes: Invalid value for missing_probes: valid values are ignore, warn, and error.",
    ),
    ("{} has no members, and so no `{}`", "Can not access field '{1}' on expression of type '{0}'"),
    ("record {} has no member `{}`", "Record does not contain a field named '{1}'"),
    (
        "`@{}` is declared with a value for each CPU, and this is one value",
        "Incompatible map types. Type from declaration: percpuhash. Type from value/key type: hash",
    ),
    ("`unroll` takes 1 to {} rounds", "unroll maximum value is {0}"),
    (
        "a probe of type `{}` has no return value",
        "The retval builtin can only be used with 'kretprobe' and 'uretprobe' and 'fentry' probes",
    ),
    (
        "a probe of type `{}` has no `{}`",
        "The {1} builtin can only be used with 'kprobes', 'uprobes' and 'usdt' probes",
    ),
    (
        "`{}` has no named arguments",
        "The args builtin can only be used with tracepoint, rawtracepoint, fentry/fexit, and uprobe probes ({0:type} used here)",
    ),
    (
        "a probe of type `{}` has no context, which is what `ctx` points to",
        "The ctx builtin can not be used with '{0}' probes",
    ),
    ("a probe of type `{}` is not on a function", "The func builtin can not be used with '{0}' probes"),
    ("the count `{}` of {}:{} is no whole number", "Invalid count for {1} probe: invalid integer: {0}"),
    ("the offset `` is no number", "Invalid offset"),
    ("the offset `{}` is no number", "Invalid offset: invalid integer: {0}"),
    ("this probe names no file", "uprobe should have a target"),
    ("the probe names no function", "uprobe should be attached to a function and/or address"),
    ("the probe names no event", "tracepoint probe must have a target"),
    ("cannot use this watchpoint: `{}` is no address", "Invalid function/address argument: invalid integer: {0}"),
    ("`{}` needs a number, and this is {}", "The {0} operator can not be used on expressions of type '{1}'"),
    (
        "`{}` is declared as {}, and this is {}",
        "Type mismatch for {0}: trying to assign value of type '{2}' when variable already has a type '{1}'",
    ),
    (
        "macaddr() takes an array of 6 bytes, and this is string[{}]",
        "macaddr() does not support literal string arguments",
    ),
    ("there is no child process, so `cpid` is 0", "No child command (`-c`); cpid is zero"),
    ("the length of an array is not negative", "array declared with a negative size"),
    ("parameter `{}` was not given, so it is 0", "Positional parameter {0} is empty or not provided."),
    ("{}() cannot be used in a probe of type `{}`", "{0} can not be used with \"{1}\" probes"),
    ("{} is not a tuple", "Can not access index on expression of type '{0}'"),
    ("only the print() of a whole map takes more than one argument", "Non-map print() only takes 1 argument, 2 found"),
    ("strlen() takes a text here, and this is {}", "string-like values must be either strings, arrays or pointers"),
    ("{} has no elements", "The array index operator [] can only be used on arrays, pointers, and tuples, found {0}."),
    (
        "the value of {} is not one number",
        "Map type {0} cannot print the value of individual keys. You must print the whole map.",
    ),
    ("signals are numbered 1 to 64", "signal() accepts a string literal or an integer between 1 and 64 (inclusive)"),
    ("there is no signal `{}`", "Invalid string for signal: {0}"),
    ("`@{}` has no keys to count", "call to len() expects a map with explicit keys (non-scalar map)"),
    (
        "`{}` matches {} probes, more than the limit of {}",
        "Can't attach to {1} probes because it exceeds the current limit of {2} probes.",
    ),
    (
        "this script has {} probes, and `max_probes` allows {}",
        "Can't attach to {0} probes because it exceeds the current limit of {1} probes.",
    ),
    ("no symbol `{}` in the kernel{}", "Failed to resolve kernel symbol: {0}"),
    ("there is no tracepoint `{}`", "No matches for tracepoint {0}."),
    ("there is no software event `{}`", "{0} is not a software probe"),
    ("there is no hardware event `{}`", "{0} is not a hardware probe"),
    ("this kernel has no iterator `{}`", "iter {0} not available for your kernel version."),
    ("a test returns a number, and this is {}", "Probe return values can only be integers. Found {0}"),
    ("the test `{}` already exists (line {})", "\"{0}\" was used as the name for more than one TEST probe"),
    ("the bench `{}` already exists (line {})", "\"{0}\" was used as the name for more than one BENCH probe"),
    ("a {} probe has a name: `{}`", "{0} probes must have a name"),
    ("`{}` is no signal that a script can have", "{0} is not a supported signal"),
    ("`{}` is nothing that happens to the tracer", "{0} is not a supported trigger"),
    ("cannot use this {} probe: `0` is no positive whole number", "{0} frequency should be a positive integer"),
    ("cannot use this {} probe: `-{}` is no positive whole number", "{0} frequency should be a positive integer"),
    ("cannot use this watchpoint: the length `{}` is not 1, 2, 4 or 8", "watchpoint length must be one of (1,2,4,8)"),
    ("the watchpoint mode `{}` is not `w`, `rw` or `x`", "invalid watchpoint mode: {0}"),
    (
        "cannot use this {} probe: {} ns is too short, 1 us is the shortest",
        "Invalid rate of {0} probe. Minimum is 1000 or 1us. Found: {1} nanoseconds",
    ),
    ("no instruction starts at `{}`: {}", "Could not add uprobe into middle of instruction: {0}: {1}"),
    ("`{}+{}` is beyond the function's end: it has {} bytes", "Offset outside the function bounds ('{0}' size is {2})"),
    ("a uretprobe is on a whole function, not on a place in it", "Offset not allowed"),
    ("cannot use this watchpoint: nothing is ever at address 0", "watchpoint must be attached to a non-zero address"),
    ("a probe of type `{}` has no registers", "reg can not be used with \"{0}\" probes"),
    ("expected `{` or `/predicate/`, found {}", "syntax: expected '{'"),
    ("`}` without an opening `{`", "syntax: expected '{'"),
    ("cannot use this {} probe: `{}` is no unit of time", "{1} is not an accepted unit of time"),
    ("cannot use this {} probe: `{}` is no {}", "Invalid rate of {0} probe: invalid integer: {1}"),
    ("`{` is never closed", "syntax: expected '}'"),
    ("unknown escape `{}`", "syntax: invalid escape character '{0}'"),
    ("string without closing quote", "syntax: unterminated string"),
    ("expected an expression, found {}", "syntax: expected expression"),
    ("expected {}, found {}", "syntax: expected {0}"),
    ("there is no probe in this script", "No probes to attach"),
    ("the result of `{}` is {}, and this is {}", "Function {0} is of type {1}, cannot return {2}"),
    ("`{}` can end without a result, which is {}", "Function {0} is of type {1}, cannot return void"),
    (
        "comm(pid) cannot be used in a probe of type `{}`",
        "Syntax comm(PID) is not supported in this probe type yet. Type: {0:type}",
    ),
    ("this value is not used", "Return value discarded."),
    ("nothing ever comes to this statement", "Unreachable statement."),
    ("nothing is ever put into `{}`", "Variable {0} was never assigned to."),
    ("`@{}` is declared and never used", "Unused map: @{0}"),
    ("`while` may go away", "While loops are deprecated and may be removed in the future."),
    ("{} is taken as a signed number here", CAST_TO_SIGNED),
    (
        "{} is cut to {}",
        "Expression of type: {0} being cast to type: {1}. This may cause unexpected results. Use an explicit cast to suppress this warning.",
    ),
];

const CAST_TO_SIGNED: &str = "Expression of type: {0} being cast to type: int64. This may cause unexpected results. Use an explicit cast to suppress this warning.";

fn table(message: &str) -> Option<String> {
    TABLE.iter().find_map(|(ours, theirs)| {
        let holes = holes(ours, message)?;
        let fill = |text: String, (number, hole): (usize, &&str)| {
            text.replace(&format!("{{{number}:type}}"), probe_type(hole))
                .replace(&format!("{{{number}}}"), &spelled(hole))
        };
        Some(holes.iter().enumerate().fold((*theirs).to_owned(), fill))
    })
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

/// Types of aggregations and quotes are written in another way.
fn spelled(hole: &str) -> String {
    match hole.strip_suffix("()") {
        Some(aggregation) => format!("{aggregation}_t"),
        None => hole.replace('`', "'"),
    }
}

/// Probes that the tracer runs itself are of one type.
fn probe_type(kind: &str) -> &str {
    if kind == "begin" || kind == "end" { "special" } else { kind }
}

/// Too few or too many arguments of a function.
fn arguments(message: &str) -> Option<String> {
    let (name, rest) = message.split_once("() takes ")?;
    let (takes, rest) = rest.split_once(" argument")?;
    let given = rest.split_once(", and ")?.1.split(' ').next()?;
    let number = |text: &str| text.trim_end_matches(" or more").parse::<u32>().ok();
    let (least, most) = match takes.split_once(" to ") {
        Some((least, most)) => (number(least)?, number(most)),
        None => (number(takes)?, number(takes).filter(|_| !takes.ends_with("or more"))),
    };
    let count: u32 = given.parse().ok()?;
    let how = match most {
        Some(0) => "requires no arguments".to_owned(),
        Some(most) if least == most => format!("requires {}", plural(least)),
        Some(most) if count > most => format!("takes up to {}", plural(most)),
        _ => format!("requires at least {}", plural(least)),
    };
    Some(format!("{name}() {how} ({count} provided)"))
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

/// A setting that is a number, and was given something else.
fn setting(message: &str, marked: &str) -> Option<String> {
    let holes = holes("`{}` is a number{}", message)?;
    let given = marked.trim_matches('"');
    given.parse::<u64>().is_err().then(|| format!("{}: expecting a number, got {given}", holes[0]))
}

/// A text that is longer than texts can be.
fn too_long(message: &str, marked: &str) -> Option<String> {
    let holes = holes("this text has {} bytes, and `max_strlen` is {}", message)?;
    Some(format!("String is too long (over {} bytes): {}", holes.get(1)?, marked.trim_matches('"')))
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
    let mut given = marked.split(':');
    let kind = quadrant_bpftrace::lower::probe_kind(given.next()?)?.name();
    if kind == "iter" {
        return Some("iter probe type takes 2 arguments (1 optional)".to_owned());
    }
    let (_, needs) = PARTS.iter().find(|(name, _)| *name == kind)?;
    Some(format!("{kind} probe type {needs}, found {}", given.count()))
}

/// Probes that there are not are named as the script names them.
fn probe(message: &str, marked: &str) -> Option<String> {
    let (kind, rest) = marked.split_once(':')?;
    let kind = quadrant_bpftrace::lower::probe_kind(kind)?.name();
    let missing = [
        "{} has no function `{}`",
        "there is no function `{}`{}",
        "there are no static probes in {}",
        "{} has no probe `{}`",
    ];
    if missing.iter().any(|pattern| holes(pattern, message).is_some()) {
        return Some(format!("No matches for {kind} {}.", rest.replace('"', "")));
    }
    match (message, kind) {
        ("the probe names no function", "kprobe" | "kretprobe") => {
            return Some(format!("{kind}s should be attached to a function or an address"));
        }
        ("this probe names no file", "usdt") => {
            return Some(
                "usdt probe must specify at least path or pid to probe. To target all paths/pids set the path to '*'."
                    .to_owned(),
            );
        }
        _ => {}
    }
    holes("cannot read {}: {}", message)?;
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
        assert_eq!(said("`{` is never closed"), "syntax: expected '}'");
        assert_eq!(said("/usr/bin/true has no function `x`"), "No matches for uprobe /bin/true:x.");
        assert_eq!(
            message(&Diagnostic::error(Span::default(), "a uprobe is written `uprobe:file:function`"), "u:x"),
            "uprobe probe type requires 2 or 3 arguments, found 1"
        );
        assert_eq!(said("expected `,` or `)`, found `}`"), "syntax: expected ',' or ')'");
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
    fn others_stay() {
        assert_eq!(said("division by zero"), "division by zero");
    }
}
