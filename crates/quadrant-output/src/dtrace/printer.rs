//! The printer: rows, aggregations, and what it keeps between them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::HashSet;

use jiff::tz::TimeZone;
use quadrant_program::Program;
use quadrant_program::action::Action;
use quadrant_program::action::ActionKind;
use quadrant_program::map::MapId;
use quadrant_program::program::Clause;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

use crate::arguments::Arguments;
use crate::dtrace::actions;
use crate::dtrace::aggregation;
use crate::dtrace::cell::Cell;
use crate::dtrace::cell::Integer;
use crate::dtrace::cell::Stage;
use crate::dtrace::fault;
use crate::dtrace::flow::Flow;
use crate::dtrace::host::Host;
use crate::dtrace::options::Options;
use crate::dtrace::row;
use crate::dtrace::table::Column;
use crate::dtrace::table::Table;
use crate::resolver::Resolver;
use crate::value::Scene;

/// Shows what a D program records. Appends to buffers of the caller.
#[derive(Debug)]
pub struct Printer<'p> {
    /// What the options say; they may be changed at any time.
    pub options: Options,
    program: &'p Program,
    zone: OnceCell<TimeZone>,
    headed: bool,
    flow: Flow,
    /// Factors of normalization.
    factors: HashMap<MapId, u64>,
    /// Aggregations that the program printed itself.
    printed: HashSet<MapId>,
}

impl<'p> Printer<'p> {
    /// A printer of the program's output; times are shown in the system's time zone.
    pub fn new(program: &'p Program, options: Options) -> Printer<'p> {
        Printer {
            options,
            program,
            zone: OnceCell::new(),
            headed: false,
            flow: Flow::default(),
            factors: HashMap::new(),
            printed: HashSet::new(),
        }
    }

    /// As it is, with times in another zone.
    pub fn with_zone(self, zone: TimeZone) -> Printer<'p> {
        Printer { zone: OnceCell::from(zone), ..self }
    }

    /// The speculation that a firing's record belongs to; 0: none, it is to be shown. `bytes` is the whole record with its header.
    pub fn speculation(&self, bytes: &[u8]) -> u64 {
        word_at(bytes, 16)
    }

    /// Show a [`RecordKind::Firing`] and carry out its actions in order. `bytes` is the whole record with its header.
    ///
    /// With `flowindent` this happens in [`Printer::flush`]: the rows of a CPU are kept together.
    pub fn firing(&mut self, out: &mut Vec<u8>, record: RecordId, bytes: &[u8], host: &mut dyn Host) {
        if !self.options.flowindent {
            return self.show(out, record, bytes, host);
        }
        for (record, bytes) in self.flow.wait(cpu(bytes), record, bytes) {
            self.show(out, record, &bytes, host);
        }
    }

    /// Show what waits, the records of one CPU after those of another.
    pub fn flush(&mut self, out: &mut Vec<u8>, host: &mut dyn Host) {
        for (record, bytes) in self.flow.take() {
            self.show(out, record, &bytes, host);
        }
    }

    /// Show what is left at the end: an empty line and the aggregations that the program did not print itself, in the order of their
    /// definition.
    pub fn finish(&mut self, out: &mut Vec<u8>, host: &mut dyn Host) {
        self.flush(out, host);
        out.push(b'\n');
        let aggregations = (0..self.program.maps.len() as u32).map(MapId);
        for map in aggregations.filter(|map| !self.printed.contains(map)).collect::<Vec<_>>() {
            if self.column(map).is_some() {
                let snapshot = host.snapshot(map);
                self.aggregation(out, map, &snapshot, host.resolver());
            }
        }
    }

    /// Show an aggregation in its own form. Nothing for maps that are none.
    pub fn aggregation(&self, out: &mut Vec<u8>, map: MapId, snapshot: &Snapshot, resolver: &mut dyn Resolver) {
        if let Some(mut table) = self.table(&[map], std::slice::from_ref(snapshot), resolver) {
            aggregation::aggregation(out, &mut table, &mut self.stage(resolver));
        }
    }

    /// Append the message about a [`RecordKind::Fault`], for standard error.
    pub fn fault(&self, err: &mut Vec<u8>, bytes: &[u8]) {
        fault::fault(err, self.program, bytes);
    }

    /// A message about an action that failed.
    pub(super) fn complaint(&self, firing: Firing, why: &str) -> Vec<u8> {
        let clause = self.program.clauses.iter().position(|clause| sends(clause, firing.record));
        let mut text = Vec::new();
        fault::where_(&mut text, self.program, clause.map(|clause| clause as u64), firing.point);
        text.extend_from_slice(why.as_bytes());
        text.push(b'\n');
        text
    }

    /// Show a record now.
    fn show(&mut self, out: &mut Vec<u8>, id: RecordId, bytes: &[u8], host: &mut dyn Host) {
        let program = self.program;
        let Some(record) = program.records.get(id.0 as usize) else { return };
        let RecordKind::Firing(actions) = &record.kind else { return };
        let mut args = Arguments::new(&record.args, bytes);
        let point = Cell::next(&mut args).integer().map_or(u64::MAX, Integer::bits);
        let rowed = has_row(actions) && self.begin(out, id, point, cpu(bytes));
        let mut later = Vec::new();
        for action in actions {
            let args = Arguments::new(&record.args, bytes).skip_to(action.args.start as usize);
            later.extend(actions::carry_out(self, out, (action, Firing { record: id, point }), args, host));
        }
        if rowed {
            out.push(b'\n');
        }
        for (id, bytes) in later {
            self.show(out, id, &bytes, host);
        }
    }

    /// Append heading and columns, if there are any.
    fn begin(&mut self, out: &mut Vec<u8>, record: RecordId, point: u64, cpu: u32) -> bool {
        let Options { flowindent, quiet, testing, .. } = self.options;
        // Whether there is a heading is settled with the first row: it never stands in the middle of one.
        let is_first = !std::mem::replace(&mut self.headed, true);
        if quiet && !flowindent {
            return false;
        }
        if is_first {
            row::heading(out, flowindent, testing);
        }
        if flowindent {
            let step = self.flow.step(cpu, point, record, row::name(self.program, point));
            row::flow(out, self.program, point, (!testing).then_some(cpu), &step);
        } else {
            row::row(out, self.program, point, cpu, testing);
        }
        true
    }

    /// What values need to be shown.
    pub(super) fn stage<'a>(&'a self, resolver: &'a mut dyn Resolver) -> Stage<'a> {
        let scene = Scene { program: self.program, zone: &self.zone, resolver, div: 1 };
        Stage { options: &self.options, scene }
    }

    /// The content of aggregations that are printed together; `None` if one of them is none.
    pub(super) fn table<'a>(
        &'a self,
        maps: &[MapId],
        snapshots: &[Snapshot],
        resolver: &mut dyn Resolver,
    ) -> Option<Table<'a>> {
        let columns: Option<Vec<Column<'a>>> = maps.iter().map(|map| self.column(*map)).collect();
        Some(Table::new(columns?, snapshots, resolver))
    }

    fn column(&self, id: MapId) -> Option<Column<'_>> {
        Column::of(self.program, id, self.factors.get(&id).copied().unwrap_or(1))
    }

    /// Divide an aggregation's values by a factor from now on.
    pub(super) fn normalize(&mut self, map: MapId, factor: u64) {
        self.factors.insert(map, factor.max(1));
    }

    /// The program prints this aggregation itself.
    pub(super) fn is_printed(&mut self, map: MapId) {
        self.printed.insert(map);
    }
}

/// Which record a clause sent, and at which point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Firing {
    record: RecordId,
    point: u64,
}

/// Whether a clause sends a record.
fn sends(clause: &Clause, record: RecordId) -> bool {
    struct Finder(RecordId, bool);
    impl Visitor for Finder {
        fn stmt(&mut self, stmt: &Stmt) {
            self.1 |= matches!(stmt.kind, StmtKind::Emit { record, .. } if record == self.0);
        }
    }
    let mut finder = Finder(record, false);
    visit::clause(clause, &mut finder);
    finder.1
}

/// A clause that only ends a speculation has no row of its own: its rows are those of the speculation.
fn has_row(actions: &[Action]) -> bool {
    actions.is_empty() || !actions.iter().all(|a| matches!(a.kind, ActionKind::Commit | ActionKind::Discard))
}

/// The CPU in a record's header.
fn cpu(bytes: &[u8]) -> u32 {
    bytes.get(4..8).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn word_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
}
