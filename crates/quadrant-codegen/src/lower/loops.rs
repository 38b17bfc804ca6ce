//! Loops: `bpf_loop` and `bpf_for_each_map_elem` call the body, which is a function of its own. Variables that it uses are in scratch
//! memory, of which the verifier assumes nothing, so that its analysis of the loop always ends.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::expr::VarId;
use quadrant_program::layout;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::recording::walk_number;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;

use super::error::CompileError;
use super::error::Result;
use super::function::Body;
use super::function::Function;
use super::function::Leave;
use super::function::Loop;
use super::globals::MapPlace;
use super::memory::Mem;
use super::scratch::LEAVE;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::object::LossKind;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::FuncBuilder;
use crate::ssa::FuncRef;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// Most rounds of a loop (`BPF_MAX_LOOPS`).
const ROUNDS_MAX: i64 = 1 << 23;
/// Told by a loop's body to whoever called the loop: the clause ends.
const LEFT_CLAUSE: i64 = 1;
/// The same: the program ends.
const LEFT_UNIT: i64 = 2;

impl Lower<'_, '_> {
    /// `while`.
    pub fn while_loop(&mut self, cond: &Expr, body: &[Stmt]) -> Result<()> {
        self.need_loop()?;
        let func = self.round(|lower, stop| {
            let go = lower.f.b.create_block();
            lower.condition(cond, go, stop)?;
            lower.f.b.switch_to(go);
            lower.block(body)
        })?;
        let rounds = self.f.b.iconst(ROUNDS_MAX);
        let done = self.run_loop(rounds, func);
        self.lose_if(LossKind::Loop, Cond::Uge, done, ROUNDS_MAX);
        self.after_loop(body);
        Ok(())
    }

    /// `for ($i : start..end)`.
    pub fn for_range(&mut self, var: VarId, start: &Expr, end: &Expr, body: &[Stmt]) -> Result<()> {
        self.need_loop()?;
        let ty = self.variable_type(var)?;
        let signed = start.ty.is_signed();
        let first = self.scalar(start)?;
        let last = self.operand(end)?;
        let (skip, go) = (self.f.b.create_block(), self.f.b.create_block());
        let cond = if signed { Cond::Sge } else { Cond::Uge };
        self.f.b.branch(cond, first, last, skip, &[], go, &[]);
        self.f.b.switch_to(go);
        let home = self.alloc_scratch(8);
        self.f.b.store(home.base, home.off, Size::B8, first);
        let last = self.f.b.operand_value(last);
        let wanted = self.f.b.sub(last, first);
        let most = self.f.b.iconst(ROUNDS_MAX);
        let rounds = self.f.b.select(Cond::Ugt, wanted, ROUNDS_MAX, most, wanted);
        let off = home.off;
        let func = self.callback(Body::Round, |lower| {
            let base = lower.scratch_base();
            let first = lower.f.b.load(base, off, Size::B8);
            let round = lower.f.b.param(0);
            let value = lower.f.b.add(first, round);
            let value = lower.cut(value, &ty);
            lower.set_variable(var, value);
            lower.block(body)?;
            lower.f.b.ret(0);
            Ok(())
        })?;
        let done = self.run_loop(rounds, func);
        // A loop that left before has lost nothing.
        let none = self.f.b.iconst(0);
        let cut = self.f.b.select(Cond::Ugt, wanted, ROUNDS_MAX, done, none);
        self.lose_if(LossKind::Loop, Cond::Uge, cut, ROUNDS_MAX);
        self.after_loop(body);
        self.f.b.jump(skip, &[]);
        self.f.b.switch_to(skip);
        Ok(())
    }

    /// `for ($kv : @map)`.
    pub fn for_map(&mut self, var: VarId, map: MapId, body: &[Stmt]) -> Result<()> {
        self.faults_are_losses()?;
        if !self.g.target.for_each_map_elem {
            return Err(self.too_old("a loop over a map", "bpf_for_each_map_elem", "5.13"));
        }
        let MapPlace::Keyed { map: place, short, .. } = self.place_of(map, true)? else {
            return Err(self.model_error("a loop over a map without keys"));
        };
        let Some(short) = short else {
            self.walk_map(var, map, place, None, body)?;
            self.after_loop(body);
            return Ok(());
        };
        let broken = self.alloc_scratch(8);
        self.f.b.store(broken.base, broken.off, Size::B8, 0);
        let end = self.f.b.create_block();
        for place in [short, place] {
            self.walk_map(var, map, place, Some((broken.off, place == short)), body)?;
            self.after_loop(body);
            let left = self.f.b.load(broken.base, broken.off, Size::B8);
            self.f.b.branch_away(Cond::Ne, left, 0, end);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Runs the body for each entry of one of the maps that a map of the script consists of. `split` is where `break` leaves its
    /// mark, and whether this is the one with the short keys.
    fn walk_map(
        &mut self,
        var: VarId,
        id: MapId,
        place: MapRef,
        split: Option<(i32, bool)>,
        body: &[Stmt],
    ) -> Result<()> {
        let Some(declared) = self.g.map(id) else { return Err(self.model_error("a map that does not exist")) };
        let Some(ty) = &declared.key else { return Err(self.model_error("a loop over a map without keys")) };
        let stored = match split {
            Some((_, true)) => layout::short_key(ty).unwrap_or_else(|| ty.clone()),
            _ => ty.clone(),
        };
        let func = self.callback(Body::Entry, |lower| {
            lower.f.loops = vec![Loop::Callback { broken: split.map(|(broken, _)| broken) }];
            let (key, value) = (lower.f.b.param(1), lower.f.b.param(2));
            let Some(to) = lower.variable_memory(var) else {
                return Err(lower.model_error("a loop variable without a place"));
            };
            lower.lengthen(Mem { base: key, off: 0 }, ty, &stored, to);
            lower.copy_map_value(&declared.value, value, to.at(layout::size(ty)))?;
            lower.block(body)?;
            lower.f.b.ret(0);
            Ok(())
        })?;
        let link = self.link();
        let number = if self.g.target.numbers_walks { walk_number(var) as i64 } else { 0 };
        self.call_for_each(place, func, link, number);
        Ok(())
    }

    fn copy_map_value(&mut self, kind: &MapValue, from: Value, to: Mem) -> Result<()> {
        match kind {
            MapValue::Plain(ty) => self.copy(to, Mem { base: from, off: 0 }, layout::size(ty)),
            MapValue::Aggregation(kind) => {
                let amount = self.amount(from, kind)?;
                self.f.b.store(to.base, to.off, Size::B8, amount);
            }
        }
        Ok(())
    }

    /// Number of keys of a map.
    pub fn map_len(&mut self, map: MapId) -> Result<Value> {
        let MapPlace::Keyed { map: place, short, .. } = self.place_of(map, true)? else {
            return Err(self.model_error("the length of a map without keys"));
        };
        if !self.g.target.for_each_map_elem {
            return Err(self.too_old("len() of a map", "bpf_for_each_map_elem", "5.13"));
        }
        // The helper gives the number of elements that it visited.
        let func = self.module.declare_func();
        let mut b = FuncBuilder::new("count", 4);
        b.ret(0);
        let done = b.finish().map_err(|error| CompileError::back_end(self.span, &error))?;
        self.module.define_func(func, done);
        let mut len = self.f.b.iconst(0);
        for place in short.into_iter().chain([place]) {
            let nothing = self.f.b.iconst(0);
            let part = self.call_for_each(place, func, nothing, 0);
            len = self.f.b.add(len, part);
        }
        Ok(len)
    }

    /// `unroll`.
    pub fn unroll(&mut self, count: u32, body: &[Stmt]) -> Result<()> {
        let end = self.f.b.create_block();
        for _ in 0..count {
            let next = self.f.b.create_block();
            self.f.loops.push(Loop::Inline { end, next });
            let done = self.branch(|lower| lower.block(body));
            self.f.loops.pop();
            done?;
            self.f.b.jump(next, &[]);
            self.f.b.switch_to(next);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// `break` or `continue`.
    pub fn loop_jump(&mut self, is_break: bool) -> Result<()> {
        match self.f.loops.last() {
            Some(Loop::Inline { end, next }) => self.f.b.jump(if is_break { *end } else { *next }, &[]),
            Some(Loop::Callback { broken }) => {
                if let (true, Some(broken)) = (is_break, *broken) {
                    let base = self.scratch_base();
                    self.f.b.store(base, broken, Size::B8, 1);
                }
                self.f.b.ret(i64::from(is_break));
            }
            None => return Err(self.model_error("break or continue outside of a loop")),
        }
        Ok(())
    }

    /// Ends the clause, or the program.
    pub fn leave(&mut self, unit_too: bool) {
        match self.f.leave {
            Leave::Jump { clause, unit } => self.f.b.jump(if unit_too { unit } else { clause }, &[]),
            Leave::Callback => {
                let base = self.scratch_base();
                let what = if unit_too { LEFT_UNIT } else { LEFT_CLAUSE };
                self.f.b.store(base, LEAVE, Size::B8, what);
                self.f.b.ret(1);
            }
        }
    }

    /// Builds what `bpf_loop` runs each round, with the round's number as parameter 0; the body ends the loop by going to the block that it
    /// is given.
    pub fn round(&mut self, body: impl FnOnce(&mut Self, Block) -> Result<()>) -> Result<FuncRef> {
        self.callback(Body::Round, |lower| {
            let stop = lower.f.b.create_block();
            body(lower, stop)?;
            if !lower.f.b.is_terminated() {
                lower.f.b.ret(0);
            }
            if lower.f.b.is_reachable(stop) {
                lower.f.b.switch_to(stop);
                lower.f.b.ret(1);
            }
            Ok(())
        })
    }

    /// Builds a loop's body.
    pub fn callback(&mut self, kind: Body, body: impl FnOnce(&mut Self) -> Result<()>) -> Result<FuncRef> {
        let func = self.module.declare_func();
        let mut b = FuncBuilder::new(format!("loop{}", func.0), kind.params());
        b.set_span(self.f.b.span());
        let link = b.param(kind.params() - 1);
        let ctx = b.load(link, 0, Size::B8);
        let scratch = b.load(link, 8, Size::B8);
        // Whatever the body does, the frame that it gets must exist.
        self.scratch_base();
        let mut inner = Function::new(b, func, ctx, Leave::Callback, self.stack_budget);
        inner.link = Some(link);
        inner.scratch = Some(scratch);
        inner.frames = self.f.frames + kind.frames();
        inner.loops.push(Loop::Callback { broken: None });
        let outer = std::mem::replace(&mut self.f, inner);
        // Values of the caller do not exist in the body.
        let outside = std::mem::take(&mut self.lookups);
        let done = body(self);
        self.lookups = outside.after_loop();
        let inner = std::mem::replace(&mut self.f, outer);
        done?;
        let built = inner.b.finish().map_err(|error| CompileError::back_end(self.span, &error))?;
        self.module.define_func(func, built);
        Ok(func)
    }

    /// Runs a body at most so many times; gives how often it ran.
    pub fn run_loop(&mut self, rounds: Value, func: FuncRef) -> Value {
        let callback = self.f.b.func_addr(func);
        let link = self.link();
        let flags = self.f.b.iconst(0);
        self.f.b.call(helper::LOOP, &[rounds, callback, link, flags])
    }

    /// Calls a callback for each entry of a map.
    pub fn for_each(&mut self, map: MapRef, func: FuncRef) {
        let link = self.link();
        self.call_for_each(map, func, link, 0);
    }

    /// The same with what the callback gets, and flags; gives how many entries it was called for.
    fn call_for_each(&mut self, map: MapRef, func: FuncRef, link: Value, flags: i64) -> Value {
        self.with_map(map, 0, |lower, map| {
            let callback = lower.f.b.func_addr(func);
            let flags = lower.f.b.iconst(flags);
            lower.f.b.call(helper::FOR_EACH_MAP_ELEM, &[map, callback, link, flags])
        })
    }

    /// What bodies get: the context and the entry of scratch memory, side by side on the program's stack, where the verifier
    /// keeps their types.
    fn link(&mut self) -> Value {
        if let Some(link) = self.f.link {
            return link;
        }
        // One loop runs at a time: all of a function share the place.
        let slot = match self.f.link_slot {
            Some(slot) => slot,
            None => *self.f.link_slot.insert(self.f.b.declare_slot(16, 8)),
        };
        let link = self.f.b.stack_addr(slot);
        let scratch = self.scratch_base();
        self.f.b.store(link, 0, Size::B8, self.f.ctx);
        self.f.b.store(link, 8, Size::B8, scratch);
        self.f.b.store(scratch, LEAVE, Size::B8, 0);
        link
    }

    /// Leaves the clause or the program if the loop's body did.
    fn after_loop(&mut self, body: &[Stmt]) {
        if !leaves(body) {
            return;
        }
        let base = self.scratch_base();
        let left = self.f.b.load(base, LEAVE, Size::B8);
        match self.f.leave {
            Leave::Jump { clause, unit } => {
                self.f.b.branch_away(Cond::Eq, left, LEFT_CLAUSE, clause);
                self.f.b.branch_away(Cond::Eq, left, LEFT_UNIT, unit);
            }
            Leave::Callback => {
                let stop = self.f.b.create_block();
                let next = self.f.b.create_block();
                self.f.b.branch(Cond::Ne, left, 0, stop, &[], next, &[]);
                self.f.b.switch_to(stop);
                self.f.b.ret(1);
                self.f.b.switch_to(next);
            }
        }
    }

    /// A loop's body has no way out of the clause for faults.
    fn faults_are_losses(&self) -> Result<()> {
        match self.aborts() {
            true => Err(self.model_error("a loop in a program whose faults end the clause")),
            false => Ok(()),
        }
    }

    fn need_loop(&self) -> Result<()> {
        self.faults_are_losses()?;
        self.need_bpf_loop("a loop").map_err(|error| error.help("unroll(n) { ... } works on every kernel"))
    }

    /// Whether the kernel can call a function so many times.
    pub fn need_bpf_loop(&self, what: &str) -> Result<()> {
        if self.g.target.bpf_loop {
            return Ok(());
        }
        Err(self.too_old(what, "bpf_loop", "5.17"))
    }

    fn too_old(&self, what: &str, helper: &str, version: &str) -> CompileError {
        self.error(format!("{what} needs {helper}, which this kernel does not have (it came with Linux {version})"))
    }
}

/// Whether statements can end the clause or the program.
fn leaves(body: &[Stmt]) -> bool {
    let mut found = false;
    walk::stmts(body, &mut |node| {
        found |= matches!(node, Node::Stmt(Stmt { kind: StmtKind::Return | StmtKind::Exit { .. }, .. }));
    });
    found
}
