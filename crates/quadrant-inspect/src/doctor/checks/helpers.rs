//! Functions of the kernel that scripts' programs call. The kernel's version, configuration and lockdown decide.

use quadrant_bpf::helper;
use quadrant_bpf::map::{Map, MapKind, MapSpec};
use quadrant_bpf::prog::ProgramKind;

use super::super::kit::{Kit, Outcome, absent};
use super::super::model::Area;
use super::Row;

macro_rules! rows {
    ($($id:literal, $helper:ident in $kind:ident, $name:literal, $since:literal, $instead:literal;)*) => {
        pub const ROWS: &[Row] = &[$(Row {
            id: concat!("helper.", $id),
            area: Area::Helpers,
            name: $name,
            run: |kit| allowed(kit, ProgramKind::$kind, helper::$helper),
            options: &[],
            since: $since,
            instead: &[("", $instead)],
        }),*];
    };
}

rows! {
    "probe_read_kernel", PROBE_READ_KERNEL in Kprobe, "read kernel memory", "", "kernel data cannot be read";
    "probe_read_user", PROBE_READ_USER in Kprobe, "read user memory", "", "user data cannot be read";
    "probe_read_user_str", PROBE_READ_USER_STR in Kprobe, "read user texts", "", "str() cannot be used";
    "get_stack", GET_STACK in Kprobe, "take stacks", "", "kstack and ustack cannot be used";
    "get_attach_cookie", GET_ATTACH_COOKIE in Kprobe, "tell points apart", "5.15", "one program for each point";
    "get_func_ip", GET_FUNC_IP in Kprobe, "the probed function's address", "5.15", "func from the registers";
    "ktime_get_boot_ns", KTIME_GET_BOOT_NS in Kprobe, "time since boot", "", "the clock that stands still in sleep";
    "ktime_get_tai_ns", KTIME_GET_TAI_NS in Kprobe, "atomic time", "6.1", "nsecs(sw_tai), with an offset taken at the start";
    "jiffies64", JIFFIES64 in Kprobe, "jiffies", "", "jiffies cannot be used";
    "get_current_cgroup_id", GET_CURRENT_CGROUP_ID in Kprobe, "the control group", "", "cgroup cannot be used";
    "get_current_task_btf", GET_CURRENT_TASK_BTF in Kprobe, "the task with its type", "5.11", "it is read by address";
    "get_numa_node_id", GET_NUMA_NODE_ID in Kprobe, "the NUMA node", "", "numaid cannot be used";
    "strncmp", STRNCMP in Kprobe, "compare texts", "5.17", "texts are compared byte by byte";
    "send_signal", SEND_SIGNAL in Kprobe, "signal()", "", "signal() cannot be used";
    "override_return", OVERRIDE_RETURN in Kprobe, "change results of the kernel", "", "override() cannot be used";
    "probe_write_user", PROBE_WRITE_USER in Kprobe, "write user memory", "", "write_user(), copyout() and copyoutstr() cannot be used";
}

/// Asked of the verifier, which knows what this kind of program may call.
fn allowed(kit: &mut Kit, kind: ProgramKind, number: u32) -> Outcome {
    if kit.features.helper(kind, number) {
        return Ok(String::new());
    }
    // Without the right to load programs the answer is no, which means nothing.
    Map::create(&MapSpec::new(MapKind::Array, 4, 4, 1))?;
    let why = match (number, quadrant_bpf::security::lockdown()) {
        (helper::PROBE_WRITE_USER, Some(level)) => format!("kernel lockdown ({level}) closes it"),
        (helper::OVERRIDE_RETURN, _) => "the kernel lacks CONFIG_BPF_KPROBE_OVERRIDE, or lockdown closes it".to_owned(),
        _ => "the kernel does not have it for such programs".to_owned(),
    };
    Err(absent("a function of the kernel").because(why).into())
}
