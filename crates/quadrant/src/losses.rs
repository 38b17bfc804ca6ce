//! The ledger as lines for the user.

use quadrant_program::sources::Sources;
use std::collections::BTreeMap;

use quadrant_codegen::object::LossKind;
use quadrant_output::ledger::Entry;
use quadrant_output::ledger::Kind;
use quadrant_program::Program;
use quadrant_session::Ledger;

/// One line; owns the names that an [`Entry`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    kind: Kind,
    subject: Option<String>,
    count: u64,
    place: Option<String>,
}

/// One line for each kind of loss at each place in the script.
pub fn lines(program: &Program, script: &Sources, ledger: &Ledger) -> Vec<Line> {
    let mut merged: BTreeMap<(LossKind, u32), u64> = BTreeMap::new();
    for (loss, count) in &ledger.losses {
        *merged.entry((loss.kind, loss.span.start)).or_default() += count;
    }
    let counted = merged.into_iter().map(|((kind, start), count)| Line {
        kind: told(kind),
        subject: map_name(program, kind),
        count,
        place: Some(script.place(start)),
    });
    let probes = named(&ledger.missed, Kind::Missed)
        .chain(named(&ledger.firings, Kind::Firings))
        .chain(named(&ledger.returns, Kind::Returns));
    let others = [
        (Kind::Malformed, ledger.malformed),
        (Kind::Reports, ledger.unfollowed),
        (Kind::Commands, ledger.left),
        (Kind::Prints, ledger.unprinted),
    ];
    let others = others.into_iter().map(|(kind, count)| Line { kind, subject: None, count, place: None });
    counted.chain(probes).chain(others).collect()
}

/// The same as text.
pub fn text(program: &Program, script: &Sources, ledger: &Ledger) -> Vec<u8> {
    let lines = lines(program, script, ledger);
    let entries: Vec<Entry> = lines.iter().map(Line::entry).collect();
    let mut text = Vec::new();
    quadrant_output::ledger::ledger(&mut text, &entries);
    text
}

/// Lines about probes.
fn named(list: &[(String, u64)], kind: Kind) -> impl Iterator<Item = Line> {
    list.iter().map(move |(name, count)| Line { kind, subject: Some(name.clone()), count: *count, place: None })
}

fn map_name(program: &Program, kind: LossKind) -> Option<String> {
    match kind {
        LossKind::Key(map) | LossKind::Unready(map) => Some(program.maps[map.0 as usize].name.clone()),
        _ => None,
    }
}

/// What programs count, as the user is told of it.
fn told(kind: LossKind) -> Kind {
    match kind {
        LossKind::Record => Kind::Records,
        LossKind::Key(_) | LossKind::Unready(_) => Kind::Keys,
        LossKind::Cut => Kind::Texts,
        LossKind::Read => Kind::Reads,
        LossKind::Stack => Kind::Stacks,
        LossKind::Scratch => Kind::Nested,
        LossKind::Division => Kind::Divisions,
        LossKind::Outside => Kind::Elements,
        LossKind::Loop => Kind::Loops,
        LossKind::Write => Kind::Writes,
        LossKind::Signal => Kind::Signals,
        LossKind::Fault => Kind::Faults,
        LossKind::Skipped => Kind::Skipped,
        LossKind::NoSpeculation | LossKind::BusySpeculation => Kind::Speculations,
    }
}

impl Line {
    /// As the output crate wants it.
    pub fn entry(&self) -> Entry<'_> {
        Entry { kind: self.kind, subject: self.subject.as_deref(), count: self.count, place: self.place.as_deref() }
    }
}
