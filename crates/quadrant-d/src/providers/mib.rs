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
];
