//! Records to user space; [`quadrant_program::record`] describes their layout.
//!
//! A record whose size is known is written in place, in room reserved in the ring buffer. One with texts or buffers of varying
//! length is built in scratch memory and then sent with exactly the bytes that are used.

use std::borrow::Cow;

use quadrant_bpf::helper;
use quadrant_program::Program;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::layout;
use quadrant_program::record::HEADER;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::span::Span;
use quadrant_program::stamp;
use quadrant_program::ty::Type;

use super::append::join_span;
use super::error::Result;
use super::fault::can_fault;
use super::memory::Mem;
use super::memory::has_text;
use super::unit::Lower;
use super::walk;
use super::walk::Node;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// Texts of at most so many bytes that lie in memory are sent whole.
const SHORT_TEXT: u32 = 64;
/// Largest record, far above what a ring buffer of usual size takes.
const RECORD_MAX: u32 = 1 << 24;
/// Numbers of a record that wait for it in registers or on the stack; more of them wait in scratch memory.
const MAX_WAITING: usize = 32;
/// `BPF_F_CURRENT_CPU`.
pub(super) const CURRENT_CPU: i64 = 0xffff_ffff;

/// Whether user space is woken for a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// It looks from time to time.
    Not,
    /// At once.
    Now,
}

impl Wake {
    /// `BPF_RB_NO_WAKEUP` or `BPF_RB_FORCE_WAKEUP`.
    fn flags(self) -> i64 {
        match self {
            Wake::Not => 1,
            Wake::Now => 2,
        }
    }
}

/// An argument before the record has its place.
enum Prepared<'e> {
    Scalar(Operand),
    Word(Mem),
    Memory(Mem),
    Later(&'e Expr),
}

impl Lower<'_, '_> {
    /// Sends a record.
    pub fn emit(&mut self, id: RecordId, args: &[Expr], wake: Wake) -> Result<()> {
        let program = self.g.program;
        let fits = |record: &&Record| stamp::of_script(program, &record.args).len() == args.len();
        let record = program.records.get(id.0 as usize).filter(fits);
        let record = record.ok_or_else(|| self.model_error("a record with wrong arguments"))?;
        let mark = self.mark();
        match self.clears_here(id, record) {
            _ if self.is_shown_by_file() => self.write_record(record, args)?,
            Some(map) => self.clear_here(map, id, record)?,
            None => self.send_record(id, record, args, wake)?,
        }
        self.release(mark);
        Ok(())
    }

    pub(super) fn send_record(&mut self, id: RecordId, record: &Record, args: &[Expr], wake: Wake) -> Result<()> {
        let args = stamped(self.g.program, args, self.span);
        let args = &self.with_known_texts(&args);
        let elsewhere = self.leave_unless_speculating(record, args)?;
        match args.iter().map(known_length).sum::<Option<u32>>() {
            Some(texts) => self.emit_fixed(id, record, args, texts, wake)?,
            None => self.emit_varying(id, record, args, wake)?,
        }
        if let Some(end) = elsewhere {
            self.f.b.jump(end, &[]);
            self.f.b.switch_to(end);
        }
        Ok(())
    }

    /// Names of the point that are known now are constants.
    fn with_known_texts<'e>(&self, args: &'e [Expr]) -> Cow<'e, [Expr]> {
        let known = |arg: &Expr| match arg.kind {
            ExprKind::Builtin(Builtin::PointText(part)) => self.known_point_text(part),
            _ => None,
        };
        if args.iter().all(|arg| known(arg).is_none()) {
            return Cow::Borrowed(args);
        }
        let constant = |arg: &Expr| match known(arg) {
            Some(text) => Expr::new(ExprKind::Str(text.as_bytes().into()), arg.ty.clone(), arg.span),
            None => arg.clone(),
        };
        Cow::Owned(args.iter().map(constant).collect())
    }

    fn emit_fixed(&mut self, id: RecordId, record: &Record, args: &[Expr], texts: u32, wake: Wake) -> Result<()> {
        let (offsets, fixed) = layout::record_offsets(&record.args);
        let total = fixed + texts;
        let prepared = self.prepare(args)?;
        let end = self.f.b.create_block();
        let to = match self.g.target.ring_buffer {
            true => self.reserve_record(total, end),
            false => self.alloc_bytes(total),
        };
        self.header(id, to);
        let places = record.args.iter().zip(offsets);
        self.f.reserved = self.g.target.ring_buffer;
        let filled = self.branch(|lower| lower.fill(to, fixed, args.iter().zip(prepared).zip(places)));
        self.f.reserved = false;
        filled?;
        match self.g.target.ring_buffer {
            true => self.submit(to, wake),
            false => {
                let size = self.f.b.iconst(total.into());
                self.send(to, size, wake);
            }
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Writes arguments into the record; texts go behind the fixed part.
    fn fill<'e>(
        &mut self,
        to: Mem,
        fixed: u32,
        args: impl Iterator<Item = ((&'e Expr, Prepared<'e>), (&'e Type, u32))>,
    ) -> Result<()> {
        let mut tail = fixed;
        for ((arg, ready), (ty, off)) in args {
            match known_length(arg) {
                Some(len) if is_text(ty) => {
                    self.whole_text(arg, ready, to.at(tail))?;
                    self.f.b.store(to.base, to.off + off as i32, Size::B8, reference(tail, stored_length(arg)));
                    tail += len;
                }
                _ => self.argument_value(arg, ready, ty, to.at(off))?,
            }
        }
        Ok(())
    }

    /// Evaluates numbers, and whatever runs statements, faults or waits, before the record is reserved: its room must be given back on
    /// every way, and soon.
    fn prepare<'e>(&mut self, args: &'e [Expr]) -> Result<Vec<Prepared<'e>>> {
        let mut waiting = 0;
        let prepare = |arg: &'e Expr| {
            if arg.ty.is_scalar() {
                let value = self.operand(arg)?;
                waiting += usize::from(matches!(value, Operand::Value(_)));
                return Ok(if waiting > MAX_WAITING { self.waiting_word(value) } else { Prepared::Scalar(value) });
            }
            let early = runs_statements(arg)
                || ((self.aborts() || self.unit.sleepable || reads_text_inside(arg)) && can_fault(arg));
            if early { self.memory(arg).map(Prepared::Memory) } else { Ok(Prepared::Later(arg)) }
        };
        args.iter().map(prepare).collect()
    }

    /// A number that waits in memory.
    fn waiting_word<'e>(&mut self, value: Operand) -> Prepared<'e> {
        let word = self.alloc_scratch(8);
        self.f.b.store(word.base, word.off, Size::B8, value);
        Prepared::Word(word)
    }

    /// Room for a record in the ring buffer; goes to `end` when there is none.
    pub fn reserve_record(&mut self, size: u32, end: crate::ssa::Block) -> Mem {
        let map = self.g.records();
        let map = self.f.b.map_ptr(map);
        let (size, flags) = (self.f.b.iconst(size.into()), self.f.b.iconst(0));
        let room = self.f.b.call(helper::RINGBUF_RESERVE, &[map, size, flags]);
        let [full, go] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Eq, room, 0, full, &[], go, &[]);
        self.f.b.switch_to(full);
        self.lose(LossKind::Record);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(go);
        Mem { base: room, off: 0 }
    }

    /// Sends a record that was written in place.
    pub fn submit(&mut self, to: Mem, wake: Wake) {
        let flags = self.f.b.iconst(wake.flags());
        self.f.b.call(helper::RINGBUF_SUBMIT, &[to.base, flags]);
    }

    /// What each record starts with.
    pub fn header(&mut self, id: RecordId, to: Mem) {
        let cpu = self.f.b.call(helper::GET_SMP_PROCESSOR_ID, &[]);
        self.f.b.store(to.base, to.off, Size::B4, i64::from(id.0));
        self.f.b.store(to.base, to.off + 4, Size::B4, cpu);
    }

    /// An argument that is stored as a value.
    fn argument_value(&mut self, arg: &Expr, ready: Prepared<'_>, ty: &Type, to: Mem) -> Result<()> {
        match ready {
            Prepared::Scalar(value) => self.f.b.store(to.base, to.off, Size::B8, value),
            Prepared::Word(from) => {
                let value = self.f.b.load(from.base, from.off, Size::B8);
                self.f.b.store(to.base, to.off, Size::B8, value);
            }
            Prepared::Memory(from) => self.convert(from, &arg.ty, to, ty)?,
            Prepared::Later(arg) => self.store_as(arg, ty, to)?,
        }
        Ok(())
    }

    /// A text whose bytes are sent whole.
    fn whole_text(&mut self, arg: &Expr, ready: Prepared<'_>, to: Mem) -> Result<()> {
        match (&arg.kind, ready) {
            (ExprKind::Str(text), _) => {
                let mut bytes = text.to_vec();
                bytes.resize(layout::round_up(bytes.len() as u32) as usize, 0);
                self.write(to, &bytes);
                Ok(())
            }
            (_, Prepared::Memory(from)) => {
                self.copy(to, from, layout::size(&arg.ty));
                Ok(())
            }
            (ExprKind::Builtin(Builtin::Comm), _) => {
                self.send_comm(to);
                Ok(())
            }
            _ => self.store(arg, to),
        }
    }

    fn emit_varying(&mut self, id: RecordId, record: &Record, args: &[Expr], wake: Wake) -> Result<()> {
        let (offsets, fixed) = layout::record_offsets(&record.args);
        let caps = || record.args.iter().filter_map(cap);
        let worst = caps().fold(fixed, |sum, cap| sum.saturating_add(cap).saturating_add(8));
        let longest = args.iter().map(span).max().unwrap_or(0);
        if worst > RECORD_MAX {
            return Err(self.error("the texts of this record are too long together").help("lower max_strlen"));
        }
        let mask = (worst + 1).next_power_of_two() - 1;
        // The verifier adds the greatest offset and the greatest length.
        let to = self.alloc_scratch(layout::round_up(mask + longest + 9));
        self.header(id, to);
        let mut tail = Tail { record: to, end: self.f.b.iconst(fixed.into()), mask };
        for ((arg, ty), off) in args.iter().zip(&record.args).zip(offsets) {
            if is_text(ty) {
                self.append(arg, ty, to.at(off), &mut tail)?;
            } else {
                self.store_as(arg, ty, to.at(off))?;
            }
        }
        let size = self.f.b.and(tail.end, i64::from(tail.mask));
        self.send(to, size, wake);
        Ok(())
    }

    /// Sends a record that was built in memory.
    pub fn send(&mut self, record: Mem, size: Value, wake: Wake) {
        let map = self.g.records();
        let map = self.f.b.map_ptr(map);
        let data = self.address(record);
        let lost = match self.g.target.ring_buffer {
            true => {
                let flags = self.f.b.iconst(wake.flags());
                self.f.b.call(helper::RINGBUF_OUTPUT, &[map, data, size, flags])
            }
            false => {
                let flags = self.f.b.iconst(CURRENT_CPU);
                self.f.b.call(helper::PERF_EVENT_OUTPUT, &[self.f.ctx, map, flags, data, size])
            }
        };
        self.lose_if(LossKind::Record, Cond::Ne, lost, 0);
    }
}

/// The growing end of a record.
pub(super) struct Tail {
    /// The record.
    pub record: Mem,
    /// Bytes so far.
    pub end: Value,
    /// One less than a power of two that the size never reaches.
    pub mask: u32,
}

/// The arguments with those of the program's stamp.
fn stamped<'e>(program: &Program, args: &'e [Expr], span: Span) -> Cow<'e, [Expr]> {
    match program.stamped {
        true => Cow::Owned([args, &stamp::arguments(span)].concat()),
        false => Cow::Borrowed(args),
    }
}

/// Bytes that an argument adds after the fixed part, when they are known: a multiple of 8.
fn known_length(arg: &Expr) -> Option<u32> {
    match (&arg.kind, &arg.ty) {
        (ExprKind::Str(text), _) => Some(layout::round_up(text.len() as u32)),
        (ExprKind::Builtin(Builtin::Comm), _) => Some(16),
        (ExprKind::Var(_) | ExprKind::MapGet { .. } | ExprKind::TupleField(..), Type::String { cap }) => {
            (*cap <= SHORT_TEXT).then(|| layout::round_up(*cap))
        }
        (_, ty) => (!is_text(ty)).then_some(0),
    }
}

/// Bytes of a text of known length that are shown.
fn stored_length(arg: &Expr) -> u32 {
    match (&arg.kind, &arg.ty) {
        (ExprKind::Str(text), _) => text.len() as u32,
        (_, Type::String { cap }) => *cap,
        _ => 0,
    }
}

/// The fixed part of a text: where its bytes are and how many.
fn reference(off: u32, len: u32) -> i64 {
    i64::from(off) | i64::from(len) << 32
}

fn cap(ty: &Type) -> Option<u32> {
    match ty {
        Type::String { cap } | Type::Buffer { cap } => Some(*cap),
        _ => None,
    }
}

/// Bytes beyond the end of a record that adding a text can touch, as far as the verifier knows.
fn span(arg: &Expr) -> u32 {
    match arg.kind {
        ExprKind::Call(Function::JoinArgs(_), _) => cap(&arg.ty).map_or(0, |cap| 2 * join_span(cap)),
        _ => cap(&arg.ty).unwrap_or(0),
    }
}

fn is_text(ty: &Type) -> bool {
    cap(ty).is_some()
}

/// A tuple with a text: to read one takes a byte behind its end, which a record does not have.
fn reads_text_inside(e: &Expr) -> bool {
    matches!(e.ty, Type::Tuple(_)) && has_text(&e.ty)
}

fn runs_statements(e: &Expr) -> bool {
    let mut found = false;
    walk::expr(e, &mut |node| found |= matches!(node, Node::Stmt(_)));
    found
}

const _: () = assert!(HEADER == 8, "the header is an id and a CPU number");
