//! Attach points: from the script's words to the points that exist.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;

use quadrant_program::diag::{Diagnostic, Origin};
use quadrant_program::probe::{Args, Found, Point, PointId, ProbeError, ProbeKind, ProbeSpec, Site};
use quadrant_program::program::MissingProbes;
use quadrant_program::span::Span;
use quadrant_types::suggest;

use super::Lower;
use super::clause::Variant;
use super::expr::positional;
use super::messages::LEFT_OUT;
use super::needs::Needs;
use crate::ast::{AttachPart, AttachPoint, Item, Probe, Script};

/// Kinds of probes by their names; single letters are matched as they are, the rest in any case.
const KINDS: &[(&str, ProbeKind)] = &[
    ("begin", ProbeKind::Begin),
    ("end", ProbeKind::End),
    ("interval", ProbeKind::Interval),
    ("i", ProbeKind::Interval),
    ("profile", ProbeKind::Profile),
    ("p", ProbeKind::Profile),
    ("tracepoint", ProbeKind::Tracepoint),
    ("t", ProbeKind::Tracepoint),
    ("rawtracepoint", ProbeKind::RawTracepoint),
    ("rt", ProbeKind::RawTracepoint),
    ("uprobe", ProbeKind::Uprobe),
    ("u", ProbeKind::Uprobe),
    ("uretprobe", ProbeKind::Uretprobe),
    ("ur", ProbeKind::Uretprobe),
    ("usdt", ProbeKind::Usdt),
    ("U", ProbeKind::Usdt),
    ("software", ProbeKind::Software),
    ("s", ProbeKind::Software),
    ("hardware", ProbeKind::Hardware),
    ("h", ProbeKind::Hardware),
    ("watchpoint", ProbeKind::Watchpoint),
    ("w", ProbeKind::Watchpoint),
    ("kprobe", ProbeKind::Kprobe),
    ("k", ProbeKind::Kprobe),
    ("kretprobe", ProbeKind::Kretprobe),
    ("kr", ProbeKind::Kretprobe),
    ("fentry", ProbeKind::Fentry),
    ("f", ProbeKind::Fentry),
    ("kfunc", ProbeKind::Fentry),
    ("fexit", ProbeKind::Fexit),
    ("fr", ProbeKind::Fexit),
    ("kretfunc", ProbeKind::Fexit),
    ("iter", ProbeKind::Iter),
    ("it", ProbeKind::Iter),
    ("self", ProbeKind::Own),
    ("test", ProbeKind::Test),
    ("bench", ProbeKind::Bench),
];

/// Kinds that bpftrace has and this engine does not, and what to use.
const UNSUPPORTED: &[(&str, &str)] = &[("asyncwatchpoint", "use `watchpoint`")];

/// Functions that are named in one message.
const MOST_NAMES: usize = 4;

/// The kind of probe of that name, short or long; long names in any case.
pub fn probe_kind(name: &str) -> Option<ProbeKind> {
    let lower = if name.len() == 1 { name.to_owned() } else { name.to_ascii_lowercase() };
    KINDS.iter().find(|(known, _)| *known == lower).map(|(_, kind)| *kind)
}

impl Lower<'_> {
    /// Finds the points of every probe; gives what to lower, in source order.
    pub(super) fn find_probes<'s>(&mut self, script: &'s Script) -> Vec<Variant<'s>> {
        let mut table = Points::default();
        let mut variants = Vec::new();
        for item in &script.items {
            if let (Item::Probe(probe), false) = (item, self.messages.enough()) {
                let mut found = self.probe_points(probe);
                let mut needs = self.needs(probe);
                needs.alone |= self.env.portable;
                if needs.descendants {
                    found.iter_mut().filter_map(|(_, found)| found.as_mut()).for_each(in_all_processes);
                }
                if needs.names {
                    found = self.with_arguments(probe, found);
                }
                variants.extend(group(probe, needs, found, &mut table));
            }
        }
        if !script.items.iter().any(|item| matches!(item, Item::Probe(_))) {
            let end = self.sources.file(0).map_or(0, |script| script.span.end);
            let end = Span::new(end, end);
            self.report(Diagnostic::error(end, "there is no probe in this script").help("add one: `BEGIN { ... }`"));
        }
        self.limit_probes(table.points.len());
        self.program.points = table.points;
        variants
    }

    fn limit_probes(&mut self, number: usize) {
        let limit = self.config.max_probes;
        if self.probes_are_limited && number > limit as usize {
            let message = format!("this script has {number} probes, and `max_probes` allows {limit}");
            let help = "raise `max_probes`, or name fewer probes";
            self.report(Diagnostic::error(Span::default(), message).from(Origin::Settings).help(help));
        }
    }

    /// All points of a probe by kind; a kind without points had an error.
    fn probe_points(&mut self, probe: &Probe) -> Vec<(ProbeKind, Option<Found>)> {
        let mut all = Vec::new();
        let mut errors = Vec::new();
        for point in &probe.attach {
            let Some(spec) = self.spec(point) else { continue };
            self.note_check(&spec);
            if !(self.env.runs)(&spec) {
                all.push((spec.kind, None));
                continue;
            }
            match self.env.probes.find(&spec) {
                Ok(found) => {
                    let before = all.len();
                    let chosen = each_once(found).filter(|found| (self.env.chosen)(&found.point));
                    all.extend(chosen.map(|found| (spec.kind, Some(found))));
                    if all.len() == before {
                        all.push((spec.kind, None));
                    }
                }
                Err(error) => errors.push((spec, error)),
            }
        }
        let any = !all.is_empty();
        let is_left_out = !any && !errors.is_empty();
        for (spec, error) in errors {
            // A pattern beside others may match nothing.
            self.missing(error, spec.span, any && is_pattern(&spec));
            // The body is looked at all the same: for its mistakes, and for the types of its maps.
            all.push((spec.kind, None));
        }
        if is_left_out {
            self.left_out(probe);
        }
        all
    }

    /// Each test and each benchmark has a name of its own.
    fn note_check(&mut self, spec: &ProbeSpec) {
        let (ProbeKind::Test | ProbeKind::Bench, [name]) = (spec.kind, spec.parts.as_slice()) else { return };
        if name.is_empty() {
            let kind = spec.kind.name();
            let help = format!("give it one: `{kind}:name`");
            return self.report(Diagnostic::error(spec.span, format!("this {kind} has no name")).help(help));
        }
        if let Some(first) = self.checks.insert((spec.kind, name.clone()), spec.span) {
            let line = self.line(first);
            let message = format!("the {} `{name}` already exists (line {line})", spec.kind.name());
            let message = Diagnostic::error(spec.span, message).place(first, "this is the other instance");
            self.report(message.help("give each a name of its own"));
        }
    }

    /// Looks up the arguments of user functions. Of several functions those of which nothing is known are left out.
    fn with_arguments(
        &mut self,
        probe: &Probe,
        found: Vec<(ProbeKind, Option<Found>)>,
    ) -> Vec<(ProbeKind, Option<Found>)> {
        let mut unknown = Vec::new();
        let mut known = Vec::new();
        for (kind, mut found) in found {
            match found.as_mut().and_then(|found| self.name_arguments(kind, found)) {
                Some(error) => unknown.extend(found.map(|found| (kind, found, error))),
                None => known.push((kind, found)),
            }
        }
        let is_typed = |found: &Found| matches!(found.point.site, Site::Uprobe { .. }) && !found.args.fields.is_empty();
        if known.iter().flat_map(|(_, found)| found).any(is_typed) && !unknown.is_empty() {
            self.leave_out(probe, &unknown);
        } else {
            known.extend(unknown.into_iter().map(|(kind, found, error)| {
                self.unnamed.insert(found.point.name.clone(), error);
                (kind, Some(found))
            }));
        }
        known
    }

    /// Looks up the arguments of one function; the error says why they are not known. Without its type a result is a number.
    fn name_arguments(&self, kind: ProbeKind, found: &mut Found) -> Option<ProbeError> {
        // Nobody is told why the type of a result is not known.
        let types = || file(&found.point.site).and_then(|path| self.env.probes.user_types(&path));
        if kind != ProbeKind::Uprobe && !(kind == ProbeKind::Uretprobe && types().is_some()) {
            return None;
        }
        match self.env.probes.user_arguments(&found.point) {
            Ok(args) if args.fields.is_empty() && kind == ProbeKind::Uprobe => {
                Some(ProbeError::new(format!("`{}` takes no arguments", found.point.func)))
            }
            Ok(args) => {
                found.args = args;
                None
            }
            Err(error) => Some(error).filter(|_| kind == ProbeKind::Uprobe),
        }
    }

    fn leave_out(&mut self, probe: &Probe, unknown: &[(ProbeKind, Found, ProbeError)]) {
        let names: Vec<String> =
            unknown.iter().take(MOST_NAMES).map(|(_, found, _)| format!("`{}`", found.point.func)).collect();
        let rest = if unknown.len() > MOST_NAMES { ", ..." } else { "" };
        let span = probe.attach.first().map_or(probe.span, |point| point.span);
        let message = format!(
            "{} of the functions have no debug information or no arguments and are left out: {}{rest}",
            unknown.len(),
            names.join(", ")
        );
        self.report(
            Diagnostic::warning(span, message).help("`args` and its fields need it; `arg0`, `arg1`, ... do not"),
        );
    }

    /// Whether a word stands for text that was defined elsewhere.
    pub(super) fn hides(&self, word: &str) -> bool {
        self.macros.contains_key(word) || self.functions.contains_key(word) || self.preamble.has_constant(word)
    }

    /// Says that nothing of a probe is there, as [`Lower::style`] does.
    fn left_out(&mut self, probe: &Probe) {
        let (Some(first), Some(last)) = (probe.attach.first(), probe.attach.last()) else { return };
        if self.config.missing_probes == MissingProbes::Warn {
            self.style(first.span.to(last.span), LEFT_OUT);
        }
    }

    fn missing(&mut self, error: ProbeError, span: Span, spare: bool) {
        let help = error.help_in(crate::spell);
        let mut diagnostic = match self.config.missing_probes {
            MissingProbes::Error if spare => Diagnostic::warning(span, error.message),
            MissingProbes::Error => Diagnostic::error(span, error.message),
            MissingProbes::Warn => Diagnostic::warning(span, error.message),
            MissingProbes::Ignore => return,
        };
        diagnostic.help = help;
        self.report(diagnostic);
    }

    fn spec(&mut self, point: &AttachPoint) -> Option<ProbeSpec> {
        let parts: Vec<Vec<String>> = point.parts.iter().map(|part| self.words(part)).collect::<Option<_>>()?;
        let mut parts: VecDeque<String> = parts.into_iter().flatten().collect();
        let kind = self.kind(&parts.pop_front()?, point.parts.first()?.span)?;
        let mut parts = Vec::from(parts);
        if self.config.probe_inline && kind == ProbeKind::Uprobe && is_function(&parts) {
            parts.insert(1, "inline".to_owned());
        }
        // Up to bpftrace 0.10: `watchpoint::0x10000000:8:rw`.
        if kind == ProbeKind::Watchpoint && parts.len() == 4 && parts[0].is_empty() {
            parts.remove(0);
        }
        if kind == ProbeKind::Tracepoint && parts.len() == 2 && parts.iter().any(String::is_empty) {
            return self.error_help(point.span, "the probe names no event", "`*` means all: `tracepoint:sched:*`");
        }
        Some(ProbeSpec { kind, parts, span: point.span })
    }

    fn kind(&mut self, word: &str, span: Span) -> Option<ProbeKind> {
        if let Some(kind) = probe_kind(word) {
            return Some(kind);
        }
        let lower = word.to_ascii_lowercase();
        if let Some((name, instead)) = UNSUPPORTED.iter().find(|(name, _)| *name == lower) {
            return self.unsupported(span, &format!("the probe type `{name}`"), instead);
        }
        let names = KINDS.iter().map(|(name, _)| *name).filter(|name| name.len() > 2);
        self.error_near(span, format!("unknown probe type `{word}`"), suggest(&lower, names))
    }

    /// The words of a part: several if a parameter has `:`, as in `$1` for a whole probe.
    fn words(&mut self, part: &AttachPart) -> Option<Vec<String>> {
        let text = with_parameters(part, self.env.params).map_err(|error| self.report(*error)).ok()?;
        let words = if part.quoted { vec![text] } else { text.split(':').map(str::to_owned).collect() };
        Some(words)
    }
}

/// A part's text with the positional parameters put in.
///
/// # Errors
/// One of them is not given.
pub fn with_parameters(part: &AttachPart, params: &[String]) -> Result<String, Box<Diagnostic>> {
    let mut out = String::new();
    let mut rest = part.text.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if let Some(after) = rest.strip_prefix('#') {
            out.push_str(&positional(params).count().to_string());
            rest = after;
        } else if digits == 0 {
            out.push('$');
        } else {
            let (number, after) = rest.split_at(digits);
            let index: usize = number.parse().unwrap_or(0);
            let Some(value) = index.checked_sub(1).and_then(|at| positional(params).nth(at)) else {
                let message = format!("the script needs parameter `${number}`, which was not given");
                let help = "add it to the command line, after the script";
                return Err(Box::new(Diagnostic::error(part.span, message).help(help)));
            };
            out.push_str(value);
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether a probe may be several: a static probe without a provider is one of any.
fn is_pattern(spec: &ProbeSpec) -> bool {
    let is_of_any_provider = spec.kind == ProbeKind::Usdt && spec.parts.len() == 2;
    is_of_any_provider || spec.parts.iter().any(|part| part.contains(['*', '?', '[']))
}

/// Puts a probe on all processes instead of that of `-c` or `-p`.
fn in_all_processes(found: &mut Found) {
    if let Some(pid) = found.point.site.process_mut() {
        *pid = None;
    }
}

/// Several names of one place are one point.
fn each_once(found: Vec<Found>) -> impl Iterator<Item = Found> {
    let mut seen = HashSet::with_capacity(found.len());
    let first: Vec<bool> = found.iter().map(|found| seen.insert(&found.point)).collect();
    found.into_iter().zip(first).filter_map(|(found, first)| first.then_some(found))
}

/// Whether the parts of a user probe are a file and the name of one function.
fn is_function(parts: &[String]) -> bool {
    let [file, name] = parts else { return false };
    let starts = |c: char| c.is_alphabetic() || c == '_';
    !file.contains('@') && name.starts_with(starts) && !name.contains(['*', '?', '[', '+'])
}

/// Points, each once.
#[derive(Default)]
struct Points {
    points: Vec<Point>,
    ids: HashMap<Point, PointId>,
}

impl Points {
    fn intern(&mut self, point: Point) -> PointId {
        *self.ids.entry(point).or_insert_with_key(|point| {
            self.points.push(point.clone());
            PointId(self.points.len() as u32 - 1)
        })
    }
}

/// Splits a probe's points so that the body means the same for all points of a part.
fn group<'s>(
    probe: &'s Probe,
    needs: Needs,
    found: Vec<(ProbeKind, Option<Found>)>,
    table: &mut Points,
) -> Vec<Variant<'s>> {
    let mut variants: Vec<Variant<'s>> = Vec::new();
    let mut times: HashMap<PointId, u32> = HashMap::new();
    for (kind, found) in found {
        let args = found.as_ref().map(|found| found.args.clone());
        let path = found.as_ref().and_then(|found| file(&found.point.site));
        let id = found.map(|found| table.intern(found.point));
        // A point that the list names twice runs the body twice.
        let again = id.map_or(0, |id| *times.entry(id).and_modify(|times| *times += 1).or_insert(0));
        let fits = |variant: &&mut Variant| {
            !needs.alone
                && variant.again == again
                && (!needs.kind || variant.kind == kind && same_kind(variant.args.as_deref(), args.as_deref()))
                && (!needs.args || variant.args == args)
                && (!needs.path || variant.path == path)
        };
        match variants.iter_mut().find(fits) {
            Some(variant) => variant.points.extend(id),
            None => variants.push(Variant {
                probe,
                kind,
                args,
                path,
                again,
                one_of_many: false,
                points: id.into_iter().collect(),
            }),
        }
    }
    let many = variants.len() > 1;
    variants.iter_mut().for_each(|variant| variant.one_of_many = many);
    variants
}

/// Whether types mean the same: of both points or of none it is known what they offer, and words are as wide.
fn same_kind(one: Option<&Args>, other: Option<&Args>) -> bool {
    one.map(|args| args.narrow) == other.map(|args| args.narrow)
}

/// The executable that a point is in.
fn file(site: &Site) -> Option<PathBuf> {
    match site {
        Site::Uprobe { path, .. } | Site::Uretprobe { path, .. } | Site::Usdt { path, .. } => Some(path.clone()),
        _ => None,
    }
}
