//! Changes of all bytes alike: `toupper`, `tolower`, and arguments shown as one text.

use quadrant_program::expr::Expr;
use quadrant_program::ty::Space;

use crate::lower::cells::Bytes;
use crate::lower::error::Result;
use crate::lower::fault::BAD_ADDRESS;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::object::LossKind;
use crate::ssa::Cond;
use crate::ssa::Value;

/// A byte in all places of a word.
const fn everywhere(byte: u8) -> i64 {
    i64::from_ne_bytes([byte; 8])
}

impl Lower<'_, '_> {
    /// `toupper`, `tolower`.
    pub fn store_case(&mut self, text: &Expr, upper: bool, cap: u32, to: Mem) -> Result<()> {
        let text = self.loaded_text(text)?;
        self.each_word(text.bytes, text.cap, |lower, word| lower.other_case(word, upper))?;
        let (zero, len) = (self.f.b.iconst(0), self.cell_get(text.len));
        self.store_part(text.bytes, zero, len, cap, to)
    }

    /// Eight letters at once: the seven low bits of a byte plus a constant reach its top bit from a certain letter on.
    fn other_case(&mut self, word: Value, upper: bool) -> Value {
        let (first, last) = if upper { (b'a', b'z') } else { (b'A', b'Z') };
        let b = &mut self.f.b;
        let low = b.and(word, everywhere(0x7f));
        let from_first = b.add(low, everywhere(0x80 - first));
        let beyond_last = b.add(low, everywhere(0x7f - last));
        let between = b.xor(from_first, beyond_last);
        let inverse = b.not(word);
        let ascii = b.and(inverse, everywhere(0x80));
        let letters = b.and(between, ascii);
        // The top bit of a letter becomes the bit by which the cases differ.
        let difference = b.shr(letters, 2);
        b.xor(word, difference)
    }

    /// `joined(address, length)`: the strings there with blanks between them.
    pub fn store_arguments(&mut self, space: Space, args: &[Expr], cap: u32, to: Mem) -> Result<()> {
        let [addr, len] = args else { return Err(self.model_error("joined() takes two arguments")) };
        let mark = self.mark();
        let (space, from) = self.memory_source(addr, space)?;
        let wanted = self.scalar(len)?;
        let most = cap.max(1) - 1;
        let (size, may_be_cut) = self.bounded_length(wanted, most);
        let size = self.forgotten(size);
        let bytes = self.bytes(cap);
        let memory = self.bytes_memory(bytes);
        let start = self.address(memory);
        let mask = i64::from(cap.next_power_of_two()) - 1;
        let size = self.f.b.and(size, mask);
        let failed = self.read_bytes(space, start, size, from);
        let shown = self.faulty(space, from);
        self.fault_if(BAD_ADDRESS, Cond::Ne, failed, 0, shown);
        if may_be_cut {
            self.lose_if(LossKind::Cut, Cond::Ugt, wanted, i64::from(most));
        }
        self.each_word(bytes, cap, |lower, word| lower.blanks_for_nuls(word))?;
        // The last string's NUL ends the text.
        let last = self.f.b.sub(size, 1);
        let size = self.trimmed(bytes, last)?;
        let zero = self.f.b.iconst(0);
        self.store_part(bytes, zero, size, cap, to)?;
        self.release(mark);
        Ok(())
    }

    /// The length of bytes up to `last`, without the blank that stands there for a NUL.
    fn trimmed(&mut self, bytes: Bytes, last: Value) -> Result<Value> {
        let whole = self.f.b.add(last, 1);
        let len = self.cell(whole);
        self.when(Cond::Sge, last, 0, |lower| {
            let byte = lower.byte(bytes, last);
            lower.when(Cond::Eq, byte, i64::from(b' '), |lower| lower.cell_set(len, last));
        });
        Ok(self.cell_get(len))
    }

    /// Adding 0x7f to the low bits of a byte sets its top bit unless they are all zero.
    fn blanks_for_nuls(&mut self, word: Value) -> Value {
        let b = &mut self.f.b;
        let low = b.and(word, everywhere(0x7f));
        let sum = b.add(low, everywhere(0x7f));
        let any = b.or(sum, word);
        let inverse = b.not(any);
        let nuls = b.and(inverse, everywhere(0x80));
        let blanks = b.shr(nuls, 2);
        b.or(word, blanks)
    }
}
