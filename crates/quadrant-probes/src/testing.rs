//! What this crate's tests share.

use quadrant_program::probe::{ProbeKind, ProbeSpec};
use quadrant_program::span::Span;
use quadrant_types::{Btf, Types};
use std::path::PathBuf;
use std::process::Command;

pub(crate) fn spec(kind: ProbeKind, parts: &[&str]) -> ProbeSpec {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    ProbeSpec { kind, parts, span: Span::default() }
}

/// The running kernel's types, if it has BTF.
pub(crate) fn kernel_types() -> Option<Types> {
    match std::fs::read("/sys/kernel/btf/vmlinux") {
        Ok(data) => Some(Types::new(Btf::new(data).expect("the kernel's BTF is well-formed"))),
        Err(error) => {
            eprintln!("skipped: /sys/kernel/btf/vmlinux: {error}");
            None
        }
    }
}

/// A folder for one test, removed with its content at the test's end.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("quadrant-probes-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file for the test");
        path
    }

    /// Compiles C or assembly with gcc; `None`, and a line that says so, if there is no gcc.
    pub fn compile(&self, name: &str, source: &str, flags: &[&str]) -> Option<PathBuf> {
        let input = self.write(&format!("{name}.c"), source.as_bytes());
        let output = self.0.join(name);
        let status = Command::new("gcc").args(flags).arg("-o").arg(&output).arg(&input).status();
        match status {
            Ok(status) => {
                assert!(status.success(), "gcc fails on {}", input.display());
                Some(output)
            }
            Err(error) => {
                eprintln!("skipped: gcc: {error}");
                None
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
