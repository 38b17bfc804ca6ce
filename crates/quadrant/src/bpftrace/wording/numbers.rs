//! Numbers that are none, or too large.

use super::suffix;
use super::template::holes;

/// A number that cannot be one.
pub(super) fn number(message: &str, marked: &str) -> Option<String> {
    match message {
        "this number needs more than 64 bits" => {
            let digits = marked.strip_prefix("0x").unwrap_or(marked.trim_start_matches('0'));
            Some(format!("syntax: overflow error, maximum value is {}: {digits}", u64::MAX))
        }
        _ if message.starts_with("cannot use this ") => rate(message),
        "positional parameters count from `$1`" => {
            Some(format!("syntax: param {marked} is out of integer range [1, {}]", i64::MAX))
        }
        _ => {
            let is_octal = holes("`{}` is not an octal digit{}", message).is_some();
            let behind = holes("unknown suffix `{}` on a number", message)
                .map(|found| suffix::wrong(marked, found[0]).message());
            behind.or_else(|| is_octal.then(|| format!("syntax: invalid trailing bytes: {}", octal(marked))))
        }
    }
}

/// The digits of an octal number without the 0 that says so, if there are several.
fn octal(number: &str) -> &str {
    number.strip_prefix('0').filter(|rest| rest.len() > 1).unwrap_or(number)
}

/// A rate that begins as a number, and is none.
fn rate(message: &str) -> Option<String> {
    let [kind, rate, _] = holes("cannot use this {} probe: `{}` is no {}", message)?[..] else { return None };
    let digits = rate.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0 => None,
        _ if rate == "0" => None,
        _ if digits < rate.len() => Some(format!("Invalid rate of {kind} probe: invalid trailing bytes: {rate}")),
        _ => Some(format!("Invalid rate of {kind} probe: overflow error, maximum value is {}: {rate}", u64::MAX)),
    }
}

/// A number that a variable has no room for.
pub(super) fn overflow(message: &str) -> Option<String> {
    let [name, ty, number] = holes("`{}` holds {}, and {} does not fit", message)?[..] else { return None };
    let needed = room(number);
    Some(format!(
        "Type mismatch for {name}: trying to assign value of type '{needed}' when variable already has a type '{ty}'"
    ))
}

/// The smallest type with a sign that has room for a number, else the greatest one.
fn room(number: &str) -> &'static str {
    match number.parse::<i64>() {
        Ok(number) if i8::try_from(number).is_ok() => "int8",
        Ok(number) if i16::try_from(number).is_ok() => "int16",
        Ok(number) if i32::try_from(number).is_ok() => "int32",
        Ok(_) => "int64",
        Err(_) => "uint64",
    }
}

/// A number with a fraction, which reads as the member of a number.
pub(super) fn fraction(message: &str, marked: &str) -> Option<String> {
    let (whole, index) = marked.split_once('.').filter(|_| message == "a number of a script has no fraction")?;
    Some(format!("Can not access index '{index}' on expression of type '{}'", room(whole)))
}
