//! `lockstat`: the kernel's locks, where threads have to wait for them.
//!
//! Tracepoints tell only of locks that were held by others. How long a thread waited is the time between two of them.

use super::Provider;
use super::table::Argument::{self, Is};
use super::table::{At, Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "lockstat", first: 200, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const BEGIN: At = At::Raw("contention_begin");
const END: At = At::Raw("contention_end");

/// When the wait began, and for which kind of lock, by the lock: while a thread waits, an interrupt may wait for another one.
const REMEMBER: &[(At, &str)] =
    &[(BEGIN, "self->__lock_since[(uint64_t){lock}] = timestamp; self->__lock_kind[(uint64_t){lock}] = {flags};")];
const FORGET: &[(At, &str)] =
    &[(END, "self->__lock_since[(uint64_t){lock}] = 0; self->__lock_kind[(uint64_t){lock}] = 0;")];

/// The kinds that the kernel tells: 1 spins, 2 reads, 4 writes, 32 is a mutex.
macro_rules! waited {
    ($is:literal) => {
        concat!("self->__lock_since[(uint64_t){lock}] != 0 && (self->__lock_kind[(uint64_t){lock}] & 39) ", $is)
    };
}

const TIME: &str = "timestamp - self->__lock_since[(uint64_t){lock}]";
const WRITES: &str = "(self->__lock_kind[(uint64_t){lock}] & 4) != 0";

const MUTEX: &[Argument] = &[Is("struct mutex *", "(struct mutex *){lock}"), Is("uint64_t", TIME)];
const SPIN: &[Argument] = &[Is("struct qspinlock *", "(struct qspinlock *){lock}"), Is("uint64_t", TIME)];
const RW: &[Argument] =
    &[Is("struct rw_semaphore *", "(struct rw_semaphore *){lock}"), Is("uint64_t", TIME), Is("int", WRITES)];

const fn ended(when: &'static str, args: &'static [Argument]) -> Spot {
    Spot::at(END).when(when).args(args).before(REMEMBER).after(FORGET)
}

const NO_SPIN: &str = "lockstat:::spin-spin tells of locks that had to be waited for; programs cannot run where all are taken and released";
const OLD: &str = "Linux tells of contention since 5.19; fbt::mutex_lock:entry and :return tell how long a lock takes";
const NO_FUNCTION: &str =
    "lockstat:::adaptive-block, adaptive-spin, rw-block and rw-spin tell of locks that had to be waited for";

/// At the end of a function whose lock was remembered at its beginning.
const fn acquired(function: &'static str, before: &'static [(At, &'static str)], args: &'static [Argument]) -> Spot {
    Spot::at(At::Return(function)).args(args).before(before)
}

const HELD: &[Argument] = &[Is("struct mutex *", "(struct mutex *)self->__lock_mutex")];
const FAILED: &[Argument] = &[Is("struct mutex *", "(struct mutex *)self->__lock_mutex"), Is("int", "(int){retval}")];
const READ: &[Argument] = &[Is("struct rw_semaphore *", "(struct rw_semaphore *)self->__lock_rw"), Is("int", "0")];
const WRITE: &[Argument] = &[Is("struct rw_semaphore *", "(struct rw_semaphore *)self->__lock_rw"), Is("int", "1")];

const EVENTS: &[Event] = &[
    Event::new(
        "adaptive-acquire",
        &[&[acquired("mutex_lock", &[(At::Entry("mutex_lock"), "self->__lock_mutex = (uint64_t){lock};")], HELD)]],
    )
    .or(NO_FUNCTION),
    Event::new(
        "adaptive-acquire-error",
        &[&[acquired(
            "mutex_lock_interruptible",
            &[(At::Entry("mutex_lock_interruptible"), "self->__lock_mutex = (uint64_t){lock};")],
            FAILED,
        )
        .when("(int){retval} != 0")]],
    )
    .or(NO_FUNCTION),
    Event::new("adaptive-block", &[&[ended(waited!("== 32"), MUTEX)]]).or(OLD),
    Event::new("adaptive-release", &[&[Spot::at(At::Entry("mutex_unlock")).args(&[Is("struct mutex *", "{lock}")])]])
        .or(NO_FUNCTION),
    Event::new("adaptive-spin", &[&[ended(waited!("== 33"), MUTEX)]]).or(OLD),
    Event::new(
        "rw-acquire",
        &[&[
            acquired("down_read", &[(At::Entry("down_read"), "self->__lock_rw = (uint64_t){sem};")], READ),
            acquired("down_write", &[(At::Entry("down_write"), "self->__lock_rw = (uint64_t){sem};")], WRITE),
        ]],
    )
    .or(NO_FUNCTION),
    Event::new("rw-block", &[&[ended(waited!("== 2 || (self->__lock_kind[(uint64_t){lock}] & 39) == 4"), RW)]]).or(OLD),
    Event::new(
        "rw-release",
        &[&[
            Spot::at(At::Entry("up_read")).args(&[Is("struct rw_semaphore *", "{sem}"), Is("int", "0")]),
            Spot::at(At::Entry("up_write")).args(&[Is("struct rw_semaphore *", "{sem}"), Is("int", "1")]),
        ]],
    )
    .or(NO_FUNCTION),
    Event::new("rw-spin", &[&[ended(waited!("== 3 || (self->__lock_kind[(uint64_t){lock}] & 39) == 5"), RW)]]).or(OLD),
    Event::new("spin-acquire", &[]).or(NO_SPIN),
    Event::new("spin-release", &[]).or(NO_SPIN),
    Event::new("spin-spin", &[&[ended(waited!("== 1"), SPIN)]]).or(OLD),
    Event::new("thread-spin", &[]).or(NO_SPIN),
];
