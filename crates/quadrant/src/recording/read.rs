//! Reading a recording. Nothing in it is trusted: what makes no sense is an error that names its line.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use quadrant_probes::RecordedArgument;
use quadrant_probes::RecordedPoint;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::Site;
use quadrant_program::recording::Group;
use quadrant_program::recording::Input;
use quadrant_program::recording::Split;
use quadrant_session::replay::Event;
use quadrant_session::replay::Given;
use quadrant_session::replay::Host;
use quadrant_session::replay::Turn;
use quadrant_symbols::Frame;
use quadrant_symbols::SourceLine;
use quadrant_symbols::Symbol;
use serde_json::Value;
use serde_json::json;

use super::Others;
use super::Symbols;
use super::Told;
use super::VERSION;
use super::values::addresses;
use super::values::given;
use super::values::misfit;
use super::values::series;
use crate::failure::Failure;
use crate::failure::shown;
use crate::resolver::Names;

/// Longest line, in bytes, with its end.
const LONGEST: u64 = 16 << 20;
/// What values are.
const VALUES: &str = "values are whole numbers of 64 bits, texts, {\"hex\":\"...\"}, {\"cut\":\"...\"} and null";
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
    /// The process of `-c`.
    pub child: Option<u32>,
    /// What a program in D has asked of the world.
    pub d: Option<Value>,
    /// What addresses are.
    pub symbols: Symbols,
    /// What other numbers are called.
    pub others: Others,
    /// What a script in bpftrace's language has asked of the world.
    pub told: Told,
    /// What the recorder lost, as it says itself: how much of what.
    lost: Vec<(String, u64)>,
    /// Line numbers, and events as the file has them.
    events: Vec<(usize, Value)>,
    /// How many events the recorder had read at each of its turns, and when.
    turns: Vec<(usize, u64)>,
    /// What stands for the text of the recorded script's clauses.
    said: Option<u64>,
    /// The event in which the recorded script ended the trace.
    exit: Option<usize>,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no recording, or is of another version.
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
            let mut line = Vec::new();
            let read = file.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line);
            read.map_err(|error| quadrant_bpf::Error::io(format!("cannot read {}", shown(name)), &error))?;
            if line.is_empty() {
                return Ok(None);
            }
            if line.len() as u64 > LONGEST {
                return Err(wrong(name, number, "the line is too long: one has at most 16 MiB"));
            }
            let value = serde_json::from_slice(&line);
            Ok(Some((number, value.map_err(|error| no_json(name, number, &error))?)))
        };
        let header = next()?.map(|(_, header)| header).unwrap_or_default();
        let mut recording = Recording::of_header(name, &header)?;
        let mut latest = HashMap::new();
        while let Some((number, mut line)) = next()? {
            if let Some(symbols) = line.get("symbols") {
                recording.add_symbols(symbols);
            } else if recording.others.add(&line) {
                continue;
            } else if let Some(time) = line.get("turn") {
                recording.turns.push((recording.events.len(), time.as_u64().unwrap_or(0)));
            } else if let Some(later) = line.get_mut("later") {
                let index = latest.get(&firing(later)).copied();
                let added = match index.and_then(|index: usize| recording.events.get_mut(index)) {
                    Some((_, event)) => add_later(event, later.take()),
                    None => Err("the value belongs to no event: none of its point, CPU and thread is before it"),
                };
                added.map_err(|why| wrong(name, number, why))?;
            } else if let Some(exit) = line.get("exit") {
                // That of BEGIN need not be there.
                recording.exit = latest.get(&firing(exit)).copied().or(recording.exit);
            } else if let Some(lost) = line.get("lost").and_then(Value::as_object) {
                recording.lost.extend(lost.iter().filter_map(|(what, times)| Some((what.clone(), times.as_u64()?))));
            } else {
                latest.insert(firing(&line), recording.events.len());
                recording.events.push((number, line));
            }
        }
        Ok(recording)
    }

    fn of_header(name: &str, header: &Value) -> Result<Recording, Failure> {
        if header["quadrant"] != "recording" {
            let failure = Failure::usage(format!("{} is no recording", shown(name)));
            return Err(failure.hint("`quadrant record -o FILE script.bt` makes one"));
        }
        check_version(name, header["version"].as_u64().unwrap_or(0))?;
        let points = header["points"].as_array().cloned().unwrap_or_default();
        let points: Option<Vec<RecordedPoint>> = points.iter().map(point).collect();
        Ok(Recording {
            name: name.to_owned(),
            points: points.ok_or_else(|| wrong(name, 1, "a point has no name, or no kind that is known"))?,
            cpus: header["cpus"].as_u64().unwrap_or(1).clamp(1, MOST_CPUS) as u32,
            wall_offset_ns: header["wall_offset_ns"].as_i64().unwrap_or(0),
            child: header["cpid"].as_u64().and_then(|pid| u32::try_from(pid).ok()),
            d: header.get("d").cloned(),
            symbols: Symbols::new(),
            others: Others::default(),
            told: Told::new(header["names"].clone()),
            lost: Vec::new(),
            events: Vec::new(),
            turns: Vec::new(),
            said: header["clauses"].as_u64(),
            exit: None,
        })
    }

    /// The file, as messages name it.
    pub fn shown_name(&self) -> String {
        shown(&self.name)
    }

    /// The machine that was recorded.
    pub fn host(&self) -> Host {
        let lossy = self.lost.iter().any(|(what, times)| what == "records" && *times > 0);
        Host { cpus: self.cpus, wall_offset_ns: self.wall_offset_ns, lossy }
    }

    /// Names as the recorded machine has them, and its clock.
    pub fn names(&self) -> Names {
        Names::recorded(self.symbols.clone(), self.others.clone(), self.wall_offset_ns)
    }

    /// What the recorder lost, if it did: `12 records, 1 run`.
    pub fn lost(&self) -> Option<String> {
        let lost = self.lost.iter().filter(|(_, times)| *times > 0);
        let lost: Vec<String> = lost.map(|(what, times)| format!("{times} {}", shown(what))).collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }

    /// That an event has too few values of what a clause learns on its way.
    pub fn short(&self, split: &Split, line: usize, slot: usize, values: usize) -> Failure {
        let input = later_name(split, slot);
        let what = match values {
            0 => format!("the event has no value for `{input}`"),
            1 => format!("the event has only one value for `{input}`, and the script asks for another"),
            _ => format!("the event has only {values} values for `{input}`, and the script asks for another"),
        };
        wrong(&self.name, line, &what).hint("record again with the script as it is now, or add the value")
    }

    /// That a loop over a map comes to another key than the event has.
    pub fn astray(&self, split: &Split, line: usize, slot: usize, round: usize) -> Failure {
        let input = later_name(split, slot);
        let what = format!(
            "the loop does not come to key {round} of the event's `{input}`: the map has other keys in the replay"
        );
        wrong(&self.name, line, &what).hint("record again with the script as it is now")
    }

    fn add_symbols(&mut self, symbols: &Value) {
        for symbol in symbols.as_array().into_iter().flatten() {
            let Some(address) = symbol["address"].as_u64() else { continue };
            let pid = symbol["pid"].as_u64().map(|pid| pid as u32);
            let frames = symbol["frames"].as_array().into_iter().flatten().map(|said| frame(address, said)).collect();
            self.symbols.insert((pid, address), frames);
        }
    }

    /// What a program learned at its start or its end, of which it has the point.
    ///
    /// # Errors
    /// The recording lacks it.
    pub fn once(&self, split: &Split, site: &Site) -> Result<Event, Failure> {
        let point = split.replayer.points.iter().position(|point| point.site == *site).map(|point| point as u32);
        let group = split.groups.iter().find(|group| group.points.iter().any(|id| Some(id.0) == point));
        let Some(group) = group.filter(|group| group.is_learning()) else {
            return Ok(Event::default());
        };
        let found =
            self.events_at(split, true).find(|event| event.as_ref().map_or(true, |event| Some(event.point) == point));
        found.unwrap_or_else(|| {
            let name = &split.replayer.points[group.points[0].0 as usize].name;
            let input = group.inputs.iter().chain(&group.later).next().map_or("a stack", |input| &input.name);
            let failure = Failure::usage(format!(
                "{} has no event of {}, which asks for `{}`",
                shown(&self.name),
                shown(name),
                shown(input)
            ));
            Err(failure.hint("record again with the script as it is now"))
        })
    }

    /// The events for a program; those at points that it does not have are left out, and so are its start and its end.
    ///
    /// # Errors
    /// An event lacks something that the script needs.
    pub fn events<'a>(&'a self, split: &'a Split) -> impl Iterator<Item = Result<Event, Failure>> + 'a {
        self.events_at(split, false)
    }

    /// Those that come once, or the others.
    fn events_at<'a>(&'a self, split: &'a Split, once: bool) -> impl Iterator<Item = Result<Event, Failure>> + 'a {
        let served = self.served(split, once);
        // What another script had in its maps means nothing.
        let is_other = self.said.is_some_and(|said| said != split.said);
        let event = move |(place, (line, value)): (usize, &'a (usize, Value))| {
            let index = value["point"].as_u64().and_then(|index| usize::try_from(index).ok());
            match index.and_then(|index| served.get(index)) {
                None => Some(Err(wrong(&self.name, *line, "the event's point is not among the recording's"))),
                Some(served) => served.map(|(point, group)| {
                    let (turn, ends) = (self.turn(place), self.exit == Some(place));
                    Ok(Event { turn, ends, ..self.event(*line, value, (point, group), is_other)? })
                }),
            }
        };
        self.events.iter().enumerate().filter_map(event)
    }

    /// The turn at which the recorder read the event at a place.
    fn turn(&self, place: usize) -> Option<Turn> {
        let number = self.turns.partition_point(|(read, _)| *read <= place);
        let (_, time_ns) = self.turns.get(number)?;
        Some(Turn { number, time_ns: *time_ns })
    }

    /// For each point of the recording, its number in the program and what its clauses learn, if the program has it.
    fn served<'a>(&self, split: &'a Split, once: bool) -> Vec<Option<(u32, &'a Group)>> {
        let groups = split.groups.iter().filter(|group| group.is_once(&split.replayer) == once);
        let points = groups.flat_map(|group| group.points.iter().map(move |point| (point.0, group)));
        let mut points: Vec<(u32, &Group)> = points.collect();
        // Of several of one name the first is meant.
        points.sort_by_key(|(point, _)| std::cmp::Reverse(*point));
        let name = |point: u32| split.replayer.points[point as usize].name.as_str();
        let by_name: HashMap<&str, _> = points.into_iter().map(|served| (name(served.0), served)).collect();
        self.points.iter().map(|point| by_name.get(point.name.as_str()).copied()).collect()
    }

    fn event(
        &self,
        line: usize,
        value: &Value,
        (point, group): (u32, &Group),
        is_other: bool,
    ) -> Result<Event, Failure> {
        let values = &value["values"];
        let checked = |input: &Input, found: Given| match misfit(&input.expr.ty, &found) {
            None => Ok(found),
            Some(what) => Err(wrong(&self.name, line, &format!("the value of `{}` is no {what}", shown(&input.name)))),
        };
        let given = |input: &Input| {
            let value = values.get(&input.name).ok_or_else(|| {
                let what = format!("the event has no value for `{}`", shown(&input.name));
                wrong(&self.name, line, &what).hint("record again with the script as it is now, or add the value")
            })?;
            let found = given(value, input.caught).ok_or_else(|| {
                let what = format!("the value of `{}` is nothing that can be recorded", shown(&input.name));
                wrong(&self.name, line, &what).hint(VALUES)
            })?;
            Ok((input.slot, checked(input, found)?))
        };
        // A clause may not have come there.
        let later = |input: &Input| {
            let found =
                values.get(&input.name).map_or(Some(Given::Series(Vec::new())), |value| series(value, input.caught));
            let what = || format!("the values of `{}` are no list of values", shown(&input.name));
            let found = found.ok_or_else(|| wrong(&self.name, line, &what()))?;
            Ok((input.slot, checked(input, found)?))
        };
        let is_own = |input: &&Input| input.seen && (is_other || values.get(&input.name).is_none());
        let listed = group.later.iter().filter(|input| !is_own(input));
        let inputs = group.inputs.iter().map(given).chain(listed.map(later));
        let no = |key: &str, what: &str| wrong(&self.name, line, &format!("the event's `{key}` is no {what}"));
        let number = |key: &str, most: u64| {
            let number = value.get(key).map_or(Some(0), Value::as_u64).filter(|number| *number <= most);
            number.ok_or_else(|| no(key, &format!("whole number up to {most}")))
        };
        let word = |key: &str| number(key, u32::MAX.into()).map(|number| number as u32);
        let stack = |key: &str| addresses(value.get(key)).ok_or_else(|| no(key, "list of addresses"));
        Ok(Event {
            line,
            turn: None,
            ends: false,
            point,
            time_ns: number("time", u64::MAX)?,
            cpu: word("cpu")?,
            pid: word("pid")?,
            tid: word("tid")?,
            inputs: inputs.collect::<Result<_, Failure>>()?,
            kernel_stack: stack("kstack")?,
            user_stack: stack("ustack")?,
        })
    }
}

/// What clauses learn on their way, as messages name it.
fn later_name(split: &Split, slot: usize) -> String {
    let input = split.groups.iter().flat_map(|group| &group.later).find(|input| input.slot == slot);
    shown(input.map_or("", |input| &input.name))
}

fn check_version(name: &str, version: u64) -> Result<(), Failure> {
    let (age, hint) = match version.cmp(&VERSION) {
        Ordering::Less => ("an older", "record again"),
        Ordering::Equal => return Ok(()),
        Ordering::Greater => ("a newer", "replay it with that one, or record again"),
    };
    let what = format!(
        "{} was made by {age} quadrant: it has version {version} of the format, and this one reads version {VERSION}",
        shown(name)
    );
    Err(Failure::usage(what).hint(hint))
}

fn wrong(name: &str, line: usize, why: &str) -> Failure {
    Failure::usage(format!("{}:{line}: {}", shown(name), shown(why)))
}

/// The message of a line that is no JSON; the parser knows no other lines.
fn no_json(name: &str, line: usize, error: &serde_json::Error) -> Failure {
    if error.is_eof() {
        return wrong(name, line, "the line ends too early: the file was cut, or is not written to its end yet");
    }
    let (why, column) = (error.to_string(), error.column());
    let why = why.strip_suffix(&format!(" at line 1 column {column}")).unwrap_or(&why);
    Failure::usage(format!("{}:{line}:{column}: {}", shown(name), shown(why)))
}

/// The point, the CPU and the thread of an event: of several, one ends before the next begins, and on the CPU where it began. Threads alone
/// do not tell: the idle tasks of all CPUs have one number, and so have all threads outside of the recorder's PID namespace.
fn firing(value: &Value) -> [u64; 3] {
    ["point", "cpu", "tid"].map(|key| value[key].as_u64().unwrap_or(0))
}

/// Adds what an event's clauses learned on their way to it.
fn add_later(event: &mut Value, mut later: Value) -> Result<(), &'static str> {
    let values = event.as_object_mut().map(|event| event.entry("values").or_insert_with(|| json!({})));
    let values = values.and_then(Value::as_object_mut).ok_or("the event of the value has no object of values")?;
    let later = later.as_object_mut().ok_or("what comes later is no object")?;
    let Some(Value::String(name)) = later.remove("name") else { return Err("the value has no name") };
    let list = values.entry(name).or_insert_with(|| json!([]));
    let list = list.as_array_mut().ok_or("in the event of the value there is no list of this name, but one value")?;
    list.push(later.remove("value").unwrap_or_default());
    Ok(())
}

fn point(value: &Value) -> Option<RecordedPoint> {
    let arguments = value["arguments"].as_array().into_iter().flatten();
    let argument = |said: &Value| RecordedArgument {
        bytes: said["bytes"].as_u64().unwrap_or(8) as u8,
        signed: said["signed"].as_bool().unwrap_or(false),
        float: said["float"].as_bool().unwrap_or(false),
    };
    Some(RecordedPoint {
        name: value["name"].as_str()?.to_owned(),
        kind: ProbeKind::of_name(value["kind"].as_str()?)?,
        file: value["file"].as_str().map(str::to_owned),
        format: value["format"].as_str().map(str::to_owned),
        arguments: arguments.map(argument).collect(),
        build_id: value["build_id"].as_str().map(str::to_owned),
        narrow: value["narrow"].as_bool().unwrap_or(false),
    })
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
    use quadrant_program::Program;
    use quadrant_program::probe::{Point, Site};

    use super::*;

    fn read(text: &str) -> Result<Recording, Failure> {
        Recording::read("r", text.as_bytes())
    }

    /// A program without clauses whose second point has that name.
    fn split(name: &str) -> Split {
        let point =
            |name: &str| Point { site: Site::Interval { period_ns: 1 }, name: name.into(), func: String::new() };
        let program = Program { points: vec![point("other"), point(name)], ..Program::default() };
        quadrant_program::recording::split(&program, &|_| String::new()).unwrap()
    }

    const HEADER: &str =
        r#"{"quadrant":"recording","version":3,"cpus":2,"points":[{"name":"interval:s:1","kind":"interval"}]}"#;

    #[test]
    fn events_and_symbols_are_told_apart() {
        let text = format!(
            "{HEADER}\n{{\"point\":0,\"time\":7}}\n{{\"symbols\":[{{\"address\":5,\"pid\":null,\"frames\":[{{\"name\":\"f\"}}]}}]}}\n"
        );
        let recording = read(&text).unwrap();
        let split = split("interval:s:1");
        let events: Vec<_> = recording.events(&split).collect();
        assert_eq!(events.len(), 1);
        let event = events.into_iter().next().unwrap().unwrap();
        assert_eq!((event.point, event.time_ns), (1, 7));
        assert_eq!(recording.symbols[&(None, 5)][0].symbol.as_ref().unwrap().name.as_ref(), "f");
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        for text in ["", "{}", "nothing", "{\"quadrant\":\"recording\",\"version\":99}", "[1]"] {
            assert!(read(text).is_err(), "{text}");
        }
        let recording = read(&format!("{HEADER}\n{{\"point\":9}}\n")).unwrap();
        assert!(recording.events(&split("interval:s:1")).next().unwrap().is_err());
    }

    #[test]
    fn damage_is_told_with_its_place() {
        for (line, told) in [
            (&b"{\"point\":0,\"ti"[..], "r:2: the line ends too early: the file was cut"),
            (b"{\"point\";0}", "r:2:9: expected `:`"),
            (b"{\"point\":0,\"values\":{\"comm\":\"\xff\"}}", "r:2:30: invalid unicode code point"),
        ] {
            let text = [HEADER.as_bytes(), b"\n", line].concat();
            let failure = Recording::read("r", &text[..]).err().unwrap();
            assert!(format!("{failure:?}").contains(told), "{failure:?}");
        }
    }

    #[test]
    fn lines_without_bound_are_not_read() {
        let long = |bytes: usize| format!("{HEADER}\n{{\"a\":\"{}\"}}\n", "x".repeat(bytes - 9));
        assert!(read(&long(LONGEST as usize)).is_ok());
        let failure = read(&long(LONGEST as usize + 1)).err().unwrap();
        assert!(format!("{failure:?}").contains("r:2: the line is too long"), "{failure:?}");
    }

    #[test]
    fn what_an_event_says_of_itself_is_checked() {
        let split = split("interval:s:1");
        for (said, told) in [
            ("\"time\":\"now\"", "the event's `time` is no whole number"),
            ("\"cpu\":-1", "the event's `cpu` is no whole number"),
            ("\"pid\":4294967296", "the event's `pid` is no whole number up to 4294967295"),
            ("\"tid\":1.5", "the event's `tid` is no whole number"),
            ("\"kstack\":[1,\"f\"]", "the event's `kstack` is no list of addresses"),
            ("\"ustack\":7", "the event's `ustack` is no list of addresses"),
        ] {
            let recording = read(&format!("{HEADER}\n{{\"point\":0,{said}}}\n")).unwrap();
            let failure = recording.events(&split).next().unwrap().err().unwrap();
            assert!(format!("{failure:?}").contains(&format!("r:2: {told}")), "{failure:?}");
        }
    }

    #[test]
    fn other_versions_are_refused() {
        for (version, age) in [(2, "an older"), (4, "a newer")] {
            let failure = read(&HEADER.replace("\"version\":3", &format!("\"version\":{version}"))).err().unwrap();
            assert!(format!("{failure:?}").contains(&format!("was made by {age} quadrant")), "{failure:?}");
        }
    }
}
