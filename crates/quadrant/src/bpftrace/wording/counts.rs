//! Too few or too many of something.

use super::table::LIBRARY;

/// Too few or too many arguments of a function.
pub(super) fn arguments(message: &str) -> Option<String> {
    let (name, rest) = message.split_once("() takes ")?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let (takes, rest) = rest.split_once(" argument")?;
    let given = rest.split_once(", and ")?.1.split(' ').next()?;
    let number = |text: &str| text.trim_end_matches(" or more").parse::<u32>().ok();
    let (least, most) = match takes.split_once(" to ") {
        Some((least, most)) => (number(least)?, number(most)),
        None => (number(takes)?, number(takes).filter(|_| !takes.ends_with("or more"))),
    };
    let count: u32 = given.parse().ok()?;
    if name == "getopt" {
        return Some(
            "The 'getopt' function can take a maximum of three arguments and a minimum of one argument.".to_owned(),
        );
    }
    if LIBRARY.contains(&name) {
        return Some(no_definition(name));
    }
    let how = match most {
        Some(0) => "requires no arguments".to_owned(),
        Some(most) if least == most => format!("requires {}", plural(least)),
        Some(most) if count > most => format!("takes up to {}", plural(most)),
        _ => format!("requires at least {}", plural(least)),
    };
    Some(format!("{name}() {how} ({count} provided)"))
}

/// A function of bpftrace's library, of which each form is a definition of its own.
fn no_definition(name: &str) -> String {
    format!("Call to {name}() has arguments that do not match any definition.")
}

fn plural(count: u32) -> String {
    if count == 1 { "one argument".to_owned() } else { format!("{count} arguments") }
}

/// Too few or too many values for a format.
pub(super) fn values(message: &str) -> Option<String> {
    let (takes, rest) = message.strip_prefix("the format takes ")?.split_once(" value")?;
    let given = rest.split_once(", and ")?.1.split(' ').next()?;
    let number = |text: &str| if text == "no" { Some(0) } else { text.parse::<u32>().ok() };
    let (takes, given) = (number(takes)?, number(given)?);
    let how = if given < takes { "not enough" } else { "too many" };
    Some(format!("{how} arguments for format string ({given} supplied, {takes} expected)"))
}
