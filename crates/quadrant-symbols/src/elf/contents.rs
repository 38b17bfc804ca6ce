//! Contents of sections, decompressed when need be.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::field::Encoding;
use super::file::{ElfFile, SHT_NOBITS};
use crate::blob::Blob;
use crate::room;

const ELFCOMPRESS_ZLIB: u32 = 1;
const ELFCOMPRESS_ZSTD: u32 = 2;
/// One packed byte gives three to twenty of usual debug information. Lines of generated functions that are all alike give hundreds with
/// zlib and thousands with zstd, as zeros do, which cost nobody anything: of what is more than usual a file has a limit.
const USUAL_RATIO: u64 = 64;
/// Bytes of all contents of a file together that are packed more than is usual.
pub(super) const MAX_DENSE: u64 = 256 << 20;
/// Contents of which it is asked first whether there is room for them, and what must be left besides.
const LARGE: u64 = 4 << 20;
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
            false if self.is_deflated(section) => inflate(&self.blob, offset, size, self.unpacked_limit(size, limit))?,
            true => decompress(&self.blob, self.encoding, offset, size, self.unpacked_limit(size, limit))?,
            false => return read(&self.blob, offset, size, limit).map(Some),
        };
        let unpacked = contents.len() as u64;
        if unpacked > usual(size) {
            let less = |left: u64| Some(left.saturating_sub(unpacked));
            // It is a closure that always gives a number.
            let _ = self.dense.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
        Ok(Some(contents))
    }

    /// How many bytes so many packed ones may become.
    fn unpacked_limit(&self, packed: u64, limit: u64) -> u64 {
        limit.min(usual(packed).max(self.dense.load(Ordering::Relaxed)))
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

fn usual(packed: u64) -> u64 {
    packed.saturating_mul(USUAL_RATIO)
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
    check_size(real, limit)?;
    match method {
        ELFCOMPRESS_ZLIB => unpack(flate2::bufread::ZlibDecoder::new(body), real),
        ELFCOMPRESS_ZSTD => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(body);
            unpack(decoder.map_err(|_| "is damaged (zstd)")?, real)
        }
        _ => Err("is compressed with an unknown method"),
    }
}

/// By the convention of older tools: a word, the real size with its highest byte first, and what zlib made.
fn inflate(blob: &Blob, offset: u64, size: u64, limit: u64) -> Result<Arc<[u8]>, Problem> {
    let packed = read(blob, offset, size, limit)?;
    let (head, body) = packed.split_at_checked(12).ok_or("is cut off")?;
    let real = head.strip_prefix(b"ZLIB").and_then(|size| size.try_into().ok()).map(u64::from_be_bytes);
    let real = real.ok_or("is compressed with an unknown method")?;
    check_size(real, limit)?;
    unpack(flate2::bufread::ZlibDecoder::new(body), real)
}

/// What the contents say of their size is not to be believed.
fn check_size(real: u64, limit: u64) -> Result<(), Problem> {
    if real > limit { Err("is larger than what is kept of debug information") } else { Ok(()) }
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
    if size >= LARGE && room::left().is_some_and(|left| size.saturating_add(LARGE) > left) {
        return Err("does not fit into the memory that its control group leaves to this process");
    }
    let size = usize::try_from(size).map_err(|_| "is larger than memory")?;
    Ok(std::iter::repeat_n(0, size).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LITTLE: Encoding = Encoding { wide: true, big: false };
    const LIMIT: u64 = 1 << 20;

    fn compressed(method: u32, size: u64, body: &[u8]) -> Blob {
        let mut bytes = method.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(body);
        Blob::Memory(bytes.into())
    }

    fn unpacked(blob: &Blob, limit: u64) -> Result<Arc<[u8]>, Problem> {
        decompress(blob, LITTLE, 0, blob.len(), limit)
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn both_methods() {
        let text = b"debug information ".repeat(1000);
        for (method, body) in [(1, zlib(&text)), (2, zstd(&text))] {
            let blob = compressed(method, text.len() as u64, &body);
            assert_eq!(unpacked(&blob, LIMIT).as_deref(), Ok(&text[..]), "method {method}");
        }
    }

    #[test]
    fn damage_and_bombs_are_refused() {
        let text = vec![0; 100_000];
        let body = zlib(&text);
        let size = text.len() as u64;
        assert!(unpacked(&compressed(1, size, &body), 1000).is_err(), "over the limit");
        assert!(unpacked(&compressed(1, size + 1, &body), LIMIT).is_err(), "less than it says");
        assert!(unpacked(&compressed(1, LIMIT, b"x"), LIMIT).is_err(), "nothing of what it says");
        assert!(unpacked(&compressed(9, size, &body), LIMIT).is_err(), "unknown method");
        for method in [1, 2] {
            for len in [0, 1, 10, 20] {
                let cut = &body[..len.min(body.len())];
                assert!(unpacked(&compressed(method, size, cut), LIMIT).is_err());
            }
        }
        let short = Blob::Memory(vec![1; 10].into());
        assert!(unpacked(&short, LIMIT).is_err());
    }

    /// An ELF file whose sections `.debug_line` and `.debug_str` are both these packed bytes.
    fn with_packed(contents: &[u8]) -> ElfFile {
        let names = b"\0.debug_line\0.debug_str\0.shstrtab\0";
        let (names_at, contents_at) = (64 + 4 * 64, 64 + 4 * 64 + names.len() as u64);
        let header = |name: u32, kind: u32, flags: u64, at: u64, size: u64| {
            [
                &name.to_le_bytes()[..],
                &kind.to_le_bytes(),
                &flags.to_le_bytes(),
                &[0; 8],
                &at.to_le_bytes(),
                &size.to_le_bytes(),
                &[0; 24],
            ]
            .concat()
        };
        let mut bytes =
            [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0, 62, 0, 1, 0, 0, 0], &[0; 16], &64u64.to_le_bytes()].concat();
        bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 0, 0, 64, 0, 4, 0, 3, 0]);
        bytes.extend(header(0, 0, 0, 0, 0));
        bytes.extend(header(1, 1, 0x800, contents_at, contents.len() as u64));
        bytes.extend(header(13, 1, 0x800, contents_at, contents.len() as u64));
        bytes.extend(header(24, 3, 0, names_at, names.len() as u64));
        bytes.extend(names);
        bytes.extend(contents);
        ElfFile::open(Blob::Memory(bytes.into())).unwrap()
    }

    #[test]
    fn lines_that_are_all_alike_may_be_packed_as_much_as_they_are_up_to_a_total() {
        let size = 600_000;
        let chunk = zlib(&vec![0; size]);
        let Blob::Memory(packed) = compressed(1, size as u64, &chunk) else { unreachable!() };
        assert!(size / packed.len() > 455);
        let elf = with_packed(&packed);
        elf.dense.store(1_000_000, Ordering::Relaxed);
        assert_eq!(elf.contents(".debug_line", 1 << 30).unwrap().unwrap().len(), size);
        assert!(elf.contents(".debug_str", 1 << 30).is_err(), "more than the file's total");
    }

    #[test]
    fn deflated_by_the_older_convention() {
        let text = vec![7; 5000];
        let of = |size: u64, body: &[u8]| [&b"ZLIB"[..], &size.to_be_bytes(), body].concat();
        let inflated = |bytes: Vec<u8>, limit| {
            let blob = Blob::Memory(bytes.into());
            inflate(&blob, 0, blob.len(), limit)
        };
        let body = zlib(&text);
        assert_eq!(&*inflated(of(5000, &body), LIMIT).unwrap(), text);
        for bytes in
            [of(5001, &body), of(u64::MAX, &body), of(5000, b"x"), b"ZLIB".to_vec(), b"zlib too short".to_vec()]
        {
            assert!(inflated(bytes, LIMIT).is_err());
        }
        assert!(inflated(of(5000, &body), 100).is_err());
    }
}
