//! Texts. A program chose them, and the file may be shown by a terminal: bytes that are no printable ASCII become `?`.

use quadrant_program::expr::Expr;
use quadrant_program::format::Conversion;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::fixed;
use super::not_written;
use crate::lower::cells::Bytes;
use crate::lower::cells::Cell;
use crate::lower::cells::UNROLLED_MOST;
use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::text::TextSource;
use crate::lower::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Shown of a text that cannot be read.
const UNREADABLE: &[u8; 7] = b"<fault>";
/// The greatest width of a text.
const WIDTH_MAX: u32 = 255;

/// A byte in all places of a word.
const fn everywhere(byte: u8) -> i64 {
    i64::from_ne_bytes([byte; 8])
}

impl Lower<'_, '_> {
    /// `%s` of a text or of a truth value.
    pub(super) fn write_text(&mut self, conversion: &Conversion, arg: &Expr) -> Result<()> {
        let mark = self.mark();
        let (source, cap) = self.shown_source(arg)?;
        let trailer = self.g.program.config.cut_trailer.len() as u32;
        let bytes = self.bytes(cap.max(UNREADABLE.len() as u32) + trailer + 1);
        // As in the tracer, truth values are whole.
        let limit = fixed(conversion.precision).filter(|_| arg.ty != Type::Bool);
        let len = self.read_shown(source, cap, bytes, limit)?;
        let memory = self.bytes_memory(bytes);
        self.write_padded(conversion, arg, memory, (len, bytes.mask()))?;
        self.release(mark);
        Ok(())
    }

    fn shown_source(&mut self, arg: &Expr) -> Result<(TextSource, u32)> {
        if arg.ty == Type::Bool {
            let value = self.scalar(arg)?;
            let [no, yes] = ["false", "true"].map(|text| {
                let text = self.constant([text.as_bytes(), b"\0"].concat(), 8);
                self.address(text)
            });
            let addr = self.f.b.select(Cond::Ne, value, 0, yes, no);
            return Ok((TextSource { space: Space::Program, addr, limit: None }, 6));
        }
        let Type::String { cap } = arg.ty else { return Err(self.model_error("a text of another type")) };
        let source = match self.read_source(arg)? {
            Some(source) => source,
            None => self.own_text(arg)?,
        };
        Ok((source, cap.max(1)))
    }

    /// Reads a text and limits it, or what is shown in its place; gives the length. Only what was read is made harmless: the rest is the
    /// script's own.
    fn read_shown(&mut self, source: TextSource, cap: u32, bytes: Bytes, limit: Option<u32>) -> Result<Cell> {
        let len = self.cell(0);
        let to = self.bytes_memory(bytes);
        let dst = self.address(to);
        let (got, may_be_cut) = self.read_text(source, cap, dst)?;
        if cap > UNROLLED_MOST {
            self.need_bpf_loop(&format!(
                "`%s` of more than {UNROLLED_MOST} bytes in an iterator that stays as a file"
            ))?;
        }
        self.each_word(bytes, cap, |lower, word| lower.printable(word))?;
        let [end, fault, cut] = [(); 3].map(|()| self.f.b.create_block());
        self.f.b.branch_away(Cond::Slt, got, 0, fault);
        self.f.b.branch_away(Cond::Eq, got, 0, end);
        if may_be_cut {
            self.f.b.branch_away(Cond::Ugt, got, i64::from(cap), cut);
        }
        let whole = self.f.b.sub(got, 1);
        self.cell_set(len, whole);
        self.limit_length(len, limit);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(fault);
        self.bad_address(source.space, source.addr);
        self.end_with(to, UNREADABLE, len, 0);
        self.f.b.jump(end, &[]);
        if self.f.b.is_reachable(cut) {
            self.f.b.switch_to(cut);
            self.lose(LossKind::Cut);
            let trailer = self.g.program.config.cut_trailer.clone().into_bytes();
            self.end_with(to, &trailer, len, cap - 1);
            self.limit_length(len, limit);
            self.f.b.jump(end, &[]);
        }
        self.f.b.switch_to(end);
        Ok(len)
    }

    fn limit_length(&mut self, len: Cell, limit: Option<u32>) {
        if let Some(limit) = limit {
            let have = self.cell_get(len);
            self.when(Cond::Ugt, have, i64::from(limit), |lower| lower.cell_set(len, i64::from(limit)));
        }
    }

    /// Puts bytes behind the first `at` bytes of a text, which end it.
    fn end_with(&mut self, to: Mem, bytes: &[u8], len: Cell, at: u32) {
        self.write(to.at(at), bytes);
        self.cell_set(len, i64::from(at) + bytes.len() as i64);
    }

    /// `%c`.
    pub(super) fn write_character(&mut self, conversion: &Conversion, arg: &Expr) -> Result<()> {
        let mark = self.mark();
        let value = self.scalar(arg)?;
        let value = self.f.b.and(value, 0xff);
        let word = self.printable(value);
        let place = self.alloc_scratch(8);
        self.f.b.store(place.base, place.off, Size::B8, word);
        let len = self.cell(1);
        self.write_padded(conversion, arg, place, (len, 7))?;
        self.release(mark);
        Ok(())
    }

    /// Writes bytes and the blanks that they lack of the width; a length is never above its mask.
    fn write_padded(&mut self, conversion: &Conversion, arg: &Expr, text: Mem, (len, mask): (Cell, u32)) -> Result<()> {
        let width = fixed(conversion.width).unwrap_or(0);
        if width > WIDTH_MAX {
            return Err(not_written(arg.span, format_args!("a text wider than {WIDTH_MAX}")));
        }
        if !conversion.left {
            self.write_blanks(width, len);
        }
        let bytes = self.cell_get(len);
        let bytes = self.f.b.and(bytes, i64::from(mask));
        self.write_bytes(text, bytes);
        if conversion.left {
            self.write_blanks(width, len);
        }
        Ok(())
    }

    fn write_blanks(&mut self, width: u32, len: Cell) {
        if width == 0 {
            return;
        }
        let blanks = self.constant(vec![b' '; WIDTH_MAX as usize], WIDTH_MAX);
        let have = self.cell_get(len);
        self.when(Cond::Ult, have, i64::from(width), |lower| {
            let width = lower.f.b.iconst(width.into());
            let missing = lower.f.b.sub(width, have);
            let missing = lower.f.b.and(missing, i64::from(WIDTH_MAX));
            lower.write_bytes(blanks, missing);
        });
    }

    /// Eight bytes at once: of a byte that is to be replaced the top bit is found out, which then becomes all of its bits.
    fn printable(&mut self, word: Value) -> Value {
        let b = &mut self.f.b;
        let low = b.and(word, everywhere(0x7f));
        let from_blank = b.add(low, everywhere(0x80 - b' '));
        let delete = b.add(low, everywhere(1));
        let controls = b.not(from_blank);
        let odd = b.or(controls, delete);
        let odd = b.or(odd, word);
        let odd = b.and(odd, everywhere(0x80));
        let (above, below) = (b.shl(odd, 1), b.shr(odd, 7));
        let mask = b.sub(above, below);
        let marks = b.and(mask, everywhere(b'?'));
        let inverse = b.not(mask);
        let kept = b.and(word, inverse);
        b.or(kept, marks)
    }
}
