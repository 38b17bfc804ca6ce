//! Programs: loading, running for a test, and their counters.

use std::borrow::Cow;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::attr;
use crate::btf::{self, Function, SourceLine};
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::insn::{self, Insn};
use crate::interrupt;
use crate::sys::{self, Command};

/// What a program is attached to, which decides its context and its helpers (`enum bpf_prog_type`).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum ProgramKind {
    /// Kernel and user probes; the context is the registers.
    Kprobe = 2,
    /// A tracepoint; the context is its record.
    Tracepoint = 5,
    /// A perf event; the context is registers and sample.
    PerfEvent = 7,
    /// A tracepoint's arguments as they are.
    RawTracepoint = 17,
    /// The same, of a tracepoint whose arguments programs may write to.
    WritableRawTracepoint = 24,
    /// By BTF: raw tracepoints, function entry and exit, iterators.
    Tracing = 26,
    /// Security hooks.
    Lsm = 29,
    /// Run by this process.
    Syscall = 31,
}

/// How a program will be attached, where the kernel must know it at loading (`enum bpf_attach_type`).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u32)]
pub enum AttachType {
    /// The program's kind says it all.
    #[default]
    None = 0,
    /// A raw tracepoint with BTF.
    TraceRawTp = 23,
    /// A function's entry, by trampoline.
    TraceFentry = 24,
    /// A function's exit, by trampoline.
    TraceFexit = 25,
    /// A function that the program may skip and whose result it may set, by trampoline.
    ModifyReturn = 26,
    /// A security hook.
    LsmMac = 27,
    /// An iterator.
    TraceIter = 28,
    /// A perf event (only named when attaching).
    PerfEvent = 41,
    /// Entries or returns of many kernel functions.
    TraceKprobeMulti = 42,
    /// Many places of one file.
    TraceUprobeMulti = 48,
    /// Entry and return of kernel functions as one.
    TraceKprobeSession = 56,
    /// Entry and return of user functions as one.
    TraceUprobeSession = 57,
    /// Entry and exit of a function as one, by trampoline.
    TraceFsession = 58,
}

/// Flags of loading (linux/bpf.h).
pub mod flags {
    /// The program may sleep, and so wait for a page of user memory.
    pub const SLEEPABLE: u32 = 1 << 4;
}

/// A program to load.
#[derive(Copy, Clone, Debug)]
pub struct ProgramSpec<'a> {
    /// The kind.
    pub kind: ProgramKind,
    /// How it will be attached.
    pub attach_type: AttachType,
    /// The code, with descriptors of maps filled in.
    pub insns: &'a [Insn],
    /// For people who list programs; the kernel keeps 15 characters.
    pub name: &'a str,
    /// Type id of the function or tracepoint that a [`ProgramKind::Tracing`] program is attached to; else 0.
    pub attach_btf_id: u32,
    /// The module's BTF in which that id counts; `None` is vmlinux.
    pub attach_btf: Option<BorrowedFd<'a>>,
    /// From [`flags`].
    pub flags: u32,
    /// The program's functions in order, the entry first; empty if it is one function without callbacks.
    pub functions: &'a [Function],
    /// Descriptors that instructions name by index (BTF of modules); index 0 is unused.
    pub fd_array: &'a [i32],
    /// Which line of the source each instruction is from, in order; the first of each function must be there. Needs `functions`.
    pub lines: &'a [SourceLine<'a>],
    /// Loaded type information that says more than `functions` could; that is not looked at then.
    pub described: Option<Described<'a>>,
    /// Under which license the program is, by which the kernel decides what it may call; must hold no NUL byte.
    pub license: &'a str,
}

/// What the compiler of a program says about it, in terms of type information that the kernel has loaded.
#[derive(Copy, Clone, Debug)]
pub struct Described<'a> {
    /// The type information.
    pub types: BorrowedFd<'a>,
    /// Each function's first instruction, and the id of its FUNC, in order.
    pub functions: &'a [[u32; 2]],
    /// Each line's first instruction, its file's name and its text (offsets in the strings), and line << 10 | column, in order.
    pub lines: &'a [[u32; 4]],
}

impl<'a> ProgramSpec<'a> {
    /// A program of one function.
    pub fn new(kind: ProgramKind, insns: &'a [Insn]) -> ProgramSpec<'a> {
        ProgramSpec {
            kind,
            attach_type: AttachType::None,
            insns,
            name: "",
            attach_btf_id: 0,
            attach_btf: None,
            flags: 0,
            functions: &[],
            lines: &[],
            fd_array: &[],
            described: None,
            license: LICENSE,
        }
    }
}

/// How much the verifier writes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// The path that failed.
    Failure = 1,
    /// Every instruction with the state of the registers.
    Everything = 2,
}

/// A loaded program; it lives as long as this descriptor or a link.
#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
    name: String,
    kind: ProgramKind,
}

/// What the kernel counts for a program.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ProgramInfo {
    /// The kernel's number for it.
    pub id: u32,
    /// How often it ran while statistics were on ([`enable_stats`]).
    pub run_cnt: u64,
    /// Time spent in it meanwhile, in nanoseconds.
    pub run_time_ns: u64,
    /// How often it was skipped because it, or another program in the same place, was already running on that processor
    /// (0 before Linux 5.12). Counted always.
    pub recursion_misses: u64,
    /// Bytes of machine code.
    pub jited_len: u32,
    /// Bytes of instructions after the verifier's changes.
    pub xlated_len: u32,
}

/// Loading.
impl Program {
    /// Loads a program without a log, which is fastest. If it is refused, [`Program::load_with_log`] tells why.
    pub fn load(spec: &ProgramSpec<'_>) -> Result<Program> {
        let loading = Loading::new(spec)?;
        loading.load(&mut [], 0).map_err(|errno| loading.failed(errno))
    }

    /// Loads a program with the verifier's log, which the error carries ([`Error::log`]) if the program is refused. The
    /// log names instructions by number.
    pub fn load_with_log(spec: &ProgramSpec<'_>, level: LogLevel) -> Result<Program> {
        Program::load_logged(spec, level).0
    }

    /// As [`Program::load_with_log`], and gives the log of a program that was accepted, too.
    pub fn load_logged(spec: &ProgramSpec<'_>, level: LogLevel) -> (Result<Program>, String) {
        let loading = match Loading::new(spec) {
            Ok(loading) => loading,
            Err(error) => return (Err(error), String::new()),
        };
        let (answer, log) = loading.load_growing(level as u32);
        let answer = answer.map_err(|errno| loading.failed(errno).with_log(log.clone()));
        (answer, log)
    }
}

/// Everything that the request points to.
struct Loading<'a> {
    spec: &'a ProgramSpec<'a>,
    code: Vec<u8>,
    btf: Option<OwnedFd>,
    functions: Vec<attr::FuncInfo>,
    lines: Cow<'a, [[u32; 4]]>,
    license: CString,
}

/// The only license with which the kernel lets programs use all helpers of tracing.
const LICENSE: &str = "GPL";

/// The kernel gives up with EAGAIN when a signal arrives during verification: any signal, not only one that is to end all.
const ATTEMPTS: usize = 5;

/// First and last size of the buffer for the log, in bytes.
const LOG_FIRST: usize = 1 << 18;
const LOG_LAST: usize = 1 << 28;

impl<'a> Loading<'a> {
    fn new(spec: &'a ProgramSpec<'a>) -> Result<Loading<'a>> {
        let license = CString::new(spec.license);
        let license = license.map_err(|_| Error::new("cannot load a program", "its license holds a NUL byte"))?;
        let (btf, functions, lines) = match spec.described {
            Some(described) => {
                let info = |[insn_off, type_id]: &[u32; 2]| attr::FuncInfo { insn_off: *insn_off, type_id: *type_id };
                (None, described.functions.iter().map(info).collect(), Cow::Borrowed(described.lines))
            }
            None if spec.functions.is_empty() => (None, Vec::new(), Cow::Borrowed(&[][..])),
            None => {
                let (mut btf, functions) = btf::describe(spec.functions);
                let lines = btf.lines(spec.lines);
                (Some(btf.load()?), functions, Cow::Owned(lines))
            }
        };
        Ok(Loading { spec, code: insn::to_bytes(spec.insns), btf, functions, lines, license })
    }

    fn load(&self, log: &mut [u8], level: u32) -> std::result::Result<Program, Errno> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match sys::bpf_fd(Command::ProgLoad, &mut self.request(log, level)) {
                Err(errno) if errno.is(libc::EAGAIN) && attempts < ATTEMPTS && !interrupt::is_noted() => {}
                answer => return answer.map(|fd| self.program(fd)),
            }
        }
    }

    /// Loads with a larger and larger log until it fits.
    fn load_growing(&self, level: u32) -> (std::result::Result<Program, Errno>, String) {
        let mut size = LOG_FIRST;
        loop {
            let mut log = vec![0; size];
            match self.load(&mut log, level) {
                Err(errno) if errno.is(libc::ENOSPC) && size < LOG_LAST => size *= 8,
                answer => return (answer, text(&log)),
            }
        }
    }

    fn request(&self, log: &mut [u8], level: u32) -> attr::ProgLoad {
        let spec = self.spec;
        let types = spec.described.map(|described| described.types);
        let types = types.or(self.btf.as_ref().map(AsFd::as_fd));
        let lines = &*self.lines;
        attr::ProgLoad {
            prog_type: spec.kind as u32,
            insn_cnt: spec.insns.len() as u32,
            insns: sys::address(&self.code),
            license: sys::address(self.license.as_bytes_with_nul()),
            log_level: level,
            log_size: log.len() as u32,
            log_buf: sys::address_mut(log),
            prog_flags: spec.flags,
            prog_name: attr::name(spec.name),
            expected_attach_type: spec.attach_type as u32,
            prog_btf_fd: types.map_or(0, |fd| fd.as_raw_fd() as u32),
            func_info_rec_size: if self.functions.is_empty() { 0 } else { size_of::<attr::FuncInfo>() as u32 },
            func_info: sys::address(&self.functions),
            func_info_cnt: self.functions.len() as u32,
            line_info_rec_size: if lines.is_empty() { 0 } else { size_of::<[u32; 4]>() as u32 },
            line_info: sys::address(lines),
            line_info_cnt: lines.len() as u32,
            attach_btf_id: spec.attach_btf_id,
            attach_fd: spec.attach_btf.map_or(0, |fd| fd.as_raw_fd() as u32),
            fd_array: sys::address(spec.fd_array),
            ..Default::default()
        }
    }

    fn program(&self, fd: OwnedFd) -> Program {
        Program { fd, name: self.spec.name.to_owned(), kind: self.spec.kind }
    }

    fn failed(&self, errno: Errno) -> Error {
        let what = format!(
            "cannot load program {:?} ({:?}, {} instructions)",
            self.spec.name,
            self.spec.kind,
            self.spec.insns.len()
        );
        Error::os(what, Operation::Load, errno)
    }
}

/// The text before the terminator.
fn text(log: &[u8]) -> String {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    String::from_utf8_lossy(log.get(..end).unwrap_or_default()).into_owned()
}

/// Using.
impl Program {
    /// The name it was loaded with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kind.
    pub fn kind(&self) -> ProgramKind {
        self.kind
    }

    /// Runs a [`ProgramKind::RawTracepoint`] program once, here and now, with those arguments as its context; returns
    /// its result.
    pub fn test_run_raw_tp(&self, arguments: &[u64]) -> Result<u32> {
        let mut request = attr::TestRun {
            prog_fd: self.fd.as_raw_fd() as u32,
            ctx_size_in: size_of_val(arguments) as u32,
            ctx_in: sys::address(arguments),
            ..Default::default()
        };
        sys::bpf(Command::ProgTestRun, &mut request).map_err(|errno| self.failed("run", errno))?;
        Ok(request.retval)
    }

    /// Its counters.
    pub fn info(&self) -> Result<ProgramInfo> {
        let mut info = [attr::ProgInfo::default()];
        let mut request = attr::InfoByFd {
            bpf_fd: self.fd.as_raw_fd() as u32,
            info_len: size_of::<attr::ProgInfo>() as u32,
            info: sys::address_mut(&mut info),
        };
        sys::bpf(Command::InfoByFd, &mut request).map_err(|errno| self.failed("describe", errno))?;
        let [info] = info;
        Ok(ProgramInfo {
            id: info.id,
            run_cnt: info.run_cnt,
            run_time_ns: info.run_time_ns,
            recursion_misses: info.recursion_misses,
            jited_len: info.jited_prog_len,
            xlated_len: info.xlated_prog_len,
        })
    }

    fn failed(&self, verb: &str, errno: Errno) -> Error {
        Error::os(format!("cannot {verb} program {:?}", self.name), Operation::Query, errno)
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Makes the kernel count runs and time of all programs, for as long as the descriptor is open (Linux 5.8).
pub fn enable_stats() -> Result<OwnedFd> {
    const RUN_TIME: u32 = 0;
    let mut request = attr::EnableStats { kind: RUN_TIME };
    sys::bpf_fd(Command::EnableStats, &mut request)
        .map_err(|errno| Error::os("cannot count the runs of programs", Operation::Admin, errno))
}
