//! Fields of ELF's structures in programs of 64 and of 32 bits (elf(5)). All are little-endian.

use super::{u16_at, u32_at, u64_at};

/// How wide the words of a program are, and with them its instructions' mode and ELF's structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// 32 bits: i386.
    Narrow,
    /// 64 bits.
    Wide,
}

/// Where a field is: in 32-bit files, in 64-bit ones.
pub(super) type At = [usize; 2];

impl Class {
    /// Bytes of a word.
    pub fn word_len(self) -> usize {
        self.of([4, 8])
    }

    /// Bits of a word, which are the mode of the processor.
    pub fn bits(self) -> u32 {
        self.of([32, 64])
    }

    /// An address that was computed with, in as many bits as addresses have.
    pub fn address(self, sum: u64) -> u64 {
        self.of([sum & u64::from(u32::MAX), sum])
    }

    pub(super) fn segment_len(self) -> u64 {
        self.of([32, 56])
    }

    pub(super) fn section_len(self) -> u64 {
        self.of([40, 64])
    }

    pub(super) fn symbol_len(self) -> usize {
        self.of([16, 24])
    }

    /// A word at an offset.
    pub fn word_at(self, data: &[u8], at: usize) -> Option<u64> {
        self.word(data, [at; 2])
    }

    pub(super) fn word(self, data: &[u8], at: At) -> Option<u64> {
        match self {
            Self::Narrow => u32_at(data, self.of(at)).map(u64::from),
            Self::Wide => u64_at(data, self.of(at)),
        }
    }

    /// Four bytes in both.
    pub(super) fn half(self, data: &[u8], at: At) -> Option<u32> {
        u32_at(data, self.of(at))
    }

    /// Two bytes in both.
    pub(super) fn short(self, data: &[u8], at: At) -> Option<u16> {
        u16_at(data, self.of(at))
    }

    /// What holds for it: for programs of 32 bits, or of 64.
    pub fn of<T>(self, [narrow, wide]: [T; 2]) -> T {
        match self {
            Self::Narrow => narrow,
            Self::Wide => wide,
        }
    }
}
