//! Fetches packages of another Debian suite than the machine's, with everything that apt checks, and installs nothing.
//!
//! apt gets a state of its own: its lists, its cache and its sources are in one folder, and nothing counts as
//! installed. Proxies, credentials and transports stay those of the machine's own configuration, and so does the
//! mirror. The index must be signed by a key of debian-archive-keyring; its hashes check the packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::index::Package;
use super::kernel::Arch;
use crate::Failure;

/// Where Debian's own keys are, by the names that old and new releases of debian-archive-keyring give the file.
const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

const USUAL_MIRROR: &str = "http://deb.debian.org/debian";

/// Where suites go when they leave the mirrors. bullseye was still on the mirrors when this was written.
const ARCHIVE: &str = "http://archive.debian.org/debian";

/// apt for one suite and one architecture.
pub struct Apt {
    dir: PathBuf,
    suite: &'static str,
    arch: Arch,
}

impl Apt {
    /// Its state is in a folder, which is made if it is missing.
    pub fn new(dir: PathBuf, suite: &'static str, arch: Arch) -> Result<Self, Failure> {
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(part)).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
        }
        let apt = Self { dir, suite, arch };
        fs::write(apt.dir.join("status"), "")?;
        fs::write(apt.dir.join("apt.conf"), configuration(&apt.dir, arch)?)?;
        Ok(apt)
    }

    /// Fetches the suite's index: from the machine's mirror, or else from Debian's archive of old suites.
    pub fn update(&self) -> Result<(), Failure> {
        let mirror = machine_mirror();
        self.update_from(&mirror).or_else(|first| match self.update_from(ARCHIVE) {
            Ok(()) => Ok(()),
            Err(second) => Err(format!("{first}\n{second}").into()),
        })
    }

    /// Describes the newest version of a package.
    pub fn show(&self, name: &str) -> Result<String, Failure> {
        let shown = self.run("apt-cache", &["show", "--no-all-versions", name], &self.dir)?;
        Ok(String::from_utf8_lossy(&shown.stdout).into_owned())
    }

    /// Downloads packages into a folder, as files that end in `.deb`.
    pub fn download(&self, packages: &[Package], into: &Path) -> Result<(), Failure> {
        let exact: Vec<String> =
            packages.iter().map(|package| format!("{}={}", package.name, package.version)).collect();
        let mut args = vec!["download"];
        args.extend(exact.iter().map(String::as_str));
        self.run("apt-get", &args, into).map(drop)
    }

    fn update_from(&self, mirror: &str) -> Result<(), Failure> {
        fs::write(self.dir.join("sources.list"), source(mirror, self.suite, self.arch, keyring()?))?;
        self.run("apt-get", &["update"], &self.dir).map(drop).map_err(|e| format!("{mirror}: {e}").into())
    }

    fn run(&self, tool: &str, args: &[&str], dir: &Path) -> Result<Output, Failure> {
        let mut command = Command::new(tool);
        // Unlike APT_CONFIG, this file is read after the machine's own ones.
        command.arg("-c").arg(self.dir.join("apt.conf")).args(["-q"]).args(args).current_dir(dir).env("LC_ALL", "C");
        let output = command.output().map_err(|e| format!("cannot run {tool}: {e}"))?;
        if output.status.success() {
            return Ok(output);
        }
        let message = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{tool} {}` failed for {}: {}", args.join(" "), self.suite, message.trim()).into())
    }
}

/// What differs from the machine's own configuration (apt.conf(5)).
fn configuration(dir: &Path, arch: Arch) -> Result<String, Failure> {
    let dir = dir.to_str().filter(|dir| !dir.contains(['"', '\n']));
    let dir = dir.ok_or("apt cannot work in a folder whose name has quotes or is no UTF-8")?;
    let arch = arch.name();
    Ok(format!(
        r#"#clear APT::Update;
#clear DPkg::Post-Invoke;
#clear APT::Architectures;
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Dir::State "{dir}";
Dir::State::lists "lists/";
Dir::State::status "{dir}/status";
Dir::Cache "{dir}/cache";
Dir::Etc::sourcelist "{dir}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
"#
    ))
}

/// A line of sources.list(5) that asks for the index of packages and for nothing else.
fn source(mirror: &str, suite: &str, arch: Arch, keyring: &str) -> String {
    let arch = arch.name();
    format!("deb [arch={arch} signed-by={keyring} target=Packages lang=none] {mirror} {suite} main\n")
}

fn keyring() -> Result<&'static str, Failure> {
    let found = KEYRINGS.into_iter().find(|path| Path::new(path).exists());
    found.ok_or_else(|| "Debian's keys are missing: run `apt-get install debian-archive-keyring`".into())
}

/// The mirror that the machine itself uses.
fn machine_mirror() -> String {
    let output = Command::new("apt-get").args(["indextargets", "--format", "$(LABEL) $(REPO_URI)"]).output();
    let targets = output.map(|output| output.stdout).unwrap_or_default();
    mirror(&String::from_utf8_lossy(&targets)).unwrap_or(USUAL_MIRROR).to_owned()
}

/// The first source that has Debian itself, in lines of a label and an address. A source whose index was never fetched
/// has no label.
fn mirror(targets: &str) -> Option<&str> {
    let debian = |line: &&str| line.starts_with("Debian ") || line.trim_end_matches('/').ends_with("/debian");
    let (_, address) = targets.lines().find(debian)?.rsplit_once(' ')?;
    Some(address.trim_end_matches('/')).filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_machines_source_of_debian_itself() {
        let targets = "nodistro https://deb.nodesource.com/node_20.x/
Debian-Security http://mirror.example/debian-security/
Debian http://mirror.example/pool-of/deb/
Debian http://other.example/debian/
";
        assert_eq!(mirror(targets), Some("http://mirror.example/pool-of/deb"));
        assert_eq!(mirror(" http://mirror.example/debian/\n"), Some("http://mirror.example/debian"));
        assert_eq!(mirror("Ubuntu http://archive.ubuntu.com/ubuntu/\n"), None);
        assert_eq!(mirror(""), None);
    }

    #[test]
    fn a_source_names_the_keys_that_must_have_signed_it() {
        let line = source("http://m/debian", "sid", Arch::Arm64, "/k.gpg");
        assert!(line.contains("signed-by=/k.gpg") && line.ends_with("http://m/debian sid main\n"), "{line}");
        assert!(line.contains("arch=arm64"), "{line}");
    }

    #[test]
    fn a_folder_that_would_end_the_string_is_refused() {
        assert!(configuration(Path::new("/a\"; Evil \""), Arch::Amd64).is_err());
        assert!(configuration(Path::new("/a b"), Arch::Amd64).unwrap().contains("Dir::State \"/a b\";"));
    }
}
