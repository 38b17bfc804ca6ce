//! Probes that there are not, or that are written in another way.

use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;

use super::template::holes;

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
pub(super) fn parts(message: &str, marked: &str) -> Option<String> {
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
    "there is no static probe `{}` in {}",
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
pub(super) fn wildcard(diagnostic: &Diagnostic, marked: &str) -> Option<String> {
    let missing = is_pattern_without_match(diagnostic, marked);
    (missing && diagnostic.severity == Severity::Error).then(|| {
        "Probe has no valid attach points. If this is expected, set the 'missing_probes' config variable to 'warn'."
            .to_owned()
    })
}

/// Probes that there are not are named as the script names them.
pub(super) fn probe(message: &str, marked: &str) -> Option<String> {
    let (kind, rest) = marked.split_once(':')?;
    let kind = quadrant_bpftrace::lower::probe_kind(kind)?.name();
    if MISSING.iter().any(|pattern| holes(pattern, message).is_some()) {
        // Where a static probe is named without its provider, that may be any.
        let provider = rest.split(':').nth(1).filter(|_| kind == "usdt" && rest.matches(':').count() == 2);
        let rest = provider.map_or(rest.to_owned(), |provider| rest.replacen(&format!(":{provider}:"), ":", 1));
        return Some(format!("No matches for {kind} {}.", rest.replace('"', "")));
    }
    if kind == "uprobe" && holes("no instruction starts at `{}`: {}", message).is_some() {
        return Some(format!("Could not add uprobe into middle of instruction: {}", rest.replace('"', "")));
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
