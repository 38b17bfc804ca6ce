//! What the kernel says about any program.

use std::os::fd::BorrowedFd;

use super::{describe, until_nul};
use crate::attr;
use crate::error::Result;
use crate::sys;

/// A loaded program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramObject {
    /// The kernel's number.
    pub id: u32,
    /// `enum bpf_prog_type`; see [`program_kind_name`].
    pub kind: u32,
    /// At most 15 bytes, chosen by who loaded it.
    pub name: Vec<u8>,
    /// A hash of its instructions.
    pub tag: [u8; 8],
    /// When it was loaded, in nanoseconds since boot.
    pub load_time_ns: u64,
    /// Who loaded it.
    pub uid: u32,
    /// Numbers of the maps that it uses.
    pub maps: Vec<u32>,
    /// Its own types; 0 if it has none.
    pub btf_id: u32,
    /// The object that holds the type of what it is attached to; 0 if unknown (before Linux 5.19) or none.
    pub attach_btf_obj_id: u32,
    /// The type of what it is attached to, such as a function; 0 if unknown or none.
    pub attach_btf_id: u32,
    /// How often it ran while statistics were on ([`crate::prog::enable_stats`]).
    pub run_cnt: u64,
    /// Time spent in it meanwhile, in nanoseconds.
    pub run_time_ns: u64,
    /// How often it was skipped because a program was already running there. Counted always; `None` before Linux 5.12.
    pub recursion_misses: Option<u64>,
    /// Bytes of instructions after the verifier's changes.
    pub xlated_len: u32,
    /// Bytes of machine code.
    pub jited_len: u32,
}

/// Bytes of `struct bpf_prog_info` up to and with the count of misses.
const MISSES_INFO_LEN: u32 = std::mem::offset_of!(attr::ProgInfo, recursion_misses) as u32 + 8;

/// More maps than a program can use.
const MOST_MAPS: u32 = 1 << 10;

impl ProgramObject {
    /// What the kernel says about an open program.
    pub fn of(fd: BorrowedFd<'_>) -> Result<ProgramObject> {
        let mut info = attr::ProgInfo::default();
        let known = describe(fd, &mut info, "program")?;
        let maps = if info.nr_map_ids == 0 { Vec::new() } else { map_ids(fd, info.nr_map_ids)? };
        Ok(ProgramObject {
            id: info.id,
            kind: info.kind,
            name: until_nul(&info.name),
            tag: info.tag,
            load_time_ns: info.load_time,
            uid: info.created_by_uid,
            maps,
            btf_id: info.btf_id,
            attach_btf_obj_id: info.attach_btf_obj_id,
            attach_btf_id: info.attach_btf_id,
            run_cnt: info.run_cnt,
            run_time_ns: info.run_time_ns,
            recursion_misses: (known >= MISSES_INFO_LEN).then_some(info.recursion_misses),
            xlated_len: info.xlated_prog_len,
            jited_len: info.jited_prog_len,
        })
    }
}

fn map_ids(fd: BorrowedFd<'_>, count: u32) -> Result<Vec<u32>> {
    let mut maps = vec![0; count.min(MOST_MAPS) as usize];
    let mut info =
        attr::ProgInfo { nr_map_ids: maps.len() as u32, map_ids: sys::address_mut(&mut maps), ..Default::default() };
    describe(fd, &mut info, "program")?;
    maps.truncate(info.nr_map_ids as usize);
    Ok(maps)
}

/// The name of a `enum bpf_prog_type`, as bpftool spells it.
pub fn program_kind_name(kind: u32) -> Option<&'static str> {
    PROGRAM_KINDS.get(kind as usize).copied()
}

/// The name of a `enum bpf_attach_type`, as bpftool spells it.
pub fn attach_type_name(kind: u32) -> Option<&'static str> {
    ATTACH_TYPES.get(kind as usize).copied()
}

const PROGRAM_KINDS: &[&str] = &[
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
];

const ATTACH_TYPES: &[&str] = &[
    "cgroup_inet_ingress",
    "cgroup_inet_egress",
    "cgroup_inet_sock_create",
    "cgroup_sock_ops",
    "sk_skb_stream_parser",
    "sk_skb_stream_verdict",
    "cgroup_device",
    "sk_msg_verdict",
    "cgroup_inet4_bind",
    "cgroup_inet6_bind",
    "cgroup_inet4_connect",
    "cgroup_inet6_connect",
    "cgroup_inet4_post_bind",
    "cgroup_inet6_post_bind",
    "cgroup_udp4_sendmsg",
    "cgroup_udp6_sendmsg",
    "lirc_mode2",
    "flow_dissector",
    "cgroup_sysctl",
    "cgroup_udp4_recvmsg",
    "cgroup_udp6_recvmsg",
    "cgroup_getsockopt",
    "cgroup_setsockopt",
    "trace_raw_tp",
    "trace_fentry",
    "trace_fexit",
    "modify_return",
    "lsm_mac",
    "trace_iter",
    "cgroup_inet4_getpeername",
    "cgroup_inet6_getpeername",
    "cgroup_inet4_getsockname",
    "cgroup_inet6_getsockname",
    "xdp_devmap",
    "cgroup_inet_sock_release",
    "xdp_cpumap",
    "sk_lookup",
    "xdp",
    "sk_skb_verdict",
    "sk_reuseport_select",
    "sk_reuseport_select_or_migrate",
    "perf_event",
    "trace_kprobe_multi",
    "lsm_cgroup",
    "struct_ops",
    "netfilter",
    "tcx_ingress",
    "tcx_egress",
    "trace_uprobe_multi",
    "cgroup_unix_connect",
    "cgroup_unix_sendmsg",
    "cgroup_unix_recvmsg",
    "cgroup_unix_getpeername",
    "cgroup_unix_getsockname",
    "netkit_primary",
    "netkit_peer",
    "trace_kprobe_session",
    "trace_uprobe_session",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prog::{AttachType, ProgramKind};

    #[test]
    fn names_are_in_their_places() {
        assert_eq!(program_kind_name(ProgramKind::Tracing as u32), Some("tracing"));
        assert_eq!(program_kind_name(ProgramKind::Syscall as u32), Some("syscall"));
        assert_eq!(attach_type_name(AttachType::TraceUprobeSession as u32), Some("trace_uprobe_session"));
        assert_eq!(attach_type_name(AttachType::PerfEvent as u32), Some("perf_event"));
        assert_eq!(program_kind_name(99), None);
    }
}
