//! The library against this machine's kernel: every member of every translation compiles.

use crate::world::World;
use quadrant_d::ast::{Declaration, Item, TypeSpecKind};
use quadrant_d::library;
use quadrant_d::lower::{Env, Source, SourceKind, Symbols, compile};
use quadrant_d::macros::Macros;

/// Every symbol is somewhere.
struct Somewhere;

impl Symbols for Somewhere {
    fn kernel_address(&self, _module: Option<&str>, _name: &str) -> Result<u64, String> {
        Ok(0xffff_ffff_8100_0000)
    }

    fn has_module(&self, _name: &str) -> bool {
        true
    }
}

/// What is wrong with a script; nothing if it compiles.
fn mistakes(world: &World, script: &str) -> Vec<String> {
    let providers = world.providers();
    let (libraries, options) = (Vec::new(), Vec::new());
    let env = Env {
        probes: &providers,
        types: world.types(),
        symbols: &Somewhere,
        libraries: &libraries,
        macros: &Macros::default(),
        options: &options,
        wall_offset: 0,
    };
    let source = Source { name: "test.d".to_owned(), text: script.to_owned(), kind: SourceKind::Script };
    let compiled = compile(&[source], &env);
    compiled.diagnostics.into_iter().map(|diagnostic| format!("{script}: {}", diagnostic.message)).collect()
}

/// The members of a type of the library.
fn members(ty: &str) -> Vec<String> {
    let item = library::items(ty).next().unwrap_or_else(|| panic!("there is no {ty}"));
    let parsed = quadrant_d::parse(item.text);
    let Some(Item::Declaration(Declaration { base, .. })) = parsed.script.items.first() else { panic!("{ty}") };
    let TypeSpecKind::Tagged { body: Some(body), .. } = &base.kind else { panic!("{ty}") };
    let quadrant_d::ast::TagBody::Members(members) = body else { panic!("{ty}") };
    let names = members.iter().flat_map(|member| member.declared.iter());
    names.filter_map(|declared| Some(declared.name.as_ref()?.name.clone())).collect()
}

/// Probes and the library's types of their arguments.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("proc:::create", &["psinfo_t"]),
    ("proc:::lwp-create", &["lwpsinfo_t", "psinfo_t"]),
    ("proc:::signal-send", &["lwpsinfo_t", "psinfo_t"]),
    ("proc:::signal-handle", &["", "siginfo_t"]),
    ("sched:::enqueue", &["lwpsinfo_t", "psinfo_t", "cpuinfo_t"]),
    ("sched:::tick", &["lwpsinfo_t", "psinfo_t"]),
    ("io:::start", &["bufinfo_t", "devinfo_t", "fileinfo_t"]),
    ("io:::done", &["bufinfo_t", "devinfo_t", "fileinfo_t"]),
    ("ip:::send", &["pktinfo_t", "csinfo_t", "ipinfo_t", "ifinfo_t", "ipv4info_t", "ipv6info_t"]),
    ("ip:::receive", &["pktinfo_t", "csinfo_t", "ipinfo_t", "ifinfo_t", "ipv4info_t", "ipv6info_t"]),
    ("tcp:::send", &["pktinfo_t", "csinfo_t", "ipinfo_t", "tcpsinfo_t", "tcpinfo_t"]),
    ("udp:::send", &["pktinfo_t", "csinfo_t", "ipinfo_t", "udpsinfo_t", "udpinfo_t"]),
    ("udp:::receive", &["pktinfo_t", "csinfo_t", "ipinfo_t", "udpsinfo_t", "udpinfo_t"]),
    ("tcp:::state-change", &["", "csinfo_t", "", "", "", "tcplsinfo_t"]),
    ("tcp:::accept-established", &["pktinfo_t", "csinfo_t", "ipinfo_t"]),
    ("tcp:::accept-refused", &["pktinfo_t", "csinfo_t", "ipinfo_t"]),
    ("tcp:::connect-request", &["pktinfo_t", "csinfo_t", "ipinfo_t"]),
    ("tcp:::connect-refused", &["pktinfo_t", "csinfo_t", "ipinfo_t"]),
];

#[test]
fn every_member_compiles() {
    let Some(world) = World::new() else { return };
    let mut wrong = Vec::new();
    for (probe, types) in ARGUMENTS {
        for (index, ty) in types.iter().enumerate().filter(|(_, ty)| !ty.is_empty()) {
            // Who opened a connection is known only while it is opened.
            for member in members(ty).iter().filter(|member| *member != "tcps_active") {
                wrong.extend(mistakes(&world, &format!("{probe} {{ trace(args[{index}]->{member}); }}")));
            }
        }
    }
    for (variable, ty) in [
        ("curpsinfo->", "psinfo_t"),
        ("curlwpsinfo->", "lwpsinfo_t"),
        ("curcpu->", "cpuinfo_t"),
        ("fds[0].", "fileinfo_t"),
    ] {
        for member in members(ty) {
            wrong.extend(mistakes(&world, &format!("BEGIN {{ trace({variable}{member}); }}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn members_of_connections() {
    let Some(world) = World::new() else { return };
    let mut wrong = Vec::new();
    let common = ["tcps_lport", "tcps_rport", "tcps_laddr", "tcps_raddr", "tcps_state", "tcps_addr"];
    for probe in [
        "receive",
        "send",
        "accept-established",
        "accept-refused",
        "connect-request",
        "connect-refused",
        "connect-established",
        "state-change",
    ] {
        for member in common {
            wrong.extend(mistakes(&world, &format!("tcp:::{probe} {{ trace(args[3]->{member}); }}")));
        }
        for member in ["tcp_sport", "tcp_dport"].iter().filter(|_| probe != "state-change") {
            wrong.extend(mistakes(&world, &format!("tcp:::{probe} {{ trace(args[4]->{member}); }}")));
        }
        if probe.contains('-') && probe != "state-change" {
            let opened = format!("tcp:::{probe} {{ trace(args[3]->tcps_active); trace(args[4]->tcp_flags); }}");
            wrong.extend(mistakes(&world, &opened));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn constants_and_variables() {
    let Some(world) = World::new() else { return };
    let mut wrong = Vec::new();
    for name in [
        "SIGKILL",
        "ENOENT",
        "PR_MODEL_LP64",
        "SSLEEP",
        "B_READ",
        "AF_INET6",
        "TCP_STATE_LISTEN",
        "O_RDONLY",
        "zonename",
        "projid",
        "cwd",
        "root",
        "pset",
    ] {
        wrong.extend(mistakes(&world, &format!("BEGIN {{ trace({name}); }}")));
    }
    wrong.extend(mistakes(&world, "BEGIN { trace(tcp_state_string[3]); }"));
    wrong.extend(mistakes(
        &world,
        "proc:::exit { trace(args[0]); } proc:::exec { trace(stringof(args[0])); printf(\"%s\", args[0]); }",
    ));
    wrong.extend(mistakes(
        &world,
        "proc:::exec-failure { trace(args[0]); trace(errno); } proc:::signal-clear { trace(args[0]); }",
    ));
    wrong.extend(mistakes(
        &world,
        "lockstat:::adaptive-block { @time[execname] = sum(arg1); @[sym((uintptr_t)args[0])] = sum(args[1]); }",
    ));
    wrong.extend(mistakes(
        &world,
        "sysinfo:::readch { @bytes[execname] = sum(arg0); } vminfo:::pgpgin { @[execname] = sum(arg0); }",
    ));
    wrong.extend(mistakes(&world, "mib:::tcpInSegs { @ = sum(arg0); } sched:::on-cpu { self->ts = timestamp; @on[pid, execname, curpsinfo->pr_psargs] = count(); }"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
