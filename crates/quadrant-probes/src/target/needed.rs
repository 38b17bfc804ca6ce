//! The libraries that a program will have when it runs, by what its file says: for a command that has not started.

use super::Target;
use super::find::library_dirs;
use super::ldcache::{self, Library};
use super::root::Root;
use crate::elf::{Class, Elf};
use crate::files::Files;
use std::path::{Path, PathBuf};

/// Tags of dynamic entries, as the ELF specification numbers them.
const NEEDED: u64 = 1;
const RPATH: u64 = 15;
const RUNPATH: u64 = 29;
/// Libraries of one program; browsers have hundreds.
const MOST: usize = 4_096;

/// The program itself, its loader, and all libraries that are loaded with it, each once. What cannot be found is left out.
pub(crate) fn needed(files: &Files, program: &Path) -> Vec<PathBuf> {
    let Ok(program) = std::fs::canonicalize(program) else { return Vec::new() };
    let Ok(elf) = files.open(&Target { name: program.clone(), path: program.clone() }) else { return vec![program] };
    let kind = Kind { class: elf.class(), cache: ldcache::read(&Root::own(), elf.class()) };
    let mut found = vec![program];
    let mut next = 0;
    while next < found.len() && found.len() < MOST {
        for path in direct(files, &found[next].clone(), &kind) {
            if !found.contains(&path) {
                found.push(path);
            }
        }
        next += 1;
    }
    found
}

/// Libraries as the program needs them: a program of 32 bits has its own.
struct Kind {
    class: Class,
    cache: Vec<Library>,
}

fn direct(files: &Files, path: &Path, kind: &Kind) -> Vec<PathBuf> {
    let target = Target { name: path.to_owned(), path: path.to_owned() };
    let Ok(elf) = files.open(&target) else { return Vec::new() };
    let dirs: Vec<PathBuf> = texts(&elf, &[RPATH, RUNPATH])
        .iter()
        .flat_map(|dirs| dirs.split(':').map(|dir| own_dir(dir, path)).collect::<Vec<_>>())
        .collect();
    let libraries = texts(&elf, &[NEEDED]);
    let located = libraries.iter().filter_map(|name| locate(name, &dirs, kind));
    loader(&elf).into_iter().chain(located).filter_map(|path| std::fs::canonicalize(path).ok()).collect()
}

/// `$ORIGIN/../lib` of a file.
fn own_dir(dir: &str, file: &Path) -> PathBuf {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    PathBuf::from(dir.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
}

fn loader(elf: &Elf) -> Option<PathBuf> {
    let data = elf.data(elf.section(".interp")?).ok()?;
    let end = data.iter().position(|byte| *byte == 0)?;
    Some(PathBuf::from(std::str::from_utf8(&data[..end]).ok()?))
}

/// The texts of dynamic entries with one of these tags.
fn texts(elf: &Elf, tags: &[u64]) -> Vec<String> {
    let section = |name: &str| elf.section(name).and_then(|section| elf.data(section).ok()).unwrap_or_default();
    let (entries, strings) = (section(".dynamic"), section(".dynstr"));
    let class = elf.class();
    let text = |entry: &[u8]| {
        let (tag, at) = (class.word_at(entry, 0)?, class.word_at(entry, class.word_len())?);
        let tail = strings.get(usize::try_from(at).ok()?..).filter(|_| tags.contains(&tag))?;
        let end = tail.iter().position(|byte| *byte == 0)?;
        Some(std::str::from_utf8(&tail[..end]).ok()?.to_owned())
    };
    entries.chunks_exact(2 * class.word_len()).filter_map(text).collect()
}

fn locate(name: &str, dirs: &[PathBuf], kind: &Kind) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    let own = dirs.iter().map(|dir| dir.join(name));
    let cached = kind.cache.iter().filter(|library| library.name == name).map(|library| library.path.clone());
    let usual = library_dirs(kind.class).iter().map(|dir| Path::new(dir).join(name));
    own.chain(cached).chain(usual).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_its_loader_and_the_c_library() {
        let found = needed(&Files::default(), Path::new("/bin/sh"));
        let has = |part: &str| found.iter().any(|path| path.to_string_lossy().contains(part));
        assert!(has("libc.so") && has("ld-linux") && found.len() >= 3, "{found:?}");
        assert!(needed(&Files::default(), Path::new("/no/such/program")).is_empty());
        assert_eq!(own_dir("$ORIGIN/../lib", Path::new("/opt/x/bin/a")), PathBuf::from("/opt/x/bin/../lib"));
    }
}
