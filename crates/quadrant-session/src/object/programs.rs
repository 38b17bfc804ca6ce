//! Loading an object's programs.

use std::cell::RefCell;
use std::collections::HashSet;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use quadrant_bpf::insn::Imm64;
use quadrant_bpf::insn::Insn;
use quadrant_bpf::map::Map;
use quadrant_bpf::prog::Described;
use quadrant_bpf::prog::LogLevel;
use quadrant_bpf::prog::Program;
use quadrant_bpf::prog::ProgramSpec;
use quadrant_bpf::prog::flags;
use quadrant_object::Extern;
use quadrant_object::Hook;
use quadrant_object::Linked;
use quadrant_object::Object;
use quadrant_object::Reference;
use quadrant_object::essential_name;
use quadrant_types::BtfKind;

use super::LoadOptions;
use super::LoadedProgram;
use super::externs::Value;
use super::machine::Found;
use super::machine::Machine;
use super::refusal;
use crate::error::Error;

/// A program with its instructions, or the kernel's refusal and the verifier's log.
type Answer = Result<(Program, Vec<Insn>), (quadrant_bpf::Error, String)>;

/// Everything that programs refer to.
pub(super) struct Loading<'a> {
    pub(super) object: &'a Object,
    pub(super) machine: &'a Machine,
    pub(super) externs: &'a [Value],
    pub(super) types: Option<OwnedFd>,
    pub(super) maps: &'a [Map],
    pub(super) data: &'a [Map],
    /// External symbols that the kernel's types name, and its list of symbols does not: they count as missing.
    pub(super) unlisted: RefCell<HashSet<usize>>,
}

impl Loading<'_> {
    /// Load the programs that are wanted.
    ///
    /// # Errors
    /// The first that cannot be loaded, and why, unless that is tolerated.
    pub(super) fn load_wanted(
        &mut self,
        options: &LoadOptions,
        notes: &mut Vec<String>,
    ) -> Result<Vec<LoadedProgram>, Error> {
        let mut loaded = Vec::new();
        for (index, program) in self.object.programs.iter().enumerate() {
            let named = |list: &[String]| list.contains(&program.name);
            if !(if options.only.is_empty() { program.autoload } else { named(&options.only) }) {
                continue;
            }
            let told: Vec<String> =
                options.attach.iter().filter(|(name, _)| *name == program.name).map(|(_, to)| to.clone()).collect();
            let targets = if told.is_empty() { program.target.clone().into_iter().collect() } else { told };
            match self.load(program, &targets, options.whole_log) {
                Ok((program, insns)) => loaded.push(LoadedProgram { index, program, insns, targets }),
                Err(error) if options.tolerant => {
                    let why = error.to_string();
                    notes.push(format!("left out `{}`: {}", program.name, why.lines().next().unwrap_or_default()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(loaded)
    }

    fn load(
        &self,
        program: &quadrant_object::Program,
        targets: &[String],
        whole_log: bool,
    ) -> Result<(Program, Vec<Insn>), Error> {
        let linked = self.object.link(program, self.machine)?;
        loop {
            match self.load_linked(program, &linked, targets)? {
                Ok(loaded) => return Ok(loaded),
                Err((_, log)) if self.misses(&log) => {}
                Err((error, log)) => {
                    return match self.load_with_named_contexts(program, &linked, targets)? {
                        Some(loaded) => Ok(loaded),
                        None => Err(refusal::explain(self.object, program, &linked, error, &log, whole_log)),
                    };
                }
            }
        }
    }

    /// What a kernel that refused the program says to it if parameters marked as its context have the type that is one.
    fn load_with_named_contexts(
        &self,
        program: &quadrant_object::Program,
        linked: &Linked,
        targets: &[String],
    ) -> Result<Option<(Program, Vec<Insn>)>, Error> {
        let named = self.object.with_named_contexts(&linked.functions, program.hook.program_kind());
        let Some(functions) = named else { return Ok(None) };
        Ok(self.load_linked(program, &Linked { functions, ..linked.clone() }, targets)?.ok())
    }

    /// Whether the verifier stopped at a variable that may be missing, and of which it was not known that it is.
    fn misses(&self, log: &str) -> bool {
        let Some(name) = refusal::unlisted(log) else { return false };
        let is_meant = |external: &Extern| external.weak && essential_name(&external.name) == name;
        let mut found = self.object.externs.iter().enumerate().filter(|(_, external)| is_meant(external));
        found.any(|(index, _)| self.unlisted.borrow_mut().insert(index))
    }

    /// What the kernel says to a program.
    fn load_linked(
        &self,
        program: &quadrant_object::Program,
        linked: &Linked,
        targets: &[String],
    ) -> Result<Answer, Error> {
        let mut descriptors = vec![0];
        let insns = self.connect(linked, &mut descriptors);
        let function = self.attach_function(program, targets)?;
        let owner = function.as_ref().map(Found::owner).transpose()?.flatten();
        let functions: Vec<[u32; 2]> = linked.functions.iter().map(|one| [one.at as u32, one.ty]).collect();
        let lines: Vec<[u32; 4]> =
            linked.lines.iter().map(|line| [line.at as u32, line.file, line.text, line.line_column]).collect();
        let described = self.types.as_ref().filter(|_| !functions.is_empty());
        let described = described.map(|types| Described { types: types.as_fd(), functions: &functions, lines: &lines });
        let spec = ProgramSpec {
            attach_type: program.hook.attach_type(),
            name: &program.name,
            attach_btf_id: function.as_ref().map_or(0, |function| function.id),
            attach_btf: owner.as_ref().map(AsFd::as_fd),
            flags: if program.sleepable { flags::SLEEPABLE } else { 0 },
            fd_array: if descriptors.len() > 1 { &descriptors } else { &[] },
            described,
            license: &self.object.license,
            ..ProgramSpec::new(program.hook.program_kind(), &insns)
        };
        let loaded = Program::load(&spec).map_err(|error| {
            let logged = Program::load_with_log(&spec, LogLevel::Failure);
            (error, logged.err().and_then(|error| error.log().map(str::to_owned)).unwrap_or_default())
        });
        Ok(loaded.map(|program| (program, insns)))
    }

    /// The kernel's function or type that the program is made for, where the kernel must know it at loading.
    fn attach_function(&self, program: &quadrant_object::Program, targets: &[String]) -> Result<Option<Found>, Error> {
        let (prefix, kind) = match program.hook {
            Hook::BtfTracepoint => ("btf_trace_", BtfKind::Typedef),
            Hook::Trampoline(_) | Hook::ModifyReturn => ("", BtfKind::Func),
            Hook::Lsm => ("bpf_lsm_", BtfKind::Func),
            Hook::Iter => ("bpf_iter_", BtfKind::Func),
            _ => return Ok(None),
        };
        let name = &program.name;
        let bad = |message: String, help: &str| Error::Object { message, help: vec![help.to_owned()] };
        let target = match targets {
            // `bpf_map_elem:MAP` is for the elements of that map.
            [target] if program.hook == Hook::Iter => super::attach::walked(target).0,
            [target] => target.rsplit('/').next().unwrap_or(target),
            [] => {
                let message = format!("the section of `{name}` does not say where it goes");
                return Err(bad(message, &format!("say it with --attach {name}=TARGET")));
            }
            _ => return Err(bad(format!("`{name}` can only be at one place"), "give one --attach for it")),
        };
        let wanted = match target.split_once(':') {
            Some((module, function)) => format!("{module}:{prefix}{function}"),
            None => format!("{prefix}{target}"),
        };
        let found = self.machine.find(&wanted, kind);
        found.map(Some).ok_or_else(|| {
            let message = format!("this kernel has no types for `{target}`, where `{name}` goes");
            bad(message, "`quadrant -l` lists what there is")
        })
    }

    /// Fills in descriptors and addresses.
    fn connect(&self, linked: &Linked, descriptors: &mut Vec<i32>) -> Vec<Insn> {
        let mut insns = linked.insns.clone();
        for (at, reference) in &linked.references {
            match *reference {
                Reference::Map(map) => wide(&mut insns, *at, Imm64::MapFd, self.maps[map].raw_fd(), 0),
                Reference::Data { section, offset } => {
                    wide(&mut insns, *at, Imm64::MapValue, self.data[section].raw_fd(), offset as i32);
                }
                Reference::Extern(index) if self.unlisted.borrow().contains(&index) => {
                    self.external(&mut insns, *at, &Value::Address(0));
                }
                Reference::Extern(index) => self.external(&mut insns, *at, &self.externs[index]),
                Reference::Call(index) => call(&mut insns, *at, index, &self.externs[index], descriptors),
            }
        }
        insns
    }

    fn external(&self, insns: &mut [Insn], at: usize, value: &Value) {
        match value {
            Value::Kconfig(offset) => {
                let kconfig = self.object.data.iter().position(|data| data.kind == quadrant_object::DataKind::Kconfig);
                let fd = kconfig.map_or(0, |section| self.data[section].raw_fd());
                wide(insns, at, Imm64::MapValue, fd, *offset as i32);
            }
            Value::Address(address) => {
                wide(insns, at, Imm64::Value, *address as u32 as i32, (*address >> 32) as u32 as i32);
            }
            Value::Typed { id, .. } => wide(insns, at, Imm64::BtfId, *id as i32, value.owner()),
        }
    }
}

pub(super) fn wide(insns: &mut [Insn], at: usize, what: Imm64, low: i32, high: i32) {
    if let Some([first, second]) = insns.get_mut(at..at + 2) {
        first.regs = first.dst() | (what as u8) << 4;
        (first.imm, second.imm) = (low, high);
    }
}

/// A call of a function of the kernel; of one that is missing and may be, a call that the verifier refuses if it can be reached.
fn call(insns: &mut [Insn], at: usize, index: usize, value: &Value, descriptors: &mut Vec<i32>) {
    let insn = &mut insns[at];
    let Value::Typed { id, .. } = value else {
        (insn.regs, insn.off, insn.imm) = (insn.dst(), 0, refusal::MISSING_FUNCTION + index as i32);
        return;
    };
    insn.imm = *id as i32;
    insn.off = match value.owner() {
        0 => 0,
        owner => {
            descriptors.push(owner);
            (descriptors.len() - 1) as i16
        }
    };
}
