//! Comparing values in memory, eight bytes at a time. Stored values are padded with zeros, so whole words can be compared.

use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::ty::Type;

use super::cells::Bytes;
use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// Values of more bytes are compared in a loop where the kernel has one.
const UNROLLED: u32 = 4096;
/// The verifier follows no more than 8,192 jumps, two for each word.
const UNROLLED_MOST: u32 = 24 << 10;

/// What is said of texts that differ.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    /// 1.
    Differ,
    /// -1 or 1 by the first byte that differs.
    Order,
    /// The first byte that differs less the one beside it.
    Distance,
}

/// One side of a comparison.
#[derive(Clone)]
pub(super) enum Side {
    /// In memory, of so many bytes, a multiple of 8.
    Memory(Mem, u32),
    /// Known.
    Constant(Vec<u8>),
}

impl Side {
    /// Bytes, a multiple of 8.
    fn len(&self) -> u32 {
        match self {
            Side::Memory(_, len) => *len,
            Side::Constant(bytes) => bytes.len() as u32,
        }
    }

    /// Eight bytes as a number, if they are known.
    fn constant_word(&self, at: u32) -> Option<i64> {
        let Side::Constant(bytes) = self else { return None };
        let word = bytes.get(at as usize..)?.first_chunk::<8>()?;
        Some(i64::from_le_bytes(*word))
    }
}

impl Lower<'_, '_> {
    /// Goes to `then` when two values are equal, texts by their text, else to `other`.
    pub fn branch_equal(&mut self, lhs: &Expr, rhs: &Expr, then: Block, other: Block) -> Result<()> {
        if let Some(name) = comm_and_text(lhs, rhs).or(comm_and_text(rhs, lhs))
            && self.branch_comm(name, then, other)
        {
            return Ok(());
        }
        let mark = self.mark();
        // Of a text that is read to be compared with a known one, no more is needed than tells them apart.
        let limit = constant_text(lhs).or(constant_text(rhs)).map(|text| text.len() as u32 + 1);
        let left = self.side(lhs, limit)?;
        let right = self.side(rhs, limit)?;
        if let Some((x, y)) = self.long_difference(&left, &right, u32::MAX)? {
            self.release(mark);
            self.f.b.branch(Cond::Eq, x, y, then, &[], other, &[]);
            return Ok(());
        }
        self.release(mark);
        // What is known goes to the right, where it can be part of the instruction.
        let (left, right) = if matches!(left, Side::Constant(_)) { (right, left) } else { (left, right) };
        let texts = matches!(lhs.ty, Type::String { .. });
        if !texts && left.len() != right.len() {
            return Err(self.model_error("a comparison of values of different sizes"));
        }
        if let Side::Constant(bytes) = &right
            && bytes.len() as u32 > left.len()
            && bytes[left.len() as usize..].iter().any(|byte| *byte != 0)
        {
            // A text that long does not fit there.
            self.f.b.jump(other, &[]);
            return Ok(());
        }
        self.compare_words(&left, &right, texts, then, other);
        Ok(())
    }

    /// Of two long values in memory, the first words that differ, or two words that are equal. `None` if that is done without a loop.
    fn long_difference(&mut self, left: &Side, right: &Side, most: u32) -> Result<Option<(Value, Value)>> {
        let len = left.len().min(right.len()).min(most);
        let (Side::Memory(left, _), Side::Memory(right, _)) = (left, right) else { return Ok(None) };
        if len <= UNROLLED || len <= UNROLLED_MOST && !self.g.target.bpf_loop {
            return Ok(None);
        }
        let room = layout::round_up(len);
        let [left, right] = [left, right].map(|from| {
            let bytes = self.bytes(room);
            let memory = self.bytes_memory(bytes);
            self.copy(memory, *from, room);
            bytes
        });
        if !len.is_multiple_of(8) {
            let last = self.f.b.iconst(i64::from(len / 8 * 8));
            [left, right].into_iter().for_each(|bytes| self.cut_word(bytes, last, len % 8));
        }
        let [x, y] = [self.cell(0), self.cell(0)];
        self.repeat(room / 8, |lower, round, stop| {
            let index = lower.f.b.shl(round, 3);
            let [a, b] = [left, right].map(|bytes| lower.loaded_word(bytes, index));
            lower.cell_set(x, a);
            lower.cell_set(y, b);
            lower.f.b.branch_away(Cond::Ne, a, b, stop);
            Ok(())
        })?;
        Ok(Some((self.cell_get(x), self.cell_get(y))))
    }

    fn loaded_word(&mut self, bytes: Bytes, index: Value) -> Value {
        let at = self.byte_address(bytes, index);
        self.f.b.load(at, 0, Size::B8)
    }

    /// Clears what is behind the first bytes of a word.
    fn cut_word(&mut self, bytes: Bytes, index: Value, keep: u32) {
        let at = self.byte_address(bytes, index);
        let word = self.f.b.load(at, 0, Size::B8);
        let word = self.f.b.and(word, (1i64 << (8 * keep)) - 1);
        self.f.b.store(at, 0, Size::B8, word);
    }

    fn compare_words(&mut self, left: &Side, right: &Side, texts: bool, then: Block, other: Block) {
        let mut at = 0;
        // The shorter text has its NUL within these bytes, so the longer one, being equal there, ends there too.
        let len = left.len().min(right.len());
        while at < len {
            let a = self.side_word(left, at);
            let b = self.side_operand(right, at);
            self.f.b.branch_away(Cond::Ne, a, b, other);
            at += 8;
            let known = right.constant_word(at - 8);
            if at < len && texts && known.is_none() {
                // Both texts ended before this word.
                self.f.b.branch_away(Cond::Eq, a, 0, then);
            }
        }
        self.f.b.jump(then, &[]);
    }

    /// A value to be compared; of a text, at most the first `limit` bytes count.
    fn side(&mut self, e: &Expr, limit: Option<u32>) -> Result<Side> {
        if let Some(text) = constant_text(e) {
            let mut bytes = text.to_vec();
            // The NUL takes part, and all of the padding of its word.
            bytes.resize(layout::round_up(text.len() as u32 + 1) as usize, 0);
            return Ok(Side::Constant(bytes));
        }
        if let (Some(limit), Type::String { cap }) = (limit, &e.ty)
            && limit + 1 < *cap
            && let Some(mut source) = self.read_source(e)?
        {
            source.limit = Some(match source.limit {
                Some(Operand::Imm(own)) => Operand::Imm(own.min(limit.into())),
                Some(own) => own,
                None => Operand::Imm(limit.into()),
            });
            let short = Type::String { cap: limit + 1 };
            let mem = self.alloc(&short);
            self.read_padded(source, limit + 1, mem)?;
            return Ok(Side::Memory(mem, layout::size(&short)));
        }
        let mem = self.memory(e)?;
        Ok(Side::Memory(mem, layout::size(&e.ty)))
    }

    fn side_word(&mut self, side: &Side, at: u32) -> Value {
        match side {
            Side::Memory(mem, _) => self.f.b.load(mem.base, mem.off + at as i32, Size::B8),
            Side::Constant(_) => self.f.b.iconst(side.constant_word(at).unwrap_or(0)),
        }
    }

    fn side_operand(&mut self, side: &Side, at: u32) -> Operand {
        match side.constant_word(at) {
            Some(word) => Operand::Imm(word),
            None => Operand::Value(self.side_word(side, at)),
        }
    }

    /// `strncmp` and `memcmp`: 0 when the first `n` bytes are equal, else the verdict.
    pub fn first_bytes(&mut self, a: &Expr, b: &Expr, n: &Expr, verdict: Verdict) -> Result<Value> {
        let ExprKind::Int(n) = n.kind else {
            return Err(self.error("the number of bytes to be compared must be a constant"));
        };
        let limit = u32::try_from(n).ok().filter(|limit| *limit > 0);
        self.compared(a, b, limit, Some(u32::try_from(n.max(0)).unwrap_or(u32::MAX)), verdict)
    }

    /// `strcmp`: 0 when two texts are equal, else -1 or 1 by the first byte that differs.
    pub fn strcmp(&mut self, a: &Expr, b: &Expr) -> Result<Value> {
        if !matches!((&a.ty, &b.ty), (Type::String { .. }, Type::String { .. })) {
            return Err(self.model_error("strcmp() of what is no text"));
        }
        self.compared(a, b, None, None, Verdict::Order)
    }

    /// 0 when two texts, or their first `most` bytes, are equal, else the verdict; no more than `limit` bytes are read.
    fn compared(
        &mut self,
        a: &Expr,
        b: &Expr,
        limit: Option<u32>,
        most: Option<u32>,
        verdict: Verdict,
    ) -> Result<Value> {
        let mark = self.mark();
        let left = self.side(a, limit)?;
        let right = self.side(b, limit)?;
        if let Some((x, y)) = self.long_difference(&left, &right, most.unwrap_or(u32::MAX))? {
            self.release(mark);
            let zero = self.f.b.iconst(0);
            let result = self.verdict(verdict, x, y);
            return Ok(self.f.b.select(Cond::Eq, x, y, zero, result));
        }
        self.release(mark);
        // Beyond the shorter text's memory there is nothing to compare: it has ended.
        let len = most.unwrap_or(u32::MAX).min(left.len()).min(right.len());
        let (end, result) = self.join();
        let differ = self.f.b.create_block();
        let (x, y) = (self.f.b.append_param(differ), self.f.b.append_param(differ));
        self.compare_texts((&left, &right), len, most.is_none(), (end, differ));
        self.f.b.switch_to(differ);
        let found = self.verdict(verdict, x, y);
        self.f.b.jump(end, &[found]);
        self.f.b.switch_to(end);
        Ok(result)
    }

    /// Compares `len` bytes word by word: goes to `differ` with two words that are not the same, and to `end` with 0 if there are none, or
    /// if both are texts that end before.
    fn compare_texts(
        &mut self,
        (left, right): (&Side, &Side),
        len: u32,
        are_texts: bool,
        (end, differ): (Block, Block),
    ) {
        let mut at = 0;
        while at < len {
            let (mut a, mut b) = (self.side_word(left, at), self.side_word(right, at));
            if len - at < 8 {
                let mask = (1i64 << (8 * (len - at))) - 1;
                (a, b) = (self.f.b.and(a, mask), self.f.b.and(b, mask));
            }
            let same = self.f.b.create_block();
            self.f.b.branch(Cond::Ne, a, b, differ, &[a, b], same, &[]);
            self.f.b.switch_to(same);
            at += 8;
            if are_texts && at < len {
                // Both texts ended before this word.
                let next = self.f.b.create_block();
                let zero = self.f.b.iconst(0);
                self.f.b.branch(Cond::Eq, a, 0, end, &[zero], next, &[]);
                self.f.b.switch_to(next);
            }
        }
        let zero = self.f.b.iconst(0);
        self.f.b.jump(end, &[zero]);
    }

    /// What is said of two words that differ.
    fn verdict(&mut self, verdict: Verdict, x: Value, y: Value) -> Value {
        match verdict {
            Verdict::Differ => self.f.b.iconst(1),
            Verdict::Order => self.sign(x, y),
            Verdict::Distance => self.distance(x, y),
        }
    }

    /// The difference of the first bytes that differ. The words are shifted until these are the lowest.
    fn distance(&mut self, mut x: Value, mut y: Value) -> Value {
        let none = self.f.b.iconst(0);
        for bits in [32, 16, 8] {
            let differ = self.f.b.xor(x, y);
            let low = self.f.b.and(differ, (1i64 << bits) - 1);
            let all = self.f.b.iconst(bits);
            let shift = self.f.b.select(Cond::Eq, low, 0, all, none);
            (x, y) = (self.f.b.shr(x, shift), self.f.b.shr(y, shift));
        }
        let (x, y) = (self.f.b.and(x, 0xff), self.f.b.and(y, 0xff));
        self.f.b.sub(x, y)
    }

    /// -1 or 1 by the first byte that differs.
    fn sign(&mut self, x: Value, y: Value) -> Value {
        let (first, second) = (self.f.b.bswap(x, Size::B8), self.f.b.bswap(y, Size::B8));
        let [less, more] = [-1, 1].map(|sign| self.f.b.iconst(sign));
        self.f.b.select(Cond::Ult, first, second, less, more)
    }
}

/// The text that the thread's name is compared with.
fn comm_and_text<'e>(comm: &Expr, text: &'e Expr) -> Option<&'e [u8]> {
    matches!(comm.kind, ExprKind::Builtin(Builtin::Comm)).then(|| constant_text(text)).flatten()
}

/// Constant text up to its first NUL.
fn constant_text(e: &Expr) -> Option<&[u8]> {
    let ExprKind::Str(text) = &e.kind else { return None };
    text.split(|byte| *byte == 0).next()
}
