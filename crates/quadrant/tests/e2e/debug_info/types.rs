//! Types of programs: members, casts, constants, and whose type a name means.

use super::on;
use crate::common::{assert_lines, good, needs_root, quadrant, refused, script, target};

#[test]
fn members_through_pointers() {
    needs_root!();
    let script = r#"uprobe:BIN:typed_pointer {
        print((args.item->low, args.item->mid, args.item->high));
        print((args.item->in.sub[2], args.item->in.name, args.item->field->name, args.item->field->sub[3]));
        print((str(args.item->label), args.item->color, args.item->narrow, args.item->wide, args.item->grid[1][2]));
        print((args.width, args.untagged->only, args->width));
    }"#;
    let wanted = ["(5, 100, -3)", "(30, own, other, 4)", "(label, BLUE, 7, 7, 6)", "(9, 77, 9)"];
    assert_lines(&on(&target!("typed"), script), &wanted);
}

#[test]
fn all_arguments_at_once() {
    needs_root!();
    let script = "uprobe:BIN:typed_structs { $a = args; print((args.pair.x, args.after)); @ = args.pair; }
        uprobe:BIN:typed_color,uprobe:BIN:typed_pair { print((func, args)); }";
    let wanted = ["(1, 8)", "(typed_color, { .key = 1 })", "(typed_pair, { .key = 4 })", "@: { .x = 1, .y = -2 }"];
    let outcome = on(&target!("typed"), script);
    let mut lines = outcome.lines();
    lines.sort_unstable();
    assert_eq!(lines, wanted, "{}", outcome.describe());
}

/// What is printed with `args` inside.
#[test]
fn structs_among_all_arguments() {
    needs_root!();
    let script = "uprobe:BIN:typed_structs { print(args); }";
    let outcome = on(&target!("typed"), script);
    let start =
        "{ .pair = { .x = 1, .y = -2 }, .triple = { .a = 3, .b = 4, .c = 5 }, .words = { .first = 6, .second = 0x";
    assert!(outcome.stdout.contains(start), "{}", outcome.describe());
}

/// Casts, sizes and constants by names that only the program knows.
#[test]
fn names_of_the_program() {
    needs_root!();
    let script = r#"uprobe:BIN:typed_scalars {
        print((((struct item *)arg5)->id, sizeof(struct item), offsetof(struct item, in), sizeof(untagged_t)));
        print((GREEN, args.color == GREEN, sizeof(width_t)));
    }"#;
    assert_lines(&on(&target!("typed"), script), &["(42, 104, 8, 4)", "(GREEN, true, 4)"]);
}

/// Also where the function has no probe that calls it.
#[test]
fn names_of_the_program_in_functions_that_nothing_calls() {
    needs_root!();
    let function = "fn second($item : struct item *): int64 { return $item->id; }";
    let called = format!("{function} uprobe:BIN:typed_scalars {{ print(args.color == GREEN); }}");
    assert_lines(&on(&target!("typed"), &called), &["true"]);
    let wrong = called.replace("->id", "->nowhere").replace("BIN", &target!("typed"));
    let message = refused(script(&wrong));
    assert!(message.contains("nowhere"), "{message}");
}

/// Types and constants of namespaces.
#[test]
fn names_of_cxx() {
    needs_root!();
    let script = r#"uprobe:BIN:cpp:"shapes::place" {
        print((((struct shapes::Point *)arg0)->y, ((shapes::Point *)arg0)->x, sizeof(shapes::Point)));
        print((args.side, args.side == shapes::Side::Right, shapes::Side::Left));
        print((shapes::CORNERS, CORNERS));
    }"#;
    let wanted = ["(4, 3, 8)", "(Right, true, Left)", "(CORNERS, CORNERS)"];
    assert_lines(&on(&target!("mangled-cc"), script), &wanted);
}

/// A function that is found by its name in the source may be one that C can call; one that is looked for by its symbol's name is
/// told by its name in the source.
#[test]
fn functions_of_cxx() {
    needs_root!();
    let target = target!("mangled-cc");
    let outcome = on(&target, r#"uprobe:BIN:cpp:*place { print(func); }"#);
    let wanted = ["shapes::place(shapes::Point const&, shapes::Side)", "place"];
    assert_lines(&outcome, &wanted);
    let message = refused(script(&format!("uprobe:{target}:measure {{ }}")));
    assert!(message.contains(r#":cpp:"shapes::measure""#), "{message}");
}

/// The script's own types come first, the program's before the kernel's.
#[test]
fn whose_type_a_name_means() {
    needs_root!();
    let script = r#"struct pair { int z; };
        uprobe:BIN:typed_pair { print((sizeof(struct pair), sizeof(struct task_struct) > 1000)); }"#;
    assert_lines(&on(&target!("typed"), script), &["(4, true)"]);
}

/// A program's constants come before those of the kernel's headers and types; elsewhere those are meant.
#[test]
fn whose_constant_a_name_means() {
    needs_root!();
    let script = "BEGIN { print((AF_INET, MS_RDONLY)); }
        uprobe:BIN:shadowed {
            print((AF_INET, MS_RDONLY, FAN_OPEN, TCP_ESTABLISHED, MS_NOSUID));
            print(((uint64)AF_INET, (uint64)MS_RDONLY, (uint64)TCP_ESTABLISHED, args.s->m == MS_RDONLY));
        }";
    let wanted = ["(2, 1)", "(AF_INET, MS_RDONLY, FAN_OPEN, TCP_ESTABLISHED, 2)", "(77, 5, 78, true)"];
    assert_lines(&on(&target!("shadows"), script), &wanted);
}

/// The script's own constants come before the program's.
#[test]
fn a_constant_of_the_script_is_meant_before_that_of_the_program() {
    needs_root!();
    let script = "enum own { MS_RDONLY = 9 }; uprobe:BIN:shadowed { print((uint64)MS_RDONLY); }";
    assert_lines(&on(&target!("shadows"), script), &["9"]);
}

/// Only the kernel's structs have members under other names, not a program's of the same name.
#[test]
fn members_of_a_program_have_no_names_of_other_kernels() {
    needs_root!();
    let target = target!("shadows");
    for (member, message) in [("args.c->id", "has no member `id`"), ("args.s->sk_family", "has no member `sk_family`")]
    {
        let said = refused(script(&format!("uprobe:{target}:shadowed {{ print({member}); }}")));
        assert!(said.contains(message), "{said}");
    }
}

/// Functions whose arguments differ have code of their own; those without debug information are left out, with a warning.
#[test]
fn several_functions() {
    needs_root!();
    let script = "uprobe:BIN:typed_[pc]* { print((func, args)); }";
    let target = target!("typed");
    let outcome = on(&target, script);
    assert_eq!(outcome.lines().len(), 3, "{}", outcome.describe());
    let counted = on(&target, "uprobe:BIN:* { @[func] = count(); $a = args; }");
    assert!(
        counted.stderr.contains("have no debug information or no arguments and are left out"),
        "{}",
        counted.describe()
    );
    assert!(counted.stdout.contains("@[typed_floats]: 1"), "{}", counted.describe());
}

/// Macros and constants of the script's take debug information only where their texts do.
#[test]
fn words_of_the_script_are_read_to_their_ends() {
    needs_root!();
    let target = target!("typed");
    let named = "#define ONE 1\nmacro once(x) { x + ONE - 1 } uprobe:BIN:*,uprobe:BIN:_start { @ = sum(once(1)); }";
    let outcome = on(&target, named);
    assert!(!outcome.stderr.contains("left out"), "{}", outcome.describe());
    let hidden = "#define OUTER inner()\nmacro inner() { args.width } uprobe:BIN:typed_p* { print(OUTER); }";
    let message = refused(script(&hidden.replace("BIN", &target)));
    assert!(message.contains("typed_pair"), "{message}");
}

/// A constant is that of the file that the probe is in, or of none.
#[test]
fn constants_of_several_programs() {
    needs_root!();
    let both =
        format!("uprobe:{}:typed_pair,uprobe:{}:target_call {{ print(GREEN); }}", target!("typed"), target!("calls"));
    assert!(refused(script(&both)).contains("unknown name `GREEN`"));
}

#[test]
fn listing_shows_declarations() {
    let target = target!("typed");
    let list = |pattern: &str| good(quadrant().args(["-lv", &pattern.replace("BIN", &target)]));
    let wanted = [
        &format!("uprobe:{target}:typed_pointer"),
        "    struct item * item",
        "    volatile const width_t width",
        "    untagged_t * untagged",
    ];
    assert_eq!(list("uprobe:BIN:typed_pointer").stdout.lines().collect::<Vec<_>>(), wanted);
    let result = list("uretprobe:BIN:typed_pair").stdout;
    assert!(result.ends_with("    struct pair retval\n"), "{result}");
}
