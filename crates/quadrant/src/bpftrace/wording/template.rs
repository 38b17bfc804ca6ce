//! Patterns of our messages, and templates of bpftrace's with the words of a message in their holes.

/// A template with its holes filled. What fills them may look like holes: it is not filled again.
pub(super) fn filled(template: &str, holes: &[&str]) -> String {
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
pub(super) fn holes<'a>(pattern: &str, message: &'a str) -> Option<Vec<&'a str>> {
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
pub(super) fn spelled(hole: &str) -> String {
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
pub(super) fn kind(ty: &str) -> &str {
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
