//! A cache bounded in bytes.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// Two generations of entries. When the young one has used half of the budget, the old one
/// is dropped and the young one becomes old; an entry that is used moves to the young one.
/// So what was used lately stays, every operation is O(1), and the size is bounded.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_bytes: usize,
    half: usize,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// A cache of at most about `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_bytes: 0, half: limit / 2 }
    }

    /// The value of `key`, when it is still there.
    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, (value, bytes))) = self.old.remove_entry(key) {
            self.insert(key, value, bytes);
        }
        self.young.get(key).map(|(value, _)| value)
    }

    /// Drops one entry.
    pub(crate) fn remove(&mut self, key: &K) {
        self.old.remove(key);
        if let Some((_, bytes)) = self.young.remove(key) {
            self.young_bytes = self.young_bytes.saturating_sub(bytes);
        }
    }

    /// Keeps `value`, which takes `bytes` bytes.
    pub(crate) fn insert(&mut self, key: K, value: V, bytes: usize) {
        if self.young_bytes.saturating_add(bytes) > self.half {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.old.remove(&key);
        self.young_bytes = self.young_bytes.saturating_add(bytes);
        if let Some((_, before)) = self.young.insert(key, (value, bytes)) {
            self.young_bytes = self.young_bytes.saturating_sub(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Cache::new(20);
        cache.insert("kept", 1, 1);
        for number in 0..100 {
            assert_eq!(cache.get(&"kept"), Some(&1), "round {number}");
            cache.insert("other", number, 4);
            cache.insert(if number % 2 == 0 { "x" } else { "y" }, number, 4);
        }
    }

    #[test]
    fn the_size_is_bounded() {
        let mut cache = Cache::new(100);
        for number in 0..1000 {
            cache.insert(number, number, 10);
        }
        assert!(cache.young.len() + cache.old.len() <= 11);
        assert_eq!(cache.get(&0), None);
        assert_eq!(cache.get(&999), Some(&999));
    }
}
