//! `/proc/kallsyms`, read as a stream of lines.
//!
//! A line is `ADDRESS TYPE NAME`, followed by a tab and `[MODULE]` for what is not part of
//! the kernel image. The type letters are those of nm(1).

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::error::Error;
use crate::text::hex;

/// Where the kernel shows its symbols.
pub(crate) const PATH: &str = "/proc/kallsyms";
/// Kernel names have at most 512 bytes; a longer line is not from the kernel and is skipped.
const CHUNK: usize = 64 * 1024;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) addr: u64,
    pub(crate) kind: u8,
    pub(crate) name: &'a [u8],
    pub(crate) module: Option<&'a [u8]>,
}

/// Calls `each` for every line of the running kernel's table until it breaks.
pub(crate) fn read<B>(each: impl FnMut(Line<'_>) -> ControlFlow<B>) -> Result<ControlFlow<B>, Error> {
    let failed = |error| Error::of_proc(format!("read {PATH}"), &error);
    let file = File::open(PATH).map_err(failed)?;
    lines(file, each).map_err(failed)
}

/// Calls `each` for every well-formed line of `source` until it breaks.
pub(crate) fn lines<B>(
    mut source: impl Read,
    mut each: impl FnMut(Line<'_>) -> ControlFlow<B>,
) -> io::Result<ControlFlow<B>> {
    let mut buffer = vec![0; CHUNK];
    let mut filled = 0;
    loop {
        let got = source.read(&mut buffer[filled..])?;
        filled += got;
        let (flow, used) = complete_lines(&buffer[..filled], got == 0, &mut each);
        if got == 0 || flow.is_break() {
            return Ok(flow);
        }
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if filled == buffer.len() {
            filled = 0;
        }
    }
}

/// Hands out the lines that end in `bytes` (at the end of the file: also the last one), and
/// says how many bytes that were.
fn complete_lines<B>(
    bytes: &[u8],
    at_end: bool,
    each: &mut impl FnMut(Line<'_>) -> ControlFlow<B>,
) -> (ControlFlow<B>, usize) {
    let mut used = 0;
    while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
        let (line, length) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&rest[..end], end + 1),
            None if at_end => (rest, rest.len()),
            None => break,
        };
        used += length;
        if let Some(line) = parse(line) {
            let flow = each(line);
            if flow.is_break() {
                return (flow, used);
            }
        }
    }
    (ControlFlow::Continue(()), used)
}

/// One line taken apart, or `None` when it has another form.
fn parse(line: &[u8]) -> Option<Line<'_>> {
    let space = line.iter().take(17).position(|byte| *byte == b' ')?;
    let addr = hex(&line[..space])?;
    let [b' ', kind, b' ', rest @ ..] = &line[space..] else {
        return None;
    };
    let (name, module) = match rest.iter().position(|byte| *byte == b'\t') {
        Some(tab) => (&rest[..tab], module_name(&rest[tab + 1..])),
        None => (rest, None),
    };
    (!name.is_empty()).then_some(Line { addr, kind: *kind, name, module })
}

fn module_name(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii();
    text.strip_prefix(b"[")?.strip_suffix(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(text: &[u8]) -> Vec<(u64, u8, String, Option<String>)> {
        let mut all = Vec::new();
        let flow = lines(text, |line| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            all.push((line.addr, line.kind, text(line.name), line.module.map(text)));
            ControlFlow::<()>::Continue(())
        });
        assert!(flow.is_ok_and(|flow| flow.is_continue()));
        all
    }

    #[test]
    fn takes_lines_apart() {
        let text = b"ffffffff81000000 T _text\nffffffffa0001000 t fn_one\t[mod_a]\n10 A x";
        let all = collect(text);
        assert_eq!(
            all,
            [
                (0xffff_ffff_8100_0000, b'T', "_text".into(), None),
                (0xffff_ffff_a000_1000, b't', "fn_one".into(), Some("mod_a".into())),
                (0x10, b'A', "x".into(), None),
            ]
        );
    }

    #[test]
    fn skips_what_has_another_form() {
        let text = b"\n \nxyz T a\n12345678901234567 T b\n1 T\n1 T \n1  T c\nff T ok\n1T d";
        assert_eq!(collect(text), [(0xff, b'T', "ok".into(), None)]);
    }

    #[test]
    fn lines_over_the_buffer_are_skipped() {
        let mut text = b"1 T ".to_vec();
        text.resize(3 * CHUNK, b'x');
        text.extend_from_slice(b"\n2 T ok\n");
        assert!(collect(&text).contains(&(2, b'T', "ok".into(), None)));
    }

    #[test]
    fn stops_when_told() {
        let flow = lines(&b"1 T a\n2 T b\n"[..], |line| ControlFlow::Break(line.addr));
        assert!(matches!(flow, Ok(ControlFlow::Break(1))));
    }
}
