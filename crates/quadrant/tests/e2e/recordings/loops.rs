//! Recordings of loops over maps: the order in which they went is one of what a script learns.

use super::{refused_script, replay_of};
use crate::common::{good, needs_loops, needs_root, refused, target};
use crate::replay::assert_replays;

/// The order of a map is the kernel's own, and another one in each trace: so what the loops show is put into maps. Keys with long texts
/// may be in two maps of the kernel.
#[test]
fn reads_in_loops_over_maps() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let text = format!(
        "config = {{ max_strlen = 256; print_maps_on_exit = false }} uprobe:{calls}:target_call {{
            @at[arg0 % 7, str(arg1, 2)] = arg1 + arg0 % 5; @n[arg0 % 3] = count();
            for ($kv : @at) {{
                @read[$kv.0.0, str($kv.1)] = count();
                for ($n : @n) {{ if ($n.0 == 1) {{ continue; }} @both[$n.0, *(uint8 *)$kv.1] = sum($n.1); }}
            }}
            clear(@n);
         }}
         END {{ print(@read); print(@both); }}"
    );
    assert_replays("record-walks", &format!("{calls} 23"), &text);
    let stacks =
        format!("uprobe:{calls}:target_call {{ @p[ustack] = arg1; for ($kv : @p) {{ printf(\"%s\", str($kv.1)); }} }}");
    let message = refused_script("order.bt", &stacks);
    assert!(message.contains("in a loop over a map with stacks in its keys"), "{message}");
}

/// The recorder has no need of `len()`, which decides that the map is cleared at once.
#[test]
fn maps_are_cleared_when_they_are_in_the_trace() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let text = format!(
        "config = {{ print_maps_on_exit = false }} uprobe:{calls}:target_call {{ @m[arg0] = arg1; printf(\"%d\\n\", len(@m)); clear(@m); }}
         uprobe:{calls}:target_call {{ @m[arg0 + 100] = arg1; for ($kv : @m) {{ printf(\"%d %s\\n\", $kv.0, str($kv.1)); }} }}"
    );
    assert_replays("record-clears", &format!("{calls} 23"), &text);
}

/// Nothing says which round a time of such a loop is of, so there a firing has one; elsewhere each is another, and one that stands outside of
/// loops is known when the point fires.
#[test]
fn times_in_loops_over_maps() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let stacks = format!(
        "uprobe:{calls}:target_call {{ @s[ustack(2), arg0]++; for ($kv : @s) {{ if (nsecs > 5 && nsecs > 6) {{ @late = $kv.1; }} }} }}"
    );
    assert_replays("record-times", &format!("{calls} 3"), &stacks);
    let text =
        "interval:s:1 { printf(\"%d\\n\", nsecs); @p[1] = 1; for ($kv : @p) { printf(\"%d\\n\", elapsed); } exit(); }";
    let values = format!(r#""nsecs":5,"elapsed":[6],"keys of @p":{}"#, keys(&[1]));
    assert_eq!(good(replay_of("record-times-outside", text, &values)).lines()[..2], ["5", "6"]);
}

/// Keys of a map of numbers, as a recording has them.
fn keys(keys: &[u8]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!(r#"{{"hex":"{key:02}00000000000000"}}"#)).collect();
    format!("[{}]", keys.join(","))
}

/// A loop that ends early has read by the keys that it came to, whatever the order of the map is in the replay.
#[test]
fn loops_over_maps_go_as_they_went() {
    let text = "interval:s:1 { @p[1] = curtask; @p[2] = curtask; @p[3] = curtask;
        for ($kv : @p) { printf(\"%d %s\\n\", $kv.0, str(kptr((uint64)$kv.1))); if ($kv.0 == 1) { break; } } exit(); }";
    let read = r#""curtask":5,"str(kptr((uint64)$kv.1))":["three","one"]"#;
    let values = |order: &[u8]| format!(r#"{read},"keys of @p":{}"#, keys(order));
    let outcome = good(replay_of("record-order", text, &values(&[3, 1])));
    assert_eq!(outcome.lines()[..2], ["3 three", "1 one"], "{}", outcome.describe());
    let message = refused(replay_of("record-order", text, &values(&[3, 4])));
    assert!(
        message.contains("recording.json:2: the loop does not come to key 2 of the event's `keys of @p`"),
        "{message}"
    );
    let message = refused(replay_of("record-order", text, &values(&[3])));
    assert!(message.contains("the event has only one value for `keys of @p`"), "{message}");
    for damaged in [r#"[{"hex":"03"}]"#, "[3]", "[null]", r#"["three"]"#] {
        let message = refused(replay_of("record-order", text, &format!(r#"{read},"keys of @p":{damaged}"#)));
        assert!(
            message.contains("recording.json:2: the value of `keys of @p` is no key of 8 bytes"),
            "{damaged}: {message}"
        );
    }
}

/// Keys that come between two rounds of an outer loop, or between two loops, may be the first of the second.
#[test]
fn each_loop_over_a_map_goes_as_it_went() {
    let text = "interval:s:1 { @p[1] = curtask; @p[2] = curtask;
        for ($i : 0..2) { for ($kv : @p) { printf(\"%d %s, \", $kv.0, str(kptr((uint64)$kv.1))); } @p[3] = curtask; }
        @p[4] = curtask; for ($kv : @p) { printf(\"%d %s, \", $kv.0, str(kptr((uint64)$kv.1))); } printf(\"\\n\"); exit(); }";
    let values = format!(
        r#""curtask":5,"str(kptr((uint64)$kv.1))":["b","a","C","B","A"],"str(kptr((uint64)$kv.1)) #2":["x","y","z","w"],
           "keys of @p":{},"keys of @p #2":{}"#,
        keys(&[2, 1, 3, 2, 1]),
        keys(&[4, 1, 3, 2])
    );
    let outcome = good(replay_of("record-orders", text, &values.replace("\n", "")));
    assert_eq!(outcome.lines()[0], "2 b, 1 a, 3 C, 2 B, 1 A, 4 x, 1 y, 3 z, 2 w, ", "{}", outcome.describe());
}
