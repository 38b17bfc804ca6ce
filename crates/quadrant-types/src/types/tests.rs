use super::*;
use crate::testing::one_of_each;
use crate::{Btf, EventFormat};
use proptest::prelude::*;

fn sample() -> Types {
    Types::new(Btf::new(one_of_each()).unwrap())
}

fn none() -> Types {
    Types::without_btf("the test has none")
}

#[test]
fn spelling() {
    let types = sample();
    let shown = |id| types.display(types.btf_type(id));
    let wanted = [
        (1, "int"),
        (2, "struct point *"),
        (3, "int[7]"),
        (4, "struct point"),
        (5, "union <anonymous>"),
        (7, "enum color"),
        (11, "number"),
        (12, "const number"),
        (13, "volatile const number"),
        (14, "struct point *restrict"),
        (16, "const number __user *"),
        (17, "int (void *, struct point *x, ...)"),
        (20, "int (*)(void *, struct point *x, ...)"),
        (24, "double"),
        (0, "void"),
        (999, "<malformed>"),
    ];
    for (id, text) in wanted {
        assert_eq!(shown(id), text, "{id}");
    }
}

#[test]
fn declarations() {
    let types = none();
    let declare = |text: &str| types.declare(types.parse_type_name(text).unwrap(), "v");
    assert_eq!(declare("unsigned long"), "unsigned long v");
    assert_eq!(declare("char*[4]"), "char *v[4]");
    assert_eq!(declare("int[2][3]"), "int v[2][3]");
    assert_eq!(declare("int[4]*"), "int (*v)[4]");
    assert_eq!(declare("int (*)(void)"), "int (*v)(...)");
}

#[test]
fn anonymous_members_and_bitfields() {
    let types = sample();
    let point = types.btf_type(4);
    // `inner` is in the union first; the bitfield of that name is behind it.
    let inner = types.find_member(point, "inner").unwrap();
    assert_eq!((inner.bit_offset, inner.bitfield_size), (128, None));
    let bits = types.find_member(types.btf_type(6), "inner").unwrap();
    assert_eq!((bits.bit_offset, bits.bitfield_size), (3, Some(5)));
    let old = types.find_member(types.btf_type(28), "x").unwrap();
    assert_eq!((old.bit_offset, old.bitfield_size), (12, Some(3)));
    assert_eq!(types.member_names(point).len(), 5);
}

#[test]
fn qualified_types_have_the_same_inside() {
    let types = sample();
    let named = |text: &str| types.parse_type_name(text).unwrap();
    let (point, constant) = (named("struct point"), named("const struct point"));
    assert_ne!(point, constant);
    assert_eq!(types.members(constant), types.members(point));
    assert_eq!(types.find_member(constant, "inner"), types.find_member(point, "inner"));
    assert_eq!(types.member_names(constant).len(), 5);
    assert_eq!(types.enum_values(named("const enum color")).len(), 1);
    assert_eq!(types.enum_name(named("const enum color"), -1).as_deref(), Some("RED"));
}

#[test]
fn forward_declarations_find_their_definition() {
    let types = sample();
    let through_fwd = types.pointee(types.btf_type(29)).unwrap();
    assert_eq!(types.size_of(through_fwd), Some(48));
    assert!(types.same(types.btf_type(2), types.btf_type(29)));
    assert_eq!(types.size_of(types.btf_type(9)), None);
    assert!(types.members(types.btf_type(9)).is_empty());
}

#[test]
fn same_looks_through_names_only() {
    let types = sample();
    let int = types.parse_type_name("int").unwrap();
    assert!(types.same(types.btf_type(13), int));
    assert!(!types.same(types.btf_type(1), types.int(4, false)));
    assert!(types.same(types.char(), types.btf_type(26)));
    assert_eq!(types.pointer_tags(types.btf_type(16)), ["user".into()]);
    assert_eq!(types.display(types.resolve(types.btf_type(13))), "int");
}

#[test]
fn base_types_in_any_order() {
    let types = none();
    let int = |text: &str| match types.kind(types.parse_type_name(text).unwrap()) {
        CType::Int { size, signed, .. } => (size, signed),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(int("long unsigned int"), (8, false));
    assert_eq!(int("unsigned"), (4, false));
    assert_eq!(int("short"), (2, true));
    assert_eq!(int("const unsigned char"), (1, false));
    assert_eq!(int("long long int"), (8, true));
    assert_eq!(int("uint64"), (8, false));
    assert_eq!(int("__u16"), (2, false));
    assert_eq!(int("size_t"), (8, false));
    assert_eq!(types.parse_type_name("void *").map(|ty| types.display(ty)), Ok("void *".into()));
    assert_eq!(types.parse_type_name("int8").unwrap(), types.int(1, true));
}

#[test]
fn bad_type_names_say_where() {
    let types = none();
    let error = |text: &str| types.parse_type_name(text).unwrap_err().to_string();
    assert!(error("").contains("expected a type's name at character 1"));
    assert!(error("int int").contains("at character 5"));
    assert!(error("unsigned signed").contains("at character 10"));
    assert!(error("int[x]").contains("expected a number of elements at character 5"));
    assert!(error("int[4").contains("expected `]`"));
    assert!(error("struct").contains("expected a tag"));
    assert!(error("unit64").contains("did you mean `uint64`?"));
    assert!(error("int)").contains("expected the end"));
}

#[test]
fn no_btf_is_one_clear_error() {
    let types = none();
    assert!(types.lookup_struct("task_struct").is_none());
    let error = types.btf_func("vfs_read").unwrap_err().to_string();
    assert_eq!(error, "no kernel type information (BTF): the test has none");
}

#[test]
fn btf_is_opened_when_needed() {
    let opened = Rc::new(std::cell::Cell::new(0));
    let count = opened.clone();
    let types = Types::with_loader(move || {
        count.set(count.get() + 1);
        Btf::new(one_of_each())
    });
    types.parse_type_name("uint64_t *").unwrap();
    assert_eq!(opened.get(), 0);
    types.lookup_struct("point").unwrap();
    types.lookup_struct("nothing");
    assert_eq!(opened.get(), 1);
}

fn field(name: &str, ty: TypeId, bits: Option<u8>) -> FieldDef {
    FieldDef { name: name.into(), ty, bits, attributes: Attributes::default() }
}

#[test]
fn structs_are_laid_out_as_in_c() {
    let types = sample();
    let (char, int, long) = (types.char(), types.int(4, true), types.int(8, true));
    let fields = vec![
        field("c", char, None),
        field("i", int, None),
        field("a", int, Some(3)),
        field("b", int, Some(30)),
        field("l", long, None),
        field("tail", char, None),
    ];
    let def = StructDef { name: "point".into(), is_union: false, attributes: Attributes::default(), fields };
    let id = types.define_struct(&def).unwrap();
    let offsets: Vec<u64> = types.members(id).iter().map(|member| member.bit_offset).collect();
    assert_eq!(offsets, [0, 32, 64, 96, 128, 192]);
    assert_eq!((types.size_of(id), types.align_of(id)), (Some(32), 8));
    assert_eq!(types.lookup_struct("point"), Some(id), "it shadows BTF's");
    assert!(types.define_struct(&def).is_err(), "twice");
}

#[test]
fn packed_structs_and_unions() {
    let types = none();
    let fields = vec![field("c", types.char(), None), field("l", types.int(8, true), None)];
    let packed = StructDef {
        name: "p".into(),
        is_union: false,
        attributes: Attributes { packed: true, ..Attributes::default() },
        fields: fields.clone(),
    };
    let packed = types.define_struct(&packed).unwrap();
    assert_eq!((types.size_of(packed), types.align_of(packed)), (Some(9), 1));
    let union = StructDef { name: "u".into(), is_union: true, attributes: Attributes::default(), fields };
    let union = types.define_struct(&union).unwrap();
    assert_eq!((types.size_of(union), types.align_of(union)), (Some(8), 8));
}

#[test]
fn attributes_place_members_as_in_c() {
    let types = none();
    let aligned = |align| Attributes { align, ..Attributes::default() };
    let mut fields: Vec<FieldDef> = ["a", "b", "c"].map(|name| field(name, types.char(), None)).into();
    fields[1].attributes = aligned(16);
    let def = StructDef { name: "wide".into(), is_union: false, attributes: Attributes::default(), fields };
    let wide = types.define_struct(&def).unwrap();
    let offsets: Vec<u64> = types.members(wide).iter().map(super::Member::byte_offset).collect();
    assert_eq!((offsets, types.size_of(wide), types.align_of(wide)), (vec![0, 16, 17], Some(32), 16));
    let fields = vec![field("a", types.char(), None), field("b", types.int(4, true), None)];
    let attributes = Attributes { packed: true, align: 4, most: 0 };
    let both = types.define_struct(&StructDef { name: "both".into(), is_union: false, attributes, fields }).unwrap();
    assert_eq!((types.size_of(both), types.align_of(both)), (Some(8), 4));
    let sizes = [127, -128, 128, 1 << 31].map(|value| {
        let id = types.define_enum("e", &[("A", -1), ("B", value)], true);
        types.size_of(id).unwrap()
    });
    assert_eq!(sizes, [1, 1, 2, 8]);
}

#[test]
fn self_reference_through_a_declaration() {
    let types = none();
    let node = types.declare_struct("node", false);
    let next = field("next", types.pointer_to(node), None);
    let def = |fields| StructDef { name: "node".into(), is_union: false, attributes: Attributes::default(), fields };
    let inside = types.define_struct(&def(vec![field("n", node, None)])).unwrap_err();
    assert!(inside.to_string().contains("the size of `n`"), "{inside}");
    assert_eq!(types.define_struct(&def(vec![next])), Ok(node));
    let target = types.pointee(types.find_member(node, "next").unwrap().ty);
    assert_eq!(target, Some(node));
}

#[test]
fn enums_and_typedefs_of_the_script() {
    let types = sample();
    let id = types.define_enum("color", &[("RED", 7), ("GREEN", 8)], false);
    assert_eq!(types.lookup_constant("RED"), Some((7, id)));
    assert_eq!(types.lookup_constant("HUGE").map(|found| found.0), Some(0x1_0000_0002));
    assert_eq!(types.lookup_enum("color"), Some(id));
    let typedef = types.define_typedef("number", types.int(8, false));
    assert_eq!(types.parse_type_name("number"), Ok(typedef));
    assert_eq!(types.display(typedef), "number");
    assert_eq!(types.size_of(typedef), Some(8));
}

#[test]
fn raw_tracepoint_arguments() {
    let types = sample();
    let raw = types.raw_tracepoint("event").unwrap();
    assert_eq!(raw.btf_id, 21);
    let shown: Vec<String> = raw.params.iter().map(|p| types.declare(p.ty, &p.name)).collect();
    assert_eq!(shown, ["struct point *x"]);
    assert_eq!(types.raw_tracepoint_names().unwrap(), ["event"]);
}

#[test]
fn definitions_are_written_whole() {
    let types = sample();
    let text = types.definition_text(types.btf_type(4));
    let wanted = "struct point {
  int x;
  struct point *y;
  union {
    int inner[7];
    struct {
      int x : 3;
      int inner : 5;
    };
  };
};";
    assert_eq!(text, wanted);
    assert_eq!(types.definition_text(types.btf_type(7)), "enum color {\n  RED = -1,\n};");
}

/// Asks everything of everything.
fn exercise(types: &Types) {
    let Ok(btf) = types.btf() else { return };
    for id in 0..btf.end_id().saturating_add(1) {
        let ty = types.btf_type(id);
        types.display(ty);
        types.definition_text(ty);
        types.size_of(ty);
        types.align_of(ty);
        types.find_member(ty, "inner");
        types.member_names(ty);
        types.enum_values(ty);
        types.pointer_tags(ty);
        types.same(ty, types.btf_type(id / 2));
    }
    for name in ["point", "event", "color", "number", "act"] {
        let _ = types.raw_tracepoint(name);
        let _ = types.btf_func(name);
        let _ = types.parse_type_name(name);
    }
    types.lookup_constant("RED");
}

#[test]
fn a_struct_inside_itself_ends() {
    let mut b = crate::testing::Builder::new();
    // struct { <itself>; <itself>; <itself>; } and a function that takes itself three times.
    b.record(0, crate::BtfKind::Struct, 3, 8, &[0, 1, 0, 0, 1, 0, 0, 1, 0]);
    b.record(0, crate::BtfKind::FuncProto, 3, 2, &[0, 2, 0, 2, 0, 2]);
    b.named("loop", crate::BtfKind::Typedef, 0, 3, &[]);
    b.record(0, crate::BtfKind::Array, 0, 0, &[4, 4, 2]);
    b.record(0, crate::BtfKind::Ptr, 0, 5, &[]);
    exercise(&Types::new(Btf::new(b.build()).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn corrupted_btf(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut data = one_of_each();
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        if let Ok(btf) = Btf::new(data) {
            exercise(&Types::new(btf));
        }
    }

    #[test]
    fn any_text_as_a_type(text in "[a-z_ *\\[\\]()0-9é]{0,24}") {
        let _ = sample().parse_type_name(&text);
    }

    #[test]
    fn corrupted_formats(at in any::<prop::sample::Index>(), text in "[\\[\\]();: a-z0-9é\\n]{0,6}") {
        let mut format = crate::format::SAMPLE.to_owned();
        let at = at.index(format.len());
        format.insert_str(at, &text);
        if let Ok(event) = EventFormat::parse(&format) {
            let types = sample();
            for field in &event.fields {
                types.format_field_type(&event, field);
            }
        }
    }
}
