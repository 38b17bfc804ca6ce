//! Links from an ELF file to the files with its debug information.

use super::file::ElfFile;

/// Links are a file name and a few bytes.
const MAX_LINK: u64 = 64 * 1024;

impl ElfFile {
    /// `.gnu_debuglink`: a file name without directory, and the CRC-32 of that file.
    pub(crate) fn debug_link(&self) -> Option<(String, u32)> {
        let bytes = self.contents(".gnu_debuglink", MAX_LINK).ok()??;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let name = std::str::from_utf8(&bytes[..end]).ok()?;
        let checksum_at = (end + 1).next_multiple_of(4);
        let checksum = self.encoding.u32(&bytes, checksum_at)?;
        let plain = !name.is_empty() && !name.contains('/') && name != "..";
        plain.then(|| (name.to_owned(), checksum))
    }

    /// `.gnu_debugaltlink`: a path and the build id of the file there.
    pub(crate) fn alternate_link(&self) -> Option<(String, Vec<u8>)> {
        let bytes = self.contents(".gnu_debugaltlink", MAX_LINK).ok()??;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let path = std::str::from_utf8(&bytes[..end]).ok()?;
        let id = bytes.get(end + 1..)?;
        (!path.is_empty() && !id.is_empty()).then(|| (path.to_owned(), id.to_vec()))
    }
}
