//! Processors that are switched off and on while a trace runs.

use std::fs;

use quadrant_testing::{Program, Running, Signal, skip};

use crate::common::{attached, binary, end, needs_root, script, target};

const SWITCH: &str = "/sys/devices/system/cpu/cpu1/online";

/// Switches the second processor on again, whatever happens.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        let _ = fs::write(SWITCH, "1");
    }
}

/// Switches the second processor off and on, when the script has said `fires 3`; `None` where that cannot be.
fn switched(text: &str) -> Option<Running> {
    let is_guest = std::env::var_os("QUADRANT_GUEST").is_some();
    if !is_guest || !fs::metadata(SWITCH).is_ok_and(|switch| !switch.permissions().readonly()) {
        skip("a second processor is switched off, which disturbs what else runs: only in a guest that has one");
        return None;
    }
    let tracer = script(text).start().unwrap();
    tracer.wait_for_stdout("fires 3\n").unwrap();
    let _restored = Restored;
    fs::write(SWITCH, "0").unwrap();
    fs::write(SWITCH, "1").unwrap();
    Some(tracer)
}

/// A trace with stacks keeps all capabilities.
#[test]
fn what_fires_on_each_processor_goes_on_when_one_comes_back() {
    needs_root!();
    let text = "profile:hz:20 /cpu == 1/ { @fired++; @[kstack(1)] = count(); printf(\"fires %d\\n\", @fired); }
        self:signal:SIGUSR1 { @fired = 1000000; }";
    let Some(tracer) = switched(text) else { return };
    tracer.wait_for_stderr("CPU 1 was switched on: profile:hz:20 fires there from now on").unwrap();
    tracer.signal(Signal::USR1).unwrap();
    tracer.wait_for_stdout("fires 1000003\n").unwrap();
    assert!(end(tracer).success());
}

#[test]
fn a_trace_that_gave_up_what_it_takes_says_so() {
    needs_root!();
    let text = "profile:hz:20 /cpu == 1/ { @fired++; printf(\"fires %d\\n\", @fired); }";
    let Some(tracer) = switched(text) else { return };
    let paranoid: i32 = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap().trim().parse().unwrap();
    let told = match paranoid {
        3.. => {
            "profile:hz:20 does not fire there: cannot open software event cpu-clock: EACCES: kernel.perf_event_paranoid is"
        }
        _ => "profile:hz:20 fires there from now on",
    };
    tracer.wait_for_stderr(told).unwrap();
    assert!(end(tracer).success());
}

/// As `udevadm trigger --action=online` asks for.
#[test]
fn a_message_that_was_asked_for_is_no_change_of_a_processor() {
    needs_root!();
    let text = "profile:hz:20 { @ = count(); } self:signal:SIGUSR1 { @n++; printf(\"seen %d\\n\", @n); }";
    let tracer = attached(script(text));
    let seen = |times: u32| {
        tracer.signal(Signal::USR1).unwrap();
        tracer.wait_for_stdout(&format!("seen {times}\n")).unwrap();
    };
    // It listens when the first answer comes, and has told what was to be told before the third.
    seen(1);
    if let Err(error) = fs::write("/sys/devices/system/cpu/cpu0/uevent", "online") {
        return skip(format!("no message can be asked for: {error}"));
    }
    seen(2);
    seen(3);
    let outcome = end(tracer);
    assert!(outcome.success() && !outcome.stderr.contains("was switched"), "{}", outcome.describe());
}

/// Only a trace that would follow processors has anything to tell.
#[test]
fn a_trace_that_cannot_hear_of_processors_says_so() {
    needs_root!();
    let netless = target!("netless");
    let told = "CPUs that are switched on later will not be traced";
    let run = |flags: &[&str], text: &str| {
        let program = Program::new(&netless).arg(binary()).args(flags).args(["-e", text]);
        program.run().expect("the tracer runs").stderr
    };
    let timer = "profile:hz:99 { exit(); }";
    let stderr = run(&[], timer);
    assert!(stderr.contains(told) && stderr.contains("EACCES"), "{stderr}");
    assert!(!run(&["-q"], timer).contains(told));
    assert!(!run(&[], "BEGIN { exit(); }").contains(told));
}
