//! Against the running kernel's own BTF. Skipped, with a line that says so, where there is none.

use quadrant_types::{Btf, BtfKind, CType, Types};

const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

fn kernel() -> Option<Types> {
    match std::fs::read(VMLINUX) {
        Ok(data) => Some(Types::new(Btf::new(data).expect("the kernel's BTF is well-formed"))),
        Err(error) => {
            eprintln!("skipped: {VMLINUX}: {error}");
            None
        }
    }
}

#[test]
fn task_struct_members() {
    let Some(types) = kernel() else { return };
    let task = types.lookup_struct("task_struct").unwrap();
    let pid = types.find_member(task, "pid").unwrap();
    assert_eq!(types.display(pid.ty), "pid_t");
    assert_eq!(types.kind(pid.ty), CType::Int { size: 4, signed: true, is_char: false, is_bool: false });
    let comm = types.find_member(task, "comm").unwrap();
    assert_eq!(types.display(comm.ty), "char[16]");
    assert_eq!(types.size_of(comm.ty), Some(16));
    let parent = types.find_member(task, "real_parent").unwrap();
    assert_eq!(
        types.pointee(parent.ty).map(|ty| types.display(types.resolve(ty))).as_deref(),
        Some("struct task_struct")
    );
    assert!(types.find_member(task, "no_such_member").is_none());
}

#[test]
fn anonymous_members_add_their_offset() {
    let Some(types) = kernel() else { return };
    let page = types.lookup_struct("page").unwrap();
    let direct = types.members(page);
    let mapping = types.find_member(page, "mapping").unwrap();
    assert!(direct.iter().all(|member| &*member.name != "mapping"), "the test wants a nested member");
    assert!(mapping.byte_offset() >= 8);
}

#[test]
fn bitfields_have_their_width() {
    let Some(types) = kernel() else { return };
    let task = types.lookup_struct("task_struct").unwrap();
    let bit = types.find_member(task, "in_execve").unwrap();
    assert_eq!(bit.bitfield_size, Some(1));
}

#[test]
fn names_and_constants() {
    let Some(types) = kernel() else { return };
    let (value, ty) = types.lookup_constant("BPF_MAP_TYPE_HASH").unwrap();
    assert_eq!((value, types.display(ty).as_str()), (1, "enum bpf_map_type"));
    assert_eq!(types.lookup_constant("TCP_ESTABLISHED").map(|found| found.0), Some(1));
    assert!(types.lookup_constant("NO_SUCH_CONSTANT").is_none());
    assert_eq!(types.enum_name(ty, 1).as_deref(), Some("BPF_MAP_TYPE_HASH"));
    assert_eq!(types.suggest_constant("TCP_ESTABLISHD").as_deref(), Some("TCP_ESTABLISHED"));
}

#[test]
fn many_lookups_agree_with_few() {
    let Some(types) = kernel() else { return };
    let names = ["task_struct", "file", "inode", "sock", "no_such_struct", "page", "super_block"];
    let first: Vec<_> = names.iter().map(|name| types.lookup_struct(name)).collect();
    // By now the index of names stands.
    for _ in 0..9 {
        let again: Vec<_> = names.iter().map(|name| types.lookup_struct(name)).collect();
        assert_eq!(first, again);
    }
    assert_eq!(first.iter().filter(|found| found.is_some()).count(), names.len() - 1);
}

#[test]
fn functions_have_parameters() {
    let Some(types) = kernel() else { return };
    let func = types.btf_func("vfs_read").unwrap();
    let names: Vec<_> = func.proto.params.iter().map(|param| param.name.to_string()).collect();
    assert_eq!(names, ["file", "buf", "count", "pos"]);
    assert_eq!(types.display(func.proto.params[0].ty), "struct file *");
    assert_eq!(types.display(func.proto.ret), "ssize_t");
    let error = types.btf_func("vfs_raed").unwrap_err().to_string();
    assert!(error.contains("did you mean `vfs_read`?"), "{error}");
}

#[test]
fn raw_tracepoints_have_named_arguments() {
    let Some(types) = kernel() else { return };
    let raw = types.raw_tracepoint("sched_switch").unwrap();
    let shown: Vec<_> = raw.params.iter().map(|param| types.declare(param.ty, &param.name)).collect();
    assert_eq!(shown[..3], ["bool preempt", "struct task_struct *prev", "struct task_struct *next"]);
    assert!(types.raw_tracepoint("sched_swtich").unwrap_err().to_string().contains("`sched_switch`"));
}

#[test]
fn all_raw_tracepoints_resolve_with_names() {
    let Some(types) = kernel() else { return };
    let names = types.raw_tracepoint_names().unwrap();
    assert!(names.len() > 100);
    for name in names {
        let raw = types.raw_tracepoint(&name).unwrap();
        let nameless = raw.params.iter().filter(|param| param.name.is_empty()).count();
        assert_eq!(nameless, 0, "{name}");
    }
}

#[test]
fn every_record_can_be_shown() {
    let Some(types) = kernel() else { return };
    let btf = types.btf().unwrap();
    for (id, kind, name) in btf.iter() {
        let ty = types.btf_type(id);
        assert!(!types.display(ty).is_empty(), "{id} {kind:?} {name}");
        types.size_of(ty);
        if kind == BtfKind::Struct {
            assert!(types.size_of(ty).is_some(), "{id} {name}");
            types.members(ty);
        }
    }
}

#[test]
fn casts_of_scripts() {
    let Some(types) = kernel() else { return };
    let shown = |text| types.display(types.parse_type_name(text).unwrap());
    assert_eq!(shown("struct task_struct *"), "struct task_struct *");
    assert_eq!(shown("sector_t"), "sector_t");
    assert_eq!(shown("enum bpf_map_type"), "enum bpf_map_type");
    let error = types.parse_type_name("task_struct *").unwrap_err().to_string();
    assert!(error.contains("did you mean `struct task_struct`?"), "{error}");
    let error = types.parse_type_name("struct task_strct *").unwrap_err().to_string();
    assert!(error.contains("did you mean `struct task_struct`?"), "{error}");
}
