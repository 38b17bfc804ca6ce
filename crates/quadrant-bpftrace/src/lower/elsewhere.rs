//! What is called by other names in other tracers' languages, in the kernel and in C.

/// Other names, and what is written here.
const NAMES: &[(&[&str], &str)] = &[
    // Of the process and the probe: D's, SystemTap's, the kernel's and libbpf's.
    (&["execname", "bpf_get_current_comm"], "comm"),
    (&["pexecname"], "pcomm"),
    (&["tgid", "getpid", "bpf_get_current_pid_tgid"], "pid"),
    (&["gettid"], "tid"),
    (&["getuid", "bpf_get_current_uid_gid"], "uid"),
    (&["getgid"], "gid"),
    (&["curthread", "curpsinfo", "curlwpsinfo", "current", "task_current", "bpf_get_current_task"], "curtask"),
    (&["probefunc", "ppfunc"], "func"),
    (&["probename", "pn", "pp"], "probe"),
    (&["probeprov"], "probetype"),
    (&["timestamp", "bpf_ktime_get_ns", "ktime_get_ns"], "nsecs"),
    (&["smp_processor_id", "bpf_get_smp_processor_id"], "cpu"),
    (&["bpf_get_prandom_u32"], "rand"),
    (&["stack", "backtrace", "print_backtrace"], "kstack"),
    (&["jstack", "ubacktrace", "print_ubacktrace"], "ustack"),
    (&["sym", "symname"], "ksym()"),
    (&["usymname"], "usym()"),
    // What is fed, shown and sent.
    (&["quantize"], "hist()"),
    (&["lquantize"], "lhist()"),
    (&["llquantize", "ehist"], "hist(number, bits)"),
    (&["stddev"], "stats()"),
    (&["printa"], "print(@map)"),
    (&["trunc"], "print(@map, top)"),
    (&["trace", "println"], "print()"),
    (&["bpf_printk", "bpf_trace_printk"], "debugf()"),
    (&["raise", "kill"], "signal()"),
    // Texts and memory.
    (&["copyinstr", "stringof", "user_string", "kernel_string"], "str(address)"),
    (&["copyin", "bpf_probe_read", "bpf_probe_read_kernel", "bpf_probe_read_user"], "*(type *)address"),
    (&["tracemem"], "buf(address, length)"),
    (&["strcmp"], "text == text"),
    (&["strcat", "strncat", "strlcat", "strjoin", "concat", "sprintf", "snprintf"], "str_concat()"),
    (&["strchr", "strnstr", "index", "memmem"], "strstr()"),
    (&["substr", "substring"], "str(address + from, length)"),
    // Addresses and ports of networks.
    (&["inet_ntoa", "inet_ntoa6", "inet_ntop", "ip_ntop"], "ntop()"),
    (&["inet_aton", "inet_pton"], "pton()"),
    (&["ntohs", "htons", "bpf_ntohs", "bpf_htons", "be16toh", "htobe16", "be16_to_cpu"], "bswap((uint16)number)"),
    (&["ntohl", "htonl", "bpf_ntohl", "bpf_htonl", "be32toh", "htobe32", "be32_to_cpu"], "bswap((uint32)number)"),
    (&["ntohll", "htonll", "be64toh", "htobe64", "be64_to_cpu"], "bswap((uint64)number)"),
];

/// What is written here for something that has another name elsewhere.
pub(super) fn written_here(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(names, _)| names.contains(&name)).map(|(_, here)| *here)
}
