//! D's functions of texts.
//!
//! A text that is worked on is first read into scratch memory. Most results are a part of such a text: the function finds where it starts
//! and how long it is. The others are written byte by byte.

mod address;
mod case;
mod dentry;
mod find;
mod json;
mod number;
mod part;
mod path;
pub(super) mod token;

use quadrant_program::expr::Expr;
use quadrant_program::expr::TextFunction;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::cells::Bytes;
use super::cells::Cell;
use super::error::Result;
use super::memory::Mem;
use super::text::TextSource;
use super::unit::Lower;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// A text in scratch memory, with its NUL.
#[derive(Clone, Copy)]
pub(super) struct Text {
    /// Its bytes.
    pub bytes: Bytes,
    /// Bytes that it can have, the NUL included.
    pub cap: u32,
    /// Its length without the NUL.
    pub len: Cell,
}

impl Lower<'_, '_> {
    /// A function of texts whose value is a number.
    pub fn text_number(&mut self, function: TextFunction, args: &[Expr]) -> Result<Value> {
        let mark = self.mark();
        let value = match (function, args) {
            (TextFunction::Index { last }, [text, part]) => self.index(text, part, None, last),
            (TextFunction::Index { last }, [text, part, start]) => self.index(text, part, Some(start), last),
            (TextFunction::Strtoll, [text]) => self.strtoll(text, None),
            (TextFunction::Strtoll, [text, base]) => self.strtoll(text, Some(base)),
            _ => Err(self.wrong_arguments(function, args)),
        };
        self.release(mark);
        value
    }

    /// A function of texts whose value is a text of that cap.
    pub fn store_text_call(&mut self, function: TextFunction, args: &[Expr], cap: u32, to: Mem) -> Result<()> {
        if cap == 0 {
            return Err(self.model_error("a text without room for its NUL"));
        }
        let mark = self.mark();
        let stored = match (function, args) {
            (TextFunction::Strchr { last }, [text, byte]) => self.store_from_byte(text, byte, last, cap, to),
            (TextFunction::Strstr, [text, part]) => self.store_from_part(text, part, cap, to),
            (TextFunction::Substr, [text, start]) => self.store_substr(text, start, None, cap, to),
            (TextFunction::Substr, [text, start, len]) => self.store_substr(text, start, Some(len), cap, to),
            (TextFunction::Strtok, [text, separators]) => self.store_token(text, separators, cap, to),
            (TextFunction::Basename, [path]) => self.store_basename(path, cap, to),
            (TextFunction::Dirname, [path]) => self.store_dirname(path, cap, to),
            (TextFunction::Cleanpath, [path]) => self.store_cleanpath(path, cap, to),
            (TextFunction::Lltostr, [number]) => self.store_number_text(number, None, cap, to),
            (TextFunction::Lltostr, [number, base]) => self.store_number_text(number, Some(base), cap, to),
            (TextFunction::Upper, [text]) => self.store_case(text, true, cap, to),
            (TextFunction::Lower, [text]) => self.store_case(text, false, cap, to),
            (TextFunction::Ntop, [family, addr]) => self.store_internet(family, addr, cap, to),
            (TextFunction::Ntoa6, [addr]) => self.store_internet6(addr, cap, to),
            (TextFunction::LinkNtop, [addr, len]) => self.store_link_address(addr, len, cap, to),
            (TextFunction::Json, [text, path]) => self.store_json(text, path, cap, to),
            (TextFunction::DPath, [path]) => self.store_path(path, cap, to),
            (TextFunction::DentryPath, [dentry]) => self.store_dentry_path(dentry, cap, to),
            _ => Err(self.wrong_arguments(function, args)),
        };
        self.release(mark);
        stored
    }

    fn wrong_arguments(&self, function: TextFunction, args: &[Expr]) -> super::error::CompileError {
        self.model_error(format_args!("{function:?} of {} arguments", args.len()))
    }

    /// Reads a text into scratch memory.
    pub fn loaded_text(&mut self, e: &Expr) -> Result<Text> {
        let Type::String { cap } = e.ty else {
            return Err(self.model_error(format_args!("a {:?} where a text is needed", e.ty)));
        };
        let cap = cap.max(1);
        let text = Text { bytes: self.bytes(cap), cap, len: self.cell(0) };
        self.load_text(e, text)?;
        Ok(text)
    }

    /// Reads a text to a place that has room for its cap.
    fn load_text(&mut self, e: &Expr, text: Text) -> Result<()> {
        let Type::String { cap } = e.ty else {
            return Err(self.model_error(format_args!("a {:?} where a text is needed", e.ty)));
        };
        let cap = cap.max(1);
        let memory = self.bytes_memory(text.bytes);
        let to = self.address(memory);
        let len = self.read_measured(e, cap, to)?;
        // One that was cut has no NUL at its end.
        self.f.b.store(memory.base, memory.off + cap as i32 - 1, Size::B1, 0);
        self.cell_set(text.len, len);
        Ok(())
    }

    /// Stores a part of a text: from a place on, at most so many bytes.
    fn store_part(&mut self, bytes: Bytes, start: Value, len: impl Into<Operand>, cap: u32, to: Mem) -> Result<()> {
        let addr = self.byte_address(bytes, start);
        self.read_padded(TextSource { space: Space::Program, addr, limit: Some(len.into()) }, cap, to)
    }
}
