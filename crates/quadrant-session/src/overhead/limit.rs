//! When a trace is told to do less. The rules are for users, too: docs/overhead.md has them.

/// Looks above the limit, one after the other, before fewer firings count.
const HASTE: u32 = 2;
/// The same before the trace ends, when nothing else is left.
const PATIENCE: u32 = 4;
/// Looks far below the limit, one after the other, before more firings count again.
const CALM: u32 = 20;
/// At least one in so many firings counts.
const MOST: u32 = 1024;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is only said that the limit is exceeded.
    Warned,
    /// One in so many firings counts from now on; 1: all.
    Sampled(u32),
    /// The trace ends.
    Detached,
}

/// Compares the cost with the limit at each look.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    share: f64,
    can_sample: bool,
    /// One in so many firings counts.
    every: u32,
    /// Looks above the limit, one after the other.
    above: u32,
    /// Looks far below it.
    below: u32,
    /// The last look changed something: what is measured next is of before and after.
    mixed: bool,
    warned: bool,
}

impl Limit {
    pub(crate) fn new(share: f64, can_sample: bool) -> Limit {
        Limit { share, can_sample, every: 1, above: 0, below: 0, mixed: false, warned: false }
    }

    /// The part of one CPU that may be taken.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// Programs took this part of one CPU since the last look.
    pub(crate) fn look(&mut self, share: f64) -> Option<Change> {
        if std::mem::take(&mut self.mixed) {
            return None;
        }
        if share > self.share {
            self.below = 0;
            self.above += 1;
            return self.exceeded(share);
        }
        self.above = 0;
        // With twice the firings it would still be at half of the limit.
        let far = share * 4.0 <= self.share;
        self.below = if far { self.below + 1 } else { 0 };
        if self.below == CALM { self.relax() } else { None }
    }

    fn exceeded(&mut self, share: f64) -> Option<Change> {
        let samples = self.can_sample && self.every < MOST;
        if samples && self.above >= HASTE {
            return Some(self.sample(self.fitting(share)));
        }
        if self.above >= PATIENCE {
            return Some(Change::Detached);
        }
        (!std::mem::replace(&mut self.warned, true)).then_some(Change::Warned)
    }

    /// A power of two with which half of the limit would be taken, if firings that are left out cost nothing.
    fn fitting(&self, share: f64) -> u32 {
        let wanted = (f64::from(self.every) * share / (self.share / 2.0)).ceil();
        let wanted = if wanted < f64::from(MOST) { wanted as u32 } else { MOST };
        wanted.next_power_of_two().clamp(self.every * 2, MOST)
    }

    fn relax(&mut self) -> Option<Change> {
        self.below = 0;
        if self.every == 1 {
            self.warned = false;
            return None;
        }
        Some(self.sample(self.every / 2))
    }

    fn sample(&mut self, every: u32) -> Change {
        (self.every, self.above, self.below, self.mixed) = (every, 0, 0, true);
        Change::Sampled(every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(limit: &mut Limit, shares: &[f64]) -> Vec<Option<Change>> {
        shares.iter().map(|share| limit.look(*share)).collect()
    }

    #[test]
    fn a_moment_above_the_limit_is_only_told() {
        let mut limit = Limit::new(0.02, true);
        assert_eq!(looks(&mut limit, &[0.01, 0.03, 0.01, 0.03, 0.02]), [None, Some(Change::Warned), None, None, None]);
    }

    #[test]
    fn fewer_firings_count_and_in_the_end_none() {
        let mut limit = Limit::new(0.02, true);
        assert_eq!(looks(&mut limit, &[0.1, 0.1]), [Some(Change::Warned), Some(Change::Sampled(16))]);
        // The look after a change says nothing; then two more count.
        assert_eq!(looks(&mut limit, &[0.1, 0.04, 0.04]), [None, None, Some(Change::Sampled(64))]);
        assert_eq!(looks(&mut limit, &[0.1, 1.0, 1.0]), [None, None, Some(Change::Sampled(1024))]);
        assert_eq!(looks(&mut limit, &[0.1, 0.03, 0.03, 0.03]), [None, None, None, None]);
        assert_eq!(limit.look(0.03), Some(Change::Detached));
    }

    #[test]
    fn what_cannot_be_sampled_ends() {
        let mut limit = Limit::new(0.02, false);
        let told = looks(&mut limit, &[0.1, 0.1, 0.1, 0.1]);
        assert_eq!(told, [Some(Change::Warned), None, None, Some(Change::Detached)]);
    }

    #[test]
    fn more_firings_count_after_ten_calm_seconds() {
        let mut limit = Limit::new(0.02, true);
        looks(&mut limit, &[0.02, 0.021, 0.021, 0.01]);
        assert_eq!(limit.every, 4);
        let calm = |limit: &mut Limit| looks(limit, &[0.005; 20]).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(calm(&mut limit), [Change::Sampled(2)]);
        assert_eq!(limit.look(0.01), None);
        // Not far enough below the limit.
        assert_eq!(looks(&mut limit, &[0.006; 40]), [None; 40]);
        assert_eq!(calm(&mut limit), [Change::Sampled(1)]);
    }
}
