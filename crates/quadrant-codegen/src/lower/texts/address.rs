//! Addresses of networks as text: `inet_ntop` and its like, `link_ntop`.

use quadrant_bpf::helper;
use quadrant_program::expr::Expr;
use quadrant_program::program::Fault;
use quadrant_program::ty::Space;

use crate::lower::cells::Bytes;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::fault::BAD_ADDRESS;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// `AF_INET`.
const INET: i64 = 2;
/// `AF_INET6`.
const INET6: i64 = 10;
/// 16-bit groups of an IPv6 address.
const GROUPS: i64 = 8;
/// Bytes of the longest link address (InfiniBand).
const LINK_MAX: u32 = 32;

/// Which form of an IPv4 address an IPv6 address is.
const NOT_MAPPED: i64 = 0;
const COMPATIBLE: i64 = 1;
const MAPPED: i64 = 2;

/// The row of zeros that is left out: how many groups, and the one behind it.
#[derive(Clone, Copy)]
struct Row {
    len: Cell,
    end: Cell,
}

/// Text that grows.
#[derive(Clone, Copy)]
struct Output {
    bytes: Bytes,
    len: Cell,
}

impl Lower<'_, '_> {
    /// `inet_ntoa6`: an address of IPv6, or the IPv4 address in it alone.
    pub fn store_internet6(&mut self, addr: &Expr, cap: u32, to: Mem) -> Result<()> {
        let from = self.scalar(addr)?;
        let out = Output { bytes: self.bytes(64), len: self.cell(0) };
        let address = self.bytes(16);
        self.read_address(address, 16, from)?;
        self.groups(out, address, "");
        self.store_output(out, cap, to)
    }

    /// `inet_ntop`: dotted numbers, or groups of hexadecimal digits with the longest row of zeros left out. Other families are a fault in
    /// D, and empty elsewhere.
    pub fn store_internet(&mut self, family: &Expr, addr: &Expr, cap: u32, to: Mem) -> Result<()> {
        let family = self.scalar(family)?;
        let from = self.scalar(addr)?;
        let out = Output { bytes: self.bytes(64), len: self.cell(0) };
        let address = self.bytes(16);
        let [four, six, end, other] = [(); 4].map(|()| self.f.b.create_block());
        self.f.b.branch_away(Cond::Eq, family, INET, four);
        if self.f.fault.is_some() {
            self.abort_if(Fault::IllegalOperation, Cond::Ne, family, INET6, family)?;
        }
        self.f.b.branch(Cond::Eq, family, INET6, six, &[], other, &[]);
        self.f.b.switch_to(other);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(four);
        self.read_address(address, 4, from)?;
        self.dotted(out, address, 0);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(six);
        self.read_address(address, 16, from)?;
        self.groups(out, address, "::");
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
        self.store_output(out, cap, to)
    }

    /// `link_ntop`: pairs of hexadecimal digits with colons.
    pub fn store_link_address(&mut self, addr: &Expr, len: &Expr, cap: u32, to: Mem) -> Result<()> {
        let from = self.scalar(addr)?;
        let wanted = self.scalar(len)?;
        let (size, _) = self.bounded_length(wanted, LINK_MAX);
        let size = self.forgotten(size);
        self.check_near_arena(Space::Kernel, from, size)?;
        let size = self.f.b.and(size, i64::from(2 * LINK_MAX) - 1);
        let address = self.bytes(2 * LINK_MAX);
        let out = Output { bytes: self.bytes(3 * LINK_MAX), len: self.cell(0) };
        let memory = self.bytes_memory(address);
        let start = self.address(memory);
        let failed = self.f.b.call(helper::PROBE_READ_KERNEL, &[start, size, from]);
        self.fault_if(BAD_ADDRESS, Cond::Ne, failed, 0, from);
        self.repeat(size, |lower, at, _| {
            lower.when(Cond::Ne, at, 0, |lower| lower.push_byte(out.bytes, out.len, i64::from(b':')));
            let byte = lower.byte(address, at);
            for shift in [4, 0] {
                let nibble = lower.f.b.shr(byte, shift);
                lower.nibble(out, nibble);
            }
            Ok(())
        })?;
        self.store_output(out, cap, to)
    }

    fn store_output(&mut self, out: Output, cap: u32, to: Mem) -> Result<()> {
        let (zero, len) = (self.f.b.iconst(0), self.cell_get(out.len));
        self.store_part(out.bytes, zero, len, cap, to)
    }

    fn read_address(&mut self, to: Bytes, len: u32, from: Value) -> Result<()> {
        self.check_near_arena(Space::Kernel, from, len)?;
        let memory = self.bytes_memory(to);
        self.probe(Space::Kernel, memory, len, from);
        Ok(())
    }

    /// Four numbers with dots.
    fn dotted(&mut self, out: Output, address: Bytes, at: i32) {
        for index in 0..4 {
            if index > 0 {
                self.push_byte(out.bytes, out.len, i64::from(b'.'));
            }
            let memory = self.bytes_memory(address);
            let byte = self.f.b.load(memory.base, memory.off + at + index, Size::B1);
            self.decimal(out, byte);
        }
    }

    /// A number below 256.
    fn decimal(&mut self, out: Output, number: Value) {
        let mut any = self.f.b.iconst(0);
        for unit in [100, 10, 1] {
            let quotient = self.f.b.udiv(number, unit);
            let digit = self.f.b.umod(quotient, 10);
            any = self.f.b.or(any, digit);
            let byte = self.f.b.add(digit, i64::from(b'0'));
            self.push_if(out, byte, any, unit == 1);
        }
    }

    /// A group of 16 bits, without zeros before it.
    fn group(&mut self, out: Output, group: Value) {
        let mut any = self.f.b.iconst(0);
        for shift in [12, 8, 4, 0] {
            let digit = self.f.b.shr(group, shift);
            let digit = self.f.b.and(digit, 15);
            any = self.f.b.or(any, digit);
            let byte = self.digit(digit, 16);
            self.push_if(out, byte, any, shift == 0);
        }
    }

    /// Writes a byte; it counts if `any` is not 0 or it always does. No branch, so that there is one way for the verifier.
    fn push_if(&mut self, out: Output, byte: Value, any: Value, always: bool) {
        let at = self.cell_get(out.len);
        self.set_byte(out.bytes, at, byte);
        let negated = self.f.b.neg(any);
        let some = self.f.b.or(any, negated);
        let counts = if always { self.f.b.iconst(1) } else { self.f.b.shr(some, 63) };
        let next = self.f.b.add(at, counts);
        self.cell_set(out.len, next);
    }

    fn nibble(&mut self, out: Output, digit: Value) {
        let digit = self.f.b.and(digit, 15);
        let byte = self.digit(digit, 16);
        self.push_byte(out.bytes, out.len, byte);
    }

    /// Eight groups. Of several rows of zeros that are equally long, the first is left out; a single zero is not. An IPv4 address in its
    /// IPv6 form is dotted, behind `prefix`.
    fn groups(&mut self, out: Output, address: Bytes, prefix: &str) {
        let row = self.longest_row(address);
        let mapped = self.is_mapped(address, row);
        let [four, six, end] = [(); 3].map(|()| self.f.b.create_block());
        self.f.b.branch(Cond::Ne, mapped, NOT_MAPPED, four, &[], six, &[]);
        self.f.b.switch_to(four);
        self.push_text(out, prefix);
        if !prefix.is_empty() {
            self.when(Cond::Eq, mapped, MAPPED, |lower| lower.push_text(out, "ffff:"));
        }
        self.dotted(out, address, 12);
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(six);
        for index in 0..GROUPS {
            self.group_or_row(out, address, index, row);
        }
        let (longest, last) = (self.cell_get(row.len), self.cell_get(row.end));
        self.when(Cond::Ne, longest, 0, |lower| {
            lower.when(Cond::Eq, last, GROUPS, |lower| lower.push_byte(out.bytes, out.len, i64::from(b':')));
        });
        self.f.b.jump(end, &[]);
        self.f.b.switch_to(end);
    }

    fn push_text(&mut self, out: Output, text: &str) {
        text.bytes().for_each(|byte| self.push_byte(out.bytes, out.len, i64::from(byte)));
    }

    fn longest_row(&mut self, address: Bytes) -> Row {
        let [now, len, end] = [(); 3].map(|()| self.cell(0));
        for index in 0..GROUPS {
            let group = self.load_group(address, index);
            let (so_far, longest) = (self.cell_get(now), self.cell_get(len));
            let longer = self.f.b.add(so_far, 1);
            let zero = self.f.b.iconst(0);
            let so_far = self.f.b.select(Cond::Eq, group, 0, longer, zero);
            self.cell_set(now, so_far);
            self.when(Cond::Ugt, so_far, longest, |lower| {
                lower.cell_set(len, so_far);
                lower.cell_set(end, index + 1);
            });
        }
        let longest = self.cell_get(len);
        self.when(Cond::Ult, longest, 2, |lower| lower.cell_set(len, 0));
        Row { len, end }
    }

    /// Whether it is `::a.b.c.d` (which `::` and `::1` are not) or `::ffff:a.b.c.d`.
    fn is_mapped(&mut self, address: Bytes, row: Row) -> Value {
        let (longest, end) = (self.cell_get(row.len), self.cell_get(row.end));
        let [marked, last] = [5, 7].map(|index| self.load_group(address, index));
        let result = self.cell(NOT_MAPPED);
        self.when(Cond::Eq, longest, end, |lower| {
            lower.when(Cond::Eq, longest, 6, |lower| lower.cell_set(result, COMPATIBLE));
            lower.when(Cond::Eq, longest, 7, |lower| {
                lower.when(Cond::Ne, last, 1, |lower| lower.cell_set(result, COMPATIBLE));
            });
            lower.when(Cond::Eq, longest, 5, |lower| {
                lower.when(Cond::Eq, marked, 0xffff, |lower| lower.cell_set(result, MAPPED));
            });
        });
        self.cell_get(result)
    }

    fn group_or_row(&mut self, out: Output, address: Bytes, index: i64, row: Row) {
        let next = self.f.b.create_block();
        let (longest, end) = (self.cell_get(row.len), self.cell_get(row.end));
        let start = self.f.b.sub(end, longest);
        let here = self.f.b.iconst(index);
        let distance = self.f.b.sub(here, start);
        let [in_row, shown] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Ult, distance, longest, in_row, &[], shown, &[]);
        self.f.b.switch_to(in_row);
        self.when(Cond::Eq, distance, 0, |lower| lower.push_byte(out.bytes, out.len, i64::from(b':')));
        self.f.b.jump(next, &[]);
        self.f.b.switch_to(shown);
        if index > 0 {
            self.push_byte(out.bytes, out.len, i64::from(b':'));
        }
        let group = self.load_group(address, index);
        self.group(out, group);
        self.f.b.jump(next, &[]);
        self.f.b.switch_to(next);
    }

    fn load_group(&mut self, address: Bytes, index: i64) -> Value {
        let memory = self.bytes_memory(address);
        let [high, low] = [0, 1].map(|at| self.f.b.load(memory.base, memory.off + 2 * index as i32 + at, Size::B1));
        let high = self.f.b.shl(high, 8);
        self.f.b.or(high, low)
    }
}
