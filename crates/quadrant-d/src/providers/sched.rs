//! `sched`: who runs on which CPU.

use super::Provider;
use super::table::Argument::{self, Is, Of};
use super::table::{Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "sched", first: 50, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const SWITCH: &str = "sched_switch";

/// A thread, its process and the CPU that it belongs to.
const NEXT: &[Argument] = &[Of("lwpsinfo_t *", "{next}"), Of("psinfo_t *", "{next}"), Of("cpuinfo_t *", "{next}")];

/// Threads are put at the end of a queue: whether it is the front is the last argument.
const QUEUED: &[Argument] =
    &[Of("lwpsinfo_t *", "{p}"), Of("psinfo_t *", "{p}"), Of("cpuinfo_t *", "{p}"), Is("int", "0")];
const QUEUED_AGAIN: &[Argument] =
    &[Of("lwpsinfo_t *", "{prev}"), Of("psinfo_t *", "{prev}"), Of("cpuinfo_t *", "{prev}"), Is("int", "0")];

const fn enqueued(when: &'static str) -> [Spot; 3] {
    [
        Spot::raw("sched_wakeup").args(QUEUED),
        Spot::raw("sched_wakeup_new").args(QUEUED),
        Spot::raw(SWITCH).when(when).args(QUEUED_AGAIN),
    ]
}

/// The idle thread of a CPU, number 0, is in no queue.
const EVENTS: &[Event] = &[
    Event::new("dequeue", &[&[Spot::raw(SWITCH).when("{next}->pid != 0").args(NEXT)]]),
    Event::new(
        "enqueue",
        &[
            &enqueued("({preempt} || {prev_state} == 0) && {prev}->pid != 0"),
            &enqueued("({preempt} || {prev}->state == 0) && {prev}->pid != 0"),
        ],
    ),
    Event::new("off-cpu", &[&[Spot::raw(SWITCH).args(&[Of("lwpsinfo_t *", "{next}"), Of("psinfo_t *", "{next}")])]]),
    Event::new("on-cpu", &[&[Spot::raw(SWITCH).thread("{next}")]]),
    Event::new("preempt", &[&[Spot::raw(SWITCH).when("{preempt}")]]),
    Event::new("remain-cpu", &[&[Spot::raw("sched_exit_tp").when("!{is_switch}")]])
        .or("sched:::on-cpu fires when another thread gets the CPU"),
    Event::new(
        "sleep",
        &[
            &[Spot::raw(SWITCH).when("!{preempt} && {prev_state} != 0")],
            &[Spot::raw(SWITCH).when("!{preempt} && {prev}->state != 0")],
        ],
    ),
    Event::new(
        "surrender",
        &[&[Spot::raw("sched_set_need_resched_tp")
            .when("{cpu} != cpu")
            .args(&[Of("lwpsinfo_t *", "{tsk}"), Of("psinfo_t *", "{tsk}")])]],
    )
    .or("sdt:irq_vectors::reschedule_entry fires on the CPU that is told to choose again"),
    Event::new(
        "tick",
        &[
            &[tick("tick_nohz_handler", "(uintptr_t){hrtimer}->function == (uintptr_t)&`tick_nohz_handler")],
            &[tick("tick_sched_timer", "(uintptr_t){hrtimer}->function == (uintptr_t)&`tick_sched_timer")],
        ],
    )
    .or("profile-N fires as regularly, on all CPUs"),
    Event::new("wakeup", &[&[Spot::raw("sched_waking").args(&[Of("lwpsinfo_t *", "{p}"), Of("psinfo_t *", "{p}")])]]),
    Event::new("change-pri", &[]).or(
        "sdt:sched::sched_pi_setprio tells inherited priorities, syscall::setpriority:entry those that are asked for",
    ),
];

/// The timer whose function makes the clock tick.
const fn tick(function: &'static str, when: &'static str) -> Spot {
    const RUNNING: &[Argument] = &[Of("lwpsinfo_t *", "curthread"), Of("psinfo_t *", "curthread")];
    Spot::raw("hrtimer_expire_entry").with(function).when(when).args(RUNNING)
}
