//! From what the kernel says about a link to what it means.

use quadrant_bpf::object::{LinkObject, LinkTarget, PerfTarget, ProgramObject, attach_type_name, program_kind_name};

use super::model::{Attachment, Kind, Target, Via};
use super::names::Names;
use super::perf;

/// The attachment of a link, without its program, owners and counts.
pub fn of_link(link: &LinkObject, program: Option<&ProgramObject>, names: &mut Names) -> Attachment {
    let attachment = match &link.target {
        LinkTarget::PerfEvent(target) => perf::of_target(target, names),
        LinkTarget::KprobeMulti { .. } | LinkTarget::UprobeMulti { .. } => multi(&link.target, names),
        target => single(target, program, names),
    };
    Attachment { link: Some(link.id), misses: missed(&link.target).filter(|_| link.counts_missed), ..attachment }
}

/// Hits that the link itself lost.
fn missed(target: &LinkTarget) -> Option<u64> {
    match target {
        LinkTarget::KprobeMulti { missed, .. } => Some(*missed),
        LinkTarget::PerfEvent(PerfTarget::Kprobe { missed, .. }) => Some(*missed),
        _ => None,
    }
}

fn single(target: &LinkTarget, program: Option<&ProgramObject>, names: &mut Names) -> Attachment {
    let (kind, target) = match target {
        LinkTarget::RawTracepoint { name, cookie } => {
            (Kind::RawTracepoint, Target::named(name.clone()).with_cookie(*cookie))
        }
        LinkTarget::Tracing { attach_type, object, btf_id, cookie } => {
            let target = trampoline(*attach_type, *object, *btf_id, program, names);
            (trampoline_kind(*attach_type, program), target.with_cookie(*cookie))
        }
        LinkTarget::Cgroup { cgroup, attach_type } => (Kind::Cgroup, described(names.cgroup(*cgroup), *attach_type)),
        LinkTarget::Iterator { name, map } => (Kind::Iterator, iterator(name, *map)),
        LinkTarget::NetNamespace { inode, attach_type } => {
            (Kind::NetNamespace, described(format!("netns {inode}").into_bytes(), *attach_type))
        }
        LinkTarget::Xdp { interface } => (Kind::Xdp, Target::named(names.interface(*interface))),
        LinkTarget::Tcx { interface, attach_type } => {
            (Kind::Tcx, described(names.interface(*interface).into_bytes(), *attach_type))
        }
        LinkTarget::Netkit { interface, attach_type } => {
            (Kind::Netkit, described(names.interface(*interface).into_bytes(), *attach_type))
        }
        LinkTarget::StructOps { map } => (Kind::StructOps, Target::named(format!("map {map}"))),
        LinkTarget::Netfilter { family, hook, priority } => {
            (Kind::Netfilter, Target::named(netfilter(*family, *hook, *priority)))
        }
        LinkTarget::SockMap { map, attach_type } => {
            (Kind::SockMap, described(format!("map {map}").into_bytes(), *attach_type))
        }
        LinkTarget::Other(number) => (Kind::Other, Target::named(format!("link type {number}"))),
        // The caller has these.
        LinkTarget::PerfEvent(_) | LinkTarget::KprobeMulti { .. } | LinkTarget::UprobeMulti { .. } => {
            (Kind::Other, Target::default())
        }
    };
    Attachment::new(kind, Via::Link).at(vec![target])
}

/// The names of linux/netfilter.h.
fn netfilter(family: u32, hook: u32, priority: i32) -> String {
    const HOOKS: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];
    let family = match family {
        2 => "ipv4".to_owned(),
        10 => "ipv6".to_owned(),
        other => format!("family {other}"),
    };
    let hook = HOOKS.get(hook as usize).map_or_else(|| format!("hook {hook}"), |name| (*name).to_owned());
    format!("{family} {hook} priority {priority}")
}

/// A place and how a program is attached there.
fn described(mut text: Vec<u8>, attach_type: u32) -> Target {
    text.push(b' ');
    match attach_type_name(attach_type) {
        Some(name) => text.extend_from_slice(name.as_bytes()),
        None => text.extend_from_slice(format!("attach type {attach_type}").as_bytes()),
    }
    Target::named(text)
}

fn iterator(name: &[u8], map: u32) -> Target {
    match map {
        0 => Target::named(name),
        map => Target::named([name, format!(" {map}").as_bytes()].concat()),
    }
}

/// Values of `enum bpf_attach_type` that links of trampolines have.
fn trampoline_kind(attach_type: u32, program: Option<&ProgramObject>) -> Kind {
    let of_program = program.and_then(|program| program_kind_name(program.kind));
    match attach_type {
        24 => Kind::Fentry,
        25 => Kind::Fexit,
        26 => Kind::FmodRet,
        27 | 43 => Kind::Lsm,
        28 => Kind::Iterator,
        _ if of_program == Some("ext") => Kind::Freplace,
        _ if of_program == Some("lsm") => Kind::Lsm,
        _ => Kind::Other,
    }
}

/// The link's `object` is a number of types, or of the program that is traced. The program says which types are meant
/// (Linux 5.19).
fn trampoline(
    attach_type: u32,
    object: u32,
    btf_id: u32,
    program: Option<&ProgramObject>,
    names: &mut Names,
) -> Target {
    let types = program.map_or(0, |program| program.attach_btf_obj_id);
    let Some(function) = names.function(if types == 0 { object } else { types }, btf_id) else {
        return Target::named(unnamed(attach_type, object, btf_id));
    };
    let name = function.name.strip_prefix("bpf_lsm_").unwrap_or(&function.name);
    let text = match (&function.module, function.kernel) {
        (Some(module), _) => format!("{module}:{name}"),
        (None, true) => name.to_owned(),
        (None, false) => format!("program {object}:{name}"),
    };
    Target { function: Some(function.name), ..Target::named(text) }
}

fn unnamed(attach_type: u32, object: u32, btf_id: u32) -> String {
    match (object, btf_id) {
        (0, 0) => "?".to_owned(),
        _ => format!("{} {object}:{btf_id}", attach_type_name(attach_type).unwrap_or("type")),
    }
}

fn multi(target: &LinkTarget, names: &mut Names) -> Attachment {
    match target {
        LinkTarget::KprobeMulti { on_return, count, addresses, cookies, .. } => {
            let kind = if *on_return { Kind::Kretprobe } else { Kind::Kprobe };
            let cookie = |index: usize| cookies.get(index).copied().unwrap_or(0);
            let places = addresses.iter().enumerate();
            let places = places.map(|(index, address)| kernel_address(*address, names).with_cookie(cookie(index)));
            let targets = places.collect();
            Attachment { target_count: u64::from(*count), ..Attachment::new(kind, Via::MultiLink).at(targets) }
        }
        LinkTarget::UprobeMulti { path, on_return, pid, count, offsets, semaphores, cookies } => {
            let kind = if *on_return { Kind::Uretprobe } else { Kind::Uprobe };
            let mut targets = user_places(path, offsets, names);
            for (target, (semaphore, cookie)) in targets.iter_mut().zip(semaphores.iter().zip(cookies)) {
                target.semaphore = (*semaphore != 0).then_some(*semaphore);
                target.cookie = (*cookie != 0).then_some(*cookie);
            }
            let only_pid = (*pid != 0).then_some(*pid);
            Attachment {
                target_count: u64::from(*count),
                only_pid,
                ..Attachment::new(kind, Via::MultiLink).at(targets)
            }
        }
        _ => Attachment::new(Kind::Other, Via::MultiLink),
    }
}

/// A place in the kernel by its address.
pub fn kernel_address(address: u64, names: &mut Names) -> Target {
    let Some((function, offset)) = names.kernel(address) else {
        return Target { address: Some(address), ..Target::named(format!("{address:#x}")) };
    };
    Target { address: Some(address), ..kernel_function(&function, offset) }
}

/// A place in the kernel by its function.
pub fn kernel_function(function: &str, offset: u64) -> Target {
    let text = if offset == 0 { function.to_owned() } else { format!("{function}+{offset:#x}") };
    Target { function: Some(function.to_owned()), offset: Some(offset), ..Target::named(text) }
}

/// Places in a file.
pub fn user_places(path: &[u8], offsets: &[u64], names: &mut Names) -> Vec<Target> {
    let functions = names.user(path, offsets);
    let places = offsets.iter().zip(functions);
    places.map(|(offset, function)| user_place(path, *offset, function)).collect()
}

fn user_place(path: &[u8], offset: u64, function: Option<(String, u64)>) -> Target {
    let place = match &function {
        Some((name, 0)) => format!(":{name}"),
        Some((name, distance)) => format!(":{name}+{distance:#x}"),
        None => format!("+{offset:#x}"),
    };
    let path = if path.is_empty() { b"?" } else { path };
    Target {
        path: Some(path.to_vec()),
        function: function.map(|(name, _)| name),
        offset: Some(offset),
        ..Target::named([path, place.as_bytes()].concat())
    }
}
