//! Attaching programs, with an eye on the clock and on signals: some kernels need seconds for thousands of functions.

use std::ops::ControlFlow;
use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::tracefs::TraceFs;
use quadrant_bpf::wait::Signals;
use quadrant_probes::attach::Attached;
use quadrant_probes::attach::Request;
use quadrant_probes::attach::Semaphores;
use quadrant_probes::attach::attach;
use quadrant_program::Program;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::ProbeErrorKind;
use quadrant_program::probe::Site;
use quadrant_program::program::MissingProbes;

use crate::error::Error;
use crate::kernel::Kernel;
use crate::plan::Planned;
use crate::programs::Loaded;
use crate::refused;
use crate::sink::Sink;
use crate::uses::Needs;

/// What is attached for a loaded program.
pub(crate) struct Attachment {
    /// Index of the program in [`Kernel::programs`].
    pub(crate) loaded: usize,
    pub(crate) attached: Attached,
}

/// Time after which progress is shown, and between two such messages.
const PATIENCE: Duration = Duration::from_millis(500);
const REPEAT: Duration = Duration::from_millis(200);

const OVERRIDABLE: &str =
    "override() is for functions that allow error injection: /sys/kernel/debug/error_injection/list has them";

/// Attaches all programs of a trace.
pub(crate) struct Attaching<'a> {
    pub(crate) program: &'a Program,
    pub(crate) units: &'a [Planned],
    pub(crate) kernel: &'a Kernel,
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) signals: &'a mut Signals,
}

impl Attaching<'_> {
    /// Attaches everything that the tracer does not run itself to `attachments`; false if a signal came before all was done.
    ///
    /// # Errors
    /// What the kernel refused, and why.
    pub(crate) fn run(&mut self, attachments: &mut Vec<Attachment>) -> Result<bool, Error> {
        let tolerant = self.program.config.missing_probes != MissingProbes::Error;
        refused::told(&self.kernel.left_out).iter().for_each(|line| self.sink.warned(line));
        let total = self.kernel.programs.iter().filter(|loaded| !self.is_run(loaded)).map(|loaded| loaded.count).sum();
        let mut steps = Steps { done: 0, total, next: Instant::now() + PATIENCE, interrupted: false };
        let semaphores = Semaphores::of(self.program.points.iter().map(|point| &point.site));
        for index in self.order() {
            let loaded = &self.kernel.programs[index];
            let sites = sites(self.program, self.units, loaded);
            let request = request(&self.units[loaded.unit], loaded, &sites, tolerant, &semaphores);
            let (sink, signals, until) = (&mut *self.sink, &mut *self.signals, steps.done + loaded.count);
            let attached = attach(&request, &TraceFs::open, &mut || steps.step(sink, signals));
            let attached = attached.map_err(|error| self.explained(error))?;
            self.tell(&attached);
            attachments.push(Attachment { loaded: index, attached });
            if steps.interrupted {
                self.sink.interrupted(steps.done, total);
                return Ok(false);
            }
            // One link for all is one step.
            steps.done = until;
        }
        Ok(true)
    }

    /// The programs that are attached, so that those of one place run in the script's order: of a function's trampoline, the last one that
    /// was attached runs first. Links to many functions come last, and are the first to be taken away: with probes in the whole kernel, all
    /// else takes the kernel many times as long.
    fn order(&self) -> Vec<usize> {
        let programs = self.kernel.programs.iter().enumerate().filter(|(_, loaded)| !self.is_run(loaded));
        let (trampolines, mut others): (Vec<usize>, Vec<usize>) = programs
            .map(|(index, _)| index)
            .partition(|index| matches!(self.site(&self.kernel.programs[*index]), Site::Fentry(_) | Site::Fexit(_)));
        let links = others.extract_if(.., |index| self.is_link_to_many(*index)).collect::<Vec<_>>();
        others.extend(trampolines.into_iter().rev());
        others.extend(links);
        others
    }

    fn is_link_to_many(&self, index: usize) -> bool {
        self.units[self.kernel.programs[index].unit].means.is_one_link_to_functions()
    }

    /// It is run, not attached.
    fn is_run(&self, loaded: &Loaded) -> bool {
        self.site(loaded).is_run()
    }

    /// Its first one.
    fn site(&self, loaded: &Loaded) -> &Site {
        let points = &self.units[loaded.unit].unit.points;
        &self.program.points[points[loaded.first].0 as usize].site
    }

    /// The kernel says EINVAL where a result may not be overridden.
    fn explained(&self, mut error: ProbeError) -> ProbeError {
        if error.kind == ProbeErrorKind::Invalid && Needs::of(self.program).overrides {
            error.help.push(OVERRIDABLE.into());
        }
        error
    }

    /// What was passed over.
    fn tell(&mut self, attached: &Attached) {
        if self.program.config.missing_probes == MissingProbes::Warn {
            attached.passed_over().iter().for_each(|error| self.sink.warned(&error.message));
        }
    }
}

/// The points of a loaded program.
pub(crate) fn sites<'a>(program: &'a Program, units: &[Planned], loaded: &Loaded) -> Vec<&'a Site> {
    let points = units[loaded.unit].unit.points.iter().skip(loaded.first).take(loaded.count);
    points.map(|point| &program.points[point.0 as usize].site).collect()
}

/// To attach a loaded program to its points.
pub(crate) fn request<'a>(
    unit: &Planned,
    loaded: &'a Loaded,
    sites: &'a [&'a Site],
    tolerant: bool,
    semaphores: &'a Semaphores,
) -> Request<'a> {
    let first_cookie = unit.cookies.then_some(loaded.first as u64);
    Request { program: &loaded.program, sites, first_cookie, means: unit.means, tolerant, semaphores }
}

struct Steps {
    done: usize,
    total: usize,
    /// When progress is shown next.
    next: Instant,
    interrupted: bool,
}

impl Steps {
    /// One more point is attached to.
    fn step(&mut self, sink: &mut dyn Sink, signals: &mut Signals) -> ControlFlow<()> {
        self.done += 1;
        if Instant::now() < self.next {
            return ControlFlow::Continue(());
        }
        self.next = Instant::now() + REPEAT;
        sink.attaching(self.done, self.total);
        // A signal is looked for only now and then: it costs a system call.
        self.interrupted = matches!(signals.next(), Ok(Some(_)));
        if self.interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
