//! Records and maps to output.

use std::cell::OnceCell;

use jiff::tz::TimeZone;
use quadrant_program::Program;
use quadrant_program::format::Format;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::value::Value;
use quadrant_program::value::decode_argument;

use crate::arguments::Arguments;
use crate::json;
use crate::resolver::Resolver;
use crate::snapshot::Content;
use crate::text;
use crate::text::value::JSON_TEXT;
use crate::text::value::OWN;
use crate::text::value::Style;
use crate::text::value::TEXT;
use crate::time;
use crate::value::Scene;

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Renders records and maps of one program; appends to buffers of the caller.
#[derive(Debug)]
pub struct Renderer<'p> {
    mode: Mode,
    /// Maps by stacks are lines for flame graphs.
    folds_stacks: bool,
    program: &'p Program,
    /// Read from the system when it is first needed.
    zone: OnceCell<TimeZone>,
    scratch: Vec<u8>,
}

impl<'p> Renderer<'p> {
    /// A renderer of the program's output; times are shown in the system's time zone.
    pub fn new(program: &'p Program, mode: Mode) -> Renderer<'p> {
        Renderer { mode, folds_stacks: false, program, zone: OnceCell::new(), scratch: Vec::new() }
    }

    /// As it is; in text, maps of numbers by stacks are folded stacks: `main;work;read 12`.
    pub fn folding_stacks(self, folds_stacks: bool) -> Renderer<'p> {
        Renderer { folds_stacks, ..self }
    }

    /// Whether there are maps that [`Renderer::folding_stacks`] is for.
    pub fn has_foldable(program: &Program) -> bool {
        program.maps.iter().any(text::folded::folds)
    }

    /// As it is, with times in another zone.
    pub fn with_zone(self, zone: TimeZone) -> Renderer<'p> {
        Renderer { zone: OnceCell::from(zone), ..self }
    }

    /// The form of the output.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Append what a record shows. `bytes` is the whole record with its header.
    ///
    /// For the kinds `Printf`, `Print`, `PrintOwn`, `PrintText`, `PrintElement`, `Join` and `Time`. The others ask for an action, which is
    /// the caller's; nothing is appended for them. Bytes that do not make sense show as `<malformed>` (`null`), never as something else.
    pub fn record(&mut self, out: &mut Vec<u8>, record: &Record, bytes: &[u8], resolver: &mut dyn Resolver) {
        let mut args = Arguments::new(&record.args, bytes);
        match &record.kind {
            RecordKind::Printf(format) => self.printf(out, format, &mut args, resolver),
            RecordKind::PrintText(text) => self.print_text(out, text),
            RecordKind::Print => self.print(out, &args.next().unwrap_or(Value::Malformed), TEXT, resolver),
            RecordKind::PrintOwn => self.print(out, &args.next().unwrap_or(Value::Malformed), OWN, resolver),
            RecordKind::PrintElement(map) => match self.program.maps.get(map.0 as usize) {
                Some(map) => self.element(out, map, &mut args, resolver),
                None => self.print(out, &Value::Malformed, TEXT, resolver),
            },
            RecordKind::Time(format) => self.time(out, format, resolver),
            RecordKind::Join(separator) => self.join(out, separator, &mut args, resolver),
            _ => {}
        }
    }

    /// Append what a record's format and arguments come to, without any form around it.
    ///
    /// For `System` (the command) and `Cat` (the file name), never escaped; and for `Errorf` and `Warnf` (the message, see
    /// [`crate::message::message`]), where arguments are escaped in text mode as those of printf are.
    pub fn formatted(&mut self, out: &mut Vec<u8>, record: &Record, bytes: &[u8], resolver: &mut dyn Resolver) {
        if let RecordKind::System(format)
        | RecordKind::Cat(format)
        | RecordKind::Errorf(format)
        | RecordKind::Warnf(format) = &record.kind
        {
            let mut args = Arguments::new(&record.args, bytes);
            let shown = self.mode == Mode::Text && matches!(record.kind, RecordKind::Errorf(_) | RecordKind::Warnf(_));
            let style = if shown { TEXT } else { JSON_TEXT };
            text::printf::printf(out, format, &mut args, style, &mut self.scene(resolver));
        }
    }

    /// Append a map; of a map with keys only the `top` greatest entries (0: all), numbers divided by `div` (0 and 1: not).
    ///
    /// Nothing for a map without entries, as at the end of a trace; see [`Renderer::missing`] for a map that a script prints.
    pub fn map(
        &mut self,
        out: &mut Vec<u8>,
        map: &Map,
        snapshot: &Snapshot,
        top: u64,
        div: u64,
        resolver: &mut dyn Resolver,
    ) {
        let content = Content { map, snapshot };
        let mut scene = self.scene(resolver);
        match self.mode {
            Mode::Text if self.folds_stacks && text::folded::folds(map) => {
                text::folded::map(out, &content, top, div, &mut scene);
            }
            Mode::Text => text::map::map(out, &content, top, div, &mut scene),
            Mode::Json => json::map::map(out, &content, top, div, &mut scene),
        }
    }

    /// Append the zero of a map without keys that was never set: what `print(@x)` shows then. Nothing for maps with keys and histograms.
    pub fn missing(&mut self, out: &mut Vec<u8>, map: &Map, resolver: &mut dyn Resolver) {
        let histogram = matches!(
            map.value,
            MapValue::Aggregation(Aggregation::Hist { .. } | Aggregation::LinearHist { .. } | Aggregation::Series(_))
        );
        if map.key.is_none() && !histogram {
            let mut zero = Snapshot::of(map);
            zero.values.resize(zero.value_size, 0);
            zero.len = 1;
            self.map(out, map, &zero, 0, 1, resolver);
        }
    }

    fn scene<'a>(&'a self, resolver: &'a mut dyn Resolver) -> Scene<'a> {
        Scene { program: self.program, zone: &self.zone, resolver, div: 1 }
    }

    fn printf(&mut self, out: &mut Vec<u8>, format: &Format, args: &mut Arguments<'_>, resolver: &mut dyn Resolver) {
        match self.mode {
            Mode::Text => text::printf::printf(out, format, args, TEXT, &mut self.scene(resolver)),
            Mode::Json => self.quoted(out, "printf", resolver, |raw, scene| {
                text::printf::printf(raw, format, args, JSON_TEXT, scene);
            }),
        }
    }

    fn print(&mut self, out: &mut Vec<u8>, value: &Value<'_>, style: Style, resolver: &mut dyn Resolver) {
        let mut scene = self.scene(resolver);
        match self.mode {
            Mode::Text => {
                text::value::value(out, value, style, &mut scene);
                out.push(b'\n');
            }
            Mode::Json => json::object(out, "value", |out| json::value::value(out, value, &mut scene)),
        }
    }

    fn print_text(&self, out: &mut Vec<u8>, text: &[u8]) {
        match self.mode {
            Mode::Text => {
                out.extend_from_slice(text);
                out.push(b'\n');
            }
            Mode::Json => json::text_object(out, "value", text),
        }
    }

    /// An element's value, as `print(@m[k])` shows it: without name and key.
    fn element(&mut self, out: &mut Vec<u8>, map: &Map, args: &mut Arguments<'_>, resolver: &mut dyn Resolver) {
        let Some((ty, value, record)) = args.nth_raw(usize::from(map.key.is_some())) else {
            return self.print(out, &Value::Malformed, TEXT, resolver);
        };
        match &map.value {
            MapValue::Aggregation(agg) if value.len() == agg.words() as usize * 8 => {
                self.print_aggregation(out, map, value, resolver);
            }
            _ => self.print(out, &decode_argument(ty, value, record), text::map::style(map.own.values), resolver),
        }
    }

    fn print_aggregation(&mut self, out: &mut Vec<u8>, map: &Map, bytes: &[u8], resolver: &mut dyn Resolver) {
        let mut scene = self.scene(resolver);
        match self.mode {
            Mode::Text => {
                text::map::map_value(out, map, bytes, 1, &mut scene);
                out.push(b'\n');
            }
            Mode::Json => json::object(out, "value", |out| json::map::map_value(out, &map.value, bytes, 1, &mut scene)),
        }
    }

    fn time(&mut self, out: &mut Vec<u8>, format: &str, resolver: &mut dyn Resolver) {
        let now = resolver.now();
        match self.mode {
            Mode::Text => time::strftime(out, format, now, self.scene(resolver).zone()),
            Mode::Json => {
                self.quoted(out, "time", resolver, |raw, scene| time::strftime(raw, format, now, scene.zone()))
            }
        }
    }

    fn join(&mut self, out: &mut Vec<u8>, separator: &[u8], args: &mut Arguments<'_>, resolver: &mut dyn Resolver) {
        let texts = args.next_bytes();
        match self.mode {
            Mode::Text => {
                text::join::join(out, texts, separator, TEXT);
                out.push(b'\n');
            }
            Mode::Json => self.quoted(out, "join", resolver, |raw, _| {
                text::join::join(raw, texts, separator, JSON_TEXT);
            }),
        }
    }

    /// An object whose data is one string: what `write` writes, escaped as a whole.
    fn quoted(
        &mut self,
        out: &mut Vec<u8>,
        kind: &str,
        resolver: &mut dyn Resolver,
        write: impl FnOnce(&mut Vec<u8>, &mut Scene<'_>),
    ) {
        let mut raw = std::mem::take(&mut self.scratch);
        raw.clear();
        write(&mut raw, &mut self.scene(resolver));
        json::text_object(out, kind, &raw);
        self.scratch = raw;
    }
}
