//! Statically defined probes of programs: arguments of every size, semaphores, several places.

use quadrant_testing::{COUNT, Outcome, Program, Signal};

use crate::common::{assert_lines, attached, needs_root, number, run_on, script, sum_below, target};

#[test]
fn probe_with_a_text_and_a_number() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} {COUNT} words"),
        &format!("usdt:{usdt}:demo:hit {{ @[str(arg1)] = sum(arg0); @n = count(); }}"),
    );
    assert_lines(&outcome, &[&format!("@[words]: {}", sum_below(COUNT)), "@n: 10007"]);
}

#[test]
fn probe_without_its_provider() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(&format!("{usdt} {COUNT}"), &format!("usdt:{usdt}:hit {{ @ = count(); }}"));
    assert_lines(&outcome, &["@: 10007"]);
}

#[test]
fn a_semaphore_is_raised_before_the_first_hit() {
    needs_root!();
    let usdt = target!("usdt");
    let tracer = script(&format!("usdt:{usdt}:demo:gated {{ @ = count(); @sum = sum(arg0); }}"));
    let tracer = tracer.args(["-c", &format!("{usdt} {COUNT}")]).env("TARGET_REPORT", "1");
    let outcome = crate::common::good(tracer);
    assert_lines(&outcome, &["@: 10007", &format!("@sum: {}", sum_below(COUNT))]);
    assert!(outcome.stderr.contains("enabled: 10007 of 10007"), "{}", outcome.describe());
}

/// The kernel has one probe at an instruction, and refuses a second one that names another semaphore, or none.
#[test]
fn a_function_at_the_very_place_of_a_probe_has_its_semaphore() {
    needs_root!();
    let usdt = target!("usdt");
    let probes = [
        format!("usdt:{usdt}:demo:gated {{ @probe = count(); }}"),
        format!("uprobe:{usdt}:gated_place {{ @function = count(); }}"),
    ];
    for script in [probes.concat(), probes.iter().rev().cloned().collect()] {
        let outcome = run_on(&format!("{usdt} {COUNT}"), &script);
        assert_lines(&outcome, &["@function: 10007", "@probe: 10007"]);
    }
}

/// bpftrace #3601: of several semaphores of one name only one is raised, and the other places never fire.
#[test]
fn each_place_has_the_semaphore_of_its_own_note() {
    needs_root!();
    let twice = target!("usdt-twice");
    let outcome = run_on(&format!("{twice} {COUNT}"), &format!("usdt:{twice}:demo:twice {{ @[arg0] = count(); }}"));
    assert_lines(&outcome, &["@[3]: 5003", "@[2]: 5004", "@[1]: 10007"]);
    assert!(outcome.stderr.contains("listened: 10007 and 10007 of 10007"), "{}", outcome.describe());
}

#[test]
fn a_semaphore_is_lowered_when_the_tracer_is_killed() {
    needs_root!();
    let usdt = target!("usdt");
    let target = Program::new(&usdt).arg("23").env("TARGET_WAIT", "1").env("TARGET_REPORT", "1");
    let mut running = target.with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();

    let tracer = attached(script(&format!("usdt:{usdt}:demo:gated {{ @ = count(); }}")));
    tracer.signal(Signal::KILL).unwrap();
    assert_eq!(tracer.finish().unwrap().signal(), Some(9));

    running.write("go\n").unwrap();
    let target = running.finish().unwrap();
    assert!(target.stderr.contains("enabled: 0 of 23"), "{}", target.describe());
}

#[test]
fn arguments_of_every_size_and_sign() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!(
            "usdt:{usdt}:demo:sizes {{
                 printf(\"%d %d %d %d\\n\", arg0, arg1, arg2, arg3);
                 printf(\"%d %u %d %llu\\n\", arg4, arg5, arg6, arg7);
             }}"
        ),
    );
    assert_lines(&outcome, &["-1 255 -2 65534", "-3 4294967293 -4 18446744073709551612"]);
}

#[test]
fn arguments_in_memory_and_constants() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!(
            "usdt:{usdt}:demo:constants {{ printf(\"%d %d\\n\", arg0, arg1); }}
             usdt:{usdt}:demo:memory {{ printf(\"%d\\n\", arg0); }}
             usdt:{usdt}:demo:empty {{ printf(\"empty\\n\"); }}"
        ),
    );
    let mut lines = outcome.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["7 -3", "77", "empty"], "{}", outcome.describe());
}

#[test]
fn twelve_arguments() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!("usdt:{usdt}:demo:many {{ printf(\"%d %d %d %d\\n\", arg0, arg5, arg6, arg9); }}"),
    );
    assert_lines(&outcome, &["100 105 106 109"]);
}

/// An argument that is a whole struct is its address, and those behind it keep their numbers (bpftrace #3798).
#[test]
fn a_struct_that_is_passed_whole() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!(
            "struct record {{ long first; char name[24]; long last; }}
             usdt:{usdt}:demo:whole {{
                 $one = (struct record *)arg0;
                 printf(\"%d %s %d %d\\n\", $one.first, $one.name, $one.last, arg1);
             }}"
        ),
    );
    assert_lines(&outcome, &["101 in the middle 103 5"]);
}

#[test]
fn one_probe_at_two_places_with_arguments_of_different_sizes() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!(
            "usdt:{usdt}:demo:place {{ @n = count(); @odd = sum(arg0 > 0 ? arg0 : 0); @even = sum(arg0 < 0 ? arg0 : 0); }}"
        ),
    );
    assert_lines(&outcome, &["@even: -20", "@n: 10", "@odd: 25"]);
}

#[test]
fn wildcard_over_probes() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(&format!("{usdt} 3"), &format!("usdt:{usdt}:demo:* {{ @[probe] = count(); }}"));
    assert_eq!(number(&outcome, &format!("@[usdt:{usdt}:demo:hit]")), 3);
    assert_eq!(number(&outcome, &format!("@[usdt:{usdt}:demo:gated]")), 3);
    assert_eq!(number(&outcome, &format!("@[usdt:{usdt}:demo:place]")), 10);
    assert_eq!(number(&outcome, &format!("@[usdt:{usdt}:demo:empty]")), 1);
}

#[test]
fn a_process_that_runs_already() {
    needs_root!();
    let usdt = target!("usdt");
    let mut running = Program::new(&usdt).args(["10007"]).env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let tracer = script(&format!("usdt:{usdt}:demo:hit {{ @ = count(); }}")).args(["-p", &running.pid().to_string()]);
    let tracer = attached(tracer);
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    assert_lines(&tracer.finish().unwrap(), &["@: 10007"]);
}

#[test]
fn a_library_of_a_command() {
    needs_root!();
    let (library, usdt) = (target!("libgated.so"), target!("usdt-shared"));
    let tracer = script(&format!("usdt:{library}:demo:gated {{ @[str(arg1)] = count(); }}"));
    let tracer = tracer.args(["-c", &format!("{usdt} {COUNT}")]).env("TARGET_REPORT", "1");
    let outcome = crate::common::good(tracer);
    assert_lines(&outcome, &["@[hello]: 10007"]);
    assert!(outcome.stderr.contains("enabled: 10007 of 10007"), "{}", outcome.describe());
}

/// As of Ruby, whose program is a few lines and whose probes are in a library.
#[test]
fn a_probe_that_a_library_of_the_program_has_is_named() {
    needs_root!();
    let (library, usdt) = (target!("libgated.so"), target!("usdt-shared"));
    let library = std::fs::canonicalize(library).unwrap();
    for probe in ["demo:gated", "gated"] {
        let outcome = script(&format!("usdt:{usdt}:{probe} {{ }}")).run().unwrap();
        let has = format!("has it: `usdt:{}:", library.display());
        assert!(outcome.code() == Some(1) && outcome.stderr.contains(&has), "{}", outcome.describe());
        assert!(outcome.stderr.contains(":gated`"), "{}", outcome.describe());
    }
    let outcome = script(&format!("usdt:{usdt}:demo:nowhere {{ }}")).run().unwrap();
    assert!(!outcome.stderr.contains("has it"), "{}", outcome.describe());
}

#[test]
fn a_library_of_a_process_that_runs_already() {
    needs_root!();
    let (library, usdt) = (target!("libgated.so"), target!("usdt-shared"));
    let mut running = Program::new(&usdt).args(["10007"]).env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let tracer = script(&format!("usdt:{library}:demo:gated {{ @ = count(); }}"));
    let tracer = attached(tracer.args(["-p", &running.pid().to_string()]));
    assert!(Program::new(&usdt).arg("29").run().unwrap().success());
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    assert_lines(&tracer.finish().unwrap(), &["@: 10007"]);
}

/// Linux 6.18 makes a call of a five-byte nop that is probed: children die of it, and variables below the stack pointer are overwritten.
/// Linux 7.2 makes one of the ten-byte nop of `dtrace -h`.
#[test]
fn programs_compute_the_same_and_their_children_live() {
    needs_root!();
    let path = target!("paired");
    let text = format!("usdt:{path}:demo:paired,uprobe:{path}:nopped {{ @n[probe] = count(); @sum = sum(arg0); }}");
    let check = |outcome: &Outcome, processes: u64| {
        let sum = 2 * processes as i64 * sum_below(COUNT);
        assert_eq!(number(outcome, "@sum"), sum, "{}", outcome.describe());
        for probe in [format!("usdt:{path}:demo:paired"), format!("uprobe:{path}:nopped")] {
            let found = number(outcome, &format!("@n[{probe}]"));
            assert_eq!(found, (processes * COUNT) as i64, "{}", outcome.describe());
        }
    };
    // Of the command alone, whose status is the tracer's, and of all processes.
    check(&crate::common::good(script(&text).args(["-c", &format!("{path} {COUNT}")])), 1);
    let tracer = attached(script(&text));
    assert!(Program::new(&path).arg(COUNT.to_string()).run().unwrap().success());
    tracer.signal(Signal::INT).unwrap();
    check(&tracer.finish().unwrap(), 2);
}

/// The probes of a pattern differ in what they have; of a single one a wrong argument is a mistake.
#[test]
fn arguments_that_some_probes_lack_are_zero() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(&format!("{usdt} 1"), &format!("usdt:{usdt}:demo:[em]* {{ print((probe, arg0)); }}"));
    let name = |probe: &str| format!("usdt:{usdt}:demo:{probe}");
    for (probe, first) in [("empty", 0), ("memory", 77), ("many", 100)] {
        assert!(outcome.stdout.contains(&format!("({}, {first})\n", name(probe))), "{}", outcome.describe());
    }
    let warning = format!("`{}` has 0 arguments, and `arg0` is not one of them", name("empty"));
    assert!(outcome.stderr.contains(&warning), "{}", outcome.describe());
    let message = crate::common::refused(script(&format!("usdt:{usdt}:demo:empty {{ print(arg0); }}")));
    assert!(message.contains("has 0 arguments"), "{message}");
}

/// A program lies elsewhere in each process.
#[test]
fn symbols_have_the_addresses_of_the_process() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!(
            "usdt:{usdt}:demo:memory {{ print(*uaddr(\"in_memory\")); }}
             uprobe:{usdt}:whole,uprobe:{usdt}:many {{ print((func, *uaddr(\"in_memory\"), usym(uaddr(\"many\")))); }}"
        ),
    );
    assert_lines(&outcome, &["77", "(many, 77, many)", "(whole, 77, many)"]);
    let message = crate::common::refused(script(&format!("uretprobe:{usdt}:whole {{ print(uaddr(\"in_memory\")); }}")));
    assert!(message.contains("another address in each process"), "{message}");
}

/// As bpftrace does; scripts compare names.
#[test]
fn probes_are_called_by_the_path_of_the_script() {
    needs_root!();
    let usdt = target!("usdt");
    let (folder, name) = usdt.rsplit_once('/').unwrap();
    let text = format!("usdt:./{name}:demo:empty,uprobe:./{name}:main {{ print(probe); }}");
    let tracer = script(&text).args(["-c", &format!("{usdt} 1")]).dir(folder);
    let wanted = [format!("uprobe:./{name}:main"), format!("usdt:./{name}:demo:empty")];
    assert_lines(&crate::common::good(tracer), &wanted.each_ref().map(String::as_str));
}

#[test]
fn the_context_has_the_registers() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = run_on(
        &format!("{usdt} 1"),
        &format!(
            "usdt:{usdt}:demo:memory {{ print(ctx.ip == reg(\"ip\")); }} uprobe:{usdt}:many {{ $c = ctx; print(($c->di, ctx.sp == reg(\"sp\"))); }}
             profile:hz:99 {{ @at = ctx.regs.ip == reg(\"ip\"); @every = ctx.sample_period > 0; }}"
        ),
    );
    if cfg!(target_arch = "x86_64") {
        assert!(outcome.stdout.starts_with("true\n(100, true)\n"), "{}", outcome.describe());
    }
}
