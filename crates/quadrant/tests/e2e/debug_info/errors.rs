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
    assert!(message.contains("XMM registers, which eBPF cannot read"), "{message}");
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
    let message = refusal(copy, "uprobe:BIN:typed_pointer { print(args.item); }");
    for part in ["has no debug information", "compile the program with -g", "/usr/lib/debug/.build-id/", "arg0"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}
