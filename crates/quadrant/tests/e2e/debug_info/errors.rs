//! What is said where something cannot be known.

use std::process::Command;

use crate::common::{folder, needs_root, refused, run_on, script, target};

fn refusal(target: &str, text: &str) -> String {
    refused(script(&text.replace("BIN", target)))
}

#[test]
fn floating_point_arguments_are_out_of_reach() {
    needs_root!();
    let target = target!("typed");
    let message = refusal(&target, "uprobe:BIN:typed_floats { print(args.d); }");
    assert!(message.contains("XMM or x87 registers, which eBPF cannot read"), "{message}");
    let outcome = run_on(&target, &"uprobe:BIN:typed_floats { print(args.n); }".replace("BIN", &target));
    assert_eq!(outcome.lines(), ["4"], "{}", outcome.describe());
}

#[test]
fn misspelt_arguments_and_types() {
    needs_root!();
    let target = target!("typed");
    let message = refusal(&target, "uprobe:BIN:typed_pointer { print(args.widht); }");
    assert!(message.contains("did you mean `width`?"), "{message}");
    let message = refusal(&target, "uprobe:BIN:typed_pointer { print(((struct itm *)arg0)->id); }");
    assert!(message.contains("the program has a type `item`"), "{message}");
}

/// A copy without debug information says where it was looked for.
#[test]
fn no_debug_information() {
    needs_root!();
    let target = target!("typed");
    let copy = folder("no-debug").join("typed");
    let stripped = Command::new("objcopy").args(["--strip-debug", &target]).arg(&copy).status();
    if !stripped.is_ok_and(|status| status.success()) {
        return quadrant_testing::skip("needs objcopy (Debian: apt install binutils)");
    }
    let copy = copy.to_str().expect("the build folder's name is UTF-8");
    let message = refusal(copy, "uprobe:BIN:typed_pointer { print(args.item); print(args.item); }");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    for part in ["has no debug information", "compile the program with -g", "/usr/lib/debug/.build-id/", "arg0"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Each of 50,000 arrays is one of the next: whatever recurses over them runs out of stack. A unit has the attributes 1, a function 2,
/// its parameter 3, an array 4, its dimension 5, and a number 6.
const ARRAYS: &str = r#"
__asm__(".text\n.globl victim\n.type victim, STT_FUNC\nvictim: nop\nret\n.size victim, 2\n"
    ".section .debug_abbrev,\"\"\nabbrevs:\n"
    ".uleb128 1,0x11,1,0x11,1,0x12,7,0,0\n"
    ".uleb128 2,0x2e,1,0x03,8,0x11,1,0x12,7,0,0\n"
    ".uleb128 3,0x05,0,0x03,8,0x49,0x13,0x02,0x18,0,0\n"
    ".uleb128 4,0x01,1,0x49,0x13,0,0\n"
    ".uleb128 5,0x21,0,0x37,0x0b,0,0\n"
    ".uleb128 6,0x24,0,0x03,8,0x3e,0x0b,0x0b,0x0b,0,0\n"
    ".uleb128 0\n"
    ".section .debug_info,\"\"\nunit: .4byte end - start\nstart: .2byte 4\n.4byte abbrevs\n.byte 8\n"
    ".uleb128 1\n.8byte victim\n.8byte 2\n"
    "first:\n.rept 50000\n.uleb128 4\n.4byte 1f - unit\n.uleb128 5\n.byte 2\n.byte 0\n1:\n.endr\n"
    ".uleb128 6\n.asciz \"int\"\n.byte 5\n.byte 4\n"
    ".uleb128 2\n.asciz \"victim\"\n.8byte victim\n.8byte 2\n"
    ".uleb128 3\n.asciz \"a\"\n.4byte first - unit\n.uleb128 1\n.byte 0x55\n"
    ".byte 0\n.byte 0\nend:\n.text\n");
int main(void) { return 0; }
"#;

#[test]
fn arrays_of_arrays_without_end() {
    needs_root!();
    let folder = folder("arrays");
    std::fs::write(folder.join("arrays.c"), ARRAYS).unwrap();
    let compile = Command::new("gcc").args(["arrays.c", "-o", "arrays"]).current_dir(&folder).status();
    if !compile.is_ok_and(|status| status.success()) {
        return quadrant_testing::skip("gcc is not installed");
    }
    let target = folder.join("arrays");
    for words in ["print(args.a);", "@[args] = count();", "print(sizeof(args.a));"] {
        let message = refusal(target.to_str().unwrap(), &format!("uprobe:BIN:victim {{ {words} }}"));
        assert!(message.contains("too large"), "{message}");
    }
}
