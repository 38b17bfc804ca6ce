//! The kernel's version as `<linux/version.h>` has it: `LINUX_VERSION_CODE >= KERNEL_VERSION(5, 4, 0)`.

use quadrant_program::expr::Expr;
use quadrant_program::span::Span;

use super::Lower;
use super::expr::literal_int;

/// The macro that makes a version of three numbers.
pub(super) const FUNCTION: &str = "KERNEL_VERSION";

/// Constants, and which part of the version they are: so many bits from there.
const CONSTANTS: &[(&str, u32, u64)] = &[
    ("LINUX_VERSION_CODE", 0, u64::MAX),
    ("LINUX_VERSION_MAJOR", 16, u64::MAX),
    ("LINUX_VERSION_PATCHLEVEL", 8, 0xff),
    ("LINUX_VERSION_SUBLEVEL", 0, 0xff),
];

/// Whether the header defines the name.
pub(super) fn defines(name: &str) -> bool {
    name == FUNCTION || CONSTANTS.iter().any(|(known, ..)| *known == name)
}

/// A version of three numbers, of which the last has a byte: later ones are the greatest.
pub(super) fn number(parts: [i64; 3]) -> i64 {
    let [major, patch_level, sublevel] = parts;
    (major << 16).wrapping_add(patch_level << 8).wrapping_add(sublevel.min(0xff))
}

impl Lower<'_> {
    /// The value of a constant of the header, or why it is not known; nothing if it is none.
    pub(super) fn version_part(&self, name: &str) -> Option<Result<u64, String>> {
        let (_, shift, mask) = CONSTANTS.iter().find(|(known, ..)| *known == name)?;
        Some(self.env.symbols.kernel_version().map(|version| version >> shift & mask))
    }

    /// A constant of the header; the outer `None` if it is none.
    pub(super) fn version_constant(&mut self, name: &str, span: Span) -> Option<Option<Expr>> {
        Some(match self.version_part(name)? {
            Ok(value) => Some(literal_int(value, span)),
            Err(why) => self.error(span, why),
        })
    }
}
