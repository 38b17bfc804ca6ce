//! Returns that the kernel could not follow are counted, as often as the kernel itself says.

use std::time::Duration;

use quadrant_testing::{Program, Signal};

use super::{needs_guest, needs_kprobes, tracefs};
use crate::common::{attached, number, script, target};

/// Sleeps of each of the eight workers; the function that sleeps is called by nobody else.
const SLEEPS: i64 = 101;
const WORKERS: i64 = 8;

#[test]
fn misses_are_as_many_as_the_kernel_counts() {
    needs_kprobes!();
    needs_guest!();
    let sleepers = target!("sleepers");
    for option in [true, false] {
        let config = if option { "" } else { "config = { maxactive = 1 } " };
        let mut tracer = script(&format!("{config}kretprobe:hrtimer_nanosleep {{ @ = count(); }}"));
        if option {
            tracer = tracer.args(["--maxactive", "1"]);
        }
        let tracer = attached(tracer.arg("-v").limit(Duration::from_secs(60)));
        let target = Program::new(&sleepers).args([SLEEPS.to_string(), WORKERS.to_string()]).run().unwrap();
        assert!(target.success(), "{}", target.describe());
        // The workers are gone: what the kernel has counted now is final.
        let (hits, misses) = profile(tracer.pid());
        tracer.signal(Signal::INT).unwrap();
        let outcome = tracer.finish().unwrap();
        assert!(outcome.stderr.contains("events of tracefs, maxactive 1"), "{}", outcome.describe());
        assert_eq!((number(&outcome, "@"), hits + misses), (hits, SLEEPS * WORKERS), "{}", outcome.describe());
        assert!(misses > 0, "nothing was missed, so nothing is shown: {}", outcome.describe());
        let lost = format!("LOST: {misses} returns of kretprobe:hrtimer_nanosleep: ");
        assert!(outcome.stderr.contains(&lost) && outcome.stderr.contains("--maxactive"), "{}", outcome.describe());
    }
}

#[test]
fn with_room_for_all_nothing_is_missed() {
    needs_kprobes!();
    needs_guest!();
    let sleepers = target!("sleepers");
    let tracer = script("kretprobe:hrtimer_nanosleep { @ = count(); }").args(["--maxactive", "64", "--strict"]);
    let outcome = tracer.args(["-c", &format!("{sleepers} {SLEEPS} {WORKERS}")]).run().unwrap();
    assert!(outcome.success(), "{}", outcome.describe());
    assert_eq!(number(&outcome, "@"), SLEEPS * WORKERS, "{}", outcome.describe());
}

/// Hits and misses of the one event of a tracer, whose name begins with its process id.
fn profile(pid: u32) -> (i64, i64) {
    let profile = tracefs("kprobe_profile");
    let name = format!("q{pid}_");
    let line = profile.lines().find(|line| line.trim_start().starts_with(&name));
    let numbers: Vec<i64> =
        line.into_iter().flat_map(|line| line.split_whitespace().skip(1)).flat_map(str::parse).collect();
    match numbers[..] {
        [hits, misses] => (hits, misses),
        _ => panic!("no event {name} in:\n{profile}"),
    }
}
