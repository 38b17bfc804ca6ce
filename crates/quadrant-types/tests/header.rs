//! The C header of the running kernel's types, as clang understands it.

use quadrant_types::{Btf, BtfKind, c_header};
use std::fmt::Write;
use std::process::Command;

/// Every struct and union must have the size that the kernel gives it, and every member its place.
#[test]
fn clang_lays_everything_out_as_the_kernel_does() {
    let Ok(data) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        println!("skipped: this kernel has no BTF");
        return;
    };
    let btf = Btf::new(data).unwrap();
    let mut text = c_header(&btf, &[], "vmlinux").unwrap();
    let mut checked = 0;
    for (id, kind, name) in btf.iter() {
        let word = if kind == BtfKind::Union { "union" } else { "struct" };
        // Names that several types have get a flavour, so only those of one type are looked at.
        if !matches!(kind, BtfKind::Struct | BtfKind::Union) || btf.find_all(name, &ALL).len() != 1 {
            continue;
        }
        let size = btf.size_or_type(id);
        writeln!(text, "_Static_assert(sizeof({word} {name}) == {size}, \"size of {name}\");").unwrap();
        for member in btf.members(id).filter(|member| member.bits == 0 && !member.name.is_empty()) {
            let (at, member) = (member.bit_offset / 8, member.name);
            writeln!(text, "_Static_assert(__builtin_offsetof({word} {name}, {member}) == {at}, \"{name}.{member}\");")
                .unwrap();
        }
        checked += 1;
    }
    let folder = std::env::temp_dir().join(format!("quadrant-header-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("all.c");
    std::fs::write(&file, text).unwrap();
    let output =
        Command::new("clang").args(["-target", "bpf", "-fsyntax-only", "-Wall", "-Wextra"]).arg(&file).output();
    std::fs::remove_dir_all(&folder).unwrap();
    let Ok(output) = output else {
        println!("skipped: clang is not installed (apt-get install clang)");
        return;
    };
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && messages.is_empty(),
        "{}",
        messages.lines().take(20).collect::<Vec<_>>().join("\n")
    );
    assert!(checked > 1_000, "{checked}");
}

const ALL: [BtfKind; 5] = [BtfKind::Struct, BtfKind::Union, BtfKind::Enum, BtfKind::Enum64, BtfKind::Fwd];
