//! What is lost while a trace runs, said in DTrace's words on standard error.

use std::collections::BTreeMap;

use quadrant_codegen::object::LossKind;
use quadrant_output::dtrace::Drop;
use quadrant_output::dtrace::drops;
use quadrant_program::Program;
use quadrant_program::map::MapValue;
use quadrant_session::Ledger;

use crate::failure;

/// Losses that were told already, by CPU where that is known.
#[derive(Debug, Default)]
pub struct Drops {
    told: BTreeMap<(Class, Option<u32>), u64>,
}

/// Losses that are told in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Principal,
    Aggregation,
    Dynamic,
    DynamicDirty,
    Speculation,
    SpeculationBusy,
    SpeculationUnavailable,
    Stack,
    ErrorClause,
    Cut,
    Read,
    Division,
    Write,
    Signal,
    Loop,
    Skipped,
}

/// Messages for what was lost that is known at the end.
pub fn last(ledger: &Ledger) -> String {
    let missed = ledger.missed.iter().chain(&ledger.returns);
    let missed = missed.map(|(name, count)| firings_line("missed by", name, *count));
    let passed_over = ledger.firings.iter();
    let passed_over = passed_over.map(|(name, count)| firings_line("passed over by the kernel:", name, *count));
    let mut text: String = missed.chain(passed_over).collect();
    if ledger.unfollowed > 0 {
        let count = ledger.unfollowed;
        text.push_str(&format!("dtrace: {count} reports about processes lost: symbols may be missing\n"));
    }
    if ledger.left > 0 {
        let count = ledger.left;
        text.push_str(&format!(
            "dtrace: {count} command{} of system() not run: a signal ended the trace\n",
            if count == 1 { "" } else { "s" }
        ));
    }
    if ledger.unprinted > 0 {
        let count = ledger.unprinted;
        text.push_str(&format!(
            "dtrace: {count} printa() of aggregations not done again at the end: more were asked for than there was time for\n"
        ));
    }
    text
}

/// Firings that the kernel did not let happen.
fn firings_line(what: &str, name: &str, count: u64) -> String {
    format!("dtrace: {count} firing{} {what} {}\n", if count == 1 { "" } else { "s" }, failure::shown(name))
}

/// What the sink itself had no room for.
#[derive(Clone, Debug, Default)]
pub struct OwnDrops {
    /// Records larger than a buffer, by CPU.
    pub records: BTreeMap<u32, u64>,
    /// Records of speculations.
    pub speculation: u64,
}

impl Drops {
    /// Messages for what was lost since the last call.
    pub fn news(&mut self, program: &Program, ledger: &Ledger, own: OwnDrops, tags: bool) -> Vec<u8> {
        let counted = ledger.places().map(|(kind, cpu, count)| ((class(program, kind), cpu), count));
        let own_records = own.records.iter().map(|(cpu, count)| ((Class::Principal, Some(*cpu)), *count));
        let others = [((Class::Principal, None), ledger.malformed), ((Class::Speculation, None), own.speculation)];
        let mut counts: BTreeMap<(Class, Option<u32>), u64> = BTreeMap::new();
        for (place, count) in counted.chain(own_records).chain(others) {
            *counts.entry(place).or_default() += count;
        }
        let mut text = Vec::new();
        for (place, count) in counts {
            let told = self.told.entry(place).or_default();
            if count > *told {
                message(&mut text, program, place, count - *told, tags);
                *told = count;
            }
        }
        text
    }
}

fn class(program: &Program, kind: LossKind) -> Class {
    match kind {
        // A clause that found its scratch memory in use did not run: what it would have sent is lost.
        LossKind::Record | LossKind::Scratch => Class::Principal,
        LossKind::Key(map) => match program.maps[map.0 as usize].value {
            MapValue::Aggregation(_) => Class::Aggregation,
            MapValue::Plain(_) => Class::Dynamic,
        },
        LossKind::Unready(_) => Class::DynamicDirty,
        LossKind::Stack => Class::Stack,
        LossKind::Cut => Class::Cut,
        LossKind::Fault => Class::ErrorClause,
        LossKind::NoSpeculation => Class::SpeculationUnavailable,
        LossKind::BusySpeculation => Class::SpeculationBusy,
        // An index outside of an array is a fault in D.
        LossKind::Read | LossKind::Outside => Class::Read,
        LossKind::Division => Class::Division,
        LossKind::Loop => Class::Loop,
        LossKind::Write => Class::Write,
        LossKind::Signal => Class::Signal,
        LossKind::Skipped => Class::Skipped,
    }
}

/// Losses that DTrace has no message for.
fn other(program: &Program, class: Class, count: u64) -> Option<String> {
    let plural = if count == 1 { "" } else { "s" };
    Some(match class {
        Class::Cut => format!("{count} string{plural} cut at {} bytes (strsize)", program.config.max_strlen),
        Class::Read => format!("{count} read{plural} of memory failed"),
        Class::Division => format!("{count} division{plural} by zero"),
        Class::Loop => format!("{count} loop{plural} cut short"),
        Class::Write => format!("{count} write{plural} to a process failed"),
        Class::Skipped => format!("{count} firing{plural} left out (--max-overhead)"),
        Class::Signal => format!("{count} signal{plural} could not be sent"),
        _ => return None,
    })
}

fn message(text: &mut Vec<u8>, program: &Program, (class, cpu): (Class, Option<u32>), count: u64, tags: bool) {
    let drop = match class {
        Class::Aggregation => Drop::Aggregation { cpu, count },
        Class::Dynamic => Drop::Dynamic(count),
        Class::DynamicDirty => Drop::DynamicDirty(count),
        Class::Speculation => Drop::Speculation(count),
        Class::SpeculationBusy => Drop::SpeculationBusy(count),
        Class::SpeculationUnavailable => Drop::SpeculationUnavailable(count),
        Class::Stack => Drop::StackString(count),
        Class::ErrorClause => Drop::Error(count),
        _ => match other(program, class, count) {
            Some(line) => return text.extend_from_slice(format!("dtrace: {line}\n").as_bytes()),
            None => Drop::Principal { cpu, count },
        },
    };
    drops::message(text, &drop, tags);
}

#[cfg(test)]
mod tests {
    use quadrant_codegen::object::Loss;
    use quadrant_program::map::Aggregation;
    use quadrant_program::map::Map;
    use quadrant_program::map::MapId;
    use quadrant_program::span::Span;
    use quadrant_program::ty::Type;

    use super::*;

    fn program() -> Program {
        let map = |value| Map::new("", Some(Type::U64), value);
        let values = [MapValue::Plain(Type::U64), MapValue::Aggregation(Aggregation::Count)];
        Program { maps: values.map(map).to_vec(), ..Program::default() }
    }

    fn loss(kind: LossKind) -> Loss {
        Loss { kind, clause: 0, span: Span::default() }
    }

    fn ledger(losses: &[(LossKind, u64)]) -> Ledger {
        Ledger { losses: losses.iter().map(|(kind, count)| (loss(*kind), *count)).collect(), ..Ledger::default() }
    }

    fn told(drops: &mut Drops, losses: &[(LossKind, u64)], own: OwnDrops) -> String {
        String::from_utf8(drops.news(&program(), &ledger(losses), own, false)).unwrap()
    }

    #[test]
    fn each_kind_of_loss_has_its_message() {
        let losses = [
            (LossKind::Record, 1),
            (LossKind::Scratch, 1),
            (LossKind::Key(MapId(0)), 1),
            (LossKind::Key(MapId(1)), 2),
            (LossKind::Unready(MapId(0)), 4),
            (LossKind::Stack, 1),
            (LossKind::Fault, 2),
            (LossKind::NoSpeculation, 1),
            (LossKind::BusySpeculation, 1),
            (LossKind::Cut, 1),
        ];
        let expected = "dtrace: 2 drops\n\
            dtrace: 2 aggregation drops\n\
            dtrace: 1 dynamic variable drop\n\
            dtrace: 4 dynamic variable drops with non-empty dirty list\n\
            dtrace: 3 speculative drops\n\
            dtrace: 1 failed speculation (available buffer(s) still busy)\n\
            dtrace: 1 failed speculation (no speculative buffer available)\n\
            dtrace: 1 jstack()/ustack() string table overflow\n\
            dtrace: 2 errors in ERROR probe enabling\n\
            dtrace: 1 string cut at 1024 bytes (strsize)\n";
        assert_eq!(told(&mut Drops::default(), &losses, OwnDrops { speculation: 3, ..OwnDrops::default() }), expected);
    }

    #[test]
    fn only_what_is_new_is_told() {
        let mut drops = Drops::default();
        assert_eq!(told(&mut drops, &[(LossKind::Record, 5)], OwnDrops::default()), "dtrace: 5 drops\n");
        assert_eq!(told(&mut drops, &[(LossKind::Record, 5)], OwnDrops::default()), "");
        assert_eq!(told(&mut drops, &[(LossKind::Record, 6)], OwnDrops::default()), "dtrace: 1 drop\n");
    }

    #[test]
    fn each_cpu_is_told_where_it_is_known() {
        let mut drops = Drops::default();
        let record = loss(LossKind::Record);
        let mut ledger =
            Ledger { losses: vec![(record, 5)], by_cpu: vec![(record, 0, 2), (record, 3, 3)], ..Ledger::default() };
        let own = OwnDrops { records: BTreeMap::from([(3, 4)]), speculation: 0 };
        let news = drops.news(&program(), &ledger, own.clone(), false);
        assert_eq!(String::from_utf8(news).unwrap(), "dtrace: 2 drops on CPU 0\ndtrace: 7 drops on CPU 3\n");
        ledger.by_cpu[0].2 = 3;
        assert_eq!(drops.news(&program(), &ledger, own, true), b"dtrace: [DTRACEDROP_PRINCIPAL] 1 drop on CPU 0\n");
    }
}
