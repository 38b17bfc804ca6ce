//! What D's functions of texts mean, in plain Rust.

use proptest::prelude::*;

pub fn index(text: &str, part: &str, start: Option<i64>, last: bool) -> i64 {
    let places = || (0..=text.len()).filter(|at| text[*at..].starts_with(part)).map(|at| at as i64);
    let most = text.len() as i64 - part.len() as i64;
    let start = match (start, last) {
        (Some(start), true) => start.min(most),
        (Some(start), false) => start.max(0),
        (None, true) => most,
        (None, false) => 0,
    };
    let found = if last { places().filter(|at| *at <= start).max() } else { places().find(|at| *at >= start) };
    found.unwrap_or(-1)
}

pub fn substr(text: &str, start: i64, length: Option<i64>) -> String {
    let len = text.len() as i128;
    let (mut start, mut length) = (i128::from(start), length.map_or(1 << 40, i128::from));
    if start < 0 {
        start += len;
        if start < 0 && start + length > 0 {
            (start, length) = (0, length + start);
        }
    }
    if start < 0 || start >= len {
        return String::new();
    }
    if length < 0 {
        length += len - start;
    }
    let end = (start + length.max(0)).min(len);
    text[start as usize..end as usize].to_owned()
}

pub fn basename(path: &str) -> String {
    match path.split('/').rfind(|part| !part.is_empty()) {
        Some(part) => part.to_owned(),
        None if path.is_empty() => ".".to_owned(),
        None => "/".to_owned(),
    }
}

pub fn dirname(path: &str) -> String {
    let whole = path.trim_end_matches('/');
    match whole.rfind('/') {
        _ if whole.is_empty() => if path.is_empty() { "." } else { "/" }.to_owned(),
        None => ".".to_owned(),
        Some(at) => match whole[..at].trim_end_matches('/') {
            "" => "/".to_owned(),
            directory => directory.to_owned(),
        },
    }
}

pub fn cleanpath(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let clean = format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"));
    if clean.is_empty() && !path.is_empty() { ".".to_owned() } else { clean }
}

pub fn lltostr(number: i64, base: u64) -> String {
    let mut rest = if base == 10 { number.unsigned_abs() } else { number as u64 };
    let mut digits = Vec::new();
    while digits.is_empty() || rest > 0 {
        digits.push(char::from_digit((rest % base) as u32, base as u32).expect("a digit"));
        rest /= base;
    }
    let prefix = match base {
        16 => "0x",
        8 if number != 0 => "0",
        10 if number < 0 => "-",
        _ => "",
    };
    prefix.chars().chain(digits.into_iter().rev()).collect()
}

pub fn strtoll(text: &str, base: u64) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (negative, text) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let prefixed = base == 16 && (text.starts_with("0x") || text.starts_with("0X"));
    let text = if prefixed { &text[2..] } else { text };
    let digits = text.chars().map_while(|digit| digit.to_digit(base as u32));
    let magnitude = digits.fold(0i128, |sum, digit| (sum * i128::from(base) + i128::from(digit)).min(1 << 100));
    let value = if negative { -magnitude } else { magnitude };
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// A JSON document.
#[derive(Clone, Debug)]
pub enum Json {
    Word(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Documents with few names, so that paths lead somewhere.
pub fn document() -> impl Strategy<Value = Json> {
    let leaf =
        prop_oneof!["true|null|-?[0-9]{1,4}".prop_map(Json::Word), r#"[a-c,:\[\]{} ]{0,6}|x\\"y"#.prop_map(Json::Text)];
    let values = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec(("[ab]|ab", inner), 0..4).prop_map(Json::Object),
        ]
    });
    proptest::collection::vec(("[ab]|ab", values), 0..4).prop_map(Json::Object)
}

impl Json {
    pub fn write(&self) -> String {
        match self {
            Json::Word(word) => word.clone(),
            Json::Text(text) => format!("\"{text}\""),
            Json::Array(values) => {
                format!("[{}]", values.iter().map(Json::write).collect::<Vec<_>>().join(", "))
            }
            Json::Object(members) => {
                let members = members.iter().map(|(name, value)| format!("\"{name}\": {}", value.write()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// As `json()` gives it.
    pub fn shown(&self) -> String {
        match self {
            Json::Text(text) => text.clone(),
            other => other.write(),
        }
    }

    /// The element that a path leads to. Of several members with one name the first counts.
    pub fn find(&self, path: &str) -> Option<&Json> {
        let (mut at, mut rest) = (self, path);
        while !rest.is_empty() {
            at = match (at, rest.strip_prefix('[')) {
                (Json::Array(values), Some(tail)) => {
                    let (index, tail) = tail.split_once(']')?;
                    rest = tail.strip_prefix('.').unwrap_or(tail);
                    values.get(index.parse::<usize>().ok()?)?
                }
                (Json::Object(members), None) => {
                    let end = rest.find(['.', '[']).unwrap_or(rest.len());
                    let (name, tail) = rest.split_at(end);
                    rest = tail.strip_prefix('.').unwrap_or(tail);
                    &members.iter().find(|(member, _)| member == name)?.1
                }
                _ => return None,
            };
        }
        Some(at)
    }
}
