//! What changes in a map.

use std::collections::BTreeMap;

use quadrant_inspect::objects;

use super::WatchOptions;
use super::dump;
use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::failure::Failure;

/// Entries by key, as they are shown.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// The map is opened anew for each look, so that it goes away when its makers let it.
pub fn show(options: &WatchOptions) -> Done {
    let id = super::find(&options.map)?;
    let mut last = Entries::new();
    for look in 0..options.looks.number() {
        if look > 0 && !options.looks.wait() {
            break;
        }
        let Some(out) = look_at(id, options.format, &mut last)? else {
            eprintln!("quadrant: note: map {id} is gone");
            break;
        };
        commands::print(&out)?;
    }
    Ok(0)
}

/// What is to be told; `None` if the map is gone.
fn look_at(id: u32, format: Format, last: &mut Entries) -> Result<Option<Vec<u8>>, Failure> {
    let Some(opened) = objects::open_map(id)? else { return Ok(None) };
    let view = dump::view(&opened)?;
    let mut out = Vec::new();
    if format == Format::Json {
        view.json(&mut out)?;
        return Ok(Some(out));
    }
    let now: Entries = view.lines()?.into_iter().map(|shown| (shown.key, shown.text)).collect();
    changes(&mut out, last, &now);
    *last = now;
    Ok(Some(out))
}

/// `+` what came, `~` what is different now, `-` what went.
fn changes(out: &mut Vec<u8>, last: &Entries, now: &Entries) {
    for (_, text) in last.iter().filter(|(key, _)| !now.contains_key(*key)) {
        marked(out, b"- ", text);
    }
    for (key, text) in now {
        match last.get(key) {
            None => marked(out, b"+ ", text),
            Some(before) if before != text => marked(out, b"~ ", text),
            Some(_) => {}
        }
    }
}

fn marked(out: &mut Vec<u8>, mark: &[u8], lines: &[u8]) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(mark);
        out.extend_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_told() {
        let entries = |all: &[(&str, &str)]| -> Entries {
            all.iter().map(|(key, text)| (key.as_bytes().to_vec(), text.as_bytes().to_vec())).collect()
        };
        let (last, now) = (
            entries(&[("a", "a: 1\n"), ("b", "b: 1\n"), ("c", "c: 1\n")]),
            entries(&[("b", "b: 2\n"), ("c", "c: 1\n"), ("d", "d: 1\n x\n")]),
        );
        let mut out = Vec::new();
        changes(&mut out, &last, &now);
        assert_eq!(String::from_utf8_lossy(&out), "- a: 1\n~ b: 2\n+ d: 1\n+  x\n");
    }
}
