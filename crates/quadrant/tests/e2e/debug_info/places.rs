//! Where arguments and results are: by every compiler, with and without optimization, in every form of debug information.

use std::fs;
use std::process::Command;

use super::on;
use crate::common::{assert_lines, folder, needs_root, script, target};

const SCALARS: &str = r#"uprobe:BIN:typed_scalars {
    printf("%d %d %d %d\n", args.i, args.c, args.b, args.last);
    print((args.color, args.far, str(args.text), args.item->id));
    exit();
}"#;

/// Every argument that is a number, two of them on the stack.
fn scalars_of(target: &str) {
    assert_lines(&on(target, SCALARS), &["-7 200 1 -2", "(GREEN, 1099511627776, text, 42)"]);
}

macro_rules! scalars {
    ($($test:ident: $target:literal,)*) => {$(
        #[test]
        fn $test() {
            needs_root!();
            scalars_of(&target!($target));
        }
    )*};
}

scalars! {
    scalars_in_optimized_code: "typed",
    scalars_in_plain_code: "typed-plain",
    scalars_in_dwarf_3_deflated: "typed-old",
    scalars_with_type_units: "typed-units",
    scalars_by_clang: "typed-clang",
    scalars_in_plain_code_by_clang: "typed-clang-plain",
}

#[test]
fn scalars_in_split_debug_information() {
    needs_root!();
    let target = target!("typed-split");
    if std::env::var_os("QUADRANT_TARGETS").is_some() {
        return quadrant_testing::skip("the .dwo files are left where they were made");
    }
    scalars_of(&target);
}

/// A folder of the user's is the tracer's own, and may be named from where the tracer runs.
#[test]
fn split_debug_information_in_a_folder_that_is_named() {
    needs_root!();
    let folder = folder("split-moved");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("moved")).unwrap();
    fs::write(folder.join("split.c"), "int main(int count, char **words) { return count > 9; }").unwrap();
    let compile = ["-g", "-gdwarf-5", "-gsplit-dwarf", "-c", "split.c"];
    let cc =
        |words: &[&str]| Command::new("gcc").args(words).current_dir(&folder).status().is_ok_and(|it| it.success());
    if !cc(&compile) || !cc(&["split.o", "-o", "split"]) {
        return quadrant_testing::skip("gcc is not installed");
    }
    fs::rename(folder.join("split.dwo"), folder.join("moved/split.dwo")).unwrap();
    let text = "uprobe:./split:main { print(args.count); }";
    let told = |dirs: &[&str]| script(text).args(dirs).args(["-c", "./split a b"]).dir(&folder).run().unwrap();
    assert!(told(&[]).stderr.contains("was not found"), "{}", told(&[]).describe());
    assert_lines(&told(&["--debuginfo", "moved"]), &["3"]);
}

const STRUCTS: &str = r#"uprobe:BIN:typed_structs {
    print(args.pair);
    print((args.pair.y, args.triple.b, args.words.first, str(args.words.second), args.after));
    print(args.triple);
}"#;

fn structs_of(target: &str) {
    let wanted = ["{ .x = 1, .y = -2 }", "(-2, 4, 6, second, 8)", "{ .a = 3, .b = 4, .c = 5 }"];
    assert_lines(&on(target, STRUCTS), &wanted);
}

/// One word of two members, memory, and two words.
#[test]
fn structs_by_value() {
    needs_root!();
    for target in [target!("typed"), target!("typed-plain")] {
        structs_of(&target);
    }
}

#[test]
fn structs_by_value_by_clang() {
    needs_root!();
    for target in [target!("typed-clang"), target!("typed-clang-plain")] {
        structs_of(&target);
    }
}

/// gcc does not say which classes are handed over by their address: those that declare how they are copied or end, whose parts do,
/// and those that cannot be copied.
#[test]
fn classes_that_have_to_be_copied_by_a_function() {
    needs_root!();
    let script = r#"uprobe:BIN:cpp:make, uprobe:BIN:cpp:take { printf("%s %d\n", func, args.n); }
        uprobe:BIN:cpp:"take(Copied, int)", uprobe:BIN:cpp:"take(Plain, int)", uprobe:BIN:cpp:"take(Virtual, int)",
            uprobe:BIN:cpp:"take(Single, int)", uprobe:BIN:cpp:"take(Assigned, int)" { print(args.it.v); }
        uprobe:BIN:cpp:"take(Holder, int)" { print(args.it.part[0].v); }
        uretprobe:BIN:cpp:make { print(retval.v); }"#;
    let wanted = [
        ("make(Copied const&, int) 10", "11"),
        ("take(Copied, int) 21", "11"),
        ("make(Plain const&, int) 10", "12"),
        ("take(Plain, int) 22", "12"),
        ("take(Holder, int) 23", "4"),
        ("take(Virtual, int) 24", "5"),
        ("take(Single, int) 25", "6"),
        ("take(Assigned, int) 26", "7"),
    ];
    for target in [target!("copied-cc"), target!("copied-cc-plain")] {
        let outcome = on(&target, script);
        let mut wanted: Vec<_> = wanted.iter().flat_map(|(call, value)| [*call, *value]).collect();
        let mut lines = outcome.lines();
        // gcc takes the arguments of an addition from either side.
        lines.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(lines, wanted, "{}", outcome.describe());
    }
}

/// A constructor with default arguments copies, one without does not; debug information has both alike. A result in memory is the same.
#[test]
fn classes_that_cannot_be_told_are_not_guessed_at() {
    needs_root!();
    let target = target!("copied-cc-plain");
    for (function, value) in [
        ("uprobe:BIN:cpp:doubtful", "args.it.v"),
        ("uprobe:BIN:cpp:doubtful", "args.n"),
        ("uretprobe:BIN:cpp:make_doubtful", "retval.v"),
        ("uprobe:BIN:cpp:crowd", "args.it.parts.v"),
    ] {
        let text = format!("{function} {{ print({value}); }}").replace("BIN", &target);
        let outcome = script(&text).run().expect("the tracer runs");
        assert!(!outcome.success(), "{}", outcome.describe());
        assert!(outcome.stderr.contains("does not tell whether a C++ class"), "{}", outcome.describe());
    }
}

#[test]
fn results_have_their_types() {
    needs_root!();
    let script = r#"uretprobe:BIN:typed_color { print(retval); }
        uretprobe:BIN:typed_pair { print((retval.x, retval.y)); }
        uretprobe:BIN:typed_triple { print(retval); }
        uretprobe:BIN:typed_pointer { print((retval->id, retval->in.sub[1])); }"#;
    for target in [target!("typed"), target!("typed-plain")] {
        let wanted = ["(128, 20)", "(4, -4)", "NONE", "{ .a = 6, .b = 12, .c = 18 }"];
        let outcome = on(&target, script);
        let mut lines = outcome.lines();
        lines.sort_unstable();
        assert_eq!(lines, wanted, "{}", outcome.describe());
    }
}
