use super::*;
use crate::testing::{Builder, one_of_each};
use proptest::prelude::*;

#[test]
fn one_record_of_each_kind() {
    let btf = Btf::new(one_of_each()).unwrap();
    let kinds: Vec<BtfKind> = btf.iter().map(|(_, kind, _)| kind).collect();
    for number in 1..=19 {
        let kind = BtfKind::from_info(number << 24).unwrap();
        assert!(kinds.contains(&kind), "{kind:?}");
    }
}

#[test]
fn names_are_found_by_walk_and_by_index() {
    let btf = Btf::new(one_of_each()).unwrap();
    for _ in 0..20 {
        assert_eq!(btf.find("point", &[BtfKind::Struct]), Some(4));
        assert_eq!(btf.find("point", &[BtfKind::Union]), None);
        assert_eq!(btf.find("oint", &[BtfKind::Struct]), None);
        assert_eq!(btf.find("", &[BtfKind::Ptr]), None);
        assert_eq!(btf.find("nowhere", &[BtfKind::Struct]), None);
    }
}

#[test]
fn constants_keep_sign_and_width() {
    let btf = Btf::new(one_of_each()).unwrap();
    let value = |name| btf.find_enumerator(name).map(|(_, value)| value);
    assert_eq!(value("RED"), Some(-1));
    assert_eq!(value("HUGE"), Some(0x1_0000_0002));
    assert_eq!(value("RE"), None);
    assert!(btf.enumerator_names().any(|name| name == "RED"));
}

#[test]
fn split_continues_ids_and_strings() {
    let base = Rc::new(Btf::new(one_of_each()).unwrap());
    let mut module = Builder::split(&base);
    let name = module.string("module_struct");
    // A member whose name lies in the base's strings, and whose type is the base's.
    module.record(name, BtfKind::Struct, 1, 4, &[1, 1, 0]);
    let split = Btf::new_split(base.clone(), module.build()).unwrap();
    assert_eq!(split.first_id(), base.end_id());
    assert_eq!(split.find("module_struct", &[BtfKind::Struct]), Some(base.end_id()));
    assert_eq!(split.name(1), base.name(1));
    assert_eq!(split.record(base.end_id()).unwrap().members().count(), 1);
}

#[test]
fn bad_headers_are_refused() {
    assert!(Btf::new(Vec::new()).is_err());
    assert!(Btf::new(vec![0; 24]).is_err());
    let mut swapped = one_of_each();
    swapped[..2].reverse();
    let error = Btf::new(swapped).unwrap_err().to_string();
    assert!(error.contains("big-endian"), "{error}");
}

#[test]
fn cut_short_anywhere_is_no_panic() {
    let whole = one_of_each();
    for len in 0..whole.len() {
        let part: Vec<u8> = whole.iter().take(len).copied().collect();
        assert!(Btf::new(part).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn random_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Some(magic) = bytes.get_mut(..2) {
            magic.copy_from_slice(&[0x9f, 0xeb]);
        }
        if let Some(header_len) = bytes.get_mut(4..8) {
            header_len.copy_from_slice(&24_u32.to_le_bytes());
        }
        if let Ok(btf) = Btf::new(bytes) {
            btf.iter().count();
            btf.find("x", &[BtfKind::Struct]);
        }
    }
}
