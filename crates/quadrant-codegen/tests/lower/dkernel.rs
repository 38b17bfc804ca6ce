//! D's functions over the real kernel: its tasks and paths, and programs that use everything at once.

use quadrant_codegen::target::{PathOffsets, TaskOffsets};
use quadrant_codegen::{Context, Target};
use quadrant_program::expr::{BinaryOp, Builtin, Expr, Function, TextFunction};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::program::Fault;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_types::{Btf, Types};

use crate::build::*;
use crate::engine::Kernel;
use crate::faults::aborting;

struct Offsets(Types);

impl Offsets {
    fn new() -> Option<Offsets> {
        let btf = std::fs::read("/sys/kernel/btf/vmlinux").ok().and_then(|bytes| Btf::new(bytes).ok());
        if btf.is_none() {
            eprintln!("skipped: the kernel has no type information");
        }
        Some(Offsets(Types::new(btf?)))
    }

    fn of(&self, tag: &str, member: &str) -> u32 {
        let id = self.0.lookup_struct(tag).expect(tag);
        self.0.find_member(id, member).expect(member).byte_offset() as u32
    }

    fn target(&self) -> Target {
        let name = self.of("dentry", "d_name");
        let task =
            TaskOffsets { tgid: self.of("task_struct", "tgid"), real_parent: self.of("task_struct", "real_parent") };
        let path = PathOffsets {
            mnt: self.of("path", "mnt"),
            dentry: self.of("path", "dentry"),
            mnt_root: self.of("vfsmount", "mnt_root"),
            mount: self.of("mount", "mnt"),
            mnt_parent: self.of("mount", "mnt_parent"),
            mnt_mountpoint: self.of("mount", "mnt_mountpoint"),
            d_parent: self.of("dentry", "d_parent"),
            name_len: name + self.of("qstr", "len"),
            name: name + self.of("qstr", "name"),
        };
        Target { task: Some(task), path: Some(path), ..target() }
    }
}

fn plus(addr: Expr, by: u32) -> Expr {
    binary(BinaryOp::Add, addr, uint(by.into()))
}

fn pointer(addr: Expr) -> Expr {
    deref(addr, Space::Kernel, Type::U64)
}

fn text_at(seen: &crate::engine::Seen, map: MapId) -> String {
    let (_, stored) = seen.scalars.get(&map.0).expect("a text");
    String::from_utf8_lossy(stored.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

#[test]
fn the_tests_ancestors_and_paths() {
    let Some(offsets) = Offsets::new() else { return };
    let mut script = aborting();
    let ancestor = script.scalar(Type::I64);
    let [exe, directory] = [(); 2].map(|()| script.scalar(Type::String { cap: 256 }));
    let task = || builtin(Builtin::Curtask);
    let mm = pointer(plus(task(), offsets.of("task_struct", "mm")));
    let file = pointer(plus(mm, offsets.of("mm_struct", "exe_file")));
    let exe_path = plus(file, offsets.of("file", "f_path"));
    let fs = pointer(plus(task(), offsets.of("task_struct", "fs")));
    let pwd = plus(fs, offsets.of("fs_struct", "pwd"));
    let path = |addr| call(Function::Text(TextFunction::DPath), vec![addr], Type::String { cap: 256 });
    script.clause(
        None,
        vec![
            set_map(ancestor, None, call(Function::ProgenyOf, vec![sarg(0)], Type::I64)),
            set_map(exe, None, path(exe_path)),
            set_map(directory, None, path(pwd)),
        ],
    );
    let Some(kernel) = Kernel::with_target(&script, &offsets.target()) else { return };
    let me = std::process::id();
    let parent = std::os::unix::process::parent_id();
    for (pid, expected) in [(me, 1), (parent, 1), (me + 1_000_000, 0)] {
        let seen = kernel.run(&script, &[(0, vec![pid.into()])]);
        assert_eq!(seen.number(ancestor), Some(expected), "{pid}");
        assert_eq!(text_at(&seen, exe), std::env::current_exe().expect("procfs").to_string_lossy());
        assert_eq!(text_at(&seen, directory), std::env::current_dir().expect("procfs").to_string_lossy());
        assert!(seen.losses.is_empty());
    }
}

/// Everything in one clause, with texts of that cap.
fn everything(cap: u32) -> Script {
    let mut script = aborting();
    let ty = || Type::String { cap };
    let text_of = |function, args| call(Function::Text(function), args, ty());
    let first = || user_str(arg(0), cap);
    let second = || user_str(arg(1), cap);
    let shared = script.var(ty());
    script.program.vars[shared.0 as usize].shared = true;
    let scratch = script.var(Type::U64);
    let record = script.record(&[ty(), ty(), Type::I64, Type::I64]);
    let keys = script.aggregation(Some(Type::Tuple([ty(), ty()].into())), Aggregation::Quantize);
    let plain = script.keyed(ty(), ty());
    let number = |function, args| call(Function::Text(function), args, Type::I64);
    let body = vec![
        set(shared, text_of(TextFunction::Basename, vec![first()])),
        set(scratch, call(Function::Alloca(Fault::NoScratch), vec![arg(2)], Type::U64)),
        stmt(StmtKind::Expr(call(
            Function::Copy(Space::User),
            vec![arg(0), var(scratch, Type::U64), arg(2)],
            Type::None,
        ))),
        feed(
            keys,
            Some(tuple(vec![
                text_of(TextFunction::Dirname, vec![first()]),
                text_of(TextFunction::Cleanpath, vec![first()]),
            ])),
            Some(number(TextFunction::Index { last: true }, vec![first(), second()])),
        ),
        set_map(
            plain,
            Some(text_of(TextFunction::Substr, vec![first(), int(1), int(-1)])),
            text_of(TextFunction::Json, vec![first(), second()]),
        ),
        emit(
            record,
            vec![
                text_of(TextFunction::Strtok, vec![first(), second()]),
                text_of(TextFunction::Upper, vec![text_of(TextFunction::Strstr, vec![first(), second()])]),
                call(Function::Strcmp, vec![first(), second()], Type::I64),
                number(TextFunction::Strtoll, vec![second(), int(16)]),
            ],
        ),
    ];
    script.clause(Some(call(Function::Strcmp, vec![first(), second()], Type::I64)), body.clone());
    script.clause(None, body);
    script.merge_last();
    script
}

#[test]
fn everything_at_once_is_taken_by_the_verifier() {
    for cap in [16, 256, 1024, 4096] {
        let script = everything(cap);
        let Some(kernel) = Kernel::new(&script) else { return };
        let texts: [&[u8]; 2] = [b"/usr//lib/../x\0", b"/\0"];
        let mut words: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).collect();
        words.push(8);
        let seen = kernel.run(&script, &[(0, words)]);
        assert_eq!(seen.records.len(), 2, "cap {cap}");
        assert!(seen.losses.is_empty(), "{:?}", seen.losses);
    }
}

#[test]
fn programs_that_may_sleep_are_taken_too() {
    if !quadrant_bpf::features::Features::new().sleepable_uprobe() {
        return eprintln!("skipped: programs of user probes may not sleep");
    }
    for cap in [16, 256, 4096] {
        let mut script = everything(cap);
        script.units[0].context = Context::Registers;
        script.units[0].sleepable = true;
        Kernel::new(&script);
    }
}

#[test]
fn every_kind_of_program_may_use_it() {
    for context in [Context::Tracepoint, Context::Registers, Context::PerfEvent, Context::Run] {
        let mut script = aborting();
        let out = script.scalar(Type::String { cap: 64 });
        let [pc, depth] = [(); 2].map(|()| script.scalar(Type::U64));
        let task = builtin(Builtin::Curtask);
        let upper = call(Function::Str(Space::Kernel), vec![task.clone()], Type::String { cap: 64 });
        let body: Vec<Stmt> = vec![
            set_map(out, None, call(Function::Text(TextFunction::Upper), vec![upper], Type::String { cap: 64 })),
            set_map(pc, None, call(Function::InstructionPointer(false), vec![], Type::U64)),
            set_map(depth, None, call(Function::StackDepth(true), vec![], Type::U64)),
            set_map(pc, None, deref(plus(task, 8), Space::Kernel, Type::U64)),
        ];
        script.clause_in(context, None, body);
        Kernel::new(&script);
    }
}
