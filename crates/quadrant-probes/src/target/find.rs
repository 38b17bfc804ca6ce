//! Which files a script's name for a program or library means.

use super::ldcache;
use super::process::{MappedFile, has_started, mapped_files};
use super::root::Root;
use crate::elf::Class;
use crate::error::{Result, advise, error, no_match};
use crate::files::Files;
use crate::glob::{Glob, has_wildcards};
use quadrant_program::probe::ProbeError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Files that one wildcard may go through.
const MAX_WALK: usize = 20_000;
/// Where the loader looks without being told.
const LIBRARY_DIRS: [&str; 5] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"];

/// The same, for programs of 32 bits.
const NARROW_DIRS: [&str; 5] = ["/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu", "/lib32", "/usr/lib32", "/usr/lib"];

/// A file to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// As listings and the built-in `probe` show it.
    pub name: PathBuf,
    /// As this process opens it.
    pub path: PathBuf,
}

/// In whose sight names are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Ours.
    Own,
    /// What a process has mapped, and else what it could open.
    Process(u32),
    /// What a process has mapped.
    Mapped(u32),
}

/// The files that `wanted` means: a path, a program in `$PATH`, a library by its name (`libc`, `libssl.so.3`), each also with
/// wildcards. For a process also what it has mapped: `*` and nothing mean all of that.
pub(crate) fn find(files: &Files, wanted: &str, sight: Sight) -> Result<Vec<Target>> {
    let everything = wanted.is_empty() || wanted == "*";
    let targets = match sight {
        Sight::Process(pid) | Sight::Mapped(pid) if has_started(pid) => find_for_process(files, wanted, pid, sight)?,
        Sight::Own if everything => {
            return Err(advise("this probe names no file", "name the program or library, or a process with -p PID"));
        }
        _ if everything => {
            let help = "name the program or library, as `./target` or `libc`";
            return Err(advise("the command has not started, so it is not known which files it will use", help));
        }
        _ => find_in_files(&Root::own(), wanted)?,
    };
    let mut seen = std::collections::HashSet::new();
    Ok(targets.into_iter().filter(|target| seen.insert(target.name.clone())).collect())
}

fn find_for_process(files: &Files, wanted: &str, pid: u32, sight: Sight) -> Result<Vec<Target>> {
    let everything = wanted.is_empty() || wanted == "*";
    let root = Root::of(pid);
    let mapped = mapped_files(pid, root.as_ref().unwrap_or(&Root::own()))?;
    let root = root?;
    let named = named_by(&root, wanted);
    let matching: Vec<&MappedFile> =
        mapped.iter().filter(|file| everything || is_called(&file.name, wanted, named.as_deref())).collect();
    if !matching.is_empty() {
        return Ok(matching.iter().map(|file| Target { name: file.name.clone(), path: file.path(&root) }).collect());
    }
    // Not mapped yet, as a plug-in may be later.
    if wanted.contains('/') && !has_wildcards(wanted) {
        return Ok(vec![root.target(Path::new(wanted))?]);
    }
    let others = matches!(sight, Sight::Process(_)).then(|| find_in_files(&root, wanted).ok()).flatten();
    let Some(targets) = others else { return Err(not_mapped(pid, wanted, &mapped)) };
    files.warn(format!("process {pid} has mapped no file called `{wanted}` until now"));
    Ok(targets)
}

fn not_mapped(pid: u32, wanted: &str, mapped: &[MappedFile]) -> ProbeError {
    let message = format!("process {pid} has mapped no file called `{wanted}`");
    let names: Vec<String> = mapped.iter().map(|file| file_name(&file.name)).collect();
    // A library is named without its version, too.
    let known = names.iter().flat_map(|name| [name.as_str(), name.split(".so").next().unwrap_or(name)]);
    let mut error = no_match(message, wanted, known);
    error.help.push("a file that it will load later can be named by its path".into());
    error
}

/// The path in a root to which another one leads.
fn named_by(root: &Root, wanted: &str) -> Option<PathBuf> {
    let is_path = wanted.contains('/') && !has_wildcards(wanted);
    is_path.then(|| root.target(Path::new(wanted)).ok()).flatten().map(|target| target.name)
}

/// A whole path, or the name of a program or library. `named` is where the path leads.
pub(crate) fn is_called(file: &Path, wanted: &str, named: Option<&Path>) -> bool {
    if !wanted.contains('/') {
        return is_library_name(&file_name(file), wanted) || Glob::new(wanted).matches(&file_name(file));
    }
    Some(file) == named || Glob::new(wanted).matches(&file.to_string_lossy())
}

fn find_in_files(root: &Root, wanted: &str) -> Result<Vec<Target>> {
    if wanted.contains("!/") {
        let help = "unpack the archive and name the file";
        return Err(advise(format!("cannot use `{wanted}`: files inside archives are not supported"), help));
    }
    if let Some((file, _)) =
        wanted.rsplit_once('@').filter(|(file, line)| line.contains('.') && Path::new(file).exists())
    {
        let help = format!("in a script, a probe on a line is `uprobe:{wanted}:NUMBER`; lines are not listed");
        return Err(advise(format!("cannot use `{wanted}`: a source file of {file} goes with a line's number"), help));
    }
    match (wanted.contains('/'), has_wildcards(wanted)) {
        (true, false) => Ok(vec![as_given(wanted, root.target(Path::new(wanted))?)]),
        (true, true) => matched_paths(root, wanted),
        (false, true) => matched_names(root, wanted),
        (false, false) => by_name(root, wanted),
    }
}

/// Where the loader of such programs looks without being told.
pub(super) fn library_dirs(class: Class) -> &'static [&'static str] {
    class.of([&NARROW_DIRS, &LIBRARY_DIRS])
}

/// A file that a script names by its path is called by that path.
fn as_given(wanted: &str, target: Target) -> Target {
    Target { name: PathBuf::from(wanted), ..target }
}

/// A program in `$PATH`, then a library.
fn by_name(root: &Root, wanted: &str) -> Result<Vec<Target>> {
    let programs = search_path().into_iter().map(|dir| dir.join(wanted));
    let libraries = ldcache::read(root, Class::Wide);
    let cached = libraries.iter().filter(|library| is_library_name(&library.name, wanted));
    let in_dirs = library_dirs(Class::Wide).iter().map(|dir| Path::new(dir).join(wanted));
    let mut candidates = programs.chain(cached.map(|library| library.path.clone())).chain(in_dirs);
    match candidates.find(|path| is_elf(root, path)) {
        Some(path) => Ok(vec![root.target(&path)?]),
        None => Err(unknown_name(wanted, &libraries)),
    }
}

fn unknown_name(wanted: &str, libraries: &[ldcache::Library]) -> ProbeError {
    let message = format!("there is no program or library called `{wanted}` in $PATH or the loader's cache");
    let mut error = no_match(message, wanted, libraries.iter().map(|library| library.name.as_str()));
    if Path::new(wanted).exists() {
        error.help.push(format!("for the file here write `./{wanted}`").into());
    }
    error
}

/// `libc` means `libc.so`, `libc.so.6` and (the file of older systems) `libc-2.31.so`.
fn is_library_name(file: &str, wanted: &str) -> bool {
    let Some(rest) = file.strip_prefix(wanted) else { return false };
    let versioned = rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let full = wanted.contains(".so") && rest.starts_with('.');
    rest.is_empty() || rest == ".so" || rest.starts_with(".so.") || full || (versioned && rest.ends_with(".so"))
}

/// Programs in `$PATH` and cached libraries whose names match.
fn matched_names(root: &Root, wanted: &str) -> Result<Vec<Target>> {
    let pattern = Glob::new(wanted);
    let mut paths: Vec<PathBuf> = Vec::new();
    for dir in search_path() {
        paths.extend(root.entries(&dir).into_iter().filter(|path| pattern.matches(&file_name(path))));
    }
    let libraries = ldcache::read(root, Class::Wide);
    paths.extend(libraries.into_iter().filter(|library| pattern.matches(&library.name)).map(|library| library.path));
    elf_targets(root, wanted, &paths)
}

/// Files below fixed directories: `/usr/lib/*/libc.so.*`.
fn matched_paths(root: &Root, wanted: &str) -> Result<Vec<Target>> {
    let start = if wanted.starts_with('/') { "/" } else { "." };
    let mut level = vec![PathBuf::from(start)];
    for part in wanted.split('/').filter(|part| !part.is_empty()) {
        level = level.iter().flat_map(|dir| matched_below(root, dir, part)).take(MAX_WALK + 1).collect();
        if level.len() > MAX_WALK {
            return Err(error(format!("`{wanted}` matches more than {MAX_WALK} files")));
        }
    }
    elf_targets(root, wanted, &level)
}

fn matched_below(root: &Root, dir: &Path, part: &str) -> Vec<PathBuf> {
    let pattern = Glob::new(part);
    match pattern.literal() {
        Some(name) => vec![dir.join(name)],
        None => root.entries(dir).into_iter().filter(|path| pattern.matches(&file_name(path))).collect(),
    }
}

fn elf_targets(root: &Root, wanted: &str, paths: &[PathBuf]) -> Result<Vec<Target>> {
    let programs = paths.iter().filter(|path| is_elf(root, path));
    let targets: Vec<Target> = programs.filter_map(|path| root.target(path).ok()).collect();
    if targets.is_empty() {
        return Err(error(format!("no program or library matches `{wanted}`")));
    }
    Ok(targets)
}

fn is_elf(root: &Root, path: &Path) -> bool {
    root.open(path).and_then(|file| file.read(0, 4)).is_ok_and(|magic| magic == b"\x7fELF")
}

fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(wanted: &str, pid: Option<u32>) -> Result<Vec<Target>> {
        find(&Files::default(), wanted, pid.map_or(Sight::Own, Sight::Process))
    }

    use std::time::{Duration, Instant};

    #[test]
    fn library_names() {
        assert!(is_library_name("libc.so.6", "libc"));
        assert!(is_library_name("libc.so.6", "libc.so.6"));
        assert!(is_library_name("libc.so.6", "libc.so"));
        assert!(is_library_name("libc-2.31.so", "libc"));
        assert!(!is_library_name("libcrypt.so.1", "libc"));
        assert!(!is_library_name("libc-client.so", "libc"));
    }

    #[test]
    fn the_c_library() {
        let by_name = look("libc", None).unwrap();
        let [libc] = by_name.as_slice() else { panic!("{by_name:?}") };
        assert!(file_name(&libc.name).starts_with("libc"));
        assert_eq!(look("libc.so.6", None).unwrap(), by_name);
        let pattern = format!("{}/libc.so.*", libc.name.parent().unwrap().display());
        assert!(look(&pattern, None).unwrap().contains(libc));
        let sleeper = Sleeper::start();
        assert_eq!(sleeper.mapped("libc"), by_name);
    }

    /// A dynamically linked program that runs until the test's end.
    struct Sleeper(std::process::Child);

    impl Sleeper {
        fn start() -> Self {
            Self(std::process::Command::new("sleep").arg("60").spawn().unwrap())
        }

        /// What it has mapped by that name, as soon as there is something: the kernel and the loader map files some time
        /// after the program starts.
        fn mapped(&self, wanted: &str) -> Vec<Target> {
            let deadline = Instant::now() + Duration::from_secs(30);
            let tries = std::iter::repeat_with(|| look(wanted, Some(self.0.id())));
            tries.take_while(|_| Instant::now() < deadline).find_map(Result::ok).unwrap()
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn programs_in_the_path() {
        let sh = look("bash", None).unwrap();
        assert!(sh[0].name.is_absolute());
    }

    #[test]
    fn files_of_a_process() {
        let sleeper = Sleeper::start();
        let pid = Some(sleeper.0.id());
        sleeper.mapped("libc");
        let all = look("*", pid).unwrap();
        assert!(all.iter().any(|target| target.name.ends_with("sleep")), "{all:?}");
        assert!(look("libnothing", pid).unwrap_err().message.contains("has mapped no file"));
        // Not mapped, but there.
        let own = std::env::current_exe().unwrap();
        assert_eq!(look(own.to_str().unwrap(), pid).unwrap()[0].path, own);
    }

    #[test]
    fn a_child_before_its_exec() {
        // As long as a child is a copy of its parent it has the parent's program; here it is the process itself.
        let own = Some(std::process::id());
        assert!(look("*", own).unwrap_err().message.contains("has not started"));
        assert_eq!(look("libc", own), look("libc", None));
    }

    #[test]
    fn what_is_not_there() {
        let refused = |wanted: &str| look(wanted, None).unwrap_err();
        assert!(refused("/no/such/file").message.contains("ENOENT"));
        assert!(refused("/dev/null").message.contains("not a regular file"));
        assert!(refused("/tmp").message.contains("not a regular file"));
        assert!(refused("no_such_program").message.contains("$PATH"));
        assert!(format!("{:?}", refused("*").help).contains("-p PID"));
        assert!(refused("x.apk!/lib.so").message.contains("archives"));
    }
}
