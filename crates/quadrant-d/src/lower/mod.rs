//! From D's syntax trees to the typed program model.
//!
//! A script is read once, from the start: a variable has a type from its first assignment on. Functions here return `None` for what
//! cannot be typed; it has been reported. Whatever is around goes on, so that one run reports all independent mistakes.
//!
//! Read in this order: [`compile`], `clause` (one clause over its points) with `facts` (what its code depends on) and `segment` (what
//! it records), `action`, `aggregate`, then values: `expr`, `call`, `names`, `vars`, `args`, `translate`.

mod absent;
mod action;
mod aggregate;
mod allocations;
mod args;
mod builtin;
mod call;
mod clause;
mod convert;
mod ctype;
mod define;
mod definitions;
mod depends;
mod distinct;
mod env;
mod expr;
mod facts;
mod failed_calls;
mod library;
mod names;
mod nullable;
mod nulls;
mod options;
mod points;
mod pragmas;
mod presence;
mod registers;
mod segment;
mod stability;
mod symbol;
mod texts;
mod translate;
mod value;
mod vars;
mod vtime;
mod words;

pub use env::{Env, FindProbes, Library, Source, SourceKind, Symbols};
pub use points::no_probes;
pub use stability::Minimum;
pub use texts::{Part, Place, Texts};

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use quadrant_program::Program;
use quadrant_program::diag::{Diagnostic, Severity};
use quadrant_program::narrow;
use quadrant_program::own;
use quadrant_program::probe::PointId;
use quadrant_program::program::{Config, Faults, MissingProbes};
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::ty::{StackMode, Type};
use quadrant_types::{TypeId, Types};

use crate::Mode;
use crate::ast::{self, Item, MAX_DEPTH, Script};
use crate::options::Options;
use crate::providers::{Layout, Probe, Text};
use env::Settings;
use stability::Scale;
use vars::Variable;

/// The most parts of one expression: inlines that use each other twice double with each level.
const MAX_PARTS: u32 = 1 << 17;

/// What came of compiling.
#[derive(Debug)]
pub struct Compiled {
    /// The program, if no message is an error.
    pub program: Option<Program>,
    /// Messages, in the order of the texts.
    pub diagnostics: Vec<Diagnostic>,
    /// For each source, how many probes its descriptions match.
    pub matched: Vec<usize>,
    /// For each source, the least stable of what it uses.
    pub stability: Vec<Minimum>,
    /// All texts that spans are places in.
    pub texts: Texts,
    /// What options have set.
    pub options: Options,
}

/// Compiles sources to one program.
pub fn compile(sources: &[Source], env: &Env) -> Compiled {
    let mut texts = Texts::default();
    let mut diagnostics = Vec::new();
    let mut parse = |(at, source): (usize, &Source)| {
        let mode = Mode { bare_probes: source.kind != SourceKind::Script };
        let mut parsed = texts.parse(&source.name, Some(at), &source.text, mode);
        diagnostics.append(&mut parsed.diagnostics);
        parsed.script
    };
    let mut scripts: Vec<Script> = sources.iter().enumerate().map(&mut parse).collect();
    let options = options::collect(&scripts, env.options, &mut diagnostics);
    let mut macros = env.macros.clone();
    macros.default_args |= options.defaultargs;
    for script in &mut scripts {
        diagnostics.extend(crate::macros::expand(script, &macros));
    }
    diagnostics.extend(depends::unmet(&scripts, env));
    diagnostics.extend(pragmas::aimless(&scripts));
    let mut scales: Vec<Scale> = scripts.iter_mut().map(|script| Scale::new(options.amin, script)).collect();
    let mut lower = Lower::new(env, Settings::of(&options), texts, diagnostics);
    lower.nulls = nulls::Nulls::of(nullable::names(&mut scripts, env.libraries));
    // What does not parse is only half there: it would give misleading messages.
    let matched = if lower.failed() { vec![0; sources.len()] } else { lower.scripts(sources, &scripts, &mut scales) };
    // What is wrong with the scripts comes first.
    if !options.argref && !lower.failed() {
        let end = lower.texts.end_of_sources();
        lower.diagnostics.extend(macros.unused(end));
    }
    let stability = scales.iter().map(|scale| scale.minimum).collect();
    lower.finish(matched, stability, options)
}

/// The state of lowering.
struct Lower<'a> {
    env: &'a Env<'a>,
    types: &'a Types,
    settings: Settings,
    texts: Texts,
    program: Program,
    diagnostics: Vec<Diagnostic>,
    /// D's `string` as a type of C: an array of its size.
    string_id: TypeId,
    variables: HashMap<(ast::Scope, String), Variable>,
    /// Variables that hold pointers: whether to memory of the clause.
    allocated: HashMap<(ast::Scope, String), bool>,
    /// Texts that may be NULL.
    nulls: nulls::Nulls,
    /// Names of probes, and texts made of them, that are constants: files that are traced chose them, not the script.
    probe_names: HashSet<Vec<u8>>,
    aggregations: HashMap<String, aggregate::Known>,
    inlines: HashMap<String, Rc<ast::Inline>>,
    /// Names that the scripts' enumerations gave numbers.
    enumerators: HashSet<String>,
    /// Names that the scripts gave types.
    typedefs: HashSet<String>,
    translators: Vec<translate::Known>,
    used: library::Used,
    /// Pieces of D that providers gave, once parsed.
    pieces: HashMap<String, Rc<ast::Expr>>,
    frames: Vec<translate::Frame>,
    /// The program's points by their hashes: there can be very many, and none is kept twice.
    points: HashMap<u64, Vec<PointId>>,
    pending: Vec<action::Pending>,
    /// A script uses `vtimestamp`.
    counts_vtime: bool,
    /// The clause at hand.
    clause: clause::Scope,
    /// What is declared stands in a header of C.
    from_c: bool,
    /// Levels of expressions that are open.
    depth: u16,
    /// How many parts the whole expression at hand had so far, those of inlines as often as they are used.
    expanded: u32,
}

impl<'a> Lower<'a> {
    fn new(env: &'a Env<'a>, settings: Settings, texts: Texts, diagnostics: Vec<Diagnostic>) -> Self {
        let types = env.types;
        let string = types.array_of(types.char(), settings.strsize.into());
        Self {
            env,
            types,
            texts,
            program: Program { config: config(&settings), ..Program::default() },
            settings,
            diagnostics,
            string_id: types.define_typedef("string", string),
            variables: HashMap::new(),
            allocated: HashMap::new(),
            nulls: nulls::Nulls::default(),
            probe_names: HashSet::new(),
            aggregations: HashMap::new(),
            inlines: HashMap::new(),
            enumerators: HashSet::new(),
            typedefs: HashSet::new(),
            translators: Vec::new(),
            used: library::Used::default(),
            pieces: HashMap::new(),
            frames: Vec::new(),
            points: HashMap::new(),
            pending: Vec::new(),
            counts_vtime: false,
            clause: clause::Scope::default(),
            from_c: false,
            depth: 0,
            expanded: 0,
        }
    }

    /// All sources as one program; gives how many probes each of them matches.
    fn scripts(&mut self, sources: &[Source], scripts: &[Script], scales: &mut [Scale]) -> Vec<usize> {
        let fault = self.new_record(RecordKind::Fault, vec![Type::U64; 6], Span::default());
        self.program.faults = Faults::Abort(fault);
        for script in scripts {
            self.declarations(script);
        }
        let mut matched = vec![0; sources.len()];
        let mut found: Vec<(&ast::Clause, Vec<Probe>)> = Vec::new();
        for (at, (source, script)) in sources.iter().zip(scripts).enumerate() {
            for clause in clauses(script) {
                let (probes, count) = self.probes_of(clause, source.kind);
                matched[at] += count;
                self.diagnostics.extend(scales[at].weigh(clause, &probes));
                found.push((clause, probes));
            }
        }
        let mut all = Vec::new();
        found.iter().for_each(|(_, probes)| layouts(probes, &mut all));
        self.provided(&all, |layout| &layout.requires);
        for (clause, probes) in found {
            self.clause(clause, probes);
        }
        self.provided(&all, |layout| &layout.ends);
        self.add_vtime();
        self.check_pending();
        self.check_definitions(scripts);
        matched
    }

    /// What a script declares counts from its start, wherever it stands.
    fn declarations(&mut self, script: &Script) {
        for item in &script.items {
            match item {
                Item::Inline(inline) => self.own_inline(inline),
                Item::Translator(translator) => self.define_translator(translator),
                Item::Declaration(declaration) => self.own_declaration(declaration),
                Item::Clause(_) | Item::Provider(_) => {}
            }
        }
    }

    /// Clauses that providers add to the script's, each once.
    fn provided(&mut self, all: &[Arc<Layout>], texts: fn(&Layout) -> &[Text]) {
        let mut seen: Vec<Text> = Vec::new();
        let mut all = all.to_vec();
        let mut at = 0;
        while let Some(layout) = all.get(at).cloned() {
            at += 1;
            for text in texts(&layout) {
                if seen.contains(text) {
                    continue;
                }
                seen.push(text.clone());
                let parsed = self.texts.parse("provider", None, text, Mode::default());
                self.diagnostics.extend(parsed.diagnostics);
                self.declarations(&parsed.script);
                for clause in clauses(&parsed.script) {
                    let (probes, _) = self.probes_of(clause, SourceKind::Name);
                    layouts(&probes, &mut all);
                    self.clause(clause, probes);
                }
            }
        }
    }

    fn finish(mut self, matched: Vec<usize>, stability: Vec<Minimum>, options: Options) -> Compiled {
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        self.explain_left_out(&mut diagnostics);
        // That there is no such probe is told last: the script is known to be right otherwise.
        diagnostics.sort_by_key(|d| (d.tag == Some("D_PDESC_ZERO"), d.span.start, d.span.end));
        // A clause that is compiled for several points makes each mistake several times.
        let mut told = HashSet::new();
        diagnostics.retain(|d| told.insert((d.span, d.tag)));
        let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
        own::mark(&mut self.program, self.probe_names);
        narrow::keys(&mut self.program);
        let program = (!failed).then_some(self.program);
        Compiled { program, diagnostics, matched, stability, texts: self.texts, options }
    }

    fn failed(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// Runs `inner` one level deeper, or reports that there are too many levels: inlines and translators that stand for each other can
    /// be deeper than the parser allows.
    fn deeper<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail(span, "D_DEPTH", format!("expression is nested more than {MAX_DEPTH} levels deep"));
        }
        self.expanded = if self.depth == 0 { 0 } else { self.expanded + 1 };
        if self.expanded > MAX_PARTS {
            return self.fail(
                span,
                "D_NOMEM",
                format!("expression and the inlines in it have more than {MAX_PARTS} parts"),
            );
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        Some(result)
    }

    /// Reports an error with DTrace's tag for it; gives `None`, so that it may end a function.
    fn fail<T>(&mut self, span: Span, tag: &'static str, message: impl Into<String>) -> Option<T> {
        self.diagnostics.push(Diagnostic::error(span, message).tag(tag));
        None
    }

    /// As [`Lower::fail`], with advice.
    fn fail_help<T>(
        &mut self,
        span: Span,
        tag: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.diagnostics.push(Diagnostic::error(span, message).tag(tag).help(help));
        None
    }

    /// As [`Lower::fail`], with the nearest name as advice if there is one.
    fn fail_near<T>(
        &mut self,
        span: Span,
        tag: &'static str,
        message: impl Into<String>,
        near: Option<impl AsRef<str>>,
    ) -> Option<T> {
        let mut diagnostic = Diagnostic::error(span, message).tag(tag);
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("did you mean `{}`?", near.as_ref()));
        }
        self.diagnostics.push(diagnostic);
        None
    }
}

/// Adds the layouts of probes; those that share one do so in a row.
fn layouts(probes: &[Probe], into: &mut Vec<Arc<Layout>>) {
    for probe in probes {
        if into.last().is_none_or(|last| !Arc::ptr_eq(last, &probe.layout)) {
            into.push(probe.layout.clone());
        }
    }
}

fn clauses(script: &Script) -> impl Iterator<Item = &ast::Clause> {
    script.items.iter().filter_map(|item| match item {
        Item::Clause(clause) => Some(clause),
        _ => None,
    })
}

fn config(settings: &Settings) -> Config {
    Config {
        max_strlen: settings.strsize,
        scratch_bytes: settings.scratchsize,
        speculations: settings.nspec,
        max_probes: u32::MAX,
        cut_trailer: String::new(),
        stack_mode: StackMode::Dtrace,
        missing_probes: if settings.zdefs { MissingProbes::Ignore } else { MissingProbes::Error },
        ..Config::default()
    }
}
