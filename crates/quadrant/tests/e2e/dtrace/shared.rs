//! Which of the scripts and one-liners that people share run here unchanged, and the test that has their answers.

/// Scripts and one-liners that a user of D expects, and the test that runs each on known work.
const SHARED: &[(&str, &str)] = &[
    ("syscall:::entry { @num[probefunc] = count(); }", "system_calls_by_call"),
    ("syscall:::entry { @num[execname] = count(); }", "system_calls_by_program"),
    ("syscall:::entry { @num[pid, execname] = count(); }", "system_calls_by_program"),
    ("syscall:::entry { @num[pid, execname, probefunc] = count(); }", "system_calls_by_process"),
    ("syscall::open*:entry { printf(\"%s %s\", execname, copyinstr(arg0)); }", "files_opened_by_name"),
    ("syscall::openat:entry { printf(\"%-16s %s\\n\", execname, copyinstr(arg1)); }", "files_opened_by_name"),
    ("proc:::exec-success { trace(curpsinfo->pr_psargs); }", "new_programs_with_their_arguments"),
    ("syscall::exec*:return { printf(\"%Y %s\\n\", ...); }", "new_programs_with_their_arguments"),
    ("sysinfo:::readch { @bytes[execname] = sum(arg0); }", "bytes_read_by_program"),
    ("sysinfo:::writech { @dist[execname] = quantize(arg0); }", "bytes_read_by_program"),
    ("io:::start { @size[execname] = sum(args[0]->b_bcount); }", "block_devices"),
    ("vminfo:::as_fault { @mem[execname] = sum(arg0); }", "page_faults_by_program"),
    ("profile-997 /arg0/ { @[stack()] = count(); }", "kernel_stacks_by_sampling"),
    ("profile-997 /pid == $target/ { @[ustack()] = count(); }", "user_stacks_by_sampling"),
    ("hotkernel: profile-997 /arg0/ { @[func(arg0)] = count(); }", "samples_by_function"),
    ("hotuser: profile-997 /arg1/ { @[ufunc(arg1)] = count(); }", "samples_by_function"),
    ("proc:::signal-send /pid/ { printf(\"%s -%d %d\", ...); }", "signals_with_sender_and_target"),
    ("pid$target:libc:malloc:entry { @[ustack()] = quantize(arg0); }", "allocations_by_stack"),
    ("syscall::read:return /errno/ { @[execname, errno] = count(); }", "failed_reads_by_program_and_error"),
    ("-F pid$target:a.out::entry, :return", "all_calls_and_returns_of_a_program_are_indented"),
    ("-wn syscall::exece:return /execname == .../ { raise(9); }", "a_program_is_killed_by_its_name"),
    ("sdt:sched::sched_process_exec { @[execname] = count(); }", "tracepoints_as_static_probes_of_the_kernel"),
    ("execsnoop", "execsnoop"),
    ("opensnoop", "opensnoop"),
    ("dtruss", "dtruss"),
    ("procsystime", "procsystime"),
    ("rwtop", "rwtop"),
    ("errinfo", "errinfo"),
    ("pathopens.d", "pathopens"),
    ("newproc.d", "newproc"),
    ("kill.d", "kill"),
    ("sigdist.d", "sigdist"),
    ("cpuwalk.d", "cpuwalk"),
    ("dapptrace's flow", "flow"),
];

#[test]
fn thirty_scripts_have_their_tests() {
    let tests = [include_str!("scripts.rs"), include_str!("toolkit.rs")].concat();
    for (script, test) in SHARED {
        assert!(tests.contains(&format!("#[test]\nfn {test}()")), "{script}: there is no test {test}");
    }
    println!("{} scripts and one-liners", SHARED.len());
    assert!(SHARED.len() >= 30);
}
