//! What the tests share: the skip, small programs, and finding what was attached.

use std::hint::black_box;
use std::path::Path;

use quadrant_bpf::file::MappedFile;
use quadrant_bpf::insn::{Insn, Reg};
use quadrant_bpf::limits;
use quadrant_bpf::prog::{LogLevel, Program, ProgramKind, ProgramSpec};
use quadrant_inspect::active::{self, Attachment};
use quadrant_types::{Btf, BtfKind};

/// Ends the calling test, as skipped, without root.
macro_rules! need_root {
    () => {
        crate::common::need!(crate::common::is_root(), "needs root")
    };
}
pub(crate) use need_root;
pub(crate) use quadrant_testing::need;

/// Whether this is root; then its limits are raised as the tracer does it.
pub fn is_root() -> bool {
    let root = quadrant_testing::is_root();
    if root {
        limits::bump_memlock();
    }
    root
}

/// `return 0`.
pub const NOTHING: [Insn; 2] = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];

pub fn load(spec: &ProgramSpec<'_>) -> Program {
    Program::load(spec).unwrap_or_else(|first| {
        let error = Program::load_with_log(spec, LogLevel::Failure).map(drop).unwrap_err();
        panic!("{first}\n{error}\n{}", error.log().unwrap_or("no log"));
    })
}

/// A program that does nothing.
pub fn nothing(kind: ProgramKind) -> Program {
    load(&ProgramSpec { name: "survey_test", ..ProgramSpec::new(kind, &NOTHING) })
}

/// The attachments of a program, of all that are there now.
pub fn attachments_of(program: &Program) -> Vec<Attachment> {
    let id = program.info().unwrap().id;
    let all = active::survey();
    assert!(all.notes.is_empty(), "{:?}", all.notes);
    all.attachments.into_iter().filter(|found| found.program.as_ref().is_some_and(|program| program.id == id)).collect()
}

/// The only attachment of a program. It belongs to this process.
#[track_caller]
pub fn attachment_of(program: &Program) -> Attachment {
    let mut found = attachments_of(program);
    assert_eq!(found.len(), 1, "{found:#?}");
    let found = found.remove(0);
    assert!(found.owners.iter().any(|owner| owner.pid == std::process::id()), "{found:#?}");
    found
}

/// The text of the first place.
pub fn place(found: &Attachment) -> String {
    found.targets.first().map_or(String::new(), |target| String::from_utf8_lossy(&target.text).into_owned())
}

/// A type of the kernel.
pub fn type_id(name: &str, kind: BtfKind) -> Option<u32> {
    Btf::new(MappedFile::open(Path::new("/sys/kernel/btf/vmlinux")).ok()?).ok()?.find(name, &[kind])
}

/// A function to probe.
#[inline(never)]
pub extern "C" fn probed(number: u64) -> u64 {
    black_box(number) + 1
}

/// Path of this executable, and the place of a function in it.
pub fn place_of(address: usize) -> (String, u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let found = maps.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = fields[0].split_once('-').unwrap();
        let inside = (hex(start)..hex(end)).contains(&(address as u64));
        inside.then(|| (fields[5].to_owned(), address as u64 - hex(start) + hex(fields[2])))
    });
    found.unwrap()
}
