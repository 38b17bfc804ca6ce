//! Listing probes and their arguments.

mod arguments;
mod pattern;
mod tree;

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use quadrant_probes::Options;
use quadrant_probes::Source;
use quadrant_probes::Warning;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::ProbeSource;
use quadrant_program::probe::ProbeSpec;
use quadrant_program::span::Span;
use quadrant_symbols::DebugDir;
use quadrant_types::Types;

use crate::args::Args;
use crate::args::Format;
use crate::commands::json::Json;
use crate::failure;
use crate::failure::Failure;
use crate::world;
use pattern::Query;
pub use pattern::split;
use tree::Tree;

/// Where the command line's probes are looked for.
pub fn source(args: &Args, types: &Rc<Types>, child: Option<u32>) -> Source {
    let debug_dirs = args.debuginfo.iter().flat_map(|dirs| DebugDir::parse(dirs)).collect();
    let options =
        Options { pid: args.pid.or(child), debug_dirs, allow_unsafe: args.allow_unsafe, ..Options::default() };
    let options = match args.max_probes {
        Some(points) => options.allowing(points),
        None => options,
    };
    let source = Source::new(Rc::clone(types), options);
    match &args.traceable_functions {
        Some(file) => source.with_traceable(file.clone()),
        None => source,
    }
}

/// Say what was skipped while probes were looked for, such as a file that is damaged.
pub fn print_warnings(source: &Source) {
    print(source.warnings());
}

/// Print warnings about probes.
pub fn print(warnings: Vec<Warning>) {
    let lines = warnings.into_iter().map(|warning| warning.in_language(quadrant_bpftrace::spell));
    lines.for_each(|line| eprintln!("quadrant: warning: {}", failure::shown(&line)));
}

/// Print the probes that match the command line's patterns.
///
/// # Errors
/// A pattern that makes no sense or matches nothing; output that cannot be written.
pub fn list(args: &Args) -> Result<i32, Failure> {
    if args.execute.is_some() {
        let failure = Failure::usage("--list shows what patterns match, and reads no script");
        return Err(failure.hint("`quadrant bpftrace -l -e PROGRAM` lists the probes of a script"));
    }
    let types = Rc::new(world::types());
    let source = source(args, &types, None);
    let by_module = args.tree || args.count;
    let listing =
        Listing { source: &source, types: &types, verbose: args.verbose, by_module, warning: "quadrant: warning" };
    let patterns = if args.rest.is_empty() { vec!["*".to_owned()] } else { args.rest.clone() };
    let write_one = match args.format {
        Format::Text => write_flat,
        Format::Json if by_module => {
            let failure = Failure::usage("groups of probes are not listed as JSON");
            return Err(failure.hint("leave out --tree and --count, or --format"));
        }
        Format::Json => write_json,
    };
    let mut tree = Tree::default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for pattern in &patterns {
        let mut written = Ok(());
        listing.each(pattern, &mut |name, arguments| match listing.by_module {
            true => tree.add(name, arguments),
            false if written.is_ok() => written = write_one(&mut out, name, &arguments),
            false => {}
        })?;
        if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            return Ok(0);
        }
    }
    let written = tree.lines(args.count).iter().try_for_each(|line| writeln!(out, "{}", failure::shown(line)));
    print_warnings(&source);
    failure::written("the list", written.and_then(|()| out.flush()))?;
    Ok(0)
}

/// For bpftrace's command line: calls `visit` with the name and the arguments (if the command line wants them) of each probe that a
/// pattern means, until it fails.
///
/// # Errors
/// A pattern that makes no sense or matches nothing.
pub fn visit(
    args: &Args,
    types: &Rc<Types>,
    pattern: &str,
    visit: &mut dyn FnMut(&str, &[String]) -> std::io::Result<()>,
) -> Result<std::io::Result<()>, Failure> {
    let source = source(args, types, None);
    let listing = Listing { source: &source, types, verbose: args.verbose, by_module: false, warning: "WARNING" };
    let mut done = Ok(());
    listing.each(pattern, &mut |name, arguments| {
        if done.is_ok() {
            done = visit(name, &arguments);
        }
    })?;
    Ok(done)
}

type Out = std::io::BufWriter<std::io::StdoutLock<'static>>;

fn write_flat(out: &mut Out, name: &str, arguments: &[String]) -> std::io::Result<()> {
    writeln!(out, "{}", failure::shown(name))?;
    arguments.iter().try_for_each(|argument| writeln!(out, "    {}", failure::shown(argument)))
}

/// Described for its readers in docs/json.md.
fn write_json(out: &mut Out, name: &str, arguments: &[String]) -> std::io::Result<()> {
    let probe = Json::Object(vec![
        ("type", "probe".into()),
        ("version", quadrant_output::document::VERSION.into()),
        ("name", name.into()),
        ("arguments", Json::list(arguments, |argument| argument.as_str().into())),
    ]);
    out.write_all(&probe.line())
}

struct Listing<'a> {
    source: &'a Source,
    types: &'a Types,
    verbose: bool,
    /// Functions of the kernel are named with their modules.
    by_module: bool,
    /// What stands before a warning.
    warning: &'static str,
}

impl Listing<'_> {
    /// Calls `visit` with the name of each probe that a pattern means, and its arguments if they are wanted.
    fn each(&self, pattern: &str, visit: &mut dyn FnMut(&str, Vec<String>)) -> Result<(), Failure> {
        let queries = pattern::parse(pattern)?;
        let named = queries.len() == 1;
        let (mut seen, mut found) = (HashSet::new(), false);
        for query in &queries {
            let names = match self.names(query, named) {
                Err(failure) if !named => {
                    self.left_out(query.kind, &failure);
                    continue;
                }
                names => names?,
            };
            found |= !names.is_empty();
            // Several queries may find the same probe.
            for name in names.iter().filter(|name| named || seen.insert((*name).clone())) {
                visit(name, self.arguments(query.kind, name));
            }
        }
        if found { Ok(()) } else { Err(self.nothing(&queries, pattern)) }
    }

    /// Says that a search has less to show than there is, if it is for want of a right.
    fn left_out(&self, kind: ProbeKind, failure: &Failure) {
        if let Some((message, _)) = failure.message().filter(|_| failure.is_denied()) {
            eprintln!("{}: {} probes are left out: {}", self.warning, kind.name(), failure::shown(message));
        }
    }

    /// Full names. A search passes over functions of the kernel that cannot be probed in any way; whoever names the kind gets
    /// them, and a word about it.
    fn names(&self, query: &Query, named: bool) -> Result<Vec<String>, Failure> {
        if let Some(refusal) = self.source.cannot_probe(query.kind) {
            let kind = query.kind.name();
            match named {
                true => {
                    eprintln!("{}: {kind} probes cannot be made: {}", self.warning, failure::shown(&refusal.message))
                }
                false => return Ok(Vec::new()),
            }
        }
        Ok(self.source.list(query.kind, &self.parts(query))?)
    }

    fn parts(&self, query: &Query) -> Vec<String> {
        match (query.kind, query.parts.as_slice()) {
            (ProbeKind::Kprobe | ProbeKind::Kretprobe, [name]) if self.by_module => vec!["*".to_owned(), name.clone()],
            (ProbeKind::Kprobe | ProbeKind::Kretprobe, []) if self.by_module => vec!["*".to_owned(), "*".to_owned()],
            _ => query.parts.clone(),
        }
    }

    fn arguments(&self, kind: ProbeKind, name: &str) -> Vec<String> {
        if !self.verbose {
            return Vec::new();
        }
        let parts = pattern::split(name).into_iter().skip(1).collect();
        let spec = ProbeSpec { kind, parts, span: Span::default() };
        self.source.arguments(&spec).map_or_else(|_| Vec::new(), |args| arguments::describe(self.types, &args))
    }

    /// No match: the resolver knows the nearest names.
    fn nothing(&self, queries: &[Query], pattern: &str) -> Failure {
        let nothing = || not_found(pattern);
        let [query] = queries else { return nothing() };
        let spec = ProbeSpec { kind: query.kind, parts: query.parts.clone(), span: Span::default() };
        self.source.find(&spec).map_or_else(Failure::from, |_| nothing())
    }
}

/// No match, and nothing that comes near; a script's file is no pattern.
fn not_found(pattern: &str) -> Failure {
    let shown = pattern.escape_debug();
    let failure = Failure::new(format!("no probe matches `{shown}`"));
    match Path::new(pattern).is_file() {
        true => failure.hint(format!("`quadrant bpftrace -l {shown}` lists the probes of a script")),
        false => failure,
    }
}
