//! Matching names by patterns as shells have them.

/// Whether a `\` in a pattern takes the meaning of the character behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backslash {
    /// It does.
    Escapes,
    /// It is a character as any other.
    IsItself,
}

/// Whether a pattern matches all of a name: `*` any text, `?` any byte, `[a-z]` one of a set, `[!a-z]` or `[^a-z]` one that is not in it. A
/// bracket that is never closed stands for itself.
///
/// Goes back to the last star only, so the time is at most pattern times name.
pub fn matches(pattern: &[u8], name: &[u8], backslash: Backslash) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            if rest.is_empty() {
                return true;
            }
            star = Some((rest, name));
            pattern = rest;
            continue;
        }
        match (name.split_first(), piece(pattern, backslash)) {
            (None, _) => return pattern.is_empty(),
            (Some((byte, after)), Some((one, rest))) if one.accepts(*byte) => (pattern, name) = (rest, after),
            _ => match star {
                Some((after_star, [_, shorter @ ..])) => {
                    star = Some((after_star, shorter));
                    (pattern, name) = (after_star, shorter);
                }
                _ => return false,
            },
        }
    }
}

/// What matches one byte.
enum One<'a> {
    Any,
    Exactly(u8),
    Set { set: &'a [u8], inverted: bool },
}

impl One<'_> {
    fn accepts(&self, byte: u8) -> bool {
        match self {
            One::Any => true,
            One::Exactly(exact) => *exact == byte,
            One::Set { set, inverted } => in_set(set, byte) != *inverted,
        }
    }
}

/// The first piece of a pattern that is no star, and the rest.
fn piece(pattern: &[u8], backslash: Backslash) -> Option<(One<'_>, &[u8])> {
    let (first, rest) = pattern.split_first()?;
    Some(match (first, rest) {
        (b'?', _) => (One::Any, rest),
        (b'\\', [escaped, after @ ..]) if backslash == Backslash::Escapes => (One::Exactly(*escaped), after),
        (b'[', _) => set(rest).unwrap_or((One::Exactly(b'['), rest)),
        _ => (One::Exactly(*first), rest),
    })
}

fn set(rest: &[u8]) -> Option<(One<'_>, &[u8])> {
    let (inverted, rest) = match rest {
        [b'!' | b'^', after @ ..] => (true, after),
        _ => (false, rest),
    };
    let end = 1 + rest.iter().skip(1).position(|byte| *byte == b']')?;
    Some((One::Set { set: &rest[..end], inverted }, &rest[end + 1..]))
}

fn in_set(mut set: &[u8], byte: u8) -> bool {
    loop {
        match set {
            [low, b'-', high, ..] if (*low..=*high).contains(&byte) => return true,
            [_, b'-', _, rest @ ..] => set = rest,
            [one, ..] if *one == byte => return true,
            [_, rest @ ..] => set = rest,
            [] => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str) -> bool {
        matches(pattern.as_bytes(), name.as_bytes(), Backslash::IsItself)
    }

    #[test]
    fn a_backslash_takes_a_meaning_only_where_it_escapes() {
        let escaping = |name: &str| matches(br"a\*b", name.as_bytes(), Backslash::Escapes);
        assert!(escaping("a*b") && !escaping("axb") && !escaping(r"a\xb"));
        assert!(check(r"a\*b", r"a\xb") && !check(r"a\*b", "a*b"));
    }

    #[test]
    fn sets_begin_with_what_would_close_or_invert_them() {
        assert!(check("[]]", "]") && check("[^]]", "x") && !check("[^]]", "]"));
        assert!(check("[a-]", "-") && check("x[", "x[") && check("[a", "[a"));
    }

    #[test]
    fn long_names_and_many_stars_take_no_time() {
        let pattern = "*a".repeat(2000) + "b";
        assert!(!check(&pattern, &"a".repeat(20_000)));
    }
}
