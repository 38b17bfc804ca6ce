//! The test binaries that cargo builds, by what it says while it builds them.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::Failure;
use crate::workspace;

/// A test binary.
#[derive(Debug, PartialEq)]
pub struct Binary {
    /// The name of what it tests: a library, or a file or folder of `tests`.
    pub name: String,
    /// Where cargo has put it.
    pub path: PathBuf,
}

/// Builds the test binaries of a package. They are static, so they run with another system's kernel.
pub fn build(package: &str) -> Result<Vec<Binary>, Failure> {
    let mut command = workspace::cargo();
    command.args(["test", "--no-run", "--quiet", "--package", package, "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo cannot build the tests of {package}: see its messages above").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(binary).collect())
}

/// Reads one message of cargo's (doc.rust-lang.org/cargo/reference/external-tools.html).
fn binary(message: &str) -> Option<Binary> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
    let path = message["executable"].as_str().filter(|_| is_test)?;
    Some(Binary { name: message["target"]["name"].as_str()?.to_owned(), path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_binaries_are_taken() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"kernel"}},
                "profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let expected = Binary { name: "kernel".to_owned(), path: "/t/kernel-1".into() };
        assert_eq!(binary(&message(true, "\"/t/kernel-1\"")), Some(expected));
        assert_eq!(binary(&message(false, "\"/t/kernel-1\"")), None);
        assert_eq!(binary(&message(true, "null")), None);
        assert_eq!(binary(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(binary("no message"), None);
    }
}
