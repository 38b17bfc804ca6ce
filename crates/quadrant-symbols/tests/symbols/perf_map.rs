//! Perf maps, good ones and hostile ones, of a program that makes code at run time.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use quadrant_symbols::{Frame, Missing, Options, Symbolizer};

use crate::common::{Running, TempDir, compile, run_tool};

const JIT: &str = r#"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char c;
    void *code = mmap(0, 65536, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("code %p\n", code);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

/// The perf map of one process; removed with its value.
struct Map(PathBuf);

impl Map {
    fn of(pid: u32) -> Self {
        Self(PathBuf::from(format!("/tmp/perf-{pid}.map")))
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(&self.0, text).expect("the perf map can be written");
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // Some tests make none.
        drop(fs::remove_file(&self.0));
    }
}

struct Setup {
    program: Running,
    code: u64,
    map: Map,
    symbolizer: Symbolizer,
    dir: TempDir,
}

impl Setup {
    fn new() -> Option<Self> {
        let dir = TempDir::new();
        let binary = compile(&dir, "gcc", "prog.c", JIT, &[])?;
        let mut program = Running::start(&mut Command::new(binary));
        let code = program.addr("code");
        let map = Map::of(program.pid());
        let symbolizer = Symbolizer::new(Options::default());
        Some(Self { program, code, map, symbolizer, dir })
    }

    fn frame(&mut self, offset: u64) -> Frame {
        let frames = self.symbolizer.process(self.program.pid(), &[self.code + offset]);
        frames[0][0].clone()
    }

    fn name(&mut self, offset: u64) -> Option<String> {
        self.frame(offset).symbol.map(|symbol| symbol.name.to_string())
    }

    /// What stands at the path is not used, and a warning says why.
    fn refuses(&mut self, why: &str) {
        let frame = self.frame(0x10);
        assert_eq!(frame.missing, Some(Missing::Anonymous), "{why}");
        let warnings = self.symbolizer.warnings();
        let told = warnings.iter().any(|warning| warning.message.contains(why));
        assert!(told, "{why}: {warnings:?}");
    }
}

#[test]
fn good_map_that_grows_and_outlives_the_process() {
    let Some(mut setup) = Setup::new() else { return };
    let code = setup.code;
    setup.map.write(format!("{code:x} 100 first function\nnonsense\n"));
    let frame = setup.frame(0x10);
    let symbol = frame.symbol.unwrap();
    assert_eq!((&*symbol.name, symbol.offset, symbol.size), ("first function", 0x10, 0x100));
    assert_eq!(frame.module.as_deref(), Some("[jit]"));
    let warnings = setup.symbolizer.warnings();
    assert_eq!(warnings.iter().map(|w| w.count).sum::<u64>(), 1, "{warnings:?}");

    let second = code + 0x100;
    setup.map.write(format!("{code:x} 100 first function\nnonsense\n{second:x} 100 second\n"));
    assert_eq!(setup.name(0x110).as_deref(), Some("second"));
    assert_eq!(setup.frame(0x210).missing, Some(Missing::Anonymous));
    setup.program.kill();
    fs::remove_file(setup.map.path()).unwrap();
    assert_eq!(setup.name(0x110).as_deref(), Some("second"));
}

#[test]
fn remembered_and_read_only_after_the_end() {
    let Some(mut setup) = Setup::new() else { return };
    setup.map.write(format!("{:x} 100 early\n", setup.code));
    setup.symbolizer.remember(setup.program.pid());
    setup.program.kill();
    assert_eq!(setup.name(0x10).as_deref(), Some("early"));
}

#[test]
fn symbolic_link() {
    let Some(mut setup) = Setup::new() else { return };
    let target = setup.dir.path().join("target");
    fs::write(&target, format!("{:x} 100 stolen\n", setup.code)).unwrap();
    symlink(&target, setup.map.path()).unwrap();
    setup.refuses("not used");
}

#[test]
fn hard_link() {
    let Some(mut setup) = Setup::new() else { return };
    let target = setup.dir.path().join("target");
    fs::write(&target, format!("{:x} 100 stolen\n", setup.code)).unwrap();
    if fs::hard_link(&target, setup.map.path()).is_err() {
        println!("skipped: no hard link between the two directories");
        return;
    }
    setup.refuses("hard link");
}

#[test]
fn fifo_does_not_block() {
    let Some(mut setup) = Setup::new() else { return };
    if run_tool(Command::new("mkfifo").arg(setup.map.path())) {
        setup.refuses("not a regular file");
    }
}

#[test]
fn directory() {
    let Some(mut setup) = Setup::new() else { return };
    fs::create_dir(setup.map.path()).unwrap();
    setup.refuses("not a regular file");
    fs::remove_dir(setup.map.path()).unwrap();
}

#[test]
fn writable_by_everybody() {
    let Some(mut setup) = Setup::new() else { return };
    setup.map.write(format!("{:x} 100 anybody\n", setup.code));
    fs::set_permissions(setup.map.path(), fs::Permissions::from_mode(0o666)).unwrap();
    setup.refuses("everybody");
}

#[test]
fn owned_by_another_user() {
    let Some(mut setup) = Setup::new() else { return };
    setup.map.write(format!("{:x} 100 other\n", setup.code));
    if std::os::unix::fs::chown(setup.map.path(), Some(12345), None).is_err() {
        println!("skipped: only root can give files away");
        return;
    }
    setup.refuses("another user");
}

/// Java writes its perf map when it ends (`-XX:+DumpPerfMapAtExit`).
#[test]
fn one_that_is_written_at_the_programs_end() {
    let Some(mut setup) = Setup::new() else { return };
    setup.symbolizer.remember(setup.program.pid());
    assert_eq!(setup.name(0x10), None);
    setup.map.write(format!("{:x} 100 late\n", setup.code));
    setup.program.kill();
    assert_eq!(setup.name(0x10).as_deref(), Some("late"));
}

#[test]
fn binary_rubbish() {
    let Some(mut setup) = Setup::new() else { return };
    let mut rubbish: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    rubbish.extend_from_slice(format!("\n{:x} 100 found\n", setup.code).as_bytes());
    setup.map.write(&rubbish);
    assert_eq!(setup.name(0x10).as_deref(), Some("found"));
    assert_ne!(setup.symbolizer.warnings(), []);
}

/// A file that claims a terabyte: only its first part is read, and that is said.
#[test]
fn huge_sparse_file() {
    let Some(mut setup) = Setup::new() else { return };
    setup.map.write(format!("{:x} 100 first\n", setup.code));
    let file = fs::File::options().write(true).open(setup.map.path()).unwrap();
    if file.set_len(1 << 40).is_err() {
        println!("skipped: no large files here");
        return;
    }
    assert_eq!(setup.name(0x10).as_deref(), Some("first"));
    let warnings = setup.symbolizer.warnings();
    assert!(warnings.iter().any(|w| w.message.contains("the rest is not read")), "{warnings:?}");
}

/// A program in a container (own mounts, own process ids) that writes its own perf map.
const CONTAINED: &str = r#"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char c, path[64];
    void *code = mmap(0, 65536, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
    FILE *map = fopen(path, "w");
    if (!map) return 1;
    fprintf(map, "%lx 100 inside\n", (unsigned long)code);
    fclose(map);
    printf("main %p\n", (void *)main);
    printf("code %p\n", code);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
"#;

#[test]
fn in_a_container() {
    let dir = TempDir::new();
    let Some(binary) = compile(&dir, "gcc", "prog.c", CONTAINED, &["-static"]) else {
        return;
    };
    let allowed = Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        println!("skipped: no new namespaces are allowed");
        return;
    }
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    let script = format!(
        "mount -t tmpfs none {home} && cp {binary} {home}/prog && mkdir {home}/tmp && cd {home} && exec chroot . /prog",
        home = home.display(),
        binary = binary.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c"]).arg(script);
    let mut outer = Running::start(&mut command);
    let (main, code) = (outer.addr("main"), outer.addr("code"));
    let children = format!("/proc/{0}/task/{0}/children", outer.pid());
    let pid = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let mut symbolizer = Symbolizer::new(Options::default());
    symbolizer.remember(pid);
    outer.kill();
    let frames = symbolizer.process(pid, &[main, code + 1]);
    let names = frames.iter().map(|frames| frames[0].symbol.as_ref().map(|symbol| &*symbol.name));
    assert_eq!(names.collect::<Vec<_>>(), [Some("main"), Some("inside")], "{frames:?}");
}
