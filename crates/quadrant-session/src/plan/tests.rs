//! Which means are chosen for functions of the kernel, on made-up kernels.

use std::collections::HashSet;
use std::sync::LazyLock;

use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::object::Context;
use quadrant_probes::attach::Means;
use quadrant_program::Program;
use quadrant_program::expr::{Builtin, Expr, ExprKind, Function};
use quadrant_program::probe::{BtfFunction, BtfOwner, Inode, KernelCode, Point, PointId, Site};
use quadrant_program::program::Clause;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::{Abilities, KprobeMeans, PlanOptions, Planned, plan};

/// A kernel that can do everything, unless said otherwise.
#[derive(Clone, Copy)]
struct Kernel {
    multi: bool,
    session: bool,
    hides_misses: bool,
    limits_returns: bool,
    traceable: bool,
    /// Category and name of an event that somebody made.
    made: (&'static str, &'static str),
}

const NEW: Kernel = Kernel {
    multi: true,
    session: true,
    hides_misses: false,
    limits_returns: false,
    traceable: true,
    made: ("mine", "sched_switch"),
};

impl Abilities for Kernel {
    fn attach_cookie(&self, _: ProgramKind) -> bool {
        true
    }

    fn fentry_cookie(&self, _: u32) -> bool {
        true
    }

    fn uprobe_multi(&self) -> bool {
        true
    }

    fn sleepable_uprobe(&self) -> bool {
        true
    }

    fn kprobe_multi(&self) -> bool {
        self.multi
    }

    fn kprobe_event(&self) -> bool {
        true
    }

    fn hides_misses(&self) -> bool {
        self.hides_misses
    }

    fn kprobe_session(&self) -> bool {
        self.session
    }

    fn is_made(&self, category: &str, event: &str) -> bool {
        self.made == (category, event)
    }

    fn typed_tracepoint(&self, _: &str) -> Option<u32> {
        None
    }

    fn limits_returns(&self) -> bool {
        self.limits_returns
    }

    fn is_traceable(&self, _: &KernelCode) -> bool {
        self.traceable
    }
}

fn code(address: u64, traceable: bool) -> KernelCode {
    KernelCode { symbol: format!("f{address}"), address: Some(address), traceable, ..KernelCode::default() }
}

fn entry(address: u64) -> Site {
    Site::Kprobe(code(address, false))
}

fn at_return(address: u64) -> Site {
    Site::Kretprobe(code(address, false))
}

/// A program with a clause for each list of sites.
fn program(clauses: &[&[Site]]) -> Program {
    let mut program = Program::default();
    for sites in clauses {
        let first = program.points.len() as u32;
        program.points.extend(sites.iter().map(|site| Point {
            site: site.clone(),
            name: String::new(),
            func: String::new(),
        }));
        let points = (first..program.points.len() as u32).map(PointId).collect();
        program.clauses.push(Clause { points, predicate: None, body: Vec::new(), span: Span::default() });
    }
    program
}

fn options(kernel: &Kernel) -> PlanOptions<'_> {
    static NONE: LazyLock<HashSet<PointId>> = LazyLock::new(HashSet::new);
    PlanOptions {
        abilities: kernel,
        raw_tracepoints: true,
        pid: None,
        process: None,
        cgroup: None,
        kprobes: None,
        maxactive: None,
        lacking_caller: &NONE,
    }
}

fn planned(kernel: Kernel, kprobes: Option<KprobeMeans>, maxactive: Option<u32>, program: &Program) -> Vec<Planned> {
    plan(program, PlanOptions { kprobes, maxactive, ..options(&kernel) })
}

fn means(kernel: Kernel, clauses: &[&[Site]]) -> Vec<Means> {
    planned(kernel, None, None, &program(clauses)).iter().map(|planned| planned.means).collect()
}

/// Points of one clause and one file, of which the kernel helps with some, are in two programs.
#[test]
fn entries_that_lack_the_caller_have_their_own_program() {
    let site = |offset| Site::Uprobe { path: "/bin/x".into(), inode: Inode::default(), offset, pid: None };
    let program = program(&[&[site(1), site(2), site(3)]]);
    let lacking = HashSet::from([PointId(1)]);
    let options = PlanOptions { lacking_caller: &lacking, ..options(&NEW) };
    let units: Vec<_> = plan(&program, options).into_iter().map(|planned| planned.unit).collect();
    let seen: Vec<_> = units.iter().map(|unit| (unit.lacks_caller, unit.points.as_slice())).collect();
    assert_eq!(seen, [(false, &[PointId(0), PointId(2)][..]), (true, &[PointId(1)])]);
}

/// A clause of the process of `-p` keeps to it beside one at the same place that is for the process's descendants, and in its order.
#[test]
fn clauses_that_ask_for_descendants_are_for_all_processes_and_the_others_test_their_own() {
    let event = || Site::Tracepoint { category: "sched".to_owned(), event: "sched_switch".to_owned() };
    let other = || Site::Tracepoint { category: "sched".to_owned(), event: "sched_wakeup".to_owned() };
    let function = |pid| Site::Uprobe { path: "/bin/a".into(), inode: Inode::default(), offset: 16, pid };
    let mut program = program(&[&[event(), function(Some(7)), other(), function(None)]]);
    let parts = [vec![0], vec![0], vec![0], vec![2], vec![1], vec![3], vec![1]];
    let clauses =
        parts.map(|points| Clause { points: points.into_iter().map(PointId).collect(), ..program.clauses[0].clone() });
    program.clauses = clauses.to_vec();
    let asks = Expr::new(
        ExprKind::Call(Function::ProgenyOf, vec![Expr::int(7, Type::I64, Span::default())]),
        Type::Bool,
        Span::default(),
    );
    for clause in [1, 5] {
        program.clauses[clause].predicate = Some(asks.clone());
    }
    crate::share_places(&mut program, Some(7), Some(7));
    let options = PlanOptions { pid: Some(7), process: Some(7), ..options(&NEW) };
    let units: Vec<_> = plan(&program, options).into_iter().map(|planned| planned.unit).collect();
    let seen: Vec<_> = units.iter().map(|unit| (unit.clauses.as_slice(), unit.pid)).collect();
    assert_eq!(seen, [(&[0, 1, 2][..], None), (&[3], Some(7)), (&[4, 5, 6], None)]);
    let tests: Vec<bool> = program.clauses.iter().map(|clause| clause.predicate.is_some()).collect();
    assert_eq!(tests, [true, true, true, false, true, true, true]);
    // A command limits no tracepoints.
    program.clauses.iter_mut().for_each(|clause| clause.predicate = None);
    program.clauses[1].predicate = Some(asks);
    crate::share_places(&mut program, Some(7), None);
    let tests: Vec<bool> = program.clauses.iter().map(|clause| clause.predicate.is_some()).collect();
    assert_eq!(tests, [false, true, false, false, false, false, false]);
}

#[test]
fn entries_and_returns_of_the_same_functions_are_one_program() {
    let mut program = program(&[&[entry(1), entry(2)], &[at_return(2), at_return(1)]]);
    program.clauses[1].predicate = Some(Expr::new(ExprKind::Builtin(Builtin::Point), Type::ProbeName, Span::default()));
    let planned = planned(NEW, None, None, &program);
    let [both] = planned.as_slice() else { panic!("{planned:?}") };
    assert_eq!((both.means, both.cookies), (Means::KprobeSession, true));
    assert_eq!((&both.unit.clauses, &both.unit.points), (&vec![0], &vec![PointId(0), PointId(1)]));
    // The returns are in the order of the entries, whose numbers the cookies are.
    assert_eq!(both.unit.context, Context::Session { clauses: vec![1], points: vec![PointId(3), PointId(2)] });
    assert_eq!(both.unit.all_clauses().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(both.unit.all_points().map(|point| point.0).collect::<Vec<_>>(), [0, 1, 3, 2]);
}

fn by_trampoline(address: u64, is_plain: bool) -> Site {
    let code = Some(code(address, true));
    let (owner, name) = (BtfOwner::Kernel, format!("f{address}"));
    Site::Fentry(BtfFunction { owner, name, btf_id: 1, words: 2, is_plain, code, kprobe: false })
}

/// A trampoline takes the kernel tens of milliseconds to take away.
#[test]
fn many_functions_have_one_link_also_where_structs_go_to_them_that_nobody_reads() {
    let sites: Vec<Site> = (1..=20).map(|address| by_trampoline(address, address % 2 == 0)).collect();
    assert_eq!(means(NEW, &[&sites]), [Means::KprobeMulti]);
    for read in [ExprKind::Arg(0), ExprKind::Retval] {
        let mut program = program(&[&sites]);
        program.clauses[0].predicate = Some(Expr::new(read, Type::U64, Span::default()));
        let planned = planned(NEW, None, None, &program);
        let shares: Vec<_> = planned.iter().map(|planned| (planned.means, planned.unit.points.len())).collect();
        assert_eq!(shares, [(Means::Each, 10), (Means::KprobeMulti, 10)]);
    }
}

#[test]
fn only_exactly_the_same_functions_are() {
    assert_eq!(means(NEW, &[&[entry(1)], &[at_return(1)]]), [Means::KprobeSession]);
    assert_eq!(means(NEW, &[&[entry(1), at_return(1)]]), [Means::KprobeSession]);
    assert_eq!(means(NEW, &[&[entry(1)], &[at_return(2)]]), [Means::Each, Means::KprobeMulti]);
    assert_eq!(means(NEW, &[&[entry(1), entry(2)], &[at_return(1)]]), [Means::Each, Means::KprobeMulti]);
    let pairs: [&[Site]; 4] = [&[entry(1)], &[entry(2)], &[at_return(2)], &[at_return(1)]];
    assert_eq!(means(NEW, &pairs), [Means::KprobeSession, Means::KprobeSession]);
}

#[test]
fn only_the_starts_of_functions_that_the_tracer_knows_are() {
    let inside = Site::Kprobe(KernelCode { offset: 4, ..code(1, false) });
    assert_eq!(means(NEW, &[&[inside], &[at_return(1)]]), [Means::Each, Means::KprobeMulti]);
    let unknown = Kernel { traceable: false, ..NEW };
    assert_eq!(means(unknown, &[&[entry(1)], &[at_return(1)]]), [Means::Each, Means::Each]);
    // Patterns have asked the tracer already.
    let known = [Site::Kprobe(code(1, true)), Site::Kretprobe(code(1, true))];
    assert_eq!(means(unknown, &[&known[..1], &known[1..]]), [Means::KprobeSession]);
}

#[test]
fn kernels_without_it_and_users_who_want_something_else_get_two_programs() {
    let both: [&[Site]; 2] = [&[entry(1)], &[at_return(1)]];
    assert_eq!(means(Kernel { session: false, ..NEW }, &both), [Means::Each, Means::KprobeMulti]);
    let program = program(&both);
    let forced = |kprobes, maxactive| -> Vec<Means> {
        planned(NEW, kprobes, maxactive, &program).iter().map(|planned| planned.means).collect()
    };
    assert_eq!(forced(Some(KprobeMeans::Session), None), [Means::KprobeSession]);
    assert_eq!(forced(Some(KprobeMeans::Multi), None), [Means::KprobeMulti, Means::KprobeMulti]);
    assert_eq!(forced(Some(KprobeMeans::Perf), None), [Means::Each, Means::Each]);
    assert_eq!(forced(None, Some(3)), [Means::Each, Means::Tracefs { maxactive: Some(3) }]);
}

/// There a session would lose entries that a program of their own sees, and a link loses as many returns as an event.
#[test]
fn kernels_that_limit_returns_get_a_session_only_on_demand() {
    let limited = Kernel { limits_returns: true, ..NEW };
    let both: [&[Site]; 2] = [&[entry(1)], &[at_return(1)]];
    assert_eq!(means(limited, &both), [Means::Each, Means::Each]);
    let forced = planned(limited, Some(KprobeMeans::Session), None, &program(&both));
    assert_eq!(forced.iter().map(|planned| planned.means).collect::<Vec<_>>(), [Means::KprobeSession]);
}

#[test]
fn what_a_kernel_lacks_is_made_in_the_next_best_way() {
    let many = [1, 2].map(|address| Site::Kprobe(code(address, true)));
    assert_eq!(means(NEW, &[&many]), [Means::KprobeMulti]);
    assert_eq!(means(Kernel { multi: false, ..NEW }, &[&many]), [Means::Each]);
    let old = Kernel { multi: false, session: false, hides_misses: true, limits_returns: true, ..NEW };
    assert_eq!(means(old, &[&[at_return(1)]]), [Means::Tracefs { maxactive: None }]);
}

#[test]
fn clauses_of_error_get_no_program_of_their_own() {
    let program = program(&[&[Site::Begin], &[Site::Error], &[Site::Begin, Site::Error]]);
    let planned = planned(NEW, None, None, &program);
    let clauses: Vec<_> = planned.iter().map(|planned| planned.unit.clauses.clone()).collect();
    assert_eq!(clauses, [[0], [2]]);
}

#[test]
fn begin_and_end_are_told_apart() {
    let mut program = program(&[&[Site::Begin, Site::End]]);
    program.clauses[0].predicate = Some(Expr::new(ExprKind::Builtin(Builtin::Point), Type::ProbeName, Span::default()));
    assert_eq!(planned(NEW, None, None, &program).len(), 2);
}

#[test]
fn programs_whose_faults_are_reported_know_their_point() {
    let mut program = program(&[&[entry(1), entry(2)]]);
    let addr = Box::new(Expr::int(8, Type::U64, Span::default()));
    let read = ExprKind::Deref { addr, space: quadrant_program::ty::Space::Kernel };
    program.clauses[0].predicate = Some(Expr::new(read, Type::U64, Span::default()));
    let cookies = |program: &Program| planned(NEW, None, None, program)[0].cookies;
    assert!(!cookies(&program));
    program.faults = quadrant_program::program::Faults::Abort(quadrant_program::record::RecordId(0));
    assert!(cookies(&program));
}

#[test]
fn an_event_that_somebody_made_is_no_raw_tracepoint() {
    let site = |category: &str| Site::Tracepoint { category: category.to_owned(), event: "sched_switch".to_owned() };
    let context = |category| planned(NEW, None, None, &program(&[&[site(category)]]))[0].unit.context.clone();
    assert_eq!(context("mine"), Context::Tracepoint);
    assert_eq!(context("sched"), Context::RawTracepoint(std::collections::BTreeMap::new()));
}

#[test]
fn points_at_one_place_have_programs_of_their_own() {
    let tracepoint =
        |category: &str, event: &str| Site::Tracepoint { category: category.to_owned(), event: event.to_owned() };
    let points = |sites: &[Site]| -> Vec<Vec<u32>> {
        let planned = planned(NEW, None, None, &program(&[sites]));
        planned.iter().map(|planned| planned.unit.points.iter().map(|point| point.0).collect()).collect()
    };
    let [read, write] = ["sys_enter_read", "sys_enter_write"].map(|event| tracepoint("syscalls", event));
    assert_eq!(points(&[read.clone(), write.clone(), read.clone()]), [vec![0, 1], vec![2]]);
    let raw = tracepoint("sched", "sched_switch");
    assert_eq!(points(&[raw.clone(), raw.clone(), raw]), [vec![0], vec![1], vec![2]]);
    // Where one program serves all calls, too.
    let mut many: Vec<Site> = ["close", "dup", "brk", "mmap", "lseek"]
        .map(|call| tracepoint("syscalls", &format!("sys_enter_{call}")))
        .into();
    many.extend([read.clone(), write, read]);
    assert_eq!(points(&many), [vec![0, 1, 2, 3, 4, 5, 6], vec![7]]);
}
