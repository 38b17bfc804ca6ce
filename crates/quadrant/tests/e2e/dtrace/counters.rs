//! Counters of the system (`sysinfo`, `vminfo`, `mib`) by known work, and what none can tell.

use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};

use quadrant_testing::{Outcome, Signal};

use super::{dtrace, number, quietly_on, ready};
use crate::common::{needs_root, target};

/// A prime number.
const TIMES: i64 = 211;
/// What a program does besides: faults of its start.
const START: i64 = 400;

/// `counted WHAT`, with the sum of each counter in the process itself.
fn counted(program: &str, what: &str, counters: &[&str]) -> Outcome {
    let text = format!("{} /pid == $target/ {{ @[probename] = sum(arg0); }}", counters.join(","));
    quietly_on(&format!("{program} {what} {TIMES}"), &text)
}

#[track_caller]
fn has(outcome: &Outcome, counter: &str, times: i64) {
    assert_eq!(number(outcome, counter), times, "{counter}: {}", outcome.describe());
}

#[track_caller]
fn has_not(outcome: &Outcome, counter: &str) {
    assert!(!outcome.stdout.contains(counter), "{counter}: {}", outcome.describe());
}

#[track_caller]
fn has_about(outcome: &Outcome, counter: &str, times: i64) {
    let found = number(outcome, counter);
    assert!((times..times + START).contains(&found), "{counter}: {}", outcome.describe());
}

#[test]
fn processes_and_threads() {
    needs_root!();
    let program = target!("counted");
    let counters =
        ["sysinfo:::sysfork", "sysinfo:::sysvfork", "sysinfo:::nthreads", "sysinfo:::sysexec", "sysinfo:::exec"];
    for (what, tells, others) in [
        ("fork", "sysfork", &["sysvfork"][..]),
        ("vfork", "sysvfork", &["sysfork"]),
        ("spawn", "sysvfork", &["sysfork"]),
        ("threads", "nthreads", &["sysfork", "sysvfork"]),
    ] {
        let outcome = counted(&program, what, &counters);
        has(&outcome, tells, TIMES);
        has(&outcome, "nthreads", TIMES);
        others.iter().for_each(|other| has_not(&outcome, other));
    }
    // What the children run is theirs.
    let text = "sysinfo:::exec /ppid == $target/ { @[\"run\"] = sum(arg0); }";
    has(&quietly_on(&format!("{program} spawn {TIMES}"), text), "run", TIMES);
}

/// Each page is a fault of its own; user code's or, where a call writes there, the kernel's.
#[test]
fn faults_by_pages() {
    needs_root!();
    let program = target!("counted");
    let counters = ["vminfo:::as_fault", "vminfo:::hat_fault", "vminfo:::cow_fault", "vminfo:::kernel_asflt"];
    let touched = counted(&program, "touch", &counters);
    has_about(&touched, "hat_fault", TIMES);
    assert!(number(&touched, "cow_fault") < TIMES, "{}", touched.describe());
    let copied = counted(&program, "copy", &counters);
    has_about(&copied, "cow_fault", TIMES);
    has_about(&copied, "as_fault", 2 * TIMES);
    let written = counted(&program, "kernel", &counters);
    has_about(&written, "kernel_asflt", TIMES);
    has_about(&written, "hat_fault", TIMES);
}

/// The thread that moves is the one that the probe speaks of, whoever moves it.
#[test]
fn moves_between_processors() {
    needs_root!();
    let program = target!("counted");
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return quadrant_testing::skip("there is one processor");
    }
    let outcome = counted(&program, "move", &["sysinfo:::cpumigrate"]);
    assert!((TIMES..TIMES + 20).contains(&number(&outcome, "cpumigrate")), "{}", outcome.describe());
}

#[test]
fn bytes_and_calls() {
    needs_root!();
    let program = target!("counted");
    let transfers = "sysinfo:::readch, sysinfo:::writech, sysinfo:::sysread, sysinfo:::syswrite
        /pid == $target && arg0 == (probename == \"readch\" || probename == \"writech\" ? 50 : 1)/ { @[probename] = sum(arg0); }";
    let outcome = quietly_on(&format!("{program} vectors {TIMES}"), transfers);
    has(&outcome, "readch", 50 * TIMES);
    has(&outcome, "writech", 50 * TIMES);
    has_about(&outcome, "sysread", TIMES);
    has_about(&outcome, "syswrite", TIMES);
    has(&counted(&program, "sem", &["sysinfo:::sema"]), "sema", TIMES);
    has(&counted(&program, "msg", &["sysinfo:::msg"]), "msg", 2 * TIMES);
}

/// One clause at two probes that are one tracepoint: both fire, also where one program serves all calls.
#[test]
fn probes_at_one_tracepoint() {
    needs_root!();
    let program = target!("counted");
    for probes in ["sysinfo:::sema,syscall::sem*op:entry", "sysinfo:::sema,syscall::sem*:entry,syscall::m*:entry"] {
        let text = format!("{probes} /pid == $target && probefunc != \"semget\"/ {{ @[probeprov] = count(); }}");
        let outcome = quietly_on(&format!("{program} sem {TIMES}"), &text);
        has(&outcome, "sysinfo", TIMES);
        has_about(&outcome, "syscall", TIMES);
    }
}

#[test]
fn connections_and_datagrams() {
    needs_root!();
    let Ok(listener) = TcpListener::bind("127.0.0.1:0") else {
        return quadrant_testing::skip("the loopback device is down");
    };
    let address = listener.local_addr().expect("it has an address");
    let tracer = ready(dtrace().args(["-qn", "mib:::tcp*, mib:::udpHC* { @[probename] = sum(arg0); }"]));
    for _ in 0..TIMES {
        let mut client = TcpStream::connect(address).expect("it connects");
        let (server, _) = listener.accept().expect("it accepts");
        client.write_all(b"never read").expect("it writes");
        // What is closed with something to read is reset, and so is the other side.
        server.set_nonblocking(false).and_then(|()| server.peek(&mut [0])).expect("it arrives");
        drop(server);
    }
    drop(listener);
    for _ in 0..TIMES {
        TcpStream::connect(address).expect_err("nobody listens");
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there is a port");
    for _ in 0..TIMES {
        socket.send_to(b"x", socket.local_addr().expect("it has one")).expect("it sends");
    }
    tracer.signal(Signal::INT).expect("it runs");
    let outcome = tracer.finish().expect("it ends");
    // Others may use the network, too.
    for (counter, times) in [
        ("tcpActiveOpens", 2 * TIMES),
        ("tcpPassiveOpens", TIMES),
        ("tcpAttemptFails", TIMES),
        ("tcpEstabResets", 2 * TIMES),
        ("udpHCOutDatagrams", TIMES),
        ("udpHCInDatagrams", TIMES),
    ] {
        has_about(&outcome, counter, times);
    }
}

#[test]
fn what_nobody_counts_is_refused() {
    needs_root!();
    for (probe, instead) in [
        ("vminfo:::pgrec", "cpc:::minor_faults-all-1"),
        ("vminfo:::zfod", "vminfo:::hat_fault"),
        ("sysinfo:::sysspawn", "sysinfo:::sysvfork"),
        ("sysinfo:::lread", "sdt:filemap"),
    ] {
        let outcome = dtrace().args(["-n", probe]).run().expect("it runs");
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert!(outcome.stderr.contains("no tracepoint tells it"), "{}", outcome.describe());
        assert!(outcome.stderr.contains(instead), "{}", outcome.describe());
    }
}
