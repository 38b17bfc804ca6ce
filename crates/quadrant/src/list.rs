//! Listing probes and their arguments.

use std::io::Write;
use std::rc::Rc;

use quadrant_probes::Options;
use quadrant_probes::Source;
use quadrant_program::probe::ArgLoc;
use quadrant_program::probe::Args as ProbeArguments;
use quadrant_program::probe::Field;
use quadrant_program::probe::FieldPlace;
use quadrant_program::probe::Operand;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::ProbeSource;
use quadrant_program::probe::ProbeSpec;
use quadrant_program::span::Span;
use quadrant_types::CType;
use quadrant_types::Types;

use crate::args::Args;
use crate::failure;
use crate::failure::Failure;
use crate::world;

/// Kinds that a pattern without a kind searches, in the order in which they are listed.
const SEARCHED: &[ProbeKind] = &[
    ProbeKind::Software,
    ProbeKind::Hardware,
    ProbeKind::Tracepoint,
    ProbeKind::RawTracepoint,
    ProbeKind::Interval,
    ProbeKind::Profile,
];

/// Where the command line's probes are looked for.
pub fn source(args: &Args, types: &Rc<Types>, child: Option<u32>) -> Source {
    let max_points = args.max_probes as usize;
    let options = Options { pid: args.pid.or(child), max_points, allow_unsafe: args.allow_unsafe };
    Source::new(Rc::clone(types), options)
}

/// Say what was skipped while probes were looked for, such as a file that is damaged.
pub fn print_warnings(source: &Source) {
    source.warnings().iter().for_each(|warning| eprintln!("quadrant: warning: {}", failure::shown(warning)));
}

/// Print the probes that match the command line's patterns.
///
/// # Errors
/// A pattern that makes no sense or matches nothing; output that cannot be written.
pub fn list(args: &Args) -> Result<i32, Failure> {
    let types = Rc::new(world::types());
    let source = source(args, &types, None);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let patterns = if args.rest.is_empty() { vec!["*".to_owned()] } else { args.rest.clone() };
    for pattern in &patterns {
        let written = one(&source, &types, pattern, args.verbose, &mut out)?;
        if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            return Ok(0);
        }
    }
    print_warnings(&source);
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(error.to_string())),
        _ => Ok(0),
    }
}

fn one(
    source: &Source,
    types: &Types,
    pattern: &str,
    verbose: bool,
    out: &mut impl Write,
) -> Result<std::io::Result<()>, Failure> {
    let (kinds, parts) = parse(pattern)?;
    let mut found = 0;
    for kind in &kinds {
        let names = match source.list(*kind, &parts) {
            Err(_) if kinds.len() > 1 => continue,
            names => names?,
        };
        found += names.len();
        for name in names {
            let arguments = if verbose { arguments(source, types, *kind, &name) } else { String::new() };
            if let Err(error) = write!(out, "{name}\n{arguments}") {
                return Ok(Err(error));
            }
        }
    }
    if found == 0 {
        return Err(nothing(source, &kinds, pattern, parts));
    }
    Ok(Ok(()))
}

/// A pattern is `kind:part:part`; without a kind, its parts are looked for in the kinds that can be listed whole.
fn parse(pattern: &str) -> Result<(Vec<ProbeKind>, Vec<String>), Failure> {
    let mut parts = split(pattern);
    let first = parts.remove(0);
    if let Some(kind) = quadrant_bpftrace::lower::probe_kind(&first) {
        return Ok((vec![kind], parts));
    }
    if first == "*" || parts.is_empty() {
        if parts.is_empty() && first != "*" {
            parts = vec!["*".to_owned(), first];
        }
        return Ok((SEARCHED.to_vec(), parts));
    }
    let kinds =
        ["tracepoint", "rawtracepoint", "uprobe", "uretprobe", "usdt", "software", "hardware", "interval", "profile"];
    let near = quadrant_types::suggest(&first, kinds);
    let failure = Failure::new(format!("unknown kind of probe `{}`", first.escape_debug()));
    Err(near.map_or(failure, |near| {
        Failure::new(format!("unknown kind of probe `{first}`")).hint(format!("did you mean `{near}`?"))
    }))
}

/// Split at colons outside quotes.
fn split(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in pattern.chars() {
        match c {
            '"' => quoted = !quoted,
            ':' if !quoted => parts.push(String::new()),
            c => parts.last_mut().expect("there is always a last part").push(c),
        }
    }
    parts
}

/// No match: the resolver knows the nearest names.
fn nothing(source: &Source, kinds: &[ProbeKind], pattern: &str, parts: Vec<String>) -> Failure {
    let spec = ProbeSpec { kind: kinds[0], parts, span: Span::default() };
    match source.find(&spec) {
        Err(error) if kinds.len() == 1 => Failure::from(error),
        _ => Failure::new(format!("no probe matches `{}`", pattern.escape_debug())),
    }
}

/// The arguments of a probe, one a line; empty when it has none or they cannot be told.
fn arguments(source: &Source, types: &Types, kind: ProbeKind, name: &str) -> String {
    let mut parts = split(name);
    parts.remove(0);
    let spec = ProbeSpec { kind, parts, span: Span::default() };
    source.arguments(&spec).map_or(String::new(), |args| describe(types, &args))
}

fn describe(types: &Types, args: &ProbeArguments) -> String {
    let named = args.fields.iter().map(|field| format!("    {}\n", named(types, field)));
    let numbered = args.numbered.iter().zip(0..).map(|(arg, index)| numbered(arg, index));
    named.chain(numbered).collect()
}

fn named(types: &Types, field: &Field) -> String {
    match (field.place, types.kind(field.ty)) {
        (FieldPlace::DataLoc { relative, .. }, _) => {
            let place = if relative { "__rel_loc" } else { "__data_loc" };
            format!("{place} {} {}", types.display(field.ty).replace("[0]", "[]"), field.name)
        }
        (_, CType::Ptr(_)) => format!("{} {}", types.display(field.ty), field.name),
        _ => types.declare(field.ty, &field.name),
    }
}

fn numbered(arg: &ArgLoc, index: u32) -> String {
    let sign = if arg.signed { "" } else { "u" };
    match arg.operand {
        Operand::Unavailable => format!("    arg{index} (cannot be read)\n"),
        _ => format!("    {sign}int{} arg{index}\n", u32::from(arg.bytes) * 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_in_quotes_stay() {
        assert_eq!(split(r#"uprobe:/bin/a:"x::y""#), ["uprobe", "/bin/a", "x::y"]);
        assert_eq!(split("t:sched:*"), ["t", "sched", "*"]);
    }
}
