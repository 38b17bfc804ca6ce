//! Probe specifiers: `provider:module:function:name` with wildcards and macro variables, ended by a blank or `,` `/` `{`.

/// The length of the probe specifier at the start of `text`; zero if none starts here.
pub fn spec_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' {
            at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
        } else if byte == b'/' && at > 0 && bytes[at - 1] == b':' {
            match path_len(&text[at..]) {
                0 => break,
                len => at += len,
            }
        } else if ends_spec(byte) {
            break;
        } else {
            at += 1;
        }
    }
    at
}

/// Blanks and what follows a specifier. `"` and brackets are in no probe's name, with one exception: functions of Go
/// (`main.(*T).Method`) and C++ have parentheses in theirs.
fn ends_spec(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'/' | b'{' | b'}' | b';' | b'"' | b'\'' | b'=' | b'#')
}

/// A module can be given by its path, which goes on to the next colon. A predicate that follows a colon
/// (`syscall:::/pid/`) is none: there is no colon behind a name in it.
fn path_len(text: &str) -> usize {
    let len = text.bytes().take_while(|byte| is_path_byte(*byte)).count();
    let named = text[..len].bytes().any(|byte| byte.is_ascii_alphanumeric());
    match text[len..].starts_with(':') && named {
        true => len,
        false => 0,
    }
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'+' | b'*' | b'?' | b'$' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::spec_len;

    fn spec(text: &str) -> &str {
        &text[..spec_len(text)]
    }

    #[test]
    fn ends_where_something_else_starts() {
        assert_eq!(spec("BEGIN{"), "BEGIN");
        assert_eq!(spec("syscall::open*:entry,x"), "syscall::open*:entry");
        assert_eq!(spec("pid$target:libc.so.6::entry /1/"), "pid$target:libc.so.6::entry");
        assert_eq!(spec("syscall:::/pid == 1/ {}"), "syscall:::");
        assert_eq!(spec("syscall:::/pid/{ x ? 1:2 }"), "syscall:::");
        assert_eq!(spec("fbt::a[!b]?\\*:{}"), "fbt::a[!b]?\\*:");
        assert_eq!(spec("profile-997/arg0/"), "profile-997");
    }

    #[test]
    fn modules_can_be_paths() {
        let text = "pid$1:/usr/lib/libstdc++.so.6:malloc:entry";
        assert_eq!(spec(text), text);
        assert_eq!(spec("pid$1:a.out:main.(*T).Run:entry"), "pid$1:a.out:main.(*T).Run:entry");
    }

    #[test]
    fn ends_with_the_text() {
        assert_eq!(spec("a\\"), "a\\");
        assert_eq!(spec("a\\é"), "a\\é");
        assert_eq!(spec(""), "");
    }
}
