//! Stacks at the entries of functions have who called them, each frame once: however the function starts, and whatever the kernel makes of
//! it.

use quadrant_testing::Outcome;

use crate::common::{assert_lines, good, needs_root, quadrant, run_on, script, target};
use crate::replay::{assert_replays, assert_replays_d};

/// Functions, and how often each is on the stack where its argument is 0.
const FUNCTIONS: [(&str, usize); 6] = [
    ("leaf_plain", 1),
    ("leaf_framed", 1),
    ("leaf_marked", 1),
    ("deep_plain", 4),
    ("deep_framed", 4),
    ("deep_marked", 4),
];
const CALLERS: [&str; 3] = ["target_direct", "target_outer", "main"];

/// The functions of the target in what was printed, in order.
fn frames(outcome: &Outcome) -> Vec<&str> {
    let is_ours = |name: &&str| CALLERS.contains(name) || FUNCTIONS.iter().any(|(function, _)| function == name);
    let words = outcome.stdout.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(is_ours).collect()
}

fn whole(function: &'static str, times: usize) -> Vec<&'static str> {
    [&vec![function; times][..], &CALLERS].concat()
}

fn d(path: &str, text: &str) -> Outcome {
    good(quadrant().args(["dtrace", "-qn", text, "-c", &format!("{path} 1")]))
}

#[test]
fn each_frame_is_there_once() {
    needs_root!();
    let path = target!("callers");
    for (function, times) in FUNCTIONS {
        let text = format!("uprobe:{path}:{function} /arg0 == 0/ {{ @[ustack] = count(); }}");
        let outcome = run_on(&format!("{path} 17"), &text);
        assert_eq!(frames(&outcome), whole(function, times), "{}", outcome.describe());
        assert!(outcome.stdout.contains("]: 17\n"), "{}", outcome.describe());
        let outcome = d(&path, &format!("pid$target:callers:{function}:entry /arg0 == 0/ {{ ustack(); }}"));
        assert_eq!(frames(&outcome), whole(function, times), "{}", outcome.describe());
    }
}

#[test]
fn limits_count_the_caller() {
    needs_root!();
    let path = target!("callers");
    for (function, times) in FUNCTIONS {
        for limit in [1, 2, 3] {
            let text = format!("uprobe:{path}:{function} /arg0 == 0/ {{ print(ustack({limit})); }}");
            let outcome = run_on(&format!("{path} 1"), &text);
            assert_eq!(frames(&outcome), whole(function, times)[..limit], "{}", outcome.describe());
        }
    }
}

#[test]
fn d_names_the_caller_and_counts_frames() {
    needs_root!();
    let path = target!("callers");
    for (function, times) in FUNCTIONS {
        let text = format!(
            "pid$target:callers:{function}:entry /arg0 == 0/ {{ n = ustackdepth; ustack(); printf(\"%A by\", ucaller); exit(0); }}
             END {{ printf(\" %d\\n\", n); }}"
        );
        let outcome = d(&path, &text);
        let caller = if times > 1 { function } else { CALLERS[0] };
        assert_eq!(frames(&outcome), [whole(function, times), vec![caller]].concat(), "{}", outcome.describe());
        let lines = outcome.lines().into_iter().filter(|line| line.starts_with(' ') && line.contains('`')).count();
        let depth = outcome.stdout.rsplit(' ').next().map(str::trim);
        assert_eq!(depth, Some(lines.to_string().as_str()), "{}", outcome.describe());
    }
}

/// One clause for functions of which the kernel knows where they start, and of which it does not.
#[test]
fn functions_of_a_wildcard_have_their_own_stacks() {
    needs_root!();
    let path = target!("callers");
    let outcome = run_on(&format!("{path} 17"), &format!("uprobe:{path}:leaf_* {{ @[func, ustack(3)] = count(); }}"));
    assert_eq!(outcome.stdout.matches("]: 17\n").count(), 3, "{}", outcome.describe());
    for (function, _) in &FUNCTIONS[..3] {
        assert_eq!(outcome.stdout.matches(&format!("{function}+0\n")).count(), 1, "{}", outcome.describe());
    }
    assert_eq!(outcome.stdout.matches("target_outer+").count(), 3, "{}", outcome.describe());
}

/// Behind `push %rbp; mov %rsp, %rbp` the frame is the function's own, and at a return the function is left.
#[test]
fn other_places_are_as_the_kernel_has_them() {
    needs_root!();
    let path = target!("callers");
    let at_return = run_on(&format!("{path} 1"), &format!("uretprobe:{path}:leaf_framed {{ print(ustack); }}"));
    assert_eq!(frames(&at_return), CALLERS, "{}", at_return.describe());
    if cfg!(target_arch = "x86_64") {
        let inside = run_on(&format!("{path} 1"), &format!("uprobe:{path}:leaf_framed+4 {{ print(ustack); }}"));
        assert_eq!(frames(&inside), whole("leaf_framed", 1), "{}", inside.describe());
    }
}

/// Such a clause runs at the place of the one that faults.
#[test]
fn faults_at_entries_have_the_caller() {
    needs_root!();
    let path = target!("callers");
    for (function, times) in FUNCTIONS {
        let text =
            format!("pid$target:callers:{function}:entry /arg0 == 0/ {{ trace(*(int *)8); }} ERROR {{ ustack(); }}");
        let outcome = d(&path, &text);
        assert_eq!(frames(&outcome), whole(function, times), "{}", outcome.describe());
        assert!(outcome.stdout.contains(&format!("`{function}\n")), "{}", outcome.describe());
    }
}

#[test]
fn replays_have_the_same_stacks() {
    needs_root!();
    let path = target!("callers");
    let text = format!("uprobe:{path}:leaf_*,uprobe:{path}:deep_* {{ @[func, arg0, ustack(4)] = count(); }}");
    assert_replays("replay-callers", &format!("{path} 7"), &text);
    let text =
        "pid$target:callers:leaf_*:entry,pid$target:callers:deep_*:entry { @[probefunc, arg0, ustack(4)] = count(); }
        pid$target:callers:leaf_plain:entry { printf(\"%A\\n\", ucaller); }";
    assert_replays_d("replay-callers-d", &format!("{path} 7"), text);
}

/// bpftrace #430, inferno #51
#[test]
fn stacks_can_be_lines_for_flame_graphs() {
    needs_root!();
    let path = target!("callers");
    let text = format!("uprobe:{path}:deep_framed /arg0 == 0/ {{ @[ustack(6), comm] = count(); }} END {{ print(1); }}");
    let outcome = good(script(&text).args(["--folded", "-c", &format!("{path} 17")]));
    let frames =
        ["callers", "target_outer", "target_direct", "deep_framed", "deep_framed", "deep_framed", "deep_framed"];
    assert_lines(&outcome, &["1", &format!("{} 17", frames.join(";"))]);
    let outcome = script("BEGIN { @ = 1; exit(); }").arg("--folded").run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.stderr.contains("no map of the script has stacks in its keys"), "{}", outcome.describe());
}
