//! Fields of ELF structures in either class and byte order (elf(5)).

/// How a file writes its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    /// 64-bit structures; otherwise 32-bit ones.
    pub(crate) wide: bool,
    /// Most significant byte first.
    pub(crate) big: bool,
}

impl Encoding {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self.big {
            true => u16::from_be_bytes(raw),
            false => u16::from_le_bytes(raw),
        })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self.big {
            true => u32::from_be_bytes(raw),
            false => u32::from_le_bytes(raw),
        })
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let raw = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(match self.big {
            true => u64::from_be_bytes(raw),
            false => u64::from_le_bytes(raw),
        })
    }

    /// An address-sized field: at `narrow` in 32-bit files, at `wide` in 64-bit ones.
    pub(crate) fn word(self, bytes: &[u8], narrow: usize, wide: usize) -> Option<u64> {
        match self.wide {
            true => self.u64(bytes, wide),
            false => self.u32(bytes, narrow).map(u64::from),
        }
    }

    /// A 32-bit field at a place that depends on the class.
    pub(crate) fn half(self, bytes: &[u8], narrow: usize, wide: usize) -> Option<u32> {
        self.u32(bytes, if self.wide { wide } else { narrow })
    }
}
