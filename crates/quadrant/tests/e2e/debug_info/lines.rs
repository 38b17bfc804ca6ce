//! Probes on source lines and on inlined copies of functions.

use crate::common::{needs_root, quadrant, target};
use crate::common::{number, refused, run_on, script};

/// The line of a text in the target's source.
fn line_of(text: &str) -> usize {
    let source = include_str!("../../../../../tests/targets/inlined.c");
    source.lines().position(|line| line.contains(text)).expect("the target has that line") + 1
}

/// A line of a function that is inlined three times has code at three places, which all run.
#[test]
fn a_line_that_was_copied() {
    needs_root!();
    let target = target!("inlined");
    let text = format!("uprobe:{target}@inlined.c:{} {{ @ = count(); }}", line_of("line of the copies"));
    assert_eq!(number(&run_on(&format!("{target} 101"), &text), "@"), 3 * 101);
}

#[test]
fn a_line_of_one_place() {
    needs_root!();
    let target = target!("inlined");
    let text = format!("uprobe:{target}@targets/inlined.c:{} {{ @[func] = count(); }}", line_of("both(value) * 3"));
    assert_eq!(number(&run_on(&format!("{target} 3"), &text), "@[caller]"), 1);
}

#[test]
fn lines_without_code() {
    needs_root!();
    let target = target!("inlined");
    let empty = line_of("\"second\"") + 1;
    let message = refused(script(&format!("uprobe:{target}@inlined.c:{empty} {{ }}")));
    let near = format!("the nearest line that has some is {}", empty + 1);
    assert!(message.contains("has no code in") && message.contains(&near), "{message}");
    let message = refused(script(&format!("uprobe:{target}@inlind.c:3 {{ }}")));
    assert!(message.contains("did you mean `inlined.c`?"), "{message}");
}

/// Also where lines are asked for in a list, or a function of the source file.
#[test]
fn source_files_go_with_numbers_of_lines() {
    needs_root!();
    let target = format!("{}@inlined.c", target!("inlined"));
    let advice = format!("a probe on a line is `uprobe:{target}:NUMBER`");
    let message = refused(script(&format!("uprobe:{target}:caller {{ }}")));
    assert!(message.contains("goes with a line's number") && message.contains(&advice), "{message}");
    let listed = refused(quadrant().args(["-l", &format!("uprobe:{target}:{}", line_of("both(value) * 3"))]));
    assert!(listed.contains(&advice), "{listed}");
}

/// Without the word a function that is only inlined is an error that says how to probe its copies.
#[test]
fn copies_of_a_function() {
    needs_root!();
    let target = target!("inlined");
    let message = refused(script(&format!("uprobe:{target}:part {{ }}")));
    assert!(message.contains("it is inlined 3 times") && message.contains(":inline:part`"), "{message}");
    let message = refused(script(&format!("uprobe:{}:cpp:\"shapes::inlined_sum\" {{ }}", target!("mangled-cc"))));
    assert!(
        message.contains("it is inlined once") && message.contains(":inline:\"shapes::inlined_sum\"`"),
        "{message}"
    );
    let text = format!("uprobe:{target}:inline:part {{ @[func] = count(); @sum = sum(args.value); }}");
    let outcome = run_on(&format!("{target} 101"), &text);
    assert_eq!(number(&outcome, "@[part]"), 3 * 101);
    // value, value + 1 and value + 2
    assert_eq!(number(&outcome, "@sum"), 3 * (100 * 101 / 2) + 3 * 101);
}

/// A function that has code of its own, too: a warning, unless the setting asks for the copies.
#[test]
fn copies_beside_the_function() {
    needs_root!();
    let target = target!("inlined");
    let outcome = run_on(&format!("{target} 3"), &format!("uprobe:{target}:both {{ @ = count(); }}"));
    assert!(outcome.stderr.contains("1 inlined copies of `both` are not probed"), "{}", outcome.describe());
    assert_eq!(number(&outcome, "@"), 1);
    let text = format!("config = {{ probe_inline = true }} uprobe:{target}:both {{ @ = count(); }}");
    assert_eq!(number(&run_on(&format!("{target} 3"), &text), "@"), 2);
}
