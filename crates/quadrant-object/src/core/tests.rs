//! The questions of `tests/data/core.bpf.c` about the types of `tests/data/kernel.c`, in the order of the source.

use std::rc::Rc;

use quadrant_types::Btf;

use super::{KernelTypes, Question, Resolver, types_are_compatible};
use crate::Object;
use crate::ext::CoreRecord;

const OBJECT: &[u8] = include_bytes!("../../tests/data/core.bpf.o");
const KERNEL: &[u8] = include_bytes!("../../tests/data/kernel.btf");

/// The types of one kernel, and of modules.
struct Kernel(Result<Rc<Btf>, String>, Vec<Rc<Btf>>);

impl KernelTypes for Kernel {
    fn kernel(&self) -> Result<Rc<Btf>, String> {
        self.0.clone()
    }

    fn modules(&self) -> Vec<Rc<Btf>> {
        self.1.clone()
    }
}

fn kernel() -> Kernel {
    Kernel(Ok(Rc::new(Btf::new(KERNEL).unwrap())), Vec::new())
}

fn records(object: &Object) -> Vec<CoreRecord> {
    object.ext.relocations["raw_tp/x"].clone()
}

#[test]
fn answers() {
    let (object, kernel) = (Object::parse(OBJECT).unwrap(), kernel());
    let resolver = Resolver::new(object.btf().unwrap(), &kernel);
    let answer = |record: &CoreRecord| {
        let outcome = resolver.resolve(record).unwrap();
        let number = outcome.number.map_or("none".to_owned(), |number| number.to_string());
        let resize = outcome.resize.map_or(String::new(), |(old, new, can)| format!(" {old}->{new} {can}"));
        format!("{} = {number}{resize}", outcome.what)
    };
    let answers: Vec<String> = records(&object).iter().map(answer).collect();
    let expected = [
        "struct moved.first = 12",
        "struct moved.second = 8",
        "struct moved.text = 16",
        "struct moved.bits = 32",
        "struct moved.more = 48",
        "struct moved.more = 58",
        "struct moved.inner = 36",
        "struct moved.array[2] = 48",
        "struct moved.grown = 8",
        "struct moved.first = 1",
        "struct moved.grown = 0",
        "struct moved___older.gone = 0",
        "struct moved___older.first = 1",
        "struct missing.member = 0",
        "struct missing.member = none",
        "struct moved = 1",
        "struct missing = 0",
        "struct moved = 88",
        "struct moved = 1",
        "enum color.GREEN = 20",
        "enum color.BLUE = 0",
        "number_t = 1",
        "struct moved.grown = 80 4->8 true",
        "struct moved.pointer = 72",
        "struct twice.here = 1",
    ];
    assert_eq!(answers, expected);
}

/// As in libbpf: `bpf_core_type_size(struct missing)` is 0, and the program goes on.
#[test]
fn a_missing_type_has_no_size_and_no_id() {
    let (object, kernel) = (Object::parse(OBJECT).unwrap(), kernel());
    let resolver = Resolver::new(object.btf().unwrap(), &kernel);
    let answer = |record: &CoreRecord| resolver.resolve(record).unwrap();
    let is_asked =
        |record: &&CoreRecord| record.kind == Question::TypeExists as u32 && answer(record).number == Some(0);
    let missing = records(&object).iter().find(is_asked).copied().unwrap();
    for question in [Question::TypeSize, Question::TypeIdTarget] {
        let outcome = answer(&CoreRecord { kind: question as u32, ..missing });
        assert_eq!((outcome.what.as_str(), outcome.number), ("struct missing", Some(0)));
    }
}

#[test]
fn types_that_do_not_agree_are_an_error() {
    let object = Object::parse(OBJECT).unwrap();
    // A module's types count only if the kernel image has none of the name; two modules' may contradict each other.
    let own = Rc::new(Btf::new(object.btf_for_kernel(crate::Sanitizing::None).unwrap()).unwrap());
    let other = Rc::new(Btf::new(KERNEL).unwrap());
    let empty = Rc::new(Btf::new(&EMPTY[..]).unwrap());
    let kernel = Kernel(Ok(empty), vec![own, other]);
    let resolver = Resolver::new(object.btf().unwrap(), &kernel);
    let error = resolver.resolve(&records(&object)[0]).unwrap_err();
    assert!(error.to_string().contains("struct moved.first"), "{error}");
    assert!(error.to_string().contains("do not agree"), "{error}");
}

#[test]
fn without_types_of_the_kernel_the_reason_is_told() {
    let object = Object::parse(OBJECT).unwrap();
    let kernel = Kernel(Err("no BTF here".to_owned()), Vec::new());
    let error = object.link(&object.programs[0], &kernel).unwrap_err();
    assert!(error.to_string().ends_with("no BTF here"), "{error}");
}

#[test]
fn the_instructions_have_the_answers() {
    let object = Object::parse(OBJECT).unwrap();
    let linked = object.link(&object.programs[0], &kernel()).unwrap();
    // The field that is missing is the only broken instruction, and is named.
    let broken: Vec<&str> = linked.broken.iter().map(|broken| broken.what.as_str()).collect();
    assert_eq!(broken, ["struct missing.member"]);
    // `moved->grown` is read as the 8 bytes that it has there.
    let is_read = |insn: &&quadrant_bpf::insn::Insn| insn.class() == 1;
    let reads: Vec<(u8, i16)> = linked.insns.iter().filter(is_read).map(|insn| (insn.code, insn.off)).collect();
    assert_eq!(reads, [(0x79, 80), (0x79, 72)]);
    assert_eq!(linked.functions.len(), 1);
    assert!(!linked.lines.is_empty());
}

#[test]
fn kinds_decide_what_is_compatible() {
    let btf = Btf::new(KERNEL).unwrap();
    let find = |name: &str| btf.find_all(name, &[quadrant_types::BtfKind::Struct, quadrant_types::BtfKind::Typedef])[0];
    assert!(types_are_compatible(&btf, find("moved"), &btf, find("twice")));
    assert!(!types_are_compatible(&btf, find("moved"), &btf, find("number_t")));
    assert!(super::compat::types_match(&btf, find("moved"), &btf, find("moved")));
    assert!(!super::compat::types_match(&btf, find("moved"), &btf, find("twice")));
}

/// A header and nothing else.
const EMPTY: [u8; 25] = [0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/// A struct whose two anonymous members are itself: 2 to the power of the depth ways. Found by fuzzing.
#[test]
fn a_struct_in_itself_ends_the_search() {
    let mut types = quadrant_bpf::btf::Btf::new();
    let field = |bit_offset| quadrant_bpf::btf::Field { name: "", ty: 1, bit_offset, bits: 0 };
    assert_eq!(types.composite("moved", false, 8, &[field(0), field(0)]), 1);
    let kernel = Kernel(Ok(Rc::new(Btf::new(types.to_bytes()).unwrap())), Vec::new());
    let object = Object::parse(OBJECT).unwrap();
    let resolver = Resolver::new(object.btf().unwrap(), &kernel);
    for record in records(&object) {
        let _ = resolver.resolve(&record);
    }
}

/// A shift of an array, the size of a constant: found by fuzzing.
#[test]
fn every_question_can_be_asked_of_every_path() {
    let (object, kernel) = (Object::parse(OBJECT).unwrap(), kernel());
    let resolver = Resolver::new(object.btf().unwrap(), &kernel);
    for record in records(&object) {
        for kind in 0..13 {
            let _ = resolver.resolve(&CoreRecord { kind, ..record });
        }
    }
}
