//! Tracepoints that tell about the same as a kernel function, for kernels on which functions cannot be probed.

use std::collections::BTreeSet;

use crate::glob::Glob;

/// Functions by pattern, and events; `syscall:X` is the entry or exit of the system call. The first match counts.
const NEAR: &[(&str, &[&str])] = &[
    ("vfs_read*", &["syscall:read"]),
    ("vfs_write*", &["syscall:write"]),
    ("vfs_open", &["syscall:openat"]),
    ("do_sys_open*", &["syscall:openat", "syscall:openat2"]),
    ("do_filp_open", &["syscall:openat"]),
    ("filp_close", &["syscall:close"]),
    ("vfs_fsync*", &["syscall:fsync", "syscall:fdatasync"]),
    ("vfs_stat*", &["syscall:newstat", "syscall:statx", "syscall:newfstatat"]),
    ("vfs_fstat*", &["syscall:newfstat", "syscall:newfstatat"]),
    ("vfs_unlink", &["syscall:unlinkat", "syscall:unlink"]),
    ("do_unlinkat", &["syscall:unlinkat", "syscall:unlink"]),
    ("vfs_rename", &["syscall:renameat2", "syscall:rename"]),
    ("vfs_mkdir", &["syscall:mkdirat", "syscall:mkdir"]),
    ("vfs_rmdir", &["syscall:rmdir"]),
    ("vfs_create", &["syscall:openat", "syscall:creat"]),
    ("vfs_readlink", &["syscall:readlinkat"]),
    ("vfs_fallocate", &["syscall:fallocate"]),
    ("vfs_*", &["raw_syscalls:sys_enter"]),
    ("lookup_*", &["syscall:openat"]),
    ("d_lookup", &["syscall:openat"]),
    ("tcp_retransmit*", &["tcp:tcp_retransmit_skb"]),
    ("tcp_v*_connect", &["sock:inet_sock_set_state"]),
    ("tcp_set_state", &["sock:inet_sock_set_state"]),
    ("tcp_close*", &["sock:inet_sock_set_state", "tcp:tcp_destroy_sock"]),
    ("tcp_sendmsg*", &["sock:sock_send_length"]),
    ("tcp_recvmsg*", &["sock:sock_recv_length"]),
    ("tcp_cleanup_rbuf", &["sock:sock_recv_length"]),
    ("tcp_send_active_reset", &["tcp:tcp_send_reset"]),
    ("tcp_*reset*", &["tcp:tcp_receive_reset", "tcp:tcp_send_reset"]),
    ("tcp_drop*", &["skb:kfree_skb"]),
    ("tcp_*", &["tcp:tcp_probe", "sock:inet_sock_set_state"]),
    ("inet_csk_accept", &["sock:inet_sock_set_state"]),
    ("inet*", &["sock:inet_sock_set_state"]),
    ("udp_sendmsg*", &["sock:sock_send_length"]),
    ("udp_recvmsg*", &["sock:sock_recv_length"]),
    ("sock_sendmsg*", &["sock:sock_send_length"]),
    ("sock_recvmsg*", &["sock:sock_recv_length"]),
    ("*dev_queue_xmit*", &["net:net_dev_queue"]),
    ("*netif_receive_skb*", &["net:netif_receive_skb"]),
    ("ip*_rcv*", &["net:netif_receive_skb"]),
    ("ip*_output*", &["net:net_dev_queue"]),
    ("*kfree_skb*", &["skb:kfree_skb"]),
    ("submit_bio*", &["block:block_bio_queue"]),
    ("blk_mq_start_request", &["block:block_rq_issue"]),
    ("blk_account_io_start", &["block:block_io_start"]),
    ("blk_account_io_done", &["block:block_io_done", "block:block_rq_complete"]),
    ("blk_mq_*complete*", &["block:block_rq_complete"]),
    ("blk_*", &["block:block_rq_issue", "block:block_rq_complete"]),
    ("bio_*", &["block:block_bio_queue", "block:block_bio_complete"]),
    ("schedule*", &["sched:sched_switch"]),
    ("__schedule", &["sched:sched_switch"]),
    ("finish_task_switch*", &["sched:sched_switch"]),
    ("try_to_wake_up", &["sched:sched_wakeup"]),
    ("ttwu_*", &["sched:sched_wakeup"]),
    ("wake_up_new_task", &["sched:sched_wakeup_new"]),
    ("*do_fork", &["sched:sched_process_fork"]),
    ("kernel_clone", &["sched:sched_process_fork"]),
    ("copy_process", &["sched:sched_process_fork"]),
    ("do_exit", &["sched:sched_process_exit"]),
    ("*do_execve*", &["sched:sched_process_exec"]),
    ("bprm_execve", &["sched:sched_process_exec"]),
    ("*send_signal*", &["signal:signal_generate"]),
    ("get_signal", &["signal:signal_deliver"]),
    ("do_futex", &["syscall:futex"]),
    ("*page_fault*", &["exceptions:page_fault_user"]),
    ("handle_mm_fault", &["exceptions:page_fault_user"]),
    ("filemap_fault", &["filemap:mm_filemap_fault"]),
    ("*add_to_page_cache*", &["filemap:mm_filemap_add_to_page_cache"]),
    ("oom_kill*", &["oom:mark_victim"]),
    ("*kmalloc*", &["kmem:kmalloc"]),
    ("kfree*", &["kmem:kfree"]),
    ("kmem_cache_alloc*", &["kmem:kmem_cache_alloc"]),
    ("kmem_cache_free*", &["kmem:kmem_cache_free"]),
    ("*alloc_pages*", &["kmem:mm_page_alloc"]),
    ("*free_pages*", &["kmem:mm_page_free"]),
    ("try_to_free*", &["vmscan:mm_vmscan_direct_reclaim_begin"]),
    ("shrink_*", &["vmscan:mm_shrink_slab_start", "vmscan:mm_vmscan_lru_shrink_inactive"]),
    ("do_mmap", &["syscall:mmap"]),
    ("cap_capable", &["capability:cap_capable"]),
    ("handle_irq*", &["irq:irq_handler_entry"]),
    ("*softirq*", &["irq:softirq_entry"]),
    ("process_one_work", &["workqueue:workqueue_execute_start"]),
    ("*queue_work*", &["workqueue:workqueue_queue_work"]),
    ("hrtimer_*", &["timer:hrtimer_start", "timer:hrtimer_expire_entry"]),
    ("*writeback*", &["writeback:writeback_start", "writeback:writeback_written"]),
];

/// What functions of a system call begin with; the call's name follows.
const ENTRIES: [&str; 10] = [
    "__x64_sys_",
    "__ia32_sys_",
    "__arm64_sys_",
    "__se_sys_",
    "__do_sys_",
    "ksys_",
    "__sys_",
    "do_sys_",
    "sys_",
    "SyS_",
];

/// Most tracepoints that are named.
const MOST: usize = 2;

/// Tracepoints (`category:event`) near a function, of those that there are; nearest first.
pub(crate) fn tracepoints(function: &str, on_return: bool, events: &BTreeSet<String>) -> Vec<String> {
    let candidates = system_call(function, on_return)
        .chain(same_name(function, events))
        .chain(by_table(function, on_return))
        .chain(same_subsystem(function, events));
    let mut found: Vec<String> = Vec::new();
    for event in candidates {
        if found.len() < MOST && events.contains(&event) && !found.contains(&event) {
            found.push(event);
        }
    }
    found
}

fn system_call(function: &str, on_return: bool) -> impl Iterator<Item = String> {
    let names = ENTRIES.iter().filter_map(move |prefix| function.strip_prefix(prefix));
    names.map(move |name| syscall_event(name, on_return))
}

fn syscall_event(name: &str, on_return: bool) -> String {
    format!("syscalls:sys_{}_{name}", if on_return { "exit" } else { "enter" })
}

fn same_name(function: &str, events: &BTreeSet<String>) -> Option<String> {
    let bare = function.trim_start_matches('_');
    events.iter().find(|event| event.split_once(':').is_some_and(|(_, name)| name == bare)).cloned()
}

fn by_table(function: &str, on_return: bool) -> impl Iterator<Item = String> {
    let row = NEAR.iter().find(|(pattern, _)| Glob::new(pattern).matches(function));
    let events = row.map_or(&[][..], |(_, events)| events);
    events.iter().map(move |event| match event.strip_prefix("syscall:") {
        Some(name) => syscall_event(name, on_return),
        None => (*event).to_owned(),
    })
}

/// Events of the subsystem that the function's first word names, those that share most words with it first.
fn same_subsystem(function: &str, events: &BTreeSet<String>) -> Vec<String> {
    let words: Vec<&str> = function.trim_start_matches('_').split('_').collect();
    let category = format!("{}:", words[0]);
    let of_it = events.iter().filter(|event| event.starts_with(&category));
    let mut near: Vec<(usize, &String)> = of_it
        .map(|event| {
            (words.iter().skip(1).filter(|word| event.split([':', '_']).any(|part| part == **word)).count(), event)
        })
        .filter(|(shared, _)| *shared > 0)
        .collect();
    near.sort_by_key(|(shared, event)| (std::cmp::Reverse(*shared), event.len()));
    near.into_iter().map(|(_, event)| event.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(function: &str, on_return: bool) -> Vec<String> {
        let events = [
            "syscalls:sys_enter_read",
            "syscalls:sys_exit_read",
            "syscalls:sys_enter_getpid",
            "tcp:tcp_retransmit_skb",
            "sock:inet_sock_set_state",
            "tcp:tcp_probe",
            "block:block_rq_issue",
            "block:block_rq_complete",
            "ext4:ext4_sync_file_enter",
            "ext4:ext4_da_write_begin",
        ];
        tracepoints(function, on_return, &events.iter().map(|event| (*event).to_owned()).collect())
    }

    #[test]
    fn nearest_by_meaning() {
        assert_eq!(near("vfs_read", false), ["syscalls:sys_enter_read"]);
        assert_eq!(near("vfs_read", true), ["syscalls:sys_exit_read"]);
        assert_eq!(near("__x64_sys_getpid", false), ["syscalls:sys_enter_getpid"]);
        assert_eq!(near("tcp_retransmit_skb", false), ["tcp:tcp_retransmit_skb"]);
        assert_eq!(near("tcp_v4_connect", false), ["sock:inet_sock_set_state"]);
        assert_eq!(near("blk_mq_start_request", false), ["block:block_rq_issue"]);
        assert_eq!(near("ext4_sync_file", false), ["ext4:ext4_sync_file_enter"]);
        assert!(near("no_such_thing", false).is_empty());
        assert!(near("", false).is_empty());
    }
}
