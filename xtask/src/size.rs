//! `cargo xtask size`: the release binary is static, and no larger than it may be.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::Failure;
use crate::workspace;

/// What to check.
#[derive(clap::Args)]
pub struct Options {
    /// The largest size allowed, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 12)]
    most_mib: u64,

    /// The binary; without it, the one that `cargo build --release` makes.
    binary: Option<PathBuf>,
}

/// Checks, and says what it found.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let path = options.binary.clone().map_or_else(workspace::release_binary, Ok)?;
    let bytes = fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let mib = bytes.len() as f64 / f64::from(1 << 20);
    let interpreted = needs_interpreter(&bytes).ok_or_else(|| format!("{} is no 64-bit ELF file", path.display()))?;
    println!("{}: {mib:.1} MiB, {}", path.display(), if interpreted { "dynamic" } else { "static" });
    if interpreted {
        return Err("the binary needs a dynamic linker: was it built with this workspace's .cargo/config.toml?".into());
    }
    if bytes.len() as u64 > options.most_mib << 20 {
        return Err(format!("the binary may have {} MiB at most", options.most_mib).into());
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a little-endian 64-bit ELF file has a program header PT_INTERP (elf(5)), or none if it is not such a file.
fn needs_interpreter(elf: &[u8]) -> Option<bool> {
    const PT_INTERP: u64 = 3;
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (offset, size, count) = (number(elf, 0x20, 8)?, number(elf, 0x36, 2)?, number(elf, 0x38, 2)?);
    let kind = |i: u64| number(elf, usize::try_from(offset.checked_add(i * size)?).ok()?, 4);
    let kinds: Option<Vec<u64>> = (0..count).map(kind).collect();
    Some(kinds?.contains(&PT_INTERP))
}

fn number(bytes: &[u8], offset: usize, size: usize) -> Option<u64> {
    let field = bytes.get(offset..)?.get(..size)?;
    Some(field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_static_and_a_cut_or_other_file_is_refused() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(needs_interpreter(&bytes), Some(false));
        assert_eq!(needs_interpreter(&bytes[..80]), None);
        assert_eq!(needs_interpreter(b"#!/bin/sh"), None);
    }
}
