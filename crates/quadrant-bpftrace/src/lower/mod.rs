//! From the syntax tree to the typed program model.
//!
//! The types of variables and maps follow from all their uses, so the clauses are
//! lowered again and again, with what was learnt the time before, until nothing
//! new is learnt; only the last round's program and messages count.
//!
//! Functions here return `None` for what cannot be typed: it has been reported, or
//! waits for a type that a later use will give. Whatever is around goes on, so that
//! one run reports all independent mistakes.

mod arguments;
mod assign;
mod attach;
mod attributes;
mod call;
mod clause;
mod condition;
mod config;
mod constants;
mod ctype;
mod define;
mod elsewhere;
mod env;
mod expand;
mod expr;
mod fields;
mod function;
mod gfp;
mod hoist;
mod infer;
mod join;
mod map;
mod messages;
mod names;
mod needs;
mod portable;
mod preamble;
mod printable;
mod reader;
mod record;
mod stmt;
mod style;
mod take;
mod task;
mod truth;
mod typeinfo;
mod uncalled;
mod unset;
mod unstable;
mod user;
mod version;
mod words;

pub use attach::{probe_kind, with_parameters};
pub use env::{Env, NoSymbols, Symbols, UserAddress, UserPlace, UserSymbol};

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use quadrant_program::Program;
use quadrant_program::diag::{Diagnostic, Severity};
use quadrant_program::expr::VarId;
use quadrant_program::own;
use quadrant_program::probe::{ProbeError, ProbeKind};
use quadrant_program::program::Config;
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;

use crate::Script;
use crate::ast::{ConfigValue, MAX_DEPTH, MacroDef};
use clause::{Scope, Variant};
use infer::Inferred;
use messages::Messages;
use preamble::Preamble;

/// Rounds after which types that still change are given up.
const MAX_ROUNDS: usize = 64;
/// Rounds in which texts that are put together get longer and longer.
const ROUNDS_OF_GROWTH: usize = 8;

/// Gives a script its meaning. There is a program only if no message is an error.
///
/// What does not parse is only half there, and is not lowered: its types would give misleading messages.
pub fn compile(script: &Script, env: &Env) -> (Option<Program>, Vec<Diagnostic>) {
    if script.diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return (None, script.diagnostics.clone());
    }
    let mut lower = Lower::new(&script.sources, env);
    lower.messages.append(script.diagnostics.clone());
    lower.program.imports.clone_from(&script.imports);
    let script = &script.tree;
    lower.preamble(script);
    lower.configure(script);
    let variants = lower.find_probes(script);
    let mut messages = std::mem::take(&mut lower.messages);
    lower.rounds(&variants);
    if !lower.messages.enough() {
        lower.unused_maps(script);
    }
    let Program { clauses, records, .. } = &mut lower.program;
    clauses.iter_mut().for_each(|clause| take::join_clears(&mut clause.body, records));
    own::mark(&mut lower.program, HashSet::new());
    messages.append(lower.messages.sorted());
    ((!messages.failed()).then_some(lower.program), messages.sorted())
}

/// The state of lowering a script.
struct Lower<'a> {
    env: &'a Env<'a>,
    sources: &'a Sources,
    config: Config,
    license: &'static str,
    unstable: unstable::Unstable,
    /// What settings are set to that change nothing.
    without_effect: HashMap<&'static str, ConfigValue>,
    preamble: Preamble,
    /// `max_probes` was set.
    probes_are_limited: bool,
    /// Where tests and benchmarks are, by kind and name.
    checks: HashMap<(ProbeKind, String), Span>,
    /// Macros by name; several of a name take different arguments.
    macros: HashMap<String, Vec<Rc<MacroDef>>>,
    /// The defaults of options by name, and where they stand.
    options: HashMap<String, (Span, quadrant_program::expr::Expr)>,
    /// Functions of the script by name.
    functions: HashMap<String, Rc<function::Defined>>,
    /// Expressions that macros and functions may still make in this round.
    expansion_budget: usize,
    inferred: Inferred,
    /// Comparisons whose results are known.
    compared: HashSet<Span>,
    /// The variables of this round of which it is known what is assigned to them.
    keys_of_vars: HashMap<VarId, infer::VarKey>,
    /// Numbers of the script whose type a cast says.
    casts: HashSet<Span>,
    /// Types still change, though there were rounds enough: a text that gets longer each time.
    grows: bool,
    /// Nothing was learnt before this round.
    is_first_round: bool,
    /// The program of this round.
    program: Program,
    messages: Messages,
    /// Why nothing is known of the arguments of points in user functions, by the points' names.
    unnamed: HashMap<String, ProbeError>,
    /// The clause at hand.
    scope: Scope,
    /// What the elements of the array are that was read last, and where: numbers by its type, pointers of a program of 32 bits in C.
    short_pointers: Option<(Span, quadrant_types::TypeId)>,
    /// Levels of statements and expressions that are open.
    depth: u16,
}

impl<'a> Lower<'a> {
    fn new(sources: &'a Sources, env: &'a Env<'a>) -> Self {
        Self {
            env,
            sources,
            config: Config { by_zero: i64::from(env.warns_of_style), ..Config::default() },
            license: "GPL",
            unstable: unstable::Unstable::default(),
            without_effect: HashMap::new(),
            preamble: Preamble::default(),
            probes_are_limited: false,
            checks: HashMap::new(),
            macros: HashMap::new(),
            options: HashMap::new(),
            functions: HashMap::new(),
            expansion_budget: expand::MAX_EXPANDED,
            inferred: Inferred::default(),
            compared: HashSet::new(),
            keys_of_vars: HashMap::new(),
            casts: HashSet::new(),
            grows: false,
            is_first_round: true,
            program: Program::default(),
            messages: Messages::default(),
            unnamed: HashMap::new(),
            scope: Scope::default(),
            short_pointers: None,
            depth: 0,
        }
    }

    fn rounds(&mut self, variants: &[Variant]) {
        let Program { points, imports, .. } = std::mem::take(&mut self.program);
        for round in 0..MAX_ROUNDS {
            self.grows = round >= ROUNDS_OF_GROWTH;
            self.messages = Messages::default();
            self.inferred.start_round();
            self.options.clear();
            self.keys_of_vars.clear();
            self.expansion_budget = expand::MAX_EXPANDED;
            let (points, imports, config) = (points.clone(), imports.clone(), self.config.clone());
            self.program = Program { points, imports, config, ..Program::default() };
            for (number, variant) in variants.iter().enumerate() {
                let clause = self.clause(number, variant);
                self.program.clauses.extend(clause);
                self.messages.once();
            }
            self.uncalled_functions(variants);
            self.finish_maps();
            self.is_first_round = false;
            if !self.inferred.changed && !self.inferred.settle() {
                return;
            }
        }
        self.error::<()>(
            Span::default(),
            "the types of the variables and maps in this script depend on each other without end",
        );
    }

    /// Runs `inner` one level deeper, or reports that there are too many levels: what macros
    /// put into each other can be deeper than the parser allows.
    fn deeper<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return self.error(span, format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        Some(result)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.messages.push(diagnostic);
    }

    /// Reports an error; gives `None`, so that it may end a function.
    fn error<T>(&mut self, span: Span, message: impl Into<String>) -> Option<T> {
        self.report(Diagnostic::error(span, message));
        None
    }

    /// Reports an error with advice; gives `None`.
    fn error_help<T>(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.report(Diagnostic::error(span, message).help(help));
        None
    }

    /// Reports an error, with advice if there is any; gives `None`.
    fn error_of<T>(&mut self, span: Span, message: impl Into<String>, help: Option<&str>) -> Option<T> {
        let error = Diagnostic::error(span, message);
        self.report(match help {
            Some(help) => error.help(help),
            None => error,
        });
        None
    }

    /// Reports an error, with the nearest name as advice if there is one; gives `None`.
    fn error_near<T>(&mut self, span: Span, message: impl Into<String>, near: Option<impl AsRef<str>>) -> Option<T> {
        let mut diagnostic = Diagnostic::error(span, message);
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("did you mean `{}`?", near.as_ref()));
        }
        self.report(diagnostic);
        None
    }

    fn unsupported<T>(&mut self, span: Span, what: &str, instead: &str) -> Option<T> {
        self.error_help(span, format!("{what} is not supported yet"), instead)
    }

    fn warning(&mut self, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::warning(span, message));
    }

    fn text(&self, span: Span) -> &'a str {
        self.sources.slice(span)
    }
}
