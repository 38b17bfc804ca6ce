//! What the file of a pinned iterator shows. The tracer is gone when it is read, so the program formats what it prints: the kernel
//! writes numbers for it, texts it writes itself.

mod number;
mod text;

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::format::Conversion;
use quadrant_program::format::Count;
use quadrant_program::format::Format;
use quadrant_program::format::Piece;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::error::CompileError;
use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::Context;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// What tells the kernel to show the object again when the walk goes on.
const AGAIN: i64 = 1;
/// In `struct seq_file`: bytes of its buffer, and how many of them are used.
const SIZE: i32 = 8;
const COUNT: i32 = 24;
/// Most numbers that the kernel formats at once (`MAX_BPRINTF_VARARGS`).
const NUMBERS_MAX: usize = 12;

/// Text and numbers that are written by one call.
#[derive(Default)]
struct Line {
    /// As the kernel's format.
    format: Vec<u8>,
    /// As it is, if there are no numbers.
    text: Vec<u8>,
    values: Vec<Value>,
}

impl Lower<'_, '_> {
    /// Whether the unit's output is what a file shows.
    pub fn is_shown_by_file(&self) -> bool {
        matches!(self.unit.context, Context::Iter { pinned: true, .. })
    }

    /// Leaves before anything is done when half of the file's buffer is used: an object that does not fit is shown again from its start,
    /// and what was done for it in maps would be done twice.
    pub fn wait_for_room_in_file(&mut self) {
        let seq = self.seq();
        let size = self.f.b.load(seq, SIZE, Size::B8);
        let half = self.f.b.shr(size, 1);
        let count = self.f.b.load(seq, COUNT, Size::B8);
        let [full, go]: [Block; 2] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Ugt, count, half, full, &[], go, &[]);
        self.f.b.switch_to(full);
        self.f.b.ret(AGAIN);
        self.f.b.switch_to(go);
    }

    /// Writes what a record would have told the tracer to print.
    pub fn write_record(&mut self, record: &Record, args: &[Expr]) -> Result<()> {
        if matches!(self.unit.context, Context::Iter { waits: false, .. }) {
            return Err(self.cannot_go_on());
        }
        match (&record.kind, args) {
            (RecordKind::Printf(format), args) => self.write_format(format, args),
            (RecordKind::PrintText(text), []) => {
                let mut line = Line::default();
                self.add_text(&mut line, &[text, b"\n".as_slice()].concat());
                self.flush(&mut line);
                Ok(())
            }
            (RecordKind::Print | RecordKind::PrintOwn, [value]) => {
                let shown = Conversion { kind: "s".to_owned(), ..Conversion::default() };
                let pieces = vec![Piece::Conversion(shown), Piece::Text(b"\n".to_vec())];
                self.write_format(&Format { pieces }, std::slice::from_ref(value))
            }
            (kind, _) => Err(self.needs_the_tracer(kind)),
        }
    }

    /// The kernel's walk over cgroups begins anew when its buffer is full.
    fn cannot_go_on(&self) -> CompileError {
        let message = "not supported: printing in `iter:cgroup` that stays as a file: the kernel does not go on with that walk when \
             its buffer of 32 KB is full, so the file would end there";
        self.error(message.to_owned()).help("leave out the file's name, or only count in maps")
    }

    fn needs_the_tracer(&self, kind: &RecordKind) -> CompileError {
        let message = format!(
            "not supported: {} in an iterator that stays as a file: the tracer would do it, and is gone when the file is read",
            name(kind)
        );
        self.error(message).help("print with printf() and print(), or leave out the file's name")
    }

    fn write_format(&mut self, format: &Format, args: &[Expr]) -> Result<()> {
        let mut line = Line::default();
        let mut args = args.iter();
        for piece in &format.pieces {
            match piece {
                Piece::Text(text) => self.add_text(&mut line, text),
                Piece::Conversion(conversion) => self.add_conversion(&mut line, conversion, &mut args)?,
            }
        }
        self.flush(&mut line);
        Ok(())
    }

    fn add_conversion<'e>(
        &mut self,
        line: &mut Line,
        conversion: &Conversion,
        args: &mut impl Iterator<Item = &'e Expr>,
    ) -> Result<()> {
        let counts = [conversion.width, conversion.precision];
        let arg = args.next().ok_or_else(|| self.model_error("a format without its value"))?;
        if counts.contains(&Some(Count::Argument)) {
            return Err(not_written(arg.span, "a width or precision given as `*`"));
        }
        if let ("s", ExprKind::Str(text)) = (conversion.kind.as_str(), &arg.kind) {
            self.add_own_text(line, conversion, text);
            return Ok(());
        }
        match (conversion.kind.as_str(), &arg.ty) {
            ("s", Type::String { .. } | Type::Bool) => {
                self.flush(line);
                self.write_text(conversion, arg)
            }
            ("s", ty) => self.add_shown(line, conversion, arg, ty),
            ("c", _) => {
                self.flush(line);
                self.write_character(conversion, arg)
            }
            _ => self.add_number(line, conversion, arg),
        }
    }

    /// A text of the script itself.
    fn add_own_text(&mut self, line: &mut Line, conversion: &Conversion, text: &[u8]) {
        let limit = fixed(conversion.precision).map_or(text.len(), |limit| text.len().min(limit as usize));
        let blanks = vec![b' '; (fixed(conversion.width).unwrap_or(0) as usize).saturating_sub(limit)];
        let padded = match conversion.left {
            true => [&text[..limit], &blanks].concat(),
            false => [&blanks, &text[..limit]].concat(),
        };
        self.add_text(line, &padded);
    }

    /// Text that the kernel's formats may have in them joins what is written next; other text is written by itself.
    fn add_text(&mut self, line: &mut Line, text: &[u8]) {
        let plain = text.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        if !plain {
            self.flush(line);
        }
        line.text.extend(text);
        let doubled = text.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b'%' { 2 } else { 1 }));
        line.format.extend(doubled);
        if !plain {
            self.flush(line);
        }
    }

    /// A number, with its conversion in the kernel's format.
    fn add_value(&mut self, line: &mut Line, conversion: &str, value: Value) {
        if line.values.len() == NUMBERS_MAX {
            self.flush(line);
        }
        line.format.extend(conversion.bytes());
        line.values.push(value);
    }

    /// Writes the line, and starts the next one.
    fn flush(&mut self, line: &mut Line) {
        let Line { mut format, text, values } = std::mem::take(line);
        if values.is_empty() {
            return self.write_constant(&text);
        }
        format.push(0);
        let mark = self.mark();
        let size = self.f.b.iconst(format.len() as i64);
        let len = format.len() as u32;
        let format = self.constant(format, len);
        let data = self.alloc_bytes(8 * values.len() as u32);
        for (at, value) in values.iter().enumerate() {
            self.f.b.store(data.base, data.off + 8 * at as i32, Size::B8, *value);
        }
        let (seq, format, data) = (self.seq(), self.address(format), self.address(data));
        let bytes = self.f.b.iconst(8 * values.len() as i64);
        self.f.b.call(helper::SEQ_PRINTF, &[seq, format, size, data, bytes]);
        self.release(mark);
    }

    fn write_constant(&mut self, text: &[u8]) {
        if !text.is_empty() {
            let memory = self.constant(text.to_vec(), text.len() as u32);
            self.write_bytes(memory, text.len() as i64);
        }
    }

    /// Writes bytes of memory that the program owns.
    fn write_bytes(&mut self, memory: Mem, len: impl Into<Operand>) {
        let (seq, data) = (self.seq(), self.address(memory));
        let len = self.f.b.operand_value(len.into());
        self.f.b.call(helper::SEQ_WRITE, &[seq, data, len]);
    }

    /// The file: it is in what the walk is, which is the first word of the context.
    fn seq(&mut self) -> Value {
        let meta = self.f.b.load(self.f.ctx, 0, Size::B8);
        self.f.b.load(meta, 0, Size::B8)
    }
}

fn fixed(count: Option<Count>) -> Option<u32> {
    match count {
        Some(Count::Fixed(count)) => Some(count),
        _ => None,
    }
}

/// What programs do not format.
fn not_written(span: Span, what: impl std::fmt::Display) -> CompileError {
    let message = format!(
        "not supported: {what} in an iterator that stays as a file: the kernel writes it, and the tracer is gone by then"
    );
    let help =
        "programs write %d, %i, %u, %x, %X, %p, %c and %s of numbers and texts, with a width; %s with a precision";
    CompileError::new(span, message).help(help)
}

/// The function that makes such records.
fn name(kind: &RecordKind) -> &'static str {
    match kind {
        RecordKind::Errorf(_) => "errorf()",
        RecordKind::Warnf(_) => "warnf()",
        RecordKind::System(_) => "system()",
        RecordKind::Cat(_) => "cat()",
        RecordKind::PrintElement(_) | RecordKind::PrintMap { .. } => "print() of a map",
        RecordKind::Clear(_) => "clear()",
        RecordKind::Zero(_) => "zero()",
        RecordKind::Time(_) => "time()",
        RecordKind::Join(_) => "join()",
        RecordKind::Exit => "exit()",
        _ => "this",
    }
}
