//! What programs cost: the kernel counts, and is asked again and again.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use quadrant_bpf::Result;
use quadrant_bpf::object::{ObjectKind, ProgramObject};
use quadrant_bpf::prog;

use crate::active::Notes;
use crate::active::objects;

/// Makes the kernel count for as long as it lives.
#[derive(Debug)]
pub struct Sampler {
    _counting: OwnedFd,
    /// Runs and nanoseconds of each program at the last look.
    last: BTreeMap<u32, (u64, u64)>,
    at: Instant,
}

/// The runs of all programs between two looks.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The time between.
    pub seconds: f64,
    /// Those that ran, the most expensive first.
    pub programs: Vec<Run>,
    /// What could not be looked at and why.
    pub notes: Vec<String>,
}

/// The runs of a program.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the kernel says.
    pub object: ProgramObject,
    /// How often it ran.
    pub runs: u64,
    /// Nanoseconds of all runs.
    pub ns: u64,
}

impl Sampler {
    /// Starts to count, and looks the first time.
    ///
    /// # Errors
    /// The kernel does not count: it takes root, and Linux 5.8.
    pub fn start() -> Result<Sampler> {
        let counting = prog::enable_stats()?;
        let mut sampler = Sampler { _counting: counting, last: BTreeMap::new(), at: Instant::now() };
        sampler.sample();
        Ok(sampler)
    }

    /// What ran since the last look.
    pub fn sample(&mut self) -> Runs {
        let mut notes = Notes::default();
        let programs = objects(ObjectKind::Program, |fd| ProgramObject::of(fd.as_fd()), &mut notes);
        let now = Instant::now();
        let counts = programs.iter().map(|program| (program.id, (program.run_cnt, program.run_time_ns))).collect();
        let last = std::mem::replace(&mut self.last, counts);
        let seconds = now.duration_since(std::mem::replace(&mut self.at, now)).as_secs_f64();
        Runs { seconds, programs: difference(&last, programs), notes: notes.notes }
    }
}

/// Numbers are not used again, so a program that was not there before has counted from zero.
fn difference(last: &BTreeMap<u32, (u64, u64)>, programs: Vec<ProgramObject>) -> Vec<Run> {
    let run = |object: ProgramObject| {
        let (runs, ns) = last.get(&object.id).copied().unwrap_or_default();
        let (runs, ns) = (object.run_cnt.saturating_sub(runs), object.run_time_ns.saturating_sub(ns));
        Run { object, runs, ns }
    };
    let mut all: Vec<Run> = programs.into_iter().map(run).filter(|run| run.runs > 0).collect();
    all.sort_by_key(|run| (std::cmp::Reverse(run.ns), run.object.id));
    all
}
