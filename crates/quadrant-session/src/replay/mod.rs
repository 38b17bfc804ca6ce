//! A trace without a kernel: recorded events run through the compiled program in the user-space eBPF machine.
//!
//! What comes out goes to a [`Sink`], as in a live trace. Nothing here asks the kernel, and no privilege is needed.

mod machine;
mod world;

use quadrant_codegen::Context;
use quadrant_codegen::object::Unit;
use quadrant_program::Program;
use quadrant_program::map::MapId;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::recording::Group;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::processes::Processes;
use crate::records;
use crate::records::Progress;
use crate::sink::MapPrint;
use crate::sink::Sink;
use crate::sink::View;
use crate::trace::compile_units;
use crate::world::World;
use machine::Machine;

/// What happened once at a point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
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
    /// The inputs of the point's [`Group`], in order.
    pub inputs: Vec<Given>,
    /// Addresses of the kernel's stack, innermost first.
    pub kernel_stack: Vec<u64>,
    /// Addresses of the process's stack, innermost first.
    pub user_stack: Vec<u64>,
}

/// The machine on which the events happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Possible CPUs, at least 1.
    pub cpus: u32,
    /// What turns the boot clock into nanoseconds since 1970.
    pub wall_offset_ns: i64,
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
}

/// A replay under way.
pub struct Replay<'a> {
    program: &'a Program,
    /// Which program of the machine serves each point.
    units: Vec<Option<usize>>,
    begin: Option<usize>,
    end: Option<usize>,
    world: world::Replayed,
    sink: &'a mut dyn Sink,
    progress: Progress,
    processes: Processes,
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
    /// Compiles a program that [`quadrant_program::recording::replayer`] made, and runs its BEGIN.
    ///
    /// # Errors
    /// What cannot be compiled, and those of writing.
    pub fn start(
        program: &'a Program,
        groups: &[Group],
        host: Host,
        sink: &'a mut dyn Sink,
    ) -> Result<Replay<'a>, Error> {
        let (units, of_points) = units(program, groups);
        let object = compile_units(program, &units, &machine::target(host), &Default::default())?;
        let machine = Machine::new(object, host.cpus as usize);
        let run =
            |is: fn(&Site) -> bool| units.iter().position(|unit| unit.points.iter().any(|p| is(site(program, *p))));
        let (begin, end) = (run(|site| *site == Site::Begin), run(|site| *site == Site::End));
        let world = world::Replayed::new(machine);
        let (progress, processes) = (Progress::default(), Processes::default());
        let mut replay = Replay { program, units: of_points, begin, end, world, sink, progress, processes };
        replay.run_unit(replay.begin, &Event::default())?;
        Ok(replay)
    }

    /// Runs an event; false when the script has called exit(), and no more are wanted.
    ///
    /// # Errors
    /// Those of writing.
    pub fn event(&mut self, event: &Event) -> Result<bool, Error> {
        let unit = self.units.get(event.point as usize).copied().flatten();
        if self.progress.exit.is_none() {
            self.run_unit(unit, event)?;
        }
        Ok(self.progress.exit.is_none() && !self.sink.is_full())
    }

    /// Runs END, prints the maps, and tells what was lost.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> Result<Outcome, Error> {
        self.run_unit(self.end, &Event::default())?;
        let view = View { program: self.program, world: &self.world };
        self.sink.ending(view)?;
        if self.program.config.print_maps_on_exit {
            self.print_maps()?;
        }
        let view = View { program: self.program, world: &self.world };
        let ledger = Ledger { malformed: self.progress.malformed, ..self.world.losses() };
        self.sink.ledger(view, &ledger)?;
        self.sink.flush()?;
        Ok(Outcome { status: self.progress.exit.unwrap_or(0), ledger })
    }

    fn run_unit(&mut self, unit: Option<usize>, event: &Event) -> Result<(), Error> {
        let Some(unit) = unit else { return Ok(()) };
        for record in self.world.run(unit, event)? {
            records::handle(self.program, &self.world, self.sink, &mut self.progress, &mut self.processes, &record)?;
        }
        Ok(())
    }

    fn print_maps(&mut self) -> Result<(), Error> {
        let mut ids: Vec<u32> = (0..self.program.maps.len() as u32).collect();
        ids.sort_by_key(|id| &self.program.maps[*id as usize].name);
        for map in ids.into_iter().map(MapId) {
            let snapshot = self.world.snapshot(self.program, map)?;
            if snapshot.len > 0 {
                let view = View { program: self.program, world: &self.world };
                self.sink.map(view, &MapPrint { map, snapshot: &snapshot, top: 0, div: 0, record: None })?;
            }
        }
        Ok(())
    }
}

fn site(program: &Program, point: PointId) -> &Site {
    &program.points[point.0 as usize].site
}

/// A unit for BEGIN, one for END, and one for each other point; and which of them serves each point.
fn units(program: &Program, groups: &[Group]) -> (Vec<Unit>, Vec<Option<usize>>) {
    let unit = |context, clauses, points| Unit { context, clauses, points, pid: None, cgroup: None, sleepable: false };
    let mut units = Vec::new();
    let mut of_points = vec![None; program.points.len()];
    for (index, point) in program.points.iter().enumerate() {
        if matches!(point.site, Site::Begin | Site::End) {
            let id = PointId(index as u32);
            let clauses = (0..program.clauses.len()).filter(|clause| program.clauses[*clause].points.contains(&id));
            units.push(unit(Context::Run, clauses.collect(), vec![id]));
        }
    }
    for group in groups {
        for point in &group.points {
            of_points[point.0 as usize] = Some(units.len());
            units.push(unit(Context::Tracepoint, group.clauses.clone(), vec![*point]));
        }
    }
    (units, of_points)
}
