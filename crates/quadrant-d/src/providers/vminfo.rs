//! `vminfo`: the counters of virtual memory, where they would be raised. `arg0` is by how much, `arg1` is 0: Linux keeps no such counters.

use super::Provider;
use super::sysinfo::ONE;
use super::table::Argument::{self, Is};
use super::table::{At, Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "vminfo", first: 350, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const fn once(event: &'static str) -> Spot {
    Spot::raw(event).args(ONE)
}

/// Pages of 4096 bytes that an operation transfers.
const PAGES: &[Argument] =
    &[Is("uint64_t", "({bio}->bi_iter.bi_size + 4095) / 4096"), Is("uint64_t *", "(uint64_t *)0")];
const RECLAIMED: &[Argument] = &[Is("uint64_t", "{nr_reclaimed}"), Is("uint64_t *", "(uint64_t *)0")];
const SCANNED: &[Argument] = &[Is("uint64_t", "{nr_scanned}"), Is("uint64_t *", "(uint64_t *)0")];

const IS_READ: &str = "({bio}->bi_opf & 0xff) == 0";
const IS_WRITE: &str = "({bio}->bi_opf & 0xff) == 1";
/// REQ_SWAP has no fixed bit, but what is swapped belongs to no file.
const NONE: &str = "vminfo:::as_fault counts all page faults, maj_fault those that waited for a device";

const NOT_KEPT: &str = "pages on Linux's free list belong to nobody any more, so none is reclaimed from it; cpc:::minor_faults-all-1 counts the faults that waited for no device";

/// Faults of user code, and of the kernel on behalf of it. Bit 0 of the error code is set when the page was there, bit 1 when it was
/// written to.
const USER_AND_KERNEL: &[Spot] = &[once("page_fault_user"), once("page_fault_kernel")];
const ABSENT: &[Spot] = &[faulting("page_fault_user", IS_ABSENT), faulting("page_fault_kernel", IS_ABSENT)];
const PROTECTED: &[Spot] = &[faulting("page_fault_user", IS_PROTECTED), faulting("page_fault_kernel", IS_PROTECTED)];
const COPIED: &[Spot] = &[faulting("page_fault_user", IS_COPIED), faulting("page_fault_kernel", IS_COPIED)];
const IS_ABSENT: &str = "({error_code} & 1) == 0";
const IS_PROTECTED: &str = "({error_code} & 1) == 1";
const IS_COPIED: &str = "({error_code} & 3) == 3";
const MAJOR: &[Spot] = &[Spot::at(At::Software("major-faults")).args(ONE)];

const fn faulting(event: &'static str, when: &'static str) -> Spot {
    once(event).when(when)
}

const EVENTS: &[Event] = &[
    Event::new("as_fault", &[USER_AND_KERNEL]),
    Event::new("cow_fault", &[COPIED]),
    Event::new("dfree", &[&[Spot::raw("mm_vmscan_lru_shrink_inactive").when("{nr_reclaimed} != 0").args(RECLAIMED)]]),
    Event::new("hat_fault", &[ABSENT]),
    Event::new("kernel_asflt", &[&[once("page_fault_kernel")]]),
    Event::new("maj_fault", &[MAJOR]),
    Event::new("pgfrec", &[]).or(NOT_KEPT),
    Event::new("pgin", &[&[once("block_bio_queue").when(IS_READ)]]),
    Event::new("pgout", &[&[once("block_bio_queue").when(IS_WRITE)]]),
    Event::new("pgpgin", &[&[Spot::raw("block_bio_queue").when(IS_READ).args(PAGES)]]),
    Event::new("pgpgout", &[&[Spot::raw("block_bio_queue").when(IS_WRITE).args(PAGES)]]),
    Event::new("pgrec", &[]).or(NOT_KEPT),
    Event::new("pgrrun", &[&[once("mm_vmscan_kswapd_wake")]]),
    Event::new("prot_fault", &[PROTECTED]),
    Event::new("scan", &[&[Spot::raw("mm_vmscan_lru_isolate").args(SCANNED)]]),
    Event::new("anonfree", &[]).or(NONE),
    Event::new("anonpgin", &[]).or(NONE),
    Event::new("anonpgout", &[]).or(NONE),
    Event::new("execfree", &[]).or(NONE),
    Event::new("execpgin", &[]).or(NONE),
    Event::new("execpgout", &[]).or(NONE),
    Event::new("fsfree", &[]).or(NONE),
    Event::new("fspgin", &[]).or("vminfo:::pgpgin counts pages that are read from devices"),
    Event::new("fspgout", &[]).or("vminfo:::pgpgout counts pages that are written to devices"),
    Event::new("pgswapin", &[]).or(NONE),
    Event::new("pgswapout", &[]).or(NONE),
    Event::new("rev", &[]).or(NONE),
    Event::new("softlock", &[]).or(NONE),
    Event::new("swapin", &[]).or(NONE),
    Event::new("swapout", &[]).or(NONE),
    Event::new("zfod", &[]).or("vminfo:::hat_fault counts first touches of pages"),
];
