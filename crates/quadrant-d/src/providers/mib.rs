//! `mib`: the counters of network protocols, where they would be raised. `arg0` is by how much.

use super::Provider;
use super::ip::{RECEIVED, SENT, carries, header, is_ip};
use super::sysinfo::ONE;
use super::table::Argument::{self, Is};
use super::table::{Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "mib", first: 450, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const STATE: &str = "inet_sock_set_state";

const fn once(event: &'static str) -> Spot {
    Spot::raw(event).args(ONE)
}

const OCTETS: &[Argument] = &[Is("uint64_t", "{skb}->len")];

const SENT_BYTES: &str = "tcp:::send with `args[2]->ip_plength - args[4]->tcp_offset` counts bytes of data";

const RECEIVED_BYTES: &str =
    "tcp:::receive with `args[2]->ip_plength - args[4]->tcp_offset` counts bytes of data, in order or not";

const DROPPED: &str = "sdt:skb::kfree_skb tells of packets that are dropped, and why";

const EVENTS: &[Event] = &[
    Event::new("icmpInMsgs", &[&[once(RECEIVED).when(carries!(received, "1"))]]),
    Event::new("icmpOutMsgs", &[&[once(SENT).when(carries!(sent, "1"))]]),
    Event::new("ipIfStatsHCInReceives", &[&[once(RECEIVED).when(is_ip!())]]),
    Event::new("ipIfStatsHCOutTransmits", &[&[once(SENT).when(is_ip!())]]),
    Event::new("ipIfStatsHCInOctets", &[&[Spot::raw(RECEIVED).when(is_ip!()).args(OCTETS)]]),
    Event::new("ipIfStatsHCOutOctets", &[&[Spot::raw(SENT).when(is_ip!()).args(OCTETS)]]),
    Event::new("tcpActiveOpens", &[&[once(STATE).when("{sk}->sk_protocol == 6 && {newstate} == 2")]]),
    Event::new(
        "tcpAttemptFails",
        &[&[once(STATE).when("{sk}->sk_protocol == 6 && ({oldstate} == 2 || {oldstate} == 3) && {newstate} == 7")]],
    ),
    // From established (1) or waiting for the last close (8) to closed, as the kernel's own counter.
    Event::new(
        "tcpEstabResets",
        &[&[once(STATE).when("{sk}->sk_protocol == 6 && ({oldstate} == 1 || {oldstate} == 8) && {newstate} == 7")]],
    ),
    Event::new("tcpInErrs", &[&[once("tcp_bad_csum")]])
        .or("sdt:skb::kfree_skb tells of packets that are dropped, and why"),
    Event::new("tcpInSegs", &[&[once(RECEIVED).when(carries!(received, "6"))]]),
    Event::new("tcpOutRsts", &[&[once("tcp_send_reset")]]),
    Event::new("tcpOutSegs", &[&[once(SENT).when(carries!(sent, "6"))]]),
    Event::new(
        "tcpPassiveOpens",
        &[&[once(STATE).when("{sk}->sk_protocol == 6 && {oldstate} == 3 && {newstate} == 1")]],
    ),
    Event::new("tcpRetransSegs", &[&[once("tcp_retransmit_skb")]]),
    Event::new("udpHCInDatagrams", &[&[once(RECEIVED).when(carries!(received, "17"))]]),
    Event::new("udpHCOutDatagrams", &[&[once(SENT).when(carries!(sent, "17"))]]),
    Event::new("udpInErrors", &[&[once("udp_fail_queue_rcv_skb")]]),
    Event::new("tcpOutDataSegs", &[]).or(SENT_BYTES),
    Event::new("tcpOutDataBytes", &[]).or(SENT_BYTES),
    Event::new("tcpRetransBytes", &[]).or("mib:::tcpRetransSegs counts segments that are sent again"),
    Event::new("tcpInDataInorderSegs", &[]).or(RECEIVED_BYTES),
    Event::new("tcpInDataInorderBytes", &[]).or(RECEIVED_BYTES),
    Event::new("tcpInDataDupSegs", &[]).or(RECEIVED_BYTES),
    Event::new("tcpInDataDupBytes", &[]).or(RECEIVED_BYTES),
    Event::new("tcpInDataUnorderSegs", &[]).or(RECEIVED_BYTES),
    Event::new("tcpInDataUnorderBytes", &[]).or(RECEIVED_BYTES),
    Event::new("tcpListenDrop", &[]).or(DROPPED),
    Event::new("tcpListenDropQ0", &[]).or(DROPPED),
    Event::new("tcpHalfOpenDrop", &[]).or(DROPPED),
    Event::new("udpInCksumErrs", &[]).or(DROPPED),
    Event::new("udpNoPorts", &[]).or(DROPPED),
    Event::new("udpOutErrors", &[]).or("syscall::send*:return /errno/ tells what could not be sent"),
    Event::new("ipIfStatsInDiscards", &[]).or(DROPPED),
    Event::new("ipIfStatsOutDiscards", &[]).or(DROPPED),
    Event::new("rawipInDatagrams", &[])
        .or("ip:::receive with args[2]->ip_ver and args[4]->ipv4_protocol tells of packets"),
    Event::new("rawipOutDatagrams", &[])
        .or("ip:::send with args[2]->ip_ver and args[4]->ipv4_protocol tells of packets"),
    Event::new("icmpInEchoReps", &[]).or("mib:::icmpInMsgs counts ICMP messages of all types"),
    Event::new("icmpOutErrors", &[]).or("mib:::icmpOutMsgs counts ICMP messages of all types"),
];
