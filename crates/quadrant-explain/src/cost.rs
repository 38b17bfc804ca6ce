//! What a program is expected to cost, from its instructions.
//!
//! Generated functions have no back edges, so every way through one is finite: the cheapest and the dearest are found in one pass.

use quadrant_bpf::insn::{self, Insn, class};
use quadrant_codegen::ssa::Code;

use crate::helpers::helper;

/// Nanoseconds of an instruction that calls nothing: several run at once.
const INSN_NS: f32 = 0.3;

/// A way through a function.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Way {
    /// Instructions on it.
    pub insns: u32,
    /// Nanoseconds: instructions, and the calls whose time is known.
    pub ns: f32,
    /// Calls whose time depends on what they find.
    pub open: u32,
}

/// The ways through a function.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cost {
    /// The one with the fewest nanoseconds.
    pub least: Way,
    /// The one with the most.
    pub most: Way,
}

/// The cost of each of the program's functions: the entry, then the bodies of loops, each for one round.
pub fn costs(code: &Code) -> Vec<Cost> {
    let ends = code.funcs.iter().skip(1).map(|func| func.at).chain([code.insns.len() as u32]);
    let ranges = code.funcs.iter().zip(ends).map(|(func, end)| (func.at as usize, end as usize));
    ranges.map(|(start, end)| cost(code.insns.get(start..end).unwrap_or_default())).collect()
}

fn cost(insns: &[Insn]) -> Cost {
    let mut known: Vec<Option<Cost>> = vec![None; insns.len()];
    let mut open: Vec<usize> = (0..insns.len().min(1)).collect();
    let mut seen = vec![false; insns.len()];
    while let Some(&at) = open.last() {
        seen[at] = true;
        let next = successors(insns, at);
        if let Some(unseen) = next.iter().copied().find(|next| !seen[*next]) {
            open.push(unseen);
            continue;
        }
        open.pop();
        let after = next.iter().filter_map(|next| known[*next]);
        known[at] = Some(joined(own(insns[at]), after));
    }
    known.first().copied().flatten().unwrap_or_default()
}

/// Instructions that may come next in the same function.
fn successors(insns: &[Insn], at: usize) -> Vec<usize> {
    let insn = insns[at];
    let next = at + if insn.is_wide() { 2 } else { 1 };
    let is_jump = matches!(insn.class(), class::JMP | class::JMP32);
    let target = |by: i64| usize::try_from(at as i64 + 1 + by).ok();
    let places = match (is_jump, insn.code & 0xf0) {
        (true, insn::EXIT) => [None, None],
        (true, insn::CALL) | (false, _) => [Some(next), None],
        (true, insn::JA) if insn.class() == class::JMP32 => [target(insn.imm.into()), None],
        (true, insn::JA) => [target(insn.off.into()), None],
        (true, _) => [Some(next), target(insn.off.into())],
    };
    places.into_iter().flatten().filter(|place| *place < insns.len()).collect()
}

fn own(insn: Insn) -> Way {
    let plain = Way { insns: 1, ns: INSN_NS, open: 0 };
    if !insn.is_call() {
        return plain;
    }
    let time = Some(insn.imm as u32).filter(|_| insn.is_helper_call()).and_then(helper).and_then(|h| h.ns);
    match time {
        Some(ns) => Way { ns: plain.ns + ns, ..plain },
        None => Way { open: 1, ..plain },
    }
}

fn joined(own: Way, after: impl Iterator<Item = Cost> + Clone) -> Cost {
    let dear = |a: &Way, b: &Way| a.ns.total_cmp(&b.ns).then(a.open.cmp(&b.open));
    let least = after.clone().map(|cost| cost.least).min_by(dear).unwrap_or_default();
    let most = after.map(|cost| cost.most).max_by(dear).unwrap_or_default();
    Cost { least: plus(own, least), most: plus(own, most) }
}

fn plus(a: Way, b: Way) -> Way {
    Way { insns: a.insns + b.insns, ns: a.ns + b.ns, open: a.open + b.open }
}

#[cfg(test)]
mod tests {
    use quadrant_bpf::helper;
    use quadrant_bpf::insn::{Cond, Reg};

    use super::*;

    #[test]
    fn the_dear_way_has_the_call() {
        let insns = [
            Insn::jmp_imm(Cond::Eq, Reg::R1, 0, 2),
            Insn::call_helper(helper::KTIME_GET_NS),
            Insn::call_helper(helper::GET_STACKID),
            Insn::exit(),
        ];
        let cost = cost(&insns);
        assert_eq!((cost.least.insns, cost.least.open), (2, 0));
        assert_eq!((cost.most.insns, cost.most.open), (4, 1));
        assert!(cost.most.ns > 30.0 && cost.least.ns < 1.0);
    }

    #[test]
    fn a_jump_back_does_not_hang() {
        assert_eq!(cost(&[Insn::ja(-1)]).most.insns, 1);
        assert_eq!(cost(&[]), Cost::default());
    }
}
