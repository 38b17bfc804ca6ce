//! The fields of trace events.

use super::made::is_of_probe;
use super::{list, made_events};
use crate::error::{Result, error, from_kernel, from_types, no_match};
use crate::glob::Glob;
use crate::point::{ArgsPool, check_count};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::advice::{Advice, Named};
use quadrant_program::probe::{Args, Field, FieldPlace, Found, Point, ProbeError, ProbeKind, ProbeSpec, Site};
use quadrant_types::{CType, EventFormat, FieldStorage, FormatField, Types};

/// System call events: their pointers are the caller's, in user memory.
const SYSCALLS: &str = "syscalls";

/// All events that `["category", "event"]` means.
pub(crate) fn resolve(tracefs: &TraceFs, types: &Types, spec: &ProbeSpec, limit: usize) -> Result<Vec<Found>> {
    let [category, event] = spec.parts.as_slice() else {
        return Err(error("a tracepoint is named `tracepoint:category:event`, as in `tracepoint:sched:sched_switch`"));
    };
    let events = matching(tracefs, &Glob::new(category), &Glob::new(event))?;
    check_count(&format!("tracepoint:{category}:{event}"), events.len(), limit)?;
    let mut pool = ArgsPool::default();
    events.iter().map(|(category, event)| describe(tracefs, types, category, event, &mut pool)).collect()
}

/// A name without wildcards needs no list.
fn matching(tracefs: &TraceFs, category: &Glob, event: &Glob) -> Result<Vec<(String, String)>> {
    if let (Some(category), Some(event)) = (category.literal(), event.literal()) {
        return Ok(vec![(category.to_owned(), event.to_owned())]);
    }
    let events = list(tracefs, category, event)?;
    if events.is_empty() { Err(missing(tracefs, category.text(), event.text())) } else { Ok(events) }
}

fn describe(tracefs: &TraceFs, types: &Types, category: &str, event: &str, pool: &mut ArgsPool) -> Result<Found> {
    let text = format_text(tracefs, category, event)?;
    let format = EventFormat::parse(&text).map_err(|error| from_types(&error))?;
    if is_of_probe(&format) {
        return Err(made_of_probe(tracefs, category, event));
    }
    Ok(found(types, &format, category, event, pool))
}

fn made_of_probe(tracefs: &TraceFs, category: &str, event: &str) -> ProbeError {
    let mut error = error(format!(
        "`tracepoint:{category}:{event}` is an event that somebody made of a probe: the kernel runs no tracepoint's program there"
    ));
    let made = made_events(tracefs).into_iter().find(|made| made.category == category && made.event == event);
    let place = made.map_or(String::new(), |made| format!(" (tracefs has it as `{}`)", made.line));
    let places = vec![Named::probe(ProbeKind::Uprobe, ["FILE", "PLACE"]), Named::probe(ProbeKind::Kprobe, ["PLACE"])];
    error.help.push(Advice::one_of("probe the place itself, with ", places, place));
    error
}

/// A tracepoint with that format.
pub(crate) fn found(types: &Types, format: &EventFormat, category: &str, event: &str, pool: &mut ArgsPool) -> Found {
    let fields = format.own_fields().map(|field| describe_field(types, format, field, category == SYSCALLS));
    let args = Args { fields: fields.collect(), ..Args::default() };
    let site = Site::Tracepoint { category: category.to_owned(), event: event.to_owned() };
    let name = format!("tracepoint:{category}:{event}");
    Found { point: Point { site, name, func: String::new() }, args: pool.share(args) }
}

/// The content of a tracepoint's format file.
///
/// # Errors
/// There is no such tracepoint, or the file cannot be read.
pub(crate) fn format_text(tracefs: &TraceFs, category: &str, event: &str) -> Result<String> {
    // A slash would make the name a path to somewhere else.
    if category.contains('/') || event.contains('/') {
        return Err(missing(tracefs, category, event));
    }
    let text = tracefs.read(&format!("events/{category}/{event}/format")).map_err(|error| {
        let absent = error.errno().is_some_and(|errno| errno.name() == Some("ENOENT"));
        if absent { missing(tracefs, category, event) } else { from_kernel(&error) }
    })?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn describe_field(types: &Types, format: &EventFormat, field: &FormatField, user: bool) -> Field {
    let ty = types.format_field_type(format, field);
    let is_pointer = matches!(types.kind(ty), CType::Ptr { .. });
    let place = match field.storage {
        FieldStorage::Inline => FieldPlace::Context { offset: field.offset, size: read_size(types, field, ty) },
        FieldStorage::DataLoc => FieldPlace::DataLoc { offset: field.offset, relative: false },
        FieldStorage::RelLoc => FieldPlace::DataLoc { offset: field.offset, relative: true },
    };
    Field { name: field.name.clone(), ty, place, user: user && is_pointer }
}

/// A system call's `int` has a slot of 8 bytes of which only the lower 4 are its value.
fn read_size(types: &Types, field: &FormatField, ty: quadrant_types::TypeId) -> u32 {
    let own = types.size_of(ty).and_then(|size| u32::try_from(size).ok());
    own.filter(|size| *size > 0).map_or(field.size, |size| size.min(field.size))
}

/// Whether two names of events have a word in common: else they are hardly about the same, however near their letters.
fn share_a_word(a: &str, b: &str) -> bool {
    a.split('_').any(|word| word.len() > 2 && b.split('_').any(|other| other == word))
}

fn missing(tracefs: &TraceFs, category: &str, event: &str) -> ProbeError {
    let wanted = format!("{category}:{event}");
    let everything = Glob::new("*");
    let events = list(tracefs, &everything, &everything).unwrap_or_default();
    let in_category = events.iter().filter(|(known, _)| known == category).count();
    let alike = events.iter().filter(|(known, other)| known == category || share_a_word(event, other));
    let names: Vec<String> = alike.map(|(category, event)| format!("{category}:{event}")).collect();
    let mut error = no_match(format!("there is no tracepoint `{wanted}`"), &wanted, names.iter().map(String::as_str));
    if in_category > 0 {
        let listing = Named::listing(ProbeKind::Tracepoint, [category, "*"]);
        error.help.push(Advice::one_of("", vec![listing], format!(" lists the {in_category} of this category")));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_by_their_words_and_not_by_their_letters() {
        assert!(share_a_word("sys_entr_open", "sys_enter_open"));
        assert!(!share_a_word("vfs_read", "xfs_dqread"));
        assert!(!share_a_word("a_b", "c_b"));
    }
}
