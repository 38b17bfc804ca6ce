//! The kernel's own count of the time of programs.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::prog;
use quadrant_program::Program;
use quadrant_program::sampling;
use quadrant_program::sampling::Obstacle;
use rustix::time::ClockId;
use rustix::time::clock_gettime;

use super::Change;
use super::Cost;
use super::Overhead;
use super::ProbeCost;
use super::Step;
use super::limit::Limit;
use crate::error::Error;
use crate::kernel::Kernel;

/// Between two looks at the cost.
const INTERVAL: Duration = Duration::from_millis(500);

/// Measures a running trace.
pub(crate) struct Meter {
    /// The kernel counts while this is open.
    counting: Result<OwnedFd, String>,
    limit: Option<Limit>,
    /// Why no firings are left out.
    obstacle: Option<String>,
    started: Instant,
    /// The last look: when, and what programs had taken until then.
    last: (Instant, u64),
    steps: Vec<Step>,
}

impl Meter {
    /// Starts to count, if that is wanted.
    ///
    /// # Errors
    /// There is a limit, and the kernel does not count.
    pub(crate) fn start(wanted: Overhead, program: &Program) -> Result<Option<Meter>, Error> {
        if !wanted.is_wanted() {
            return Ok(None);
        }
        let counting = match prog::enable_stats() {
            Err(error) if wanted.limit.is_some() => return Err(Error::Kernel(error)),
            counting => counting.map_err(|error| error.to_string()),
        };
        let obstacle = sampling::obstacle(program).map(|obstacle| why_all(program, &obstacle));
        let limit = wanted.limit.map(|share| Limit::new(share, obstacle.is_none()));
        let now = Instant::now();
        Ok(Some(Meter { counting, limit, obstacle, started: now, last: (now, 0), steps: Vec::new() }))
    }

    /// All probes are attached: time counts from now on.
    pub(crate) fn attached(&mut self, kernel: &Kernel) {
        self.started = Instant::now();
        self.last = (self.started, total(kernel));
    }

    /// Compares the cost with the limit, if it is time to; what follows.
    pub(crate) fn look(&mut self, kernel: &Kernel) -> Option<Step> {
        let limit = self.limit.as_mut()?;
        let (since, before) = self.last;
        let elapsed = since.elapsed();
        if elapsed < INTERVAL {
            return None;
        }
        let now = total(kernel);
        self.last = (Instant::now(), now);
        let share = now.saturating_sub(before) as f64 / elapsed.as_nanos() as f64;
        let change = limit.look(share)?;
        let why = self.obstacle.clone().filter(|_| change != Change::Warned);
        let step = Step { change, after: self.started.elapsed(), share, limit: limit.share(), why };
        self.steps.push(step.clone());
        Some(step)
    }

    /// What the trace has cost until now; `probes` are the programs that were attached.
    pub(crate) fn cost(self, probes: impl Iterator<Item = ProbeCost>) -> Cost {
        Cost {
            elapsed: self.started.elapsed(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            probes: self.counting.map(|_| probes.collect()),
            tracer_cpu: tracer_cpu(),
            tracer_peak: tracer_peak(),
            steps: self.steps,
        }
    }
}

/// Nanoseconds of all programs since they were loaded.
fn total(kernel: &Kernel) -> u64 {
    let infos = kernel.programs.iter().filter_map(|loaded| loaded.program.info().ok());
    infos.map(|info| info.run_time_ns).sum()
}

fn why_all(program: &Program, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Map(map) => {
            let name = &program.maps[map.0 as usize].name;
            format!("firings cannot be left out, because {name} carries something from one to another")
        }
        Obstacle::Speculation => "firings cannot be left out, because speculations go from one to another".to_owned(),
        Obstacle::Effects => "no firing can be left out: each does more than answer".to_owned(),
    }
}

fn tracer_cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

/// Of this program: the usual count of the kernel begins before it was executed.
fn tracer_peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kilobytes << 10)
}
