//! The probe's context: fields of its record, arguments, registers, and which point it was.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::probe::ArgLoc;
use quadrant_program::probe::Operand as Place;
use quadrant_program::probe::Site;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::error::Result;
use super::unit::Lower;
use crate::object::Context;
use crate::object::RawRead;
use crate::ssa::Size;
use crate::ssa::Value;

/// Bytes at the start of a tracepoint's record that programs cannot see.
const HIDDEN: u32 = 8;
/// Words of a raw tracepoint's context.
const RAW_ARGUMENTS: u8 = 12;

impl Lower<'_, '_> {
    /// Whether the context is the tracepoint's record itself.
    pub fn context_is_record(&self) -> bool {
        matches!(self.unit.context, Context::Tracepoint)
    }

    /// A number in the context, at an offset in the record that the script was written for.
    pub fn context_number(&mut self, off: u32, size: Size, signed: bool) -> Result<Value> {
        match &self.unit.context {
            Context::Tracepoint => self.record_field(off, size, signed),
            Context::RawTracepoint(reads) => match reads.get(&off) {
                Some(RawRead::Arg(index)) => {
                    let word = self.context_word(*index)?;
                    Ok(self.f.b.ext(word, size, signed))
                }
                Some(RawRead::SyscallArg(index)) => self.syscall_argument(*index, size, signed),
                None => Err(self.model_error(format_args!("no argument stands for record offset {off}"))),
            },
            Context::Syscalls { exit, .. } => self.syscall_field(*exit, off, size, signed),
            Context::Registers | Context::PerfEvent | Context::BtfTracepoint | Context::Function { .. } => {
                Ok(self.part_of_word(off, size, signed))
            }
            Context::Iter { .. } => Ok(self.iterator_field(off, size, signed)),
            Context::Run | Context::Session { .. } => Err(self.error("this probe has no context")),
        }
    }

    fn record_field(&mut self, off: u32, size: Size, signed: bool) -> Result<Value> {
        if off < HIDDEN {
            return Err(self
                .error("the first fields of a tracepoint's record cannot be read by programs")
                .help("use `pid`, `tid` or `probe` for what common_pid and common_type say"));
        }
        if off.is_multiple_of(size.bytes()) {
            return Ok(self.f.b.load_with(self.f.ctx, off as i32, size, signed, true));
        }
        let from = self.f.b.add(self.f.ctx, i64::from(off));
        Ok(self.probe_number(Space::Kernel, from, size, signed))
    }

    /// Part of the struct of an iterator. Whether a pointer in it is null is nothing that the verifier would know of all of them.
    fn iterator_field(&mut self, off: u32, size: Size, signed: bool) -> Value {
        match size {
            Size::B8 if off.is_multiple_of(8) => {
                let word = self.f.b.load_with(self.f.ctx, off as i32, size, false, true);
                self.forget_pointer(word)
            }
            _ => self.part_of_word(off, size, signed),
        }
    }

    /// Part of a word of the context where only whole words can be loaded.
    fn part_of_word(&mut self, off: u32, size: Size, signed: bool) -> Value {
        let word = self.f.b.load_with(self.f.ctx, (off & !7) as i32, Size::B8, false, true);
        let part = self.f.b.shr(word, i64::from(off % 8 * 8));
        self.f.b.ext(part, size, signed)
    }

    /// A word of a raw tracepoint's context.
    pub fn context_word(&mut self, index: u8) -> Result<Value> {
        if index >= RAW_ARGUMENTS {
            return Err(self.error(format!("a tracepoint has no argument {index}")));
        }
        Ok(self.f.b.load_with(self.f.ctx, i32::from(index) * 8, Size::B8, false, true))
    }

    /// The context's address plus an offset.
    pub fn context_address(&mut self, off: u32) -> Result<Value> {
        Ok(self.f.b.add(self.f.ctx, i64::from(off)))
    }

    /// The address of a field with a described place.
    pub fn data_loc(&mut self, offset: u32, relative: bool) -> Result<Value> {
        let word = self.context_number(offset, Size::B4, false)?;
        let distance = self.f.b.and(word, 0xffff);
        let place = self.f.b.add(self.f.ctx, distance);
        Ok(match relative {
            true => self.f.b.add(place, i64::from(offset) + 4),
            false => place,
        })
    }

    /// Arguments, return value, registers.
    pub fn argument(&mut self, e: &Expr) -> Result<Value> {
        let word = match &e.kind {
            ExprKind::Arg(index) => self.numbered_argument(*index, &e.ty)?,
            ExprKind::Retval => self.return_value()?,
            ExprKind::Reg(off) => self.register_value(*off)?,
            ExprKind::ArgAt(place) => self.described_argument(place)?,
            kind => return Err(self.model_error(format_args!("{kind:?} is no argument"))),
        };
        Ok(self.cut(word, &e.ty))
    }

    fn numbered_argument(&mut self, index: u8, ty: &Type) -> Result<Value> {
        if let Some(error) = self.error {
            let known = usize::from(index).checked_sub(1).and_then(|index| error.args.get(index)).copied();
            return Ok(known.unwrap_or_else(|| self.f.b.iconst(0)));
        }
        match self.unit.context {
            Context::RawTracepoint(_) => self.context_word(index),
            Context::BtfTracepoint => {
                let word = self.context_word(index)?;
                Ok(self.as_number(word, ty))
            }
            Context::Function { words, .. } if index < words => {
                let word = self.f.b.load_with(self.f.ctx, i32::from(index) * 8, Size::B8, false, true);
                Ok(self.as_number(word, ty))
            }
            Context::Function { words, .. } => {
                Err(self.error(format!("the function has {words} arguments, and `arg{index}` is not one of them")))
            }
            Context::Registers if self.is_return() => Err(self
                .error("the arguments are gone when a function returns")
                .help("keep them in a map at its entry")),
            Context::Registers => {
                let arch = self.g.target.arch;
                match arch.arguments.get(usize::from(index)) {
                    Some(off) => self.register_value(*off),
                    None => self.stack_argument(index - arch.arguments.len() as u8),
                }
            }
            _ => Err(self.error("this probe has no numbered arguments")),
        }
    }

    /// A word of a context whose types the kernel knows, as something that can be computed with where it may be: the verifier allows
    /// hardly any arithmetic on its pointers, of which D has them all.
    fn as_number(&mut self, word: Value, ty: &Type) -> Value {
        if !self.aborts() && !ty.is_integer() {
            return word;
        }
        self.forget_pointer(word)
    }

    /// The same address, as a number to the verifier, which does not follow what bytes become in another order.
    pub fn forget_pointer(&mut self, word: Value) -> Value {
        let reversed = self.f.b.bswap(word, Size::B8);
        self.f.b.bswap(reversed, Size::B8)
    }

    /// An argument that the caller left on the stack, of the process or of the kernel.
    fn stack_argument(&mut self, index: u8) -> Result<Value> {
        let arch = self.g.target.arch;
        let sp = self.register_value(arch.stack_pointer)?;
        let from = self.f.b.add(sp, i64::from(arch.stack_arguments) + 8 * i64::from(index));
        let space = if matches!(self.site(), Some(Site::Kprobe(_))) { Space::Kernel } else { Space::User };
        Ok(self.probe_number(space, from, Size::B8, false))
    }

    fn is_return(&self) -> bool {
        matches!(self.site(), Some(Site::Uretprobe { .. } | Site::Kretprobe(_) | Site::Fexit(_)))
    }

    fn site(&self) -> Option<&Site> {
        let point = self.unit.points.first()?;
        self.g.program.points.get(point.0 as usize).map(|point| &point.site)
    }

    fn return_value(&mut self) -> Result<Value> {
        match self.unit.context {
            Context::Registers => self.register_value(self.g.target.arch.return_value),
            Context::Function { words, exit: true } => {
                Ok(self.f.b.load_with(self.f.ctx, i32::from(words) * 8, Size::B8, false, true))
            }
            _ => Err(self.error("this probe has no return value")),
        }
    }

    /// A register of the interrupted code.
    pub fn register_value(&mut self, off: u16) -> Result<Value> {
        match self.unit.context {
            Context::Registers | Context::PerfEvent => {
                Ok(self.f.b.load_with(self.f.ctx, off.into(), Size::B8, false, true))
            }
            _ => Err(self.error("this probe has no registers")),
        }
    }

    /// An argument of a static user probe.
    fn described_argument(&mut self, place: &ArgLoc) -> Result<Value> {
        let size = Size::from_bytes(place.bytes.into()).ok_or_else(|| self.model_error("an argument of odd width"))?;
        match place.operand {
            Place::Unavailable => Err(self
                .error("this argument is in a place that programs cannot read, such as a vector register")
                .help("the other arguments of the probe can be used")),
            Place::Const(value) => {
                let value = self.f.b.iconst(value);
                Ok(self.f.b.ext(value, size, place.signed))
            }
            Place::Reg { reg, shift } => {
                let whole = self.register_value(reg)?;
                let value = self.f.b.shr(whole, i64::from(shift));
                Ok(self.f.b.ext(value, size, place.signed))
            }
            Place::Address { base, index, scale, disp, narrow } => {
                self.operand_address((base, index), scale, disp, narrow)
            }
            Place::Sum { reg, add } => {
                let whole = self.register_value(reg)?;
                let value = self.f.b.add(whole, add);
                Ok(self.f.b.ext(value, size, place.signed))
            }
            Place::Mem { base, index, scale, disp, narrow } => {
                let from = self.operand_address((base, index), scale, disp, narrow)?;
                Ok(self.probe_number(Space::User, from, size, place.signed))
            }
        }
    }

    fn operand_address(
        &mut self,
        (base, index): (Option<u16>, Option<u16>),
        scale: u8,
        disp: i64,
        narrow: bool,
    ) -> Result<Value> {
        let mut address = self.f.b.iconst(disp);
        if let Some(index) = index {
            let index = self.register_value(index)?;
            let scaled = self.f.b.mul(index, i64::from(scale));
            address = self.f.b.add(scaled, address);
        }
        if let Some(base) = base {
            let base = self.register_value(base)?;
            address = self.f.b.add(base, address);
        }
        Ok(if narrow { self.f.b.ext(address, Size::B4, false) } else { address })
    }
}
