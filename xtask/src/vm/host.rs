//! What this machine needs to emulate another one.

use super::kernel::Arch;
use crate::Failure;
use crate::test::packages::{can_install, find, install_packages};

/// Installs the emulator and the tools around it, if they are missing and this may be done.
pub fn provide(arch: Arch) -> Result<(), Failure> {
    let needs = [arch.emulator(), ("setpriv", "util-linux"), ("zstd", "zstd"), ("lz4", "lz4")];
    let missing: Vec<&str> = needs.iter().filter(|(tool, _)| find(tool).is_none()).map(|need| need.1).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if can_install() {
        return install_packages(&missing);
    }
    Err(format!("tools are missing: run `apt-get install {}` as root", missing.join(" ")).into())
}
