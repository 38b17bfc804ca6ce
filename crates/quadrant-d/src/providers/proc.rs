//! `proc`: processes and threads begin, run other programs, get signals, end.

use super::Provider;
use super::table::Argument::{Is, Of, With};
use super::table::{At, Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "proc", first: 0, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

/// A process begins with its first thread, whose number is the process's.
const IS_PROCESS: &str = "{child}->pid == {child}->tgid";
const IS_THREAD: &str = "{child}->pid != {child}->tgid";

/// CLD_EXITED, CLD_KILLED or CLD_DUMPED, by the bits that wait(2) tells.
const HOW: &str = "({p}->exit_code & 0x7f) == 0 ? 1 : ({p}->exit_code & 0x80) != 0 ? 3 : 2";

/// Result of `signal_generate`: the process ignores the signal.
const IGNORED: &str = "{result} == 1";

const EVENTS: &[Event] = &[
    Event::new("create", &[&[Spot::raw("sched_process_fork").when(IS_PROCESS).args(&[Of("psinfo_t *", "{child}")])]]),
    Event::new(
        "exec",
        &[&[
            Spot::at(At::Enter("execve")).args(&[With("string", "copyinstr(arg0)", "arg0")]),
            Spot::at(At::Enter("execveat")).args(&[With("string", "copyinstr(arg1)", "arg1")]),
        ]],
    ),
    Event::new(
        "exec-failure",
        &[&[
            Spot::at(At::Exit("execve")).when("(int64_t)arg0 < 0").args(&[Is("int", "-(int)arg0")]),
            Spot::at(At::Exit("execveat")).when("(int64_t)arg0 < 0").args(&[Is("int", "-(int)arg0")]),
        ]],
    ),
    Event::new("exec-success", &[&[Spot::raw("sched_process_exec")]]),
    Event::new(
        "exit",
        &[
            &[Spot::raw("sched_process_exit").when("{group_dead}").args(&[Is("int", HOW)])],
            &[Spot::raw("sched_process_exit").when("{p}->signal->live.counter == 0").args(&[Is("int", HOW)])],
        ],
    ),
    Event::new(
        "lwp-create",
        &[&[Spot::raw("sched_process_fork")
            .when(IS_THREAD)
            .args(&[Of("lwpsinfo_t *", "{child}"), Of("psinfo_t *", "{child}")])]],
    ),
    Event::new("lwp-exit", &[&[Spot::raw("sched_process_exit")]]),
    // The kernel makes a new thread runnable before it runs for the first time, in the thread that made it.
    Event::new("lwp-start", &[&[Spot::raw("sched_wakeup_new").thread("{p}")]]),
    Event::new(
        "signal-clear",
        &[&[Spot::at(At::Exit("rt_sigtimedwait")).when("(int64_t)arg0 > 0").args(&[Is("int", "(int)arg0")])]],
    ),
    Event::new(
        "signal-discard",
        &[&[Spot::raw("signal_generate").when(IGNORED).args(&[
            Of("lwpsinfo_t *", "{task}"),
            Of("psinfo_t *", "{task}"),
            Is("int", "{sig}"),
        ])]],
    ),
    Event::new(
        "signal-handle",
        &[&[Spot::raw("signal_deliver").when("(uintptr_t){ka}->sa.sa_handler > 1").args(&[
            Is("int", "{sig}"),
            Of("siginfo_t *", "{info}"),
            Is("void *", "(void *){ka}->sa.sa_handler"),
        ])]],
    ),
    Event::new(
        "signal-send",
        &[&[Spot::raw("signal_generate").args(&[
            Of("lwpsinfo_t *", "{task}"),
            Of("psinfo_t *", "{task}"),
            Is("int", "{sig}"),
        ])]],
    ),
    Event::new("start", &[&[Spot::raw("sched_wakeup_new").when("{p}->pid == {p}->tgid").thread("{p}")]]),
    Event::new("fault", &[])
        .or("use vminfo:::as_fault for page faults and proc:::signal-send, whose args[2] is the signal, for others"),
];
