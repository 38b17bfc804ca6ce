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
const FREED: &[Argument] = &[Is("uint64_t", "1 << {order}"), Is("uint64_t *", "(uint64_t *)0")];
const SCANNED: &[Argument] = &[Is("uint64_t", "{nr_scanned}"), Is("uint64_t *", "(uint64_t *)0")];

const IS_READ: &str = "({bio}->bi_opf & 0xff) == 0";
const IS_WRITE: &str = "({bio}->bi_opf & 0xff) == 1";
/// REQ_SWAP has no fixed bit, but what is swapped belongs to no file.
const NONE: &str = "vminfo:::as_fault counts all page faults, maj_fault those that waited for a device";

const USER_AND_KERNEL: &[Spot] = &[once("page_fault_user"), once("page_fault_kernel")];
const MAJOR: &[Spot] = &[Spot::at(At::Software("major-faults")).args(ONE)];

/// Error code of a page fault: bit 0 is set when the page was there, bit 1 when it was written to.
const EVENTS: &[Event] = &[
    Event::new("as_fault", &[USER_AND_KERNEL]),
    Event::new("cow_fault", &[&[once("page_fault_user").when("({error_code} & 3) == 3")]]),
    Event::new("dfree", &[&[Spot::raw("mm_page_free").args(FREED)]]),
    Event::new("hat_fault", &[&[once("page_fault_user").when("({error_code} & 1) == 0")]]),
    Event::new("kernel_asflt", &[&[once("page_fault_kernel")]]),
    Event::new("maj_fault", &[MAJOR]),
    Event::new("pgfrec", &[&[Spot::at(At::Software("minor-faults")).args(ONE)]]),
    Event::new("pgin", &[&[once("block_bio_queue").when(IS_READ)]]),
    Event::new("pgout", &[&[once("block_bio_queue").when(IS_WRITE)]]),
    Event::new("pgpgin", &[&[Spot::raw("block_bio_queue").when(IS_READ).args(PAGES)]]),
    Event::new("pgpgout", &[&[Spot::raw("block_bio_queue").when(IS_WRITE).args(PAGES)]]),
    Event::new("pgrec", &[&[Spot::at(At::Software("minor-faults")).args(ONE)]]),
    Event::new("pgrrun", &[&[once("mm_vmscan_kswapd_wake")]]),
    Event::new("prot_fault", &[&[once("page_fault_user").when("({error_code} & 1) == 1")]]),
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
