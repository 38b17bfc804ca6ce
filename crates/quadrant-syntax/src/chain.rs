//! `a || b || c ...`: as long as the lists are that scripts look for.

use quadrant_program::span::Span;

use crate::descent::Descent;
use crate::lexer::Language;
use crate::op::{BinOp, infix};

/// Chains up to this long lean to the left, as the grammar has them.
const SHORT: usize = 32;

/// Parses a chain whose first operand has been parsed, and whose first operator is the next token. `operand` parses another one; `node`
/// makes one expression of two, from its place and the operator's.
pub fn parse<'a, L: Language + 'a, P: Descent<'a, L>, E>(
    parser: &mut P,
    (start, first): (u32, E),
    op: BinOp,
    operand: impl Fn(&mut P) -> E,
    node: impl Fn(&mut P, (Span, Span), E, E) -> E,
) -> Option<E> {
    let span = parser.span_from(start);
    let mut operands = vec![(span, (span, first))];
    while !parser.recovering && infix(parser.token.kind).is_some_and(|(next, _)| next == op) {
        let op_span = parser.bump().span;
        let start = parser.token.span.start;
        let value = operand(parser);
        operands.push((op_span, (parser.span_from(start), value)));
    }
    let joined = join(operands, &mut |(first, left), op_span, (last, right)| {
        let span = Span::new(first.start, last.end);
        (span, node(parser, (span, op_span), left, right))
    });
    joined.map(|(_, (_, expr))| expr)
}

/// One expression of operands that the same operator joins; the place is that of the operator in front of an operand. Of a long
/// chain each half becomes a tree, so that the height stays small: for operators of which `(a b) c` and `a (b c)` are the same,
/// also in what is computed first.
pub fn join<E>(mut operands: Vec<(Span, E)>, pair: &mut impl FnMut(E, Span, E) -> E) -> Option<(Span, E)> {
    if operands.len() > SHORT {
        let last = operands.split_off(operands.len() / 2);
        let ((op, left), (between, right)) = (join(operands, pair)?, join(last, pair)?);
        return Some((op, pair(left, between, right)));
    }
    let mut operands = operands.into_iter();
    let (op, first) = operands.next()?;
    Some((op, operands.fold(first, |left, (between, right)| pair(left, between, right))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text and the height of what becomes of `len` operands.
    fn joined(len: u32) -> (String, u32) {
        let operand = |at: u32| (Span::new(at, at + 1), (at.to_string(), 0));
        let mut pair = |left: (String, u32), op: Span, right: (String, u32)| {
            (format!("({} {} {})", left.0, op.start, right.0), left.1.max(right.1) + 1)
        };
        join((0..len).map(operand).collect(), &mut pair).unwrap().1
    }

    #[test]
    fn short_chains_lean_to_the_left() {
        assert_eq!(joined(1).0, "0");
        assert_eq!(joined(4).0, "(((0 1 1) 2 2) 3 3)");
    }

    #[test]
    fn long_chains_stay_low_and_in_order() {
        let (text, height) = joined(100_000);
        assert!(height < 50, "{height}");
        let numbers: Vec<u32> = text.split(['(', ')', ' ']).filter_map(|word| word.parse().ok()).collect();
        let each: Vec<u32> = (0..100_000).flat_map(|at| vec![at; if at == 0 { 1 } else { 2 }]).collect();
        assert_eq!(numbers, each);
    }
}
