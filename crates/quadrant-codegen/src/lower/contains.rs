//! `strcontains` and `strstr`: a search at every place of a text.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::function::Body;
use super::memory::Mem;
use super::memory::number;
use super::text::TextSource;
use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Texts of at most so many bytes are searched without a loop.
const UNROLLED: u32 = 32;
/// Longest text that is not constant and can be searched for.
const PART_MAX: u32 = 1024;

/// `-ENOENT`.
const NOT_FOUND: i64 = -2;

/// What is searched for.
enum Part {
    Constant(Vec<u8>),
    /// Offset in scratch memory, and bytes that it can have.
    Memory(i32, u32),
}

impl Part {
    /// Bytes beyond a place of the text that a comparison touches.
    fn span(&self) -> u32 {
        match self {
            Part::Constant(bytes) => bytes.len() as u32,
            Part::Memory(_, cap) => *cap,
        }
    }
}

impl Lower<'_, '_> {
    /// 1 when `part` is in `text`.
    pub fn strcontains(&mut self, text: &Expr, part: &Expr) -> Result<Value> {
        let found = self.search(text, part)?;
        Ok(self.select_constant(found, 0, 1))
    }

    /// Where `part` is in `text`, or -ENOENT.
    pub fn strstr(&mut self, text: &Expr, part: &Expr) -> Result<Value> {
        let found = self.search(text, part)?;
        let place = self.f.b.sub(found, 1);
        let none = self.f.b.iconst(NOT_FOUND);
        Ok(self.f.b.select(Cond::Eq, found, 0, none, place))
    }

    fn select_constant(&mut self, found: Value, if_zero: i64, otherwise: i64) -> Value {
        let [zero, otherwise] = [if_zero, otherwise].map(|value| self.f.b.iconst(value));
        self.f.b.select(Cond::Eq, found, 0, zero, otherwise)
    }

    /// One more than where `part` is in `text`; 0 if it is not there.
    fn search(&mut self, text: &Expr, part: &Expr) -> Result<Value> {
        let Type::String { cap } = text.ty else { return Err(self.model_error("strcontains() of what is no text")) };
        let mark = self.mark();
        let part = self.part(part)?;
        // Both are in scratch memory: there, a program may use an index that the verifier only knows to be bounded.
        let place = self.alloc_scratch(layout::round_up(cap + part.span() + 8));
        self.store_text_in(text, cap, place)?;
        let result = self.alloc_scratch(8);
        self.f.b.store(result.base, result.off, Size::B8, 0);
        if cap <= UNROLLED || !self.g.target.bpf_loop {
            self.search_unrolled(place, cap, &part, result);
        } else {
            self.search_in_loop(place, cap, &part, result)?;
        }
        let found = self.f.b.load(result.base, result.off, Size::B8);
        self.release(mark);
        Ok(found)
    }

    fn store_text_in(&mut self, text: &Expr, cap: u32, place: Mem) -> Result<()> {
        match self.read_source(text)? {
            Some(source) => self.read_padded(source, cap, place),
            None => self.store(text, place),
        }
    }

    fn part(&mut self, part: &Expr) -> Result<Part> {
        if let ExprKind::Str(text) = &part.kind {
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            return Ok(Part::Constant(text[..end].to_vec()));
        }
        let Type::String { cap } = part.ty else {
            return Err(self.model_error("strcontains() for what is no text"));
        };
        if cap > PART_MAX {
            return Err(self
                .error(format!("the text to search for can have {cap} bytes; {PART_MAX} are supported"))
                .help("give a constant, or a shorter text: str(address, length)"));
        }
        let place = self.alloc_scratch(layout::round_up(cap + 8));
        let mem = self.memory(part)?;
        let addr = self.address(mem);
        self.read_padded(TextSource { space: Space::Program, addr, limit: None }, cap, place)?;
        Ok(Part::Memory(place.off, cap))
    }

    fn search_unrolled(&mut self, text: Mem, cap: u32, part: &Part, result: Mem) {
        let end = self.f.b.create_block();
        for at in 0..cap {
            let [found, next] = [self.f.b.create_block(), self.f.b.create_block()];
            self.compare_at(text.at(at), part, found, next);
            self.f.b.switch_to(found);
            self.f.b.store(result.base, result.off, Size::B8, i64::from(at) + 1);
            self.f.b.jump(end, &[]);
            self.f.b.switch_to(next);
            let byte = self.f.b.load(text.base, text.off + at as i32, Size::B1);
            self.f.b.branch_away(Cond::Eq, byte, 0, end);
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    fn search_in_loop(&mut self, text: Mem, cap: u32, part: &Part, result: Mem) -> Result<()> {
        let (text_off, result_off) = (text.off, result.off);
        let func = self.callback(Body::Round, |lower| {
            let base = lower.scratch_base();
            let index = lower.f.b.param(0);
            let [stop, found, next] = [(); 3].map(|()| lower.f.b.create_block());
            lower.f.b.branch_away(Cond::Uge, index, i64::from(cap), stop);
            let place = lower.f.b.add(base, index);
            let place = Mem { base: place, off: text_off };
            lower.compare_at(place, part, found, next);
            lower.f.b.switch_to(next);
            let byte = lower.f.b.load(place.base, place.off, Size::B1);
            lower.f.b.branch_away(Cond::Eq, byte, 0, stop);
            lower.f.b.ret(0);
            lower.f.b.switch_to(found);
            let place = lower.f.b.add(index, 1);
            lower.f.b.store(base, result_off, Size::B8, place);
            lower.f.b.jump(stop, &[]);
            lower.f.b.switch_to(stop);
            lower.f.b.ret(1);
            Ok(())
        })?;
        let rounds = self.f.b.iconst(cap.into());
        self.run_loop(rounds, func);
        Ok(())
    }

    /// Goes to `found` if the part starts here, else to `next`.
    fn compare_at(&mut self, text: Mem, part: &Part, found: Block, next: Block) {
        match part {
            Part::Constant(bytes) => self.compare_constant_at(text, bytes, next),
            Part::Memory(off, cap) => {
                let base = self.scratch_base();
                for at in 0..*cap as i32 {
                    let wanted = self.f.b.load(base, off + at, Size::B1);
                    self.f.b.branch_away(Cond::Eq, wanted, 0, found);
                    let byte = self.f.b.load(text.base, text.off + at, Size::B1);
                    self.f.b.branch_away(Cond::Ne, byte, wanted, next);
                }
            }
        }
        self.f.b.jump(found, &[]);
    }

    fn compare_constant_at(&mut self, text: Mem, bytes: &[u8], next: Block) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.len() - at;
            let len = [8, 4, 2, 1].into_iter().find(|len| *len <= rest).unwrap_or(1);
            let size = Size::from_bytes(len as u32).unwrap_or(Size::B1);
            let here = self.f.b.load(text.base, text.off + at as i32, size);
            self.f.b.branch_away(Cond::Ne, here, number(&bytes[at..at + len]), next);
            at += len;
        }
    }
}
