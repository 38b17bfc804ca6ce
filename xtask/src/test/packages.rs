//! What the tests need from the system, as Debian packages.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use crate::{Failure, workspace};

/// Something that tests need: a command, or a header.
struct Need {
    package: &'static str,
    file: &'static str,
}

const NEEDS: &[Need] = &[
    Need { package: "gcc", file: "gcc" },
    Need { package: "g++", file: "g++" },
    Need { package: "libc6-dev", file: "stdio.h" },
    Need { package: "systemtap-sdt-dev", file: "sys/sdt.h" },
    // Debian's own interpreter is a program with USDT probes that nobody here has made.
    Need { package: "python3", file: "/usr/bin/python3" },
    Need { package: "util-linux", file: "setpriv" },
    // Objects of BPF programs, which the tracer compiles with them.
    Need { package: "clang", file: "clang" },
    Need { package: "libbpf-dev", file: "bpf/usdt.bpf.h" },
    // To compare what it shows of programs.
    Need { package: "bpftool", file: "bpftool" },
];

/// Installs what is missing, if that is wanted and possible, and says what then is still missing.
///
/// Something that is missing is no failure: the tests that need it say so and are skipped.
pub fn provide(install: bool) -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if install && can_install() {
        return install_packages(&missing);
    }
    println!("missing, so some tests will be skipped: {list}\nto install them: apt-get install {list}");
    Ok(())
}

/// Whether packages can be installed from here.
pub fn can_install() -> bool {
    rustix::process::geteuid().is_root() && find("apt-get").is_some()
}

/// Installs packages. What apt prints goes to standard error: standard output may be someone's data.
pub fn install_packages(packages: &[&str]) -> Result<(), Failure> {
    // Two tasks side by side would find each other's lock, and fail.
    let folder = workspace::root().join("target");
    std::fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("apt.lock"))?;
    lock.lock()?;
    eprintln!("installing {}", packages.join(" "));
    apt_get(&["update", "-q"])?;
    apt_get(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())
}

fn missing() -> Vec<&'static str> {
    NEEDS.iter().filter(|need| find(need.file).is_none()).map(|need| need.package).collect()
}

/// Finds a command on the PATH, or a header where Debian puts headers.
pub fn find(file: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let multiarch = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let headers = ["/usr/include".into(), multiarch.into()];
    let dirs: Vec<_> = if file.ends_with(".h") { headers.into() } else { std::env::split_paths(&path).collect() };
    dirs.iter().map(|dir| dir.join(file)).find(|path| path.is_file())
}

fn apt_get(args: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("apt-get");
    // A new machine often updates itself at first.
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=600"])
        .args(args)
        .stdout(std::io::stderr());
    let status = command.status();
    match status.map_err(|e| format!("cannot run apt-get: {e}"))?.success() {
        true => Ok(()),
        false => Err(format!("`apt-get {}` failed: run it by hand, or use --no-install", args.join(" ")).into()),
    }
}
