//! `cargo xtask vm`: boots a Debian kernel under emulation and runs a command in it.
//!
//! The guest is a kernel, busybox and the files that are named; the command runs as root with tracefs, debugfs and
//! bpffs mounted. Its standard output and standard error come out byte for byte, its exit status is passed on; 124 says
//! that its time was over, 125 that the guest stopped before the command's end.
//!
//! ```sh
//! cargo xtask vm 5.10 -a target/release/quadrant -- /quadrant -e 'BEGIN { printf("ready\n"); exit(); }'
//! cargo xtask vm 6.12 --arch arm64 -- 'uname -m; ls /sys/kernel/btf'
//! ```

mod apt;
mod cache;
mod cpio;
mod files;
mod guest;
mod host;
mod index;
mod initramfs;
mod kernel;
mod vmlinux;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::Failure;

pub use cache::{Image, fetch_package};
pub use files::{Addition, libraries_listed};
pub use guest::{End, Machine, Sinks, run as run_in};
pub use initramfs::quoted;
pub use kernel::{Arch, KERNELS, Kernel, OWN};

const STATUS_TIMED_OUT: u8 = 124;
const STATUS_DIED: u8 = 125;

/// What to boot and what to run.
#[derive(clap::Args)]
pub struct Options {
    /// The kernel: 5.10, 6.1, 6.12, or latest, which are fetched when they are first needed; or own, which was built here.
    #[arg(required_unless_present = "list")]
    kernel: Option<Kernel>,

    /// Show the kernels and which of them are on this machine.
    #[arg(long)]
    list: bool,

    /// The processor architecture.
    #[arg(long, default_value = "amd64")]
    arch: Arch,

    /// Put a file or folder into the guest, with its shared libraries; without a path, into the root folder.
    #[arg(short, long, value_name = "FILE[:GUESTPATH]")]
    add: Vec<Addition>,

    /// The guest's memory.
    #[arg(short, long, default_value = "512M")]
    memory: String,

    /// The guest's processors.
    #[arg(short, long, default_value_t = 2)]
    cpus: u8,

    /// How long the guest may run.
    #[arg(short, long, value_name = "SECONDS", default_value_t = 180)]
    time: u64,

    /// Show the console, on standard error.
    #[arg(short, long)]
    verbose: bool,

    /// Put the kernel at a random address, as it is on real machines. It starts later.
    #[arg(long)]
    kaslr: bool,

    /// Fetch the suite's newest kernel even if there is another one on this machine.
    #[arg(long)]
    update: bool,

    /// The command and its arguments. A single word is a shell's text: 'uname -r; exit 3'.
    #[arg(last = true, required_unless_present = "list")]
    command: Vec<String>,
}

/// Runs the command; the exit status is the command's.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let Some(kernel) = options.kernel.filter(|_| !options.list) else {
        return list();
    };
    let image = provide(kernel, options.arch, options.update)?;
    let command = initramfs::command_text(&options.command);
    let (mut live, mut kept) = (io::stderr(), Vec::new());
    let console: &mut dyn Write = if options.verbose { &mut live } else { &mut kept };
    let mut sinks = Sinks { stdout: &mut io::stdout(), stderr: &mut io::stderr(), console };
    let end = run_in(&image, &machine(options), &options.add, &command, &mut sinks)?;
    Ok(ExitCode::from(status(end, &kept, options.time)?))
}

/// Makes sure that a kernel and what boots it are on this machine; the newest kernel of the suite, if that is wanted.
pub fn provide(kernel: Kernel, arch: Arch, newest: bool) -> Result<Image, Failure> {
    host::provide(arch)?;
    cache::provide(kernel, arch, newest)
}

fn machine(options: &Options) -> Machine {
    Machine {
        memory: options.memory.clone(),
        cpus: options.cpus,
        limit: Duration::from_secs(options.time),
        kaslr: options.kaslr,
    }
}

/// The exit status. If the command did not end, the console tells why.
fn status(end: End, console: &[u8], limit: u64) -> Result<u8, Failure> {
    let (what, status) = match end {
        End::Exited(status) => return Ok(status),
        End::TimedOut => (format!("the guest was stopped: its {limit} seconds are over"), STATUS_TIMED_OUT),
        End::Died => ("the guest stopped before the command's end".to_owned(), STATUS_DIED),
    };
    let mut stderr = io::stderr();
    stderr.write_all(console)?;
    writeln!(stderr, "xtask: {what}")?;
    Ok(status)
}

fn list() -> Result<ExitCode, Failure> {
    let mut stdout = io::stdout();
    for arch in [Arch::Amd64, Arch::Arm64] {
        for kernel in KERNELS.iter().chain([&OWN]) {
            let found = cache::cached(*kernel, arch);
            let found = found.map_or("-".to_owned(), |image| format!("{} in {}", image.version(), image.dir.display()));
            writeln!(stdout, "{:7} {:6} {:9} {found}", kernel.name, arch.name(), kernel.suite)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
