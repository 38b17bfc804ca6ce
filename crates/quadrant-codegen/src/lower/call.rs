//! Functions of the language that have a value.

use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::layout;
use quadrant_program::program::Fault;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

use super::arith::width;
use super::compare::Verdict;
use super::error::Result;
use super::memory::Mem;
use super::text::TextSource;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::ImportRef;
use crate::ssa::KfuncRef;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// `AF_INET`.
const INET: i64 = 2;
/// `AF_INET6`.
const INET6: i64 = 10;

impl Lower<'_, '_> {
    /// A function whose value is a number.
    pub fn call(&mut self, function: Function, args: &[Expr], ty: &Type) -> Result<Value> {
        match (function, args) {
            (Function::Strlen, [text]) => self.strlen(text),
            (Function::Strncmp, [a, b, n]) => self.first_bytes(a, b, n, Verdict::Differ),
            (Function::Memcmp, [a, b, n]) => self.first_bytes(a, b, n, Verdict::Distance),
            (Function::Strcmp, [a, b]) => self.strcmp(a, b),
            (Function::Strcontains, [text, part]) => self.strcontains(text, part),
            (Function::Strstr, [text, part]) => self.strstr(text, part),
            (Function::Frames(stack), []) => Ok(self.frames(stack)),
            (Function::FramesOf(stack), [kept]) => {
                let kept = self.scalar(kept)?;
                Ok(self.frames_of(stack, kept))
            }
            (Function::FedNumber, [of]) => self.fed_word(of, 8),
            (Function::FedSum, [of]) => self.fed_word(of, 0),
            (Function::Stack, []) => self.stack_trace(ty),
            (Function::Symbol, [addr]) => self.scalar(addr),
            (Function::Mac, [bytes]) => self.mac(bytes),
            (Function::PacketOutput(record), [packet, length, offset]) => {
                self.packet_output(record, packet, length, offset)
            }
            (Function::SocketCookie, [socket]) => self.socket_cookie(socket),
            (Function::Kernel(function), args) => self.kernel_function(function, args, ty),
            (Function::Imported(function), args) => self.imported_function(function, args, ty),
            (Function::Alloca(fault), [size]) => self.alloca(size, fault),
            (Function::Within, [index, length]) => self.within(index, length),
            (Function::ProgenyOf, [pid]) => self.progeny_of(pid),
            (Function::Speculation, []) => self.speculation(),
            (Function::InstructionPointer(user), []) => self.instruction_pointer(user),
            (Function::StackDepth(user), []) => Ok(self.stack_depth(user)),
            (Function::Caller(user), []) => Ok(self.caller(user)),
            (Function::Text(function), args) => self.text_number(function, args),
            (Function::Bswap, [value]) => {
                let size = width(&value.ty);
                let value = self.scalar(value)?;
                Ok(if size == Size::B1 { value } else { self.f.b.bswap(value, size) })
            }
            (function, args) => {
                Err(self.model_error(format_args!("{function:?} of {} arguments as a number", args.len())))
            }
        }
    }

    /// A call of a function of the kernel; a result that does not fill the register is extended by its type.
    fn kernel_function(&mut self, function: u32, args: &[Expr], ty: &Type) -> Result<Value> {
        let args: Vec<Value> = args.iter().map(|arg| self.scalar(arg)).collect::<Result<_>>()?;
        let result = self.f.b.call_kfunc(KfuncRef(function), &args);
        Ok(if ty.is_integer() { self.cut(result, ty) } else { result })
    }

    /// A call of a function in C; its result is extended by its type, as C does where it calls one.
    fn imported_function(&mut self, function: u32, args: &[Expr], ty: &Type) -> Result<Value> {
        let args: Vec<Value> = args.iter().map(|arg| self.scalar(arg)).collect::<Result<_>>()?;
        let result = self.f.b.call_import(ImportRef(function), &args);
        Ok(match ty {
            Type::Bool => self.f.b.ext(result, Size::B1, false),
            ty if ty.is_integer() => self.cut(result, ty),
            _ => result,
        })
    }

    /// An index of an array, which faults outside of it; in programs without faults that is counted.
    fn within(&mut self, index: &Expr, length: &Expr) -> Result<Value> {
        let index = self.scalar(index)?;
        let length = self.operand(length)?;
        self.fault_if((Fault::BadIndex, LossKind::Outside), Cond::Uge, index, length, index);
        Ok(index)
    }

    /// A function whose value is kept in memory.
    pub fn store_call(&mut self, function: Function, args: &[Expr], ty: &Type, to: Mem) -> Result<()> {
        match (function, ty) {
            (Function::Str(space), Type::String { cap }) => {
                let source = self.str_source(space, args)?;
                self.read_padded(source, *cap, to)
            }
            (Function::Buf(space), Type::Buffer { cap }) => self.store_buffer(space, args, *cap, to),
            (Function::Concat, Type::String { cap }) => self.store_joined(args, *cap, to),
            (Function::Present, Type::String { .. }) => {
                let from = self.present(args)?;
                self.copy(to, from, layout::size(ty));
                Ok(())
            }
            (Function::Text(function), Type::String { cap }) => self.store_text_call(function, args, *cap, to),
            (Function::Args(space), Type::String { cap }) => self.store_arguments(space, args, *cap, to),
            (Function::Ntop, Type::Inet) => self.store_address(args, to),
            (Function::NameOf { find, release, at }, Type::String { cap }) => {
                self.store_task_name([find, release, at], args, *cap, to)
            }
            (Function::Symbol, Type::Symbol { user: true, .. }) => self.store_user_symbol(args, to),
            (Function::Caught, Type::Tuple(_)) => match args {
                [value] => self.store_caught(value, to),
                _ => Err(self.model_error("several values at once")),
            },
            (function, ty) => Err(self.model_error(format_args!("{function:?} as {ty:?}"))),
        }
    }

    /// The name of a task, which is held while it is read.
    fn store_task_name(&mut self, [find, release, at]: [u32; 3], args: &[Expr], cap: u32, to: Mem) -> Result<()> {
        let [number] = args else { return Err(self.model_error("the name of no task")) };
        let number = self.scalar(number)?;
        self.zero(to, layout::round_up(cap));
        let task = self.f.b.call_kfunc(KfuncRef(find), &[number]);
        let (end, some) = (self.f.b.create_block(), self.f.b.create_block());
        self.f.b.branch(Cond::Eq, task, 0, end, &[], some, &[]);
        self.f.b.switch_to(some);
        let addr = self.f.b.add(task, i64::from(at));
        let limit = Some(Operand::Imm(i64::from(cap) - 1));
        self.read_padded(TextSource { space: Space::Kernel, addr, limit }, cap, to)?;
        self.f.b.call_kfunc(KfuncRef(release), &[task]);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// A function without a value.
    pub fn act(&mut self, function: Function, args: &[Expr]) -> Result<()> {
        match (function, args) {
            (Function::Copy(space), args) => self.copy_in(space, args),
            (Function::CopyOut, args) => self.copy_out(args),
            (Function::CopyOutText, args) => self.copy_out_text(args),
            (Function::Chill, [ns]) => self.chill(ns),
            (Function::WriteUser, [to, value]) => self.write_value(to, value),
            (Function::Override, [result]) => self.override_result(result),
            (Function::Debug, args) => self.debug_line(args),
            (Function::Raise, [kind, address]) => self.raise(kind, address),
            (Function::Kernel(function), args) => self.kernel_function(function, args, &Type::None).map(drop),
            (Function::Imported(function), args) => self.imported_function(function, args, &Type::None).map(drop),
            (function, args) => {
                Err(self.model_error(format_args!("{function:?} of {} arguments as a statement", args.len())))
            }
        }
    }

    fn store_buffer(&mut self, space: Space, args: &[Expr], cap: u32, to: Mem) -> Result<()> {
        let (space, from, wanted) = self.buffer_source(space, args)?;
        let (size, may_be_cut) = self.bounded_length(wanted, cap);
        self.f.b.store(to.base, to.off, Size::B8, size);
        let bytes = to.at(8);
        self.zero(bytes, layout::round_up(cap));
        let dst = self.address(bytes);
        let failed = self.read_bytes(space, dst, size, from);
        let [end, fault] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch_away(Cond::Ne, failed, 0, fault);
        if may_be_cut {
            self.lose_if(LossKind::Cut, Cond::Ugt, wanted, i64::from(cap));
        }
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(fault);
        self.bad_address(space, from);
        self.f.b.store(to.base, to.off, Size::B8, 0);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// Address family, then 16 bytes.
    fn store_address(&mut self, args: &[Expr], to: Mem) -> Result<()> {
        let (family, addr) = match args {
            [addr] => (None, addr),
            [family, addr] => (Some(family), addr),
            _ => return Err(self.model_error("ntop() with a wrong number of arguments")),
        };
        let bytes = if addr.ty.is_scalar() { 4 } else { addr.ty.c_size().unwrap_or(0) };
        if bytes > 16 {
            return Err(self.model_error("an internet address of more than 16 bytes"));
        }
        match family {
            Some(family) => self.store(family, to)?,
            None => {
                let family = if bytes == 16 { INET6 } else { INET };
                self.f.b.store(to.base, to.off, Size::B8, family);
            }
        }
        self.zero(to.at(8), 16);
        if addr.ty.is_scalar() {
            let value = self.operand(addr)?;
            self.f.b.store(to.base, to.off + 8, Size::B4, value);
            return Ok(());
        }
        self.store(addr, to.at(8))
    }

    /// The address, then the process.
    fn store_user_symbol(&mut self, args: &[Expr], to: Mem) -> Result<()> {
        let [addr] = args else { return Err(self.model_error("usym() with a wrong number of arguments")) };
        self.store(addr, to)?;
        let pid = self.process_id();
        self.f.b.store(to.base, to.off + 8, Size::B8, pid);
        Ok(())
    }

    /// Six bytes in a register, first byte lowest.
    fn mac(&mut self, bytes: &Expr) -> Result<Value> {
        const SIX_BYTES: i64 = 0xffff_ffff_ffff;
        if bytes.ty.is_scalar() {
            let value = self.scalar(bytes)?;
            return Ok(self.f.b.and(value, SIX_BYTES));
        }
        if let ExprKind::Deref { addr, space: space @ (Space::Kernel | Space::User | Space::Any) } = &bytes.kind {
            let from = self.source(addr, *space)?;
            let word = self.word();
            self.zero(word, 8);
            self.probe(*space, word, 6, from);
            return Ok(self.f.b.load(word.base, word.off, Size::B8));
        }
        let mem = self.memory(bytes)?;
        let value = self.f.b.load(mem.base, mem.off, Size::B8);
        Ok(self.f.b.and(value, SIX_BYTES))
    }
}
