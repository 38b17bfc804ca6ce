//! Reading a recording. Nothing in it is trusted: what makes no sense is an error that names its line.

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use quadrant_probes::RecordedPoint;
use quadrant_program::probe::ProbeKind;
use quadrant_program::recording::Group;
use quadrant_session::replay::Event;
use quadrant_session::replay::Given;
use quadrant_symbols::Frame;
use quadrant_symbols::SourceLine;
use quadrant_symbols::Symbol;
use serde_json::Value;

use super::Symbols;
use super::VERSION;
use crate::failure::Failure;
use crate::failure::shown;

/// Longest line, in bytes.
const LONGEST: u64 = 16 << 20;
/// More CPUs than a machine has.
const MOST_CPUS: u64 = 1 << 13;

/// A whole recording in memory.
pub struct Recording {
    name: String,
    /// Its points, in the order of their numbers.
    pub points: Vec<RecordedPoint>,
    /// Possible CPUs of the machine.
    pub cpus: u32,
    /// What turns the boot clock into nanoseconds since 1970.
    pub wall_offset_ns: i64,
    /// What addresses are.
    pub symbols: Symbols,
    /// Line numbers, and events as the file has them.
    events: Vec<(usize, Value)>,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no recording, or is of a newer version.
    pub fn open(name: &str) -> Result<Recording, Failure> {
        let failed = |error: &std::io::Error| quadrant_bpf::Error::io(format!("cannot read {}", shown(name)), error);
        let file = File::open(name).map_err(|error| failed(&error))?;
        Recording::read(name, BufReader::new(file))
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    /// Those of [`Recording::open`].
    pub fn read(name: &str, mut file: impl BufRead) -> Result<Recording, Failure> {
        let mut number = 0;
        let mut next = || -> Result<Option<(usize, Value)>, Failure> {
            number += 1;
            let mut line = String::new();
            let read = file.by_ref().take(LONGEST).read_line(&mut line);
            read.map_err(|error| quadrant_bpf::Error::io(format!("cannot read {}", shown(name)), &error))?;
            if line.is_empty() {
                return Ok(None);
            }
            let value = serde_json::from_str(&line);
            Ok(Some((number, value.map_err(|error| wrong(name, number, &error.to_string()))?)))
        };
        let header = next()?.map(|(_, header)| header).unwrap_or_default();
        let mut recording = Recording::of_header(name, &header)?;
        while let Some((number, line)) = next()? {
            match line.get("symbols") {
                Some(symbols) => recording.add_symbols(symbols),
                None => recording.events.push((number, line)),
            }
        }
        Ok(recording)
    }

    fn of_header(name: &str, header: &Value) -> Result<Recording, Failure> {
        if header["quadrant"] != "recording" {
            let failure = Failure::usage(format!("{} is no recording", shown(name)));
            return Err(failure.hint("`quadrant record -o FILE script.bt` makes one"));
        }
        let version = header["version"].as_u64().unwrap_or(0);
        if version > VERSION {
            return Err(Failure::usage(format!(
                "{} has version {version} of the format; this reads up to {VERSION}",
                shown(name)
            )));
        }
        let points = header["points"].as_array().cloned().unwrap_or_default();
        let points: Option<Vec<RecordedPoint>> = points.iter().map(point).collect();
        Ok(Recording {
            name: name.to_owned(),
            points: points.ok_or_else(|| wrong(name, 1, "a point has no name, or no kind that is known"))?,
            cpus: header["cpus"].as_u64().unwrap_or(1).clamp(1, MOST_CPUS) as u32,
            wall_offset_ns: header["wall_offset_ns"].as_i64().unwrap_or(0),
            symbols: Symbols::new(),
            events: Vec::new(),
        })
    }

    fn add_symbols(&mut self, symbols: &Value) {
        for symbol in symbols.as_array().into_iter().flatten() {
            let Some(address) = symbol["address"].as_u64() else { continue };
            let pid = symbol["pid"].as_u64().map(|pid| pid as u32);
            let frames = symbol["frames"].as_array().into_iter().flatten().map(|said| frame(address, said)).collect();
            self.symbols.insert((pid, address), frames);
        }
    }

    /// The events for a program: `point` gives the program's number of a point by its name, if the program has it.
    ///
    /// # Errors
    /// An event lacks something that the script needs.
    pub fn events<'a>(
        &'a self,
        groups: &'a [Group],
        point: impl Fn(&str) -> Option<u32> + 'a,
    ) -> impl Iterator<Item = Result<Event, Failure>> + 'a {
        let event = move |(line, value): &'a (usize, Value)| {
            let name = value["point"].as_u64().and_then(|index| self.points.get(usize::try_from(index).ok()?));
            let Some(name) = name.map(|point| &point.name) else {
                return Some(Err(wrong(&self.name, *line, "the event's point is not among the recording's")));
            };
            Some(self.event(*line, value, groups, point(name)?))
        };
        self.events.iter().filter_map(event)
    }

    fn event(&self, line: usize, value: &Value, groups: &[Group], point: u32) -> Result<Event, Failure> {
        let group = groups.iter().find(|group| group.points.iter().any(|id| id.0 == point));
        let inputs = group.map_or(&[][..], |group| &group.inputs);
        let given = |input: &quadrant_program::recording::Input| {
            let found = value["values"].get(&input.name).and_then(given);
            found.ok_or_else(|| {
                let what = format!("the event has no value for `{}`", shown(&input.name));
                wrong(&self.name, line, &what).hint("record again with the script as it is now, or add the value")
            })
        };
        let number = |key: &str| value[key].as_u64().unwrap_or(0);
        Ok(Event {
            point,
            time_ns: number("time"),
            cpu: number("cpu") as u32,
            pid: number("pid") as u32,
            tid: number("tid") as u32,
            inputs: inputs.iter().map(given).collect::<Result<_, _>>()?,
            kernel_stack: addresses(&value["kstack"]),
            user_stack: addresses(&value["ustack"]),
        })
    }
}

fn wrong(name: &str, line: usize, why: &str) -> Failure {
    Failure::usage(format!("{}:{line}: {}", shown(name), shown(why)))
}

fn point(value: &Value) -> Option<RecordedPoint> {
    let arguments = value["arguments"].as_array().into_iter().flatten();
    let argument =
        |said: &Value| (said["bytes"].as_u64().unwrap_or(8) as u8, said["signed"].as_bool().unwrap_or(false));
    Some(RecordedPoint {
        name: value["name"].as_str()?.to_owned(),
        kind: ProbeKind::of_name(value["kind"].as_str()?)?,
        format: value["format"].as_str().map(str::to_owned),
        arguments: arguments.map(argument).collect(),
    })
}

/// A value; `None` if it is of no kind that recordings have.
fn given(value: &Value) -> Option<Given> {
    match value {
        Value::Null => Some(Given::Missing),
        Value::Bool(flag) => Some(Given::Number(u64::from(*flag))),
        Value::Number(number) => Some(Given::Number(number.as_u64().or(number.as_i64().map(|number| number as u64))?)),
        Value::String(text) => Some(Given::Bytes(text.clone().into_bytes())),
        Value::Object(object) => unhex(object.get("hex")?.as_str()?).map(Given::Bytes),
        Value::Array(_) => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

fn addresses(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn frame(address: u64, said: &Value) -> Frame {
    let name = said["name"].as_str().map(Into::into);
    let symbol = name.map(|name: std::sync::Arc<str>| Symbol {
        raw: name.clone(),
        name,
        offset: said["offset"].as_u64().unwrap_or(0),
        size: 0,
    });
    let source = said["file"]
        .as_str()
        .map(|file| SourceLine { file: file.into(), line: said["line"].as_u64().unwrap_or(0) as u32 });
    Frame {
        addr: address,
        symbol,
        module: said["module"].as_str().map(Into::into),
        file_offset: None,
        build_id: None,
        source,
        inlined: said["inlined"].as_bool().unwrap_or(false),
        missing: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Recording, Failure> {
        Recording::read("r", text.as_bytes())
    }

    const HEADER: &str =
        r#"{"quadrant":"recording","version":1,"cpus":2,"points":[{"name":"interval:s:1","kind":"interval"}]}"#;

    #[test]
    fn events_and_symbols_are_told_apart() {
        let text = format!(
            "{HEADER}\n{{\"point\":0,\"time\":7}}\n{{\"symbols\":[{{\"address\":5,\"pid\":null,\"frames\":[{{\"name\":\"f\"}}]}}]}}\n"
        );
        let recording = read(&text).unwrap();
        let events: Vec<_> = recording.events(&[], |name| (name == "interval:s:1").then_some(3)).collect();
        assert_eq!(events.len(), 1);
        let event = events.into_iter().next().unwrap().unwrap();
        assert_eq!((event.point, event.time_ns), (3, 7));
        assert_eq!(recording.symbols[&(None, 5)][0].symbol.as_ref().unwrap().name.as_ref(), "f");
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        for text in ["", "{}", "nothing", "{\"quadrant\":\"recording\",\"version\":99}", "[1]"] {
            assert!(read(text).is_err(), "{text}");
        }
        let recording = read(&format!("{HEADER}\n{{\"point\":9}}\n")).unwrap();
        assert!(recording.events(&[], |_| Some(0)).next().unwrap().is_err());
    }

    #[test]
    fn values_of_each_kind() {
        let value = |text: &str| given(&serde_json::from_str(text).unwrap());
        assert_eq!(value("-1"), Some(Given::Number(u64::MAX)));
        assert_eq!(value("18446744073709551615"), Some(Given::Number(u64::MAX)));
        assert_eq!(value("\"a\""), Some(Given::Bytes(b"a".to_vec())));
        assert_eq!(value("{\"hex\":\"ff00\"}"), Some(Given::Bytes(vec![255, 0])));
        assert_eq!(value("null"), Some(Given::Missing));
        assert_eq!((value("{\"hex\":\"f\u{e9}\"}"), value("[1]"), value("1.5")), (None, None, None));
    }
}
