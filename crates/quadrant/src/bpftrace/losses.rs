//! What was lost, in bpftrace's words where it has some, else in ours: nothing is silent.

use quadrant_codegen::object::LossKind;
use quadrant_output::Mode;
use quadrant_output::peer;
use quadrant_program::Program;
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;
use quadrant_session::Ledger;

use super::report;
use crate::losses::lines;

/// How losses are told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses;

impl Losses {
    /// Append all losses: as text for standard error, as JSON for the output.
    pub fn tell(self, out: &mut Vec<u8>, program: &Program, script: &Sources, ledger: &Ledger, mode: Mode) {
        let records = ledger.count(|kind| kind == LossKind::Record);
        if records > 0 {
            peer::lost_events(out, records, mode);
        }
        let full = ledger.losses.iter().filter(|(loss, _)| matches!(loss.kind, LossKind::Key(_)));
        full.for_each(|(loss, count)| map_full(out, script, loss.span, *count, mode));
        let divisions = ledger.losses.iter().filter(|(loss, _)| loss.kind == LossKind::Division);
        divisions.for_each(|(loss, count)| by_zero(out, script, loss.span, *count, mode));
        let mut others = ledger.clone();
        others.losses.retain(|(loss, _)| !is_in_its_words(loss.kind));
        let lines = lines(program, script, &others);
        let entries: Vec<_> = lines.iter().map(crate::losses::Line::entry).collect();
        peer::losses(out, &entries, mode);
    }
}

/// Whether bpftrace has words for it.
fn is_in_its_words(kind: LossKind) -> bool {
    matches!(kind, LossKind::Record | LossKind::Key(_) | LossKind::Division)
}

const BY_ZERO: &str =
    "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.";

fn by_zero(out: &mut Vec<u8>, script: &Sources, span: Span, count: u64, mode: Mode) {
    match mode {
        _ if count == 0 => {}
        Mode::Json => peer::runtime_error(out, &crate::script::range(script, span.start, span.end), BY_ZERO, count),
        Mode::Text => {
            let info = format!("WARNING: {BY_ZERO}{}", times(count));
            out.extend_from_slice(report::at(script, span.start, span.end, &info).as_bytes());
        }
    }
}

/// How often, if more than once.
fn times(count: u64) -> String {
    if count == 1 { String::new() } else { format!(" ({count} times)") }
}

/// What the kernel says to an update of a full hash, and its number.
const FULL: (&str, i32) = ("Argument list too long", -7);

const ADVICE: &str = "Map full; can't update element. Try increasing max_map_keys config or manually setting the max entries in a \
                      map declaration e.g. `let @a = hash(5000)`";

fn map_full(out: &mut Vec<u8>, script: &Sources, span: Span, count: u64, mode: Mode) {
    match mode {
        Mode::Json => {
            let place = crate::script::range(script, span.start, span.end);
            peer::helper_error(out, &place, FULL.0, ("map_update_elem", FULL.1), count);
        }
        Mode::Text => {
            let times = times(count);
            let info =
                format!("WARNING: {ADVICE}\nAdditional Info - helper: map_update_elem, retcode: {}{times}", FULL.1);
            out.extend_from_slice(report::at(script, span.start, span.end, &info).as_bytes());
        }
    }
}
