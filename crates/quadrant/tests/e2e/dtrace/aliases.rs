//! Names of other systems: they work, are listed, and can be switched off.

use super::{dtrace, number, quietly_on};
use crate::common::{good, needs_root, quadrant};

#[test]
fn system_calls_by_their_other_names() {
    needs_root!();
    for (name, command, program) in [
        ("exece", "/bin/true", "true"),
        ("rexit", "/bin/true", "true"),
        ("open64", "/bin/cat /etc/hostname", "cat"),
        ("stat64", "/bin/ls -l /etc/hostname", "ls"),
    ] {
        let outcome = quietly_on(command, &format!("syscall::{name}:entry {{ @[execname] = count(); }}"));
        let caller = if name == "exece" { "quadrant" } else { program };
        assert!(number(&outcome, caller) >= 1, "{name}: {}", outcome.describe());
    }
}

#[test]
fn modules_of_other_systems() {
    needs_root!();
    good(dtrace().args(["-qn", "io:genunix::start, BEGIN { exit(0); }"]));
}

#[test]
fn the_list_of_aliases() {
    let listing = good(quadrant().arg("aliases")).stdout;
    assert!(listing.lines().any(|line| line.contains("exece") && line.contains("execve")), "{listing}");
}

#[test]
fn aliases_can_be_switched_off() {
    needs_root!();
    let outcome = dtrace().args(["-x", "aliases=no", "-n", "syscall::exece:entry"]).run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.stderr.contains("does not match any probes"), "{}", outcome.describe());
}
