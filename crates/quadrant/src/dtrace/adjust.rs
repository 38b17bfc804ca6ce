//! Options that change a compiled program: which CPU it traces, and how much it may keep.

use quadrant_d::options::Options;
use quadrant_d::options::Policy;
use quadrant_program::Program;
use quadrant_program::action::ActionKind;
use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::format::Format;
use quadrant_program::format::Piece;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use crate::failure::Failure;

/// Apply `cpu`, `aggsize`, `dynvarsize` and `bufsize`.
pub fn adjust(program: &mut Program, options: &Options) {
    // The sink does that, in the order and form of D.
    program.config.print_maps_on_exit = false;
    if let Some(cpu) = options.cpu {
        only_cpu(program, cpu);
    }
    for map in &mut program.maps {
        let bytes = match map.value {
            MapValue::Plain(_) => options.dynvarsize,
            MapValue::Aggregation(_) => options.aggsize,
        };
        map.max_entries = bytes.filter(|_| map.key.is_some()).map(|bytes| entries(map, bytes)).or(map.max_entries);
    }
    // Buffers of the other policies are the sink's; its records pass through quickly.
    if options.bufpolicy == Policy::Switch {
        program.config.ring_pages = options.bufsize.map(ring_pages).or(program.config.ring_pages);
    }
}

/// Whether numbers are shown as addresses of the target (`%A`).
pub fn names_target(program: &Program) -> bool {
    let formats = program.records.iter().flat_map(|record| match &record.kind {
        RecordKind::Firing(actions) => actions.as_slice(),
        _ => &[],
    });
    formats.filter_map(|action| format(&action.kind)).flat_map(|format| &format.pieces).any(is_user_address)
}

fn format(action: &ActionKind) -> Option<&Format> {
    match action {
        ActionKind::Printf(format) | ActionKind::Printa { format: Some(format), .. } => Some(format),
        _ => None,
    }
}

fn is_user_address(piece: &Piece) -> bool {
    matches!(piece, Piece::Conversion(conversion) if conversion.kind == "A")
}

/// Refuse a size of nothing for what the program needs.
///
/// # Errors
/// The option, in D's words.
pub fn check(program: &Program, options: &Options) -> Result<(), Failure> {
    let aggregates = |map: &Map| matches!(map.value, MapValue::Aggregation(_));
    let needs_variables = program.maps.iter().any(|map| map.key.is_some() && !aggregates(map));
    let sizes = [
        ("bufsize", options.bufsize, true),
        ("aggsize", options.aggsize, program.maps.iter().any(aggregates)),
        ("dynvarsize", options.dynvarsize, needs_variables),
    ];
    let nothing = |name: &str| format!("`{name}` is 0");
    if let Some((name, ..)) = sizes.iter().find(|(_, size, needed)| *needed && *size == Some(0)) {
        return Err(Failure::new("could not enable tracing: Enabling exceeds size of buffer").hint(nothing(name)));
    }
    if options.nspec == Some(0) {
        return Err(Failure::new("could not enable tracing: no speculations").hint(nothing("nspec")));
    }
    Ok(())
}

/// A buffer for each CPU, in one.
fn ring_pages(bufsize: u64) -> u32 {
    let cpus = quadrant_bpf::cpus::possible_count().unwrap_or(1) as u64;
    let pages = bufsize.saturating_mul(cpus).div_ceil(rustix::param::page_size() as u64);
    u32::try_from(pages.max(1)).unwrap_or(u32::MAX)
}

fn entries(map: &Map, bytes: u64) -> u32 {
    let value = match &map.value {
        MapValue::Plain(ty) => layout::size(ty),
        MapValue::Aggregation(aggregation) => 8 * aggregation.words(),
    };
    let entry = map.key.as_ref().map_or(0, layout::size) + value;
    u32::try_from(bytes / u64::from(entry.max(1))).unwrap_or(u32::MAX).max(1)
}

/// Clauses do nothing on other CPUs. BEGIN and END run where they are run.
fn only_cpu(program: &mut Program, cpu: u64) {
    let Program { clauses, points, .. } = program;
    let is_bound = |id: &PointId| !matches!(points[id.0 as usize].site, Site::Begin | Site::End | Site::Error);
    for clause in clauses.iter_mut().filter(|clause| clause.points.iter().all(is_bound)) {
        clause.predicate = Some(on_cpu(cpu, clause));
    }
}

fn on_cpu(cpu: u64, clause: &mut Clause) -> Expr {
    let span = Span { start: clause.span.start, end: clause.span.start };
    let here = Expr::new(ExprKind::Builtin(Builtin::Cpu), Type::U64, span);
    let wanted = Expr::int(cpu as i64, Type::U64, span);
    let same = Expr::new(ExprKind::Binary(BinaryOp::Eq, Box::new(here), Box::new(wanted)), Type::I32, span);
    match clause.predicate.take() {
        Some(predicate) => {
            let both = ExprKind::Logical { and: true, lhs: Box::new(same), rhs: Box::new(predicate) };
            Expr::new(both, Type::I32, span)
        }
        None => same,
    }
}

#[cfg(test)]
mod tests {
    use quadrant_program::map::Aggregation;
    use quadrant_program::probe::Point;

    use super::*;

    fn program() -> Program {
        let point = |site| Point { site, name: String::new(), func: String::new() };
        let clause =
            |id| Clause { points: vec![PointId(id)], predicate: None, body: Vec::new(), span: Span::default() };
        Program {
            points: vec![point(Site::Begin), point(Site::Interval { period_ns: 1 })],
            clauses: vec![clause(0), clause(1)],
            maps: vec![
                Map::new("a", Some(Type::U64), MapValue::Plain(Type::U64)),
                Map::new("@b", Some(Type::U64), MapValue::Aggregation(Aggregation::Count)),
                Map::new("@c", None, MapValue::Aggregation(Aggregation::Count)),
            ],
            ..Program::default()
        }
    }

    #[test]
    fn one_cpu_but_for_the_start_and_the_end() {
        let mut program = program();
        adjust(&mut program, &Options { cpu: Some(3), ..Options::default() });
        assert_eq!(program.clauses[0].predicate, None);
        assert!(program.clauses[1].predicate.is_some());
    }

    #[test]
    fn sizes_become_numbers_of_entries() {
        let mut program = program();
        adjust(&mut program, &Options { dynvarsize: Some(160), aggsize: Some(5), ..Options::default() });
        let entries: Vec<Option<u32>> = program.maps.iter().map(|map| map.max_entries).collect();
        assert_eq!(entries, [Some(10), Some(1), None]);
    }

    #[test]
    fn a_small_buffer_is_a_page() {
        let mut program = program();
        adjust(&mut program, &Options { bufsize: Some(1), ..Options::default() });
        assert_eq!(program.config.ring_pages, Some(1));
    }
}
