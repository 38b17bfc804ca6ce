//! The files that a run wants in its guest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use super::cpio::Archive;
use crate::Failure;

/// How deep folders may be: links can make a folder contain itself.
const DEEPEST: usize = 32;

/// A file or folder of this machine, and where it is in the guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// Its path here.
    pub from: PathBuf,
    /// Its absolute path there.
    pub to: String,
}

impl FromStr for Addition {
    type Err = String;

    /// Reads `FILE[:GUESTPATH]`. Without a path, it comes into the guest's root folder under its own name.
    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once(':').unwrap_or((text, ""));
        let name = Path::new(from).file_name().ok_or_else(|| format!("{text:?} names no file"))?;
        let to = match to {
            "" => format!("/{}", name.to_string_lossy()),
            to if to.starts_with('/') => to.to_owned(),
            _ => return Err(format!("the guest's path in {text:?} must start with /")),
        };
        Ok(Self { from: from.into(), to })
    }
}

impl Addition {
    /// Puts it into an archive. The shared libraries of a program come with it, to where they are on this machine.
    pub fn put(&self, archive: &mut Archive) -> Result<(), Failure> {
        put(&self.from, &self.to, archive, 0)
    }
}

fn put(from: &Path, to: &str, archive: &mut Archive, depth: usize) -> Result<(), Failure> {
    let failed = |e| format!("cannot read {}: {e}", from.display());
    if !from.metadata().map_err(failed)?.is_dir() {
        return put_file(from, to, archive);
    }
    if depth > DEEPEST {
        return Err(format!("{} is too deep: does a link lead back?", from.display()).into());
    }
    archive.folder(to);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        put(&entry.path(), &format!("{to}/{}", entry.file_name().to_string_lossy()), archive, depth + 1)?;
    }
    Ok(())
}

fn put_file(from: &Path, to: &str, archive: &mut Archive) -> Result<(), Failure> {
    let content = fs::read(from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
    let executable = std::os::unix::fs::PermissionsExt::mode(&from.metadata()?.permissions()) & 0o111 != 0;
    archive.file(to, if executable { 0o755 } else { 0o644 }, &content);
    if executable && content.starts_with(b"\x7fELF") {
        for library in libraries(from) {
            let content = fs::read(&library).map_err(|e| format!("cannot read {library}: {e}"))?;
            archive.file(&library, 0o755, &content);
        }
    }
    Ok(())
}

/// What ldd finds; nothing for a static program or one of another architecture.
fn libraries(program: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(program).env("LC_ALL", "C").output();
    let listed = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    libraries_listed(&String::from_utf8_lossy(&listed.unwrap_or_default()))
}

/// The paths in what ldd prints: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for the dynamic linker. Lines without an
/// address are complaints, as those about a program of another system.
pub fn libraries_listed(listed: &str) -> Vec<String> {
    let path = |line: &str| line.split_whitespace().rfind(|word| word.starts_with('/')).map(str::to_owned);
    listed.lines().filter(|line| line.contains("(0x")).filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addition_has_its_own_name_or_the_given_path() {
        let addition = |text: &str| text.parse::<Addition>().unwrap();
        assert_eq!(addition("a/b.so").to, "/b.so");
        assert_eq!(addition("a/b:/x/y"), Addition { from: "a/b".into(), to: "/x/y".to_owned() });
        assert!("a:relative".parse::<Addition>().is_err());
        assert!("..".parse::<Addition>().is_err() && "".parse::<Addition>().is_err());
    }

    #[test]
    fn libraries_are_read_from_what_ldd_prints() {
        let listed =
            "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)\n\t/lib64/ld.so.2 (0x7)\n";
        assert_eq!(libraries_listed(listed), ["/lib/x/libc.so.6", "/lib64/ld.so.2"]);
        assert!(libraries_listed("\tstatically linked\n").is_empty());
        assert!(libraries_listed("\tlibgone.so => not found\n").is_empty());
        assert!(libraries_listed("/x/a: /lib/libc.so.6: version `V' not found (required by /x/a)\n").is_empty());
    }

    #[test]
    fn a_folder_comes_with_all_that_is_in_it() {
        let mut archive = Archive::default();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vm");
        Addition { from, to: "/vm".to_owned() }.put(&mut archive).unwrap();
        let bytes = archive.finish();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(has(b"vm/init.sh\0") && has(b"/bin/busybox --install"));
        let missing = Addition { from: "/no/such".into(), to: "/x".to_owned() };
        let error = missing.put(&mut Archive::default()).unwrap_err().to_string();
        assert!(error.contains("/no/such"), "{error}");
    }
}
