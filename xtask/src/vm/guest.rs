//! Boots a kernel under emulation and runs a command in it.
//!
//! qemu gets everything as files in memory that it inherits: the archive for the guest, and one file for each channel out
//! of it. So nothing is left behind however a run ends, and the guest's output cannot wait for its reader.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};

use super::cache::Image;
use super::files::Addition;
use super::initramfs;
use crate::Failure;

/// How often the guest's output is passed on.
const TURN: Duration = Duration::from_millis(20);

/// A machine to be emulated.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Memory, as qemu reads it.
    pub memory: String,
    /// Processors.
    pub cpus: u8,
    /// The longest that it may run.
    pub limit: Duration,
    /// Whether its kernel is at a random address.
    pub kaslr: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Self { memory: "512M".to_owned(), cpus: 2, limit: Duration::from_secs(180), kaslr: false }
    }
}

/// Where the guest's output goes while it runs.
pub struct Sinks<'a> {
    /// For the command's standard output.
    pub stdout: &'a mut dyn Write,
    /// For the command's standard error.
    pub stderr: &'a mut dyn Write,
    /// For the console.
    pub console: &'a mut dyn Write,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The command ended with this status.
    Exited(u8),
    /// The time was over before the command's end.
    TimedOut,
    /// The guest stopped before the command's end.
    Died,
}

/// Boots a kernel with some files, runs a shell's command text in it, and passes its output on.
pub fn run(
    image: &Image,
    machine: &Machine,
    additions: &[Addition],
    command: &str,
    sinks: &mut Sinks<'_>,
) -> Result<End, Failure> {
    let archive = Channel::new("archive")?;
    archive.file.write_all_at(&initramfs::build(image, additions, command)?, 0)?;
    let mut ports = Ports::new()?;
    let started = Instant::now();
    let mut emulator = Emulator(start(image, machine, &archive, &ports)?);
    let mut ended = false;
    while !ended && started.elapsed() < machine.limit {
        std::thread::sleep(TURN);
        ended = emulator.0.try_wait()?.is_some();
        ports.pass_on(sinks)?;
    }
    drop(emulator);
    ports.pass_on(sinks)?;
    Ok(ports.status()?.map_or(if ended { End::Died } else { End::TimedOut }, End::Exited))
}

/// A running qemu, killed when it is dropped.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; how it ended is told by what the guest said.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(image: &Image, machine: &Machine, archive: &Channel, ports: &Ports) -> Result<Child, Failure> {
    let (emulator, package) = image.arch.emulator();
    // It must not outlive this process, even if this one is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=KILL", emulator, "-nodefaults", "-no-user-config", "-no-reboot"]);
    command.args([
        "-display",
        "none",
        "-monitor",
        "none",
        "-machine",
        image.arch.machine(),
        "-cpu",
        image.arch.processor(),
    ]);
    // One thread for all CPUs: with one each, a guest kernel that patches its own code (jump labels) now and then executes half of an
    // instruction that another CPU is writing, and panics.
    command.args(["-accel", "tcg,thread=single", "-smp", &machine.cpus.to_string(), "-m", &machine.memory]);
    command.arg("-kernel").arg(image.kernel(machine.kaslr)).args(["-initrd", &archive.path()]);
    command.args(["-append", &kernel_arguments(image)]).args(ports.arguments(image));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(ports.emulator.file.try_clone()?);
    command.spawn().map_err(|e| format!("cannot run {emulator} of package {package} by setpriv: {e}").into())
}

/// A panic restarts the machine at once, which ends the emulator. Time that is spent on the processor's weaknesses and
/// on watching for hangs is saved. The timer is not checked at the start: on a busy machine its ticks come too late for it.
fn kernel_arguments(image: &Image) -> String {
    format!(
        "{} panic=-1 quiet mitigations=off nowatchdog no_timer_check random.trust_cpu=on",
        image.arch.kernel_arguments()
    )
}

/// A file in memory that qemu writes, read while it grows.
struct Channel {
    file: File,
    passed_on: u64,
}

impl Channel {
    /// Without the flag that closes it in other programs: the emulator inherits it.
    fn new(name: &str) -> Result<Self, Failure> {
        let file = memfd_create(name, MemfdFlags::empty()).map_err(|e| format!("cannot make a file in memory: {e}"))?;
        Ok(Self { file: file.into(), passed_on: 0 })
    }

    /// Its path for the process that inherits it.
    fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }

    fn pass_on(&mut self, sink: &mut dyn Write) -> Result<(), Failure> {
        let mut buffer = [0; 1 << 14];
        loop {
            match self.file.read_at(&mut buffer, self.passed_on)? {
                0 => return Ok(sink.flush()?),
                n => {
                    sink.write_all(&buffer[..n])?;
                    self.passed_on += n as u64;
                }
            }
        }
    }
}

/// All that comes out of a guest.
struct Ports {
    console: Channel,
    stdout: Channel,
    stderr: Channel,
    status: Channel,
    /// What qemu itself says.
    emulator: Channel,
}

impl Ports {
    fn new() -> Result<Self, Failure> {
        let [console, stdout, stderr, status, emulator] =
            ["console", "stdout", "stderr", "status", "emulator"].map(Channel::new);
        Ok(Self { console: console?, stdout: stdout?, stderr: stderr?, status: status?, emulator: emulator? })
    }

    /// The console is the machine's first serial port. The others are virtio ports, or on older kernels serial ports on
    /// PCI, which take every byte one by one: some hundred kilobytes a second on a PC, ten on arm64.
    fn arguments(&self, image: &Image) -> Vec<String> {
        let mut arguments = vec!["-serial".to_owned(), format!("file:{}", self.console.path())];
        let virtio = image.has_virtio_ports();
        if virtio {
            arguments.extend(["-device".to_owned(), "virtio-serial-pci".to_owned()]);
        }
        // The first process finds virtio ports by their names, and serial ports by this order.
        for (name, channel) in [("stdout", &self.stdout), ("stderr", &self.stderr), ("status", &self.status)] {
            let kind = if virtio { format!("virtserialport,name={name}") } else { "pci-serial".to_owned() };
            arguments.extend(["-chardev".to_owned(), format!("file,id={name},path={}", channel.path())]);
            arguments.extend(["-device".to_owned(), format!("{kind},chardev={name}")]);
        }
        arguments
    }

    fn pass_on(&mut self, sinks: &mut Sinks<'_>) -> Result<(), Failure> {
        self.stdout.pass_on(sinks.stdout)?;
        self.stderr.pass_on(sinks.stderr)?;
        self.console.pass_on(sinks.console)?;
        self.emulator.pass_on(sinks.console)
    }

    /// The command's exit status, once the first process has written it whole.
    fn status(&self) -> Result<Option<u8>, Failure> {
        let mut buffer = [0; 16];
        let len = self.status.file.read_at(&mut buffer, 0)?;
        let text = str::from_utf8(&buffer[..len]).ok();
        Ok(text.and_then(|text| text.strip_suffix('\n')?.parse().ok()))
    }
}
