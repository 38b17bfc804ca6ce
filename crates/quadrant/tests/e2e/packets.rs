//! Packets written to files.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use crate::common::{assert_lines, attached, end, folder, needs_root, refused, script};
use crate::kernel_functions::{in_guest, kprobes};

/// Datagrams that are sent to ourselves.
const COUNT: usize = 7;

/// Two sockets of the loopback device; none where there is no such device.
fn sockets() -> Option<(UdpSocket, UdpSocket)> {
    if in_guest() {
        Command::new("ip").args(["link", "set", "lo", "up"]).status().ok()?;
    }
    let [from, to] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0"));
    let (from, to) = (from.ok()?, to.ok()?);
    from.connect(to.local_addr().ok()?).ok()?;
    from.send(b"is anybody there?").ok()?;
    Some((from, to))
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_ne_bytes(bytes[..4].try_into().expect("four bytes"))
}

/// The packets in a file of pcap: seconds since 1970, the length that they had, and their bytes.
fn packets(file: &Path) -> Vec<(u32, u32, Vec<u8>)> {
    let content = std::fs::read(file).expect("the file is there");
    assert_eq!((word(&content), word(&content[20..])), (0xa1b2_3c4d, 101), "{content:x?}");
    let (mut rest, mut found) = (&content[24..], Vec::new());
    while !rest.is_empty() {
        let length = word(&rest[8..]) as usize;
        found.push((word(rest), word(&rest[12..]), rest[16..16 + length].to_vec()));
        rest = &rest[16 + length..];
    }
    found
}

/// Sends datagrams while a probe writes what is at `args.NAME`; each whole, and each without its first 28 bytes, the headers.
fn sent_through(probe: &str, name: &str) {
    let Some((from, _to)) = sockets() else { return quadrant_testing::skip("there is no loopback device here") };
    let folder = folder(&format!("packets-{name}"));
    let (whole, bare) = (folder.join("whole.pcap"), folder.join("bare.pcap"));
    let text = format!(
        "{probe} {{
            $r = skboutput(\"{}\", args.{name}, args.{name}->len, 0);
            @[$r] = count();
            skboutput(\"{}\", args.{name}, args.{name}->len, 28);
            @missing = skboutput(\"{}\", args.{name}, args.{name}->len + 1, 0);
        }}",
        whole.display(),
        bare.display(),
        folder.join("none.pcap").display(),
    );
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs();
    let tracer = attached(script(&text));
    (0..COUNT).for_each(|number| drop(from.send(format!("packet {number} of ours").as_bytes())));
    let outcome = end(tracer);
    let texts: Vec<String> = (0..COUNT).map(|number| format!("packet {number} of ours")).collect();
    let ours: Vec<_> = packets(&whole).into_iter().filter(|(.., bytes)| bytes.ends_with(b" of ours")).collect();
    let seen: Vec<String> = ours.iter().map(|(.., bytes)| String::from_utf8_lossy(&bytes[28..]).into_owned()).collect();
    assert_eq!(seen, texts, "{}", outcome.describe());
    assert!(ours.iter().all(|(at, length, bytes)| bytes.len() as u32 == *length && at.abs_diff(now as u32) < 600));
    let contents: Vec<_> =
        packets(&bare).into_iter().map(|(.., bytes)| bytes).filter(|b| b.ends_with(b"ours")).collect();
    assert_eq!(contents, texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
    assert_eq!(packets(&folder.join("none.pcap")), []);
    assert!(outcome.stdout.contains("@missing: -14\n"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("reads at stdin:5:"), "{}", outcome.describe());
}

#[test]
fn at_a_raw_tracepoint() {
    needs_root!();
    sent_through("rawtracepoint:netif_receive_skb", "skb");
}

#[test]
fn at_a_function() {
    needs_root!();
    if let Err(reason) = kprobes() {
        return quadrant_testing::skip(reason);
    }
    sent_through("fentry:ip_rcv", "skb");
}

/// A file that cannot be made is told once, and the trace goes on.
#[test]
fn a_file_that_cannot_be_written() {
    needs_root!();
    let text =
        "interval:ms:1 { exit(); } rawtracepoint:netif_receive_skb { skboutput(\"/nowhere/at/all\", args.skb, 1, 0); }";
    let outcome = crate::common::good(script(text));
    assert_lines(&outcome, &[]);
    let told = "error: cannot write packets to /nowhere/at/all: ENOENT";
    assert_eq!(outcome.stderr.matches(told).count(), 1, "{}", outcome.describe());
}

#[test]
fn what_is_no_packet_is_refused() {
    needs_root!();
    let refusal = |text: &str| refused(script(text));
    let message = refusal("BEGIN { skboutput(\"/tmp/x\", 0, 1, 0); }");
    assert!(message.contains("skboutput() cannot be used in a probe of type `begin`"), "{message}");
    let message = refusal("rawtracepoint:sched_switch { skboutput(\"/tmp/x\", args.prev, 1, 0); }");
    assert!(message.contains("takes a `struct sk_buff *` here, and this is struct task_struct *"), "{message}");
    let message = refusal("rawtracepoint:netif_receive_skb { $s = args.skb; skboutput(\"/tmp/x\", $s, 1, 0); }");
    assert!(message.contains("the kernel trusts no other pointer"), "{message}");
}

#[test]
fn packets_that_are_not_written_are_counted() {
    needs_root!();
    let Some((from, _to)) = sockets() else { return quadrant_testing::skip("there is no loopback device here") };
    let text = "rawtracepoint:netif_receive_skb { skboutput(\"/dev/full\", args.skb, 1, 0); }";
    let tracer = attached(script(text));
    for _ in 0..COUNT {
        from.send(b"a datagram").expect("it is sent");
    }
    let outcome = end(tracer);
    assert!(outcome.stderr.contains("error: cannot write packets to /dev/full: ENOSPC"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("packets are not in /dev/full: "), "{}", outcome.describe());
}
