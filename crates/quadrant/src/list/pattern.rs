//! What a list pattern asks for: `kind:part:part`, or a name that is looked for in many kinds.

use quadrant_probes::Glob;
use quadrant_probes::has_wildcards;
use quadrant_program::probe::ProbeKind;

use crate::failure::Failure;

/// Kinds that a pattern without a kind searches, in the order in which they are listed.
const SEARCHED: [ProbeKind; 8] = [
    ProbeKind::Hardware,
    ProbeKind::Software,
    ProbeKind::Tracepoint,
    ProbeKind::RawTracepoint,
    ProbeKind::Kprobe,
    ProbeKind::Fentry,
    ProbeKind::Interval,
    ProbeKind::Profile,
];

/// Kinds whose probes are named by one word.
const ONE_WORD: [ProbeKind; 4] = [ProbeKind::Software, ProbeKind::Hardware, ProbeKind::Interval, ProbeKind::Profile];

/// Kinds of which a misspelt one may be meant.
const NAMES: [&str; 13] = [
    "tracepoint",
    "rawtracepoint",
    "kprobe",
    "kretprobe",
    "fentry",
    "fexit",
    "uprobe",
    "uretprobe",
    "usdt",
    "software",
    "hardware",
    "interval",
    "profile",
];

/// Probes of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub kind: ProbeKind,
    /// Patterns of the parts behind the kind.
    pub parts: Vec<String>,
}

impl Query {
    fn new(kind: ProbeKind, parts: &[&str]) -> Query {
        Query { kind, parts: parts.iter().map(|part| (*part).to_owned()).collect() }
    }
}

/// The queries that a pattern stands for. One alone is what the user named; several are a search.
pub fn parse(pattern: &str) -> Result<Vec<Query>, Failure> {
    let parts = split(pattern);
    let (first, rest) = parts.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    if let Some(kind) = quadrant_bpftrace::lower::probe_kind(first) {
        return Ok(vec![Query { kind, parts: rest.to_vec() }]);
    }
    if rest.is_empty() {
        return Ok(SEARCHED.iter().flat_map(|kind| by_name(*kind, first)).collect());
    }
    if has_wildcards(first) {
        return by_kind(&Glob::new(first), rest).ok_or_else(|| unknown(first));
    }
    Err(unknown(first))
}

/// Where a name alone may be: of an event, or of its subsystem.
fn by_name(kind: ProbeKind, name: &str) -> Vec<Query> {
    match kind {
        ProbeKind::Tracepoint if name != "*" => vec![Query::new(kind, &[name, "*"]), Query::new(kind, &["*", name])],
        ProbeKind::Tracepoint => vec![Query::new(kind, &["*", "*"])],
        _ => vec![Query::new(kind, &[name])],
    }
}

fn by_kind(kinds: &Glob, parts: &[String]) -> Option<Vec<Query>> {
    let fits = |kind: &ProbeKind| kinds.matches(kind.name()) && (parts.len() == 1 || !ONE_WORD.contains(kind));
    let all = SEARCHED.iter().chain(&[ProbeKind::Kretprobe, ProbeKind::Fexit]).copied();
    // `*` is everything once: returns are where entries are.
    let all = all.filter(|kind| kinds.text() != "*" || SEARCHED.contains(kind));
    let queries: Vec<Query> = all.filter(fits).map(|kind| of_kind(kind, parts)).collect();
    (!queries.is_empty()).then_some(queries)
}

/// A name alone is that of an event, of whatever subsystem.
fn of_kind(kind: ProbeKind, parts: &[String]) -> Query {
    match (kind, parts) {
        (ProbeKind::Tracepoint, [name]) => Query::new(kind, &["*", name]),
        _ => Query { kind, parts: parts.to_vec() },
    }
}

fn unknown(kind: &str) -> Failure {
    let failure = Failure::new(format!("unknown kind of probe `{}`", kind.escape_debug()));
    match quadrant_types::suggest(kind, NAMES) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    }
}

/// Split at colons outside quotes.
pub fn split(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in pattern.chars() {
        match (c, parts.last_mut()) {
            ('"', _) => quoted = !quoted,
            (':', _) if !quoted => parts.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pattern: &str) -> Vec<String> {
        let queries = parse(pattern).unwrap();
        queries.iter().map(|query| format!("{}:{}", query.kind.name(), query.parts.join(":"))).collect()
    }

    #[test]
    fn colons_in_quotes_stay() {
        assert_eq!(split(r#"uprobe:/bin/a:"x::y""#), ["uprobe", "/bin/a", "x::y"]);
        assert_eq!(split("t:sched:*"), ["t", "sched", "*"]);
    }

    #[test]
    fn a_kind_that_is_named_is_the_only_one() {
        assert_eq!(shown("k:vfs_*"), ["kprobe:vfs_*"]);
        assert_eq!(shown("tracepoint"), ["tracepoint:"]);
    }

    #[test]
    fn a_name_alone_is_looked_for_everywhere() {
        let wanted = [
            "hardware:*read*",
            "software:*read*",
            "tracepoint:*read*:*",
            "tracepoint:*:*read*",
            "rawtracepoint:*read*",
            "kprobe:*read*",
            "fentry:*read*",
            "interval:*read*",
            "profile:*read*",
        ];
        assert_eq!(shown("*read*"), wanted);
        assert_eq!(shown("*").len(), SEARCHED.len());
    }

    #[test]
    fn kinds_by_pattern() {
        assert_eq!(shown("k*:vfs_read"), ["kprobe:vfs_read", "kretprobe:vfs_read"]);
        assert_eq!(
            shown("*:sched:*"),
            ["tracepoint:sched:*", "rawtracepoint:sched:*", "kprobe:sched:*", "fentry:sched:*"]
        );
        assert_eq!(shown("trace*:*open*"), ["tracepoint:*:*open*"]);
        assert!(parse("kprob:vfs_read").is_err() && parse("x*:y").is_err());
    }
}
