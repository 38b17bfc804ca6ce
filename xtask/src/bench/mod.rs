//! `cargo xtask bench`: this tracer and its peers, run by turns on the same work.

mod events;
mod guest;
mod hits;
mod kernel;
mod keys;
mod machine;
mod made;
mod many;
mod place;
mod process;
mod processors;
mod report;
mod script;
mod stacks;
mod startup;
mod target;
mod throughput;
mod tool;
mod turns;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Failure;
use crate::vm::Kernel;
use crate::workspace;
use report::Report;
use tool::Tool;
use turns::Bench;

/// What to measure, and with which tools.
#[derive(clap::Args)]
#[cfg_attr(test, derive(Default))]
pub struct Options {
    /// This tracer's binary; without it, the one that `cargo build --release` makes.
    #[arg(long, value_name = "PATH")]
    quadrant: Option<String>,

    /// A peer and how it is started. The name says the language: one that begins with `ply` gets ply's, with `dtrace`
    /// D, with `perf` and `strace` their command lines, every other bpftrace's. bpftrace, ply, dtrace and perf are
    /// found without, in --root or on the PATH.
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    peers: Vec<String>,

    /// A folder with another system (as debootstrap makes one): peers are taken from there, if they are installed
    /// there.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Run only the benchmarks whose name contains this text.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    /// Leave out the benchmarks whose name contains this text.
    #[arg(long, value_name = "NAME")]
    except: Option<String>,

    /// How often each tool does each benchmark.
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    repeat: usize,

    /// Write all samples to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write all samples to benches/results/DATE.json too.
    #[arg(long)]
    save: bool,

    /// Measure in a guest with this kernel (see `cargo xtask vm`): of --root, bpftrace comes along. Without --only, the
    /// probes of the kernel.
    #[arg(long, value_name = "KERNEL")]
    vm: Option<Kernel>,

    /// Name the benchmarks, and do none.
    #[arg(long)]
    list: bool,
}

/// Measures, and prints the table.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let named = |text: &Option<String>, bench: &Bench| text.as_ref().map(|text| bench.name.contains(text.as_str()));
    let wanted =
        |bench: &Bench| named(&options.only, bench) != Some(false) && named(&options.except, bench) != Some(true);
    let benches: Vec<Bench> = all().into_iter().filter(wanted).collect();
    if options.list {
        benches.iter().for_each(|bench| println!("{:24} {}", bench.name, bench.about));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(kernel) = options.vm {
        return guest::run(options, kernel);
    }
    let root = options.root.as_deref();
    place::prepare(root, &[quadrant_testing::target_dir()?.canonicalize()?])?;
    let tools = tool::find(options.quadrant.as_deref(), &options.peers, root)?;
    let files = files(options, "")?;
    let report = measure(&benches, &tools, options.repeat, &files)?;
    print!("{}", report.markdown());
    files.iter().for_each(|path| eprintln!("wrote {}", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn all() -> Vec<Bench> {
    let kinds = [
        startup::benches(),
        events::benches(),
        throughput::benches(),
        processors::benches(),
        keys::benches(),
        many::benches(),
        hits::benches(),
        stacks::benches(),
    ];
    kinds.into_iter().flatten().collect()
}

/// The files are written after every benchmark: who interrupts a long run keeps what was measured.
fn measure(benches: &[Bench], tools: &[Tool], repeat: usize, files: &[PathBuf]) -> Result<Report, Failure> {
    let mut report = Report::new(tools, repeat, machine::describe());
    for bench in benches {
        let started = std::time::Instant::now();
        report.add(bench.run(tools, repeat));
        files.iter().try_for_each(|path| report.write(path))?;
        eprintln!("{:24} {:.1} s", bench.name, started.elapsed().as_secs_f64());
    }
    Ok(report)
}

/// Where samples go; the file of the day has an end of its own.
fn files(options: &Options, end: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut files: Vec<PathBuf> = options.json.iter().cloned().collect();
    if options.save {
        let dir = workspace::root().join("benches/results");
        std::fs::create_dir_all(&dir)?;
        files.push(dir.join(format!("{}{end}.json", machine::today())));
    }
    Ok(files)
}
