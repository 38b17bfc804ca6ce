//! Moves that happen all at once (arguments of calls and jumps) as a sequence of single ones.

use super::super::ir::Op;
use super::reg_file::REGISTERS;

/// Where a value can be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// A register.
    Reg(u8),
    /// Eight bytes of the frame, by distance from the frame pointer.
    Frame(i32),
}

/// What is moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The content of a place.
    Place(Place),
    /// Something made on the spot.
    Make(Op),
}

/// One of the moves that happen at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// Destination; all differ.
    pub to: Place,
    /// Source.
    pub from: Source,
}

/// One of the moves that happen in sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Copies; at least one of the places is a register.
    Copy {
        /// Destination.
        to: Place,
        /// Source.
        from: Place,
    },
    /// Makes something in a register.
    Make(u8, Op),
    /// Stores a constant in the frame.
    StoreImm(i32, i32),
}

/// Orders `moves`. `busy` are the registers that hold something before; `scratch` gives two places in the frame
/// for when registers run out.
pub fn sequence(moves: &[Move], busy: [bool; REGISTERS], scratch: impl FnMut(u32) -> i32) -> Vec<Step> {
    let mut sequencer = Sequencer { steps: Vec::new(), busy, scratch };
    sequencer.copies(moves);
    sequencer.makes(moves);
    sequencer.steps
}

struct Sequencer<F> {
    steps: Vec<Step>,
    busy: [bool; REGISTERS],
    scratch: F,
}

impl<F: FnMut(u32) -> i32> Sequencer<F> {
    fn copies(&mut self, moves: &[Move]) {
        let mut pending: Vec<(Place, Place)> = moves
            .iter()
            .filter_map(|item| match item.from {
                Source::Place(from) if from != item.to => Some((item.to, from)),
                _ => None,
            })
            .collect();
        // What stays where it is must not be overwritten either.
        for item in moves.iter().filter(|item| item.from == Source::Place(item.to)) {
            self.occupy(item.to);
        }
        pending.iter().for_each(|(_, from)| self.occupy(*from));
        while !pending.is_empty() {
            // A move into the frame may need a free register: as early as possible.
            let ready = |to: Place| pending.iter().all(|(_, from)| *from != to);
            let frame = pending.iter().position(|(to, _)| matches!(to, Place::Frame(_)) && ready(*to));
            match frame.or_else(|| pending.iter().position(|(to, _)| ready(*to))) {
                Some(at) => {
                    let (to, from) = pending.swap_remove(at);
                    self.copy(to, from);
                    self.occupy(to);
                }
                None => self.break_cycle(&mut pending),
            }
        }
    }

    /// All destinations are still needed as sources: puts one of them elsewhere.
    fn break_cycle(&mut self, pending: &mut [(Place, Place)]) {
        let Some(&(blocked, _)) = pending.first() else { return };
        let elsewhere = match self.free_register() {
            Some(reg) => Place::Reg(reg),
            None => Place::Frame((self.scratch)(0)),
        };
        self.copy(elsewhere, blocked);
        self.occupy(elsewhere);
        pending.iter_mut().filter(|(_, from)| *from == blocked).for_each(|(_, from)| *from = elsewhere);
    }

    fn makes(&mut self, moves: &[Move]) {
        for item in moves {
            if let (Place::Frame(off), Source::Make(op)) = (item.to, item.from) {
                self.make_in_frame(off, op);
            }
        }
        for item in moves {
            if let (Place::Reg(reg), Source::Make(op)) = (item.to, item.from) {
                self.steps.push(Step::Make(reg, op));
            }
        }
    }

    fn make_in_frame(&mut self, off: i32, op: Op) {
        if let Op::Const(imm) = op
            && let Ok(imm) = i32::try_from(imm)
        {
            self.steps.push(Step::StoreImm(off, imm));
            return;
        }
        self.with_register(|steps, reg| {
            steps.push(Step::Make(reg, op));
            steps.push(Step::Copy { to: Place::Frame(off), from: Place::Reg(reg) });
        });
    }

    fn copy(&mut self, to: Place, from: Place) {
        if let (Place::Frame(_), Place::Frame(_)) = (to, from) {
            self.with_register(|steps, reg| {
                steps.push(Step::Copy { to: Place::Reg(reg), from });
                steps.push(Step::Copy { to, from: Place::Reg(reg) });
            });
        } else {
            self.steps.push(Step::Copy { to, from });
        }
    }

    /// Runs `work` with a register that it may overwrite; if all hold something, saves one meanwhile.
    fn with_register(&mut self, work: impl FnOnce(&mut Vec<Step>, u8)) {
        if let Some(reg) = self.free_register() {
            return work(&mut self.steps, reg);
        }
        let saved = Place::Frame((self.scratch)(1));
        self.steps.push(Step::Copy { to: saved, from: Place::Reg(0) });
        work(&mut self.steps, 0);
        self.steps.push(Step::Copy { to: Place::Reg(0), from: saved });
    }

    fn free_register(&self) -> Option<u8> {
        self.busy.iter().position(|busy| !busy).map(|reg| reg as u8)
    }

    fn occupy(&mut self, place: Place) {
        if let Place::Reg(reg) = place
            && let Some(busy) = self.busy.get_mut(usize::from(reg))
        {
            *busy = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Where the two places for emergencies are.
    const SCRATCH: [i32; 2] = [-1000, -1008];

    /// Executes steps on places that start out containing their own names.
    fn execute(steps: &[Step], start: &HashMap<Place, String>) -> HashMap<Place, String> {
        let mut state = start.clone();
        for step in steps {
            match *step {
                Step::Copy { to, from } => {
                    assert!(matches!((to, from), (Place::Reg(_), _) | (_, Place::Reg(_))), "{step:?}");
                    let value = state.get(&from).cloned().unwrap_or_else(|| panic!("{from:?} is empty"));
                    state.insert(to, value);
                }
                Step::Make(reg, op) => {
                    state.insert(Place::Reg(reg), format!("{op:?}"));
                }
                Step::StoreImm(off, imm) => {
                    state.insert(Place::Frame(off), format!("{:?}", Op::Const(imm.into())));
                }
            }
        }
        state
    }

    fn check(moves: &[Move], occupied: &[Place]) {
        let sources = moves.iter().filter_map(|item| match item.from {
            Source::Place(place) => Some(place),
            Source::Make(_) => None,
        });
        let start: HashMap<Place, String> =
            occupied.iter().copied().chain(sources).map(|place| (place, format!("{place:?}"))).collect();
        let busy = std::array::from_fn(|reg| start.contains_key(&Place::Reg(reg as u8)));
        let steps = sequence(moves, busy, |which| SCRATCH[which as usize]);
        let end = execute(&steps, &start);
        for item in moves {
            let expected = match item.from {
                Source::Place(place) => format!("{place:?}"),
                Source::Make(op) => format!("{op:?}"),
            };
            assert_eq!(end.get(&item.to), Some(&expected), "{moves:?}\n{steps:?}");
        }
        for place in start.keys().filter(|place| moves.iter().all(|item| item.to != **place)) {
            assert_eq!(end.get(place), start.get(place), "{place:?} destroyed\n{moves:?}\n{steps:?}");
        }
    }

    fn random(state: &mut u64, below: usize) -> usize {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as usize % below
    }

    fn random_place(state: &mut u64) -> Place {
        match random(state, 14) {
            reg @ 0..10 => Place::Reg(reg as u8),
            frame => Place::Frame(-8 * (frame as i32 - 9)),
        }
    }

    fn random_moves(state: &mut u64) -> Vec<Move> {
        let mut moves: Vec<Move> = Vec::new();
        for _ in 0..random(state, 15) {
            let to = random_place(state);
            let from = match random(state, 6) {
                0 => Source::Make(Op::Const(7)),
                1 => Source::Make(Op::Const(i64::MAX)),
                _ => Source::Place(random_place(state)),
            };
            if moves.iter().all(|item| item.to != to) {
                moves.push(Move { to, from });
            }
        }
        moves
    }

    #[test]
    fn any_moves_with_any_registers_taken() {
        let mut state = 1;
        for round in 0..20_000 {
            let moves = random_moves(&mut state);
            let occupied: Vec<Place> = match round % 3 {
                0 => Vec::new(),
                1 => (0..10).map(Place::Reg).collect(),
                _ => (0..random(&mut state, 10) as u8).map(Place::Reg).collect(),
            };
            check(&moves, &occupied);
        }
    }
}
