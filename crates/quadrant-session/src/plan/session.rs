//! Entries and returns of the same functions as one program each.
//!
//! Where a function has both, the kernel enters one program twice instead of two programs once: one probe in the function
//! instead of two, one link, and a return is only seen of a call whose entry was seen. But where the kernel keeps track of a
//! limited number of calls, the entries of the others are lost, too, so there it is done only if the user wants it.

use std::collections::HashMap;

use quadrant_program::Program;
use quadrant_program::probe::{KernelCode, PointId, Site};

use super::{Group, KprobeMeans, Mechanism, PlanOptions};
use crate::uses;

/// Puts each group of entries together with the group of returns of exactly the same functions, in its place.
pub(super) fn pair(program: &Program, groups: Vec<Group>, options: &PlanOptions<'_>) -> Vec<Group> {
    if !matches!(options.kprobes, None | Some(KprobeMeans::Session)) {
        return groups;
    }
    let mut places: Vec<Option<HashMap<u64, PointId>>> = groups.iter().map(|group| places(program, group)).collect();
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    for entry in 0..groups.len() {
        let partner = partner(&groups, &places, entry);
        let Some(found) = partner.filter(|_| suitable(program, groups[entry].as_ref(), options)) else { continue };
        if let (Some(returns), Some(by_address)) = (groups[found].take(), places[found].take())
            && let Some(group) = &mut groups[entry]
        {
            let address = |point: &PointId| code(program, *point).and_then(|code| code.address);
            let points = group.points.iter().filter_map(|point| by_address.get(&address(point)?).copied()).collect();
            group.returns = Some((returns.clauses, points));
        }
    }
    groups.into_iter().flatten().collect()
}

/// The group of returns of the functions whose entries a group has.
fn partner(groups: &[Option<Group>], places: &[Option<HashMap<u64, PointId>>], entry: usize) -> Option<usize> {
    let is = |index: &usize, wanted: bool| {
        let group = groups.get(*index).and_then(Option::as_ref);
        group.is_some_and(|group| matches!(group.mechanism, Mechanism::Kprobe { ret, .. } if ret == wanted))
    };
    let entries = places.get(entry)?.as_ref().filter(|_| is(&entry, false))?;
    let same = |returns: &HashMap<u64, PointId>| {
        returns.len() == entries.len() && returns.keys().all(|address| entries.contains_key(address))
    };
    (0..groups.len()).find(|index| is(index, true) && places[*index].as_ref().is_some_and(same))
}

/// The points of a group of kernel probes by address; `None` if some are not at the start of a function, or are made of events
/// of tracefs, or if the process of `-p` is not all that they are for.
fn places(program: &Program, group: &Group) -> Option<HashMap<u64, PointId>> {
    let Mechanism::Kprobe { means: KprobeMeans::Multi | KprobeMeans::Perf, .. } = group.mechanism else { return None };
    if group.clauses.iter().any(|clause| uses::asks_for_descendants(&program.clauses[*clause])) {
        return None;
    }
    let place = |point: &PointId| {
        let code = code(program, *point).filter(|code| code.offset == 0)?;
        Some((code.address?, *point))
    };
    let places = group.points.iter().map(place).collect::<Option<HashMap<_, _>>>()?;
    (places.len() == group.points.len()).then_some(places)
}

/// Whether the kernel can do it, and well, for all functions of the group.
fn suitable(program: &Program, group: Option<&Group>, options: &PlanOptions<'_>) -> bool {
    let knows = |point: &PointId| {
        code(program, *point).is_some_and(|code| code.traceable || options.abilities.is_traceable(code))
    };
    let wanted = options.kprobes.is_some() || !options.abilities.limits_returns();
    wanted && options.abilities.kprobe_session() && group.is_some_and(|group| group.points.iter().all(knows))
}

fn code(program: &Program, point: PointId) -> Option<&KernelCode> {
    match &program.points.get(point.0 as usize)?.site {
        Site::Kprobe(code) | Site::Kretprobe(code) => Some(code),
        _ => None,
    }
}
