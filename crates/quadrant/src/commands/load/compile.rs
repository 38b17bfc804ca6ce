//! C to an object, by the clang that is installed.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use crate::commands::btf;
use crate::failure::Failure;

/// Names under which Debian and others install clang, newest first.
const COMPILERS: [&str; 9] =
    ["clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"];

/// A folder of our own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let failed = |error| quadrant_bpf::Error::io("cannot make a folder for the compiler", &error);
        for attempt in 0..100 {
            let path = std::env::temp_dir().join(format!("quadrant-{}-{attempt}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => return Ok(made.map(|()| Folder(path)).map_err(failed)?),
            }
        }
        Err(Failure::new("cannot make a folder for the compiler: all names are taken"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is in the folder for temporary files: what stays there does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compiles a file; clang says itself what it does not like.
///
/// # Errors
/// There is no clang, or it failed.
pub fn compile(file: &Path, include: &[PathBuf], define: &[String]) -> Result<Vec<u8>, Failure> {
    std::fs::metadata(file)
        .map_err(|error| quadrant_bpf::Error::io(format!("cannot read {}", file.display()), &error))?;
    let folder = Folder::new()?;
    let object = folder.0.join("object.bpf.o");
    let io = |error| quadrant_bpf::Error::io("cannot write vmlinux.h for the compiler", &error);
    let own = include
        .iter()
        .chain(file.parent().map(Path::to_path_buf).as_ref())
        .any(|folder| folder.join("vmlinux.h").exists());
    if !own {
        std::fs::write(folder.0.join("vmlinux.h"), btf::header(None, &[])?).map_err(io)?;
    }
    let mut arguments: Vec<std::ffi::OsString> =
        ["-target", "bpf", "-O2", "-g", "-Wall", "-Wno-unused-function", TARGET_ARCH].iter().map(Into::into).collect();
    for folder in include {
        arguments.extend(["-I".into(), folder.into()]);
    }
    arguments.extend(["-I".into(), (&folder.0).into()]);
    // Headers of this machine's programs that clang does not find for another target (asm/types.h).
    arguments.extend(["-idirafter".into(), MACHINE_HEADERS.into()]);
    arguments.extend(define.iter().map(|text| format!("-D{text}").into()));
    arguments.extend(["-c".into(), file.into(), "-o".into(), (&object).into()]);
    let status = run(&arguments)?;
    if !status.success() {
        let failure = Failure::new(format!("clang does not accept {}", file.display()));
        return Err(match Path::new("/usr/include/bpf/bpf_helpers.h").exists() {
            true => failure,
            false => {
                failure.hint("if it did not find bpf/bpf_helpers.h: install libbpf-dev (`apt-get install libbpf-dev`)")
            }
        });
    }
    super::read(&object)
}

#[cfg(target_arch = "aarch64")]
const TARGET_ARCH: &str = "-D__TARGET_ARCH_arm64";
#[cfg(not(target_arch = "aarch64"))]
const TARGET_ARCH: &str = "-D__TARGET_ARCH_x86";
#[cfg(target_arch = "aarch64")]
const MACHINE_HEADERS: &str = "/usr/include/aarch64-linux-gnu";
#[cfg(not(target_arch = "aarch64"))]
const MACHINE_HEADERS: &str = "/usr/include/x86_64-linux-gnu";

fn run(arguments: &[std::ffi::OsString]) -> Result<std::process::ExitStatus, Failure> {
    for compiler in COMPILERS {
        match quadrant_bpf::process::command(compiler)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
        {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(quadrant_bpf::Error::io(format!("cannot run {compiler}"), &error).into()),
            Ok(status) => return Ok(status),
        }
    }
    let failure = Failure::new("C is compiled by clang, which is not installed");
    Err(failure
        .hint("install it: `apt-get install clang libbpf-dev`; objects and tools that were made elsewhere need none"))
}
