//! Many system calls' tracepoints in one program on `sys_enter` or `sys_exit`: which one it was, and the fields of its record.

use std::collections::BTreeMap;

use quadrant_program::ty::Space;

use super::error::Result;
use super::unit::Lower;
use crate::object::Context;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Offset of the system call's number in its record.
const NUMBER: u32 = 8;
/// Offset of the first argument, or of the return value.
const FIRST: u32 = 16;

impl Lower<'_, '_> {
    /// Leaves the program for system calls that it does not handle.
    pub fn dispatch(&mut self, end: Block) -> Result<()> {
        if !matches!(self.unit.context, Context::Syscalls { .. }) {
            return Ok(());
        }
        self.leave_compat(end)?;
        let place = self.syscall_place()?;
        self.f.b.branch_away(Cond::Eq, place, 0, end);
        self.point = Some(self.f.b.sub(place, 1));
        Ok(())
    }

    /// Programs of another word size number their system calls differently; tracepoints of system calls ignore them too.
    fn leave_compat(&mut self, end: Block) -> Result<()> {
        if let Some(compat) = &self.g.target.arch.compat {
            let size = if compat.mask <= 0xffff { Size::B2 } else { Size::B4 };
            let register = self.saved_register(compat.register, size, false)?;
            let found = self.f.b.and(register, i64::from(compat.mask));
            self.f.b.branch_away(Cond::Eq, found, i64::from(compat.value), end);
        }
        Ok(())
    }

    /// The index of the point plus one; 0 for system calls that are not traced.
    pub fn syscall_place(&mut self) -> Result<Value> {
        let Context::Syscalls { exit, points, .. } = &self.unit.context else {
            return Err(self.model_error("a system call's number outside of one"));
        };
        let (table, entries) = table(points);
        let number = self.syscall_number(*exit)?;
        let (end, result) = self.join();
        let inside = self.f.b.create_block();
        let zero = self.f.b.iconst(0);
        self.f.b.branch(Cond::Uge, number, i64::from(entries), end, &[zero], inside, &[]);
        self.f.b.switch_to(inside);
        let bytes = table.len() as u32;
        let table = self.constant(table, bytes);
        let offset = self.f.b.mul(number, 2);
        let start = self.address(table);
        let entry = self.f.b.add(start, offset);
        let place = self.f.b.load_with(entry, 0, Size::B2, false, true);
        self.f.b.jump(end, &[place]);
        self.f.b.switch_to(end);
        Ok(result)
    }

    fn syscall_number(&mut self, exit: bool) -> Result<Value> {
        match exit {
            false => {
                let word = self.context_word(1)?;
                Ok(self.f.b.ext(word, Size::B4, false))
            }
            true => self.saved_register(self.g.target.arch.syscall_number, Size::B4, false),
        }
    }

    /// A field of the record that the tracepoint of one system call would have.
    pub fn syscall_field(&mut self, exit: bool, off: u32, size: Size, signed: bool) -> Result<Value> {
        match (off, exit) {
            (NUMBER, _) => {
                let number = self.syscall_number(exit)?;
                Ok(self.f.b.ext(number, size, signed))
            }
            (FIRST, true) => {
                let word = self.context_word(1)?;
                Ok(self.f.b.ext(word, size, signed))
            }
            (off, false) if off >= FIRST && off.is_multiple_of(8) && off < FIRST + 8 * 6 => {
                self.syscall_argument(((off - FIRST) / 8) as u8, size, signed)
            }
            _ => Err(self.model_error(format_args!("no field of a system call's record at offset {off}"))),
        }
    }

    /// An argument of the system call, from the registers that the first word of the context points at.
    pub fn syscall_argument(&mut self, index: u8, size: Size, signed: bool) -> Result<Value> {
        let registers = self.g.target.arch.syscall_arguments;
        let register = registers.get(usize::from(index));
        let register = *register.ok_or_else(|| self.error(format!("a system call has no argument {index}")))?;
        self.saved_register(register, size, signed)
    }

    fn saved_register(&mut self, register: u16, size: Size, signed: bool) -> Result<Value> {
        let registers = self.context_word(0)?;
        if let Context::Syscalls { btf_id: Some(_), .. } = self.unit.context {
            let value = self.f.b.load_with(registers, i32::from(register), size, false, true);
            return Ok(self.f.b.ext(value, size, signed));
        }
        let from = self.f.b.add(registers, i64::from(register));
        Ok(self.probe_number(Space::Kernel, from, size, signed))
    }
}

/// A row of 16-bit numbers by system call: index of the point plus one, or 0.
fn table(points: &BTreeMap<u32, u32>) -> (Vec<u8>, u32) {
    // System call numbers are small; a number beyond cannot be one.
    const MOST: u32 = 4096;
    let known = || points.iter().filter(|(number, point)| **number < MOST && **point < u32::from(u16::MAX));
    let entries = known().map(|(number, _)| number + 1).max().unwrap_or(0);
    let mut table = vec![0; entries as usize * 2];
    for (number, point) in known() {
        let at = *number as usize * 2;
        table[at..at + 2].copy_from_slice(&(*point as u16 + 1).to_le_bytes());
    }
    (table, entries)
}
