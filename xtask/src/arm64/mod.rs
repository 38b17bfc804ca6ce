//! `cargo xtask arm64`: checks the workspace for arm64, and runs the tracer under an arm64 kernel.
//!
//! Rust's own standard library for arm64 comes by rustup, which not every machine has. Debian's packages of it fit
//! Debian's compiler only, so that compiler works in a folder with a Debian system of its own (`target/arm64/root`).
//!
//! ```sh
//! cargo xtask arm64          # compile everything, tests too, and build the tracer
//! cargo xtask arm64 --run    # run scripts with it in a guest as well
//! ```

mod root;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::vm::{self, Addition, Arch, End, Kernel, Machine, Sinks};
use crate::{Failure, workspace};
use root::Root;

/// What to do besides building.
#[derive(clap::Args)]
pub struct Options {
    /// Run the tracer under an arm64 kernel, too.
    #[arg(long)]
    run: bool,

    /// The kernel to run it under.
    #[arg(long, default_value = "6.12")]
    kernel: Kernel,
}

/// Scripts that must run: an answer without the kernel's help, system calls by their numbers, and arguments in registers.
const SCRIPTS: &str = r#"
set -e
/quadrant --version
/quadrant -e 'BEGIN { printf("%s\n", "hello from arm64"); exit(); }'
calls='dd if=/dev/zero of=/dev/null bs=64 count=1009'
/quadrant -e 'tracepoint:syscalls:sys_enter_read /comm == "dd" && args.count == 64/ { @reads = count(); }' -c "$calls" > /tmp/reads
/quadrant -e 'kprobe:vfs_read /comm == "dd" && arg2 == 64/ { @calls = count(); }
  kretprobe:vfs_read /comm == "dd" && retval == 64/ { @returns = count(); }' -c "$calls" > /tmp/calls
cat /tmp/reads /tmp/calls
grep -q '@reads: 1009' /tmp/reads && grep -q '@calls: 1009' /tmp/calls && grep -q '@returns: 1009' /tmp/calls
"#;

/// Checks and builds, and runs if that is wanted.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let root = Root::provide()?;
    root.cargo(&["check", "--workspace", "--all-targets"])?;
    root.cargo(&["build", "--package", "quadrant"])?;
    match options.run {
        true => run_under(options.kernel, root.built("debug/quadrant")),
        false => Ok(ExitCode::SUCCESS),
    }
}

fn run_under(kernel: Kernel, binary: PathBuf) -> Result<ExitCode, Failure> {
    let image = vm::provide(kernel, Arch::Arm64, false)?;
    println!("running under Linux {} for arm64", image.version());
    let additions = [Addition { from: binary, to: "/quadrant".to_owned() }];
    let mut console = Vec::new();
    let mut sinks = Sinks { stdout: &mut io::stdout(), stderr: &mut io::stderr(), console: &mut console };
    match vm::run_in(&image, &Machine::default(), &additions, SCRIPTS, &mut sinks)? {
        End::Exited(status) => Ok(ExitCode::from(status)),
        End::TimedOut => Err("the guest's time was over".into()),
        End::Died => {
            Err(format!("the guest stopped before the scripts' end:\n{}", String::from_utf8_lossy(&console)).into())
        }
    }
}

/// Where all of this is kept.
fn folder() -> PathBuf {
    workspace::root().join("target/arm64")
}
