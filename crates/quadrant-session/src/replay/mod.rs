//! A trace without a kernel: recorded events run through the compiled program in the user-space eBPF machine.
//!
//! What comes out goes to a [`Sink`], as in a live trace. Nothing here asks the kernel, and no privilege is needed.

mod machine;
mod world;

use quadrant_codegen::Context;
use quadrant_codegen::object::Unit;
use quadrant_program::Program;
use quadrant_program::probe::Site;
use quadrant_program::program::Fault;
use quadrant_program::recording::Split;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::processes::Processes;
use crate::records;
use crate::records::Progress;
use crate::sink::Sink;
use crate::sink::View;
use crate::trace::compile_units;
use crate::world::World;
use machine::Machine;

/// Records that are read at a time, as in a trace.
const BATCH: usize = 4096;

/// What happened once at a point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its line in the recording.
    pub line: usize,
    /// When the recorder read it; `None` is at once.
    pub turn: Option<Turn>,
    /// In it the recorded script ended the trace: what follows had begun on other CPUs.
    pub ends: bool,
    /// Index of the point in the program.
    pub point: u32,
    /// The boot clock, in nanoseconds.
    pub time_ns: u64,
    /// The CPU.
    pub cpu: u32,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Inputs and their slots ([`quadrant_program::recording::Input::slot`]); those that are not there are 0.
    pub inputs: Vec<(usize, Given)>,
    /// Addresses of the kernel's stack, innermost first.
    pub kernel_stack: Vec<u64>,
    /// Addresses of the process's stack, innermost first.
    pub user_stack: Vec<u64>,
}

/// When the recorder read what there was: whatever a script has its tracer do, it does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which.
    pub number: usize,
    /// The boot clock, in nanoseconds.
    pub time_ns: u64,
}

/// The machine on which the events happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Possible CPUs, at least 1.
    pub cpus: u32,
    /// What turns the boot clock into nanoseconds since 1970.
    pub wall_offset_ns: i64,
    /// The recorder lost records: lists may be too short, and reads behind them fail.
    pub lossy: bool,
}

/// A value that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// What is held in a register.
    Number(u64),
    /// A text without NUL, or memory.
    Bytes(Vec<u8>),
    /// It could not be read.
    Missing,
    /// Evaluating it was a fault, of this kind and at this address.
    Fault(Fault, u64),
    /// What the clause learned on its way, one after the other.
    Series(Vec<Given>),
}

/// A replay under way.
pub struct Replay<'a> {
    program: &'a Program,
    /// Which program of the machine serves each point, and which of its points that is.
    units: Vec<Option<(usize, u64)>>,
    world: world::Replayed,
    sink: &'a mut dyn Sink,
    progress: Progress,
    processes: Processes,
    /// Records that are to be read at the next turn, and when that is.
    unread: Vec<Vec<u8>>,
    turn: Option<Turn>,
    /// The script has ended the trace where the recorded one did: the events that are left ran all the same.
    runs_on: bool,
}

/// How a replay ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The status that exit() gave; 0 without.
    pub status: i32,
    /// What was lost, of that what the programs count.
    pub ledger: Ledger,
}

impl<'a> Replay<'a> {
    /// Compiles a program, and runs its BEGIN: what that learned is an event, too.
    ///
    /// # Errors
    /// What cannot be compiled, and those of writing.
    pub fn start(split: &'a Split, host: Host, begin: &Event, sink: &'a mut dyn Sink) -> Result<Replay<'a>, Error> {
        let program = &split.replayer;
        let (compiled, units) = units(split);
        let target = machine::target(host, program.config.max_map_keys);
        let object = compile_units(program, &compiled, &target, &Default::default())?;
        let world = world::Replayed::new(Machine::new(object, host, split));
        let (progress, processes) = (Progress::default(), Processes::default());
        let (unread, turn) = (Vec::new(), None);
        let mut replay = Replay { program, units, world, sink, progress, processes, unread, turn, runs_on: false };
        replay.run_once(&Site::Begin, begin)?;
        Ok(replay)
    }

    /// Runs an event; false when the script has called exit(), and no more are wanted.
    ///
    /// # Errors
    /// Those of writing.
    pub fn event(&mut self, event: &Event) -> Result<bool, Error> {
        if event.turn != self.turn || self.unread.len() >= BATCH {
            self.read()?;
        }
        self.turn = event.turn;
        if self.goes_on() {
            let may_end = event.ends && !self.world.has_stopped();
            self.run(event)?;
            self.runs_on |= may_end && self.world.has_stopped();
        }
        if self.runs_on {
            self.world.go_on();
        }
        Ok(self.goes_on() && !self.sink.is_full())
    }

    fn goes_on(&self) -> bool {
        self.progress.exit.is_none() || self.runs_on
    }

    /// Runs END on what that learned, prints the maps, and tells what was lost.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self, end: &Event) -> Result<Outcome, Error> {
        self.read()?;
        self.turn = None;
        self.run_once(&Site::End, end)?;
        let view = View::new(self.program, &self.world);
        self.sink.ending(view)?;
        if self.program.config.print_maps_on_exit {
            records::print_maps(view, self.sink)?;
        }
        let ledger = Ledger { malformed: self.progress.malformed, ..self.world.losses() };
        self.sink.ledger(view, &ledger)?;
        self.sink.flush()?;
        Ok(Outcome { status: self.progress.exit.unwrap_or(0), ledger })
    }

    fn run_once(&mut self, site: &Site, event: &Event) -> Result<(), Error> {
        let point = self.program.points.iter().position(|point| point.site == *site);
        point.map_or(Ok(()), |point| self.run(&Event { point: point as u32, ..event.clone() }))
    }

    fn run(&mut self, event: &Event) -> Result<(), Error> {
        let Some((unit, cookie)) = self.units.get(event.point as usize).copied().flatten() else { return Ok(()) };
        self.unread.extend(self.world.run(unit, cookie, event)?);
        if self.turn.is_none() { self.read() } else { Ok(()) }
    }

    /// Does what the records say that there are.
    fn read(&mut self) -> Result<(), Error> {
        if let Some(turn) = self.turn {
            self.world.set_now(turn.time_ns);
        }
        for record in std::mem::take(&mut self.unread) {
            let view = View::new(self.program, &self.world);
            records::handle(view, self.sink, &mut self.progress, &mut self.processes, &record)?;
        }
        records::clear(View::new(self.program, &self.world), &mut self.progress)
    }
}

/// A unit for each group; and for each point its unit and its place there.
fn units(split: &Split) -> (Vec<Unit>, Vec<Option<(usize, u64)>>) {
    let program = &split.replayer;
    let mut of_points = vec![None; program.points.len()];
    let mut units = Vec::new();
    for group in &split.groups {
        let places = group.points.iter().zip(0..);
        places.for_each(|(point, place)| of_points[point.0 as usize] = Some((units.len(), place)));
        units.push(Unit::new(Context::Tracepoint, group.clauses.clone(), group.points.clone()));
    }
    (units, of_points)
}
