//! What `-h` prints.

/// The options, in the order of bpftrace(8).
pub const USAGE: &str = "\
bpftrace - Quadrant under this name: runs bpftrace scripts with bpftrace's command line

USAGE:
    bpftrace [options] filename [parameters]
    bpftrace [options] - [parameters]            the script comes from standard input
    bpftrace [options] -e 'program' [parameters]
    Parameters that start with a dash go behind --: named ones (--name=value), and --help of the script.

OPTIONS:
    -e 'program'   run this program
    -l, --list [PATTERN[,PATTERN]|filename]
                   list the probes that match, those of a script, or types ('struct NAME')
    -v, --verbose  say more: mechanisms of probes; with -l, their arguments
    -h, --help     this text
    -V, --version  the version
    --info         what this kernel can do

    -p, --pid PID  trace this process; the trace ends with it
    -c, --cmd CMD  run CMD and trace it; the trace ends with it

    -o, --output FILE
                   write answers to FILE
    -f FORMAT      form of the answers: text, json
    -B MODE        line, none: answers are written as they come; full: when there are many, and at the end
    -q, --quiet    nothing but answers
    --no-warnings  no warnings about the script (losses are always reported)

    --traceable-functions FILE
                   patterns of kernel functions mean those in FILE
    --debuginfo DIR[:DIR]
                   look for separate debug information there first (+DIR: check its CRC)
    -I DIR         look for headers and #include files there, too
    --include FILE include this header before the script

    --unsafe       allow system(), signal() and what else changes the system
    --no-feature FEATURE[,FEATURE]
                   do without kprobe_multi, kprobe_session
    --overhead     print at the end what the trace itself has cost (not in bpftrace)
    --max-overhead PERCENT
                   keep the probes below this part of one CPU: warn, let only some firings count, end (not in bpftrace)
    --exact-entries
                   keep user probes at a function's first instruction, even if it must be executed in single step
                   (not in bpftrace)
    --dry-run      compile, load and check, but attach nothing

    --test, --mode test
                   run the test: probes
    --bench, --mode bench
                   run the bench: probes, and measure them
    --probe-filter REGEX
                   only those of them whose names match
    --fmt, --mode format
                   print the script in the usual form
    -d, --debug STAGE
                   ast, parse: the syntax tree; types: the typed program; codegen, codegen-opt, dis: the instructions;
                   libbpf, verifier: how each probe is made; all

Accepted without effect: -b -k --dwarf-pid PID
    --usdt-file-activation --verify-llvm-ir

EXAMPLES:
    bpftrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
    bpftrace -e 'profile:hz:99 { @[kstack] = count(); }'
    bpftrace -lv 'tracepoint:sched:sched_wakeup'
    bpftrace script.bt -- --interval=5
";
