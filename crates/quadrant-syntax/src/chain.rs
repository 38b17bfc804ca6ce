//! `a || b || c ...`: as long as the lists are that scripts look for.

use quadrant_program::span::Span;

/// Chains up to this long lean to the left, as the grammar has them.
const SHORT: usize = 32;

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
