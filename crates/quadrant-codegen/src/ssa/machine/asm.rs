//! Collects instructions and resolves jumps, all of which lead forward.
//!
//! A jump reaches 32,767 instructions. Where code between a jump and its target grows longer, the assembler
//! puts in a second jump on the way for it to land on.

use std::collections::VecDeque;

use quadrant_bpf::insn::{EXIT, Insn, JA, class};

use super::super::ir::Span;

/// A place in the code that jumps lead to.
pub type Label = usize;

/// When the oldest open jump is this far back, an island of jumps is made...
const ISLAND_AGE: usize = 16_384;
/// ...for all that are at least this far back. The island is no longer than what lies between, so it is in reach.
const ISLAND_MINIMUM: usize = 8_192;

/// Instructions under construction.
#[derive(Debug, Default)]
pub struct Assembler {
    /// What there is so far; jumps in it may still have distance 0.
    pub insns: Vec<Insn>,
    /// Index and text of the instructions at which the text changes.
    pub spans: Vec<(u32, Span)>,
    labels: Vec<Option<usize>>,
    open: VecDeque<(usize, Label)>,
    last_bound: Option<usize>,
}

impl Assembler {
    /// Makes labels, with numbers from 0.
    pub fn with_labels(count: usize) -> Assembler {
        Assembler { labels: vec![None; count], ..Assembler::default() }
    }

    /// The text that following instructions come from.
    pub fn set_span(&mut self, span: Span) {
        let at = self.insns.len() as u32;
        match self.spans.last_mut() {
            Some((_, last)) if *last == span => {}
            Some((start, last)) if *start == at => *last = span,
            _ => self.spans.push((at, span)),
        }
    }

    /// Appends one instruction.
    pub fn push(&mut self, insn: Insn) {
        self.island();
        self.insns.push(insn);
    }

    /// Appends a 64-bit immediate load; returns its index.
    pub fn push_wide(&mut self, pair: [Insn; 2]) -> usize {
        self.island();
        self.insns.extend(pair);
        self.insns.len() - 2
    }

    /// Appends a jump to `label`.
    pub fn push_jump(&mut self, insn: Insn, label: Label) {
        self.island();
        self.open.push_back((self.insns.len(), label));
        self.insns.push(insn);
    }

    /// Puts `label` here.
    pub fn bind(&mut self, label: Label) {
        self.labels[label] = Some(self.insns.len());
        self.last_bound = Some(self.insns.len());
    }

    /// Fills in the distances that are still missing.
    pub fn finish(&mut self) {
        for (site, label) in std::mem::take(&mut self.open) {
            self.resolve(site, label);
        }
    }

    /// Fills in one distance; false if its label is not yet bound.
    fn resolve(&mut self, site: usize, label: Label) -> bool {
        let Some(target) = self.labels[label] else { return false };
        self.set_distance(site, target);
        true
    }

    fn set_distance(&mut self, site: usize, target: usize) {
        // Within reach by construction, see `island`.
        self.insns[site].off = (target - site - 1) as i16;
    }

    fn island(&mut self) {
        while let Some(&(site, label)) = self.open.front() {
            if !self.resolve(site, label) {
                break;
            }
            self.open.pop_front();
        }
        if self.open.front().is_some_and(|(site, _)| site + ISLAND_AGE <= self.insns.len()) {
            self.make_island();
        }
    }

    fn make_island(&mut self) {
        let here = self.insns.len();
        let around = (!self.is_after_end()).then_some(here);
        if around.is_some() {
            self.insns.push(Insn::ja(0));
        }
        let mut landings: Vec<(Label, usize)> = Vec::new();
        while let Some(&(site, label)) = self.open.front() {
            if site + ISLAND_MINIMUM > here {
                break;
            }
            self.open.pop_front();
            if !self.resolve(site, label) {
                let landing = self.landing(&mut landings, label);
                self.set_distance(site, landing);
            }
        }
        let after = self.insns.len();
        around.into_iter().for_each(|site| self.set_distance(site, after));
        landings.sort_unstable_by_key(|(_, site)| *site);
        self.open.extend(landings.into_iter().map(|(label, site)| (site, label)));
    }

    /// The island's jump to `label`.
    fn landing(&mut self, landings: &mut Vec<(Label, usize)>, label: Label) -> usize {
        match landings.binary_search_by_key(&label, |(label, _)| *label) {
            Ok(at) => landings[at].1,
            Err(at) => {
                let site = self.insns.len();
                landings.insert(at, (label, site));
                self.insns.push(Insn::ja(0));
                site
            }
        }
    }

    /// Whether control cannot come here from the instruction before.
    fn is_after_end(&self) -> bool {
        let jump = class::JMP | JA;
        let is_target = self.last_bound == Some(self.insns.len());
        !is_target && self.insns.last().is_none_or(|insn| insn.code == jump || insn.code == class::JMP | EXIT)
    }
}
