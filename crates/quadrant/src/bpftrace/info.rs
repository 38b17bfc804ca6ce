//! `--info`: what this kernel can do, by bpftrace's names.

use quadrant_bpf::features::Features;

/// Everything, as lines.
pub fn text() -> String {
    let features = Features::new();
    let kernel = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        text.trim_end().to_owned()
    };
    let has_types = std::path::Path::new("/sys/kernel/btf/vmlinux").exists();
    let has_module_types = std::fs::read_dir("/sys/kernel/btf").is_ok_and(|entries| entries.count() > 1);
    let mut text = format!(
        "System\n  OS: {} {} {}\n  Arch: {}\n\n",
        kernel("ostype"),
        kernel("osrelease"),
        kernel("version"),
        std::env::consts::ARCH,
    );
    text.push_str(&format!(
        "Build\n  version: {} (Quadrant {})\n  LLVM: none (Quadrant makes the instructions itself)\n\n",
        super::VERSION,
        env!("CARGO_PKG_VERSION"),
    ));
    let mut section = |name: &str, entries: &[(&str, bool)]| {
        text.push_str(&format!("{name}\n"));
        entries.iter().for_each(|(name, has)| text.push_str(&format!("  {name}: {}\n", yes_no(*has))));
        text.push('\n');
    };
    section(
        "Kernel helpers",
        &[
            ("get_func_ip", features.get_func_ip()),
            ("loop", features.bpf_loop()),
            ("for_each_map_elem", features.for_each_map_elem()),
            ("probe_read_user", features.split_probe_read()),
        ],
    );
    section(
        "Kernel features",
        &[
            ("btf", has_types),
            ("module btf", has_module_types),
            ("ringbuf", features.ring_buffer()),
            ("atomic fetch", features.atomic_fetch()),
            ("sleepable uprobes", features.sleepable_uprobe()),
        ],
    );
    section(
        "Probe types",
        &[
            ("kprobe", features.kprobe_event()),
            ("kprobe_multi", features.kprobe_multi()),
            ("kprobe_session", features.kprobe_session()),
            ("uprobe_multi", features.uprobe_multi()),
            ("iter", false),
        ],
    );
    text
}

fn yes_no(has: bool) -> &'static str {
    if has { "yes" } else { "no" }
}
