//! A trace from start to end.

use std::rc::Rc;

use quadrant_bpf::features::Features;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_codegen::object::Context;
use quadrant_codegen::object::Object;
use quadrant_codegen::target::Target;
use quadrant_codegen::object::Unit;
use quadrant_probes::attach::Attached;
use quadrant_probes::attach::Request;
use quadrant_probes::attach::attach;
use quadrant_probes::attach::close;
use quadrant_program::Program;
use quadrant_program::probe::Site;
use quadrant_types::Types;

use crate::clock;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::load;
use crate::load::Loading;
use crate::plan;
use crate::plan::PlanOptions;
use crate::processes::Processes;
use crate::reader::Reader;
use crate::records;
use crate::records::Progress;
use crate::run::End;
use crate::run::Loop;
use crate::run::Watch;
use crate::sink::Sink;
use crate::sink::View;
use crate::target;

/// A compiled script: the programs to load and what they need.
pub struct Compiled {
    /// The program.
    pub program: Rc<Program>,
    /// One for each eBPF program.
    pub units: Vec<Unit>,
    /// Maps and code.
    pub object: Object,
    loading: Loading,
}

/// Processes with which the trace ends.
#[derive(Debug, Default)]
pub struct Focus {
    /// A process that runs already.
    pub process: Option<PidFd>,
    /// A process that is let go when all is attached.
    pub child: Option<Child>,
}

/// How a trace ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status: exit()'s, else the command's, else 0.
    pub status: i32,
    /// What was lost.
    pub ledger: Ledger,
}

/// Plan and compile a program for this kernel. Profiles and counters are limited to the process `pid`.
///
/// # Errors
/// What cannot be compiled for this kernel, and what the kernel would not say.
pub fn compile(program: Rc<Program>, features: &Features, types: &Types, pid: Option<u32>) -> Result<Compiled, Error> {
    let attach_cookie = |kind| features.attach_cookie(kind);
    let options = PlanOptions { attach_cookie: &attach_cookie, raw_tracepoints: true, pid };
    let target = target::target(&program, features, types)?;
    let uprobe_multi = target::uses_uprobes(&program) && features.uprobe_multi();
    let units = plan::plan(&program, options);
    let object = compile_units(&program, &units, &target)?;
    Ok(Compiled { program, units, object, loading: Loading { uprobe_multi } })
}

fn compile_units(program: &Program, units: &[Unit], target: &Target) -> Result<Object, Error> {
    quadrant_codegen::compile(program, units, target).map_err(|error| Error::Script {
        span: error.span,
        message: error.message,
        help: error.help,
    })
}

/// A loaded trace.
pub struct Trace {
    program: Rc<Program>,
    units: Vec<Unit>,
    kernel: Kernel,
    uprobe_multi: bool,
}

impl Trace {
    /// Create the maps and load the programs.
    ///
    /// # Errors
    /// What the kernel refused, and why.
    pub fn load(compiled: Compiled) -> Result<Trace, Error> {
        let Compiled { program, units, object, loading } = compiled;
        quadrant_bpf::limits::bump_nofile();
        quadrant_bpf::limits::bump_memlock();
        let kernel = load::load(&program, &units, object, loading)?;
        Ok(Trace { program, units, kernel, uprobe_multi: loading.uprobe_multi })
    }

    /// Run until the script, a signal or the target ends it.
    ///
    /// # Errors
    /// What could not be attached, read or written. A closed pipe is no error.
    pub fn run(self, sink: &mut dyn Sink, focus: Focus) -> Result<Outcome, Error> {
        let mut watch = Watch::new(focus.child, focus.process)?;
        let reader = Reader::open(&self.kernel)?;
        if let Some(offset) = self.kernel.data.start_ns {
            self.kernel.set_word(offset, clock::boot_ns())?;
        }
        let (progress, processes) = (Progress::default(), Processes::default());
        let mut running = Loop { program: &self.program, kernel: &self.kernel, reader, sink, progress, processes };
        let mut attached = Vec::new();
        let ended = self.until_end(&mut running, &mut watch, &mut attached);
        attached.iter_mut().for_each(Attached::stop);
        let answered = ended.and_then(|end| self.answer(&mut running, &mut watch, end));
        let ledger = self.ledger(&running);
        close(attached);
        let status = match answered {
            Err(error) if records::is_broken_pipe(&error) => 0,
            answered => answered?,
        };
        Ok(Outcome { status, ledger })
    }

    /// BEGIN, attach, and the loop.
    fn until_end(&self, running: &mut Loop, watch: &mut Watch, attached: &mut Vec<Attached>) -> Result<End, Error> {
        self.run_units(|site| matches!(site, Site::Begin))?;
        running.drain()?;
        if let Some(status) = running.progress.exit {
            return Ok(End::Exit(status));
        }
        running.processes = Processes::open(&self.program, &self.units)?;
        if let (true, Some(pid)) = (running.processes.are_followed(), watch.process()) {
            running.sink.seen(pid);
        }
        self.attach(attached)?;
        running.sink.attached(self.view(), self.program.points.len())?;
        running.sink.flush()?;
        if let Some(child) = &mut watch.child {
            child.release()?;
        }
        running.run(watch)
    }

    /// END, the last records, the maps and the ledger; the exit status.
    fn answer(&self, running: &mut Loop, watch: &mut Watch, end: End) -> Result<i32, Error> {
        watch.signals.release()?;
        running.drain()?;
        self.run_units(|site| matches!(site, Site::End))?;
        running.drain()?;
        running.sink.ending(self.view())?;
        if self.program.config.print_maps_on_exit {
            running.print_maps()?;
        }
        let ledger = self.ledger(running);
        running.sink.ledger(self.view(), &ledger)?;
        running.sink.flush()?;
        Ok(match (running.progress.exit, end) {
            (Some(status), _) | (None, End::Exit(status) | End::Target(Some(status))) => status,
            _ => 0,
        })
    }

    fn view(&self) -> View<'_> {
        View { program: &self.program, kernel: &self.kernel }
    }

    /// Attach everything but BEGIN and END.
    fn attach(&self, attached: &mut Vec<Attached>) -> Result<(), Error> {
        for (unit, program) in self.units.iter().zip(&self.kernel.programs) {
            let sites = self.sites(unit);
            if matches!(sites[0], Site::Begin | Site::End) {
                continue;
            }
            let syscalls = match unit.context {
                Context::Syscalls { exit, .. } => Some(exit),
                _ => None,
            };
            let request = Request { program, sites: &sites, syscalls, multi: self.uprobe_multi };
            attached.push(attach(&request, &TraceFs::open)?);
        }
        Ok(())
    }

    fn sites(&self, unit: &Unit) -> Vec<&Site> {
        unit.points.iter().map(|point| &self.program.points[point.0 as usize].site).collect()
    }

    fn run_units(&self, is: impl Fn(&Site) -> bool) -> Result<(), Error> {
        for (unit, program) in self.units.iter().zip(&self.kernel.programs) {
            if is(self.sites(unit)[0]) {
                program.test_run_raw_tp(&[0; 12])?;
            }
        }
        Ok(())
    }

    fn ledger(&self, running: &Loop) -> Ledger {
        let mut ledger = self.kernel.losses();
        ledger.malformed = running.progress.malformed + running.reader.damaged();
        ledger.unfollowed = running.processes.lost();
        for (unit, program) in self.units.iter().zip(&self.kernel.programs) {
            let missed = program.info().map_or(0, |info| info.recursion_misses);
            if missed > 0 {
                ledger.missed.push((self.program.points[unit.points[0].0 as usize].name.clone(), missed));
            }
        }
        ledger
    }
}
