//! When, by whom and where a record was made: what every record of a stamped program ends with.

use crate::Program;
use crate::expr::Builtin;
use crate::expr::Clock;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::layout;
use crate::probe::PointId;
use crate::record::Record;
use crate::span::Span;
use crate::ty::Type;
use crate::value::extend;

/// The words of a stamp, in order, with their types: each is one of 8 bytes.
const WORDS: [(Builtin, Type); 4] = [
    (Builtin::Nsecs(Clock::Boot), Type::U64),
    (Builtin::Pid, Type::U32),
    (Builtin::Tid, Type::U32),
    (Builtin::Point, Type::U64),
];

/// What a record says of the firing that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The boot clock, in nanoseconds.
    pub boot_ns: u64,
    /// The CPU.
    pub cpu: u32,
    /// Process id, in the namespace of the tracer.
    pub pid: u32,
    /// Thread id, in the namespace of the tracer.
    pub tid: u32,
    /// The point that fired.
    pub point: PointId,
}

/// Let every record of a program end with a stamp. It costs each of them some 20 ns and 32 bytes, so only a reader of stamps asks for it.
pub fn stamp(program: &mut Program) {
    program.stamped = true;
    program.records.iter_mut().for_each(|record| record.args.extend(WORDS.map(|(_, ty)| ty)));
}

/// The last arguments of every record of a stamped program.
pub fn arguments(span: Span) -> [Expr; 4] {
    WORDS.map(|(builtin, ty)| Expr::new(ExprKind::Builtin(builtin), ty, span))
}

/// The arguments of the script in a record of any program.
pub fn of_script<'a>(program: &Program, args: &'a [Type]) -> &'a [Type] {
    if program.stamped { unstamped(args) } else { args }
}

/// The arguments of the script in a record of a stamped program.
pub fn unstamped(args: &[Type]) -> &[Type] {
    &args[..args.len().saturating_sub(WORDS.len())]
}

impl Stamp {
    /// Of a whole record of a stamped program; `None` if it has too few bytes.
    pub fn read(record: &Record, bytes: &[u8]) -> Option<Stamp> {
        let (_, start) = layout::record_offsets(unstamped(&record.args));
        let start = start as usize;
        let word = |index: usize| Some(extend(bytes.get(start + 8 * index..start + 8 * index + 8)?, false));
        Some(Stamp {
            boot_ns: word(0)?,
            cpu: extend(bytes.get(4..8)?, false) as u32,
            pid: word(1)? as u32,
            tid: word(2)? as u32,
            point: PointId(word(3)? as u32),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordKind;

    #[test]
    fn stamps_are_behind_the_arguments() {
        let record = |args: Vec<Type>| Record { kind: RecordKind::Print, args, span: Span::default() };
        let mut program = Program { records: vec![record(vec![Type::Inet]), record(Vec::new())], ..Program::default() };
        stamp(&mut program);
        for (record, before) in program.records.iter().zip([24, 0]) {
            assert_eq!(unstamped(&record.args).len(), usize::from(before > 0));
            let mut bytes = [&1u32.to_le_bytes()[..], &3u32.to_le_bytes(), &vec![0xff; before]].concat();
            [5u64, 6, 7, 8].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
            let expected = Stamp { boot_ns: 5, cpu: 3, pid: 6, tid: 7, point: PointId(8) };
            assert_eq!(Stamp::read(record, &bytes), Some(expected));
            bytes.pop();
            assert_eq!(Stamp::read(record, &bytes), None);
        }
    }
}
