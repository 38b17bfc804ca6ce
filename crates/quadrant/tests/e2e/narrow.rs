//! Programs of 32 bits: functions by the calling convention of i386, by debug information with words of four bytes, and static probes.

use quadrant_testing::{COUNT, Outcome};

use crate::common::{assert_lines, needs_root, run_on, target};
use crate::replay::{assert_replays, assert_replays_d};

/// The program, if this machine runs such.
macro_rules! narrow {
    () => {
        narrow!("narrow")
    };
    ($name:literal) => {{
        needs_root!();
        if !cfg!(target_arch = "x86_64") {
            return quadrant_testing::skip("no other machine than x86-64 runs programs of i386");
        }
        let path = target!($name);
        match std::process::Command::new(&path).arg("0").status() {
            Ok(_) => path,
            Err(error) => return quadrant_testing::skip(format!("the kernel runs no programs of 32 bits: {error}")),
        }
    }};
}

/// A script on the program, which its text calls `PROGRAM`.
fn run(narrow: &str, script: &str) -> Outcome {
    run_on(&format!("{narrow} {COUNT}"), &script.replace("PROGRAM", narrow))
}

#[test]
fn arguments_and_results_are_words_of_four_bytes() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "uprobe:PROGRAM:narrow_scalars { @words[(int32)arg0, (int8)arg1, arg3, arg4, arg5] = count(); }
         uretprobe:PROGRAM:narrow_marked { @sum = sum(retval); }
         uprobe:PROGRAM:narrow_marked { @first = max(arg0); @old = max(sarg0); @bytes[sizeof(long), sizeof(size_t)] = count(); }
         uretprobe:PROGRAM:narrow_links { @negative = *(long *)((uint64)retval + 8); }",
    );
    let last = COUNT - 1;
    let sum = COUNT * last / 2 + COUNT;
    assert_lines(
        &outcome,
        &[
            "@bytes[4, 4]: 10007",
            &format!("@first: {last}"),
            "@negative: -2",
            &format!("@old: {last}"),
            &format!("@sum: {sum}"),
            "@words[-5, 99, 0, 2, 4000000000]: 10007",
        ],
    );
}

#[test]
fn debug_information_says_what_arguments_and_results_are() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "uprobe:PROGRAM:narrow_scalars { @scalars[args.i, args.c, args.wide, args.last] = count(); }
         uretprobe:PROGRAM:narrow_scalars { @result[retval] = count(); }
         uprobe:PROGRAM:narrow_wide { @pair[args.pair.x, args.pair.y, args.last] = count(); }
         uretprobe:PROGRAM:narrow_wide { @wide[retval] = count(); }
         uprobe:PROGRAM:narrow_pair { @y[*args.y] = count(); }
         uretprobe:PROGRAM:narrow_pair { @made = retval; }
         uprobe:PROGRAM:narrow_links {
             @links[args.link->next->number, (*args.again)->wide, args.size, sizeof(*args.link)] = count();
             @cast[((struct link *)arg0)->next->number, (*(struct link **)arg1)->number] = count();
             @link = *args.link;
         }",
    );
    let link = outcome.lines().into_iter().find(|line| line.starts_with("@link: ")).unwrap_or_default();
    assert!(link.starts_with("@link: { .next = 0x") && link.contains(", .number = 7, "), "{}", outcome.describe());
    let last = COUNT - 1;
    assert_lines(
        &outcome,
        &[
            "@cast[-2, 7]: 10007",
            link,
            "@links[-2, 1099511627776, 28, 28]: 10007",
            &format!("@made: {{ .x = {last}, .y = 9 }}"),
            "@pair[3, -4, -1]: 10007",
            "@result[294967076]: 10007",
            "@scalars[-5, 99, 8589934592, 4000000000]: 10007",
            "@wide[17179869179]: 10007",
            "@y[9]: 10007",
        ],
    );
}

#[test]
fn what_is_in_registers_of_floating_point_numbers_is_refused() {
    let narrow = narrow!();
    let script = format!("uretprobe:{narrow}:narrow_ratio {{ @ = retval; }}");
    let outcome = crate::common::script(&script).run().unwrap();
    assert!(outcome.stderr.contains("XMM or x87 registers"), "{}", outcome.describe());
    let ratios = "uprobe:PROGRAM:narrow_ratio { @[args.ratio, args.less] = count(); }";
    assert_lines(&run(&narrow, ratios), &["@[2.5, 1.5]: 10007"]);
}

/// By a script on one run of the program.
fn once(narrow: &str, script: &str) -> Outcome {
    run_on(narrow, &script.replace("PROGRAM", narrow))
}

/// Without optimization the debug information says where the function puts them, not where they come from.
#[test]
fn arguments_in_registers_are_not_taken_from_the_stack() {
    let optimized = narrow!("narrow-cc");
    let script = "uprobe:PROGRAM:narrow_registers { print((args.a, args.b, args.c, args.d)); }
        uprobe:PROGRAM:narrow_fast { print((args.a, *args.b)); }
        uprobe:PROGRAM:narrow_usual { print(args); }";
    let usual = |lines: &[String]| {
        lines.last().is_some_and(|line| line.starts_with("{ .a = 1, .b = 2, .c = 3, .d = 4, .e = 0x"))
    };
    let outcome = once(&optimized, script);
    let lines = outcome.lines().iter().map(|line| (*line).to_owned()).collect::<Vec<String>>();
    assert!(
        usual(&lines) && lines.starts_with(&["(21, 22, 23, 24)".to_owned(), "(41, 5)".to_owned()]),
        "{}",
        outcome.describe()
    );
    let plain = target!("narrow-cc-plain");
    assert_lines(&once(&plain, "uprobe:PROGRAM:narrow_registers { print(args.d); }"), &["24"]);
    for value in
        ["narrow_registers { print(args.a); }", "narrow_long { print(args.a); }", "narrow_fast { print(args.b); }"]
    {
        let outcome = crate::common::script(&format!("uprobe:{plain}:{value}")).run().unwrap();
        assert!(!outcome.success() && outcome.stderr.contains("does not say where it is"), "{}", outcome.describe());
    }
    let outcome = once(&plain, "uprobe:PROGRAM:narrow_usual { print(args); }");
    let lines = outcome.lines().iter().map(|line| (*line).to_owned()).collect::<Vec<String>>();
    assert!(usual(&lines), "{}", outcome.describe());
}

/// Such results are in two registers, not in memory whose address came before the arguments.
#[test]
fn decimal_numbers_are_results_in_two_registers() {
    let optimized = narrow!("narrow-cc");
    let script =
        "uprobe:PROGRAM:narrow_decimal { print(args.after); } uretprobe:PROGRAM:narrow_decimal { print(retval); }";
    for program in [optimized, target!("narrow-cc-plain")] {
        assert_lines(&once(&program, script), &["8", "{ }"]);
    }
}

#[test]
fn pointers_to_members_are_two_words_of_four_bytes() {
    let optimized = narrow!("narrow-cc");
    let script = "uprobe:PROGRAM:narrow_member { print((args.member.ptr > 4096, args.member.adj, args.after, sizeof(args.member))); }";
    for program in [optimized, target!("narrow-cc-plain")] {
        assert_lines(&once(&program, script), &["(true, 4, 7, 8)"]);
    }
}

/// `narrow_marked` begins with `endbr32`, behind which a probe costs less.
#[test]
fn stacks_have_the_functions_names_and_the_caller() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "uprobe:PROGRAM:narrow_marked, uprobe:PROGRAM:narrow_inner { @[func, ustack(perf, 3)] = count(); }
         uretprobe:PROGRAM:narrow_inner { @back[usym(reg(\"ip\"))] = count(); }",
    );
    for frames in [["narrow_marked+0", "narrow_main+"], ["narrow_inner+0", "narrow_outer+"]] {
        let at = |frame: &str| outcome.stdout.find(&format!(" {frame}"));
        assert!(at(frames[0]).is_some() && at(frames[1]).is_some(), "{}", outcome.describe());
    }
    assert_eq!(outcome.stdout.matches("]: 10007").count(), 3, "{}", outcome.describe());
}

#[test]
fn static_probes_have_their_arguments_and_semaphore() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "usdt:PROGRAM:shop:sale { @n = count(); @sum = sum(arg0); @same[arg0 == (int32)arg1] = count(); @[arg2] = count(); }",
    );
    let (sum, few, more) = (COUNT * (COUNT - 1) / 2, COUNT / 4, COUNT / 4 + 1);
    assert_lines(
        &outcome,
        &[
            &format!("@[-44]: {few}"),
            &format!("@[11]: {more}"),
            &format!("@[22]: {more}"),
            &format!("@[33]: {more}"),
            "@n: 10007",
            "@same[true]: 10007",
            &format!("@sum: {sum}"),
        ],
    );
}

/// In the mode of 64 bits, what is between would be other instructions.
#[test]
fn offsets_are_those_of_instructions_of_32_bits() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "uprobe:PROGRAM:narrow_marked+5 { @ = count(); } uprobe:PROGRAM:narrow_marked+* { @all = count(); }",
    );
    assert_lines(&outcome, &["@: 10007", &format!("@all: {}", 7 * COUNT)]);
    let inside = crate::common::script(&format!("uprobe:{narrow}:narrow_marked+6 {{ @ = count(); }}")).run().unwrap();
    assert!(inside.stderr.contains("no instruction starts at `narrow_marked+6`"), "{}", inside.describe());
}

#[test]
fn recordings_know_that_words_have_four_bytes() {
    let narrow = narrow!();
    let command = format!("{narrow} 11");
    let text = "uprobe:PROGRAM:narrow_scalars { @words[sizeof(long), (int32)arg0, arg4, (long)(nsecs + (1 << 40)) < (1 << 32)] = count(); }
         uprobe:PROGRAM:narrow_links { @next[((struct link *)arg0)->next->number] = count(); @[args.link->number] = count(); }
         uretprobe:PROGRAM:narrow_marked { @sum[sizeof(long)] = sum(retval); }";
    assert_replays("record-narrow", &command, &text.replace("PROGRAM", &narrow));
    let text = "pid$target::narrow_scalars:entry { @[sizeof (long), arg0, arg4] = count(); }
         pid$target::narrow_marked:return { @sum = sum(arg1); }";
    assert_replays_d("record-d-narrow", &command, text);
}

/// The script's own types are laid out once, as in programs of 64 bits.
#[test]
fn own_types_are_the_same_in_both_or_refused() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "struct mine { uint32 next; uint32 name; int32 number; uint8 more; } struct even { uint64 a; int b; int c; double d; }
         uprobe:PROGRAM:narrow_links {
             @[((struct mine *)arg0)->number, sizeof(struct mine), sizeof(struct even), offsetof(struct even, c)] = count();
             @sizes[sizeof(char *), sizeof(void *), sizeof(char *[3]), sizeof(args.link->next), sizeof(int64), sizeof(curtask)] = count();
         }",
    );
    assert_lines(&outcome, &["@[7, 16, 24, 12]: 10007", "@sizes[4, 4, 12, 4, 8, 8]: 10007"]);
    for own in [
        "struct own { long a; };",
        "struct own { int a; char *b; };",
        "struct inner { int a[2]; size_t b; }; struct own { struct inner a; };",
        "struct own { int a; uint64 b; };",
        "struct own { uint64 a; int b; };",
        "union own { uint64 a; char b[12]; };",
    ] {
        let name = if own.starts_with("union") { "union own" } else { "struct own" };
        for what in ["sizeof(OWN)", "offsetof(OWN, a)", "((OWN *)arg0)->a"].map(|what| what.replace("OWN", name)) {
            let probe = |place: &str| format!("{own} {place} {{ print({what}); }}");
            let refused = crate::common::script(&probe(&format!("uprobe:{narrow}:narrow_links"))).run().unwrap();
            let message = format!("`{name}` is laid out as in programs of 64 bits");
            assert!(refused.stderr.contains(&message), "{own} {what} {}", refused.describe());
        }
    }
}

#[test]
fn elements_that_are_pointers_of_four_bytes_lead_on() {
    let narrow = narrow!();
    let outcome = run(
        &narrow,
        "uprobe:PROGRAM:narrow_links {
             $at = (arg2 > 0);
             @[*args.link->texts[0], *((struct link *)arg0)->texts[$at], args.link->texts[1][2], str((*args.again)->texts[1])] = count();
             @bytes[sizeof(args.link->texts[0]), sizeof(args.link->texts)] = count();
         }",
    );
    assert_lines(&outcome, &["@[111, 116, 111, two]: 10007", "@bytes[4, 8]: 10007"]);
}
