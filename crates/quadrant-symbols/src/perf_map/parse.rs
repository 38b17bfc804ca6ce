//! The text of a perf map: lines of `START SIZE NAME`, numbers in hexadecimal.
//!
//! Later lines replace what earlier ones said about the same addresses: code is thrown away
//! and its memory used again.

use std::collections::BTreeMap;

use crate::text::hex;

/// Longer lines are skipped.
const MAX_LINE: usize = 16 * 1024;
/// Further lines are skipped and counted.
const MAX_REGIONS: usize = 1_000_000;
/// As much text of names is kept.
const MAX_NAMES: usize = 64 << 20;

/// All regions of one file.
#[derive(Debug, Default)]
pub(super) struct PerfMap {
    /// Disjoint pieces, by their first address.
    pieces: BTreeMap<u64, Piece>,
    names: Vec<u8>,
    /// The start of a line whose end has not been read yet.
    pending: Vec<u8>,
    /// True while the rest of a line that is too long is passed over.
    in_long_line: bool,
    skipped: u64,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// First address behind the piece.
    end: u64,
    /// The region the piece was cut out of.
    start: u64,
    size: u64,
    name: (usize, usize),
}

/// A piece of generated code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Region<'a> {
    pub(crate) start: u64,
    pub(crate) size: u64,
    pub(crate) name: &'a [u8],
}

impl PerfMap {
    /// Takes in the next bytes of the file.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        let Some(mut part) = parts.next() else { return };
        for next in parts {
            self.end_line(part);
            part = next;
        }
        self.keep_start(part);
    }

    /// True when a region covers `addr`.
    pub(super) fn covers(&self, addr: u64) -> bool {
        self.piece(addr).is_some()
    }

    /// The region that covers `addr`.
    pub(super) fn find(&self, addr: u64) -> Option<Region<'_>> {
        let piece = self.piece(addr)?;
        Some(Region { start: piece.start, size: piece.size, name: self.names.get(piece.name.0..piece.name.1)? })
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        // A map of this kind holds its entries in half-full nodes.
        self.names.capacity() + self.pieces.len() * 2 * size_of::<(u64, Piece)>()
    }

    /// How many lines were skipped since the last call.
    pub(super) fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    fn piece(&self, addr: u64) -> Option<&Piece> {
        let (_, piece) = self.pieces.range(..=addr).next_back()?;
        (addr < piece.end).then_some(piece)
    }

    fn keep_start(&mut self, part: &[u8]) {
        if self.in_long_line {
            return;
        }
        if self.pending.len() + part.len() > MAX_LINE {
            self.pending = Vec::new();
            self.in_long_line = true;
            return;
        }
        self.pending.extend_from_slice(part);
    }

    fn end_line(&mut self, last: &[u8]) {
        self.keep_start(last);
        let line = std::mem::take(&mut self.pending);
        let long = std::mem::take(&mut self.in_long_line);
        if line.is_empty() && !long {
            return;
        }
        let kept = (!long).then(|| self.add_line(&line)).flatten();
        self.skipped += u64::from(kept.is_none());
    }

    fn add_line(&mut self, line: &[u8]) -> Option<()> {
        let (start, size, name) = parse_line(line)?;
        let full = self.pieces.len() >= MAX_REGIONS || self.names.len() + name.len() > MAX_NAMES;
        (!full).then_some(())?;
        let from = self.names.len();
        self.names.extend_from_slice(name);
        let piece = Piece { end: start + size, start, size, name: (from, self.names.len()) };
        self.put(piece);
        Some(())
    }

    /// Puts a piece in, cutting away what it covers. Every piece is removed at most once, so
    /// the work stays in proportion to the number of lines.
    fn put(&mut self, new: Piece) {
        if let Some((at, old)) = self.piece_before(new.start) {
            self.pieces.entry(at).and_modify(|left| left.end = new.start);
            if old.end > new.end {
                self.pieces.insert(new.end, old);
            }
        }
        while let Some((at, old)) = self.piece_within(new.start, new.end) {
            self.pieces.remove(&at);
            if old.end > new.end {
                self.pieces.insert(new.end, old);
            }
        }
        self.pieces.insert(new.start, new);
    }

    /// The piece that starts before `addr` and reaches beyond it.
    fn piece_before(&self, addr: u64) -> Option<(u64, Piece)> {
        let (at, piece) = self.pieces.range(..addr).next_back()?;
        (piece.end > addr).then_some((*at, *piece))
    }

    fn piece_within(&self, start: u64, end: u64) -> Option<(u64, Piece)> {
        let (at, piece) = self.pieces.range(start..end).next()?;
        Some((*at, *piece))
    }
}

/// `START SIZE NAME`; some compilers write `0x` before the numbers.
fn parse_line(line: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (start, rest) = number(line)?;
    let (size, name) = number(rest)?;
    let name = name.strip_suffix(b"\r").unwrap_or(name);
    let valid = size > 0 && start.checked_add(size).is_some() && !name.is_empty();
    valid.then_some((start, size, name))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == b' ')?;
    let digits = &text[..end];
    let value = hex(digits.strip_prefix(b"0x").unwrap_or(digits))?;
    Some((value, &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &[u8]) -> PerfMap {
        let mut map = PerfMap::default();
        map.add(text);
        map
    }

    fn name(map: &PerfMap, addr: u64) -> Option<String> {
        let region = map.find(addr)?;
        Some(String::from_utf8_lossy(region.name).into_owned())
    }

    #[test]
    fn finds_regions() {
        let map = map(b"1000 10 a b\n0x2000 0x20 LazyCompile:~x /f.js:1\n");
        assert_eq!(name(&map, 0x1000).as_deref(), Some("a b"));
        assert_eq!(name(&map, 0x100f).as_deref(), Some("a b"));
        assert_eq!(name(&map, 0x1010), None);
        assert_eq!(name(&map, 0xfff), None);
        assert_eq!(name(&map, 0x201f).as_deref(), Some("LazyCompile:~x /f.js:1"));
    }

    #[test]
    fn later_lines_replace_earlier_ones_where_they_overlap() {
        let map = map(b"1000 100 old\n2000 10 gone\n1010 10 new\n1ff0 100 over\n");
        assert_eq!(name(&map, 0x1000).as_deref(), Some("old"));
        assert_eq!(name(&map, 0x1010).as_deref(), Some("new"));
        assert_eq!(name(&map, 0x1020).as_deref(), Some("old"));
        assert_eq!(map.find(0x1020).map(|region| region.start), Some(0x1000));
        assert_eq!(name(&map, 0x2000).as_deref(), Some("over"));
    }

    #[test]
    fn lines_may_arrive_in_pieces() {
        let text = b"1000 10 first\n2000 10 second\n";
        for cut in 0..text.len() {
            let mut map = map(&text[..cut]);
            map.add(&text[cut..]);
            assert_eq!(name(&map, 0x1001).as_deref(), Some("first"), "cut {cut}");
            assert_eq!(name(&map, 0x2001).as_deref(), Some("second"), "cut {cut}");
            assert_eq!(map.take_skipped(), 0);
        }
    }

    #[test]
    fn other_lines_are_skipped_and_counted() {
        let mut long = b"1000 10 ".to_vec();
        long.resize(MAX_LINE + 10, b'x');
        long.extend_from_slice(b"\n2000 10 ok\n");
        let mut map = map(&long);
        map.add(b"\xff\xfe\0\n1 2\n1 0 zero\nffffffffffffffff 2 end\n-1 2 x\n\n3 4 \n");
        assert_eq!(map.take_skipped(), 7);
        assert_eq!(name(&map, 0x2000).as_deref(), Some("ok"));
        assert_eq!(map.take_skipped(), 0);
    }

    /// Regions that are cut again and again must not make the work quadratic.
    #[test]
    fn nested_regions_stay_cheap() {
        let mut map = PerfMap::default();
        for line in 0..20_000_u64 {
            let text = format!("{:x} {:x} n{line}\n", line, 1_000_000 - 2 * line);
            map.add(text.as_bytes());
        }
        assert_eq!(name(&map, 0).as_deref(), Some("n0"));
        assert_eq!(name(&map, 500_000).as_deref(), Some("n19999"));
        map.add(b"0 fffffff all\n");
        assert_eq!(map.pieces.len(), 1);
    }
}
