//! The structures of bpf(2), one a command, as linux/bpf.h lays them out.
//!
//! Each ends with the last field that this crate uses. Padding is spelled out, because the kernel wants it 0.

use crate::sys::Attr;

/// Length of an object's name with its terminator.
pub(crate) const NAME_LEN: usize = 16;

/// The kernel's form of a name: letters, digits, `_` and `.`, at most 15; other characters become `_`.
pub(crate) fn name(text: &str) -> [u8; NAME_LEN] {
    let mut name = [0; NAME_LEN];
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    for (place, byte) in name.iter_mut().take(NAME_LEN - 1).zip(text.bytes()) {
        *place = if allowed(byte) { byte } else { b'_' };
    }
    name
}

macro_rules! attrs {
    ($($(#[$doc:meta])* struct $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Copy, Clone, Default)]
            pub(crate) struct $name { $(pub $field: $type,)* }

            // The sum of the fields is the size of the structure, so there is no padding.
            const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$type>())*);

            // SAFETY: `repr(C)`, integers only, no padding; the addresses are the business of the code that fills it
            // in.
            unsafe impl Attr for $name {}
        )*
    };
}

attrs! {
    /// BPF_MAP_CREATE.
    struct MapCreate {
        map_type: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: u32,
        inner_map_fd: u32,
        numa_node: u32,
        map_name: [u8; NAME_LEN],
        map_ifindex: u32,
        btf_fd: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_value_type_id: u32,
        map_extra: u64,
    }

    /// BPF_MAP_*_ELEM, BPF_MAP_GET_NEXT_KEY and BPF_MAP_FREEZE; `value` is also the address of the next key.
    struct MapElem {
        map_fd: u32,
        _pad: u32,
        key: u64,
        value: u64,
        flags: u64,
    }

    /// BPF_MAP_LOOKUP_BATCH and BPF_MAP_LOOKUP_AND_DELETE_BATCH.
    struct MapBatch {
        in_batch: u64,
        out_batch: u64,
        keys: u64,
        values: u64,
        count: u32,
        map_fd: u32,
        elem_flags: u64,
        flags: u64,
    }

    /// BPF_PROG_LOAD up to `fd_array` (Linux 5.14).
    struct ProgLoad {
        prog_type: u32,
        insn_cnt: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: u32,
        prog_name: [u8; NAME_LEN],
        prog_ifindex: u32,
        expected_attach_type: u32,
        prog_btf_fd: u32,
        func_info_rec_size: u32,
        func_info: u64,
        func_info_cnt: u32,
        line_info_rec_size: u32,
        line_info: u64,
        line_info_cnt: u32,
        attach_btf_id: u32,
        attach_fd: u32,
        core_relo_cnt: u32,
        fd_array: u64,
    }

    /// One `struct bpf_func_info`.
    struct FuncInfo {
        insn_off: u32,
        type_id: u32,
    }

    /// BPF_PROG_TEST_RUN.
    struct TestRun {
        prog_fd: u32,
        retval: u32,
        data_size_in: u32,
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
        ctx_size_in: u32,
        ctx_size_out: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
    }

    /// BPF_OBJ_GET_INFO_BY_FD.
    struct InfoByFd {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }

    /// `struct bpf_prog_info` up to `attach_btf_id` (Linux 5.19).
    struct ProgInfo {
        kind: u32,
        id: u32,
        tag: [u8; 8],
        jited_prog_len: u32,
        xlated_prog_len: u32,
        jited_prog_insns: u64,
        xlated_prog_insns: u64,
        load_time: u64,
        created_by_uid: u32,
        nr_map_ids: u32,
        map_ids: u64,
        name: [u8; NAME_LEN],
        ifindex: u32,
        bits: u32,
        netns_dev: u64,
        netns_ino: u64,
        nr_jited_ksyms: u32,
        nr_jited_func_lens: u32,
        jited_ksyms: u64,
        jited_func_lens: u64,
        btf_id: u32,
        func_info_rec_size: u32,
        func_info: u64,
        nr_func_info: u32,
        nr_line_info: u32,
        line_info: u64,
        jited_line_info: u64,
        nr_jited_line_info: u32,
        line_info_rec_size: u32,
        jited_line_info_rec_size: u32,
        nr_prog_tags: u32,
        prog_tags: u64,
        run_time_ns: u64,
        run_cnt: u64,
        recursion_misses: u64,
        verified_insns: u32,
        attach_btf_obj_id: u32,
        attach_btf_id: u32,
        _pad: u32,
    }

    /// `struct bpf_map_info` up to `btf_value_type_id`.
    struct MapInfo {
        kind: u32,
        id: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: u32,
        name: [u8; NAME_LEN],
        ifindex: u32,
        btf_vmlinux_value_type_id: u32,
        netns_dev: u64,
        netns_ino: u64,
        btf_id: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        _pad: u32,
    }

    /// BPF_RAW_TRACEPOINT_OPEN before Linux 6.10.
    struct RawTracepoint {
        name: u64,
        prog_fd: u32,
        _pad: u32,
    }

    /// BPF_RAW_TRACEPOINT_OPEN with a cookie (Linux 6.10).
    struct RawTracepointCookie {
        name: u64,
        prog_fd: u32,
        _pad: u32,
        cookie: u64,
    }

    /// BPF_BTF_LOAD.
    struct BtfLoad {
        btf: u64,
        log_buf: u64,
        btf_size: u32,
        log_size: u32,
        log_level: u32,
        _pad: u32,
    }

    /// BPF_LINK_CREATE on a perf event; a tracing link has its cookie one field later.
    struct LinkPerf {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        cookie: u64,
    }

    /// BPF_LINK_CREATE of a tracing program.
    struct LinkTracing {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        target_btf_id: u32,
        _pad: u32,
        cookie: u64,
    }

    /// BPF_LINK_CREATE of an iterator.
    struct LinkIter {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        iter_info: u64,
        iter_info_len: u32,
        _pad: u32,
    }

    /// `union bpf_iter_link_info` for cgroups.
    struct WalkCgroups {
        order: u32,
        cgroup_fd: u32,
        cgroup_id: u64,
    }

    /// BPF_LINK_CREATE on many kernel functions.
    struct LinkKprobeMulti {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        multi_flags: u32,
        count: u32,
        symbols: u64,
        addresses: u64,
        cookies: u64,
    }

    /// BPF_LINK_CREATE on many places of one file.
    struct LinkUprobeMulti {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        path: u64,
        offsets: u64,
        ref_ctr_offsets: u64,
        cookies: u64,
        count: u32,
        multi_flags: u32,
        pid: u32,
        _pad: u32,
    }

    /// BPF_ITER_CREATE.
    struct IterCreate {
        link_fd: u32,
        flags: u32,
    }

    /// BPF_ENABLE_STATS.
    struct EnableStats {
        kind: u32,
    }

    /// BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID; the first number is where to start, or which one to open.
    struct ObjectId {
        id: u32,
        next_id: u32,
        open_flags: u32,
    }

    /// BPF_OBJ_PIN and BPF_OBJ_GET.
    struct Object {
        pathname: u64,
        bpf_fd: u32,
        file_flags: u32,
    }

    /// BPF_TASK_FD_QUERY.
    struct TaskFdQuery {
        pid: u32,
        fd: u32,
        flags: u32,
        buf_len: u32,
        buf: u64,
        prog_id: u32,
        fd_type: u32,
        probe_offset: u64,
        probe_addr: u64,
    }

    /// `struct bpf_link_info`: a head for all kinds, and words that each kind lays out in its own way.
    struct LinkInfo {
        kind: u32,
        id: u32,
        prog_id: u32,
        _pad: u32,
        body: [u64; 8],
    }

    /// `struct bpf_btf_info`.
    struct BtfInfo {
        btf: u64,
        btf_size: u32,
        id: u32,
        name: u64,
        name_len: u32,
        kernel_btf: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_cleaned() {
        assert_eq!(&name("a-b c.d_0"), b"a_b_c.d_0\0\0\0\0\0\0\0");
        assert_eq!(&name("0123456789abcdefgh"), b"0123456789abcde\0");
    }
}
