//! The places that are found are the right ones: the kernel counts exactly what the program did. Needs root and gcc.

use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_probes::{Options, Source};
use quadrant_program::probe::{ProbeKind, ProbeSource, ProbeSpec, Site};
use quadrant_program::span::Span;
use quadrant_testing::Folder;
use quadrant_types::Types;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

/// A prime number of calls, so that no accident gives the same.
const CALLS: u64 = 10_007;

/// Calls a function, through its library, so often; one place in three of the probe is passed each time. Ends with 1 if the
/// semaphore is up.
const SOURCE: &str = r#"
unsigned short sema __attribute__((section(".probes")));
#define PROBE \
  __asm__ volatile ( \
    "990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f, 994f-993f, 3\n" \
    "991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b\n.8byte 0\n.8byte sema\n" \
    ".asciz \"shop\"\n.asciz \"sale\"\n.asciz \"-4@%edi\"\n994: .balign 4\n.popsection\n")
__attribute__((noinline)) int work(int x) {
  if (x % 3 == 0) PROBE; else if (x % 3 == 1) PROBE; else PROBE;
  return x + 1;
}
int main(void) {
  volatile unsigned short *raised = &sema;
  int sum = 0;
  for (int i = 0; i < 10007; i++) sum += work(i);
  return *raised != 0;
}
"#;

struct Program {
    /// Holds it.
    _folder: Folder,
    path: PathBuf,
}

impl Program {
    fn compile(test: &str, flags: &[&str]) -> Option<Self> {
        let folder = Folder::new(&format!("hits-{test}"));
        let path = folder.compile("program", SOURCE, &[&["-O1"], flags].concat())?;
        Some(Self { _folder: folder, path })
    }

    fn run(&self) -> i32 {
        Command::new(&self.path).status().unwrap().code().unwrap()
    }
}

fn sites(kind: ProbeKind, parts: &[&str]) -> Vec<Site> {
    let source = Source::new(Rc::new(Types::without_btf("not needed")), Options::default());
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    let found = source.find(&ProbeSpec { kind, parts, span: Span::default() }).unwrap();
    found.into_iter().map(|found| found.point.site).collect()
}

fn open(site: &Site) -> Option<PerfEvent> {
    let (path, offset, ref_ctr_offset, on_return): (&Path, _, _, _) = match site {
        Site::Uprobe { path, offset, .. } => (path, *offset, 0, false),
        Site::Uretprobe { path, offset, .. } => (path, *offset, 0, true),
        Site::Usdt { path, offset, semaphore, .. } => (path, *offset, *semaphore, false),
        other => panic!("{other:?}"),
    };
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let event = Event::Uprobe { path: &path, offset, ref_ctr_offset, on_return };
    match PerfEvent::open(&event, Scope::All) {
        Ok(event) => Some(event),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// How often each place is hit while the program runs, and the program's end. The events are on one CPU, as the program is.
fn hits(program: &Program, sites: &[Site]) -> Option<(Vec<u64>, i32)> {
    let events: Vec<PerfEvent> = sites.iter().map(open).collect::<Option<_>>()?;
    events.iter().for_each(|event| event.enable().unwrap());
    let taskset = Command::new("taskset").args(["-c", "0"]).arg(&program.path).status().unwrap();
    Some((events.iter().map(|event| event.count().unwrap()).collect(), taskset.code().unwrap()))
}

fn check_all(test: &str, flags: &[&str]) {
    let Some(program) = Program::compile(test, flags) else { return };
    let name = program.path.to_str().unwrap();
    for kind in [ProbeKind::Uprobe, ProbeKind::Uretprobe] {
        let Some((counts, status)) = hits(&program, &sites(kind, &[name, "work"])) else { return };
        assert_eq!((counts, status), (vec![CALLS], 0), "{kind:?}");
    }
    let places = sites(ProbeKind::Usdt, &[name, "shop", "sale"]);
    assert_eq!(places.len(), 3);
    let Some((mut counts, status)) = hits(&program, &places) else { return };
    // The compiler chooses the order of the places.
    counts.sort_unstable();
    counts.reverse();
    assert_eq!(counts, [CALLS / 3 + 1, CALLS / 3 + 1, CALLS / 3]);
    assert_eq!(status, 1, "the semaphore is up while the probe is there");
    assert_eq!(program.run(), 0, "and down after");
}

#[test]
fn position_independent_program() {
    check_all("pie", &["-fPIE", "-pie"]);
}

#[test]
fn fixed_program() {
    check_all("fixed", &["-no-pie", "-fno-pie"]);
}

#[test]
fn program_linked_far_from_its_offsets() {
    check_all("far", &["-no-pie", "-fno-pie", "-Wl,-Ttext-segment=0x10000000", "-Wl,-z,separate-code"]);
}
