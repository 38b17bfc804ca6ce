//! Functions that change what is traced, and those that are of one kind of program only.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::ty::Type;

use super::arith::width;
use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Most values of a line in the kernel's log: the helper has five arguments.
const DEBUG_VALUES: usize = 3;

impl Lower<'_, '_> {
    /// `write_user(to, value)`; a failure is counted.
    pub fn write_value(&mut self, to: &Expr, value: &Expr) -> Result<()> {
        let mark = self.mark();
        let (from, size) = self.written(value)?;
        let to = self.scalar(to)?;
        self.write_user(to, from, size, |lower, failed| {
            lower.lose_if(LossKind::Write, Cond::Ne, failed, 0);
            Ok(())
        })?;
        self.release(mark);
        Ok(())
    }

    /// Writes to the process, unless the size is 0, which is bounded; `check` is given what is not zero if that failed.
    pub fn write_user(
        &mut self,
        to: Value,
        from: Mem,
        size: Value,
        check: impl FnOnce(&mut Self, Value) -> Result<()>,
    ) -> Result<()> {
        self.may_write_user()?;
        let end = self.f.b.create_block();
        self.f.b.branch_away(Cond::Ult, size, 1, end);
        let from = self.address(from);
        let failed = self.f.b.call(helper::PROBE_WRITE_USER, &[to, from, size]);
        check(self, failed)?;
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        Ok(())
    }

    /// The bytes of a value and how many they are.
    fn written(&mut self, value: &Expr) -> Result<(Mem, Value)> {
        if value.ty.is_scalar() {
            let size = width(&value.ty).bytes();
            let value = self.scalar(value)?;
            let word = self.alloc_bytes(8);
            self.f.b.store(word.base, word.off, Size::B8, value);
            return Ok((word, self.f.b.iconst(size.into())));
        }
        let Type::Buffer { cap } = value.ty else {
            return Err(self.model_error(format_args!("a {:?} to write", value.ty)));
        };
        // The verifier takes a size for any that the mask lets through.
        let mask = (cap + 1).next_power_of_two() - 1;
        let buffer = self.alloc_scratch(8 + layout::round_up(mask.max(cap)));
        self.store(value, buffer)?;
        let size = self.f.b.load(buffer.base, buffer.off, Size::B8);
        let size = self.f.b.and(size, i64::from(mask));
        Ok((buffer.at(8), size))
    }

    /// Whether the kernel lets programs write the memory of processes.
    fn may_write_user(&self) -> Result<()> {
        match self.g.target.write_user {
            true => Ok(()),
            false => Err(self
                .error("this kernel does not let programs write the memory of processes (bpf_probe_write_user)")
                .help("a kernel in lockdown refuses it; see /sys/kernel/security/lockdown")),
        }
    }

    /// `override(result)`: the function does not run.
    pub fn override_result(&mut self, result: &Expr) -> Result<()> {
        if !self.g.target.override_return {
            return Err(self
                .error("this kernel does not let programs override results (bpf_override_return)")
                .help("it has to be built with CONFIG_BPF_KPROBE_OVERRIDE, and not be in lockdown"));
        }
        let result = self.scalar(result)?;
        self.f.b.call(helper::OVERRIDE_RETURN, &[self.f.ctx, result]);
        Ok(())
    }

    /// `socket_cookie(socket)`: the kernel wants a pointer that it gave itself.
    pub fn socket_cookie(&mut self, socket: &Expr) -> Result<Value> {
        let socket = self.scalar(socket)?;
        Ok(self.f.b.call(helper::GET_SOCKET_COOKIE, &[socket]))
    }

    /// `debugf("format", values...)`
    pub fn debug_line(&mut self, args: &[Expr]) -> Result<()> {
        let [format, values @ ..] = args else { return Err(self.model_error("debugf() without a format")) };
        let (ExprKind::Str(text), ..=DEBUG_VALUES) = (&format.kind, values.len()) else {
            return Err(self.model_error("debugf() with a wrong format"));
        };
        let mark = self.mark();
        let values: Vec<Value> = values.iter().map(|value| self.debugged(value)).collect::<Result<_>>()?;
        let size = text.len() as u32 + 1;
        let memory = self.constant(text.to_vec(), layout::round_up(size));
        let mut given = vec![self.address(memory), self.f.b.iconst(size.into())];
        given.extend(values);
        self.f.b.call(helper::TRACE_PRINTK, &given);
        self.release(mark);
        Ok(())
    }

    /// A number, or the address of a text.
    fn debugged(&mut self, value: &Expr) -> Result<Value> {
        if value.ty.is_scalar() {
            return self.scalar(value);
        }
        let memory = self.memory(value)?;
        Ok(self.address(memory))
    }
}
