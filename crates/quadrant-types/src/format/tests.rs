use super::*;
use crate::{Btf, Types};

/// In the shape the kernel writes, with each kind of field.
pub(crate) const SAMPLE: &str = "name: sample\nID: 316\nformat:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;
\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;
\tfield:__data_loc char[] file;\toffset:28;\tsize:4;\tsigned:0;
\tfield:__rel_loc u32[] words;\toffset:32;\tsize:4;\tsigned:0;
\tfield:const char * name;\toffset:40;\tsize:8;\tsigned:0;
\tfield:unsigned long args[6];\toffset:48;\tsize:48;\tsigned:0;
\tfield:void (*function)(struct x *, int);\toffset:96;\tsize:8;\tsigned:0;
\tfield:char comm[TASK_COMM_LEN];\toffset:104;\tsize:16;\tsigned:0;
\tfield:strange_t odd;\toffset:120;\tsize:2;\tsigned:1;
\tfield:struct strange other;\toffset:122;\tsize:3;\tsigned:1;

print fmt: \"%s ==> %d\", REC->prev_comm,
 REC->prev_pid
";

#[test]
fn fields_of_each_kind() {
    let format = EventFormat::parse(SAMPLE).unwrap();
    assert_eq!((format.name.as_str(), format.id), ("sample", 316));
    assert_eq!(format.own_fields().count(), 10);
    let comm = format.field("prev_comm").unwrap();
    assert_eq!((comm.type_text.as_str(), comm.offset, comm.size), ("char", 8, 16));
    assert_eq!((comm.array_len, comm.storage, comm.common), (Some(16), FieldStorage::Inline, false));
    let file = format.field("file").unwrap();
    assert_eq!((file.type_text.as_str(), file.storage), ("char", FieldStorage::DataLoc));
    assert_eq!(format.field("words").unwrap().storage, FieldStorage::RelLoc);
    assert_eq!(format.field("comm").unwrap().array_len, Some(16));
    assert_eq!(format.field("function").unwrap().type_text, "void (*)(struct x *, int)");
    assert!(format.field("common_pid").unwrap().common);
    assert_eq!(format.print_fmt, "\"%s ==> %d\", REC->prev_comm,\n REC->prev_pid");
}

#[test]
fn field_types() {
    let format = EventFormat::parse(SAMPLE).unwrap();
    let types = Types::without_btf("none");
    let shown = |name| types.display(types.format_field_type(&format, format.field(name).unwrap()));
    assert_eq!(shown("prev_comm"), "char[16]");
    assert_eq!(shown("prev_pid"), "pid_t");
    assert_eq!(shown("file"), "char[]");
    assert_eq!(shown("words"), "u32[]");
    assert_eq!(shown("name"), "const char *");
    assert_eq!(shown("args"), "unsigned long[6]");
    assert_eq!(shown("odd"), "int16");
    assert_eq!(shown("other"), "uint8[3]");
}

#[test]
fn bad_files_say_which_line() {
    let error = |text: &str| EventFormat::parse(text).unwrap_err().to_string();
    assert!(error("").contains("no `name:` line"));
    assert!(error("name: x\n").contains("no `ID:` line"));
    assert!(error("name: x\nID: y\n").contains("line 2: the id is no number"));
    let no_size = "name: x\nID: 1\nformat:\n\tfield:int a;\toffset:0;\n";
    assert!(error(no_size).contains("line 4: no `size:`"));
    let huge = "name: x\nID: 1\nformat:\n\tfield:int a;\toffset:4294967295;\tsize:8;\n";
    assert!(error(huge).contains("beyond 4 GiB"));
}

#[test]
fn record_struct_of_the_kernel_is_preferred() {
    let Ok(data) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        eprintln!("skipped: no /sys/kernel/btf/vmlinux");
        return;
    };
    let types = Types::new(Btf::new(data).unwrap());
    let record = types.lookup_struct("trace_event_raw_sched_switch").unwrap();
    let member = types.find_member(record, "prev_state").unwrap();
    let line =
        |text: &str| format!("\tfield:{text} prev_state;\toffset:{};\tsize:8;\tsigned:1;\n", member.byte_offset());
    let format = |text| EventFormat::parse(&format!("name: sched_switch\nID: 1\nformat:\n{}", line(text))).unwrap();
    let shown = |format: &EventFormat| types.display(types.format_field_type(format, &format.fields[0]));
    assert_eq!(shown(&format("strange_t")), types.display(member.ty));
}

#[test]
fn built_in_types_open_no_btf() {
    let format = EventFormat::parse(SAMPLE).unwrap();
    let types = Types::with_loader(|| panic!("BTF was opened"));
    for name in ["common_type", "prev_comm", "prev_pid", "name", "args", "file"] {
        types.format_field_type(&format, format.field(name).unwrap());
    }
}
