//! The tools that Debian's packages install, what each must show, and where one cannot run.

/// What is expected of a tool.
pub struct Tool {
    pub name: &'static str,
    /// In its first lines.
    pub head: &'static str,
    /// In its output after the work, with the names of [`super::work::Work::fill`].
    pub shows: &'static [&'static str],
}

const fn tool(name: &'static str, head: &'static str, shows: &'static [&'static str]) -> Tool {
    Tool { name, head, shows }
}

/// All tools. Nothing is shown for sure by those about disks (a guest has none), memory shortage, lost packets, TLS, and terminals.
pub const TOOLS: &[Tool] = &[
    tool("bashreadline", "Tracing bash", &[]),
    tool("biolatency", "Tracing block", &[]),
    tool("biolatency-kp", "Tracing block", &[]),
    tool("biosnoop", "TIME(ms)", &[]),
    tool("biostacks", "Tracing block", &[]),
    tool("bitesize", "Tracing block", &[]),
    tool("capable", "Tracing cap_capable", &["CAP_SETUID"]),
    tool("cpuwalk", "Sampling CPU", &["@cpu"]),
    tool("dcsnoop", "Tracing dcache", &["{missing}"]),
    tool("execsnoop", "TIME", &["/bin/echo {argument}"]),
    tool("gethostlatency", "Tracing getaddr", &["localhost"]),
    tool("killsnoop", "PID", &["bash"]),
    tool("loads", "Reading load", &["load averages: "]),
    tool("mdflush", "Tracing md", &[]),
    tool("naptime", "Tracing sleeps", &[]),
    tool("oomkill", "Tracing oom", &[]),
    tool("opensnoop", "Tracing open", &["{pid}", "{file}"]),
    tool("pidpersec", "Tracing new", &["PIDs/sec: "]),
    tool("runqlat", "Tracing CPU", &["@usecs"]),
    tool("runqlen", "Sampling run", &["@runqlen"]),
    tool("setuids", "Tracing setuid", &["65534"]),
    tool("ssllatency", "Tracing SSL", &[]),
    tool("sslsnoop", "Tracing SSL", &[]),
    tool("statsnoop", "Tracing stat", &["{file}"]),
    tool("swapin", "", &[]),
    tool("syncsnoop", "Tracing sync", &["sync"]),
    tool("syscount", "Counting", &["@process", "tools::"]),
    tool("tcpaccept", "Tracing TCP accepts", &["127.0.0.1", "{port}"]),
    tool("tcpconnect", "Tracing tcp connections", &["127.0.0.1", "{port}"]),
    tool("tcpdrop", "Tracing tcp drops", &[]),
    tool("tcplife", "PID", &["127.0.0.1", "{port}"]),
    tool("tcpretrans", "Tracing tcp", &[]),
    tool("tcpsynbl", "Tracing SYN", &["@backlog"]),
    tool("threadsnoop", "TIME", &[]),
    tool("undump", "Dump UNIX", &["{message}"]),
    tool("vfscount", "Tracing VFS", &["vfs_read]: "]),
    tool("vfsstat", "Tracing key", &["vfs_read"]),
    tool("writeback", "Tracing writeback", &[]),
    tool("xfsdist", "Tracing XFS", &[]),
];

/// Tools whose lines come each second, not with the work.
pub const PERIODIC: [&str; 3] = ["loads", "pidpersec", "vfsstat"];

/// Where a tool may be refused: its name, a part of the message, and what is missing. bpftrace refuses it there, too.
pub const REFUSALS: &[(&str, &str, &str)] = &[
    ("biolatency", "blk_account_io_start", "the functions of Linux before 6.5, which now are inlined"),
    ("biolatency-kp", "blk_account_io_start", "the functions of Linux before 6.5, which now are inlined"),
    ("biosnoop", "blk_account_io_start", "the functions of Linux before 6.5, which now are inlined"),
    ("biostacks", "blk_account_io_start", "the functions of Linux before 6.5, which now are inlined"),
    ("loads", "Failed to resolve kernel symbol: avenrun", "a kernel that has symbols of data (CONFIG_KALLSYMS_ALL)"),
    ("mdflush", "md_flush_request", "the kernel's module md"),
    ("runqlen", "a field named 'nr_running'", "a kernel before 6.15, where the field was renamed"),
    ("runqlen", "a field named 'nr_queued'", "Linux 6.15, where the field got this name"),
    ("ssllatency", "No matches for uprobe lib", "libssl and libcrypto with their inner symbols"),
    ("sslsnoop", "No matches for uprobe lib", "libssl and libcrypto with their inner symbols"),
    ("swapin", "swap_readpage", "a function of Linux before 6.9"),
    ("threadsnoop", "libpthread", "a C library with a libpthread of its own (glibc before 2.34)"),
    ("xfsdist", "xfs_file", "the kernel's module xfs"),
];
