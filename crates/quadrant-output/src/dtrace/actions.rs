//! One action of a firing.

use quadrant_program::action::Action;
use quadrant_program::action::ActionKind;
use quadrant_program::format::Format;
use quadrant_program::map::MapId;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::value::Value;

use crate::arguments::Arguments;
use crate::dtrace::aggregation;
use crate::dtrace::bytes;
use crate::dtrace::cell::Cell;
use crate::dtrace::cell::Integer;
use crate::dtrace::flow::Waiting;
use crate::dtrace::host::Host;
use crate::dtrace::host::Request;
use crate::dtrace::options::Sort;
use crate::dtrace::order;
use crate::dtrace::print;
use crate::dtrace::printa;
use crate::dtrace::printer::Firing;
use crate::dtrace::printer::Printer;
use crate::dtrace::printf::Audience;
use crate::dtrace::printf::printf;
use crate::dtrace::table::Row;
use crate::dtrace::value::say;
use crate::dtrace::value::trace;
use crate::dtrace::value::trace_own;
use crate::value::MALFORMED;

/// Carry out an action with its arguments. Gives the records that it lets loose, to be shown when the row is done.
pub(super) fn carry_out(
    printer: &mut Printer<'_>,
    out: &mut Vec<u8>,
    (action, firing): (&Action, Firing),
    mut args: Arguments<'_>,
    host: &mut dyn Host,
) -> Vec<Waiting> {
    match &action.kind {
        ActionKind::Commit => return host.speculated(number(&mut args).map_or(0, Integer::bits)),
        ActionKind::Discard => host.request(out, Request::Discard(number(&mut args).map_or(0, Integer::bits))),
        ActionKind::Clear(map) => host.request(out, Request::Clear(*map)),
        ActionKind::Normalize(map) => {
            printer.normalize(*map, number(&mut args).map_or(1, Integer::bits));
        }
        ActionKind::Denormalize(map) => printer.normalize(*map, 1),
        ActionKind::Trunc(map) => {
            let count = if action.args.is_empty() { 0 } else { number(&mut args).map_or(0, Integer::as_signed) };
            trunc(printer, out, *map, count, host);
        }
        ActionKind::Printa { format, maps } => print_aggregations(printer, out, format.as_ref(), maps, host),
        ActionKind::System(format) => {
            let command = formatted(printer, format, &mut args, host);
            host.request(out, Request::System(&command));
        }
        ActionKind::Freopen(format) => {
            let name = formatted(printer, format, &mut args, host);
            host.request(out, Request::Freopen(&name));
        }
        ActionKind::Ftruncate => host.request(out, Request::Ftruncate),
        ActionKind::Setopt(name, value) => match host.set_option(name, value.as_deref()) {
            Ok(options) => printer.options = options,
            Err(why) => host.request(out, Request::Complain(&printer.complaint(firing, &why))),
        },
        ActionKind::Exit => {
            let status = number(&mut args).map_or(0, Integer::as_signed);
            host.request(out, Request::Exit(status as i32));
        }
        ActionKind::Speculate => {}
        _ => show(printer, out, action, &mut args, host),
    }
    Vec::new()
}

/// The actions that only print.
fn show(printer: &mut Printer<'_>, out: &mut Vec<u8>, action: &Action, args: &mut Arguments<'_>, host: &mut dyn Host) {
    let mut stage = printer.stage(host.resolver());
    match &action.kind {
        ActionKind::Trace => trace(out, &Cell::next(args), &mut stage),
        ActionKind::TraceOwn => trace_own(out, &Cell::next(args), &mut stage),
        ActionKind::Say(text) => say(out, text, &stage),
        ActionKind::Printf(format) => printf(out, format, args, Audience::People, &mut stage),
        ActionKind::Print(type_name) => {
            let address = (action.args.len() > 1).then(|| number(args).map_or(0, Integer::bits));
            print::print(out, address, type_name, &Cell::next(args), &mut stage);
        }
        ActionKind::Tracemem | ActionKind::Pcap => {
            let cell = Cell::next(args);
            let length = (action.kind == ActionKind::Tracemem && action.args.len() > 1).then(|| number(args)).flatten();
            memory(out, &cell, length);
        }
        _ => {}
    }
}

fn number(args: &mut Arguments<'_>) -> Option<Integer> {
    Cell::next(args).integer()
}

/// A dump of bytes, or of the first `length` of them. A length that makes no sense means all.
fn memory(out: &mut Vec<u8>, cell: &Cell<'_>, length: Option<Integer>) {
    let bytes = match cell.value {
        Value::Bytes(bytes) | Value::Array(_, bytes) | Value::Record(_, bytes) | Value::Text { bytes, .. } => bytes,
        _ => return out.extend_from_slice(MALFORMED),
    };
    let length = length.and_then(|length| usize::try_from(length.as_signed()).ok());
    let bytes = length.and_then(|length| bytes.get(..length)).unwrap_or(bytes);
    if !bytes.is_empty() {
        bytes::dump(out, bytes);
    }
}

/// A command or the name of a file: nothing is escaped in it.
fn formatted(printer: &Printer<'_>, format: &Format, args: &mut Arguments<'_>, host: &mut dyn Host) -> Vec<u8> {
    let mut text = Vec::new();
    printf(&mut text, format, args, Audience::System, &mut printer.stage(host.resolver()));
    text
}

fn print_aggregations(
    printer: &mut Printer<'_>,
    out: &mut Vec<u8>,
    format: Option<&Format>,
    maps: &[MapId],
    host: &mut dyn Host,
) {
    maps.iter().for_each(|map| printer.is_printed(*map));
    if !maps.first().is_none_or(|map| host.prints(*map)) {
        return;
    }
    let snapshots: Vec<Snapshot> = maps.iter().map(|map| host.snapshot(*map)).collect();
    let Some(mut table) = printer.table(maps, &snapshots, host.resolver()) else { return };
    let mut stage = printer.stage(host.resolver());
    match format {
        Some(format) => printa::printa(out, format, &mut table, &mut stage),
        None => {
            out.push(b'\n');
            aggregation::aggregation(out, &mut table, &mut stage);
        }
    }
}

/// Keep the `count` greatest entries; the least if it is negative; none if it is 0.
fn trunc(printer: &Printer<'_>, out: &mut Vec<u8>, map: MapId, count: i64, host: &mut dyn Host) {
    if !host.truncates(map, count) {
        return;
    }
    let snapshot = host.snapshot(map);
    let Some(mut table) = printer.table(&[map], &[snapshot], host.resolver()) else { return };
    order::sort(&mut table, &Sort { reverse: count > 0, ..Sort::default() });
    let kept = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let keys = |row: Row| std::iter::once(row.key).chain(row.others);
    let removed: Vec<Vec<u8>> = table.rows.into_iter().skip(kept).flat_map(keys).collect();
    if !removed.is_empty() {
        host.request(out, Request::Remove(map, removed));
    }
}
