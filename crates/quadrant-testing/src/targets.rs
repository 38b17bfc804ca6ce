//! Compiles the programs under `tests/targets`, once per content.
//!
//! `QUADRANT_TARGETS=DIR` takes them from a folder instead: where there is no compiler, somebody else has made them.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::Error;
use crate::recipes::{self, Recipe};

/// The environment variable that names a folder with targets.
const READY: &str = "QUADRANT_TARGETS";

/// The path of a target, which is compiled if it was not yet.
///
/// # Errors
/// There is no such target, its compiler is missing, or it does not compile.
pub fn target(name: &str) -> Result<PathBuf, Error> {
    let recipe = recipes::find(name).ok_or_else(|| Error::UnknownTarget(name.to_owned()))?;
    if let Some(dir) = std::env::var_os(READY) {
        return ready(name, Path::new(&dir));
    }
    let dir = target_dir()?;
    let _lock = lock(&dir)?;
    make(recipe, &dir)
}

/// Compiles all targets whose compilers are here; what each is called, and where it is or why it is not.
pub fn all_targets() -> Vec<(&'static str, Result<PathBuf, Error>)> {
    recipes::names().map(|name| (name, target(name))).collect()
}

fn ready(name: &str, dir: &Path) -> Result<PathBuf, Error> {
    let path = dir.join(name);
    match path.exists() {
        true => Ok(path),
        false => Err(Error::NotReady { target: name.to_owned(), dir: dir.to_owned() }),
    }
}

/// The folder that the targets are put in. It is named by their sources' content, so another content gets another one.
///
/// # Errors
/// A source cannot be read or the folder not be made.
pub fn target_dir() -> Result<PathBuf, Error> {
    if let Some(dir) = std::env::var_os(READY) {
        return Ok(dir.into());
    }
    let dir = build_dir().join("testing").join(format!("{:016x}", content_hash(&source_dir())?));
    fs::create_dir_all(&dir).map_err(Error::file("make the folder", &dir))?;
    Ok(dir)
}

/// One process compiles at a time; the others wait and then find the file made.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(Error::file("make", &path))?;
    file.lock().map_err(Error::file("lock", &path))?;
    Ok(file)
}

fn make(recipe: &Recipe, dir: &Path) -> Result<PathBuf, Error> {
    for need in recipe.needs {
        let needed = recipes::find(need).ok_or_else(|| Error::UnknownTarget((*need).to_owned()))?;
        make(needed, dir)?;
    }
    let path = dir.join(recipe.name);
    if !path.exists() {
        compile(recipe, dir, &path)?;
    }
    Ok(path)
}

/// Compiles into another name first: a target that stands under its own name is whole.
fn compile(recipe: &Recipe, dir: &Path, path: &Path) -> Result<(), Error> {
    let unfinished = dir.join(format!("{}.unfinished", recipe.name));
    let output = compiler(recipe, dir, &unfinished).output().map_err(|e| not_started(recipe, e))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(refused(recipe, message));
    }
    fs::rename(&unfinished, path).map_err(Error::file("rename", &unfinished))
}

fn compiler(recipe: &Recipe, dir: &Path, out: &Path) -> Command {
    let library_path = format!("-L{}", dir.display());
    let mut command = Command::new(recipe.tool.command);
    command.current_dir(source_dir()).args(recipe.tool.args).arg("-o").arg(out);
    command.args(recipe.args.iter().map(|arg| if *arg == "-L." { library_path.as_str() } else { arg }));
    command
}

fn not_started(recipe: &Recipe, error: io::Error) -> Error {
    let tool = recipe.tool;
    match error.kind() {
        io::ErrorKind::NotFound => Error::MissingTool { tool: tool.command.to_owned(), package: tool.package },
        _ => Error::Io { action: format!("run {}", tool.command), source: error },
    }
}

fn refused(recipe: &Recipe, message: String) -> Error {
    if message.contains("sys/sdt.h: No such file") {
        return Error::MissingTool { tool: "sys/sdt.h".to_owned(), package: "systemtap-sdt-dev" };
    }
    Error::Compile { target: recipe.name.to_owned(), message }
}

fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/targets")
}

/// Cargo's target folder, which it marks with CACHEDIR.TAG, of the running executable.
fn build_dir() -> PathBuf {
    let found = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists()).map(Path::to_owned));
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

/// Changes with any source and with this build of the crate's recipes.
fn content_hash(dir: &Path) -> Result<u64, Error> {
    static HASH: OnceLock<u64> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(*hash);
    }
    let mut paths = source_paths(dir).map_err(Error::file("list", dir))?;
    paths.sort();
    let mut hasher = DefaultHasher::new();
    include_str!("recipes.rs").hash(&mut hasher);
    for path in paths {
        path.file_name().hash(&mut hasher);
        fs::read(&path).map_err(Error::file("read", &path))?.hash(&mut hasher);
    }
    Ok(*HASH.get_or_init(|| hasher.finish()))
}

fn source_paths(dir: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
}
