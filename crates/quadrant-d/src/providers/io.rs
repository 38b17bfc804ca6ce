//! `io`: what is read from and written to block devices.
//!
//! An operation is a `struct bio`: it starts in the process that asks for it, and the same one is done. When it is done all that there was
//! to transfer is gone from it, so that is remembered meanwhile.
//!
//! Where the kernel's functions can be traced, the function at the end of all operations tells. Elsewhere tracepoints do: most drivers
//! are done with requests, in which the kernel puts neighbouring operations together, and each of the first four of a request is done
//! by itself.

use super::Provider;
use super::table::Argument::{self, Of};
use super::table::{At, Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "io", first: 100, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const BIO: &[Argument] = &[Of("bufinfo_t *", "{bio}"), Of("devinfo_t *", "{bio}"), Of("fileinfo_t *", "{bio}")];

/// As [`BIO`], at the end of a function whose argument was remembered at its beginning.
const WAITED: &[Argument] = &[
    Of("bufinfo_t *", "(struct bio *)self->__io_wait"),
    Of("devinfo_t *", "(struct bio *)self->__io_wait"),
    Of("fileinfo_t *", "(struct bio *)self->__io_wait"),
];

/// What is gone from an operation when it is done.
macro_rules! amounts {
    () => {
        "__io_bytes[(uint64_t){bio}] = {bio}->bi_iter.bi_size; __io_sector[(uint64_t){bio}] = {bio}->bi_iter.bi_sector;"
    };
}

const AMOUNTS: &str = amounts!();

/// The same, and that it is under way.
const REMEMBER: &str = concat!("__io_started[(uint64_t){bio}] = 1; ", amounts!());

/// No part that the kernel made of an operation is under way any more.
macro_rules! whole {
    () => {
        "(({bio}->bi_flags & (1 << BIO_CHAIN)) == 0 || {bio}->__bi_remaining.counter == 1)"
    };
}

/// What was remembered of an operation is forgotten when it is done.
macro_rules! forget {
    ($($what:literal)*) => {
        concat!($($what, "[(uint64_t){bio}] = ", whole!(), " ? 0 : ", $what, "[(uint64_t){bio}]; "),*)
    };
}

const IS_WHOLE: &str = concat!("__io_started[(uint64_t){bio}] != 0 && ", whole!());

const FORGET: &str = forget!("__io_started" "__io_bytes" "__io_sector");

/// One of the operations of a request that is done.
macro_rules! in_request {
    ($bio:literal, $is_there:literal) => {
        Spot::raw("block_rq_complete").when($is_there).args(&[
            Of("bufinfo_t *", $bio),
            Of("devinfo_t *", $bio),
            Of("fileinfo_t *", $bio),
        ])
    };
}

const WAIT: &str = "submit_bio_wait";

const NO_WAIT: &str =
    "sched:::off-cpu and sched:::on-cpu tell how long threads wait, io:::done when the operation is done";

const EVENTS: &[Event] = &[
    Event::new("start", &[&[Spot::raw("block_bio_queue").args(BIO)]]),
    Event::new(
        "done",
        &[
            &[Spot::at(At::Entry("bio_endio"))
                .when(IS_WHOLE)
                .args(BIO)
                .before(&[(At::Raw("block_bio_queue"), REMEMBER)])
                .after(&[(At::Entry("bio_endio"), FORGET)])],
            &[
                Spot::raw("block_bio_complete").args(BIO).before(&[(At::Raw("block_bio_queue"), AMOUNTS)]).after(&[(
                    At::Raw("block_bio_complete"),
                    "__io_bytes[(uint64_t){bio}] = 0; __io_sector[(uint64_t){bio}] = 0;",
                )]),
                in_request!("{rq}->bio", "{rq}->bio != 0"),
                in_request!("{rq}->bio->bi_next", "{rq}->bio != 0 && {rq}->bio->bi_next != 0"),
                in_request!(
                    "{rq}->bio->bi_next->bi_next",
                    "{rq}->bio != 0 && {rq}->bio->bi_next != 0 && {rq}->bio->bi_next->bi_next != 0"
                ),
                in_request!(
                    "{rq}->bio->bi_next->bi_next->bi_next",
                    "{rq}->bio != 0 && {rq}->bio->bi_next != 0 && {rq}->bio->bi_next->bi_next != 0 && \
                 {rq}->bio->bi_next->bi_next->bi_next != 0"
                ),
            ],
        ],
    ),
    Event::new("wait-start", &[&[Spot::at(At::Entry(WAIT)).args(BIO)]]).or(NO_WAIT),
    Event::new(
        "wait-done",
        &[&[Spot::at(At::Return(WAIT))
            .args(WAITED)
            .before(&[(At::Entry(WAIT), "self->__io_wait = (uint64_t){bio};")])
            .after(&[(At::Return(WAIT), "self->__io_wait = 0;")])]],
    )
    .or(NO_WAIT),
];
