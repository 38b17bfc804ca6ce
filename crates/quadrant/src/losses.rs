//! The ledger as lines for the user.

use quadrant_program::sources::Sources;
use std::collections::BTreeMap;

use quadrant_codegen::object::LossKind;
use quadrant_output::ledger::Entry;
use quadrant_output::ledger::Kind;
use quadrant_program::Program;
use quadrant_session::Ledger;

/// What a line is about; owns the names that an [`Entry`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    what: What,
    count: u64,
    place: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Lost(LossKind, String),
    Missed(String),
    Firings(String),
    Returns(String),
    Malformed,
    Unfollowed,
    Left,
    Unprinted,
}

/// One line for each kind of loss at each place in the script.
pub fn lines(program: &Program, script: &Sources, ledger: &Ledger) -> Vec<Line> {
    let mut merged: BTreeMap<(LossKind, u32), u64> = BTreeMap::new();
    for (loss, count) in &ledger.losses {
        *merged.entry((loss.kind, loss.span.start)).or_default() += count;
    }
    let counted = merged.into_iter().map(|((kind, start), count)| Line {
        what: What::Lost(kind, map_name(program, kind)),
        count,
        place: Some(script.place(start)),
    });
    let probes = named(&ledger.missed, What::Missed)
        .chain(named(&ledger.firings, What::Firings))
        .chain(named(&ledger.returns, What::Returns));
    let others = [
        (What::Malformed, ledger.malformed),
        (What::Unfollowed, ledger.unfollowed),
        (What::Left, ledger.left),
        (What::Unprinted, ledger.unprinted),
    ];
    let others = others.into_iter().map(|(what, count)| Line { what, count, place: None });
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
fn named(list: &[(String, u64)], what: fn(String) -> What) -> impl Iterator<Item = Line> {
    list.iter().map(move |(name, count)| Line { what: what(name.clone()), count: *count, place: None })
}

fn map_name(program: &Program, kind: LossKind) -> String {
    match kind {
        LossKind::Key(map) | LossKind::Unready(map) => program.maps[map.0 as usize].name.clone(),
        _ => String::new(),
    }
}

impl Line {
    /// As the output crate wants it.
    pub fn entry(&self) -> Entry<'_> {
        Entry { kind: self.what.kind(), count: self.count, place: self.place.as_deref() }
    }
}

impl What {
    fn kind(&self) -> Kind<'_> {
        match self {
            What::Malformed => Kind::Malformed,
            What::Unfollowed => Kind::Reports,
            What::Left => Kind::Commands,
            What::Unprinted => Kind::Prints,
            What::Missed(name) => Kind::Missed(name),
            What::Firings(name) => Kind::Firings(name),
            What::Returns(name) => Kind::Returns(name),
            What::Lost(kind, name) => match kind {
                LossKind::Record => Kind::Records,
                LossKind::Key(_) | LossKind::Unready(_) => Kind::Keys(name),
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
            },
        }
    }
}
