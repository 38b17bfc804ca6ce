//! Takes the ELF kernel out of an x86 bzImage.
//!
//! The emulator boots it directly (PVH, Documentation/arch/x86/boot.rst and include/xen/interface/elfnote.h name the
//! note that says where). The guest then need not decompress it, which under emulation takes as long as the rest of
//! its start. Such a kernel is not moved to a random address; one booted from the bzImage is.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::kernel::Arch;
use crate::Failure;

/// The program that undoes a compression, by the first bytes of what it made.
const COMPRESSIONS: [(&[u8], &str); 4] =
    [(b"\x28\xb5\x2f\xfd", "zstd"), (b"\x02\x21\x4c\x18", "lz4"), (b"\xfd7zXZ\0", "xz"), (b"\x1f\x8b", "gzip")];

/// Makes the file `kernel` that the emulator boots: the unpacked kernel where that is possible, or else the given one.
pub fn prepare(vmlinuz: &Path, kernel: &Path, arch: Arch) -> Result<(), Failure> {
    let unpacked = match arch {
        Arch::Amd64 => unpack(&fs::read(vmlinuz)?, kernel),
        Arch::Arm64 => Err("the emulator boots it as it is".into()),
    };
    match unpacked {
        Ok(()) => Ok(()),
        // It boots all the same, only later.
        Err(_) => Ok(fs::copy(vmlinuz, kernel).map(drop)?),
    }
}

fn unpack(image: &[u8], to: &Path) -> Result<(), Failure> {
    let payload = payload(image).ok_or("it is no bzImage")?;
    let found = COMPRESSIONS.iter().find(|(magic, _)| payload.starts_with(magic));
    let (_, tool) = found.ok_or("its compression is not known")?;
    let mut command = Command::new(tool);
    command.arg("-dcq").stdin(Stdio::piped()).stdout(File::create(to)?).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let written = child.stdin.take().map(|mut input| input.write_all(payload));
    // The payload ends with the kernel's size, which the tools take for damage after the end: the result decides.
    child.wait()?;
    written.ok_or("no pipe")??;
    match is_whole_elf(&fs::read(to)?) {
        true => Ok(()),
        false => Err("it does not unpack to an ELF file".into()),
    }
}

/// Whether it is an ELF file that has its section headers, which come last (elf(5): their place is at 0x28).
fn is_whole_elf(file: &[u8]) -> bool {
    let place = file.get(0x28..).and_then(|rest| rest.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes));
    file.starts_with(b"\x7fELF\x02\x01") && place.is_some_and(|place| 0 < place && place < file.len() as u64)
}

/// The compressed kernel in a bzImage, by the setup header (boot.rst): the number of setup sectors at 0x1f1, the
/// payload's place after them at 0x248, its length at 0x24c.
fn payload(image: &[u8]) -> Option<&[u8]> {
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let number = |at: usize| Some(u32::from_le_bytes(*image.get(at..)?.first_chunk()?) as usize);
    // Zero means four for old boot loaders.
    let sectors = match usize::from(*image.get(0x1f1)?) {
        0 => 4,
        n => n,
    };
    let start = ((sectors + 1) * 512).checked_add(number(0x248)?)?;
    image.get(start..)?.get(..number(0x24c)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_where_the_header_says() {
        let mut image = vec![0; 0x600];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x1f1] = 1;
        image[0x248] = 0x10;
        image[0x24c] = 4;
        image[0x410..0x414].copy_from_slice(b"data");
        assert_eq!(payload(&image), Some(&b"data"[..]));
        image[0x24f] = 0xff;
        assert_eq!(payload(&image), None);
        assert_eq!(payload(&image[..0x204]), None);
        assert_eq!(payload(b"\x7fELF"), None);
    }
}
