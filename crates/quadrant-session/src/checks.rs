//! Tests and benchmarks: the tracer runs them itself, one after the other, and attaches nothing.

use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::prog::enable_stats;
use quadrant_program::probe::Site;

use crate::error::Error;
use crate::programs::Loaded;
use crate::reader::Packets;
use crate::reader::Reader;
use crate::records;
use crate::run::End;
use crate::run::Loop;
use crate::sink::Check;
use crate::sink::Sink;
use crate::trace::Outcome;
use crate::trace::Trace;

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// `test:` probes, each once.
    Tests,
    /// `bench:` probes, each many times.
    Benchmarks,
}

/// A benchmark is run in such steps until it has been run for so long.
const STEP: u64 = 1_000;
const LONG_ENOUGH: Duration = Duration::from_millis(100);

impl Trace {
    /// Run BEGIN, the tests or the benchmarks in the order of the script, and END. Maps keep what they have from one to the next, and
    /// are not printed at the end.
    ///
    /// # Errors
    /// What could not be run, read or written. A closed pipe is no error.
    pub fn check(self, checks: Checks, sink: &mut dyn Sink) -> Result<Outcome, Error> {
        let reader = (Reader::open(&self.kernel)?, Packets::open(&self.kernel)?);
        self.start_clock()?;
        let mut running = self.running(reader, sink);
        match self.check_all(checks, &mut running) {
            Err(error) if records::is_broken_pipe(&error) => Ok(self.left(&running, &[])),
            checked => checked,
        }
    }

    fn check_all(&self, checks: Checks, running: &mut Loop) -> Result<Outcome, Error> {
        self.kernel.run(&self.program, &self.units, |site| *site == Site::Begin)?;
        running.drain()?;
        let status = match running.progress.exit {
            Some(status) => status,
            None => i32::from(!self.all_pass(checks, running)?),
        };
        self.kernel.run(&self.program, &self.units, |site| *site == Site::End)?;
        running.drain()?;
        running.sink.ending(self.view())?;
        let ledger = self.ledger(running, &[]);
        running.sink.ledger(self.view(), &ledger)?;
        running.sink.flush()?;
        let exit = running.progress.exit;
        let status = exit.unwrap_or(status);
        Ok(Outcome { status, exit: Some(status), end: Some(End::Exit(status)), ledger })
    }

    fn all_pass(&self, checks: Checks, running: &mut Loop) -> Result<bool, Error> {
        let wanted = match checks {
            Checks::Tests => Site::Test,
            Checks::Benchmarks => Site::Bench,
        };
        let chosen = |loaded: &&Loaded| self.point(loaded.unit, loaded.first).site == wanted;
        let all: Vec<&Loaded> = self.kernel.programs.iter().filter(chosen).collect();
        running.sink.check(Check::All(all.len()))?;
        let mut passed = true;
        for loaded in all {
            let name = &self.point(loaded.unit, loaded.first).name;
            let name = name.split_once(':').map_or(name.as_str(), |(_, name)| name);
            self.forget(running)?;
            running.sink.check(Check::Start(name))?;
            passed &= match checks {
                Checks::Tests => self.test(loaded, name, running)?,
                Checks::Benchmarks => self.measure(loaded, name, running)?,
            };
        }
        self.forget(running)?;
        running.sink.check(Check::Over)?;
        Ok(passed)
    }

    /// What one said of its result is not the next one's.
    fn forget(&self, running: &mut Loop) -> Result<(), Error> {
        let data = &self.kernel.data;
        [data.exit_flag, data.result].into_iter().flatten().try_for_each(|word| self.kernel.set_word(word, 0))?;
        (running.progress.exit, running.progress.errors) = (None, 0);
        Ok(())
    }

    fn test(&self, loaded: &Loaded, name: &str, running: &mut Loop) -> Result<bool, Error> {
        let started = Instant::now();
        loaded.run()?;
        let ns = started.elapsed().as_nanos() as u64;
        running.drain()?;
        let result = self.kernel.data.result.map_or(0, |word| self.kernel.word(word));
        let exit = running.progress.exit.or(self.kernel.stopped()).unwrap_or(0);
        let passed = result == 0 && exit == 0 && running.progress.errors == 0;
        running.sink.check(Check::Tested { name, passed, ns })?;
        Ok(passed)
    }

    /// The time is the kernel's own count of the program, without the call.
    fn measure(&self, loaded: &Loaded, name: &str, running: &mut Loop) -> Result<bool, Error> {
        let _counting = enable_stats()?;
        let (before, started) = (loaded.program.info()?, Instant::now());
        let mut ended = false;
        while !ended && started.elapsed() < LONG_ENOUGH {
            (0..STEP).try_for_each(|_| loaded.run())?;
            running.drain()?;
            ended = running.progress.exit.is_some() || self.kernel.stopped().is_some();
        }
        let after = loaded.program.info()?;
        let runs = after.run_cnt - before.run_cnt;
        let average_ns = (after.run_time_ns - before.run_time_ns).checked_div(runs).filter(|_| !ended);
        running.sink.check(Check::Measured { name, runs, average_ns })?;
        Ok(!ended)
    }
}
