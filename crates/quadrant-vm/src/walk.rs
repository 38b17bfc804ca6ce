//! Walks over maps whose rounds are known before. A program says by the helper's flags which walk it is.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::map::Map;

/// The key of a round of a walk, as each of the maps that it may go over has it.
pub type Round = Vec<(i32, Vec<u8>)>;

/// What is known of the walks of a run.
#[derive(Debug, Default)]
pub struct Walks {
    /// Flags are numbers of walks; a kernel wants them to be 0.
    pub have_numbers: bool,
    /// The rounds that are still to come, by the numbers of walks. All others go from the oldest key to the newest.
    pub rounds: HashMap<u64, VecDeque<Round>>,
    /// The first walk that went on though its next round was not known, or of a key that it could not come to.
    pub astray: Option<u64>,
}

/// One walk under way over a map.
pub(crate) struct Walk {
    number: u64,
    map: usize,
    seen: HashSet<Vec<u8>>,
    /// Keys that were there when it began, oldest first.
    first: std::vec::IntoIter<Vec<u8>>,
}

impl Walk {
    pub fn new(number: u64, at: usize, map: &Map) -> Walk {
        Walk { number, map: at, seen: HashSet::new(), first: map.keys().into_iter() }
    }

    /// The key of the next round. A kernel comes to all keys that were there at the start and still are, and may come to new ones.
    pub fn next(&mut self, walks: &mut Walks, map: &Map) -> Option<Vec<u8>> {
        let key = self.known(walks, map).or_else(|| self.own(walks, map))?;
        self.seen.insert(key.clone());
        Some(key)
    }

    fn known(&self, walks: &mut Walks, map: &Map) -> Option<Vec<u8>> {
        let rounds = walks.rounds.get_mut(&self.number)?;
        let (_, key) = rounds.front()?.iter().find(|(at, _)| usize::try_from(*at) == Ok(self.map))?;
        let key = Some(key.clone()).filter(|key| map.has(key) && !self.seen.contains(key));
        key.inspect(|_| drop(rounds.pop_front()))
    }

    fn own(&mut self, walks: &mut Walks, map: &Map) -> Option<Vec<u8>> {
        let key = self.first.find(|key| map.has(key) && !self.seen.contains(key))?;
        if walks.rounds.contains_key(&self.number) {
            walks.astray.get_or_insert(self.number);
        }
        Some(key)
    }
}
