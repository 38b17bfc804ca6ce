//! `-l`: probes that match patterns, those of a script, or types.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use quadrant_bpf::process::PidFd;
use quadrant_bpftrace::ast::AttachPoint;
use quadrant_bpftrace::ast::Item;
use quadrant_bpftrace::lower::with_parameters;
use quadrant_probes::Glob;
use quadrant_probes::has_wildcards;
use quadrant_program::diag::Diagnostic;
use quadrant_types::BtfKind;
use quadrant_types::TypeId;
use quadrant_types::Types;

use super::Refusal;
use super::getopt::Line;
use super::report;
use super::script;
use super::trace;
use crate::failure::shown;
use crate::list;
use crate::world;

/// Lists what the command line asks for. What matches nothing gives no lines and is no failure, as in bpftrace.
///
/// # Errors
/// A script that cannot be read or parsed, a process that is not there, output that cannot be written.
pub fn run(line: &Line) -> Result<i32, Refusal> {
    if let Some(pid) = line.pid {
        PidFd::open(pid).map_err(|error| Refusal::new(format!("ERROR: Failed to attach to pid: {error}\n")))?;
    }
    let types = Rc::new(world::types());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = patterns(line)?.iter().try_for_each(|pattern| one(line, &types, pattern, &mut out));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let error = quadrant_bpf::Error::io("cannot write the list", &error);
            Err(Refusal::new(format!("ERROR: {error}\n")))
        }
        _ => Ok(0),
    }
}

/// The patterns of the command line, or those of the script that it names.
fn patterns(line: &Line) -> Result<Vec<String>, Refusal> {
    let is_script = line.operands.first().is_some_and(|first| first == "-" || is_file(first));
    if line.program.is_some() || is_script {
        return of_script(line);
    }
    match line.operands.is_empty() {
        true => Ok(vec!["*".to_owned()]),
        false => {
            Ok(line.operands.iter().flat_map(|operand| operand.split(',')).map(|one| in_files(line, one)).collect())
        }
    }
}

/// The patterns of a script, each once.
fn of_script(line: &Line) -> Result<Vec<String>, Refusal> {
    let (script, params) = script::load(line)?;
    let refused = |messages: &[Diagnostic]| Refusal::new(report::render(&script, messages, true));
    if !script.diagnostics.is_empty() {
        return Err(refused(&script.diagnostics));
    }
    let points = script.tree.items.iter().filter_map(|item| match item {
        Item::Probe(probe) => Some(&probe.attach),
        _ => None,
    });
    let patterns: Result<Vec<String>, Box<Diagnostic>> = points.flatten().map(|point| pattern(point, params)).collect();
    let mut patterns = patterns.map_err(|error| refused(&[*error]))?;
    let mut seen = BTreeSet::new();
    patterns.retain(|pattern| !is_event(pattern) && seen.insert(pattern.clone()));
    Ok(patterns)
}

/// Whether a pattern is one of the trace's own events, which are not listed.
fn is_event(pattern: &str) -> bool {
    ["begin", "end"].contains(&pattern.to_ascii_lowercase().as_str())
}

/// Static probes in any file are those in the files of the process of `-p`.
fn in_files(line: &Line, pattern: &str) -> String {
    let mut parts = pattern.split(':');
    let is_static = matches!(parts.next(), Some("usdt" | "U"));
    let is_anywhere = matches!(parts.next(), None | Some("" | "*"));
    if line.pid.is_none() || !is_static || !is_anywhere {
        return pattern.to_owned();
    }
    match (parts.next(), parts.next()) {
        (Some(provider), Some(name)) => format!("usdt:*:{provider}:{name}"),
        (name, _) => format!("usdt:*:*:{}", name.unwrap_or("*")),
    }
}

/// What a pattern calls the file that it means, if it means one; in bpftrace the names of its probes call it so, too.
fn given_file(pattern: &str) -> Option<String> {
    let file = list::split(pattern).into_iter().nth(1)?;
    (file.starts_with('/') && !has_wildcards(&file)).then_some(file)
}

/// A probe's name with the file that it has in the place of its own.
fn in_file(name: &str, given: &str) -> String {
    match list::split(name).as_slice() {
        [kind, real, ..] if ["uprobe", "uretprobe", "usdt"].contains(&kind.as_str()) => name.replacen(real, given, 1),
        _ => name.to_owned(),
    }
}

fn is_file(name: &str) -> bool {
    Path::new(name).is_file()
}

fn pattern(point: &AttachPoint, params: &[String]) -> Result<String, Box<Diagnostic>> {
    let parts: Result<Vec<String>, Box<Diagnostic>> =
        point.parts.iter().map(|part| with_parameters(part, params)).collect();
    parts.map(|parts| parts.join(":"))
}

fn one(line: &Line, types: &Rc<Types>, pattern: &str, out: &mut impl Write) -> std::io::Result<()> {
    if let Some((word, name)) = pattern.trim().split_once(' ') {
        return of_type(types, word, name.trim(), line.verbose, out);
    }
    let mut args = trace::args(line);
    args.list = true;
    let given = given_file(pattern);
    let listed = list::visit(&args, types, pattern, &mut |name, arguments| {
        match &given {
            Some(given) => writeln!(out, "{}", shown(&in_file(name, given)))?,
            None => writeln!(out, "{}", shown(name))?,
        }
        let of_user = name.starts_with("uprobe:") || name.starts_with("uretprobe:");
        let mut spelt = arguments.iter().map(|argument| if of_user { respelt(argument) } else { argument.clone() });
        spelt.try_for_each(|argument| writeln!(out, "    {}", shown(&argument)))
    });
    match listed {
        Ok(written) => written,
        Err(failure) if line.verbose || failure.is_denied() => {
            eprint!("{}", failure.text("WARNING", "HINT"));
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// A declaration with stars in bpftrace's way for user programs: behind the type, as `const char* const* name`. What is declared around its
/// name, as pointers to functions are, stays.
fn respelt(declaration: &str) -> String {
    match declaration.contains('(') {
        true => declaration.to_owned(),
        false => declaration.replace(" *", "*").replace("*const", "* const").replace("*volatile", "* volatile"),
    }
}

/// `struct NAME`, `union NAME`, `enum NAME`, where the name may have wildcards: the names that there are, with `-v` their definitions.
fn of_type(types: &Types, word: &str, name: &str, verbose: bool, out: &mut impl Write) -> std::io::Result<()> {
    let kinds: &[BtfKind] = match word {
        "struct" => &[BtfKind::Struct],
        "union" => &[BtfKind::Union],
        "enum" => &[BtfKind::Enum, BtfKind::Enum64],
        _ => {
            eprintln!("WARNING: no probe and no type matches `{}`", shown(&format!("{word} {name}")));
            return Ok(());
        }
    };
    if !has_wildcards(name) {
        return types
            .lookup_name_with_kind(name, kinds)
            .map_or(Ok(()), |id| one_type(types, word, name, id, verbose, out));
    }
    let wanted = Glob::new(name);
    types.names(kinds).iter().filter(|name| wanted.matches(name)).try_for_each(|name| {
        types.lookup_name_with_kind(name, kinds).map_or(Ok(()), |id| one_type(types, word, name, id, verbose, out))
    })
}

fn one_type(
    types: &Types,
    word: &str,
    name: &str,
    id: TypeId,
    verbose: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    if !verbose {
        return writeln!(out, "{word} {}", shown(name));
    }
    let definition = with_tabs(&types.definition_text(id));
    let end = if definition.trim_end().ends_with(';') { "" } else { ";" };
    writeln!(out, "vmlinux: {}{end}\n", definition.trim_end())
}

/// Indentation in bpftrace's way: a tab where there are two blanks.
fn with_tabs(definition: &str) -> String {
    let line = |line: &str| {
        let text = line.trim_start_matches(' ');
        format!("{}{text}\n", "\t".repeat((line.len() - text.len()) / 2))
    };
    definition.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_behind_the_type() {
        assert_eq!(respelt("const char *const * names"), "const char* const* names");
        assert_eq!(respelt("struct s * s"), "struct s* s");
        assert_eq!(respelt("int (*)(int, char *) f"), "int (*)(int, char *) f");
    }
}
