//! Following processors: what fires on each of them goes on where one is switched off and on again, or for the first time.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use quadrant_bpf::hotplug::Change;
use quadrant_bpf::hotplug::Hotplug;
use quadrant_probes::attach::Semaphores;
use quadrant_program::Program;
use quadrant_program::probe::ProbeError;

use crate::attaching;
use crate::attaching::Attachment;
use crate::kernel::Kernel;
use crate::plan::Planned;
use crate::processes::Processes;
use crate::sink::Sink;

/// What is told of processors; nothing when nothing depends on them.
pub(crate) struct Processors(Option<Hotplug>);

impl Processors {
    /// Listens, if something that is attached or followed is of processors. A sandbox without netlink has them as they are, and is told.
    pub(crate) fn open(attached: &[Attachment], processes: &Processes, sink: &mut dyn Sink) -> Processors {
        let matter = processes.are_followed() || attached.iter().any(|one| one.attached.is_of_processors());
        if !matter {
            return Processors(None);
        }
        let listening = Hotplug::open();
        if let Err(error) = &listening {
            sink.advised(&format!(
                "CPUs that are switched on later will not be traced by timers, counters and stacks: {error}"
            ));
        }
        Processors(listening.ok())
    }

    /// Becomes readable when one is switched on or off.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(Hotplug::as_fd)
    }

    /// The next change.
    pub(crate) fn next(&self) -> Option<Change> {
        self.0.as_ref()?.next()
    }
}

/// Attaches anew what a change concerns, and says so: what would have fired meanwhile is missing.
pub(crate) fn follow(
    (program, units, kernel): (&Program, &[Planned], &Kernel),
    attached: &mut [Attachment],
    sink: &mut dyn Sink,
    change: Change,
) {
    for one in attached.iter_mut().filter(|one| one.attached.is_of_processors()) {
        let loaded = &kernel.programs[one.loaded];
        let sites = attaching::sites(program, units, loaded);
        let semaphores = Semaphores::default();
        let request = attaching::request(&units[loaded.unit], loaded, &sites, false, &semaphores);
        let name = |index: usize| {
            let points = &units[loaded.unit].unit.points;
            program.points[points[loaded.first + index].0 as usize].name.as_str()
        };
        match one.attached.follow(&request, change) {
            Ok(points) => points.into_iter().for_each(|point| sink.warned(&moved(name(point), change))),
            Err(error) => sink.warned(&left_out(name(0), change, &error)),
        }
    }
}

fn moved(name: &str, change: Change) -> String {
    match change {
        Change::On(cpu) => format!("CPU {cpu} was switched on: {name} fires there from now on"),
        Change::Off(cpu) => format!("CPU {cpu} was switched off: {name} fires on another one from now on"),
    }
}

fn left_out(name: &str, change: Change, error: &ProbeError) -> String {
    let why = &error.message;
    match change {
        Change::On(cpu) => format!("CPU {cpu} was switched on, but {name} does not fire there: {why}"),
        Change::Off(cpu) => format!("CPU {cpu} was switched off, and {name} fires no more: {why}"),
    }
}
