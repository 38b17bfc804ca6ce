//! One eBPF program: its entry, its clauses, and what is known while it is built.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use quadrant_bpf::helper;
use quadrant_program::map::MapValue;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::program::Program;
use quadrant_program::span::Span;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

use super::arena::Arena;
use super::arena::predicate_uses_arena;
use super::error::CompileError;
use super::error::Result;
use super::fault;
use super::fault::ErrorFiring;
use super::fault::FaultExit;
use super::function::Function;
use super::function::Leave;
use super::globals::Globals;
use super::reuse::Lookups;
use super::scratch::Claim;
use super::scratch::Exits;
use super::scratch::Scratch;
use super::session;
use super::shared::Shared;
use super::texts::token::Tokens;
use super::texts::token::predicate_uses_tokens;
use super::variable::Variables;
use super::walk;
use crate::object::Context;
use crate::object::Loss;
use crate::object::LossKind;
use crate::object::Unit;
use crate::ssa;
use crate::ssa::AtomicOp;
use crate::ssa::Block;
use crate::ssa::Code;
use crate::ssa::Cond;
use crate::ssa::FuncBuilder;
use crate::ssa::Module;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::SsaError;
use crate::ssa::SsaErrorKind;
use crate::ssa::Value;

/// Bytes of stack that memory may take in a program without loops; the rest of the kernel's 512 is left for spilled registers.
const STACK_BUDGET: u32 = 256;
/// How deep loops may nest: the kernel allows eight calls deep.
const LOOP_DEPTH_MAX: u32 = 6;

/// Compiles a unit, the one of that index.
pub(super) fn compile(g: &mut Globals<'_>, index: usize, unit: &Unit, options: &ssa::Options) -> Result<Code> {
    let halves = session::halves(unit);
    let clauses = clauses(g.program, &halves)?;
    let span = clauses.first().map_or_else(Span::default, |clause| clause.span);
    let mut plan = Plan::new(&clauses)?;
    loop {
        let mut lower = Lower::new(g, (index, unit), &plan, &clauses);
        lower.unit(&halves)?;
        if lower.claims != plan.claims {
            plan.claims = lower.claims;
            continue;
        }
        let code = lower.finish().and_then(|module| ssa::compile(&module, options));
        match code {
            Err(SsaError { kind: SsaErrorKind::FrameTooBig(_), .. }) if plan.stack_budget > 0 => plan.stack_budget = 0,
            code => return code.map_err(|error| CompileError::back_end(span, &error)),
        }
    }
}

fn clauses<'a>(program: &'a Program, units: &[Unit]) -> Result<Vec<&'a Clause>> {
    units.iter().flat_map(|unit| &unit.clauses).map(|index| clause(program, *index)).collect()
}

fn clause(program: &Program, index: usize) -> Result<&Clause> {
    let unknown = || CompileError::model(Span::default(), "a unit names a clause that does not exist");
    program.clauses.get(index).ok_or_else(unknown)
}

/// Whether a clause may stop all others and go on itself.
fn stops_all(clause: &Clause) -> bool {
    struct Stops(bool);
    impl Visitor for Stops {
        fn stmt(&mut self, stmt: &Stmt) {
            self.0 |= stmt.kind == StmtKind::Stop;
        }
    }
    let mut stops = Stops(false);
    visit::clause(clause, &mut stops);
    stops.0
}

/// What a pass over a unit takes for granted; a pass that finds it wrong is repeated.
struct Plan {
    /// Where each clause claims scratch memory, by its index in the program.
    claims: BTreeMap<u32, Claim>,
    /// Bytes of stack for memory in each function.
    stack_budget: u32,
}

impl Plan {
    fn new(clauses: &[&Clause]) -> Result<Plan> {
        let mut deepest = 0;
        for clause in clauses {
            let mut depth = walk::LoopDepth::default();
            walk::clause(clause, &mut |node| depth.note(node));
            if depth.most > LOOP_DEPTH_MAX {
                let message = format!("loops nest {} deep, the kernel allows {LOOP_DEPTH_MAX}", depth.most);
                return Err(CompileError::new(clause.span, message));
            }
            deepest = deepest.max(depth.most);
        }
        let stack_budget = STACK_BUDGET / (deepest + 1) / 8 * 8;
        Ok(Plan { claims: BTreeMap::new(), stack_budget })
    }
}

/// The unit under construction.
pub(super) struct Lower<'a, 'g> {
    /// What all units share.
    pub g: &'g mut Globals<'a>,
    /// What is compiled.
    pub unit: &'g Unit,
    /// Its index.
    index: usize,
    /// Finished functions.
    pub module: Module,
    /// The function under construction.
    pub f: Function,
    /// Scratch memory of the clause.
    pub scratch: Scratch,
    /// Entry of scratch memory that the whole program holds.
    pub unit_scratch: Option<Value>,
    /// Variables of the clause.
    pub variables: Variables,
    /// Variables that the clauses of a firing share.
    pub shared: Shared,
    /// Look-ups that need not be made again.
    pub lookups: Lookups,
    /// Index of the clause in the program.
    pub clause: u32,
    /// Place of what is compiled now.
    pub span: Span,
    /// Index of the point that fired, when the entry had to find it.
    pub point: Option<Value>,
    /// Bytes of stack for memory in each function.
    pub stack_budget: u32,
    /// Where each clause claims scratch memory, by its index in the program.
    claims: BTreeMap<u32, Claim>,
    /// Where the statements of the clause start in the script, in programs that number them.
    pub statements: BTreeSet<u32>,
    /// Memory that the clause asks for.
    pub arena: Option<Arena>,
    /// What `strtok` goes on with.
    pub tokens: Option<Tokens>,
    /// The firing of ERROR that is lowered.
    pub error: Option<ErrorFiring>,
}

impl<'a, 'g> Lower<'a, 'g> {
    fn new(
        g: &'g mut Globals<'a>,
        (index, unit): (usize, &'g Unit),
        plan: &Plan,
        clauses: &[&'a Clause],
    ) -> Lower<'a, 'g> {
        let mut module = Module::new();
        let func = module.declare_func();
        let mut b = FuncBuilder::new("main", 1);
        let ctx = b.param(0);
        let end = b.create_block();
        let f = Function::new(b, func, ctx, Leave::Jump { clause: end, unit: end }, plan.stack_budget);
        let shared = Shared::of(g.program, clauses);
        Lower {
            g,
            unit,
            index,
            module,
            f,
            scratch: Scratch::new(shared.end()),
            unit_scratch: None,
            variables: Variables::default(),
            shared,
            lookups: Lookups::default(),
            clause: 0,
            span: Span::default(),
            point: None,
            stack_budget: plan.stack_budget,
            claims: plan.claims.clone(),
            statements: BTreeSet::new(),
            arena: None,
            tokens: None,
            error: None,
        }
    }

    /// Lowers all clauses, and notes where each would have to claim scratch memory.
    fn unit(&mut self, halves: &'g [Unit]) -> Result<()> {
        let Leave::Jump { unit: end, .. } = self.f.leave else {
            return Err(CompileError::model(self.span, "a program that starts as a callback"));
        };
        self.entry(end)?;
        let free = self.claim_for_all(end);
        let unit_end = free.unwrap_or(end);
        match halves {
            [at_entry, at_return] => self.session(at_entry, at_return, unit_end)?,
            _ => self.clauses(unit_end)?,
        }
        if let Some(free) = free {
            self.f.b.switch_to(free);
            self.f.scratch = self.unit_scratch;
            self.free_scratch();
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        self.f.b.ret(0);
        Ok(())
    }

    /// Lowers the clauses of the unit, and leaves the program.
    pub fn clauses(&mut self, unit_end: Block) -> Result<()> {
        let program = self.g.program;
        // Every clause may fault, and so run the clauses of ERROR.
        let on_fault = self.g.usage.on_fault.iter().any(|(index, _)| stops_all(&program.clauses[*index]));
        let mut stops = false;
        for index in &self.unit.clauses {
            let clause = clause(self.g.program, *index)?;
            self.clause = *index as u32;
            self.at(clause.span);
            if stops {
                self.leave_if_stopped(unit_end);
            }
            self.clause(clause, unit_end)?;
            stops |= on_fault || stops_all(clause);
        }
        self.f.b.jump(unit_end, &[]);
        Ok(())
    }

    /// Claims scratch memory for all clauses when they share what is kept there; gives the block that frees it.
    fn claim_for_all(&mut self, end: Block) -> Option<Block> {
        if self.shared.is_empty() {
            return None;
        }
        let exits = self.claim(end);
        self.unit_scratch = self.f.scratch;
        self.g.grow_scratch(self.shared.end());
        self.clear_shared();
        Some(exits.unit)
    }

    fn finish(mut self) -> std::result::Result<Module, SsaError> {
        let func = self.f.b.finish()?;
        self.module.define_func(self.f.func, func);
        Ok(self.module)
    }

    /// Tests that keep the program from running at all, cheapest and most selective first.
    fn entry(&mut self, end: Block) -> Result<()> {
        if self.unit.context == Context::PerfEvent {
            let at = self.g.runs(self.index);
            self.count(at);
        }
        self.leave_unless_process(self.unit.pid, end);
        self.leave_unless_in(self.unit.cgroup, end);
        self.leave_if_stopped(end);
        if let Context::Iter { waits, .. } = self.unit.context {
            self.object(waits, end);
        }
        self.dispatch(end)?;
        self.leave_most(end);
        Ok(())
    }

    /// Once all is stopped, only END runs, and what is to stay.
    fn leave_if_stopped(&mut self, end: Block) {
        if let Some(at) = self.g.exit_flag()
            && !self.is_end()
            && !self.is_shown_by_file()
        {
            let flag = self.data(at);
            let set = self.f.b.load(flag.base, flag.off, Size::B8);
            self.f.b.branch_away(Cond::Ne, set, 0, end);
        }
    }

    fn is_end(&self) -> bool {
        let point = self.unit.points.first().and_then(|id| self.g.program.points.get(id.0 as usize));
        point.is_some_and(|point| point.site == Site::End)
    }

    /// Lowers a clause, and what happens when it faults.
    pub fn clause(&mut self, clause: &'a Clause, unit_end: Block) -> Result<()> {
        let claim = self.claims.get(&self.clause).copied().unwrap_or(Claim::Never);
        let end = self.f.b.create_block();
        self.scratch = Scratch::new(self.shared.end());
        self.lookups = Lookups::default();
        self.statements = fault::statements(self.g.program, clause);
        self.scratch.in_predicate = true;
        self.f.scratch = self.unit_scratch;
        self.f.link = None;
        self.keep_shared();
        self.f.leave = Leave::Jump { clause: end, unit: unit_end };
        let handler = self.fault_exit();
        self.f.fault = handler;
        let mut exits = None;
        if claim == Claim::Clause {
            exits = Some(self.claim(end));
        }
        self.declare_variables(clause);
        self.arena = self.reserve_arena(clause);
        self.tokens = self.shared_tokens().or_else(|| self.reserve_tokens(clause));
        let early = predicate_uses_arena(clause) || predicate_uses_tokens(clause);
        if early {
            self.init_state();
        }
        self.predicate(clause)?;
        self.scratch.in_predicate = false;
        if claim == Claim::Body {
            exits = Some(self.claim(end));
        }
        if !early {
            self.init_state();
        }
        self.init_variables(clause);
        self.block(&clause.body)?;
        self.end_clause(end, unit_end, exits, handler);
        self.g.grow_scratch(self.scratch.most);
        if self.scratch.wanted > claim {
            self.claims.insert(self.clause, self.scratch.wanted);
        }
        if self.handle_faults(clause, handler, unit_end)? {
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Makes what belongs to the clause as it is at its start.
    fn init_state(&mut self) {
        if let Some(arena) = self.arena {
            self.init_arena(arena);
        }
        if let Some(tokens) = self.tokens.filter(|_| self.shared_tokens().is_none()) {
            self.init_tokens(tokens);
        }
    }

    /// Leaves the clause unless its predicate holds.
    fn predicate(&mut self, clause: &'a Clause) -> Result<()> {
        let (Some(predicate), Leave::Jump { clause: end, .. }) = (&clause.predicate, self.f.leave) else {
            return Ok(());
        };
        let body = self.f.b.create_block();
        let mark = self.mark();
        self.condition(predicate, body, end)?;
        self.release(mark);
        self.f.b.switch_to(body);
        Ok(())
    }

    /// Gives scratch memory back on all ways out of the clause. What is added now comes before `end`.
    fn end_clause(&mut self, end: Block, unit_end: Block, claimed: Option<Exits>, handler: Option<FaultExit>) {
        let Some(exits) = claimed else {
            self.f.b.jump(end, &[]);
            return;
        };
        self.f.b.jump(exits.clause, &[]);
        self.free_on_the_way(exits, (end, unit_end), handler);
    }

    /// Code from now on belongs to this place of the script.
    pub fn at(&mut self, span: Span) {
        self.span = span;
        self.f.b.set_span(ssa::Span { start: span.start, end: span.end });
    }

    /// Counts a loss.
    pub fn lose(&mut self, kind: LossKind) {
        let loss = Loss { kind, clause: self.clause, span: self.span };
        if self.is_told_by_cpu(kind) {
            let counters = self.g.loss_by_cpu(loss);
            self.count_by_cpu(counters, 8);
        } else {
            let at = self.g.loss(loss);
            self.count(at);
        }
    }

    /// Whether the language's messages about a loss say on which CPU it was: D's about records and keys of aggregations do.
    fn is_told_by_cpu(&self, kind: LossKind) -> bool {
        self.aborts()
            && match kind {
                LossKind::Record | LossKind::Scratch => true,
                LossKind::Key(map) => self.g.map(map).is_some_and(|map| matches!(map.value, MapValue::Aggregation(_))),
                _ => false,
            }
    }

    /// Counts one for this CPU, in counters so many bytes apart.
    pub fn count_by_cpu(&mut self, (at, cpus): (u32, u32), stride: u32) {
        let cpu = self.f.b.call(helper::GET_SMP_PROCESSOR_ID, &[]);
        let cpu = self.f.b.and(cpu, i64::from(cpus) - 1);
        let off = self.f.b.mul(cpu, i64::from(stride));
        let first = self.data(at);
        let first = self.address(first);
        let place = self.f.b.add(first, off);
        let one = self.f.b.iconst(1);
        self.f.b.atomic(AtomicOp::Add, place, 0, Size::B8, one);
    }

    fn count(&mut self, at: u32) {
        let counter = self.data(at);
        let one = self.f.b.iconst(1);
        self.f.b.atomic(AtomicOp::Add, counter.base, counter.off, Size::B8, one);
    }

    /// Counts a loss if the comparison holds, and goes on in any case.
    pub fn lose_if(&mut self, kind: LossKind, cond: Cond, lhs: Value, rhs: impl Into<Operand>) {
        let (lost, next) = (self.f.b.create_block(), self.f.b.create_block());
        self.f.b.branch(cond, lhs, rhs, lost, &[], next, &[]);
        self.f.b.switch_to(lost);
        self.lose(kind);
        self.f.b.jump(next, &[]);
        self.f.b.switch_to(next);
    }

    /// An error at the current place.
    pub fn error(&self, message: impl Into<String>) -> CompileError {
        CompileError::new(self.span, message)
    }

    /// The typed program contradicts itself here.
    pub fn model_error(&self, what: impl std::fmt::Display) -> CompileError {
        CompileError::model(self.span, what)
    }
}
