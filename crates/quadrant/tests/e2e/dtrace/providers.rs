//! Providers of meaning: what they tell of known work, exactly.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use quadrant_testing::{Outcome, Running, Signal};

use super::{answers, dtrace, number, quietly_on, ready};
use crate::common::{folder, good, needs_loops, needs_root, target};

/// Datagrams and messages of the tests of the network: a prime number.
const MESSAGES: usize = 107;
const SIZE: usize = 100;

/// Ends the calling test, as skipped, where packets to this machine itself do not come.
macro_rules! needs_loopback {
    () => {
        if UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[0], socket.local_addr()?)).is_err() {
            return quadrant_testing::skip("the loopback device is down");
        }
    };
}

/// A quiet tracer that is ready.
fn tracing(text: &str) -> Running {
    ready(dtrace().args(["-qn", text]))
}

fn ended(tracer: Running) -> Outcome {
    tracer.signal(Signal::INT).expect("it runs");
    tracer.finish().expect("it ends")
}

#[test]
fn datagrams_leave_and_come() {
    needs_root!();
    needs_loops!();
    needs_loopback!();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let tracer = tracing(&format!(
        "udp:::send /args[4]->udp_dport == {port}/ {{ @[\"sent\"] = sum(args[4]->udp_length); @to[args[2]->ip_daddr] = count(); }}
         udp:::receive /args[4]->udp_dport == {port}/ {{ @[\"received\"] = sum(args[2]->ip_plength); @at[args[3]->udps_lport] = count(); }}
         ip:::send /args[4]->ipv4_protocol == IPPROTO_UDP && __ports[args[4]->ipv4_hdr][1] == htons({port})/
         {{ @packets[args[3]->if_name, args[4]->ipv4_protostr, args[4]->ipv4_ihl, args[4]->ipv4_flags] = count(); }}"
    ));
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    (0..MESSAGES).for_each(|_| assert_eq!(sender.send_to(&[7; SIZE], ("127.0.0.1", port)).unwrap(), SIZE));
    let outcome = ended(tracer);
    let bytes = (MESSAGES * (SIZE + 8)) as i64;
    assert_eq!((number(&outcome, "sent"), number(&outcome, "received")), (bytes, bytes), "{}", outcome.describe());
    assert_eq!(number(&outcome, "127.0.0.1"), MESSAGES as i64);
    assert_eq!(number(&outcome, &port.to_string()), MESSAGES as i64);
    let line = outcome.stdout.lines().find(|line| line.trim_start().starts_with("lo "));
    let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    // Twenty bytes, not to be fragmented.
    assert_eq!(words, ["lo", "UDP", "20", "4", "107"], "{}", outcome.describe());
}

#[test]
fn packets_as_they_are() {
    needs_root!();
    needs_loops!();
    needs_loopback!();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let port = address.port();
    let tracer = tracing(&format!(
        "udp:::receive /args[4]->udp_dport == {port}/ {{ pcap(args[0]->pkt_addr, PCAP_IP); }}
         udp:::receive /args[4]->udp_dport == {port}/ {{ pcap((void *)args[0]->pkt_addr, PCAP_NULL); }}"
    ));
    socket.send_to(b"seventeen letters", address).unwrap();
    let outcome = ended(tracer);
    // An IP header of 20 bytes, one of UDP of 8, the text.
    assert!(outcome.stdout.contains(" 0: 45 00 00 2d "), "{}", outcome.describe());
    assert!(outcome.stdout.contains("seve\n        20: 6e 74 65 65 6e 20"), "{}", outcome.describe());
    assert_eq!(outcome.stdout.matches("letters").count(), 2, "{}", outcome.describe());
    assert!(!outcome.stderr.contains("cut"), "{}", outcome.describe());
}

/// A network header that is not set is behind the end of the packet.
#[test]
fn a_packet_without_a_network_header_has_no_bytes() {
    needs_root!();
    let text = "BEGIN { this->p = (struct sk_buff *)alloca(sizeof(struct sk_buff)); this->p->network_header = 0xffff;
        pcap(this->p, PCAP_IP); exit(0); }";
    let outcome = dtrace().args(["-x", "scratchsize=1024", "-qn", text]).run().expect("it runs");
    assert!(outcome.success() && outcome.stdout.trim().is_empty(), "{}", outcome.describe());
    assert!(!outcome.stderr.contains("error"), "{}", outcome.describe());
}

#[test]
fn datagrams_of_version_6() {
    needs_root!();
    needs_loops!();
    needs_loopback!();
    let Ok(socket) = UdpSocket::bind("[::1]:0") else { return quadrant_testing::skip("there is no IPv6 here") };
    let port = socket.local_addr().unwrap().port();
    let tracer = tracing(&format!(
        "udp:::send /args[4]->udp_dport == {port}/ {{ @[args[2]->ip_saddr, args[2]->ip_ver] = sum(args[2]->ip_plength); }}"
    ));
    (0..MESSAGES).for_each(|_| assert_eq!(socket.send_to(&[7; SIZE], ("::1", port)).unwrap(), SIZE));
    let outcome = ended(tracer);
    let words: Vec<&str> = answers(&outcome).iter().flat_map(|line| line.split_whitespace()).collect();
    assert_eq!(words, ["::1", "6", "11556"], "{}", outcome.describe());
}

#[test]
fn connections_from_request_to_end() {
    needs_root!();
    needs_loops!();
    needs_loopback!();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tracer = tracing(&format!(
        "tcp:::connect-request /args[4]->tcp_dport == {port}/ {{ printf(\"%s %s %d %x %d\\n\", probename, args[2]->ip_daddr, args[3]->tcps_rport == {port}, args[4]->tcp_flags, args[3]->tcps_active); }}
         tcp:::connect-established /args[4]->tcp_sport == {port}/ {{ printf(\"%s %s %x %d\\n\", probename, args[3]->tcps_raddr, args[4]->tcp_flags, args[3]->tcps_active); }}
         tcp:::accept-established /args[4]->tcp_dport == {port}/ {{ printf(\"%s %d %x %d\\n\", probename, args[3]->tcps_lport == {port}, args[4]->tcp_flags, args[3]->tcps_active); }}
         tcp:::state-change /args[3]->tcps_lport == {port}/ {{ printf(\"%s\\n\", tcp_state_string[args[3]->tcps_state]); }}
         tcp:::send /args[4]->tcp_dport == {port} && args[4]->tcp_flags & TH_PUSH/ {{ @[\"sent\"] = sum(args[2]->ip_plength - args[4]->tcp_offset); }}
         tcp:::receive /args[4]->tcp_dport == {port} && args[4]->tcp_flags & TH_PUSH/ {{ @[\"received\"] = sum(args[2]->ip_plength - args[4]->tcp_offset); }}"
    ));
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let mut buffer = [0; SIZE];
    for _ in 0..MESSAGES {
        client.write_all(&[7; SIZE]).unwrap();
        server.read_exact(&mut buffer).unwrap();
    }
    drop((client, server));
    drop(listener);
    let outcome = ended(tracer);
    let lines = answers(&outcome);
    for line in [
        "connect-request 127.0.0.1 1 2 1",
        "connect-established 127.0.0.1 12 1",
        "accept-established 1 10 0",
        "state-established",
        "state-close-wait",
    ] {
        assert_eq!(lines.iter().filter(|known| **known == line).count(), 1, "{line}: {}", outcome.describe());
    }
    let bytes = (MESSAGES * SIZE) as i64;
    assert_eq!((number(&outcome, "sent"), number(&outcome, "received")), (bytes, bytes), "{}", outcome.describe());
}

/// A packet has no header of the other version, and a connection of IPv6 can be one of this machine with itself, too.
#[test]
fn packets_and_connections_of_one_version() {
    needs_root!();
    needs_loops!();
    needs_loopback!();
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return quadrant_testing::skip("there is no IPv6 here") };
    let port = listener.local_addr().unwrap().port();
    let tracer = tracing(&format!(
        "tcp:::send /args[4]->tcp_dport == {port} && args[4]->tcp_flags & TH_PUSH/ {{
             printf(\"local %d, rtt %d\\n\", args[3]->tcps_local, args[3]->tcps_rtt < 60000);
             printf(\"rto %d\\n\", args[3]->tcps_rto >= 200 && args[3]->tcps_rto < 60000);
             printf(\"%d\\n\", args[3]->tcps_suna == args[4]->tcp_seq && args[3]->tcps_rnxt == args[4]->tcp_ack);
         }}
         ip:::send /args[5]->ipv6_plen == 1032 && args[5]->ipv6_nexthdr == 6/ {{
             printf(\"%d %s %s, %d %s %s\\n\", args[4]->ipv4_ver, args[4]->ipv4_saddr, args[4]->ipv4_protostr,
                 args[5]->ipv6_ver, args[5]->ipv6_saddr, args[5]->ipv6_nextstr);
         }}"
    ));
    let mut client = TcpStream::connect(("::1", port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(&[7; 1000]).unwrap();
    server.read_exact(&mut [0; 1000]).unwrap();
    let outcome = ended(tracer);
    let expected = ["local 1, rtt 1", "rto 1", "1", "0 <null> <null>, 6 ::1 TCP"];
    assert!(expected.iter().all(|line| answers(&outcome).contains(line)), "{}", outcome.describe());
}

#[test]
fn connections_that_nobody_takes() {
    needs_root!();
    needs_loops!();
    needs_loopback!();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tracer = tracing(&format!(
        "tcp:::accept-refused /args[4]->tcp_sport == {port}/ {{ @[\"accept\", args[2]->ip_daddr, args[4]->tcp_flags] = count(); }}
         tcp:::connect-refused /args[4]->tcp_sport == {port}/ {{ @c[\"connect\", args[3]->tcps_raddr, args[4]->tcp_flags] = count(); }}"
    ));
    (0..7).for_each(|_| assert!(TcpStream::connect(("127.0.0.1", port)).is_err()));
    let outcome = ended(tracer);
    let lines: Vec<Vec<&str>> = answers(&outcome).iter().map(|line| line.split_whitespace().collect()).collect();
    let has = |words: [&str; 4]| lines.iter().any(|line| line[..] == words);
    // A segment that refuses has TH_RST and TH_ACK.
    let is_told = |probe| has([probe, "127.0.0.1", "20", "7"]);
    assert!(is_told("accept") && is_told("connect"), "{}", outcome.describe());
}

#[test]
fn a_file_that_is_written_to_its_device() {
    needs_root!();
    needs_loops!();
    let name = format!("quadrant-io-{}", std::process::id());
    let top = std::env::temp_dir().join(format!("{name}-folders"));
    let path = top.join("as/deep/as/folders/may/be").join(&name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let tracer = tracing(&format!(
        "io:::start /args[2]->fi_name == \"{name}\" && args[0]->b_flags & B_WRITE/
         {{ @[\"bytes\"] = sum(args[0]->b_bcount); @where[args[2]->fi_pathname, args[1]->dev_statname] = count(); mine[arg0] = 1; }}
         io:::done /mine[arg0]/ {{ @[\"done\"] = sum(args[0]->b_bcount); mine[arg0] = 0; }}"
    ));
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&vec![7; 1 << 20]).unwrap();
    file.sync_all().unwrap();
    drop(file);
    std::fs::remove_dir_all(&top).unwrap();
    let outcome = ended(tracer);
    if !outcome.stdout.contains("bytes") {
        return quadrant_testing::skip("the folder for temporary files is on no block device");
    }
    assert_eq!(number(&outcome, "bytes"), 1 << 20, "{}", outcome.describe());
    assert!(outcome.stdout.contains(&*path.to_string_lossy()), "{}", outcome.describe());
    assert!(number(&outcome, "done") > 0, "{}", outcome.describe());
}

/// Pipes and sockets are in no directory, least of all in the root.
#[test]
fn files_that_have_no_path() {
    needs_root!();
    needs_loops!();
    let text = "syscall::write:entry /ppid == $target && arg0 == 1/ {
        printf(\"%s, %s, %s, %s\\n\", fds[1].fi_name, fds[1].fi_dirname, fds[1].fi_pathname, fds[1].fi_fs); }";
    let outcome = quietly_on("/bin/sh -c '(echo one; :) | (read line; :)'", text);
    assert_eq!(outcome.lines(), ["<unknown>, <unknown>, <unknown>, pipefs"], "{}", outcome.describe());
}

/// What goes to the device from memory of a process is not the file that this memory is.
#[test]
fn shared_memory_that_is_written_to_a_device() {
    const PROGRAM: &str = "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <sys/mman.h>\n#include <unistd.h>\n
        int main(int argc, char **argv) {
            char *memory = mmap(0, 20480, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            memory[0] = 1;
            return pwrite(open(argv[1], O_RDWR | O_CREAT | O_DIRECT, 0600), memory, 20480, 0) != 20480;
        }";
    needs_root!();
    needs_loops!();
    let folder = folder("shared-memory");
    std::fs::write(folder.join("direct.c"), PROGRAM).unwrap();
    let made = std::process::Command::new("gcc").args(["-o", "direct", "direct.c"]).current_dir(&folder).status();
    if made.is_err() {
        return quadrant_testing::skip("gcc is not installed");
    }
    let command = format!("{0}/direct {0}/file", folder.display());
    let outcome = quietly_on(
        &command,
        "io:::start /pid == $target && args[0]->b_bcount == 20480/ { printf(\"%s\\n\", args[2]->fi_name); }",
    );
    std::fs::remove_dir_all(&folder).unwrap();
    if outcome.lines().is_empty() {
        return quadrant_testing::skip("the folder for temporary files is on no block device");
    }
    assert_eq!(outcome.lines(), ["<none>"], "{}", outcome.describe());
}

#[test]
fn signals_and_what_becomes_of_them() {
    needs_root!();
    let script = "trap : USR1; kill -USR1 $$; kill -WINCH $$; exit 3";
    let outcome = quietly_on(
        &format!("/bin/sh -c '{script}'"),
        "proc:::signal-send /args[1]->pr_pid == $target && args[2] < SIGKILL + 20/ { printf(\"send %d from %s\\n\", args[2], execname); }
         proc:::signal-handle /pid == $target/ { printf(\"handle %d of %d\\n\", args[0], args[1]->si_pid == $target); }
         proc:::signal-discard /args[1]->pr_pid == $target/ { printf(\"discard %d\\n\", args[2]); }
         proc:::exit /pid == $target/ { printf(\"exit %d\\n\", args[0] == CLD_EXITED); }",
    );
    let expected = ["send 10 from sh", "handle 10 of 1", "send 28 from sh", "discard 28", "exit 1"];
    let lines: Vec<&str> = outcome.lines().into_iter().filter(|line| expected.contains(line)).collect();
    assert_eq!(lines, expected, "{}", outcome.describe());
}

#[test]
fn threads_begin_and_end() {
    needs_root!();
    let threads = target!("threads");
    let outcome = quietly_on(
        &format!("{threads} 5 7"),
        "proc:::lwp-create /pid == $target/ { @[\"created\"] = count(); }
         proc:::lwp-start /pid == $target && tid != pid/ { @[\"started\"] = count(); }
         proc:::lwp-exit /pid == $target/ { @[\"ended\"] = count(); }",
    );
    let count = |key| number(&outcome, key);
    assert_eq!((count("created"), count("started"), count("ended")), (7, 7, 8), "{}", outcome.describe());
}

#[test]
fn what_is_known_of_a_process() {
    needs_root!();
    needs_loops!();
    let text = "int said;
        syscall::read:entry /pid == $target && fds[arg0].fi_name == \"hostname\" && !said/ {
            said = 1;
            printf(\"%d %d %d %s|%s|\\n\", curpsinfo->pr_pid == $target, curpsinfo->pr_ppid == ppid, curpsinfo->pr_uid, curpsinfo->pr_fname, curpsinfo->pr_psargs);
            printf(\"%s %s %d\\n\", fds[arg0].fi_pathname, fds[arg0].fi_dirname, fds[arg0].fi_offset);
            printf(\"%d %c %d %d\\n\", curlwpsinfo->pr_lwpid == tid, curlwpsinfo->pr_sname, curlwpsinfo->pr_onpro == cpu, curcpu->cpu_id == cpu);
            printf(\"%s %s %s %d\\n\", cwd, root, zonename, curlwpsinfo->pr_state == SONPROC);
        }";
    let dir = crate::common::folder("known");
    let (dir, file) = (dir.display().to_string(), dir.join("hostname"));
    std::fs::write(&file, "name\n").unwrap();
    // The shell's own `read`: some programs `cat` have the kernel copy files without a call of read.
    let reads = format!("read line < {}", file.display());
    let outcome = crate::common::good(dtrace().args(["-qn", text, "-c", &format!("/bin/sh -c '{reads}'")]).dir("/usr"));
    let lines: Vec<&str> = outcome.lines();
    let process = format!("1 1 0 sh|/bin/sh -c {reads}|");
    for line in [&process, &format!("{dir}/hostname {dir} 0"), "1 O 1 1", "/usr / global 1"] {
        assert!(lines.contains(&line), "{line}: {}", outcome.describe());
    }
}

#[test]
fn counters_of_the_system() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = quietly_on(
        &format!("{syscalls} read 10007"),
        "sysinfo:::sysread /pid == $target/ { @[\"calls\"] = sum(arg0); }
         sysinfo:::readch /pid == $target/ { @[\"bytes\"] = sum(arg0); }
         vminfo:::as_fault /pid == $target/ { @n[\"faults\"] = count(); }
         cpc:::page_faults-all-1 /pid == $target/ { @n[\"counted\"] = count(); }",
    );
    assert!(number(&outcome, "calls") >= 10_007 && number(&outcome, "calls") < 10_050, "{}", outcome.describe());
    assert!(number(&outcome, "bytes") >= 10_007, "{}", outcome.describe());
    assert!(number(&outcome, "faults") > 10, "{}", outcome.describe());
    assert!(number(&outcome, "counted") > 10, "{}", outcome.describe());
}

/// Where the machine has no counter of the processor's, it is said which and why.
#[test]
fn counters_of_the_processor() {
    needs_root!();
    let text = "cpc:::PAPI_tot_cyc-all-10000000 { n++; } tick-200ms { exit(0); }";
    let outcome = dtrace().args(["-qn", text]).run().expect("it runs");
    let says = "cannot open hardware event cpu-cycles: ENOENT: this machine has no such event";
    assert!(outcome.success() || outcome.stderr.contains(says), "{}", outcome.describe());
}

#[test]
fn depths_of_stacks_and_levels_of_interrupts() {
    needs_root!();
    let stacks = target!("stacks");
    let depth = |calls: u32| {
        let text = "pid$target:a.out:target_leaf:entry { printf(\"%d %d\\n\", ustackdepth, ipl); }";
        let outcome = crate::common::good(dtrace().args(["-qn", text, "-c", &format!("{stacks} 1 {calls}")]));
        let words: Vec<u32> = outcome.lines()[0].split(' ').map(|word| word.parse().expect("a number")).collect();
        assert_eq!(words[1], 0, "{}", outcome.describe());
        words[0]
    };
    assert_eq!(depth(9) - depth(4), 5);
}

#[test]
fn functions_of_programs_of_32_bits() {
    needs_root!();
    let narrow = target!("narrow");
    if let Err(error) = std::process::Command::new(&narrow).arg("0").status() {
        return quadrant_testing::skip(format!("the kernel runs no programs of 32 bits: {error}"));
    }
    let text = "pid$target:a.out:narrow_scalars:entry { @words[(int)arg0, (char)arg1, arg5] = count(); }
        pid$target:a.out:narrow_marked:return { @ = sum(arg1); }
        shop$target:::sale { @last = max(arg0); @table[(int)arg2] = count(); }
        END { printa(\"%d %d %d %@d\\n\", @words); printa(\"%@d\\n\", @); printa(\"%@d\\n\", @last); printa(\"%d %@d\\n\", @table); }";
    let outcome = crate::common::good(dtrace().args(["-qn", text, "-c", &format!("{narrow} 100")]));
    let wanted = ["-5 99 4000000000 100", "5050", "99", "-44 25", "11 25", "22 25", "33 25"];
    let lines = outcome.lines();
    assert!(wanted.iter().all(|line| lines.contains(line)), "{}", outcome.describe());
}

#[test]
fn probes_by_their_numbers() {
    needs_root!();
    let listing = crate::common::good(dtrace().args(["-l", "-n", "proc:::exec-success"])).stdout;
    let row = listing.lines().nth(1).unwrap_or_default();
    let id = row.split_whitespace().next().unwrap_or_default();
    let by_id = crate::common::good(dtrace().args(["-l", "-i", id])).stdout;
    assert_eq!(by_id, listing);
    let outcome = quietly_on("/bin/true", &format!("{id} /pid == $target/ {{ printf(\"%s\\n\", execname); }}"));
    assert!(outcome.lines().contains(&"true"), "{}", outcome.describe());
}

#[test]
fn what_this_kernel_does_not_tell() {
    needs_root!();
    let outcome = dtrace().args(["-n", "lockstat:::spin-acquire"]).run().unwrap();
    assert_eq!(outcome.code(), Some(1));
    assert!(outcome.stderr.contains("spin-spin"), "{}", outcome.describe());
}

#[test]
fn providers_of_other_systems_say_what_to_use_instead() {
    needs_root!();
    for (description, wanted) in [
        ("plockstat$target:::mutex-block", "`plockstat` is a provider of Solaris; here `pid$target:libc:pthread"),
        ("nfsv3:::op-read-start", "`nfsv3` is a provider of Solaris; here `dtrace -l -n 'sdt:nfsd::'`"),
        ("perl$target:::sub-entry", "the probes of `perl` are in a perl built with `-Dusedtrace`"),
        ("syscal::read:entry", "did you mean `syscall::read:entry`?"),
    ] {
        let enabled = dtrace().args(["-n", description, "-c", "true"]).run().unwrap();
        assert_eq!(enabled.code(), Some(1), "{}", enabled.describe());
        let listed = dtrace().args(["-ln", description, "-c", "true"]).run().unwrap();
        for outcome in [enabled, listed] {
            let is_it = |line: &str| line.starts_with(&format!("  help: {wanted}"));
            assert!(outcome.stderr.lines().any(is_it), "{}", outcome.describe());
        }
    }
}

#[test]
fn descriptions_of_nothing_say_what_was_meant() {
    needs_root!();
    for (description, wanted) in [
        ("syscall:vmlinx:read:entry", "did you mean `syscall:vmlinux:read:entry`?"),
        ("sdt:schedd::sched_switch", "did you mean `sdt:sched::sched_switch`?"),
        ("tick-1x", "there is no such unit: write a number and a unit, as in `tick-1s`"),
        ("cpc:::nosuch-all-100000", "events are, among others, `cpu_cycles`"),
        ("nosuch$target:::probe", "`$target` is the process of `-c` or `-p`"),
        ("nosuch_at_all", "`dtrace -l` lists the probes that there are"),
    ] {
        let outcome = dtrace().args(["-n", description]).run().unwrap();
        assert!(outcome.stderr.contains(&format!("\n  help: {wanted}")), "{}", outcome.describe());
    }
}

#[test]
fn static_probes_that_a_process_lacks_are_told_from_those_that_it_has() {
    needs_root!();
    let usdt = target!("usdt");
    for (command, description, wanted) in [
        (usdt.as_str(), "demo$target:::hut", "did you mean `demo$target:::hit`?"),
        (usdt.as_str(), "demos$target:::hit", "did you mean `demo$target:::hit`?"),
        (usdt.as_str(), "nosuch$target:::probe", "; it has those of `demo`"),
        ("true", "audit$target:::sale", "there are no static probes of `audit` in process "),
        ("true", "audit$target:::sale", "`audit` is a provider of FreeBSD"),
    ] {
        let outcome = dtrace().args(["-n", description, "-c", command]).run().unwrap();
        let is_it = |line: &str| line.starts_with("  help: ") && line.contains(wanted);
        assert!(outcome.stderr.lines().any(is_it), "{}", outcome.describe());
    }
}

/// A processor's node of memory is known to programs; what is not says where else to look.
#[test]
fn locality_and_what_there_is_not() {
    needs_root!();
    let outcome = good(dtrace().args(["-qn", "BEGIN { printf(\"%d %d\\n\", cpu, lgrp); exit(0); }"]));
    let (cpu, node) = outcome.stdout.trim().split_once(' ').expect("two numbers");
    let folder = format!("/sys/devices/system/cpu/cpu{cpu}/node{node}");
    assert!(node == "0" || std::path::Path::new(&folder).exists(), "{}", outcome.describe());
    for (expression, instead) in
        [("chip", "physical_package_id"), ("curcpu->cpu_chip", "physical_package_id"), ("curcpu->cpu_lgrp", "`lgrp`")]
    {
        let message = dtrace().args(["-qn", &format!("BEGIN {{ trace({expression}); }}")]).run().unwrap().stderr;
        assert!(message.contains("help: ") && message.contains(instead), "{expression}: {message}");
    }
}
