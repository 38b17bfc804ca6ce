//! The build id: a note of owner `GNU` and type 3.

use std::fs::File;

use super::field::Encoding;
use super::file::ElfFile;
use crate::blob::Blob;

const NT_GNU_BUILD_ID: u32 = 3;
/// Notes of interest are small; core files have large ones.
const MAX_NOTES: u64 = 1 << 20;
/// The longest build id a linker makes is a SHA-256.
const MAX_BUILD_ID: usize = 64;

impl ElfFile {
    /// The build id of the file.
    pub(crate) fn build_id(&self) -> Option<Vec<u8>> {
        self.note_ranges().into_iter().find_map(|(offset, size)| {
            let notes = self.blob.read(offset, size, MAX_NOTES)?;
            build_id_in(self.encoding, &notes)
        })
    }
}

/// The build id of an ELF file; `None` if it has none, or is no such file.
pub fn build_id(file: File) -> Option<Vec<u8>> {
    ElfFile::open(Blob::from_file(file.into()).ok()?).ok()?.build_id()
}

/// The build id in notes that are as this machine writes them.
pub(crate) fn build_id_of_notes(notes: &[u8]) -> Option<Vec<u8>> {
    let native = Encoding { wide: cfg!(target_pointer_width = "64"), big: cfg!(target_endian = "big") };
    build_id_in(native, notes)
}

/// The build id in a run of notes. Names and contents are padded to 4 bytes.
fn build_id_in(enc: Encoding, mut notes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let name_len = enc.u32(notes, 0)? as usize;
        let len = enc.u32(notes, 4)? as usize;
        let kind = enc.u32(notes, 8)?;
        let start = 12_usize.checked_add(name_len.checked_next_multiple_of(4)?)?;
        let end = start.checked_add(len)?;
        let name = notes.get(12..12 + name_len)?;
        let content = notes.get(start..end)?;
        let fits = (1..=MAX_BUILD_ID).contains(&len);
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" && fits {
            return Some(content.to_vec());
        }
        notes = notes.get(end.checked_next_multiple_of(4)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Encoding = Encoding { wide: true, big: false };

    fn note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        note.extend_from_slice(&(name.len() as u32).to_le_bytes());
        note.extend_from_slice(&(content.len() as u32).to_le_bytes());
        note.extend_from_slice(&kind.to_le_bytes());
        for part in [name, content] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn finds_the_id_behind_other_notes() {
        let mut notes = note(b"stapsdt\0", 3, b"12345");
        notes.extend(note(b"GNU\0", 3, &[1, 2, 3]));
        assert_eq!(build_id_in(LITTLE, &notes), Some(vec![1, 2, 3]));
    }

    #[test]
    fn damaged_notes_give_nothing() {
        let good = note(b"GNU\0", 3, &[1, 2, 3, 4]);
        for len in 0..good.len() {
            assert_eq!(build_id_in(LITTLE, &good[..len]), None, "cut to {len}");
        }
        let mut huge = good.clone();
        huge[..8].fill(0xff);
        assert_eq!(build_id_in(LITTLE, &huge), None);
        assert_eq!(build_id_in(LITTLE, &note(b"GNU\0", 3, &[0; 65])), None);
    }
}
