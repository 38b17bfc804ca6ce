//! `tcp`: segments, as they leave for and come from network devices, and the states of connections.
//!
//! When a connection changes its state there is no packet at hand: its addresses are the socket's. They are told as those of the packet
//! that DTrace speaks of: of one that leaves (`struct __sends`), of one that came (`struct __receives`), or of the answer to
//! one that came (`struct __answer`). The flags of one that came are those that a handshake has there (`struct __accepted`,
//! `struct __connected`, `struct __refused`). A change of state is the socket's address with the new state in its lowest four
//! bits, which are zero in the address (`struct __change`; `struct __opened` where it is known who opens the connection).

use super::Provider;
use super::ip::{RECEIVED, SENT, carries, header, is_ip, payload};
use super::table::Argument::{self, Is, Of};
use super::table::{At, Event, Spot, Table, provider};

pub(super) const TABLE: Table = Table { name: "tcp", first: 150, events: EVENTS };

pub(super) const PROVIDER: Provider = provider!(TABLE);

const STATE: &str = "inet_sock_set_state";

const SENT_ARGS: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{skb}->sk"),
    Of("ipinfo_t *", concat!("(struct iphdr *)", header!(sent))),
    Of("tcpsinfo_t *", "{skb}->sk"),
    Of("tcpinfo_t *", payload!(sent, "struct tcphdr *")),
];

const RECEIVED_ARGS: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{skb}->sk"),
    Of("ipinfo_t *", concat!("(struct iphdr *)", header!(received))),
    Of("tcpsinfo_t *", concat!("(struct __received *)", header!(received))),
    Of("tcpinfo_t *", payload!(received, "struct tcphdr *")),
];

/// A segment that came and changed the state.
const fn came(state: &'static str, segment: &'static str) -> [Argument; 5] {
    [
        Of("pktinfo_t *", "(struct sk_buff *)0"),
        Of("csinfo_t *", "(struct sock *){sk}"),
        Of("ipinfo_t *", "(struct __receives *){sk}"),
        Of("tcpsinfo_t *", state),
        Of("tcpinfo_t *", segment),
    ]
}

const ESTABLISHED: &str = "(struct __opened *)((uint64_t){sk} | 1)";
const CLOSED: &str = "(struct __opened *)((uint64_t){sk} | 7)";

const ACCEPTED: &[Argument] = &came(ESTABLISHED, "(struct __accepted *){sk}");
const CONNECTED: &[Argument] = &came(ESTABLISHED, "(struct __connected *){sk}");
const REFUSED: &[Argument] = &came(CLOSED, "(struct __refused *){sk}");

const LEAVES: &[Argument] = &[
    Of("pktinfo_t *", "(struct sk_buff *)0"),
    Of("csinfo_t *", "{sk}"),
    Of("ipinfo_t *", "(struct __sends *){sk}"),
    Of("tcpsinfo_t *", "(struct __opened *)((uint64_t){sk} | 2)"),
    Of("tcpinfo_t *", "(struct __sends *){sk}"),
];

const ANSWER: &[Argument] = &[
    Of("pktinfo_t *", "{skb}"),
    Of("csinfo_t *", "{sk}"),
    Of("ipinfo_t *", "(struct __answer *){skb}"),
    Of("tcpsinfo_t *", "(struct __answer *){skb}"),
    Of("tcpinfo_t *", "(struct __answer *){skb}"),
];

const CHANGED: &[Argument] = &[
    Is("void *", "(void *)0"),
    Of("csinfo_t *", "{sk}"),
    Is("void *", "(void *)0"),
    Of("tcpsinfo_t *", "(struct __change *)((uint64_t){sk} | {newstate})"),
    Is("void *", "(void *)0"),
    Of("tcplsinfo_t *", "(struct __state *)(uint64_t){oldstate}"),
];

/// A reset that answers a request.
macro_rules! refuses {
    () => {
        "{skb} != 0 && __tcp_is_request[{skb}]"
    };
}

/// The function that answers with a reset.
const fn resets(function: &'static str) -> Spot {
    Spot::at(At::Entry(function)).when(refuses!()).args(ANSWER)
}

/// States are numbered as in the kernel's `enum`: 1 is established, 2 and 3 are a request sent and received, 7 is closed.
const EVENTS: &[Event] = &[
    Event::new(
        "accept-established",
        &[&[Spot::raw(STATE).when("{sk}->sk_protocol == 6 && {oldstate} == 3 && {newstate} == 1").args(ACCEPTED)]],
    ),
    // Before Linux 6.10, which also tells a reason, the tracepoint is silent when there is no socket: at a port without a listener.
    Event::new(
        "accept-refused",
        &[
            &[Spot::raw("tcp_send_reset").when(concat!("{reason} >= 0 && ", refuses!())).args(ANSWER)],
            &[resets("tcp_v4_send_reset"), resets("tcp_v6_send_reset")],
            &[resets("tcp_v4_send_reset")],
            &[Spot::raw("tcp_send_reset").when(refuses!()).args(ANSWER)],
        ],
    ),
    Event::new(
        "connect-established",
        &[&[Spot::raw(STATE).when("{sk}->sk_protocol == 6 && {oldstate} == 2 && {newstate} == 1").args(CONNECTED)]],
    ),
    Event::new(
        "connect-refused",
        &[&[Spot::raw("tcp_receive_reset").when("{sk}->__sk_common.skc_state == 2").args(REFUSED)]],
    ),
    Event::new(
        "connect-request",
        &[&[Spot::raw(STATE).when("{sk}->sk_protocol == 6 && {newstate} == 2").args(LEAVES)]],
    ),
    Event::new("receive", &[&[Spot::raw(RECEIVED).when(carries!(received, "6")).args(RECEIVED_ARGS)]]),
    Event::new("send", &[&[Spot::raw(SENT).when(carries!(sent, "6")).args(SENT_ARGS)]]),
    Event::new("state-change", &[&[Spot::raw(STATE).when("{sk}->sk_protocol == 6").args(CHANGED)]]),
];
