//! `ip`: packets, where they leave for and come from network devices, the loopback device included.

use super::Provider;
use super::table::Argument::{self, Of};
use super::table::{Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "ip", first: 120, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

/// Where a packet that leaves is queued for its device, and where one that came is given to the protocols.
pub(super) const SENT: &str = "net_dev_queue";
pub(super) const RECEIVED: &str = "netif_receive_skb";

/// The header of the packet that the expression `$skb` is.
macro_rules! header {
    (sent) => {
        "({skb}->head + {skb}->network_header)"
    };
    (received) => {
        "{skb}->data"
    };
}

/// It is IPv4 or IPv6: 0x0800 or 0x86dd, as the network orders bytes.
macro_rules! is_ip {
    () => {
        "({skb}->protocol == htons(0x0800) || {skb}->protocol == htons(0x86dd))"
    };
}

/// The packet's header as one of IPv4 or of IPv6, whose number is given as the network orders bytes; NULL if the packet is of the other.
macro_rules! version {
    ($way:ident, $protocol:literal, $ty:literal) => {
        concat!("(", $ty, ")({skb}->protocol == htons(", $protocol, ") ? (uint64_t)", header!($way), " : 0)")
    };
}

/// The packet carries this protocol.
macro_rules! carries {
    ($way:ident, $protocol:literal) => {
        concat!(is_ip!(), " && __ip_protocol[(struct iphdr *)", header!($way), "] == ", $protocol)
    };
}

/// The header behind that of IP, as a pointer to `$ty`.
macro_rules! payload {
    ($way:ident, $ty:literal) => {
        concat!("(", $ty, ")__ip_payload[(struct iphdr *)", header!($way), "]")
    };
}

pub(super) use {carries, header, is_ip, payload};

const SENT_ARGS: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{skb}->sk"),
    Of("ipinfo_t *", concat!("(struct iphdr *)", header!(sent))),
    Of("ifinfo_t *", "{skb}->dev"),
    Of("ipv4info_t *", version!(sent, "0x0800", "struct iphdr *")),
    Of("ipv6info_t *", version!(sent, "0x86dd", "struct ipv6hdr *")),
];

const RECEIVED_ARGS: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{skb}->sk"),
    Of("ipinfo_t *", concat!("(struct iphdr *)", header!(received))),
    Of("ifinfo_t *", "{skb}->dev"),
    Of("ipv4info_t *", version!(received, "0x0800", "struct iphdr *")),
    Of("ipv6info_t *", version!(received, "0x86dd", "struct ipv6hdr *")),
];

const EVENTS: &[Event] = &[
    Event::new("receive", &[&[Spot::raw(RECEIVED).when(is_ip!()).args(RECEIVED_ARGS)]]),
    Event::new("send", &[&[Spot::raw(SENT).when(is_ip!()).args(SENT_ARGS)]]),
];
