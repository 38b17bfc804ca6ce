//! Loading programs.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use quadrant_bpf::btf::SourceLine;
use quadrant_bpf::insn::Insn;
use quadrant_bpf::interrupt;
use quadrant_bpf::map::Map;
use quadrant_bpf::prog::AttachType;
use quadrant_bpf::prog::LogLevel;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::prog::ProgramSpec;
use quadrant_bpf::threads::in_threads;
use quadrant_codegen::object::Context;
use quadrant_codegen::ssa::Code;
use quadrant_codegen::ssa::RelocKind;
use quadrant_probes::attach;
use quadrant_probes::attach::Means;
use quadrant_program::Program;
use quadrant_program::probe::BtfFunction;
use quadrant_program::probe::BtfOwner;
use quadrant_program::probe::Site;

use crate::error::Error;
use crate::plan::Planned;
use crate::refused;
use crate::refused::LeftOut;
use crate::source::Source;
use crate::verifier;

/// A loaded program: all points of a unit, or one of them.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) program: quadrant_bpf::prog::Program,
    /// Index of the unit.
    pub(crate) unit: usize,
    /// Index of its first point in the unit.
    pub(crate) first: usize,
    /// How many points from there on.
    pub(crate) count: usize,
}

impl Loaded {
    /// Run it here and now: a program of a point that the tracer runs itself.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn run(&self) -> quadrant_bpf::Result<()> {
        self.program.test_run_raw_tp(&[0; 12]).map(drop)
    }
}

/// Load the programs of all units; of a wildcard's functions, those at which the kernel lets no program run are left out.
///
/// # Errors
/// What the kernel refused, and why.
pub(crate) fn load(
    program: &Program,
    units: &[Planned],
    codes: &[Code],
    maps: &[Map],
    source: Option<Source>,
) -> Result<(Vec<Loaded>, Vec<LeftOut>), Error> {
    let insns: Vec<Vec<Insn>> = codes.iter().map(|code| relocate(code, |map| maps[map].raw_fd())).collect();
    let lines: Vec<Vec<SourceLine>> = codes.iter().map(|code| source.map_or(Vec::new(), |s| s.lines(code))).collect();
    let functions: Vec<Vec<quadrant_bpf::btf::Function>> =
        codes.iter().map(|code| functions(code, source.is_some())).collect();
    let owners = owners(program, units)?;
    let mut jobs = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        let shares = shares(unit);
        let among_others = shares.len() > 1;
        for (first, count) in shares {
            let (kind, attach_type) = kind(unit);
            let (attach_btf_id, owner) = attach_btf(unit, site(program, unit, first));
            let spec = ProgramSpec {
                attach_type,
                attach_btf_id,
                attach_btf: owner.and_then(|owner| owners.get(owner)?.as_ref()).map(AsFd::as_fd),
                functions: &functions[index],
                lines: &lines[index],
                flags: if unit.unit.sleepable { quadrant_bpf::prog::flags::SLEEPABLE } else { 0 },
                ..ProgramSpec::new(kind, &insns[index])
            };
            let name = program_name(program, unit, first);
            jobs.push(Job { spec, name, unit: index, first, count, among_others });
        }
    }
    let name = |job: &Job<'_>| &program.points[units[job.unit].unit.points[job.first].0 as usize].name;
    let threads = if jobs.len() < MANY { 1 } else { loaders() };
    let results = until_refused(jobs.len(), threads, |index| {
        let job = &jobs[index];
        job.load(name(job), &codes[job.unit])
    });
    if interrupt::is_noted() {
        let done = results.iter().filter(|(_, result)| matches!(result, Ok(Ok(_)))).count();
        return Err(Error::Interrupted { loaded: done, programs: jobs.len() });
    }
    let (mut loaded, mut left_out) = (Vec::new(), Vec::new());
    for (index, result) in results {
        let job = &jobs[index];
        match result? {
            Ok(program) => loaded.push(job.loaded(program)),
            Err(why) => left_out.push((job.unit, LeftOut { name: name(job).clone(), why })),
        }
    }
    let is_empty = |unit: usize| loaded.iter().all(|loaded| loaded.unit != unit);
    if let Some((unit, first)) = left_out.iter().find(|(unit, _)| is_empty(*unit)) {
        return Err(refused::alone(&first.name, &codes[*unit], &first.why));
    }
    Ok((loaded, left_out.into_iter().map(|(_, point)| point).collect()))
}

struct Job<'a> {
    spec: ProgramSpec<'a>,
    name: String,
    unit: usize,
    first: usize,
    count: usize,
    /// Others of its unit have programs of their own, at other functions.
    among_others: bool,
}

impl Job<'_> {
    fn spec(&self) -> ProgramSpec<'_> {
        ProgramSpec { name: &self.name, ..self.spec }
    }

    /// The program, or, of one among others, why none can be at its function.
    fn load(&self, name: &str, code: &Code) -> Result<Result<quadrant_bpf::prog::Program, String>, Error> {
        match quadrant_bpf::prog::Program::load(&self.spec()) {
            Ok(program) => Ok(Ok(program)),
            // No reason is looked for where all are given up.
            Err(error) if interrupt::is_noted() => Err(error.into()),
            Err(error) => match refused(name, code, &self.spec(), error)? {
                why if self.among_others => Ok(Err(why)),
                why => Err(refused::alone(name, code, &why)),
            },
        }
    }

    fn loaded(&self, program: quadrant_bpf::prog::Program) -> Loaded {
        Loaded { program, unit: self.unit, first: self.first, count: self.count }
    }
}

/// Programs from which on loading is worth threads: the verifier works in the calling thread.
const MANY: usize = 16;
/// Most threads that load.
const LOADERS: usize = 8;

/// What became of so many jobs, in their order: up to one that ends all, or until a signal to end came. A wildcard can have tens of
/// thousands, and what is wrong with the program is wrong at all functions.
fn until_refused<T: Send>(
    jobs: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Vec<(usize, Result<T, Error>)> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Relaxed);
            if index >= jobs {
                return results;
            }
            let result = work(index);
            if result.is_err() || interrupt::is_noted() {
                next.store(jobs, Relaxed);
            }
            results.push((index, result));
        }
    };
    let mut results = in_threads(threads, share);
    results.sort_by_key(|(index, _)| *index);
    results
}

/// Asked only when it matters: the answer takes a dozen system calls.
fn loaders() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(LOADERS)
}

/// A program for all points, or one for each where the kernel checks a program against one function.
fn shares(unit: &Planned) -> Vec<(usize, usize)> {
    let points = unit.unit.points.len();
    match unit.unit.context {
        Context::Function { .. } => (0..points).map(|first| (first, 1)).collect(),
        _ => vec![(0, points)],
    }
}

/// What loading needs to name the modules and programs whose functions are meant.
fn owners<'a>(program: &'a Program, units: &[Planned]) -> Result<HashMap<&'a BtfOwner, Option<OwnedFd>>, Error> {
    let mut owners = HashMap::new();
    for point in units.iter().flat_map(|unit| &unit.unit.points) {
        if let Site::Fentry(BtfFunction { owner, .. }) | Site::Fexit(BtfFunction { owner, .. }) =
            &program.points[point.0 as usize].site
            && !owners.contains_key(owner)
        {
            owners.insert(owner, attach::owner(owner)?);
        }
    }
    Ok(owners)
}

/// The instructions with maps by the numbers that whoever runs them has for them.
pub(crate) fn relocate(code: &Code, number: impl Fn(usize) -> i32) -> Vec<Insn> {
    let mut insns = code.insns.clone();
    for reloc in &code.relocs {
        insns[reloc.at as usize].imm = match reloc.kind {
            RelocKind::Map(map) | RelocKind::MapValue(map) => number(map.index()),
            RelocKind::Kfunc(function) => function.0 as i32,
            // What it is for this kernel is there already.
            RelocKind::Core(_) | RelocKind::Import(_) => continue,
        };
    }
    insns
}

/// Functions are described to the kernel only when there are callbacks or lines, which need it.
fn functions(code: &Code, always: bool) -> Vec<quadrant_bpf::btf::Function> {
    if code.funcs.len() < 2 && !always {
        return Vec::new();
    }
    let describe = |func: &quadrant_codegen::ssa::FuncInfo| quadrant_bpf::btf::Function {
        start: func.at,
        name: func.name.clone(),
        linkage: if func.is_static { quadrant_bpf::btf::Linkage::Static } else { quadrant_bpf::btf::Linkage::Global },
        arguments: func.params as usize,
    };
    code.funcs.iter().map(describe).collect()
}

fn kind(unit: &Planned) -> (ProgramKind, AttachType) {
    match unit.unit.context {
        Context::Syscalls { btf_id: Some(_), .. } | Context::BtfTracepoint => {
            (ProgramKind::Tracing, AttachType::TraceRawTp)
        }
        Context::Run | Context::RawTracepoint(_) | Context::Syscalls { .. } => {
            (ProgramKind::RawTracepoint, AttachType::None)
        }
        Context::Session { .. } => (ProgramKind::Kprobe, AttachType::TraceKprobeSession),
        Context::Tracepoint => (ProgramKind::Tracepoint, AttachType::None),
        Context::Iter { .. } => (ProgramKind::Tracing, AttachType::TraceIter),
        Context::Function { exit: false, .. } => (ProgramKind::Tracing, AttachType::TraceFentry),
        Context::Function { exit: true, .. } => (ProgramKind::Tracing, AttachType::TraceFexit),
        Context::PerfEvent => (ProgramKind::PerfEvent, AttachType::None),
        Context::Registers => match unit.means {
            Means::UprobeMulti => (ProgramKind::Kprobe, AttachType::TraceUprobeMulti),
            Means::KprobeMulti => (ProgramKind::Kprobe, AttachType::TraceKprobeMulti),
            _ => (ProgramKind::Kprobe, AttachType::None),
        },
    }
}

/// The type of what a program is for, and whose type that is.
fn attach_btf<'a>(unit: &Planned, site: &'a Site) -> (u32, Option<&'a BtfOwner>) {
    match (&unit.unit.context, site) {
        (Context::Syscalls { btf_id: Some(id), .. }, _) => (*id, None),
        (Context::BtfTracepoint, Site::RawTracepoint { btf_id, .. })
        | (Context::Iter { .. }, Site::Iter { btf_id, .. }) => (*btf_id, None),
        (Context::Function { .. }, Site::Fentry(function) | Site::Fexit(function)) => {
            (function.btf_id, Some(&function.owner))
        }
        _ => (0, None),
    }
}

fn site<'a>(program: &'a Program, unit: &Planned, point: usize) -> &'a Site {
    &program.points[unit.unit.points[point].0 as usize].site
}

/// For those who list programs with other tools: the last part of the probe's name.
fn program_name(program: &Program, unit: &Planned, point: usize) -> String {
    let name = &program.points[unit.unit.points[point].0 as usize].name;
    let last = name.rsplit(':').next().unwrap_or(name);
    last.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(15).collect()
}

/// Load again with a log to learn why: no program can be at its function, or something else is wrong. The log itself is not for users.
fn refused(name: &str, code: &Code, spec: &ProgramSpec<'_>, error: quadrant_bpf::Error) -> Result<String, Error> {
    let log = match quadrant_bpf::prog::Program::load_with_log(spec, LogLevel::Failure) {
        Err(again) => again.log().unwrap_or_default().to_owned(),
        Ok(_) => String::new(),
    };
    if std::env::var_os("QUADRANT_VERIFIER_LOG").is_some() {
        return Err(Error::Log(format!("{log}\n{code}")));
    }
    if verifier::is_silent(&log) {
        return Err(Error::Kernel(error));
    }
    refused::by_function(&log).ok_or_else(|| verifier::explain(code, name, &log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_after_a_program_that_the_kernel_refuses() {
        const THREADS: usize = 4;
        let work = |index: usize| if index < 100 { Ok(index) } else { Err(Error::Log(index.to_string())) };
        let results = until_refused(1_000_000, THREADS, work);
        let refused = results.iter().filter(|(_, result)| result.is_err()).count();
        assert!((1..=THREADS).contains(&refused) && results.len() == 100 + refused, "{refused} of {}", results.len());
        assert!(results.is_sorted_by_key(|(index, _)| *index));
    }

    #[test]
    fn all_are_loaded_that_the_kernel_takes() {
        let results = until_refused(1_000, 3, Ok);
        assert!(results.into_iter().map(|(_, result)| result.unwrap_or_default()).eq(0..1_000));
    }
}
