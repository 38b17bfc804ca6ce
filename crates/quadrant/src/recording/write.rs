//! Writing a recording while events come.

use std::collections::BTreeSet;
use std::io;
use std::io::Write;
use std::path::Path;

use quadrant_codegen::object::LossKind;
use quadrant_probes::RecordedArgument;
use quadrant_probes::RecordedPoint;
use quadrant_program::Program;
use quadrant_program::layout;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::recording::Group;
use quadrant_program::recording::Input;
use quadrant_program::recording::Sent;
use quadrant_program::recording::Split;
use quadrant_program::stamp::Stamp;
use quadrant_program::stamp::unstamped;
use quadrant_program::ty::StackType;
use quadrant_program::ty::Type;
use quadrant_program::value::decode;
use quadrant_program::value::decode_argument;
use quadrant_program::value::{Value as Decoded, extend};
use quadrant_session::Ledger;
use quadrant_session::MapPrint;
use quadrant_session::Sink;
use quadrant_session::View;
use quadrant_symbols::Frame;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Others;
use super::VERSION;
use super::latest::Latest;
use crate::failure;
use crate::resolver::Names;

/// The sink of a trace that is recorded.
pub struct Writer<'p> {
    program: &'p Program,
    split: &'p Split,
    output: Box<dyn Write>,
    names: Names,
    /// Addresses that are in events.
    addresses: BTreeSet<(Option<u32>, u64)>,
    /// Names of users, control groups and containers that are in events.
    others: Others,
    latest: Latest,
    /// Events so far.
    pub events: u64,
    /// What the programs lost.
    pub lost: Ledger,
    limit: u64,
    /// There are events of which the file does not say yet when they were read.
    is_turn: bool,
    /// What the programs had lost when there was no more room for events.
    lost_then: Option<Ledger>,
}

/// What the first line says of a program.
pub struct Points {
    /// Each of them.
    pub all: Vec<RecordedPoint>,
    /// The process of `-c`.
    pub child: Option<u32>,
    /// What a program in D has asked of the world.
    pub d: Option<Value>,
    /// What a script in bpftrace's language has asked of it.
    pub names: Option<Value>,
}

impl<'p> Writer<'p> {
    /// Writes the first line. `program` is what [`quadrant_program::recording::recorder`] made; at most `limit` events are taken.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(
        program: &'p Program,
        split: &'p Split,
        points: &Points,
        names: Names,
        mut output: Box<dyn Write>,
        limit: u64,
    ) -> io::Result<Writer<'p>> {
        let cpus = quadrant_bpf::cpus::possible_count().unwrap_or(1);
        let all: Vec<Value> = points.all.iter().map(point).collect();
        let mut header = json!({
            "quadrant": "recording", "version": VERSION, "cpus": cpus,
            "wall_offset_ns": quadrant_session::wall_offset_ns(), "points": all,
            "clauses": split.said,
        });
        if let Some(child) = points.child {
            header["cpid"] = json!(child);
        }
        for (key, asked) in [("d", &points.d), ("names", &points.names)] {
            asked.iter().for_each(|asked| header[key] = Value::clone(asked));
        }
        writeln!(output, "{header}")?;
        Ok(Writer {
            program,
            split,
            output,
            names,
            addresses: BTreeSet::new(),
            others: Others::default(),
            latest: Latest::default(),
            events: 0,
            lost: Ledger::default(),
            limit,
            is_turn: false,
            lost_then: None,
        })
    }

    /// An event, if there is room for it.
    fn firing(&mut self, view: View, group: &Group, record: &Record, stamp: &Stamp, bytes: &[u8]) -> Option<Value> {
        let is_once = group.is_once(self.program);
        let fits = is_once || !self.is_full();
        let sent = (fits && !group.later.is_empty()).then(|| arguments(record, bytes));
        let number = match sent.and_then(Iterator::last) {
            Some(Decoded::Uint(number)) => Some(number),
            _ => None,
        };
        self.latest.event((stamp.point, stamp.cpu, stamp.tid), number);
        self.events += u64::from(fits && !is_once);
        if self.is_full() && !is_once {
            self.lost_then.get_or_insert_with(|| view.losses());
        }
        fits.then(|| self.event(view, group, record, stamp, bytes))
    }

    fn event(&mut self, view: View, group: &Group, record: &Record, stamp: &Stamp, bytes: &[u8]) -> Value {
        let mut values = arguments(record, bytes);
        let mut named = Map::new();
        for (input, value) in group.inputs.iter().zip(&mut values) {
            named.insert(input.name.clone(), self.learned(input, value, stamp.pid));
        }
        let mut event = json!({
            "point": stamp.point.0, "time": stamp.boot_ns, "cpu": stamp.cpu, "pid": stamp.pid, "tid": stamp.tid, "values": named,
        });
        for (kind, value) in group.stacks.iter().zip(values) {
            let Decoded::Stack(_, id, _) = value else { continue };
            let addresses = view.stack(*kind, id);
            self.keep_addresses(*kind, stamp.pid, &addresses);
            let key = if kind.user { "ustack" } else { "kstack" };
            // Of several limits the longest stack has them all.
            if event[key].as_array().is_none_or(|known| known.len() < addresses.len()) {
                event[key] = json!(addresses);
            }
        }
        event
    }

    /// A value that is learned on the way; nothing if only its symbol is wanted, or if its event is not in the file.
    fn later(&mut self, input: &Input, record: &Record, stamp: &Stamp, bytes: &[u8]) -> Option<Value> {
        let mut sent = arguments(record, bytes);
        let value = self.learned(input, sent.next()?, stamp.pid);
        let Some(Decoded::Uint(number)) = sent.next() else { return None };
        let later = json!({
            "point": stamp.point.0, "cpu": stamp.cpu, "tid": stamp.tid, "name": input.name, "value": value,
        });
        self.latest.has_next((stamp.point, stamp.cpu, stamp.tid), number).then(|| json!({"later": later}))
    }

    fn learned(&mut self, input: &Input, value: Decoded, pid: u32) -> Value {
        let learned = if input.caught { caught(input, &value) } else { Ok(value) };
        learned.iter().for_each(|value| self.keep_names(input, value, pid));
        learned.as_ref().map_or_else(fault, given)
    }

    fn keep_addresses(&mut self, kind: StackType, pid: u32, addresses: &[u64]) {
        let owner = kind.user.then_some(pid);
        self.addresses.extend(addresses.iter().map(|address| (owner, *address)));
        owner.into_iter().for_each(|pid| self.names.remember(pid));
    }

    fn keep_names(&mut self, input: &Input, value: &Decoded, pid: u32) {
        let number = match value {
            Decoded::Uint(number) | Decoded::Pointer(number) => *number,
            Decoded::Int(number) => *number as u64,
            _ => return,
        };
        for ty in &input.shown {
            match ty {
                Type::Symbol { user, .. } => {
                    let owner = user.then_some(pid);
                    self.addresses.insert((owner, number));
                    owner.into_iter().for_each(|pid| self.names.remember(pid));
                }
                other => self.others.keep(other, number, &mut self.names),
            }
        }
    }

    /// All that there was has been read.
    fn turn(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.is_turn) {
            true => writeln!(self.output, "{}", json!({"turn": quadrant_session::boot_ns()})),
            false => Ok(()),
        }
    }

    fn symbols(&mut self) -> io::Result<()> {
        self.others.lines().try_for_each(|line| writeln!(self.output, "{line}"))?;
        for (owner, address) in std::mem::take(&mut self.addresses) {
            let frames: Vec<Value> = self.names.frames(owner, address).iter().map(frame).collect();
            let symbol = json!({"address": address, "pid": owner, "frames": frames});
            writeln!(self.output, "{}", json!({"symbols": [symbol]}))?;
        }
        Ok(())
    }
}

impl Sink for Writer<'_> {
    fn warned(&mut self, of: &str) {
        eprintln!("quadrant: warning: {}", failure::shown(of));
    }

    fn attached(&mut self, _view: View, _points: usize) -> io::Result<()> {
        Ok(())
    }

    fn pinned(&mut self, _path: &Path) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "an iterator cannot be recorded"))
    }

    fn record(&mut self, view: View, id: RecordId, bytes: &[u8]) -> io::Result<()> {
        let (Some(record), Some(sent)) = (self.program.records.get(id.0 as usize), self.split.sent(id)) else {
            return Ok(());
        };
        let Some(stamp) = Stamp::read(record, bytes) else { return Ok(()) };
        let line = match sent {
            Sent::Speculation => return free(view, record, bytes),
            Sent::Firing(group) => {
                let event = self.firing(view, group, record, &stamp, bytes);
                self.is_turn |= event.is_some();
                event
            }
            Sent::Later(input) => self.later(input, record, &stamp, bytes),
        };
        line.map_or(Ok(()), |line| writeln!(self.output, "{line}"))
    }

    fn exits(&mut self, _view: View, id: RecordId, bytes: &[u8], _status: i32) -> io::Result<()> {
        let stamp = self.program.records.get(id.0 as usize).and_then(|record| Stamp::read(record, bytes));
        let place = stamp.map(|stamp| json!({"point": stamp.point.0, "cpu": stamp.cpu, "tid": stamp.tid}));
        place.map_or(Ok(()), |place| writeln!(self.output, "{}", json!({"exit": place})))
    }

    fn is_full(&self) -> bool {
        self.events >= self.limit
    }

    fn map(&mut self, _view: View, _print: &MapPrint<'_>) -> io::Result<()> {
        Ok(())
    }

    fn ending(&mut self, _view: View) -> io::Result<()> {
        self.turn()?;
        self.symbols()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.turn()?;
        self.output.flush()
    }

    fn happened(&mut self, event: &quadrant_bpf::sideband::Event) {
        self.names.happened(event);
    }

    fn probed(&mut self, file: &Path) {
        self.names.keep(file);
    }

    fn seen(&mut self, pid: u32) {
        self.names.remember(pid);
    }

    fn ledger(&mut self, _view: View, ledger: &Ledger) -> io::Result<()> {
        // What is lost behind the last event is missed by nobody.
        let losses = self.lost_then.take().map_or_else(|| ledger.losses.clone(), |then| then.losses);
        self.lost = Ledger { losses, ..ledger.clone() };
        lost(&self.lost).map_or(Ok(()), |lost| writeln!(self.output, "{lost}"))
    }
}

/// What is not in the file although it happened. Reads that failed are there, as null.
fn lost(ledger: &Ledger) -> Option<Value> {
    let sum = |named: &[(String, u64)]| named.iter().map(|(_, times)| times).sum::<u64>();
    let skipped = ledger.count(|kind| matches!(kind, LossKind::Scratch | LossKind::Skipped));
    let runs = sum(&ledger.missed) + sum(&ledger.firings) + sum(&ledger.returns) + skipped;
    let stacks = ledger.count(|kind| kind == LossKind::Stack);
    let keys = ledger.count(|kind| matches!(kind, LossKind::Key(_) | LossKind::Unready(_)));
    let all = [("records", ledger.records() + ledger.malformed), ("runs", runs), ("stacks", stacks), ("keys", keys)];
    let lost: Map<String, Value> =
        all.into_iter().filter(|(_, times)| *times > 0).map(|(what, times)| (what.to_owned(), json!(times))).collect();
    (!lost.is_empty()).then(|| json!({"lost": lost}))
}

fn point(point: &RecordedPoint) -> Value {
    let mut object = json!({"name": point.name, "kind": point.kind.name()});
    if let Some(format) = &point.format {
        object["format"] = json!(format);
    }
    if let Some(file) = &point.file {
        object["file"] = json!(file);
    }
    if let Some(id) = &point.build_id {
        object["build_id"] = json!(id);
    }
    if point.narrow {
        object["narrow"] = json!(true);
    }
    if !point.arguments.is_empty() {
        let argument = |of: &RecordedArgument| json!({"bytes": of.bytes, "signed": of.signed, "float": of.float});
        let arguments = point.arguments.iter().map(argument);
        object["arguments"] = arguments.collect();
    }
    object
}

/// The arguments of a record, but for its stamp.
fn arguments<'r>(record: &'r Record, bytes: &'r [u8]) -> impl Iterator<Item = Decoded<'r>> {
    let types = unstamped(&record.args);
    let (offsets, end) = layout::record_offsets(types);
    let ends: Vec<u32> = offsets.iter().skip(1).copied().chain([end]).collect();
    types.iter().zip(offsets.into_iter().zip(ends)).map(|(ty, (start, end))| {
        decode_argument(ty, bytes.get(start as usize..end as usize).unwrap_or_default(), bytes)
    })
}

/// Gives the buffer of a speculation back that has ended.
fn free(view: View, record: &Record, bytes: &[u8]) -> io::Result<()> {
    match arguments(record, bytes).next() {
        Some(Decoded::Uint(number)) => view.free_speculation(number),
        _ => Ok(()),
    }
}

/// A fault in place of a value.
struct Faulted {
    kind: u64,
    address: u64,
}

/// What an input was, or the fault that evaluating it was.
fn caught<'a>(input: &'a Input, value: &Decoded<'a>) -> Result<Decoded<'a>, Faulted> {
    let Decoded::Tuple(_, bytes) = value else { return Ok(Decoded::Malformed) };
    let word = |at: usize| bytes.get(at..at + 8).map_or(0, |word| extend(word, false));
    match (word(0), bytes.get(16..)) {
        (0, Some(bytes)) => Ok(decode(&input.expr.ty, bytes)),
        (0, None) => Ok(Decoded::Malformed),
        (kind, _) => Err(Faulted { kind, address: word(8) }),
    }
}

fn fault(fault: &Faulted) -> Value {
    json!({"fault": fault.kind, "address": fault.address})
}

/// A value as the file has it.
fn given(value: &Decoded) -> Value {
    match value {
        Decoded::Int(number) => json!(number),
        Decoded::Uint(number) | Decoded::Pointer(number) | Decoded::Special(_, number) => json!(number),
        Decoded::Float(_, bytes) if bytes.len() <= 8 => json!(extend(bytes, false)),
        Decoded::Float(_, bytes) => json!({"hex": hex(bytes)}),
        Decoded::KernelSymbol(number) => json!(number),
        Decoded::Bool(flag) => json!(u64::from(*flag)),
        Decoded::Text { fault: true, .. } | Decoded::Malformed => Value::Null,
        Decoded::Text { bytes, cut: true, .. } => json!({"cut": text(bytes)}),
        Decoded::Text { bytes, .. } => text(bytes),
        Decoded::Bytes(bytes) | Decoded::Record(_, bytes) | Decoded::Array(_, bytes) => json!({"hex": hex(bytes)}),
        Decoded::Mac(bytes) | Decoded::Inet(_, bytes) | Decoded::Tuple(_, bytes) => json!({"hex": hex(bytes)}),
        Decoded::Stack(..) | Decoded::UserSymbol(..) => Value::Null,
    }
}

fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({"hex": hex(bytes)}),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frame(frame: &Frame) -> Value {
    let mut object = Map::new();
    if let Some(symbol) = &frame.symbol {
        object.insert("name".into(), json!(&*symbol.name));
        object.insert("offset".into(), json!(symbol.offset));
    }
    if let Some(module) = &frame.module {
        object.insert("module".into(), json!(&**module));
    }
    if let Some(source) = &frame.source {
        object.insert("file".into(), json!(&*source.file));
        object.insert("line".into(), json!(source.line));
    }
    if frame.inlined {
        object.insert("inlined".into(), json!(true));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use quadrant_codegen::object::Loss;
    use quadrant_program::map::MapId;
    use quadrant_program::span::Span;

    use super::*;

    #[test]
    fn what_is_missing_is_told_by_its_kind() {
        let kinds = [LossKind::Record, LossKind::Scratch, LossKind::Skipped, LossKind::Stack, LossKind::Key(MapId(0))];
        let losses = kinds.into_iter().chain([LossKind::Read]).zip(1..);
        let losses = losses.map(|(kind, times)| (Loss { kind, clause: 0, span: Span::default() }, times)).collect();
        let ledger = Ledger { losses, returns: vec![("f".to_owned(), 10)], malformed: 20, ..Ledger::default() };
        let told = json!({"lost": {"records": 21, "runs": 15, "stacks": 4, "keys": 5}});
        assert_eq!(lost(&ledger), Some(told));
        assert_eq!(lost(&Ledger::default()), None);
    }
}
