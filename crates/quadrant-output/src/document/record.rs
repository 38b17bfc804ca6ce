//! Records of the script.

use std::cell::OnceCell;

use jiff::tz::TimeZone;
use quadrant_program::Program;
use quadrant_program::format::Format;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::record::Record;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::stamp;
use quadrant_program::stamp::Stamp;
use quadrant_program::value::Value;
use quadrant_program::value::decode_argument;

use super::Firing;
use super::Header;
use super::line;
use super::map;
use super::message;
use super::object::Object;
use super::value;
use crate::arguments::Arguments;
use crate::message::Place;
use crate::resolver::Resolver;
use crate::snapshot::Content;
use crate::text;
use crate::text::value::JSON_TEXT;
use crate::time;
use crate::value::Scene;

/// Renders records and maps of one stamped program; appends to buffers of the caller.
#[derive(Debug)]
pub struct Documents<'p> {
    program: &'p Program,
    /// Read from the system when it is first needed.
    zone: OnceCell<TimeZone>,
    /// Firings have been left out: maps say so.
    pub sampled: bool,
}

impl<'p> Documents<'p> {
    /// A renderer of the program's output; the times that the script formats are in the system's time zone.
    pub fn new(program: &'p Program) -> Documents<'p> {
        Documents { program, zone: OnceCell::new(), sampled: false }
    }

    /// The header of a record: of now and without a firing if its bytes make no sense.
    pub fn header(&self, record: &Record, bytes: &[u8], resolver: &mut dyn Resolver) -> Header<'p> {
        let Some(stamp) = Stamp::read(record, bytes) else {
            return Documents::now(resolver);
        };
        let Stamp { boot_ns, cpu, pid, tid, point } = stamp;
        let probe = self.program.points.get(point.0 as usize).map_or("", |point| point.name.as_str());
        Header { wall_ns: resolver.wall_clock(boot_ns), boot_ns, firing: Some(Firing { cpu, pid, tid, probe }) }
    }

    /// The header of what the tracer says by itself.
    pub fn now(resolver: &mut dyn Resolver) -> Header<'static> {
        let boot_ns = resolver.boot_clock();
        Header { wall_ns: resolver.wall_clock(boot_ns), boot_ns, firing: None }
    }

    /// Append what a record shows. `bytes` is the whole record with its header; `place` says where it stands in the script, which
    /// only messages tell.
    ///
    /// Nothing for the kinds that ask for an action, which is the caller's: `System`, `Cat`, `PrintMap`, `Clear`, `Zero`.
    pub fn record(
        &self,
        out: &mut Vec<u8>,
        header: &Header<'_>,
        record: &Record,
        bytes: &[u8],
        place: impl FnOnce() -> Place<'p>,
        resolver: &mut dyn Resolver,
    ) {
        let args = || Arguments::new(stamp::unstamped(&record.args), bytes);
        let scene = &mut self.scene(resolver);
        match &record.kind {
            RecordKind::Printf(format) => {
                line(out, "printf", header, |object| formatted(object, format, args, scene));
            }
            RecordKind::Errorf(format) | RecordKind::Warnf(format) => {
                let kind = if matches!(record.kind, RecordKind::Errorf(_)) { "errorf" } else { "warnf" };
                line(out, kind, header, |object| {
                    formatted(object, format, args, scene);
                    message::place(object, Some(&place()));
                });
            }
            RecordKind::Print | RecordKind::PrintOwn => line(out, "value", header, |object| {
                let value = args().next().unwrap_or(Value::Malformed);
                value::value(object.member("value"), &value, scene);
            }),
            RecordKind::PrintText(text) => line(out, "value", header, |object| object.text("value", text)),
            RecordKind::PrintElement(map) => {
                if let Some(map) = self.program.maps.get(map.0 as usize) {
                    line(out, "value", header, |object| element(object.member("value"), map, args(), scene));
                }
            }
            RecordKind::Time(format) => line(out, "time", header, |object| {
                let mut text = Vec::new();
                time::strftime(&mut text, format, header.wall_ns, scene.zone());
                object.text("text", &text);
            }),
            RecordKind::Join(separator) => line(out, "join", header, |object| {
                let mut text = Vec::new();
                text::join::join(&mut text, args().next_bytes(), separator, JSON_TEXT);
                object.text("text", &text);
            }),
            _ => {}
        }
    }

    /// What a record's format and arguments come to, not escaped: the command of `System`, the file name of `Cat`.
    pub fn formatted(&self, record: &Record, bytes: &[u8], resolver: &mut dyn Resolver) -> Vec<u8> {
        let mut text = Vec::new();
        if let RecordKind::System(format) | RecordKind::Cat(format) = &record.kind {
            let mut args = Arguments::new(stamp::unstamped(&record.args), bytes);
            text::printf::printf(&mut text, format, &mut args, JSON_TEXT, &mut self.scene(resolver));
        }
        text
    }

    /// Append a map; of a map with keys only the `top` greatest entries (0: all), numbers divided by `div` (0 and 1: not).
    pub fn map(
        &self,
        out: &mut Vec<u8>,
        header: &Header<'_>,
        (map, snapshot): (&Map, &Snapshot),
        top: u64,
        div: u64,
        resolver: &mut dyn Resolver,
    ) {
        let content = Content { map, snapshot };
        map::map(out, header, (&content, self.sampled), top, div, &mut self.scene(resolver));
    }

    fn scene<'a>(&'a self, resolver: &'a mut dyn Resolver) -> Scene<'a> {
        Scene { program: self.program, zone: &self.zone, resolver, div: 1 }
    }
}

/// The text, and the arguments with their types.
fn formatted<'a>(object: &mut Object<'_>, format: &Format, args: impl Fn() -> Arguments<'a>, scene: &mut Scene<'_>) {
    let mut text = Vec::new();
    text::printf::printf(&mut text, format, &mut args(), JSON_TEXT, scene);
    object.text("text", &text);
    value::values(object.member("args"), args(), scene);
}

/// The value of an element of a map; its key comes before.
fn element(out: &mut Vec<u8>, map: &Map, mut args: Arguments<'_>, scene: &mut Scene<'_>) {
    match (&map.value, args.nth_raw(usize::from(map.key.is_some()))) {
        (MapValue::Aggregation(agg), Some((_, bytes, _))) if bytes.len() == agg.words() as usize * 8 => {
            map::map_value(out, &map.value, bytes, 1, scene);
        }
        (_, Some((ty, bytes, record))) => value::value(out, &decode_argument(ty, bytes, record), scene),
        (_, None) => value::value(out, &Value::Malformed, scene),
    }
}
