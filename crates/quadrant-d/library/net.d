/*
 * Packets, network devices, connections.
 *
 * The header of a packet is a struct iphdr or, with the version in its first four bits being 6, a struct ipv6hdr. Structs whose names
 * begin with two underscores are never looked into: pointers to them say how the address in them is meant.
 */

inline int AF_UNSPEC = 0;
inline int AF_UNIX = 1;
inline int AF_LOCAL = 1;
inline int AF_INET = 2;
inline int AF_INET6 = 10;
inline int AF_NETLINK = 16;
inline int AF_PACKET = 17;
inline int AF_VSOCK = 40;

inline int SOCK_STREAM = 1;
inline int SOCK_DGRAM = 2;
inline int SOCK_RAW = 3;
inline int SOCK_SEQPACKET = 5;

inline int IPPROTO_IP = 0;
inline int IPPROTO_HOPOPTS = 0;
inline int IPPROTO_ICMP = 1;
inline int IPPROTO_IGMP = 2;
inline int IPPROTO_IPIP = 4;
inline int IPPROTO_TCP = 6;
inline int IPPROTO_EGP = 8;
inline int IPPROTO_PUP = 12;
inline int IPPROTO_UDP = 17;
inline int IPPROTO_IDP = 22;
inline int IPPROTO_TP = 29;
inline int IPPROTO_DCCP = 33;
inline int IPPROTO_IPV6 = 41;
inline int IPPROTO_ROUTING = 43;
inline int IPPROTO_FRAGMENT = 44;
inline int IPPROTO_RSVP = 46;
inline int IPPROTO_GRE = 47;
inline int IPPROTO_ESP = 50;
inline int IPPROTO_AH = 51;
inline int IPPROTO_ICMPV6 = 58;
inline int IPPROTO_NONE = 59;
inline int IPPROTO_DSTOPTS = 60;
inline int IPPROTO_OSPF = 89;
inline int IPPROTO_PIM = 103;
inline int IPPROTO_SCTP = 132;
inline int IPPROTO_MH = 135;
inline int IPPROTO_UDPLITE = 136;
inline int IPPROTO_RAW = 255;

inline uint8_t TH_FIN = 0x01;
inline uint8_t TH_SYN = 0x02;
inline uint8_t TH_RST = 0x04;
inline uint8_t TH_PUSH = 0x08;
inline uint8_t TH_PSH = 0x08;
inline uint8_t TH_ACK = 0x10;
inline uint8_t TH_URG = 0x20;
inline uint8_t TH_ECE = 0x40;
inline uint8_t TH_CWR = 0x80;

inline int32_t TCP_STATE_IDLE = 0;
inline int32_t TCP_STATE_ESTABLISHED = 1;
inline int32_t TCP_STATE_SYN_SENT = 2;
inline int32_t TCP_STATE_SYN_RECEIVED = 3;
inline int32_t TCP_STATE_SYN_RCVD = 3;
inline int32_t TCP_STATE_FIN_WAIT_1 = 4;
inline int32_t TCP_STATE_FIN_WAIT_2 = 5;
inline int32_t TCP_STATE_TIME_WAIT = 6;
inline int32_t TCP_STATE_CLOSED = 7;
inline int32_t TCP_STATE_CLOSE_WAIT = 8;
inline int32_t TCP_STATE_LAST_ACK = 9;
inline int32_t TCP_STATE_LISTEN = 10;
inline int32_t TCP_STATE_CLOSING = 11;

inline string tcp_state_string[int32_t state] =
    state == 1 ? "state-established" : state == 2 ? "state-syn-sent" : state == 3 ? "state-syn-received" :
    state == 4 ? "state-fin-wait-1" : state == 5 ? "state-fin-wait-2" : state == 6 ? "state-time-wait" :
    state == 7 ? "state-closed" : state == 8 ? "state-close-wait" : state == 9 ? "state-last-ack" :
    state == 10 ? "state-listen" : state == 11 ? "state-closing" : state == 12 ? "state-syn-received" : "<unknown>";

struct __sent { int opaque; };
struct __received { int opaque; };
struct __sends { int opaque; };
struct __receives { int opaque; };
struct __accepted { int opaque; };
struct __connected { int opaque; };
struct __refused { int opaque; };
struct __answer { int opaque; };
struct __change { int opaque; };
struct __opened { int opaque; };
struct __state { int opaque; };

/* Headers. */
inline uint8_t __ip_version[struct iphdr *H] = *(uint8_t *)H >> 4;
inline uint8_t __ip_protocol[struct iphdr *H] = __ip_version[H] == 6 ? ((struct ipv6hdr *)H)->nexthdr : H->protocol;
inline uint64_t __ip_payload[struct iphdr *H] = (uint64_t)H + (__ip_version[H] == 6 ? 40 : (*(uint8_t *)H & 15) * 4);
inline uint16_t *__ports[struct iphdr *H] = (uint16_t *)__ip_payload[H];
inline string __ip_source[struct iphdr *H] =
    __ip_version[H] == 6 ? inet_ntop(10, &((struct ipv6hdr *)H)->saddr) : inet_ntop(2, &H->saddr);
inline string __ip_destination[struct iphdr *H] =
    __ip_version[H] == 6 ? inet_ntop(10, &((struct ipv6hdr *)H)->daddr) : inet_ntop(2, &H->daddr);
inline string __protocol_name[int protocol] = protocol == 6 ? "TCP" : protocol == 17 ? "UDP" : protocol == 1 ? "ICMP" :
    protocol == 58 ? "ICMPV6" : protocol == 2 ? "IGMP" : protocol == 4 ? "IP" : protocol == 132 ? "SCTP" :
    protocol == 0 ? "HOPOPTS" : protocol == 41 ? "IPV6" : protocol == 47 ? "GRE" : protocol == 50 ? "ESP" :
    protocol == 51 ? "AH" : protocol == 89 ? "OSPF" : lltostr(protocol);

/* What pcap() is told of a packet. */
inline int PCAP_NULL = 0;
inline int PCAP_ETHER = 1;
inline int PCAP_PPP = 9;
inline int PCAP_IP = 12;
inline int PCAP_WIFI = 105;
inline int PCAP_IPOIB = 242;
inline int ARPHRD_ETHER = 1;
inline int ARPHRD_INFINIBAND = 32;

/* The header of a packet that came, before the protocols have looked at it, and after. */
inline struct iphdr *__came[struct sk_buff *B] = (struct iphdr *)(B->head + B->network_header);
inline int __tcp_is_request[struct sk_buff *B] = (*(uint8_t *)(B->head + B->transport_header + 13) & 0x12) == 2;

/* Sockets. */
inline int __sock_is_6[struct sock *S] = S->__sk_common.skc_family == 10;
inline string __sock_local[struct sock *S] = __sock_is_6[S] ?
    inet_ntop(10, &S->__sk_common.skc_v6_rcv_saddr) : inet_ntop(2, &S->__sk_common.skc_rcv_saddr);
inline string __sock_remote[struct sock *S] = __sock_is_6[S] ?
    inet_ntop(10, &S->__sk_common.skc_v6_daddr) : inet_ntop(2, &S->__sk_common.skc_daddr);
inline int __sock_is_local[struct sock *S] = __sock_is_6[S] ?
    ((uint64_t *)&S->__sk_common.skc_v6_daddr)[0] == ((uint64_t *)&S->__sk_common.skc_v6_rcv_saddr)[0] &&
    ((uint64_t *)&S->__sk_common.skc_v6_daddr)[1] == ((uint64_t *)&S->__sk_common.skc_v6_rcv_saddr)[1] :
    S->__sk_common.skc_daddr == S->__sk_common.skc_rcv_saddr;
inline uint16_t __sock_lport[struct sock *S] = S->__sk_common.skc_num;
inline uint16_t __sock_rport[struct sock *S] = ntohs(S->__sk_common.skc_dport);

typedef struct pktinfo {
	uintptr_t pkt_addr;
} pktinfo_t;

translator pktinfo_t < struct sk_buff *B > {
	pkt_addr = (uintptr_t)B;
};

typedef struct csinfo {
	uintptr_t cs_addr;
	uint64_t cs_cid;
	pid_t cs_pid;
	int cs_zoneid;
} csinfo_t;

translator csinfo_t < struct sock *S > {
	cs_addr = (uintptr_t)S;
	cs_cid = (uint64_t)S;
	cs_pid = -1;
	cs_zoneid = 0;
};

typedef struct ipinfo {
	uint8_t ip_ver;
	uint32_t ip_plength;
	string ip_saddr;
	string ip_daddr;
} ipinfo_t;

translator ipinfo_t < struct iphdr *H > {
	ip_ver = __ip_version[H];
	ip_plength = __ip_version[H] == 6 ?
	    ntohs(((struct ipv6hdr *)H)->payload_len) : ntohs(H->tot_len) - (*(uint8_t *)H & 15) * 4;
	ip_saddr = __ip_source[H];
	ip_daddr = __ip_destination[H];
};

translator ipinfo_t < struct __sends *P > {
	ip_ver = __sock_is_6[(struct sock *)P] ? 6 : 4;
	ip_plength = 0;
	ip_saddr = __sock_local[(struct sock *)P];
	ip_daddr = __sock_remote[(struct sock *)P];
};

translator ipinfo_t < struct __receives *P > {
	ip_ver = __sock_is_6[(struct sock *)P] ? 6 : 4;
	ip_plength = 0;
	ip_saddr = __sock_remote[(struct sock *)P];
	ip_daddr = __sock_local[(struct sock *)P];
};

translator ipinfo_t < struct __answer *P > {
	ip_ver = __ip_version[__came[(struct sk_buff *)P]];
	ip_plength = 20;
	ip_saddr = __ip_destination[__came[(struct sk_buff *)P]];
	ip_daddr = __ip_source[__came[(struct sk_buff *)P]];
};

typedef struct ifinfo {
	string if_name;
	int8_t if_local;
	uintptr_t if_ipstack;
	uintptr_t if_addr;
} ifinfo_t;

translator ifinfo_t < struct net_device *D > {
	if_name = stringof(D->name);
	if_local = (D->flags & 8) != 0;
	if_ipstack = (uintptr_t)D->nd_net.net;
	if_addr = (uintptr_t)D;
};

typedef struct ipv4info {
	uint8_t ipv4_ver;
	uint8_t ipv4_ihl;
	uint8_t ipv4_tos;
	uint16_t ipv4_length;
	uint16_t ipv4_ident;
	uint8_t ipv4_flags;
	uint16_t ipv4_offset;
	uint8_t ipv4_ttl;
	uint8_t ipv4_protocol;
	string ipv4_protostr;
	uint16_t ipv4_checksum;
	uint32_t ipv4_src;
	uint32_t ipv4_dst;
	string ipv4_saddr;
	string ipv4_daddr;
	struct iphdr *ipv4_hdr;
} ipv4info_t;

/* A packet is of one version, and has no header of the other. */
translator ipv4info_t < struct iphdr *H > {
	ipv4_ver = H != 0 ? __ip_version[H] : 0;
	ipv4_ihl = H != 0 ? (*(uint8_t *)H & 15) * 4 : 0;
	ipv4_tos = H != 0 ? H->tos : 0;
	ipv4_length = H != 0 ? ntohs(H->tot_len) : 0;
	ipv4_ident = H != 0 ? ntohs(H->id) : 0;
	ipv4_flags = H != 0 ? (ntohs(H->frag_off) & 0xe000) >> 12 : 0;
	ipv4_offset = H != 0 ? (ntohs(H->frag_off) & 0x1fff) * 8 : 0;
	ipv4_ttl = H != 0 ? H->ttl : 0;
	ipv4_protocol = H != 0 ? H->protocol : 0;
	ipv4_protostr = H != 0 ? __protocol_name[H->protocol] : "<null>";
	ipv4_checksum = H != 0 ? ntohs(H->check) : 0;
	ipv4_src = H != 0 ? H->saddr : 0;
	ipv4_dst = H != 0 ? H->daddr : 0;
	ipv4_saddr = H != 0 ? inet_ntop(2, &H->saddr) : "<null>";
	ipv4_daddr = H != 0 ? inet_ntop(2, &H->daddr) : "<null>";
	ipv4_hdr = H;
};

typedef struct ipv6info {
	uint8_t ipv6_ver;
	uint8_t ipv6_tclass;
	uint32_t ipv6_flow;
	uint16_t ipv6_plen;
	uint8_t ipv6_nexthdr;
	string ipv6_nextstr;
	uint8_t ipv6_hlim;
	struct in6_addr *ipv6_src;
	struct in6_addr *ipv6_dst;
	string ipv6_saddr;
	string ipv6_daddr;
	struct ipv6hdr *ipv6_hdr;
} ipv6info_t;

translator ipv6info_t < struct ipv6hdr *H > {
	ipv6_ver = H != 0 ? *(uint8_t *)H >> 4 : 0;
	ipv6_tclass = H != 0 ? (ntohl(*(uint32_t *)H) >> 20) & 0xff : 0;
	ipv6_flow = H != 0 ? ntohl(*(uint32_t *)H) & 0xfffff : 0;
	ipv6_plen = H != 0 ? ntohs(H->payload_len) : 0;
	ipv6_nexthdr = H != 0 ? H->nexthdr : 0;
	ipv6_nextstr = H != 0 ? __protocol_name[H->nexthdr] : "<null>";
	ipv6_hlim = H != 0 ? H->hop_limit : 0;
	ipv6_src = (struct in6_addr *)(H != 0 ? (uint64_t)&H->saddr : 0);
	ipv6_dst = (struct in6_addr *)(H != 0 ? (uint64_t)&H->daddr : 0);
	ipv6_saddr = H != 0 ? inet_ntop(10, &H->saddr) : "<null>";
	ipv6_daddr = H != 0 ? inet_ntop(10, &H->daddr) : "<null>";
	ipv6_hdr = H;
};

typedef struct tcpinfo {
	uint16_t tcp_sport;
	uint16_t tcp_dport;
	uint32_t tcp_seq;
	uint32_t tcp_ack;
	uint8_t tcp_offset;
	uint8_t tcp_flags;
	uint16_t tcp_window;
	uint16_t tcp_checksum;
	uint16_t tcp_urgent;
	struct tcphdr *tcp_hdr;
} tcpinfo_t;

translator tcpinfo_t < struct tcphdr *H > {
	tcp_sport = ntohs(H->source);
	tcp_dport = ntohs(H->dest);
	tcp_seq = ntohl(H->seq);
	tcp_ack = ntohl(H->ack_seq);
	tcp_offset = (*((uint8_t *)H + 12) >> 4) * 4;
	tcp_flags = *((uint8_t *)H + 13);
	tcp_window = ntohs(H->window);
	tcp_checksum = ntohs(H->check);
	tcp_urgent = ntohs(H->urg_ptr);
	tcp_hdr = H;
};

translator tcpinfo_t < struct __sends *P > {
	tcp_sport = __sock_lport[(struct sock *)P];
	tcp_dport = __sock_rport[(struct sock *)P];
	tcp_flags = TH_SYN;
	tcp_hdr = (struct tcphdr *)0;
};

translator tcpinfo_t < struct __accepted *P > {
	tcp_sport = __sock_rport[(struct sock *)P];
	tcp_dport = __sock_lport[(struct sock *)P];
	tcp_flags = TH_ACK;
	tcp_hdr = (struct tcphdr *)0;
};

translator tcpinfo_t < struct __connected *P > {
	tcp_sport = __sock_rport[(struct sock *)P];
	tcp_dport = __sock_lport[(struct sock *)P];
	tcp_flags = TH_SYN | TH_ACK;
	tcp_hdr = (struct tcphdr *)0;
};

translator tcpinfo_t < struct __refused *P > {
	tcp_sport = __sock_rport[(struct sock *)P];
	tcp_dport = __sock_lport[(struct sock *)P];
	tcp_flags = TH_RST | TH_ACK;
	tcp_hdr = (struct tcphdr *)0;
};

translator tcpinfo_t < struct __answer *P > {
	tcp_sport = ntohs(__ports[__came[(struct sk_buff *)P]][1]);
	tcp_dport = ntohs(__ports[__came[(struct sk_buff *)P]][0]);
	/* It answers a segment without TH_ACK, so it acknowledges that one. */
	tcp_flags = TH_RST | TH_ACK;
	tcp_hdr = (struct tcphdr *)0;
};

typedef struct tcpsinfo {
	uintptr_t tcps_addr;
	int tcps_local;
	int tcps_active;
	uint16_t tcps_lport;
	uint16_t tcps_rport;
	string tcps_laddr;
	string tcps_raddr;
	int32_t tcps_state;
	uint32_t tcps_suna;
	uint32_t tcps_snxt;
	uint32_t tcps_rack;
	uint32_t tcps_rnxt;
	uint32_t tcps_swnd;
	int32_t tcps_snd_ws;
	uint32_t tcps_rwnd;
	int32_t tcps_rcv_ws;
	uint32_t tcps_cwnd;
	uint32_t tcps_cwnd_ssthresh;
	uint32_t tcps_rtt;
	uint32_t tcps_rto;
	uint32_t tcps_mss;
	int tcps_retransmit;
} tcpsinfo_t;

/*
 * Milliseconds until a packet is sent again, before the kernel's limit of two minutes. The kernel has it in ticks of its clock, of
 * whatever length; this is what it makes them from. It doubles with each time; probes of a closed window count, too, and leave it.
 */
inline uint64_t __sock_rto[struct sock *S] = (uint64_t)(((struct tcp_sock *)S)->srtt_us == 0 ? 1000 :
    ((((struct tcp_sock *)S)->srtt_us >> 3) + ((struct tcp_sock *)S)->rttvar_us) / 1000) <<
    (((struct inet_connection_sock *)S)->icsk_retransmits != 0 ? ((struct inet_connection_sock *)S)->icsk_backoff : 0);

translator tcpsinfo_t < struct sock *S > {
	tcps_addr = (uintptr_t)S;
	tcps_local = S != 0 && __sock_is_local[S];
	tcps_lport = S != 0 ? __sock_lport[S] : 0;
	tcps_rport = S != 0 ? __sock_rport[S] : 0;
	tcps_laddr = S != 0 ? __sock_local[S] : "<unknown>";
	tcps_raddr = S != 0 ? __sock_remote[S] : "<unknown>";
	tcps_state = S != 0 ? S->__sk_common.skc_state : TCP_STATE_CLOSED;
	tcps_suna = S != 0 ? ((struct tcp_sock *)S)->snd_una : 0;
	tcps_snxt = S != 0 ? ((struct tcp_sock *)S)->snd_nxt : 0;
	tcps_rack = S != 0 ? ((struct tcp_sock *)S)->rcv_wup : 0;
	tcps_rnxt = S != 0 ? ((struct tcp_sock *)S)->rcv_nxt : 0;
	tcps_swnd = S != 0 ? ((struct tcp_sock *)S)->snd_wnd : 0;
	tcps_snd_ws = S != 0 ? ((struct tcp_sock *)S)->rx_opt.snd_wscale : 0;
	tcps_rwnd = S != 0 ? ((struct tcp_sock *)S)->rcv_wnd : 0;
	tcps_rcv_ws = S != 0 ? ((struct tcp_sock *)S)->rx_opt.rcv_wscale : 0;
	tcps_cwnd = S != 0 ? ((struct tcp_sock *)S)->snd_cwnd * ((struct tcp_sock *)S)->mss_cache : 0;
	/* There is no threshold as long as no packet was lost. */
	tcps_cwnd_ssthresh = S == 0 ? 0 : ((struct tcp_sock *)S)->snd_ssthresh >= 0x7fffffff ? 0xffffffff :
	    ((struct tcp_sock *)S)->snd_ssthresh * ((struct tcp_sock *)S)->mss_cache;
	/* Milliseconds, smoothed; the kernel has eighths of microseconds. */
	tcps_rtt = S != 0 ? (((struct tcp_sock *)S)->srtt_us >> 3) / 1000 : 0;
	tcps_rto = S == 0 ? 0 : __sock_rto[S] > 120000 ? 120000 : __sock_rto[S];
	tcps_mss = S != 0 ? ((struct tcp_sock *)S)->mss_cache : 0;
	tcps_retransmit = S != 0 ? ((struct inet_connection_sock *)S)->icsk_retransmits != 0 : 0;
};

/* Of a packet that came it is not known yet for which socket it is. */
translator tcpsinfo_t < struct __received *P > {
	tcps_addr = 0;
	tcps_local = 0;
	tcps_lport = ntohs(__ports[(struct iphdr *)P][1]);
	tcps_rport = ntohs(__ports[(struct iphdr *)P][0]);
	tcps_laddr = __ip_destination[(struct iphdr *)P];
	tcps_raddr = __ip_source[(struct iphdr *)P];
	tcps_state = -1;
};

translator tcpsinfo_t < struct __answer *P > {
	tcps_addr = 0;
	tcps_local = 0;
	tcps_active = 0;
	tcps_lport = ntohs(__ports[__came[(struct sk_buff *)P]][1]);
	tcps_rport = ntohs(__ports[__came[(struct sk_buff *)P]][0]);
	tcps_laddr = __ip_destination[__came[(struct sk_buff *)P]];
	tcps_raddr = __ip_source[__came[(struct sk_buff *)P]];
	tcps_state = TCP_STATE_CLOSED;
};

inline struct sock *__changed[struct __change *C] = (struct sock *)((uint64_t)C & ~15ULL);

translator tcpsinfo_t < struct __change *C > {
	tcps_addr = (uintptr_t)__changed[C];
	tcps_local = __sock_is_local[__changed[C]];
	tcps_lport = __sock_lport[__changed[C]];
	tcps_rport = __sock_rport[__changed[C]];
	tcps_laddr = __sock_local[__changed[C]];
	tcps_raddr = __sock_remote[__changed[C]];
	tcps_state = (uint64_t)C & 15;
	tcps_suna = ((struct tcp_sock *)__changed[C])->snd_una;
	tcps_snxt = ((struct tcp_sock *)__changed[C])->snd_nxt;
	tcps_rnxt = ((struct tcp_sock *)__changed[C])->rcv_nxt;
	tcps_swnd = ((struct tcp_sock *)__changed[C])->snd_wnd;
	tcps_rwnd = ((struct tcp_sock *)__changed[C])->rcv_wnd;
	tcps_mss = ((struct tcp_sock *)__changed[C])->mss_cache;
};

translator tcpsinfo_t < struct __opened *C > {
	tcps_addr = (uintptr_t)__changed[(struct __change *)C];
	tcps_local = __sock_is_local[__changed[(struct __change *)C]];
	/* The state before is the socket's still: a request was sent. */
	tcps_active = ((uint64_t)C & 15) == 2 || __changed[(struct __change *)C]->__sk_common.skc_state == 2;
	tcps_lport = __sock_lport[__changed[(struct __change *)C]];
	tcps_rport = __sock_rport[__changed[(struct __change *)C]];
	tcps_laddr = __sock_local[__changed[(struct __change *)C]];
	tcps_raddr = __sock_remote[__changed[(struct __change *)C]];
	tcps_state = (uint64_t)C & 15;
	tcps_suna = ((struct tcp_sock *)__changed[(struct __change *)C])->snd_una;
	tcps_snxt = ((struct tcp_sock *)__changed[(struct __change *)C])->snd_nxt;
	tcps_rnxt = ((struct tcp_sock *)__changed[(struct __change *)C])->rcv_nxt;
	tcps_swnd = ((struct tcp_sock *)__changed[(struct __change *)C])->snd_wnd;
	tcps_rwnd = ((struct tcp_sock *)__changed[(struct __change *)C])->rcv_wnd;
	tcps_mss = ((struct tcp_sock *)__changed[(struct __change *)C])->mss_cache;
};

typedef struct tcplsinfo {
	int32_t tcps_state;
} tcplsinfo_t;

translator tcplsinfo_t < struct __state *S > {
	tcps_state = (uint64_t)S;
};

typedef struct udpinfo {
	uint16_t udp_sport;
	uint16_t udp_dport;
	uint16_t udp_length;
	uint16_t udp_checksum;
	struct udphdr *udp_hdr;
} udpinfo_t;

translator udpinfo_t < struct udphdr *H > {
	udp_sport = ntohs(H->source);
	udp_dport = ntohs(H->dest);
	udp_length = ntohs(H->len);
	udp_checksum = ntohs(H->check);
	udp_hdr = H;
};

typedef struct udpsinfo {
	uintptr_t udps_addr;
	uint16_t udps_lport;
	uint16_t udps_rport;
	string udps_laddr;
	string udps_raddr;
} udpsinfo_t;

translator udpsinfo_t < struct __sent *P > {
	udps_addr = 0;
	udps_lport = ntohs(__ports[(struct iphdr *)P][0]);
	udps_rport = ntohs(__ports[(struct iphdr *)P][1]);
	udps_laddr = __ip_source[(struct iphdr *)P];
	udps_raddr = __ip_destination[(struct iphdr *)P];
};

translator udpsinfo_t < struct __received *P > {
	udps_addr = 0;
	udps_lport = ntohs(__ports[(struct iphdr *)P][1]);
	udps_rport = ntohs(__ports[(struct iphdr *)P][0]);
	udps_laddr = __ip_destination[(struct iphdr *)P];
	udps_raddr = __ip_source[(struct iphdr *)P];
};
