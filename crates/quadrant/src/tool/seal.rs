//! The file of a built tool: this program's own file, a mark in its header, and the payload behind its end.
//!
//! The mark is in the bytes of `e_ident` that ELF reserves and nobody reads (`EI_PAD`); it says that there has to be a payload, so
//! that a file that was cut is not taken for the tracer itself. The file ends with 32 bytes about the payload before them:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | version of this form |
//! | 4 | CRC-32 of the payload |
//! | 8 | length of the payload |
//! | 16 | the text `quadrant payload` |
//!
//! Numbers are little-endian.

use std::fs::File;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::os::unix::fs::FileExt;

use crate::tool::payload::Damaged;

/// Where the mark is: `EI_PAD`.
const MARK_AT: u64 = 9;
const MARK: &[u8; 7] = b"quadtl\x01";

const MAGIC: &[u8; 16] = b"quadrant payload";
const VERSION: u32 = 1;
const FOOTER: u64 = 32;

/// Longest payload: a script and what it imports.
const LONGEST: u64 = 256 << 20;

/// Why there is no payload.
#[derive(Debug)]
pub enum Unreadable {
    /// The file cannot be read.
    Io(io::Error),
    /// The file was changed.
    Damaged(Damaged),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Unreadable {
        Unreadable::Io(error)
    }
}

/// The payload of a program's file; `None` if the program is not a tool.
///
/// # Errors
/// The file is a tool's, and its payload cannot be read or is damaged.
pub fn open(file: &File) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut mark = [0; MARK.len()];
    file.read_exact_at(&mut mark, MARK_AT)?;
    if mark != *MARK {
        return Ok(None);
    }
    let size = file.metadata()?.len();
    let Some(end) = size.checked_sub(FOOTER) else { return Err(damaged("its end is missing")) };
    let mut footer = [0; FOOTER as usize];
    file.read_exact_at(&mut footer, end)?;
    let (length, checksum) = examine(&footer).map_err(Unreadable::Damaged)?;
    let Some(start) = end.checked_sub(length) else { return Err(damaged("it is longer than the file")) };
    let mut payload = vec![0; length as usize];
    file.read_exact_at(&mut payload, start)?;
    if crc(&payload) == checksum { Ok(Some(payload)) } else { Err(damaged("its checksum is wrong")) }
}

/// The payload's length and checksum.
fn examine(footer: &[u8; FOOTER as usize]) -> Result<(u64, u32), Damaged> {
    let (numbers, magic) = footer.split_at(footer.len() - MAGIC.len());
    if magic != MAGIC {
        return Err(Damaged("its end is missing"));
    }
    let part = |at: usize| numbers[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
    let length = u64::from(part(8)) | u64::from(part(12)) << 32;
    match part(0) {
        VERSION if length <= LONGEST => Ok((length, part(4))),
        VERSION => Err(Damaged("it is too long")),
        _ => Err(Damaged("its form is not this tracer's")),
    }
}

/// Writes a tool: the tracer's own file with a payload.
///
/// # Errors
/// The payload is too long; a file cannot be read or written.
pub fn write(own: &mut File, payload: &[u8], out: &mut File) -> io::Result<()> {
    if payload.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the script is too long"));
    }
    own.seek(SeekFrom::Start(0))?;
    io::copy(own, out)?;
    out.write_all(payload)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&crc(payload).to_le_bytes())?;
    out.write_all(&(payload.len() as u64).to_le_bytes())?;
    out.write_all(MAGIC)?;
    out.write_all_at(MARK, MARK_AT)
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn damaged(why: &'static str) -> Unreadable {
    Unreadable::Damaged(Damaged(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file without a name.
    fn file(content: &[u8]) -> File {
        let path = std::env::temp_dir().join(format!("quadrant-seal-{:?}", std::thread::current().id()));
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn content(file: &File) -> Vec<u8> {
        let mut content = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut content, 0).unwrap();
        content
    }

    fn sealed(payload: &[u8]) -> File {
        let mut out = file(&[]);
        write(&mut file(&[7; 100]), payload, &mut out).unwrap();
        out
    }

    #[test]
    fn a_payload_comes_back() {
        assert_eq!(open(&sealed(b"script")).unwrap(), Some(b"script".to_vec()));
        assert_eq!(open(&sealed(b"")).unwrap(), Some(Vec::new()));
        assert_eq!(open(&file(&[7; 100])).unwrap(), None);
    }

    #[test]
    fn whatever_is_cut_off_is_missed() {
        let whole = content(&sealed(b"script"));
        for end in 16..whole.len() {
            assert!(matches!(open(&file(&whole[..end])), Err(Unreadable::Damaged(_))), "{end} of {}", whole.len());
        }
    }

    #[test]
    fn changed_ends_are_found() {
        let whole = content(&sealed(b"script"));
        for at in 100..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                assert!(matches!(open(&file(&changed)), Err(Unreadable::Damaged(_))), "byte {at}");
            }
        }
    }
}
