//! The test binaries that cargo builds, by what it says while it builds them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;
use crate::workspace;

/// A test binary.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// The name of what it tests: a library, or a file or folder of `tests`.
    pub name: String,
    /// Where cargo has put it.
    pub path: PathBuf,
    /// Its tests run one at a time: they see each other.
    pub in_turn: bool,
}

/// What cargo has built of a package.
#[derive(Debug, Default, PartialEq)]
pub struct Built {
    /// Its test binaries.
    pub tests: Vec<Binary>,
    /// The programs that they run.
    pub programs: Vec<PathBuf>,
}

/// Builds the test binaries of packages, and gives those that are named, or all. They are static, so they run with another system's
/// kernel.
///
/// All packages are built at once: for one alone cargo would compile what it depends on again, with fewer features.
pub fn build(packages: &[(&str, &[&str])]) -> Result<Built, Failure> {
    let mut command = workspace::cargo();
    command.args(["test", "--no-run"]).args(packages.iter().flat_map(|(package, _)| ["--package", package]));
    made_by(command, |package, name| {
        let tests = packages.iter().find(|(known, _)| *known == package).map(|(_, tests)| *tests);
        tests.is_some_and(|tests| tests.is_empty() || tests.contains(&name))
    })
}

/// Builds the tracer as it is shipped.
pub fn shipped() -> Result<Vec<PathBuf>, Failure> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--package", super::END_TO_END]);
    Ok(made_by(command, |_, _| false)?.programs)
}

/// What a command of cargo's builds: the programs, and the tests that are wanted, by their package and their name.
fn made_by(mut command: Command, wanted: impl Fn(&str, &str) -> bool) -> Result<Built, Failure> {
    command.args(["--quiet", "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if !output.status.success() {
        return Err("cargo cannot build what is to be tested: see its messages above".into());
    }
    let mut built = Built::default();
    String::from_utf8_lossy(&output.stdout).lines().for_each(|line| built.take(line, &wanted));
    // Cargo names them as they are ready; those that take long come last.
    built.tests.sort_by(|a, b| (a.in_turn, &a.name, &a.path).cmp(&(b.in_turn, &b.name, &b.path)));
    Ok(built)
}

impl Built {
    /// Reads one message of cargo's (doc.rust-lang.org/cargo/reference/external-tools.html).
    fn take(&mut self, message: &str, wanted: impl Fn(&str, &str) -> bool) {
        let Ok(message) = serde_json::from_str::<Value>(message) else { return };
        let path = message["executable"].as_str().filter(|_| message["reason"] == "compiler-artifact");
        let (Some(path), Some(name)) = (path, message["target"]["name"].as_str()) else { return };
        if message["profile"]["test"] != true {
            return self.programs.push(path.into());
        }
        let package = package(message["manifest_path"].as_str().unwrap_or_default());
        if wanted(package, name) {
            let in_turn = package == super::END_TO_END;
            self.tests.push(Binary { name: name.to_owned(), path: path.into(), in_turn });
        }
    }
}

/// The package of a manifest: in this workspace the folder has its name.
fn package(manifest: &str) -> &str {
    let folder = Path::new(manifest).parent().and_then(Path::file_name);
    folder.and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(message: &str) -> Built {
        let mut built = Built::default();
        built.take(message, |package, name| (package, name) == ("quadrant", "e2e"));
        built
    }

    #[test]
    fn test_binaries_and_programs_are_told_apart() {
        let message = |test: bool, name: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/crates/quadrant/Cargo.toml",
                "target":{{"name":"{name}"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let expected = Binary { name: "e2e".to_owned(), path: "/t/e2e-1".into(), in_turn: true };
        assert_eq!(built(&message(true, "e2e", "\"/t/e2e-1\"")).tests, [expected]);
        assert_eq!(built(&message(true, "other", "\"/t/other-1\"")), Built::default());
        assert_eq!(built(&message(false, "quadrant", "\"/t/quadrant\"")).programs, [PathBuf::from("/t/quadrant")]);
        assert_eq!(built(&message(true, "e2e", "null")), Built::default());
        assert_eq!(built(r#"{"reason":"build-finished","success":true}"#), Built::default());
        assert_eq!(built("no message"), Built::default());
    }
}
