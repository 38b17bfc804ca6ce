//! Functions that compilers change for their callers, and types whose values are not what their parts suggest.

use super::on;
use crate::common::{assert_lines, needs_root, script, target};

/// clang moves the arguments up that are left, and says nothing of it but where they are now.
#[test]
fn arguments_of_functions_that_were_changed_for_their_callers() {
    needs_root!();
    let script = "uprobe:BIN:remade_less* { print(args.kept); }";
    for target in [target!("remade"), target!("remade-clang"), target!("remade-plain"), target!("remade-clang-plain")] {
        assert_lines(&on(&target, script), &["6", "6"]);
    }
    refused(&target!("remade-clang"), "uprobe:BIN:remade_less", "args.flag", "does not say where it is");
}

/// Callers compiled by clang hand over anything for what is unused.
#[test]
fn arguments_that_nobody_fills_in() {
    needs_root!();
    refused(&target!("remade-clang"), "uprobe:BIN:remade_unused", "args.unused", "optimized it out");
    let script = "uprobe:BIN:remade_unused { print(args.unused); }";
    for target in [target!("remade"), target!("remade-plain"), target!("remade-clang-plain")] {
        assert_lines(&on(&target, script), &["31"]);
    }
}

#[test]
fn results_that_may_be_left_out_come_with_a_warning() {
    needs_root!();
    for target in [target!("remade"), target!("remade-clang")] {
        let outcome = on(&target, "uretprobe:BIN:remade_silent* { print(retval); }");
        let warning = "is its result only if a caller uses that";
        assert!(outcome.success() && outcome.stderr.contains(warning), "{}", outcome.describe());
    }
    for target in [target!("remade-plain"), target!("remade-clang-plain")] {
        let outcome = on(&target, "uretprobe:BIN:remade_silent { print(retval); }");
        assert!(outcome.success() && !outcome.stderr.contains("warning"), "{}", outcome.describe());
    }
}

/// gcc writes numbers from 128 to 255 into one byte.
#[test]
fn constants_and_lengths_that_fill_their_bytes() {
    needs_root!();
    let script = r#"uprobe:BIN:remade_size { printf("%d %d %d\n", SMALL, MIDDLE, LARGE);
        print((args.size, args.bulk->bytes[150], sizeof(args.bulk->bytes))); }"#;
    for target in [target!("remade"), target!("remade-clang")] {
        assert_lines(&on(&target, script), &["1 200 40000", "(MIDDLE, 7, 200)"]);
    }
}

/// clang says of constants how many bytes each has; of packed members that they begin before the unit that they are in.
#[test]
fn constants_in_structs_and_packed_members() {
    needs_root!();
    let script = "uprobe:BIN:remade_same* { print(args.same); } uprobe:BIN:remade_packed { print(*args.packed); }";
    let wanted = ["{ .number = 3, .text = 99 }", "{ .a = 1, .q = -4, .z = 5, .c = 6 }"];
    for target in [target!("remade-clang"), target!("remade-clang-plain"), target!("remade-plain")] {
        assert_lines(&on(&target, script), &wanted);
    }
}

#[test]
fn vectors_take_no_general_registers() {
    needs_root!();
    let script =
        "uprobe:BIN:remade_vector { print(args.after); } uprobe:BIN:remade_wide { print((args.before, args.after)); }";
    for target in [target!("remade"), target!("remade-plain"), target!("remade-clang-plain")] {
        assert_lines(&on(&target, script), &["5", "(1, 2)"]);
        refused(&target, "uprobe:BIN:remade_vector", "args.vector", "which eBPF cannot read");
    }
}

/// clang's debug information has no entry for a parameter that goes by its address and is not used, if there may be more arguments.
#[test]
fn arguments_behind_one_that_is_not_described() {
    needs_root!();
    let target = target!("dropped-cc-clang-plain");
    assert_lines(&on(&target, "uprobe:BIN:cpp:kept { print(args.after); }"), &["2"]);
    let text = format!("uprobe:{target}:cpp:dropped {{ print(args.after); }}");
    let outcome = script(&text).args(["-c", &target]).run().expect("the tracer runs");
    // Other versions may describe it.
    let is_right = outcome.success() && outcome.stdout.starts_with("2\n");
    assert!(is_right || outcome.stderr.contains("does not say where it is"), "{}", outcome.describe());
}

#[test]
fn lines_alone_are_not_called_a_lack_of_arguments() {
    needs_root!();
    refused(&target!("remade-lines"), "uprobe:BIN:remade_size", "args.size", "has its lines only, not its arguments");
}

fn refused(target: &str, probe: &str, value: &str, why: &str) {
    let outcome =
        script(&format!("{} {{ print({value}); }}", probe.replace("BIN", target))).run().expect("the tracer runs");
    assert!(!outcome.success() && outcome.stderr.contains(why), "{probe} {value}: {}", outcome.describe());
}
