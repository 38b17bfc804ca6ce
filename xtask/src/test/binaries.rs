//! The test binaries that cargo builds, by what it says while it builds them.

use std::path::PathBuf;
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

/// Builds the test binaries of a package, or those that are named. They are static, so they run with another system's kernel.
pub fn build(package: &str, tests: &[&str]) -> Result<Built, Failure> {
    let mut command = workspace::cargo();
    command.args(["test", "--no-run", "--package", package]).args(tests.iter().flat_map(|test| ["--test", test]));
    made_by(command, package == super::END_TO_END)
}

/// Builds the tracer as it is shipped.
pub fn shipped() -> Result<Vec<PathBuf>, Failure> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--package", super::END_TO_END]);
    Ok(made_by(command, false)?.programs)
}

/// What a command of cargo's builds; `in_turn` is said of its tests.
fn made_by(mut command: Command, in_turn: bool) -> Result<Built, Failure> {
    command.args(["--quiet", "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if !output.status.success() {
        return Err("cargo cannot build what is to be tested: see its messages above".into());
    }
    let mut built = Built::default();
    String::from_utf8_lossy(&output.stdout).lines().for_each(|line| built.take(line, in_turn));
    Ok(built)
}

impl Built {
    /// Reads one message of cargo's (doc.rust-lang.org/cargo/reference/external-tools.html).
    fn take(&mut self, message: &str, in_turn: bool) {
        let Ok(message) = serde_json::from_str::<Value>(message) else { return };
        let path = message["executable"].as_str().filter(|_| message["reason"] == "compiler-artifact");
        let (Some(path), Some(name)) = (path, message["target"]["name"].as_str()) else { return };
        match message["profile"]["test"] == true {
            true => self.tests.push(Binary { name: name.to_owned(), path: path.into(), in_turn }),
            false => self.programs.push(path.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(message: &str) -> Built {
        let mut built = Built::default();
        built.take(message, true);
        built
    }

    #[test]
    fn test_binaries_and_programs_are_told_apart() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"kernel"}},
                "profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let expected = Binary { name: "kernel".to_owned(), path: "/t/kernel-1".into(), in_turn: true };
        assert_eq!(built(&message(true, "\"/t/kernel-1\"")).tests, [expected]);
        assert_eq!(built(&message(false, "\"/t/kernel\"")).programs, [PathBuf::from("/t/kernel")]);
        assert_eq!(built(&message(true, "null")), Built::default());
        assert_eq!(built(r#"{"reason":"build-finished","success":true}"#), Built::default());
        assert_eq!(built("no message"), Built::default());
    }
}
