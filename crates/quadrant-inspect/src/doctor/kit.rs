//! What the checks share: a program that counts, and proof that it ran.

use std::path::Path;

use quadrant_bpf::errno::Errno;
use quadrant_bpf::features::Features;
use quadrant_bpf::file::MappedFile;
use quadrant_bpf::helper;
use quadrant_bpf::insn::{Atomic, Insn, Reg, Size};
use quadrant_bpf::link::Link;
use quadrant_bpf::map::{Map, MapKind, MapSpec, MappedArray, flags};
use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_bpf::prog::{LogLevel, Program, ProgramKind, ProgramSpec};
use quadrant_bpf::threads::side_by_side;
use quadrant_bpf::{Error, Result};
use quadrant_types::{Btf, BtfKind, TypeError, Types};

/// What a check gives: more about what works, or what failed.
pub type Outcome = std::result::Result<String, Trouble>;

/// What failed.
pub struct Trouble {
    pub error: Error,
    /// Whether a process that may do more could do better.
    pub denied: bool,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble { denied: error.errno().is_some_and(Errno::is_denied), error }
    }
}

impl Trouble {
    /// Denied without an error number that says so.
    pub fn denied(error: Error) -> Trouble {
        Trouble { error, denied: true }
    }
}

/// Tools of the checks.
pub struct Kit {
    pub features: Features,
    counters: Option<Counters>,
    types: Types,
    /// Detached events, whose closing takes long.
    events: Vec<PerfEvent>,
}

/// Two words in a map: hits, and a value that the program leaves.
struct Counters {
    map: Map,
    memory: MappedArray,
}

/// The word for hits, and the one for a value: their offsets in bytes.
const HITS: usize = 0;
const VALUE: usize = 8;

/// How often a check tries to make its probe fire.
const ATTEMPTS: usize = 200;

impl Kit {
    pub fn new() -> Kit {
        Kit { features: Features::new(), counters: None, types: kernel_types(), events: Vec::new() }
    }

    /// The words, in a map that programs address directly.
    pub fn counters(&mut self) -> Result<(&Map, &MappedArray)> {
        if self.counters.is_none() {
            let spec = MapSpec::new(MapKind::Array, 4, 16, 1).with_flags(flags::MMAPABLE).with_name("doctor");
            let map = Map::create(&spec)?;
            let memory = MappedArray::new(&map)?;
            self.counters = Some(Counters { map, memory });
        }
        match &self.counters {
            Some(counters) => Ok((&counters.map, &counters.memory)),
            None => Err(Error::new("cannot count", "there is no map")),
        }
    }

    /// A body that counts hits, after `before` put a value for the second word into r0. The context is in r6.
    pub fn counting(&mut self, before: &[Insn]) -> Result<Vec<Insn>> {
        let fd = self.counters()?.0.raw_fd();
        let mut insns = vec![Insn::mov64(Reg::R6, Reg::R1), Insn::mov64_imm(Reg::R0, 0)];
        insns.extend(before);
        insns.extend(Insn::ld_map_value(Reg::R2, fd, VALUE as u32));
        insns.push(Insn::stx(Size::Dw, Reg::R2, 0, Reg::R0));
        insns.extend(Insn::ld_map_value(Reg::R2, fd, HITS as u32));
        insns.push(Insn::mov64_imm(Reg::R1, 1));
        insns.push(Insn::atomic(Atomic::Add, Size::Dw, Reg::R2, 0, Reg::R1));
        insns.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
        Ok(insns)
    }

    /// A program that counts hits.
    pub fn counter(&mut self, kind: ProgramKind) -> Result<Program> {
        let insns = self.counting(&[])?;
        load(&ProgramSpec::new(kind, &insns))
    }

    /// The program on a perf event fires when `trigger` is pulled.
    pub fn event_fires(&mut self, kind: ProgramKind, event: &Event<'_>, scope: Scope, trigger: impl Fn()) -> Outcome {
        let program = self.counter(kind)?;
        let event = PerfEvent::open(event, scope)?;
        let link = Link::perf_event(&program, event, 0)?;
        self.fires(link, trigger)
    }

    /// The attached program fires when `trigger` is pulled; it is detached.
    pub fn fires(&mut self, link: Link, trigger: impl Fn()) -> Outcome {
        self.value_of(link, trigger)?;
        Ok(String::new())
    }

    /// As [`Kit::fires`], and gives the value that the program left.
    pub fn value_of(&mut self, link: Link, trigger: impl Fn()) -> Result<u64> {
        let before = self.hits()?;
        let mut fired = false;
        for _ in 0..ATTEMPTS {
            trigger();
            fired = self.hits()? > before;
            if fired {
                break;
            }
        }
        self.events.extend(link.detach());
        if !fired {
            return Err(Error::new("the probe does not fire", "it was attached, but its program did not run"));
        }
        self.counters()?.1.read_u64(VALUE)
    }

    fn hits(&mut self) -> Result<u64> {
        self.counters()?.1.read_u64(HITS)
    }

    /// The number of a type of the kernel.
    pub fn type_id(&mut self, name: &str, kind: BtfKind) -> Result<u32> {
        let missing = |why| Error::new(format!("cannot find the type of {name}"), why);
        let btf = self.types.btf().map_err(|_| missing("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"))?;
        btf.find(name, &[kind]).ok_or_else(|| missing("it is not in this kernel's BTF"))
    }

    /// Whether a structure of the kernel has a member; no if there is no telling.
    pub fn has_member(&self, structure: &str, member: &str) -> bool {
        let found = self.types.lookup_struct(structure);
        found.is_some_and(|found| self.types.find_member(found, member).is_some())
    }

    /// Closes what is left, side by side: each event takes up to a tenth of a second.
    pub fn close(self) {
        side_by_side(self.events, drop);
    }
}

/// Read at first need.
fn kernel_types() -> Types {
    Types::with_loader(|| {
        let mapped = MappedFile::open(Path::new("/sys/kernel/btf/vmlinux"));
        Btf::new(mapped.map_err(|error| TypeError::NoBtf { reason: error.to_string() })?)
    })
}

/// Loads a program; if it is refused, the reason is what the verifier wrote, if it wrote anything.
pub fn load(spec: &ProgramSpec<'_>) -> Result<Program> {
    let spec = ProgramSpec { name: "doctor", ..*spec };
    Program::load(&spec).or_else(|first| match Program::load_with_log(&spec, LogLevel::Failure) {
        Ok(program) => Ok(program),
        Err(error) => Err(error.log().and_then(complaint).map_or(first, |line| error.because(line))),
    })
}

/// The last line of a log that is not about the verifier's own work.
fn complaint(log: &str) -> Option<String> {
    let mut lines = log.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("processed "));
    lines.next_back().map(|line| format!("the verifier says: {line}"))
}

/// `r0 = bpf_get_attach_cookie(ctx)`.
pub fn cookie() -> [Insn; 2] {
    [Insn::mov64(Reg::R1, Reg::R6), Insn::call_helper(helper::GET_ATTACH_COOKIE)]
}

/// An error where a feature is known to be absent, but not why.
pub fn absent(what: &str) -> Error {
    Error::new(format!("cannot use {what}"), "this kernel does not have it")
}
