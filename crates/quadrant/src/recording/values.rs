//! Values of events, as the file has them.

use quadrant_program::layout;
use quadrant_program::program::Fault;
use quadrant_program::ty::Type;
use quadrant_session::replay::Given;
use serde_json::Value;

/// A value, or if it can be one, a fault; `None` if it is of no kind that recordings have.
pub(super) fn given(value: &Value, caught: bool) -> Option<Given> {
    if let Some(kind) = value.get("fault").filter(|_| caught) {
        return Some(Given::Fault(Fault::of_number(kind.as_u64()?)?, value["address"].as_u64().unwrap_or(0)));
    }
    match value {
        Value::Null => Some(Given::Missing),
        Value::Bool(flag) => Some(Given::Number(u64::from(*flag))),
        Value::Number(number) => Some(Given::Number(number.as_u64().or(number.as_i64().map(|number| number as u64))?)),
        Value::String(text) => Some(Given::Bytes(text.clone().into_bytes())),
        Value::Object(object) if object.contains_key("cut") => given(&object["cut"], false).and_then(longer),
        Value::Object(object) => unhex(object.get("hex")?.as_str()?).map(Given::Bytes),
        Value::Array(_) => None,
    }
}

/// What a value should be and is not. A text is no number: that would be an address in the replay's own memory.
pub(super) fn misfit(ty: &Type, given: &Given) -> Option<String> {
    match (ty, given) {
        (_, Given::Series(all)) => all.iter().find_map(|one| misfit(ty, one)),
        // Keys of a map are looked for there as they are.
        (Type::Tuple(_), Given::Bytes(bytes)) if bytes.len() == layout::size(ty) as usize => None,
        (Type::Tuple(_), _) => Some(format!("key of {} bytes", layout::size(ty))),
        (Type::String { .. } | Type::Buffer { .. }, Given::Number(_)) => Some("text".to_owned()),
        (Type::Record(_) | Type::Array { .. }, Given::Number(_)) => Some("memory".to_owned()),
        (ty, Given::Bytes(_)) if ty.is_integer() || matches!(ty, Type::Pointer { .. }) => Some("number".to_owned()),
        _ => None,
    }
}

/// A text that goes on where it was cut, so that it is cut again.
fn longer(text: Given) -> Option<Given> {
    match text {
        Given::Bytes(bytes) => Some(Given::Bytes([bytes.as_slice(), b"."].concat())),
        _ => None,
    }
}

/// The values of a list.
pub(super) fn series(list: &Value, caught: bool) -> Option<Given> {
    let values: Option<Vec<Given>> = list.as_array()?.iter().map(|value| given(value, caught)).collect();
    values.map(Given::Series)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// The addresses of a stack, of which an event may have none.
pub(super) fn addresses(value: Option<&Value>) -> Option<Vec<u64>> {
    value.map_or(Some(Vec::new()), |value| value.as_array()?.iter().map(Value::as_u64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_numbers() {
        let text = Given::Bytes(b"5".to_vec());
        for ty in [Type::U32, Type::I64, Type::Bool] {
            assert_eq!(misfit(&ty, &text), Some("number".to_owned()), "{ty:?}");
            assert_eq!(misfit(&ty, &Given::Series(vec![Given::Number(1), text.clone()])), Some("number".to_owned()));
            assert_eq!((misfit(&ty, &Given::Number(1)), misfit(&ty, &Given::Missing)), (None, None));
        }
        assert_eq!(misfit(&Type::String { cap: 8 }, &text), None);
    }

    #[test]
    fn keys_of_another_size_are_refused() {
        let key = Type::Tuple([Type::Tuple([Type::U64, Type::U32].into())].into());
        let bytes = |len: usize| Given::Series(vec![Given::Bytes(vec![0; len])]);
        let size = layout::size(&key) as usize;
        assert_eq!(misfit(&key, &bytes(size)), None);
        let told = Some(format!("key of {size} bytes"));
        for wrong in [bytes(size - 1), bytes(size + 1), bytes(0), Given::Series(vec![Given::Missing]), Given::Number(1)]
        {
            assert_eq!(misfit(&key, &wrong), told);
        }
    }

    #[test]
    fn values_of_each_kind() {
        let value = |text: &str| given(&serde_json::from_str(text).unwrap(), false);
        assert_eq!(value("-1"), Some(Given::Number(u64::MAX)));
        assert_eq!(value("18446744073709551615"), Some(Given::Number(u64::MAX)));
        assert_eq!(value("\"a\""), Some(Given::Bytes(b"a".to_vec())));
        assert_eq!(value("{\"hex\":\"ff00\"}"), Some(Given::Bytes(vec![255, 0])));
        assert_eq!(value("null"), Some(Given::Missing));
        assert_eq!(value("{\"fault\":1,\"address\":8}"), None);
        let caught = |text: &str| given(&serde_json::from_str(text).unwrap(), true);
        assert_eq!(caught("{\"fault\":1,\"address\":8}"), Some(Given::Fault(Fault::BadAddress, 8)));
        assert_eq!(caught("{\"fault\":4}"), Some(Given::Fault(Fault::DivideByZero, 0)));
        assert_eq!(
            (caught("{\"fault\":99}"), caught("{\"fault\":-1}"), caught("8")),
            (None, None, Some(Given::Number(8)))
        );
        assert_eq!((value("{\"hex\":\"f\u{e9}\"}"), value("[1]"), value("1.5")), (None, None, None));
    }
}
