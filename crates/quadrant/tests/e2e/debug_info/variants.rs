//! Enumerations of Rust with data: by a number of their own, or by values that the data cannot have.

use super::on;
use crate::common::{assert_lines, good, needs_root, script, target};

#[test]
fn variants_are_shown_as_rust_writes_them() {
    needs_root!();
    let text = r#"uprobe:BIN:cpp:"mangled::by_shape" { print(*args.shape); }
        uprobe:BIN:cpp:"mangled::by_niche" { print((*args.shape, *args.truth)); }
        uprobe:BIN:cpp:"mangled::by_tag" { print((*args.result, *args.minus)); @n++; @[*args.minus] = @n; }"#;
    let wanted = [
        "Empty",
        "Circle(1.5)",
        "Rect { .w = 3, .h = 4 }",
        "Both(-5, 6)",
        "(Some(Some(Circle(2.5))), Some(None))",
        "(Some(None), None)",
        "(Ok(7), Minus(8))",
        "(Err(-9), Plus(300))",
        "@[Minus(8)]: 1",
        "@[Plus(300)]: 2",
        "@n: 2",
    ];
    for target in [target!("variants-rs"), target!("variants-rs-plain")] {
        assert_lines(&on(&target, text), &wanted);
    }
}

#[test]
fn variants_in_structs_and_in_registers() {
    needs_root!();
    let text = r#"uprobe:BIN:cpp:"mangled::by_node" { print(*args.node); }
        uprobe:BIN:cpp:"mangled::by_value" { print((args.some, args.after)); }"#;
    for target in [target!("variants-rs"), target!("variants-rs-plain")] {
        let outcome = on(&target, text);
        let lines = outcome.lines();
        let starts = ["{ .value = 1, .next = None }", "{ .value = 2, .next = Some(0x", "(Some(0x", "(None, 6)"];
        assert_eq!(lines.len(), starts.len(), "{}", outcome.describe());
        let all = lines.iter().zip(starts).all(|(line, start)| line.starts_with(start));
        assert!(all && lines[2].ends_with("), 5)"), "{}", outcome.describe());
    }
}

#[test]
fn variants_in_json() {
    needs_root!();
    let target = target!("variants-rs");
    let text = r#"uprobe:BIN:cpp:"mangled::by_shape" { print(*args.shape); }"#.replace("BIN", &target);
    let wanted = [r#""Empty""#, r#"{"Circle":1.5}"#, r#"{"Rect":{"w":3,"h":4}}"#, r#"{"Both":[-5,6]}"#];
    let outcome = good(script(&text).args(["--format", "json", "-c", &target]));
    for value in wanted {
        assert!(outcome.stdout.contains(&format!("\"value\":{value}}}")), "{value}: {}", outcome.describe());
    }
}

/// Of what the debug information says nothing, optimized code of Rust hands over something else, if anything.
#[test]
fn parameters_without_a_place_are_refused() {
    needs_root!();
    let text = r#"uprobe:BIN:cpp:"mangled::by_number" { print(*args.number); }"#;
    assert_lines(&on(&target!("variants-rs-plain"), text), &["7"]);
    let outcome = script(&text.replace("BIN", &target!("variants-rs"))).run().expect("the tracer runs");
    assert!(!outcome.success() && outcome.stderr.contains("has optimized it out"), "{}", outcome.describe());
}

/// Optimized code does not give the address of such a result back.
#[test]
fn results_of_rust_in_memory_are_refused() {
    needs_root!();
    for target in [target!("variants-rs"), target!("variants-rs-plain")] {
        let text = r#"uretprobe:BIN:cpp:"mangled::made" { print(retval); }"#.replace("BIN", &target);
        let outcome = script(&text).run().expect("the tracer runs");
        assert!(!outcome.success() && outcome.stderr.contains("does not say where it is"), "{}", outcome.describe());
    }
}
