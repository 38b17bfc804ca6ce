//! What the tests share: the skip, and small programs.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use quadrant_bpf::features::Features;
use quadrant_bpf::file::MappedFile;
use quadrant_bpf::helper;
use quadrant_bpf::insn::{Atomic, Cond, Insn, Reg, Size};
use quadrant_bpf::limits;
use quadrant_bpf::map::{Map, MapKind, MapSpec, MappedArray, flags};
use quadrant_bpf::prog::{LogLevel, Program, ProgramKind, ProgramSpec};

/// Returns from a test that only root can run.
macro_rules! need_root {
    () => {
        crate::common::need!(crate::common::is_root(), "needs root")
    };
}
pub(crate) use need_root;
pub(crate) use quadrant_testing::need;

/// Whether this is root; then its limits are raised as the tracer does it, which old kernels need for every map.
pub fn is_root() -> bool {
    let root = quadrant_testing::is_root();
    if root {
        limits::bump_memlock();
    }
    root
}

/// Cookies in programs of one kind, as far as this kernel has them: a test counts with them or without.
pub struct Cookies {
    available: bool,
}

impl Cookies {
    pub fn of(kind: ProgramKind) -> Cookies {
        Cookies { available: Features::new().attach_cookie(kind) }
    }

    /// The cookie to attach with, or what its sum must be: 0 where there are no cookies.
    pub fn value(&self, cookie: u64) -> u64 {
        if self.available { cookie } else { 0 }
    }

    /// Counts in the first place, and adds up cookies in the second.
    pub fn count(&self, map: &Map) -> Vec<Insn> {
        let mut insns = count(map, 0);
        if self.available {
            insns.extend(add(map, 1, &cookie()));
        }
        insns
    }
}

/// Numbers in one value of an array, as programs address them directly.
pub fn counters(count: u32) -> (Map, MappedArray) {
    let spec = MapSpec::new(MapKind::Array, 4, 8 * count, 1).with_flags(flags::MMAPABLE).with_name("counters");
    let map = Map::create(&spec).unwrap();
    let memory = MappedArray::new(&map).unwrap();
    (map, memory)
}

/// Loads a program; shows the verifier's log if it is refused.
pub fn load(spec: &ProgramSpec<'_>) -> Program {
    Program::load(spec).unwrap_or_else(|first| {
        let error = Program::load_with_log(spec, LogLevel::Failure).map(drop).unwrap_err();
        panic!("{first}\n{error}\n{}", error.log().unwrap_or("no log"));
    })
}

pub fn load_insns(kind: ProgramKind, insns: &[Insn]) -> Program {
    load(&ProgramSpec { name: "test", ..ProgramSpec::new(kind, insns) })
}

/// The body with the context in r6, run only for the calling thread, so that other tests do not disturb the counts.
pub fn only_this_thread(body: &[Insn]) -> Vec<Insn> {
    let mut insns = vec![Insn::mov64(Reg::R6, Reg::R1), Insn::call_helper(helper::GET_CURRENT_PID_TGID)];
    insns.push(Insn::jmp32_imm(Cond::Ne, Reg::R0, thread_id(), body.len() as i16));
    insns.extend(body);
    insns.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    insns
}

/// The calling thread's number.
pub fn thread_id() -> i32 {
    // SAFETY: no memory is involved.
    unsafe { libc::gettid() }
}

/// Binds the calling thread to the processor that it runs on.
pub fn stay_on_this_processor() {
    // SAFETY: an all-zero set is a valid, empty one, and it outlives the calls; sched_getcpu takes nothing.
    let bound = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(libc::sched_getcpu() as usize, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set)
    };
    assert_eq!(bound, 0);
}

/// `counters[place] += 1`, atomically.
pub fn count(map: &Map, place: u32) -> Vec<Insn> {
    add(map, place, &[Insn::mov64_imm(Reg::R1, 1)])
}

/// `counters[place] += r1`, atomically, after `value` put something into r1. The context is in r6.
pub fn add(map: &Map, place: u32, value: &[Insn]) -> Vec<Insn> {
    let mut insns = value.to_vec();
    insns.extend(Insn::ld_map_value(Reg::R2, map.as_fd().as_raw_fd(), place * 8));
    insns.push(Insn::atomic(Atomic::Add, Size::Dw, Reg::R2, 0, Reg::R1));
    insns
}

/// `r1 = bpf_get_attach_cookie(ctx)`.
fn cookie() -> [Insn; 3] {
    [Insn::mov64(Reg::R1, Reg::R6), Insn::call_helper(helper::GET_ATTACH_COOKIE), Insn::mov64(Reg::R1, Reg::R0)]
}

/// Id of a type in the kernel's BTF; only what this test needs of the format.
pub fn btf_id(wanted: u32, name: &str) -> Option<u32> {
    let btf = MappedFile::open(Path::new("/sys/kernel/btf/vmlinux")).ok()?;
    let word = |at: usize| u32::from_ne_bytes(*btf[at..].first_chunk().unwrap());
    let [header, types, types_len, strings] = [4, 8, 12, 16].map(|at| word(at) as usize);
    let (mut at, end, mut id) = (header + types, header + types + types_len, 0);
    while at < end {
        id += 1;
        let (kind, count) = (word(at + 4) >> 24 & 31, (word(at + 4) & 0xffff) as usize);
        let text = &btf[header + strings + word(at) as usize..];
        if kind == wanted && text.starts_with(name.as_bytes()) && text[name.len()] == 0 {
            return Some(id);
        }
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => 12 * count,
                6 | 13 => 8 * count,
                _ => 0,
            };
    }
    None
}
