//! Floating point numbers in memory, by debug information and by the script's own types, and in statically defined probes.

use super::on;
use crate::common::{assert_lines, needs_root, refused, script, target};

#[test]
fn members_and_places_in_memory() {
    needs_root!();
    let script = r#"uprobe:BIN:floats_in_memory /args.n == 0/ {
        printf("%.2f %g %.3e %Lf\n", args.sample->single, args.sample->twice, *args.place, args.sample->most);
        printf("%s %d\n", args.sample->single, (int64)args.sample->twice);
        print((*args.place, args.sample->row));
        print(*args.sample);
        $copy = args.sample->twice; @last = $copy; @[args.sample->row[2]] = args.sample->most;
        @whole = sum((int64)*(double *)arg1);
    }"#;
    let wanted = [
        "0.10 -2.5e+10 3.333e+09 2.750000",
        "0.1 -25000000000",
        "(3333333333.3333335, [0.5,1.5,-2.5])",
        "{ .id = 7, .single = 0.1, .twice = -25000000000, .most = 2.75, .row = [0.5,1.5,-2.5] }",
        "@[-2.5]: 2.75",
        "@last: -25000000000",
        "@whole: 3333333333",
    ];
    assert_lines(&on(&target!("floats"), script), &wanted);
}

/// Values are shown in the order of their size.
#[test]
fn types_of_the_script_and_order_in_maps() {
    needs_root!();
    let script = "struct sample { int id; float single; double twice; };
        uprobe:BIN:floats_in_memory { $s = (struct sample *)arg0; @[arg2] = $s->twice; @sizes = (sizeof($s->twice), sizeof(double)); }";
    let wanted = ["@[0]: -25000000000", "@[1]: -24999999999", "@[2]: -24999999998", "@sizes: (8, 8)"];
    assert_lines(&on(&target!("floats"), script), &wanted);
}

#[test]
fn arguments_on_the_stack() {
    needs_root!();
    let script = r#"uprobe:BIN:floats_on_the_stack { printf("%.2f %.1f\n", args.far, args.last); }"#;
    assert_lines(&on(&target!("floats"), script), &["9.25 10.5"]);
}

#[test]
fn arguments_of_statically_defined_probes() {
    needs_root!();
    let script = r#"usdt:BIN:floats:handed /arg2 == 1/ { printf("%.1f %.2f %d\n", arg0, arg1, (int32)arg1); }"#;
    assert_lines(&on(&target!("floats"), script), &["-24999999999.0 0.10 0"]);
}

#[test]
fn eight_bytes_of_json() {
    needs_root!();
    let target = target!("floats");
    let text = format!("uprobe:{target}:floats_in_memory /arg2 == 0/ {{ print(args.sample->single); }}");
    let outcome = crate::common::good(script(&text).args(["--format", "json", "-c", &target]));
    assert!(outcome.stdout.contains("\"value\":0.1}"), "{}", outcome.describe());
}

/// What eBPF cannot do with them says so and what to do instead.
#[test]
fn arithmetic_is_refused() {
    needs_root!();
    let target = target!("floats");
    for what in
        ["args.sample->twice + 1", "args.sample->twice > *args.place", "-*args.place", "*args.place == *args.place"]
    {
        let text = format!("uprobe:{target}:floats_in_memory {{ print({what}); }}");
        let outcome = refused(script(&text));
        assert!(outcome.contains("take the whole part: `(int64)...`"), "{what}: {}", outcome);
    }
    let text = format!("uprobe:{target}:floats_in_memory {{ printf(\"%d\", *args.place); @ = sum(*args.place); }}");
    let outcome = refused(script(&text));
    assert!(outcome.contains("`%d` does not print double"), "{}", outcome);
    assert!(outcome.contains("sum() takes a number here, and this is double"), "{}", outcome);
}
