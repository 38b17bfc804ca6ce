//! What this kernel can do, found out by trying.
//!
//! Version numbers mislead (distributions port features back, builds leave them out), so each question loads a program
//! of a few instructions or makes a small map, once, when it is first asked. Kernel functions (kfuncs) are not asked
//! for here: the kernel's BTF lists them.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::btf::{Function, Linkage};
use crate::error::Result;
use crate::helper;
use crate::insn::{Alu, Atomic, Insn, Reg, Size};
use crate::link::{self, Link, UprobeMulti, When};
use crate::map::{self, Map, MapKind, MapSpec};
use crate::perf;
use crate::prog::{self, AttachType, LogLevel, Program, ProgramKind, ProgramSpec};

/// Answers, kept once they are known. Without the right to load programs every answer is no; so it is on kernels before
/// 5.11 for those about maps if [`crate::limits::bump_memlock`] was not called.
#[derive(Debug, Default)]
pub struct Features {
    ring_buffer: OnceLock<bool>,
    bpf_loop: OnceLock<bool>,
    for_each_map_elem: OnceLock<bool>,
    perf_link: OnceLock<bool>,
    uprobe_multi: OnceLock<bool>,
    uprobe_multi_process: OnceLock<bool>,
    uprobe_session: OnceLock<bool>,
    kprobe_multi: OnceLock<bool>,
    kprobe_session: OnceLock<bool>,
    kprobe_session_asks: OnceLock<bool>,
    fentry: OnceLock<Result<()>>,
    wide_fentry: OnceLock<bool>,
    fentry_cookie: OnceLock<bool>,
    sleepable_uprobe: OnceLock<bool>,
    growing_hash: OnceLock<bool>,
    long_keys: OnceLock<bool>,
    task_storage: OnceLock<bool>,
    atomic_fetch: OnceLock<bool>,
    cpu_v4: OnceLock<bool>,
    helpers: Mutex<BTreeMap<(u32, u32), bool>>,
}

/// Bytes of the longest key that every kernel takes.
pub const SHORT_KEY: u32 = 512;

/// Maps.
impl Features {
    /// Nothing is known yet.
    pub fn new() -> Features {
        Features::default()
    }

    /// Do as if the kernel lacked a feature that is not used yet, by bpftrace's name for it: `kprobe_multi`, `kprobe_session`,
    /// `uprobe_multi`. Other names change nothing.
    pub fn do_without(&self, name: &str) {
        let lack = |features: &[&OnceLock<bool>]| {
            features.iter().for_each(|feature| {
                feature.get_or_init(|| false);
            });
        };
        match name {
            "kprobe_multi" => lack(&[&self.kprobe_multi]),
            "kprobe_session" => lack(&[&self.kprobe_session]),
            "uprobe_multi" => lack(&[&self.uprobe_multi, &self.uprobe_multi_process, &self.uprobe_session]),
            _ => {}
        }
    }

    /// Ring buffers (Linux 5.8).
    pub fn ring_buffer(&self) -> bool {
        *self.ring_buffer.get_or_init(|| Map::create(&MapSpec::new(MapKind::RingBuffer, 0, 0, 1 << 16)).is_ok())
    }

    /// Hashes that take memory as they grow are allowed in every kind of tracing program (Linux 6.1).
    ///
    /// Asked with a program for perf events, which older kernels refuse quietly; for the other kinds they write a
    /// warning to their log.
    pub fn growing_hash(&self) -> bool {
        *self.growing_hash.get_or_init(try_growing_hash)
    }

    /// Keys of hashes longer than a program's stack, which is 512 bytes (Linux 5.14).
    pub fn long_keys(&self) -> bool {
        let spec = MapSpec::new(MapKind::Hash, SHORT_KEY + 8, 8, 1);
        *self.long_keys.get_or_init(|| Map::create(&spec).is_ok())
    }

    /// Task storage, and its helper in tracing programs (Linux 5.11).
    pub fn task_storage(&self) -> bool {
        *self.task_storage.get_or_init(|| {
            let spec = MapSpec::new(MapKind::TaskStorage, 4, 8, 0);
            Map::create_task_storage(&spec).is_ok() && self.helper(ProgramKind::Kprobe, helper::TASK_STORAGE_GET)
        })
    }
}

/// Instructions and helpers.
impl Features {
    /// Whether programs of that kind may call that helper. It depends on the kernel, its configuration and its
    /// lockdown.
    pub fn helper(&self, kind: ProgramKind, helper: u32) -> bool {
        let mut known = self.helpers.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry((kind as u32, helper)).or_insert_with(|| try_helper(kind, helper))
    }

    /// `bpf_loop` (Linux 5.17).
    pub fn bpf_loop(&self) -> bool {
        *self.bpf_loop.get_or_init(try_loop)
    }

    /// `bpf_for_each_map_elem` (Linux 5.13).
    pub fn for_each_map_elem(&self) -> bool {
        *self.for_each_map_elem.get_or_init(try_for_each)
    }

    /// `bpf_probe_read_kernel`, `_user` and their string forms instead of the one for both (Linux 5.5).
    pub fn split_probe_read(&self) -> bool {
        self.helper(ProgramKind::Kprobe, helper::PROBE_READ_USER)
    }

    /// `bpf_get_func_ip` in probes (Linux 5.15; in uprobes it gives 0 before 6.6).
    pub fn get_func_ip(&self) -> bool {
        self.helper(ProgramKind::Kprobe, helper::GET_FUNC_IP)
    }

    /// Atomic operations that return the old value, exchange and compare-and-exchange (Linux 5.12).
    pub fn atomic_fetch(&self) -> bool {
        *self.atomic_fetch.get_or_init(|| {
            let insns = [
                Insn::st(Size::Dw, Reg::R10, -8, 1),
                Insn::mov64_imm(Reg::R0, 1),
                Insn::atomic_fetch(Atomic::Add, Size::Dw, Reg::R10, -8, Reg::R0),
                Insn::exit(),
            ];
            loads(ProgramKind::Kprobe, &insns)
        })
    }

    /// Signed division, sign-extending moves and loads, byte swaps, and long jumps (Linux 6.6).
    pub fn cpu_v4(&self) -> bool {
        *self.cpu_v4.get_or_init(|| {
            let insns = [
                Insn::mov64_imm(Reg::R0, 9),
                Insn::alu64_imm(Alu::Sdiv, Reg::R0, 2),
                Insn::movsx64(Reg::R0, Reg::R0, 8),
                Insn::exit(),
            ];
            loads(ProgramKind::Kprobe, &insns)
        })
    }
}

/// Attaching.
impl Features {
    /// `bpf_get_attach_cookie` in programs of that kind, and so cookies for their links. For [`ProgramKind::Tracing`]
    /// the answer is that of raw tracepoints, which learned it together with those that have BTF (Linux 6.10);
    /// functions had it earlier (5.18).
    pub fn attach_cookie(&self, kind: ProgramKind) -> bool {
        let kind = if kind == ProgramKind::Tracing { ProgramKind::RawTracepoint } else { kind };
        self.helper(kind, helper::GET_ATTACH_COOKIE)
    }

    /// Links to perf events (Linux 5.15).
    pub fn perf_link(&self) -> bool {
        *self.perf_link.get_or_init(|| {
            load(&ProgramSpec::new(ProgramKind::Tracepoint, &NOTHING)).is_some_and(|it| link::knows_perf_links(&it))
        })
    }

    /// Many places of a file with one link (Linux 6.6).
    pub fn uprobe_multi(&self) -> bool {
        *self.uprobe_multi.get_or_init(|| try_uprobe_multi(AttachType::TraceUprobeMulti, When::Entry))
    }

    /// The process given to such a link means the process. Before Linux 6.10 it meant one thread.
    pub fn uprobe_multi_process(&self) -> bool {
        *self.uprobe_multi_process.get_or_init(|| self.uprobe_multi() && rejects_impossible_process())
    }

    /// Entry and return of a user function with one program (Linux 6.13).
    pub fn uprobe_session(&self) -> bool {
        *self.uprobe_session.get_or_init(|| try_uprobe_multi(AttachType::TraceUprobeSession, When::Session))
    }

    /// Many kernel functions with one link (Linux 5.18, built with FPROBE).
    pub fn kprobe_multi(&self) -> bool {
        *self.kprobe_multi.get_or_init(|| try_kprobe_multi(AttachType::TraceKprobeMulti, When::Entry))
    }

    /// Entry and return of kernel functions with one program (Linux 6.10, built with FPROBE).
    pub fn kprobe_session(&self) -> bool {
        *self.kprobe_session.get_or_init(|| try_kprobe_multi(AttachType::TraceKprobeSession, When::Session))
    }

    /// Such a program may call the kernel function with that id in the kernel's BTF, which should be `bpf_session_is_return`:
    /// by it the program asks where it is. It is called with the context, which some kernels want.
    pub fn kprobe_session_asks(&self, is_return: u32) -> bool {
        *self.kprobe_session_asks.get_or_init(|| {
            let insns = [Insn::call_kfunc(is_return, 0), Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
            let attach_type = AttachType::TraceKprobeSession;
            load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) }).is_some()
        })
    }

    /// Probes in the kernel's code as perf events (Linux 4.17, built with KPROBE_EVENTS).
    pub fn kprobe_event(&self) -> bool {
        perf::has_kprobes()
    }

    /// Programs at the entry of kernel functions by trampoline (Linux 5.5), tried on the function with that id in the
    /// kernel's BTF; what the kernel says if it refuses. The function's kind does not matter, so one answer is for all.
    pub fn fentry(&self, function: u32) -> Result<()> {
        self.fentry.get_or_init(|| try_fentry(function)).clone()
    }

    /// The same of functions whose arguments are more than registers hold (Linux 6.6 on x86-64), tried on that one: only to attach to
    /// it says so.
    pub fn wide_fentry(&self, function: u32) -> bool {
        *self.wide_fentry.get_or_init(|| try_fentry(function).is_ok())
    }

    /// `bpf_get_attach_cookie` in such programs (Linux 5.18), tried on that function.
    pub fn fentry_cookie(&self, function: u32) -> bool {
        *self.fentry_cookie.get_or_init(|| {
            let insns = [Insn::call_helper(helper::GET_ATTACH_COOKIE), Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
            Program::load(&at_entry(function, &insns)).is_ok()
        })
    }

    /// Programs on user probes may sleep, and so read pages of memory that are not present (Linux 6.0).
    pub fn sleepable_uprobe(&self) -> bool {
        *self.sleepable_uprobe.get_or_init(|| {
            let insns = user_copy();
            let flags = prog::flags::SLEEPABLE;
            load(&ProgramSpec { flags, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) }).is_some()
        })
    }
}

/// Nops that the kernel makes a call of where they are probed, so that a hit takes no breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledNop {
    /// Of five bytes, since Linux 6.18 on x86-64. The return address is written below the stack pointer, where functions that call
    /// nothing keep variables, and processes that fork hand the call down without what it leads to: their children die of it.
    Five,
    /// Of ten bytes, since Linux 7.2, with neither of the two faults.
    Ten,
}

/// The nop of which this kernel makes a call.
pub fn called_nop() -> Option<CalledNop> {
    #[cfg(target_arch = "x86_64")]
    let answer = crate::sys::uprobe().err();
    #[cfg(not(target_arch = "x86_64"))]
    let answer: Option<crate::errno::Errno> = None;
    match answer {
        Some(errno) if errno.is(libc::ENXIO) => Some(CalledNop::Five),
        Some(errno) if errno.is(libc::EPROTO) => Some(CalledNop::Ten),
        _ => None,
    }
}

/// Words of arguments that the kernel gives to programs at a function of an eBPF program whose types it does not trust.
pub const UNTRUSTED_WORDS: u8 = 5;

/// Whether the kernel does not trust the types of a function of a loaded eBPF program, given by its id in the program's
/// BTF, which has fewer words of arguments than [`UNTRUSTED_WORDS`]. The result of such a function is behind that many
/// words. It is so where the types do not say what the verifier found, as of a context that is a plain number.
pub fn types_are_untrusted(program: BorrowedFd<'_>, function: u32) -> bool {
    let behind = i16::from(UNTRUSTED_WORDS) * 8;
    let insns = [Insn::ldx(Size::Dw, Reg::R0, Reg::R1, behind), Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    let attach_type = AttachType::TraceFexit;
    load(&ProgramSpec { attach_type, attach_btf: Some(program), ..at_entry(function, &insns) }).is_some()
}

/// The shortest program: `return 0`.
const NOTHING: [Insn; 2] = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];

fn load(spec: &ProgramSpec<'_>) -> Option<Program> {
    Program::load(&ProgramSpec { name: "probe", ..*spec }).ok()
}

fn loads(kind: ProgramKind, insns: &[Insn]) -> bool {
    load(&ProgramSpec::new(kind, insns)).is_some()
}

/// Whether programs of a kind may call the kernel function with that id in the kernel's BTF. `tracepoint` is the id there of the typedef
/// of some raw tracepoint, for [`ProgramKind::Tracing`]. As with helpers, the verifier first asks whether the call is allowed.
pub fn kfunc_allowed(kind: ProgramKind, function: u32, tracepoint: u32) -> bool {
    let insns = [Insn::call_kfunc(function, 0), Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    let spec = ProgramSpec { name: "probe", ..ProgramSpec::new(kind, &insns) };
    let spec = match kind {
        ProgramKind::Tracing => ProgramSpec { attach_type: AttachType::TraceRawTp, attach_btf_id: tracepoint, ..spec },
        _ => spec,
    };
    match Program::load_with_log(&spec, LogLevel::Failure) {
        Ok(_) => true,
        // Before Linux 5.13 the bits that say what is called are reserved.
        Err(error) => error.log().is_some_and(|log| {
            log.contains("call ") && !["not allowed", "reserved fields"].iter().any(|refusal| log.contains(refusal))
        }),
    }
}

/// Calls the helper with whatever the registers hold. The verifier first asks whether the program may call it at all,
/// and only then looks at the arguments, so its log tells the two refusals apart. It says "invalid func" for a helper
/// it has not heard of, and "unknown func" or "cannot use helper" for one that is closed to the program.
fn try_helper(kind: ProgramKind, helper: u32) -> bool {
    let insns = [Insn::call_helper(helper), Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    match Program::load_with_log(&ProgramSpec { name: "probe", ..ProgramSpec::new(kind, &insns) }, LogLevel::Failure) {
        Ok(_) => true,
        Err(error) => error.log().is_some_and(|log| !log.is_empty() && !says_no(log)),
    }
}

fn says_no(log: &str) -> bool {
    ["invalid func ", "unknown func ", "cannot use helper"].iter().any(|text| log.contains(text))
}

fn try_growing_hash() -> bool {
    let spec = MapSpec::new(MapKind::Hash, 4, 4, 1).with_flags(map::flags::NO_PREALLOC);
    let Ok(map) = Map::create(&spec) else { return false };
    let mut insns = vec![
        Insn::st(Size::W, Reg::R10, -4, 0),
        Insn::mov64(Reg::R2, Reg::R10),
        Insn::alu64_imm(Alu::Add, Reg::R2, -4),
    ];
    insns.extend(Insn::ld_map_fd(Reg::R1, map.raw_fd()));
    insns.push(Insn::call_helper(helper::MAP_LOOKUP_ELEM));
    insns.extend(NOTHING);
    loads(ProgramKind::PerfEvent, &insns)
}

/// An entry that ends with `call(helper)` and a callback that returns 0.
fn with_callback(before: &[Insn], after: &[Insn], helper: u32) -> bool {
    let mut insns = before.to_vec();
    let to_callback = after.len() + 1 + NOTHING.len() + 1;
    insns.extend(Insn::ld_func(Reg::R2, to_callback as i32));
    insns.extend(after);
    insns.push(Insn::call_helper(helper));
    insns.extend(NOTHING);
    let start = insns.len() as u32;
    insns.extend(NOTHING);
    let function =
        |start, name: &str, arguments| Function { start, name: name.to_owned(), linkage: Linkage::Static, arguments };
    let functions = [function(0, "entry", 1), function(start, "callback", 2)];
    load(&ProgramSpec { functions: &functions, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) }).is_some()
}

fn try_loop() -> bool {
    let before = [Insn::mov64_imm(Reg::R1, 1)];
    let after = [Insn::mov64_imm(Reg::R3, 0), Insn::mov64_imm(Reg::R4, 0)];
    with_callback(&before, &after, helper::LOOP)
}

fn try_for_each() -> bool {
    let Ok(map) = Map::create(&MapSpec::new(MapKind::Array, 4, 4, 1)) else { return false };
    let after = [Insn::mov64_imm(Reg::R3, 0), Insn::mov64_imm(Reg::R4, 0)];
    with_callback(&Insn::ld_map_fd(Reg::R1, map.raw_fd()), &after, helper::FOR_EACH_MAP_ELEM)
}

/// `bpf_copy_from_user(stack, 8, 0)`, which only programs that may sleep can call.
fn user_copy() -> Vec<Insn> {
    let mut insns = vec![
        Insn::mov64(Reg::R1, Reg::R10),
        Insn::alu64_imm(Alu::Add, Reg::R1, -8),
        Insn::mov64_imm(Reg::R2, 8),
        Insn::mov64_imm(Reg::R3, 0),
        Insn::call_helper(helper::COPY_FROM_USER),
    ];
    insns.extend(NOTHING);
    insns
}

fn at_entry<'a>(function: u32, insns: &'a [Insn]) -> ProgramSpec<'a> {
    let spec = ProgramSpec::new(ProgramKind::Tracing, insns);
    ProgramSpec { name: "probe", attach_type: AttachType::TraceFentry, attach_btf_id: function, ..spec }
}

/// Some machines can load such programs and not attach them, so it is attached for a moment.
fn try_fentry(function: u32) -> Result<()> {
    let program = Program::load(&at_entry(function, &NOTHING))?;
    Link::tracing(&program, AttachType::TraceFentry, 0).map(drop)
}

fn load_multi(attach_type: AttachType) -> Option<Program> {
    load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &NOTHING) })
}

fn try_uprobe_multi(attach_type: AttachType, when: When) -> bool {
    load_multi(attach_type).is_some_and(|program| link::knows_uprobe_multi(&program, when))
}

fn try_kprobe_multi(attach_type: AttachType, when: When) -> bool {
    load_multi(attach_type).is_some_and(|program| link::knows_kprobe_multi(&program, when))
}

/// Kernels that take the number for a process's refuse an impossible one before they look at the path.
fn rejects_impossible_process() -> bool {
    let Some(program) = load_multi(AttachType::TraceUprobeMulti) else { return false };
    let pid = Some(u32::MAX);
    let places = UprobeMulti { path: c"/", offsets: &[0], ref_ctr_offsets: &[], cookies: &[], pid, when: When::Entry };
    Link::uprobe_multi(&program, &places).is_err_and(|error| error.is(libc::EINVAL))
}
