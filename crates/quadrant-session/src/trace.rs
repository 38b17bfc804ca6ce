//! A trace from start to end.

use std::cell::Cell;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use quadrant_bpf::cgroup::Subtree;
use quadrant_bpf::features::Features;
use quadrant_bpf::helper;
use quadrant_bpf::interrupt::Noting;
use quadrant_bpf::map::Map;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::object::Object;
use quadrant_codegen::object::Unit;
use quadrant_codegen::target::Target;
use quadrant_probes::FunctionTracer;
use quadrant_probes::attach::Means;
use quadrant_probes::attach::close;
use quadrant_probes::attach::stop;
use quadrant_program::Program;
use quadrant_program::probe::Point;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::Site;
use quadrant_program::sampling;
use quadrant_types::Types;

use crate::attaching::Attaching;
use crate::attaching::Attachment;
use crate::backlog::Backlog;
use crate::callers;
use crate::clock;
use crate::controls::Controls;
use crate::crowd;
use crate::entries;
use crate::error::Error;
use crate::inside::Inside;
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::load;
use crate::machine::Machine;
use crate::object::imports;
use crate::object::imports::Content;
use crate::overhead::Meter;
use crate::overhead::Overhead;
use crate::overhead::ProbeCost;
use crate::pins;
use crate::plan;
use crate::plan::PlanOptions;
use crate::plan::Planned;
use crate::privileges;
use crate::probed::Probed;
use crate::processes::Processes;
use crate::programs::Loaded;
use crate::reader::Packets;
use crate::reader::Reader;
use crate::records;
use crate::records::Progress;
use crate::run;
use crate::run::End;
use crate::run::Loop;
use crate::run::Watch;
use crate::sink::Sink;
use crate::sink::View;
use crate::source::Source;
use crate::target;

/// A compiled script: the programs to load and what they need.
pub struct Compiled {
    /// The program.
    pub program: Rc<Program>,
    /// One for each eBPF program (for functions by trampoline: for many like ones).
    pub units: Vec<Planned>,
    /// Maps and code.
    pub object: Object,
    /// What is measured.
    pub overhead: Overhead,
    /// Points that were moved behind an instruction which the kernel would have to execute in single step.
    pub moved: BTreeSet<u32>,
    /// What maps of files in C hold at first.
    contents: Vec<Content>,
}

/// What the user wants of a trace besides the script.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Profiles and counters are limited to this process.
    pub pid: Option<u32>,
    /// Tracepoints and kernel functions are for this process only: one of the user's, never a command that was started.
    pub process: Option<u32>,
    /// Keep the compiler's optimized form in [`quadrant_codegen::Code::ssa`].
    pub keep_ssa: bool,
    /// Probes are limited to tasks in these control groups.
    pub cgroup: Option<Subtree>,
    /// What the trace costs is told or limited.
    pub overhead: Overhead,
    /// Probes on user functions stay at the very first instruction.
    pub exact_entries: bool,
}

/// Processes with which the trace ends.
#[derive(Debug, Default)]
pub struct Focus {
    /// Processes that run already.
    pub processes: Vec<PidFd>,
    /// Processes that are let go, in order, when all is attached.
    pub children: Vec<Child>,
    /// With which of them.
    pub until: Until,
    /// Without a process, also end when nothing more can happen: no probe but BEGIN and END. A script whose walks are over ends in any
    /// case.
    pub ends_when_idle: bool,
}

/// Which end of a process is the end of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
}

/// How a trace ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status: exit()'s, else the command's, else 0.
    pub status: i32,
    /// The status that exit() gave, if the script called it.
    pub exit: Option<i32>,
    /// Why it ended; `None` when the reader of the answers had seen enough.
    pub end: Option<End>,
    /// What was lost.
    pub ledger: Ledger,
}

/// Plan and compile a program for this kernel.
///
/// # Errors
/// What cannot be compiled for this kernel, and what the kernel would not say.
pub fn compile(program: Rc<Program>, features: &Features, types: &Types, options: Options) -> Result<Compiled, Error> {
    // Before 5.11 the kernel refuses maps, and so features, within the usual limit.
    quadrant_bpf::limits::bump_memlock();
    let (kprobes, maxactive) = (program.config.kprobes, program.config.maxactive);
    let Options { pid, process, keep_ssa, cgroup, overhead, exact_entries } = options;
    let mut program = program;
    let moved = if exact_entries { BTreeSet::new() } else { entries::shift(&mut program) };
    let machine = Machine { features, types, tracer: FunctionTracer::default(), made: OnceCell::new() };
    if cgroup.is_some() && !features.helper(ProgramKind::Kprobe, helper::GET_CURRENT_ANCESTOR_CGROUP_ID) {
        return Err(no_cgroups());
    }
    let lacking_caller = &callers::lacking(&program, types);
    let options = PlanOptions {
        abilities: &machine,
        raw_tracepoints: true,
        pid,
        process,
        cgroup,
        kprobes,
        maxactive,
        lacking_caller,
    };
    let mut target = target::target(&program, features, types)?;
    target.sampling = overhead.limit.is_some() && sampling::obstacle(&program).is_none();
    let units = plan::plan(&program, options);
    if units.iter().any(|planned| planned.means == Means::KprobeSession) {
        target.session_is_return = machine.session_is_return();
    }
    let back_end = quadrant_codegen::ssa::Options { keep_text: keep_ssa, ..Default::default() };
    let of_units: Vec<Unit> = units.iter().map(|planned| planned.unit.clone()).collect();
    let mut object = compile_units(&program, &of_units, &target, &back_end)?;
    let contents = imports::link(&program, &mut object)?;
    Ok(Compiled { program, units, object, overhead, moved, contents })
}

fn no_cgroups() -> Error {
    let error =
        ProbeError::new("this kernel does not tell programs which cgroups a task is in (that came with Linux 5.14)");
    let help = "compare with one cgroup in the script: `/cgroup == cgroupid(\"PATH\")/`";
    Error::Probe(error.help([help.to_owned()]))
}

pub(crate) fn compile_units(
    program: &Program,
    units: &[Unit],
    target: &Target,
    back_end: &quadrant_codegen::ssa::Options,
) -> Result<Object, Error> {
    quadrant_codegen::compile_with(program, units, target, back_end).map_err(|error| Error::Script {
        span: error.span,
        message: error.message,
        help: error.help,
    })
}

/// A loaded trace.
pub struct Trace {
    pub(crate) program: Rc<Program>,
    pub(crate) units: Vec<Planned>,
    pub(crate) kernel: Kernel,
    overhead: Overhead,
}

impl Trace {
    /// Create the maps and load the programs.
    ///
    /// # Errors
    /// What the kernel refused, and why.
    pub fn load(compiled: Compiled) -> Result<Trace, Error> {
        Trace::load_from(compiled, None)
    }

    /// As [`Trace::load`], and tells the kernel which line of the script each instruction is from.
    ///
    /// # Errors
    /// Those of [`Trace::load`].
    pub fn load_described(compiled: Compiled, source: Source) -> Result<Trace, Error> {
        Trace::load_from(compiled, Some(source))
    }

    /// The memory that each of [`quadrant_codegen::Object::maps`] takes now, in bytes, where the kernel says so.
    pub fn map_memory(&self) -> Vec<Option<u64>> {
        self.kernel.maps.iter().map(Map::memory).collect()
    }

    fn load_from(compiled: Compiled, source: Option<Source>) -> Result<Trace, Error> {
        let Compiled { program, units, object, overhead, moved: _, contents } = compiled;
        quadrant_bpf::limits::bump_nofile();
        // To load thousands of programs takes seconds.
        let _noting = Noting::begin(&run::ending(&own_signals(&program)))?;
        let kernel = load::load(&program, &units, object, source, &contents)?;
        Ok(Trace { program, units, kernel, overhead })
    }

    /// What the programs have become in the kernel.
    ///
    /// # Errors
    /// Those of asking it.
    pub fn insides(&self) -> Result<Vec<Inside>, Error> {
        self.kernel.programs.iter().map(Inside::of).collect()
    }

    /// Run until the script, a signal or the target ends it.
    ///
    /// # Errors
    /// What could not be attached, read or written. A closed pipe is no error.
    pub fn run(self, sink: &mut dyn Sink, focus: Focus) -> Result<Outcome, Error> {
        let walks = self.program.points.iter().any(|point| matches!(point.site, Site::Iter { .. }));
        let may_be_idle = (focus.ends_when_idle || walks) && focus.processes.is_empty() && focus.children.is_empty();
        let ends_at_once = may_be_idle && self.is_idle();
        let mut watch = Watch::new(focus, &own_signals(&self.program))?;
        let reader = (Reader::open(&self.kernel)?, Packets::open(&self.kernel)?);
        self.start_clock()?;
        let mut running = self.running(reader, sink);
        let mut attached = Vec::new();
        let ended = self.until_end(&mut running, &mut watch, &mut attached, ends_at_once);
        // What BEGIN said is still to be shown if attaching failed.
        let ended = ended.or_else(|error| running.sink.flush().map_err(Error::from).and(Err(error)));
        // From here on a signal ends the process: to stop thousands of probes can take some kernels long.
        let released = watch.signals.release();
        // What was said is shown before: the kernel takes tens of milliseconds to stop a user probe.
        let ended = ended.and_then(|end| Ok(running.sink.flush().map(|()| end)?));
        stop(attached.iter_mut().map(|one| &mut one.attached));
        let ended = ended.and_then(|end| Ok(released.map(|()| end)?));
        let answered = ended.and_then(|end| self.answer(&mut running, &attached, end));
        let outcome = match answered {
            Err(error) if records::is_broken_pipe(&error) => Ok(self.left(&running, &attached)),
            answered => answered,
        };
        close(attached.into_iter().map(|one| one.attached).collect());
        outcome
    }

    /// The outcome when the reader has seen enough.
    pub(crate) fn left(&self, running: &Loop, attached: &[Attachment]) -> Outcome {
        Outcome { status: 0, exit: None, end: None, ledger: self.ledger(running, attached) }
    }

    /// `elapsed` counts from now on.
    pub(crate) fn start_clock(&self) -> Result<(), Error> {
        self.kernel.data.start_ns.map_or(Ok(()), |offset| self.kernel.set_word(offset, clock::boot_ns()))
    }

    /// The loop, before anything has happened.
    pub(crate) fn running<'a>(&'a self, (reader, packets): (Reader, Packets), sink: &'a mut dyn Sink) -> Loop<'a> {
        let (progress, processes, left) = (Progress::default(), Processes::default(), Cell::new(0));
        let controls = Controls::of(&self.program, &self.kernel.data);
        let (program, units, kernel) = (&*self.program, &*self.units, &self.kernel);
        let (probed, meter, leaving, backlog) = (Probed::default(), None, false, None);
        Loop {
            program,
            units,
            kernel,
            reader,
            packets,
            sink,
            controls,
            progress,
            processes,
            probed,
            meter,
            leaving,
            left,
            backlog,
        }
    }

    /// Whether nothing happens between BEGIN and END.
    fn is_idle(&self) -> bool {
        self.program.points.iter().all(|point| point.site.is_over_at_once())
    }

    /// BEGIN, attach, and the loop.
    fn until_end(
        &self,
        running: &mut Loop,
        watch: &mut Watch,
        attached: &mut Vec<Attachment>,
        ends_at_once: bool,
    ) -> Result<End, Error> {
        running.meter = Meter::start(self.overhead, &self.program)?;
        pins::check(&self.program)?;
        self.kernel.run(&self.program, &self.units, |site| *site == Site::Begin)?;
        // What BEGIN wants is done before there are probes. What it says is shown when all are there: who reads it can rely on them.
        if let Some(end) = running.handle_or_end(watch)? {
            pins::tell_not_made(&self.program, running.sink);
            return Ok(end);
        }
        running.probed = Probed::of(&self.program);
        crowd::tell(&self.program, running.sink);
        running.processes = Processes::open(&self.program, &self.units, &self.kernel)?;
        if running.processes.are_followed() {
            watch.processes().for_each(|pid| running.sink.seen(pid));
            running.probed.paths().for_each(|file| running.sink.probed(file));
        }
        if !self.attach(running, watch, attached)? {
            pins::tell_not_made(&self.program, running.sink);
            return Ok(End::Signal);
        }
        running.meter.iter_mut().for_each(|meter| meter.attached(&self.kernel));
        let refused = attached.iter().map(|one| one.attached.passed_over().len()).sum::<usize>();
        let passed_over = refused + self.kernel.left_out.len();
        running.sink.attached(self.view(), self.program.points.len().saturating_sub(passed_over))?;
        pins::announce(&pins::make(self, attached)?, running.sink)?;
        self.shed(running, watch)?;
        if let Some(end) = self.walk(running, watch, attached)? {
            return Ok(end);
        }
        if ends_at_once {
            return Ok(End::Exit(0));
        }
        watch.release_children()?;
        running.run(watch, attached)
    }

    /// Gives up the capabilities that nothing needs from here on.
    fn shed(&self, running: &Loop, watch: &Watch) -> Result<(), Error> {
        let needed = privileges::needed(&self.program, watch.has_commands());
        let Some(needed) = needed.filter(|_| running.sink.only_shows()) else { return Ok(()) };
        let refused = |error| quadrant_bpf::Error::io("cannot give up capabilities", &io::Error::from(error));
        privileges::keep_only(needed | privileges::of_tracefs()).map_err(refused)?;
        Ok(())
    }

    /// END, the last records, the maps and the ledger.
    fn answer(&self, running: &mut Loop, attached: &[Attachment], end: End) -> Result<Outcome, Error> {
        let cost = running.meter.take().map(|meter| meter.cost(self.costs(attached)));
        running.processes.finish(running.sink);
        running.probed.look_now(running.sink);
        running.leaving = end == End::Signal;
        running.backlog.get_or_insert_with(Backlog::new);
        running.drain()?;
        running.leaving = false;
        let unprinted = running.backlog.take().map_or(0, |backlog| backlog.left());
        // An exit() in END has the last word.
        let before = running.progress.exit.take();
        self.kernel.run(&self.program, &self.units, |site| *site == Site::End)?;
        running.drain()?;
        running.progress.exit = running.progress.exit.or(before);
        running.sink.ending(self.view())?;
        if self.program.config.print_maps_on_exit {
            running.print_maps()?;
        }
        if let Some(cost) = cost {
            running.sink.cost(&cost)?;
        }
        let ledger = Ledger { unprinted, ..self.ledger(running, attached) };
        running.sink.ledger(self.view(), &ledger)?;
        running.sink.flush()?;
        let status = match (running.progress.exit, end) {
            (Some(status), _) | (None, End::Exit(status) | End::Target(Some(status))) => status,
            _ => 0,
        };
        Ok(Outcome { status, exit: running.progress.exit, end: Some(end), ledger })
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.program, &self.kernel)
    }

    /// Attach everything that the tracer does not run itself; false if a signal came first.
    fn attach(&self, running: &mut Loop, watch: &mut Watch, attached: &mut Vec<Attachment>) -> Result<bool, Error> {
        let (sink, signals) = (&mut *running.sink, &mut watch.signals);
        let mut attaching =
            Attaching { program: &self.program, units: &self.units, kernel: &self.kernel, sink, signals };
        attaching.run(attached)
    }

    /// Runs the iterators, one after the other in the order of the script.
    fn walk(&self, running: &mut Loop, watch: &mut Watch, attached: &[Attachment]) -> Result<Option<End>, Error> {
        for one in attached {
            let loaded = &self.kernel.programs[one.loaded];
            if let Site::Iter { pin: None, .. } = self.point(loaded.unit, loaded.first).site
                && let Some(end) = running.walk(watch, one.attached.walk()?)?
            {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    pub(crate) fn point(&self, unit: usize, index: usize) -> &Point {
        &self.program.points[self.units[unit].unit.points[index].0 as usize]
    }

    pub(crate) fn ledger(&self, running: &Loop, attached: &[Attachment]) -> Ledger {
        let mut ledger = self.kernel.losses();
        running.controls.settle(&mut ledger);
        ledger.malformed = running.progress.malformed + running.reader.damaged() + running.packets.damaged();
        ledger.left = running.left.get();
        ledger.unfollowed = running.processes.lost();
        for loaded in &self.kernel.programs {
            let missed = loaded.program.info().map_or(0, |info| info.recursion_misses);
            if missed > 0 {
                ledger.missed.push((self.name_of_all(loaded), missed));
            }
        }
        attached.iter().for_each(|one| self.add_missed(one, &mut ledger));
        ledger.firings.extend(self.passed_over(attached));
        ledger
    }

    /// Firings of perf events at which the kernel did not run the program, which it counts nowhere.
    fn passed_over(&self, attached: &[Attachment]) -> impl Iterator<Item = (String, u64)> {
        let runs = self.kernel.data.runs.iter();
        runs.filter_map(|(unit, at)| {
            let mut of_unit = attached.iter().filter(|one| self.kernel.programs[one.loaded].unit == *unit).peekable();
            let name = self.name_of_all(&self.kernel.programs[of_unit.peek()?.loaded]);
            let due: u64 = of_unit.map(|one| one.attached.due()).sum();
            let missed = due.saturating_sub(self.kernel.word(*at));
            (missed > 0).then_some((name, missed))
        })
    }

    /// What the kernel did not even give to the programs.
    fn add_missed(&self, one: &Attachment, ledger: &mut Ledger) {
        let loaded = &self.kernel.programs[one.loaded];
        for (index, count) in one.attached.missed() {
            let site = &self.point(loaded.unit, loaded.first + index).site;
            let list = match site {
                Site::Kretprobe(_) | Site::Fexit(_) => &mut ledger.returns,
                // What a session cannot keep track of is lost at the entry, too.
                _ if self.units[loaded.unit].means == Means::KprobeSession => &mut ledger.returns,
                _ => &mut ledger.missed,
            };
            list.push((self.name(loaded, *index), *count));
        }
    }

    /// What the programs have cost that were attached.
    fn costs(&self, attached: &[Attachment]) -> impl Iterator<Item = ProbeCost> {
        attached.iter().filter_map(|one| {
            let loaded = &self.kernel.programs[one.loaded];
            let info = loaded.program.info().ok()?;
            Some(ProbeCost {
                name: self.name_of_all(loaded),
                points: loaded.count,
                runs: info.run_cnt,
                run_time_ns: info.run_time_ns,
                misses: info.recursion_misses,
                traps: self.point(loaded.unit, loaded.first).site.traps(),
            })
        })
    }

    /// The name of a point; of the first, where all points of a program are counted together.
    fn name(&self, loaded: &Loaded, index: usize) -> String {
        if index > 0 || self.units[loaded.unit].means.counts_each() {
            return self.point(loaded.unit, loaded.first + index).name.clone();
        }
        self.name_of_all(loaded)
    }

    /// The name of a program's points together.
    fn name_of_all(&self, loaded: &Loaded) -> String {
        let name = &self.point(loaded.unit, loaded.first).name;
        match loaded.count {
            1 => name.clone(),
            count => format!("{name} and {} more", count - 1),
        }
    }
}

/// The signals that the script has clauses for.
fn own_signals(program: &Program) -> Vec<i32> {
    let signal = |point: &Point| match point.site {
        Site::Signal(number) => Some(number),
        _ => None,
    };
    program.points.iter().filter_map(signal).collect()
}
