//! `udp`: datagrams, as they leave for and come from network devices.

use super::Provider;
use super::ip::{RECEIVED, SENT, carries, header, is_ip, payload};
use super::table::Argument::{self, Of};
use super::table::{Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "udp", first: 180, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const SENT_ARGS: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{skb}->sk"),
    Of("ipinfo_t *", concat!("(struct iphdr *)", header!(sent))),
    Of("udpsinfo_t *", concat!("(struct __sent *)", header!(sent))),
    Of("udpinfo_t *", payload!(sent, "struct udphdr *")),
];

const RECEIVED_ARGS: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{skb}->sk"),
    Of("ipinfo_t *", concat!("(struct iphdr *)", header!(received))),
    Of("udpsinfo_t *", concat!("(struct __received *)", header!(received))),
    Of("udpinfo_t *", payload!(received, "struct udphdr *")),
];

const EVENTS: &[Event] = &[
    Event::new("receive", &[&[Spot::raw(RECEIVED).when(carries!(received, "17")).args(RECEIVED_ARGS)]]),
    Event::new("send", &[&[Spot::raw(SENT).when(carries!(sent, "17")).args(SENT_ARGS)]]),
];
