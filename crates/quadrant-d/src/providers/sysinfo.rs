//! `sysinfo`: the counters of the system, where they would be raised. `arg0` is by how much, `arg1` is 0: Linux keeps no such counters.

use super::Provider;
use super::table::Argument::{self, Is};
use super::table::{At, Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "sysinfo", first: 250, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

pub(super) const ONE: &[Argument] = &[Is("uint64_t", "1"), Is("uint64_t *", "(uint64_t *)0")];
const BYTES: &[Argument] = &[Is("uint64_t", "arg0"), Is("uint64_t *", "(uint64_t *)0")];

const fn transfer(call: &'static str) -> Spot {
    Spot::at(At::Exit(call)).when("(int64_t)arg0 > 0").args(BYTES)
}

const fn call(name: &'static str) -> Spot {
    Spot::at(At::Enter(name)).args(ONE)
}

const fn once(event: &'static str) -> Spot {
    Spot::raw(event).args(ONE)
}

const fn counted(name: &'static str, way: &'static [&'static [Spot]]) -> Event {
    Event::new(name, way)
}

/// No process could be made: EAGAIN.
const fn full(call: &'static str) -> Spot {
    Spot::at(At::Exit(call)).when("(int64_t)arg0 == -11").args(ONE)
}

/// By the flags of clone: no thread (CLONE_THREAD), none that the kernel makes for itself (CLONE_UNTRACED), and whether the parent waits
/// until the child is another program (CLONE_VFORK).
const IS_FORK: &str = "({clone_flags} & 0x814000) == 0";
const IS_VFORK: &str = "({clone_flags} & 0x814000) == 0x4000";

/// A block of 512 bytes, as the file system counts them.
const IS_READ: &str = "({bio}->bi_opf & 0xff) == 0";
const IS_WRITE: &str = "({bio}->bi_opf & 0xff) == 1";

const NONE: &str = "`dtrace -l -P sdt` lists the kernel's tracepoints";

const EVENTS: &[Event] = &[
    counted("bread", &[&[once("block_bio_queue").when(IS_READ)]]),
    counted("bwrite", &[&[once("block_bio_queue").when(IS_WRITE)]]),
    counted("cpumigrate", &[&[once("sched_migrate_task").thread("{p}")]]),
    counted("exec", &[&[once("sched_process_exec")]]),
    counted("idlethread", &[&[once("sched_switch").when("{next}->pid == 0")]]),
    counted("intrthread", &[&[once("softirq_entry")]]),
    counted("intr", &[&[once("irq_handler_entry")]]),
    counted("inv_swtch", &[&[once("sched_switch").when("{preempt}")]]),
    counted("lread", &[]).or("sdt:filemap::mm_filemap_get_pages tells of reads from the page cache"),
    counted("lwrite", &[]).or("sdt:writeback::writeback_dirty_folio tells of writes to the page cache"),
    counted("modload", &[&[once("module_load")]]).or("a kernel without modules loads none"),
    counted("modunload", &[&[once("module_free")]]).or("a kernel without modules loads none"),
    counted("msg", &[&[call("msgsnd"), call("msgrcv")]]),
    counted("mutex_adenters", &[&[once("contention_begin").when("({flags} & 33) == 32")]]),
    counted("namei", &[]).or("syscall:::entry with the calls that take paths"),
    // The first one of a new process, too.
    counted("nthreads", &[&[once("sched_process_fork")]]),
    counted("phread", &[&[once("block_bio_queue").when(IS_READ)]]),
    counted("phwrite", &[&[once("block_bio_queue").when(IS_WRITE)]]),
    counted(
        "procovf",
        &[&[full("clone"), full("clone3"), full("fork"), full("vfork")], &[full("clone"), full("clone3")]],
    ),
    counted("pswitch", &[&[once("sched_switch")]]),
    counted(
        "readch",
        &[&[transfer("read"), transfer("readv"), transfer("pread64"), transfer("preadv"), transfer("preadv2")]],
    ),
    counted("rw_rdfails", &[&[once("contention_begin").when("({flags} & 3) == 2")]]),
    counted("rw_wrfails", &[&[once("contention_begin").when("({flags} & 5) == 4")]]),
    counted("sema", &[&[call("semop"), call("semtimedop")]]),
    counted("sysexec", &[&[call("execve"), call("execveat")]]),
    counted("sysfork", &[&[once("task_newtask").when(IS_FORK)]]),
    counted("sysread", &[&[call("read"), call("readv"), call("pread64"), call("preadv"), call("preadv2")]]),
    counted("sysspawn", &[])
        .or("posix_spawn() is no system call of Linux: sysinfo:::sysvfork counts the processes that it makes"),
    counted("sysvfork", &[&[once("task_newtask").when(IS_VFORK)]]),
    counted("syswrite", &[&[call("write"), call("writev"), call("pwrite64"), call("pwritev"), call("pwritev2")]]),
    counted("syscall", &[&[once("sys_enter")]]),
    counted("trap", &[&[once("page_fault_user"), once("page_fault_kernel")]]),
    counted(
        "writech",
        &[&[transfer("write"), transfer("writev"), transfer("pwrite64"), transfer("pwritev"), transfer("pwritev2")]],
    ),
    counted("xcalls", &[&[once("call_function_single_entry"), once("call_function_entry")], &[once("ipi_raise")]]),
    counted("canch", &[]).or(NONE),
    counted("outch", &[]).or(NONE),
    counted("rawch", &[]).or(NONE),
    counted("ufsdirblk", &[]).or(NONE),
    counted("ufsiget", &[]).or(NONE),
    counted("ufsinopage", &[]).or(NONE),
    counted("ufsipage", &[]).or(NONE),
];
