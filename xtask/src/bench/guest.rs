//! Benchmarks under another kernel: this task runs itself in a guest, with the tracer, the programs to trace and
//! bpftrace.
//!
//! A guest is emulated, so its times are many times those of a real machine; by turns on the same one, they can be
//! compared.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use super::{Options, files, made, place};
use crate::Failure;
use crate::vm::{self, Addition, Arch, End, Kernel, Machine, Sinks};
use crate::workspace;

/// The peer that comes along, if the other system has it.
const PEER: &str = "bpftrace";
/// What is measured if nothing is named: probes of the kernel, which not every machine allows.
const KERNEL_PROBES: &str = "many-";
/// Stands between the table and the samples. No table has it.
const MARK: char = '\u{1}';
/// Where this task and what it compiled are in the guest, as beside each other as here.
const TASK: &str = "/bench/task/xtask";
const MADE: &str = "/bench/benches";
const TRACER: &str = "/bench/quadrant";
const TARGETS: &str = "/bench/targets";
const ROOT: &str = "/peers";
/// The longest that a run may take.
const LIMIT: Duration = Duration::from_secs(3 * 3600);

/// Measures in a guest, shows its table, and keeps its samples if that is wanted.
pub fn run(options: &Options, kernel: Kernel) -> Result<ExitCode, Failure> {
    let image = vm::provide(kernel, Arch::Amd64, false)?;
    let additions = additions(options)?;
    let machine = Machine { memory: "3G".to_owned(), limit: LIMIT, ..Machine::default() };
    let (mut output, mut console) = (Vec::new(), Vec::new());
    let mut sinks = Sinks { stdout: &mut output, stderr: &mut io::stderr(), console: &mut console };
    let end = vm::run_in(&image, &machine, &additions, &script(options), &mut sinks)?;
    let output = String::from_utf8_lossy(&output);
    let (table, samples) = output.split_once(MARK).unwrap_or((&output, ""));
    print!("{table}");
    if end != End::Exited(0) || samples.is_empty() {
        return Err(format!("the guest ended early: {end:?}\n{}", String::from_utf8_lossy(&console)).into());
    }
    for path in files(options, &format!("-{}", kernel.name))? {
        std::fs::write(&path, samples).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn additions(options: &Options) -> Result<Vec<Addition>, Failure> {
    let tracer = options.quadrant.as_ref().map_or_else(workspace::release_binary, |path| Ok(path.into()))?;
    let mut files = vec![addition(&std::env::current_exe()?, TASK), addition(&tracer, TRACER)];
    for name in ["many", "many-usdt", "calls"] {
        files.push(addition(&quadrant_testing::target(name)?, &format!("{TARGETS}/{name}")));
    }
    if let Some(root) = &options.root {
        files.push(addition(&made::launcher()?, &format!("{MADE}/launcher")));
        files.extend(peer(root)?);
    }
    Ok(files)
}

fn addition(from: &Path, to: &str) -> Addition {
    Addition { from: from.to_owned(), to: to.to_owned() }
}

/// The peer with the libraries of its own system.
fn peer(root: &Path) -> Result<Vec<Addition>, Failure> {
    let program = place::find(root, PEER).ok_or_else(|| format!("there is no {PEER} in {}", root.display()))?;
    let listed = Command::new("chroot").arg(root).arg("ldd").arg(&program).output()?;
    let libraries = vm::libraries_listed(&String::from_utf8_lossy(&listed.stdout));
    let paths = libraries.into_iter().map(PathBuf::from).chain([program]);
    Ok(paths.map(|path| addition(&root.join(path.strip_prefix("/").unwrap_or(&path)), &in_root(&path))).collect())
}

fn in_root(path: &Path) -> String {
    format!("{ROOT}{}", path.display())
}

/// The commands of the guest's shell.
fn script(options: &Options) -> String {
    let only = vm::quoted(options.only.as_deref().unwrap_or(KERNEL_PROBES));
    let except = options.except.as_deref().map_or(String::new(), |name| format!("--except {} ", vm::quoted(name)));
    let root = options.root.as_ref().map_or("", |_| "--root /peers ");
    let repeat = options.repeat;
    format!(
        "for dir in proc sys dev tmp; do mkdir -p {ROOT}/$dir; mount --rbind /$dir {ROOT}/$dir; done\n\
         export QUADRANT_TARGETS={TARGETS}\n\
         {TASK} bench --quadrant {TRACER} {root}--only {only} {except}--repeat {repeat} --json /samples.json || exit\n\
         printf '\\001'; cat /samples.json\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_measures_what_is_wanted() {
        let options = Options { only: Some("many-kprobes".into()), repeat: 5, ..Options::default() };
        let alone = script(&options);
        assert!(alone.contains("--quadrant /bench/quadrant --only 'many-kprobes' --repeat 5 --json"), "{alone}");
        let beside = script(&Options { root: Some("/srv/sid".into()), ..Options::default() });
        assert!(beside.contains("--root /peers --only 'many-' --repeat"), "{beside}");
        let fewer = script(&Options { except: Some("fentry".into()), ..Options::default() });
        assert!(fewer.contains("--only 'many-' --except 'fentry' --repeat"), "{fewer}");
    }

    #[test]
    fn the_peer_keeps_its_paths_below_another_root() {
        assert_eq!(in_root(Path::new("/usr/bin/bpftrace")), "/peers/usr/bin/bpftrace");
    }
}
