//! Memory that programs own: on the stack while there is room, otherwise in scratch memory.

use quadrant_bpf::helper;
use quadrant_program::layout;
use quadrant_program::ty::Type;

use super::unit::Lower;
use crate::ssa::Size;
use crate::ssa::Value;

/// Up to so many bytes are cleared and copied by loads and stores; beyond, a helper is faster and shorter.
const INLINE_BYTES: u32 = 128;

/// Some bytes at an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mem {
    /// Address.
    pub base: Value,
    /// Bytes after it.
    pub off: i32,
}

impl Mem {
    /// The memory that starts `bytes` later.
    pub fn at(self, bytes: u32) -> Mem {
        Mem { base: self.base, off: self.off + bytes as i32 }
    }
}

/// What was in use at some moment, see [`Lower::mark`].
#[derive(Clone, Copy)]
pub(super) struct Mark {
    stack: usize,
    scratch: u32,
}

impl Lower<'_, '_> {
    /// Remembers what memory is in use.
    pub fn mark(&self) -> Mark {
        Mark { stack: self.f.stack.mark(), scratch: self.scratch.top }
    }

    /// Frees what was taken since.
    pub fn release(&mut self, mark: Mark) {
        self.f.stack.release(mark.stack);
        self.scratch.top = mark.scratch;
    }

    /// Uninitialized memory for a stored value of a type.
    pub fn alloc(&mut self, ty: &Type) -> Mem {
        self.alloc_bytes(room(ty))
    }

    /// Uninitialized memory, up to 8-byte alignment.
    pub fn alloc_bytes(&mut self, bytes: u32) -> Mem {
        let bytes = layout::round_up(bytes.max(1));
        match self.f.stack.take(&mut self.f.b, bytes) {
            Some(slot) => Mem { base: self.f.b.stack_addr(slot), off: 0 },
            None => self.alloc_scratch(bytes),
        }
    }

    /// Eight bytes on the stack whatever its load; gone at the next call of this.
    pub fn word(&mut self) -> Mem {
        let slot = match self.f.word {
            Some(slot) => slot,
            None => *self.f.word.insert(self.f.b.declare_slot(8, 8)),
        };
        Mem { base: self.f.b.stack_addr(slot), off: 0 }
    }

    /// Bytes on the stack whatever its load, for code that may hold no scratch memory.
    pub fn own_stack(&mut self, bytes: u32) -> Mem {
        let slot = self.f.b.declare_slot(bytes, 8);
        Mem { base: self.f.b.stack_addr(slot), off: 0 }
    }

    /// The address of memory, as a value.
    pub fn address(&mut self, mem: Mem) -> Value {
        if mem.off == 0 { mem.base } else { self.f.b.add(mem.base, i64::from(mem.off)) }
    }

    /// Fills with zeros.
    pub fn zero(&mut self, mem: Mem, len: u32) {
        if len <= INLINE_BYTES {
            return self.f.b.zero(mem.base, mem.off, len);
        }
        // A read from address 0 always fails, and a failed read clears the destination: the fastest memset there is.
        let dst = self.address(mem);
        let size = self.f.b.iconst(len.into());
        let null = self.f.b.iconst(0);
        self.f.b.call(helper::PROBE_READ_KERNEL, &[dst, size, null]);
    }

    /// Copies between memory that the program owns.
    pub fn copy(&mut self, dst: Mem, src: Mem, len: u32) {
        if len <= INLINE_BYTES {
            return self.f.b.copy(dst.base, dst.off, src.base, src.off, len);
        }
        let (dst, src) = (self.address(dst), self.address(src));
        let size = self.f.b.iconst(len.into());
        self.f.b.call(helper::PROBE_READ_KERNEL, &[dst, size, src]);
    }

    /// Writes constant bytes.
    pub fn write(&mut self, mem: Mem, bytes: &[u8]) {
        if bytes.len() as u32 > INLINE_BYTES {
            let src = self.constant(bytes.to_vec(), bytes.len() as u32);
            return self.copy(mem, src, bytes.len() as u32);
        }
        let mut at = 0;
        while at < bytes.len() {
            let (rest, place) = (&bytes[at..], at + mem.off as usize);
            let fits = |len: &usize| *len <= rest.len() && place.is_multiple_of(*len);
            let len = [8, 4, 2].into_iter().find(fits).unwrap_or(1);
            self.f.b.store(
                mem.base,
                place as i32,
                Size::from_bytes(len as u32).unwrap_or(Size::B1),
                number(&rest[..len]),
            );
            at += len;
        }
    }

    /// Constant bytes in the data section, followed by zeros up to `len`.
    pub fn constant(&mut self, bytes: Vec<u8>, len: u32) -> Mem {
        let at = self.g.constant(bytes, len);
        self.data(at)
    }

    /// A place in the data section.
    pub fn data(&mut self, at: u32) -> Mem {
        let map = self.g.data_map();
        Mem { base: self.f.b.map_value(map, at), off: 0 }
    }
}

/// Up to eight bytes as a number, lowest first.
pub(super) fn number(bytes: &[u8]) -> i64 {
    bytes.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte)) as i64
}

/// Bytes for a stored value while it is built: reading a text needs one byte beyond its cap to see whether it was longer.
fn room(ty: &Type) -> u32 {
    layout::size(ty) + if has_text(ty) { 8 } else { 0 }
}

/// Whether a stored value is a text or has one inside.
pub(super) fn has_text(ty: &Type) -> bool {
    match ty {
        Type::String { .. } => true,
        Type::Tuple(parts) => parts.iter().any(has_text),
        _ => false,
    }
}
