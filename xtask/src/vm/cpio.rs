//! Writes archives in the form that the kernel unpacks at its start ("newc",
//! Documentation/driver-api/early-userspace/buffer-format.rst).

use std::collections::BTreeSet;

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_000;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// An archive being written. Everything in it belongs to root.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
    folders: BTreeSet<String>,
}

impl Archive {
    /// Adds a folder and those above it.
    pub fn folder(&mut self, path: &str) {
        let path = path.trim_matches('/');
        if path.is_empty() || self.folders.contains(path) {
            return;
        }
        self.folder_of(path);
        self.folders.insert(path.to_owned());
        self.entry(path, FOLDER, (0, 0), &[]);
    }

    /// Adds a file, and the folder for it. `mode` is the nine bits of permissions.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        let path = path.trim_matches('/');
        self.folder_of(path);
        self.entry(path, FILE | mode & 0o777, (0, 0), content);
    }

    /// Adds a character device by its major and minor number, and the folder for it.
    pub fn device(&mut self, path: &str, number: (u32, u32)) {
        let path = path.trim_matches('/');
        self.folder_of(path);
        self.entry(path, CHARACTER_DEVICE, number, &[]);
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn folder_of(&mut self, path: &str) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.folder(folder);
        }
    }

    /// Thirteen numbers of eight hexadecimal digits after the magic: inode, mode, owner, group, links, time, size, the
    /// device it is on, the device it is, length of the name, checksum. Then the name and the content, each padded.
    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let (size, name) = (content.len() as u32, path.len() as u32 + 1);
        let numbers = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name, 0];
        self.bytes.extend_from_slice(b"070701");
        for number in numbers {
            self.bytes.extend_from_slice(format!("{number:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, modes and contents, as the format says they are laid out.
    fn read(archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let (mut at, mut entries) = (0, Vec::new());
        while at < archive.len() {
            assert_eq!(&archive[at..at + 6], b"070701");
            let number = |i: usize| {
                let digits = std::str::from_utf8(&archive[at + 6 + 8 * i..][..8]).unwrap();
                u32::from_str_radix(digits, 16).unwrap()
            };
            let (mode, size, name_len) = (number(1), number(6) as usize, number(11) as usize);
            let name = String::from_utf8(archive[at + 110..][..name_len - 1].to_vec()).unwrap();
            let content = (at + 110 + name_len).next_multiple_of(4);
            entries.push((name, mode, archive[content..][..size].to_vec()));
            at = (content + size).next_multiple_of(4);
        }
        entries
    }

    #[test]
    fn an_archive_has_what_was_added_and_each_folder_once() {
        let mut archive = Archive::default();
        archive.file("/a/b/file", 0o100_755, b"content");
        archive.file("a/b/other", 0o644, b"");
        archive.folder("a/b");
        archive.folder("/");
        archive.device("/dev/console", (5, 1));
        let entries = read(&archive.finish());
        let names: Vec<&str> = entries.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["a", "a/b", "a/b/file", "a/b/other", "dev", "dev/console", "TRAILER!!!"]);
        assert_eq!(entries[2], ("a/b/file".to_owned(), 0o100_755, b"content".to_vec()));
        assert_eq!((entries[1].1, entries[5].1), (0o040_755, 0o020_600));
    }

    #[test]
    fn entries_start_at_multiples_of_four() {
        for len in 0..5 {
            let mut archive = Archive::default();
            archive.file("f", 0o644, &vec![7; len]);
            let bytes = archive.finish();
            assert_eq!(bytes.len() % 4, 0);
            assert_eq!(read(&bytes)[0].2.len(), len);
        }
    }
}
