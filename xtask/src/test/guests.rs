//! Tests under other kernels: the static test binaries run in a virtual machine each, one machine after the other.

use std::io::{self, Write};
use std::time::Duration;

use super::binaries::{self, Binary};
use super::parser::Parser;
use super::summary::Summary;
use crate::Failure;
use crate::vm::{self, Addition, Arch, End, Image, KERNELS, Kernel, Machine, Sinks};

/// The packages whose tests ask the kernel.
const PACKAGES: [&str; 2] = ["quadrant-bpf", "quadrant-inspect"];

/// Starts the line that names the next binary. No test prints it.
const NEXT: char = '\u{1}';

/// The longest that all tests under one kernel may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs the tests of a package, or of all that need it, under the named kernels, or under all.
pub fn run(kernels: &[Kernel], package: Option<&str>, filter: Option<&str>) -> Result<Summary, Failure> {
    let packages = package.map_or(PACKAGES.to_vec(), |package| vec![package]);
    let built: Result<Vec<_>, _> = packages.into_iter().map(binaries::build).collect();
    let binaries: Vec<Binary> = built?.into_iter().flatten().collect();
    let mut all = Summary::default();
    for kernel in if kernels.is_empty() { KERNELS } else { kernels } {
        let image = vm::provide(*kernel, Arch::Amd64, false)?;
        println!("\nLinux {}", image.version());
        let summary = run_under(&image, &binaries, filter)?;
        println!("Linux {}: {}", image.version(), summary.counts());
        all.add(kernel.name, summary);
    }
    Ok(all)
}

fn run_under(image: &Image, binaries: &[Binary], filter: Option<&str>) -> Result<Summary, Failure> {
    let files: Vec<Addition> = binaries.iter().map(|it| Addition { from: it.path.clone(), to: in_guest(it) }).collect();
    let machine = Machine { limit: LIMIT, memory: "1G".to_owned(), ..Machine::default() };
    let (mut results, mut console) = (Results::default(), Vec::new());
    let mut sinks = Sinks { stdout: &mut results, stderr: &mut io::stderr(), console: &mut console };
    let end = vm::run_in(image, &machine, &files, &script(binaries, filter), &mut sinks)?;
    let mut summary = results.finish();
    if let Some(problem) = problem(end, &summary) {
        io::stderr().write_all(&console)?;
        summary.failed.push(problem.to_owned());
    }
    Ok(summary)
}

fn in_guest(binary: &Binary) -> String {
    let file = binary.path.file_name().unwrap_or_default();
    format!("/tests/{}", file.to_string_lossy())
}

/// Runs all binaries, whether others failed or not.
fn script(binaries: &[Binary], filter: Option<&str>) -> String {
    let filter = filter.map(vm::quoted).unwrap_or_default();
    let run = |binary: &Binary| {
        let (name, path) = (vm::quoted(&binary.name), vm::quoted(&in_guest(binary)));
        format!("echo '{NEXT}'{name}\n{path} --show-output {filter} || status=1\n")
    };
    format!("status=0\n{}exit $status\n", binaries.iter().map(run).collect::<String>())
}

/// What went wrong besides the tests that failed.
fn problem(end: End, summary: &Summary) -> Option<&'static str> {
    match end {
        End::TimedOut => Some("the guest: its time was over"),
        End::Died => Some("the guest: it stopped before the end of the tests"),
        End::Exited(0) => None,
        End::Exited(_) if !summary.failed.is_empty() => None,
        End::Exited(_) => Some("a test binary: it ended before its tests"),
    }
}

/// Takes what the binaries print, shows what is worth it, and adds up the results.
#[derive(Default)]
struct Results {
    rest: Vec<u8>,
    parser: Parser,
    summary: Summary,
}

impl Results {
    fn finish(mut self) -> Summary {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest);
        self.summary
    }

    fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        if let Some(name) = line.strip_prefix(NEXT) {
            println!("\n{name}");
            self.parser = Parser::default();
        } else if self.parser.line(&line, &mut self.summary) {
            println!("{line}");
        }
    }
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line[..end]);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up_however_the_output_is_cut() {
        let output = "\u{1}one\nrunning 2 tests\ntest a ... ok\ntest b ... ok\n\nsuccesses:\n\n---- b stdout ----\n\
            skipped: no such thing\n\u{1}two\ntest c ... FAILED\ntest d ... ok";
        for size in [1, 7, output.len()] {
            let mut results = Results::default();
            output.as_bytes().chunks(size).for_each(|bytes| results.write_all(bytes).unwrap());
            let summary = results.finish();
            assert_eq!((summary.passed, summary.failed.len(), summary.skipped.len()), (2, 1, 1));
        }
    }

    #[test]
    fn a_binary_that_ends_early_is_a_failure_of_its_own() {
        let mut summary = Summary::default();
        assert_eq!(problem(End::Exited(0), &summary), None);
        assert!(problem(End::Exited(1), &summary).is_some() && problem(End::Died, &summary).is_some());
        summary.failed.push("test".to_owned());
        assert_eq!(problem(End::Exited(1), &summary), None);
        assert!(problem(End::TimedOut, &summary).is_some());
    }

    #[test]
    fn every_binary_runs_with_the_filter() {
        let binaries = ["a", "b"].map(|name| Binary { name: name.to_owned(), path: format!("/x/{name}-1").into() });
        let script = script(&binaries, Some("it's"));
        assert!(script.contains(r"'/tests/a-1' --show-output 'it'\''s' || status=1"), "{script}");
        assert!(script.contains("'/tests/b-1'") && script.ends_with("exit $status\n"));
    }
}
