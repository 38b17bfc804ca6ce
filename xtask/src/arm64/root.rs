//! The folder with Debian's compiler in it, and cargo run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::test::packages::{can_install, find, install_packages};
use crate::{Failure, workspace};

/// The suite whose compiler is new enough.
const SUITE: &str = "sid";
const MIRROR: &str = "http://deb.debian.org/debian";

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The compiler, its standard library for arm64, and what links.
const PACKAGES: &str = "rustc cargo gcc libc6-dev libstd-rust-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross";

/// Where the workspace, its results and cargo's own folder are within the root.
const SOURCE: &str = "/workspace";
const RESULTS: &str = "/results";
const CARGO_HOME: &str = "/cargo";

/// A Debian system in a folder.
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// Makes it, if it is not there yet: that fetches about 400 MB.
    pub fn provide() -> Result<Root, Failure> {
        let root = Root { path: super::folder().join("root") };
        let ready = root.path.join("ready");
        if !ready.exists() {
            root.make().map_err(|e| format!("cannot make {}: {e}", root.path.display()))?;
            fs::write(ready, "")?;
        }
        Ok(root)
    }

    /// Where cargo puts a file that it builds.
    pub fn built(&self, file: &str) -> PathBuf {
        self.results().join(TARGET).join(file)
    }

    /// Runs cargo in the workspace, for arm64. What the workspace depends on is fetched by the machine's own cargo.
    pub fn cargo(&self, args: &[&str]) -> Result<(), Failure> {
        succeed(workspace::cargo().args(["fetch", "--locked"]))?;
        let words = [args, &["--target", TARGET, "--locked", "--offline"]].concat().join(" ");
        println!("cargo {words}");
        let done = self.run(&format!("cd {SOURCE} && exec cargo {words}"));
        done.map_err(|e| format!("`cargo {words}` in {}: {e}", self.path.display()).into())
    }

    fn make(&self) -> Result<(), Failure> {
        if !rustix::process::geteuid().is_root() {
            return Err("this takes root, for the folder is a system of its own".into());
        }
        if find("debootstrap").is_none() {
            match can_install() {
                true => install_packages(&["debootstrap"])?,
                false => return Err("debootstrap is missing: run `apt-get install debootstrap`".into()),
            }
        }
        // What an earlier attempt left cannot be gone on with.
        if self.path.exists() {
            fs::remove_dir_all(&self.path)?;
        }
        fs::create_dir_all(&self.path)?;
        println!("making a Debian {SUITE} with a compiler for arm64 in {}", self.path.display());
        // It mounts /proc there and would leave it if it was killed: the folder could then not be removed.
        let args = ["--mount", "debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE];
        succeed(Command::new("unshare").args(args).arg(&self.path).arg(MIRROR).stdout(Stdio::null()))?;
        self.take_settings()?;
        self.run(&format!(
            "export DEBIAN_FRONTEND=noninteractive; dpkg --add-architecture arm64; apt-get -q update; \
             apt-get -q -y --no-install-recommends install {PACKAGES}"
        ))
    }

    /// The ways to the network are the machine's. A mirror that stands still is good enough: what it has is signed.
    fn take_settings(&self) -> Result<(), Failure> {
        for file in ["etc/resolv.conf", "etc/hosts"] {
            if Path::new("/").join(file).exists() {
                fs::copy(Path::new("/").join(file), self.path.join(file))?;
            }
        }
        let proxies = Command::new("apt-config").args(["dump", "Acquire::http::Proxy"]).output()?.stdout;
        let settings = [proxies.as_slice(), b"Acquire::Check-Valid-Until \"false\";\n"].concat();
        fs::write(self.path.join("etc/apt/apt.conf.d/99machine"), settings)?;
        Ok(())
    }

    /// Runs a shell's text in the root. What is mounted there is seen by nobody else, and gone with it.
    fn run(&self, text: &str) -> Result<(), Failure> {
        let mounts = [(workspace::root(), SOURCE), (self.results(), RESULTS), (cargo_home()?, CARGO_HOME)];
        let mut script = String::from("set -e\n");
        for (from, to) in mounts {
            let at = self.path.join(to.trim_start_matches('/'));
            fs::create_dir_all(&from)?;
            fs::create_dir_all(&at)?;
            script.push_str(&format!("mount --bind {} {}\n", quoted(&from)?, quoted(&at)?));
        }
        let root = quoted(&self.path)?;
        script.push_str(&format!(
            "mount -t proc proc {root}/proc\nexec chroot {root} sh -ec {}\n",
            crate::vm::quoted(text)
        ));
        let linker = format!("CARGO_TARGET_{}_LINKER", TARGET.to_uppercase().replace('-', "_"));
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("CARGO_HOME", CARGO_HOME).env("CARGO_TARGET_DIR", RESULTS).env(linker, "aarch64-linux-gnu-gcc");
        succeed(&mut command)
    }

    fn results(&self) -> PathBuf {
        super::folder().join("results")
    }
}

fn cargo_home() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || std::env::home_dir().map(|home| home.join(".cargo"));
    named.or_else(usual).ok_or_else(|| "cargo's own folder is not known: set CARGO_HOME".into())
}

fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().ok_or_else(|| format!("{} is no UTF-8", path.display()))?;
    Ok(crate::vm::quoted(text))
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| format!("cannot run {program}: {e}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{program} failed: {status}").into()),
    }
}
