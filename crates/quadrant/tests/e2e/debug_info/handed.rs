//! Arguments and results that are handed over in unusual ways: every value is the caller's, or is said to be out of reach.

use super::on;
use crate::common::{assert_lines, needs_root, script, target};

const VECTOR: &str = "floating point values are handed over in XMM or x87 registers";

/// What cannot be read says why.
fn out_of_reach(target: &str, probe: &str, value: &str, why: &str) {
    let outcome =
        script(&format!("{} {{ print({value}); }}", probe.replace("BIN", target))).run().expect("the tracer runs");
    assert!(!outcome.success() && outcome.stderr.contains(why), "{probe} {value}: {}", outcome.describe());
}

/// gcc says first what the caller handed over, and for the same address what the source has made of it.
#[test]
fn parameters_that_change_at_once_have_the_callers_values() {
    needs_root!();
    let script = "uprobe:BIN:handed_changed { print((args.a, args.b)); }";
    for target in [target!("handed"), target!("handed-plain"), target!("handed-clang-plain")] {
        assert_lines(&on(&target, script), &["(1, 2)"]);
    }
}

/// Where compilers differ about a number of 128 bits, nothing is shown that may be wrong.
#[test]
fn numbers_in_the_last_register_are_not_guessed_at() {
    needs_root!();
    let script = "uprobe:BIN:handed_halves { print((args.a, args.e)); print(args.x); print(args.z); }";
    let wanted = ["(1, 5)", "[9,0,0,0,0,0,0,0,251,255,255,255,255,255,255,255]", "6"];
    assert_lines(&on(&target!("handed"), script), &wanted);
    let unsaid = [
        (target!("handed-plain"), "args.z"),
        (target!("handed-clang"), "args.x"),
        (target!("handed-clang-plain"), "args.x"),
    ];
    for (target, value) in unsaid {
        out_of_reach(&target, "uprobe:BIN:handed_halves", value, "does not say where it is");
    }
}

/// clang says of the last word of a struct only the bytes that have members.
#[test]
fn padding_needs_no_place() {
    needs_root!();
    let script = "uprobe:BIN:handed_padded { print((args.k, args.p, args.q.a, args.z)); }";
    for target in [target!("handed-plain"), target!("handed-clang"), target!("handed-clang-plain")] {
        assert_lines(&on(&target, script), &["(1, { .a = 11, .b = 12 }, 13, 3)"]);
    }
}

#[test]
fn complex_numbers() {
    needs_root!();
    let script = "uprobe:BIN:handed_complex { print((args.a, args.d, args.d.im, args.z)); }";
    for target in [target!("handed"), target!("handed-plain")] {
        assert_lines(&on(&target, script), &["(1, { .re = 3, .im = 4 }, 4, 5)"]);
        out_of_reach(&target, "uretprobe:BIN:handed_number", "retval", VECTOR);
        out_of_reach(&target, "uretprobe:BIN:handed_most", "retval.v", VECTOR);
    }
}

#[test]
fn members_and_nothing() {
    needs_root!();
    let script = r#"uprobe:BIN:cpp:by_method { print((args.m.ptr > 4096, args.m.adj, args.z)); }
        uprobe:BIN:cpp:by_null { print((args.a, args.z)); }
        uprobe:BIN:cpp:by_nothing { print(args); }
        uprobe:BIN:cpp:by_complex { print((args.a, args.z)); }"#;
    for target in [target!("members-cc"), target!("members-cc-plain")] {
        assert_lines(&on(&target, script), &["(true, 0, 2)", "(1, 2)", "{ .a = 1, .n = { }, .z = 2 }", "(1, 3)"]);
        out_of_reach(&target, "uprobe:BIN:cpp:by_complex", "args.c", VECTOR);
        out_of_reach(&target, "uretprobe:BIN:cpp:complex_result", "retval", VECTOR);
        out_of_reach(&target, "uretprobe:BIN:cpp:long_result", "retval", VECTOR);
    }
}
