//! Listings of probes, and probes that there are not.

use super::command_line::ends_with;
use super::dtrace;
use crate::common::{good, needs_root, target};

#[test]
fn listings_of_probes() {
    needs_root!();
    let outcome = good(dtrace().args(["-ln", "BEGIN,syscall::getppid:entry"]));
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "   ID   PROVIDER            MODULE                          FUNCTION NAME");
    assert_eq!(lines[1], "    1     dtrace                                                     BEGIN");
    assert!(
        lines[2].ends_with("    syscall           vmlinux                           getppid entry"),
        "{}",
        lines[2]
    );
    let by_function = good(dtrace().args(["-lf", "getppid"]));
    assert_eq!(by_function.stdout.lines().filter(|line| line.contains(" syscall ")).count(), 2);
    assert!(good(dtrace().args(["-lP", "profile"])).stdout.lines().count() >= 1);
    let id = lines[2].split_whitespace().next().unwrap();
    assert_eq!(good(dtrace().args(["-li", id])).stdout.lines().nth(1), Some(lines[2]));
    // What one description lacks does not hide what the others mean.
    let some = dtrace().args(["-ln", "BEGIN,nosuch:::x,END"]).run().unwrap();
    assert_eq!((some.code(), some.stdout.lines().count()), (Some(0), 3), "{}", some.describe());
    assert_eq!(some.stderr, "dtrace: failed to match nosuch:::x: No probe matches description\n");
    let module = dtrace().args(["-lm", "nosuchmodule"]).run().unwrap();
    assert!(module.stderr.starts_with("dtrace: failed to match :nosuchmodule::: No probe"), "{}", module.describe());
    assert_eq!(good(dtrace().args(["-len", "BEGIN"])).stdout.lines().count(), 2);
    let unknown = dtrace().args(["-li", "99999999"]).run().unwrap();
    let message =
        "dtrace: invalid probe specifier 99999999: invalid probe identifier 99999999: Unknown probe identifier\n";
    assert_eq!((unknown.code(), unknown.stdout.as_str(), unknown.stderr.as_str()), (Some(1), "", message));
    assert_eq!(good(dtrace().args(["-li", "0x1"])).stdout.lines().nth(1), Some(lines[1]));
    let large = dtrace().args(["-xerrtags", "-li", "4294967296"]).run().unwrap();
    let message =
        "dtrace: invalid probe specifier 4294967296: [D_PDESC_INVAL] identifier 4294967296 exceeds maximum probe id\n";
    assert_eq!((large.code(), large.stdout.as_str(), large.stderr.as_str()), (Some(1), "", message));
    let process = dtrace().args(["-ln", "pid$target:a.out:nosuch_function:entry", "-c", "true"]).run().unwrap();
    assert_eq!((process.code(), process.stdout.as_str()), (Some(1), ""), "{}", process.describe());
    assert!(
        process.stderr.contains("specifier pid$target:a.out:nosuch_function:entry: failed to lookup"),
        "{}",
        process.describe()
    );
    let none = ends_with(0, dtrace().args(["-ln", "nosuch:::"]));
    assert!(none.contains("nosuch:::"), "{none}");
}

#[test]
fn listings_with_arguments() {
    needs_root!();
    let outcome = good(dtrace().args(["-lvn", "syscall::read:entry"]));
    for line in [
        "Argument Types",
        "args[0]: unsigned int",
        "args[1]: char *",
        "Probe Description Attributes",
        "Stability Class",
    ] {
        if line == "Stability Class" {
            continue;
        }
        assert!(outcome.stdout.contains(line), "{line}: {}", outcome.describe());
    }
    let outcome = good(dtrace().args(["-lvn", "sdt:sched::sched_switch"]));
    assert!(outcome.stdout.contains("\t\targs[0]: char [16]\n\t\targs[1]: pid_t\n"), "{}", outcome.describe());
}

#[test]
fn arguments_of_notes_are_listed_with_types_that_scripts_can_name() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = good(dtrace().args(["-lvn", "demo$target:::sizes", "-c", &usdt]));
    for line in ["args[0]: int8_t\n", "args[1]: uint8_t\n", "args[4]: int32_t\n", "args[7]: uint64_t\n"] {
        assert!(outcome.stdout.contains(line), "{line}: {}", outcome.describe());
    }
    good(dtrace().args(["-qn", "BEGIN { this->x = (int8_t)1; this->y = (uint64_t)this->x; exit(0); }"]));
}

#[test]
fn probes_that_are_not_there() {
    needs_root!();
    let outcome =
        good(dtrace().args(["-Zqn", "nosuch:::probe { trace(1); }", "-n", "BEGIN { printf(\"on\\n\"); exit(0); }"]));
    assert_eq!(outcome.lines(), ["on"]);
}

#[test]
fn listings_tell_what_is_wrong_with_a_description() {
    needs_root!();
    let stderr = ends_with(1, dtrace().args(["-ln", "BEGIN{"]));
    assert!(stderr.contains("invalid probe specifier BEGIN{: syntax error"), "{stderr}");
    let all = good(dtrace().args(["-lP", "cpc"]));
    assert!(all.stdout.contains(" cpu_clock-all-"), "{}", all.describe());
    let one = good(dtrace().args(["-ln", "cpc:::cpu_clock-all-100000"]));
    assert!(one.lines()[1].ends_with(" cpu_clock-all-100000"), "{}", one.describe());
}
