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

    let (printed, lost_in_output) = read_output(path, work.pid)?;
    let lost = lost_in_output + outcome.stderr.lines().filter_map(lost).sum::<u64>();
    let taken = fs::metadata(path)?.modified()?.duration_since(started)?.as_secs_f64();
    let unexplained = work.operations as f64 - printed as f64 - lost as f64;
    if tool.is_first && unexplained != 0.0 {
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

/// The lines that the script printed for a process, and the events that other lines say were lost.
fn read_output(path: &Path, pid: u32) -> Result<(u64, u64), Failure> {
    let (mut printed, mut missing) = (0, 0);
    let event = format!("event {pid} ");
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        let line = line?;
        match line.starts_with(event.as_bytes()) {
            true => printed += 1,
            false => missing += lost(&String::from_utf8_lossy(&line)).unwrap_or(0),
        }
    }
    Ok((printed, missing))
}

/// The first number of a line that says that events or their records were lost.
fn lost(line: &str) -> Option<u64> {
    let lower = line.to_lowercase();
    if !lower.contains("lost") || !(lower.contains("event") || lower.contains("record")) {
        return None;
    }
    line.split(|c: char| !c.is_ascii_digit() && c != ',').find_map(|word| word.replace(',', "").parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_lost_gives_its_number() {
        assert_eq!(lost("Lost 1234 events"), Some(1234));
        assert_eq!(lost("LOST: 1234 records at stdin:1:41: the ring buffer was full"), Some(1234));
        assert_eq!(lost("LOST: 7 reads: the memory could not be read"), None);
        assert_eq!(lost("event 1 2 3"), None);
        assert_eq!(lost("nothing lost"), None);
    }
}
