//! What is printed, and what is lost, when one target makes events as fast as it can.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::script::Script;
use super::target::Target;
use super::tool::{Tool, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const HAPPENED: Metric = Metric { name: "happened", unit: "events" };
const PRINTED: Metric = Metric { name: "printed", unit: "lines" };
const REPORTED: Metric = Metric { name: "lost, as reported", unit: "events" };
const UNEXPLAINED: Metric = Metric { name: "neither printed nor reported lost", unit: "events" };
const RATE: Metric = Metric { name: "printed until the last line", unit: "lines/s" };
const CPU: Metric = Metric { name: "processor time of the tracer", unit: "ns/line" };

const FULL_SPEED: Target = Target { name: "syscalls", mode: &["getppid"], count: 2_000_003 };
const PACED: Target = Target { name: "syscalls", mode: &["paced"], count: 3_000_017 };

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    vec![
        bench("throughput", "printf of three integers at full speed from one target", FULL_SPEED),
        bench("throughput-million", "printf of three integers, a million a second for three seconds", PACED),
    ]
}

fn bench(name: &str, about: &str, target: Target) -> Bench {
    Bench::new(name, about, move |tool| {
        let path = output_path("throughput");
        let values = measure(tool, &target, &path);
        // What is left of a failed measurement is of no use, and to leave it is no failure of its own.
        let _ = fs::remove_file(&path);
        values
    })
}

fn measure(tool: &Tool, target: &Target, path: &Path) -> Result<Vec<Value>, Failure> {
    let script =
        Script::bpftrace("tracepoint:syscalls:sys_enter_getppid { printf(\"event %d %d %d\\n\", pid, tid, cpu); }");
    let (running, _) = tool.attach(&script.anywhere(), Some(File::create(path)?))?;
    let started = SystemTime::now();
    let work = target.run()?;
    let (outcome, _) = interrupt(running)?;

    let mut lost = Lost::default();
    let printed = read_output(path, work.pid, &mut lost)?;
    outcome.stderr.lines().for_each(|line| lost.read(line));
    let lost = lost.events();
    let taken = fs::metadata(path)?.modified()?.duration_since(started)?.as_secs_f64();
    let unexplained = work.operations as f64 - printed as f64 - lost as f64;
    // Less than none can come of other programs, whose events may be lost, too.
    if tool.is_first && unexplained > 0.0 {
        return Err(format!("{unexplained} events were neither printed nor reported lost").into());
    }
    Ok(vec![
        (HAPPENED, work.operations as f64),
        (PRINTED, printed as f64),
        (REPORTED, lost as f64),
        (UNEXPLAINED, unexplained),
        (RATE, printed as f64 / taken),
        (CPU, outcome.cpu.as_secs_f64() * 1e9 / printed.max(1) as f64),
    ])
}

/// In memory, so that no disk is measured.
pub fn output_path(name: &str) -> PathBuf {
    let shm = Path::new("/dev/shm");
    let dir = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    dir.join(format!("xtask-{name}-{}", std::process::id()))
}

/// The lines that the script printed for a process; others may say that events were lost.
fn read_output(path: &Path, pid: u32, lost: &mut Lost) -> Result<u64, Failure> {
    let mut printed = 0;
    let event = format!("event {pid} ");
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        let line = line?;
        match line.starts_with(event.as_bytes()) {
            true => printed += 1,
            false => lost.read(&String::from_utf8_lossy(&line)),
        }
    }
    Ok(printed)
}

/// What a tool says was lost. Some say it as they go, some in the end, some both.
#[derive(Default)]
struct Lost {
    parts: u64,
    total: u64,
}

impl Lost {
    /// Adds the first number of a line that says that events or their records were lost.
    fn read(&mut self, line: &str) {
        let lower = line.to_lowercase();
        if !lower.contains("lost") || !(lower.contains("event") || lower.contains("record")) {
            return;
        }
        let mut words = line.split(|c: char| !c.is_ascii_digit() && c != ',');
        let number: u64 = words.find_map(|word| word.replace(',', "").parse().ok()).unwrap_or(0);
        match lower.contains("total") {
            true => self.total += number,
            false => self.parts += number,
        }
    }

    fn events(&self) -> u64 {
        self.parts.max(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(lines: &[&str]) -> u64 {
        let mut lost = Lost::default();
        lines.iter().for_each(|line| lost.read(line));
        lost.events()
    }

    #[test]
    fn a_line_that_says_lost_gives_its_number() {
        assert_eq!(lost(&["Lost 1234 events"]), 1234);
        assert_eq!(lost(&["LOST: 1234 records at stdin:1:41: the ring buffer was full"]), 1234);
        assert_eq!(lost(&["LOST: 7 reads: the memory could not be read"]), 0);
        assert_eq!(lost(&["event 1 2 3", "nothing lost"]), 0);
    }

    #[test]
    fn a_total_is_not_added_to_its_parts() {
        assert_eq!(lost(&["Lost 30 events", "Lost 4 events", "WARNING: Total lost event count: 34"]), 34);
        assert_eq!(lost(&["WARNING: Total lost event count: 34"]), 34);
    }
}
