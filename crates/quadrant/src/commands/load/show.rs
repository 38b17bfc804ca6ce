//! What programs of an object say, for the user.

use std::io;
use std::io::Write;

use quadrant_object::Variable;
use quadrant_output::btf as values;
use quadrant_output::escape;
use quadrant_session::object::Loaded;
use quadrant_session::object::Losses;
use quadrant_session::object::Receiver;
use quadrant_types::Btf;
use quadrant_types::BtfKind;

use super::events::Events;
use crate::args::Format;
use crate::commands::entries::View;
use crate::commands::stacks::Frames;
use crate::failure::shown;

/// Prints answers.
pub struct Show {
    json: bool,
    quiet: bool,
    events: Events,
    out: Vec<u8>,
    /// Something was lost.
    has_lost: bool,
    /// It was said where printed lines come from.
    explained: bool,
}

/// Bytes that are collected before they are written.
const BLOCK: usize = 64 << 10;

/// Say something beside the answers.
pub fn note(text: &str, quiet: bool) {
    if !quiet {
        eprintln!("quadrant: note: {}", shown(text));
    }
}

impl Show {
    pub fn new(format: Format, quiet: bool, events: Events) -> Show {
        Show { json: format == Format::Json, quiet, events, out: Vec::new(), has_lost: false, explained: false }
    }

    /// `{"type": "kind", "version": 1, "name": "...", "member": `
    fn head(&mut self, kind: &str, name: Option<&str>, member: &str) {
        self.out.extend_from_slice(format!("{{\"type\": \"{kind}\", \"version\": 1, ").as_bytes());
        if let Some(name) = name {
            self.out.extend_from_slice(b"\"name\": ");
            escape::json(&mut self.out, name.as_bytes());
            self.out.extend_from_slice(b", ");
        }
        self.out.extend_from_slice(format!("\"{member}\": ").as_bytes());
    }

    fn text_of(&mut self, kind: &str, name: Option<&str>, member: &str, text: &[u8]) {
        self.head(kind, name, member);
        escape::json(&mut self.out, text);
        self.out.extend_from_slice(b"}\n");
    }

    fn written(&mut self) -> io::Result<()> {
        if self.out.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Variables that programs may change.
    fn variables(&mut self, loaded: &Loaded) -> io::Result<()> {
        let Some(btf) = loaded.object.btf() else { return Ok(()) };
        let mut any = false;
        for data in (0..loaded.data.len()).filter(|data| loaded.is_writable(*data)) {
            let bytes = loaded.variables(data).map_err(io::Error::other)?;
            for variable in loaded.object.data[data].variables.iter().filter(|variable| is_worth(btf, variable)) {
                let value = bytes.get(variable.offset as usize..).unwrap_or_default();
                self.variable(btf, variable, value, any);
                any = true;
            }
        }
        if self.json && any {
            self.out.extend_from_slice(b"}}\n");
        }
        Ok(())
    }

    fn variable(&mut self, btf: &Btf, variable: &Variable, value: &[u8], follows: bool) {
        if !self.json {
            escape::text(&mut self.out, variable.name.as_bytes());
            self.out.extend_from_slice(b" = ");
            values::value(&mut self.out, btf, variable.ty, value);
            self.out.push(b'\n');
            if let Some(slots) = values::slots(btf, variable.ty, value) {
                values::histogram(&mut self.out, &slots);
            }
            return;
        }
        match follows {
            false => {
                self.head("variables", None, "values");
                self.out.push(b'{');
            }
            true => self.out.extend_from_slice(b", "),
        }
        escape::json(&mut self.out, variable.name.as_bytes());
        self.out.extend_from_slice(b": ");
        values::json_value(&mut self.out, btf, variable.ty, value);
    }

    fn loss(&mut self, kind: &str, name: &str, count: u64, why: &str) {
        if !self.json {
            eprintln!("LOST: {count} {kind} of {}: {why}", shown(name));
            return;
        }
        let separator = if std::mem::replace(&mut self.has_lost, true) { ", " } else { "" };
        let text = format!("{separator}{{\"kind\": \"{kind}\", \"count\": {count}, \"subject\": ");
        self.out.extend_from_slice(text.as_bytes());
        escape::json(&mut self.out, name.as_bytes());
        self.out.push(b'}');
    }
}

/// Pointers are kept in objects for the sake of types; texts are what was printed.
fn is_worth(btf: &Btf, variable: &Variable) -> bool {
    !matches!(btf.kind(btf.resolve(variable.ty)), Some(BtfKind::Ptr) | None) && !variable.name.contains("___fmt")
}

impl Receiver for Show {
    fn attached(&mut self, loaded: &Loaded, places: usize, notes: &[String]) -> io::Result<()> {
        loaded.notes.iter().chain(notes).for_each(|text| note(text, self.quiet));
        if self.json {
            self.head("attached", None, "probes");
            self.out.extend_from_slice(format!("{places}}}\n").as_bytes());
        } else if !self.quiet {
            eprintln!("Attached at {places} place{}", plural(places));
        }
        Ok(())
    }

    fn event(&mut self, loaded: &Loaded, map: usize, bytes: &[u8]) -> io::Result<()> {
        let (ty, why) = self.events.of(loaded, map, bytes.len());
        why.iter().for_each(|why| note(why, self.quiet));
        let name = &loaded.object.maps[map].name;
        match (self.json, ty.zip(loaded.object.btf())) {
            (false, Some((ty, btf))) => {
                escape::text(&mut self.out, name.as_bytes());
                self.out.extend_from_slice(b": ");
                values::value(&mut self.out, btf, ty, bytes);
                self.out.push(b'\n');
            }
            (false, None) => {
                escape::text(&mut self.out, name.as_bytes());
                self.out.extend_from_slice(b": ");
                values::hex_start(&mut self.out, bytes);
                self.out.push(b'\n');
            }
            (true, Some((ty, btf))) => {
                self.head("event", Some(name), "value");
                values::json_value(&mut self.out, btf, ty, bytes);
                self.out.extend_from_slice(b"}\n");
            }
            (true, None) => {
                let mut hex = Vec::new();
                values::hex(&mut hex, bytes);
                self.text_of("event", Some(name), "bytes", &hex);
            }
        }
        self.written()
    }

    fn printed(&mut self, line: &[u8]) -> io::Result<()> {
        if !std::mem::replace(&mut self.explained, true) {
            note(
                "printed lines are those of all BPF programs on this system: the kernel does not tell them apart",
                self.quiet,
            );
        }
        match self.json {
            true => self.text_of("printk", None, "text", line),
            false => {
                escape::text(&mut self.out, line);
                self.out.push(b'\n');
            }
        }
        self.written()
    }

    fn iterated(&mut self, program: &str, text: &[u8], cut: bool) -> io::Result<()> {
        if cut {
            note(&format!("`{program}` writes more than is read of it: the rest is left out"), self.quiet);
        }
        match self.json {
            true => self.text_of("iterator", Some(program), "text", text),
            false => {
                for line in
                    text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').filter(|_| !text.is_empty())
                {
                    escape::text(&mut self.out, line);
                    self.out.push(b'\n');
                }
            }
        }
        self.written()
    }

    fn interval(&mut self, loaded: &Loaded, _last: bool) -> io::Result<()> {
        for (def, map) in loaded.object.maps.iter().zip(&loaded.maps) {
            let view = View {
                btf: loaded.object.btf(),
                name: def.name.as_bytes(),
                key_type: def.key_type,
                value_type: def.value_type,
                map,
                first: None,
                per_cpu: false,
                frames: Frames::default(),
                top: None,
            };
            if view.is_shown() {
                let written = if self.json { view.json(&mut self.out) } else { view.text(&mut self.out) };
                written.map_err(io::Error::other)?;
            }
        }
        self.variables(loaded)?;
        self.written()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        self.out.clear();
        written
    }

    fn lost(&mut self, losses: &Losses) -> io::Result<()> {
        if self.json {
            self.head("losses", None, "losses");
            self.out.push(b'[');
        }
        for (name, count) in &losses.records {
            self.loss("records", name, *count, "its perf buffer was full");
        }
        for (name, count) in &losses.missed {
            self.loss("runs", name, *count, "the kernel skipped them, as another program ran there");
        }
        if losses.damaged > 0 {
            self.loss("records", "perf buffers", losses.damaged, "they arrived in pieces");
        }
        if self.json {
            self.out.extend_from_slice(b"]}\n");
        }
        Ok(())
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
