//! Members of the kernel's structs that have other names in this kernel, or only in C: scripts of all times use them.

use std::rc::Rc;

use quadrant_program::expr::Expr;
use quadrant_program::span::Span;
use quadrant_types::{CType, TypeId, Types};

use super::super::Lower;
use crate::ast::Ident;

/// Another way to a member.
struct Renamed {
    /// The struct, without `struct`.
    record: &'static str,
    /// The name of the member in some kernels.
    name: &'static str,
    /// How to get there in others.
    path: &'static [&'static str],
}

const fn renamed(record: &'static str, name: &'static str, path: &'static [&'static str]) -> Renamed {
    Renamed { record, name, path }
}

/// Each where the value means the same. Those of newer kernels are there, too: their scripts run on older ones.
const RENAMED: &[Renamed] = &[
    // Linux 5.14
    renamed("task_struct", "state", &["__state"]),
    renamed("task_struct", "__state", &["state"]),
    // Linux 5.5
    renamed("task_struct", "real_start_time", &["start_boottime"]),
    renamed("task_struct", "start_boottime", &["real_start_time"]),
    renamed("cgroup", "id", &["kn", "id"]),
    // Linux 5.16
    renamed("task_struct", "cpu", &["thread_info", "cpu"]),
    // Linux 5.17
    renamed("request", "rq_disk", &["q", "disk"]),
    // Linux 5.12
    renamed("bio", "bi_disk", &["bi_bdev", "bd_disk"]),
    // Linux 6.4
    renamed("iov_iter", "iov", &["__iov"]),
    renamed("iov_iter", "__iov", &["iov"]),
    // Linux 6.15
    renamed("cfs_rq", "nr_running", &["nr_queued"]),
    renamed("cfs_rq", "nr_queued", &["nr_running"]),
    renamed("cfs_rq", "h_nr_running", &["h_nr_queued"]),
    renamed("cfs_rq", "h_nr_queued", &["h_nr_running"]),
    renamed("dentry", "d_iname", &["d_shortname", "string"]),
];

/// What C has as macros.
const MACROS: &[Renamed] = &[
    renamed("file", "f_dentry", &["f_path", "dentry"]),
    renamed("file", "f_vfsmnt", &["f_path", "mnt"]),
    renamed("inet_sock", "inet_daddr", &["sk", "__sk_common", "skc_daddr"]),
    renamed("inet_sock", "inet_rcv_saddr", &["sk", "__sk_common", "skc_rcv_saddr"]),
    renamed("inet_sock", "inet_dport", &["sk", "__sk_common", "skc_dport"]),
    renamed("inet_sock", "inet_num", &["sk", "__sk_common", "skc_num"]),
];

/// Structs that start with a `struct sock_common`, as whose members C has theirs: the beginning of their names, and of its own.
const SOCKETS: &[(&str, &str, &str)] = &[
    ("sock", "sk_", "__sk_common"),
    ("inet_timewait_sock", "tw_", "__tw_common"),
    ("request_sock", "rsk_", "__req_common"),
];

impl Lower<'_> {
    /// The value of a member that a struct of the kernel has elsewhere, or under another name; the outer `None` if it is not known.
    pub(super) fn renamed_member(
        &mut self,
        base: &Expr,
        record: TypeId,
        name: &Ident,
        span: Span,
    ) -> Option<Option<Expr>> {
        let way = way_to(self.env.types, record, &name.name)?;
        self.warn_of_renamed(&way, name, "is read");
        let mut value = base.clone();
        for part in way.path {
            let part = Ident { name: part, span: name.span };
            match self.member(value, &part, span) {
                Some(next) => value = next,
                None => return Some(None),
            }
        }
        Some(Some(value))
    }

    /// The way to such a member that stays inside the struct, as an offset does.
    pub(super) fn renamed_path(&mut self, record: TypeId, name: &Ident) -> Option<Vec<Ident>> {
        let way = way_to(self.env.types, record, &name.name).filter(|way| !way.follows_pointer)?;
        self.warn_of_renamed(&way, name, "is meant");
        Some(way.path.into_iter().map(|part| Ident { name: part, span: name.span }).collect())
    }

    fn warn_of_renamed(&mut self, way: &Way, name: &Ident, what: &str) {
        if way.is_moved {
            let (tag, path) = (&way.record, way.path.join("->"));
            self.warning(name.span, format!("`struct {tag}` has no `{}` in this kernel: `{path}` {what}", name.name));
        }
    }
}

/// The way to a member that this kernel has under another name.
struct Way {
    /// The struct, without `struct`.
    record: Rc<str>,
    path: Vec<String>,
    /// Other kernels have the member itself, rather than C a macro.
    is_moved: bool,
    /// A part before the last is a pointer.
    follows_pointer: bool,
}

/// The way to a member of a struct of the kernel: those of scripts and programs only share its name.
fn way_to(types: &Types, record: TypeId, name: &str) -> Option<Way> {
    let CType::Struct { name: tag, complete: true, .. } = types.kind(record) else { return None };
    if !types.is_of_kernel(record) {
        return None;
    }
    let is_it = |renamed: &&Renamed| renamed.record == &*tag && renamed.name == name;
    let moved = RENAMED.iter().find(is_it);
    let path = moved.or_else(|| MACROS.iter().find(is_it)).map(|renamed| to_owned(renamed.path));
    let path = path.or_else(|| of_socket(&tag, name))?;
    let follows_pointer = follows_pointer(types, record, &path)?;
    Some(Way { record: tag, path, is_moved: moved.is_some(), follows_pointer })
}

fn to_owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|part| (*part).to_owned()).collect()
}

fn of_socket(tag: &str, name: &str) -> Option<Vec<String>> {
    let (_, start, common) = SOCKETS.iter().find(|(record, ..)| *record == tag)?;
    let rest = name.strip_prefix(start)?;
    Some(vec![(*common).to_owned(), format!("skc_{rest}")])
}

/// Whether a path goes through a pointer; nothing if a part of it is no member of what the one before is, or points to.
fn follows_pointer(types: &Types, record: TypeId, path: &[String]) -> Option<bool> {
    let (mut at, mut followed) = (record, false);
    for (index, part) in path.iter().enumerate() {
        let member = types.find_member(types.resolve(at), part)?;
        at = member.ty;
        if let CType::Ptr { to, .. } = types.kind(types.resolve(member.ty)) {
            followed |= index + 1 < path.len();
            at = to;
        }
    }
    Some(followed)
}
