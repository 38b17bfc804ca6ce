//! Names of files: `basename`, `dirname`, `cleanpath`.

use quadrant_program::expr::Expr;

use super::Text;
use crate::lower::cells::Bytes;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Value;

const SLASH: i64 = b'/' as i64;
const DOT: i64 = b'.' as i64;

/// Where the parts of a path are.
#[derive(Clone, Copy)]
struct Parts {
    /// Start of the last part, or -1.
    start: Cell,
    /// Its end.
    end: Cell,
    /// End of the part before it, or 0.
    before: Cell,
}

/// A path that is written without what is redundant in it.
#[derive(Clone, Copy)]
struct Cleaning {
    text: Text,
    out: Bytes,
    /// Next byte to read.
    at: Cell,
    /// Bytes written.
    len: Cell,
    /// Where the current part starts in what was written.
    part: Cell,
    /// Nothing before this is taken back: the root, or `..` that lead above the start.
    floor: Cell,
    /// Not zero while a part is taken back, byte by byte.
    back: Cell,
    /// Not zero if the path starts at the root.
    absolute: Cell,
}

impl Lower<'_, '_> {
    /// The last part of a path without slashes: `/` of slashes only, `.` of nothing.
    pub fn store_basename(&mut self, path: &Expr, cap: u32, to: Mem) -> Result<()> {
        let text = self.loaded_text(path)?;
        let parts = self.path_parts(text)?;
        let start = self.cell_get(parts.start);
        self.when(Cond::Slt, start, 0, |lower| lower.root_or_dot(text, parts.start, parts.end));
        let (start, end) = (self.cell_get(parts.start), self.cell_get(parts.end));
        let len = self.f.b.sub(end, start);
        self.store_part(text.bytes, start, len, cap, to)
    }

    /// All but the last part of a path, without slashes at its end: `/` of the root, `.` of one part.
    pub fn store_dirname(&mut self, path: &Expr, cap: u32, to: Mem) -> Result<()> {
        let text = self.loaded_text(path)?;
        let parts = self.path_parts(text)?;
        let (start, before) = (self.cell_get(parts.start), self.cell_get(parts.before));
        self.cell_set(parts.end, before);
        self.when(Cond::Eq, before, 0, |lower| {
            // One part, with slashes before it or not.
            lower.when(Cond::Eq, start, 0, |lower| lower.cell_set(text.len, 0));
            lower.root_or_dot(text, parts.start, parts.end);
        });
        let (end, zero) = (self.cell_get(parts.end), self.f.b.iconst(0));
        self.store_part(text.bytes, zero, end, cap, to)
    }

    /// Makes the part the first byte of the text: its slash, or a dot where it is empty.
    fn root_or_dot(&mut self, text: Text, start: Cell, end: Cell) {
        let len = self.cell_get(text.len);
        self.when(Cond::Eq, len, 0, |lower| {
            let memory = lower.bytes_memory(text.bytes);
            lower.write(memory, b".\0");
        });
        self.cell_set(start, 0);
        self.cell_set(end, 1);
    }

    fn path_parts(&mut self, text: Text) -> Result<Parts> {
        let parts = Parts { start: self.cell(-1), end: self.cell(0), before: self.cell(0) };
        let in_part = self.cell(0);
        let len = self.cell_get(text.len);
        self.repeat(len, |lower, at, _| {
            let byte = lower.byte(text.bytes, at);
            lower.when(Cond::Eq, byte, SLASH, |lower| {
                lower.cell_set(in_part, 0);
                lower.f.b.ret(0);
            });
            let goes_on = lower.cell_get(in_part);
            lower.when(Cond::Eq, goes_on, 0, |lower| {
                let end = lower.cell_get(parts.end);
                lower.cell_set(parts.before, end);
                lower.cell_set(parts.start, at);
                lower.cell_set(in_part, 1);
            });
            let end = lower.f.b.add(at, 1);
            lower.cell_set(parts.end, end);
            Ok(())
        })?;
        Ok(parts)
    }

    /// A path without empty parts, without `.`, and without `..` where there is a part before it.
    pub fn store_cleanpath(&mut self, path: &Expr, cap: u32, to: Mem) -> Result<()> {
        let text = self.loaded_text(path)?;
        let clean = self.cleaning(text);
        let len = self.cell_get(text.len);
        // Each byte is read once, and taken back at most once.
        let rounds = self.f.b.add(len, 2);
        let rounds = self.f.b.shl(rounds, 1);
        self.repeat(rounds, |lower, _, stop| {
            lower.clean_step(clean, stop);
            Ok(())
        })?;
        let (len, written) = (self.cell_get(text.len), self.cell_get(clean.len));
        self.when(Cond::Eq, written, 0, |lower| {
            lower.when(Cond::Ne, len, 0, |lower| lower.push_byte(clean.out, clean.len, DOT));
        });
        self.drop_last_slash(clean);
        let (written, zero) = (self.cell_get(clean.len), self.f.b.iconst(0));
        self.store_part(clean.out, zero, written, cap, to)
    }

    /// A slash at the end goes, unless it is all of the path.
    fn drop_last_slash(&mut self, clean: Cleaning) {
        let written = self.cell_get(clean.len);
        self.when(Cond::Ugt, written, 1, |lower| {
            let before = lower.f.b.sub(written, 1);
            let last = lower.byte(clean.out, before);
            lower.when(Cond::Eq, last, SLASH, |lower| lower.cell_set(clean.len, before));
        });
    }

    fn cleaning(&mut self, text: Text) -> Cleaning {
        let out = self.bytes(text.cap + 1);
        let [at, len, part, floor, back, absolute] = [(); 6].map(|()| self.cell(0));
        let zero = self.f.b.iconst(0);
        let first = self.byte(text.bytes, zero);
        let full = self.cell_get(text.len);
        self.when(Cond::Ne, full, 0, |lower| {
            lower.when(Cond::Eq, first, SLASH, |lower| {
                lower.push_byte(out, len, SLASH);
                [part, floor, absolute].into_iter().for_each(|cell| lower.cell_set(cell, 1));
            });
        });
        Cleaning { text, out, at, len, part, floor, back, absolute }
    }

    /// Reads a byte, or takes one back.
    fn clean_step(&mut self, clean: Cleaning, stop: Block) {
        let back = self.cell_get(clean.back);
        self.when(Cond::Ne, back, 0, |lower| {
            lower.take_back(clean);
            lower.f.b.ret(0);
        });
        let (at, len) = (self.cell_get(clean.at), self.cell_get(clean.text.len));
        self.f.b.branch_away(Cond::Sgt, at, len, stop);
        self.cell_add(clean.at, 1);
        let byte = self.byte(clean.text.bytes, at);
        let [ends, goes_on, inside] = [(); 3].map(|()| self.f.b.create_block());
        self.f.b.branch(Cond::Eq, at, len, ends, &[], inside, &[]);
        self.f.b.switch_to(inside);
        self.f.b.branch(Cond::Eq, byte, SLASH, ends, &[], goes_on, &[]);
        self.f.b.switch_to(goes_on);
        self.push_byte(clean.out, clean.len, byte);
        self.f.b.ret(0);
        self.f.b.switch_to(ends);
        self.end_part(clean, byte);
    }

    /// Decides about the part that ended: by a slash, or by the end of the path.
    fn end_part(&mut self, clean: Cleaning, byte: Value) {
        let (part, end) = (self.cell_get(clean.part), self.cell_get(clean.len));
        let len = self.f.b.sub(end, part);
        let [keep, one, two] = [(); 3].map(|()| self.f.b.create_block());
        self.when(Cond::Eq, len, 0, |lower| lower.f.b.ret(0));
        let first = self.byte(clean.out, part);
        self.f.b.branch_away(Cond::Ne, first, DOT, keep);
        self.f.b.branch_away(Cond::Eq, len, 1, one);
        self.f.b.branch(Cond::Eq, len, 2, two, &[], keep, &[]);
        self.f.b.switch_to(two);
        let second = self.f.b.add(part, 1);
        let second = self.byte(clean.out, second);
        self.f.b.branch_away(Cond::Ne, second, DOT, keep);
        self.go_up(clean, part, byte);
        self.f.b.switch_to(one);
        self.cell_set(clean.len, part);
        self.f.b.ret(0);
        self.f.b.switch_to(keep);
        self.keep_part(clean, byte);
    }

    /// The part is `..`.
    fn go_up(&mut self, clean: Cleaning, part: Value, byte: Value) {
        let floor = self.cell_get(clean.floor);
        self.when(Cond::Sgt, part, floor, |lower| {
            // Its slash goes, then the part before it.
            let end = lower.f.b.sub(part, 1);
            lower.cell_set(clean.len, end);
            lower.cell_set(clean.back, 1);
            lower.f.b.ret(0);
        });
        let absolute = self.cell_get(clean.absolute);
        self.when(Cond::Ne, absolute, 0, |lower| {
            lower.cell_set(clean.len, part);
            lower.f.b.ret(0);
        });
        // It leads above the start, and stays.
        self.when(Cond::Eq, byte, SLASH, |lower| lower.push_byte(clean.out, clean.len, SLASH));
        let end = self.cell_get(clean.len);
        self.cell_set(clean.part, end);
        self.cell_set(clean.floor, end);
        self.f.b.ret(0);
    }

    fn keep_part(&mut self, clean: Cleaning, byte: Value) {
        self.when(Cond::Eq, byte, SLASH, |lower| lower.push_byte(clean.out, clean.len, SLASH));
        let end = self.cell_get(clean.len);
        self.cell_set(clean.part, end);
        self.f.b.ret(0);
    }

    /// Takes back one byte of a part, or finds that its start is reached.
    fn take_back(&mut self, clean: Cleaning) {
        let (end, floor) = (self.cell_get(clean.len), self.cell_get(clean.floor));
        let [done, more] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch_away(Cond::Sle, end, floor, done);
        let before = self.f.b.sub(end, 1);
        let byte = self.byte(clean.out, before);
        self.f.b.branch(Cond::Eq, byte, SLASH, done, &[], more, &[]);
        self.f.b.switch_to(more);
        self.cell_set(clean.len, before);
        self.f.b.ret(0);
        self.f.b.switch_to(done);
        self.cell_set(clean.part, end);
        self.cell_set(clean.back, 0);
    }
}
