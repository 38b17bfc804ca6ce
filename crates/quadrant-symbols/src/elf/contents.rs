//! Contents of sections, decompressed when need be.

use std::io::Read;
use std::sync::Arc;

use super::field::Encoding;
use super::file::{ElfFile, SHT_NOBITS};
use crate::blob::Blob;

const ELFCOMPRESS_ZLIB: u32 = 1;
const ELFCOMPRESS_ZSTD: u32 = 2;
/// One deflated byte gives at most so many (zlib's documented bound, rounded up).
const MAX_DEFLATE_RATIO: u64 = 1040;
/// Memory that an xz decoder may use, in KiB.
const MAX_XZ_MEMORY: u32 = 64 * 1024;

/// Why there are no contents, in words that follow the name of the section.
type Problem = &'static str;

impl ElfFile {
    /// The contents of section `name`: `None` when there is no such section, or nothing of it
    /// in this file. At most `limit` bytes.
    pub(crate) fn contents(&self, name: &str, limit: u64) -> Result<Option<Arc<[u8]>>, Problem> {
        let Some(section) = self.section(name) else {
            return Ok(None);
        };
        if section.kind == SHT_NOBITS {
            return Ok(None);
        }
        let (offset, size) = (section.offset, section.size);
        let contents = match section.is_compressed() {
            true => decompress(&self.blob, self.encoding, offset, size, limit)?,
            false => read(&self.blob, offset, size, limit)?,
        };
        Ok(Some(contents))
    }

    /// The small ELF file that some distributions put, packed with xz, into section
    /// `.gnu_debugdata`: the symbols that stripping removed.
    pub(crate) fn packed_symbols(&self, limit: u64) -> Option<ElfFile> {
        let section = self.section(".gnu_debugdata")?;
        let packed = read(&self.blob, section.offset, section.size, limit).ok()?;
        let reader = lzma_rust2::XzReader::new_mem_limit(&*packed, false, MAX_XZ_MEMORY);
        let mut bytes = Vec::new();
        reader.take(limit).read_to_end(&mut bytes).ok()?;
        ElfFile::open(Blob::Memory(bytes.into())).ok()
    }
}

fn read(blob: &Blob, offset: u64, size: u64, limit: u64) -> Result<Arc<[u8]>, Problem> {
    if size > limit {
        return Err("is larger than what is kept of debug information");
    }
    if offset.checked_add(size).is_none_or(|end| end > blob.len()) {
        return Err("is cut off");
    }
    let mut contents = zeroed(size)?;
    let filled = Arc::get_mut(&mut contents).map(|bytes| blob.read_some(bytes, offset));
    match filled {
        Some(filled) if filled as u64 == size => Ok(contents),
        _ => Err("cannot be read"),
    }
}

/// A compressed section starts with its method and its real size (`Elf64_Chdr`).
fn decompress(blob: &Blob, enc: Encoding, offset: u64, size: u64, limit: u64) -> Result<Arc<[u8]>, Problem> {
    let packed = read(blob, offset, size, limit)?;
    let method = enc.u32(&packed, 0).ok_or("is cut off")?;
    let real = enc.word(&packed, 4, 8).ok_or("is cut off")?;
    let head = if enc.wide { 24 } else { 12 };
    let body = packed.get(head..).ok_or("is cut off")?;
    if real > limit {
        return Err("is larger than what is kept of debug information");
    }
    match method {
        ELFCOMPRESS_ZLIB if real / MAX_DEFLATE_RATIO > size => Err("has an impossible size"),
        ELFCOMPRESS_ZLIB => unpack(flate2::read::ZlibDecoder::new(body), real),
        ELFCOMPRESS_ZSTD => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(body);
            unpack(decoder.map_err(|_| "is damaged (zstd)")?, real)
        }
        _ => Err("is compressed with an unknown method"),
    }
}

fn unpack(mut reader: impl Read, size: u64) -> Result<Arc<[u8]>, Problem> {
    let mut contents = zeroed(size)?;
    let filled = Arc::get_mut(&mut contents).map(|bytes| reader.read_exact(bytes));
    match filled {
        Some(Ok(())) => Ok(contents),
        _ => Err("is damaged (compression)"),
    }
}

fn zeroed(size: u64) -> Result<Arc<[u8]>, Problem> {
    let size = usize::try_from(size).map_err(|_| "is larger than memory")?;
    Ok(std::iter::repeat_n(0, size).collect())
}
