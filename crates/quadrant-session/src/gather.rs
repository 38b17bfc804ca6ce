//! From the kernel's maps to the content of a script's map: parts of all CPUs as one, short keys in their full form.

use std::collections::HashMap;

use quadrant_bpf::map::MapKind;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::value::extend;

/// A snapshot in the making. The buffers are reused from entry to entry: there can be a million.
pub(crate) struct Gather<'a> {
    /// What is there so far.
    pub(crate) snapshot: Snapshot,
    pub(crate) map: &'a Map,
    cpus: usize,
    merged: Vec<u64>,
    value: Vec<u8>,
}

impl<'a> Gather<'a> {
    /// Nothing yet.
    pub(crate) fn new(map: &'a Map, cpus: usize) -> Gather<'a> {
        Gather { snapshot: Snapshot::of(map), map, cpus, merged: Vec::new(), value: Vec::new() }
    }

    /// Add the entries of one of the kernel's maps; `widen` gives a key its full form.
    pub(crate) fn all<'e>(
        &mut self,
        kind: MapKind,
        entries: impl ExactSizeIterator<Item = (&'e [u8], &'e [u8])>,
        widen: impl Fn(&[u8], &mut Vec<u8>),
    ) {
        let cpus = if kind.is_percpu() { self.cpus } else { 1 };
        self.snapshot.keys.reserve_exact(entries.len() * self.snapshot.key_size);
        self.snapshot.values.reserve_exact(entries.len() * self.snapshot.value_size);
        let mut wide = Vec::new();
        for (key, value) in entries {
            wide.clear();
            widen(key, &mut wide);
            self.entry(&wide, value, cpus);
        }
    }

    /// Add entries of single parts, whose keys may be there already, and come more than once.
    pub(crate) fn more<'e>(&mut self, entries: impl Iterator<Item = (&'e [u8], &'e [u8])>) {
        let MapValue::Aggregation(aggregation) = &self.map.value else { return };
        let mut more = Vec::<(&[u8], Vec<u64>)>::new();
        let mut places = HashMap::new();
        for (key, part) in entries {
            let at = *places.entry(key).or_insert(more.len());
            match more.get_mut(at) {
                Some((_, whole)) => aggregation.merge(whole, &words(part).collect::<Vec<u64>>()),
                None => more.push((key, words(part).collect())),
            }
        }
        self.merge_known(aggregation, &mut places, &more);
        for (key, whole) in more.iter().filter(|(key, _)| places.contains_key(key)) {
            self.value.clear();
            self.value.extend(whole.iter().flat_map(|word| word.to_ne_bytes()));
            self.snapshot.push(key, &self.value);
        }
    }

    /// Merges those of the keys that are there already, which then have no more places.
    fn merge_known(
        &mut self,
        aggregation: &Aggregation,
        places: &mut HashMap<&[u8], usize>,
        more: &[(&[u8], Vec<u64>)],
    ) {
        let Snapshot { keys, values, key_size, value_size, .. } = &mut self.snapshot;
        if places.is_empty() || *key_size == 0 {
            return;
        }
        for (key, value) in keys.chunks_exact(*key_size).zip(values.chunks_exact_mut(*value_size)) {
            let Some(at) = places.remove(key) else { continue };
            self.merged.clear();
            self.merged.extend(words(value));
            aggregation.merge(&mut self.merged, &more[at].1);
            value
                .chunks_exact_mut(8)
                .zip(&self.merged)
                .for_each(|(word, sum)| word.copy_from_slice(&sum.to_ne_bytes()));
        }
    }

    fn entry(&mut self, key: &[u8], value: &[u8], cpus: usize) {
        match &self.map.value {
            MapValue::Plain(_) => {
                if let Some(value) = there(value, self.snapshot.value_size) {
                    self.snapshot.push(key, value);
                }
            }
            MapValue::Aggregation(aggregation) => {
                let fed = merge(aggregation, value, cpus, &mut self.merged);
                if fed || self.map.key.is_some() {
                    self.value.clear();
                    self.value.extend(self.merged.iter().flat_map(|word| word.to_ne_bytes()));
                    self.snapshot.push(key, &self.value);
                }
            }
        }
    }
}

/// A plain value. If its entry has room for a word more, its first word says whether its key is there
/// (`quadrant_codegen`'s `lower::stays`).
pub(crate) fn there(value: &[u8], size: usize) -> Option<&[u8]> {
    match value.split_first_chunk::<8>() {
        Some((word, rest)) if rest.len() >= size => (*word != [0; 8]).then_some(rest),
        _ => Some(value),
    }
}

/// The parts of all CPUs as one, and whether it was ever fed: behind the parts of a map without keys are words that say so where the
/// part itself does not (a sum of zeros).
fn merge(aggregation: &Aggregation, value: &[u8], cpus: usize, merged: &mut Vec<u64>) -> bool {
    let each = aggregation.words() as usize;
    let mut part = Vec::with_capacity(each + 1);
    merged.clear();
    merged.resize(each, 0);
    for bytes in value.chunks_exact((value.len() / cpus.max(1)).max(8)) {
        part.clear();
        part.extend(words(bytes));
        aggregation.merge(merged, &part[..each.min(part.len())]);
    }
    value.iter().any(|byte| *byte != 0)
}

/// The 64-bit words of a value.
pub(crate) fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).map(|word| extend(word, false))
}

#[cfg(test)]
mod tests {
    use quadrant_program::ty::Type;

    use super::*;

    fn merged(aggregation: &Aggregation, words: &[u64], cpus: usize) -> (Vec<u64>, bool) {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_ne_bytes()).collect();
        let mut merged = Vec::new();
        let fed = merge(aggregation, &bytes, cpus, &mut merged);
        (merged, fed)
    }

    #[test]
    fn parts_of_all_cpus_become_one() {
        assert_eq!(merged(&Aggregation::Sum { signed: true }, &[3, 1, 4, 1], 2), (vec![7], true));
        assert_eq!(merged(&Aggregation::Avg { signed: true }, &[3, 1, 4, 1], 2), (vec![7, 2], true));
    }

    #[test]
    fn a_key_can_be_in_two_maps() {
        let map =
            Map::new("@", Some(Type::U64), MapValue::Aggregation(Aggregation::LinearHist { min: 0, max: 1, step: 1 }));
        let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        let mut gather = Gather::new(&map, 2);
        let (key, other) = (bytes(&[7]), bytes(&[8]));
        gather.all(MapKind::PercpuHash, [(&key[..], &bytes(&[1, 2, 3, 4, 5, 6])[..])].into_iter(), |key, wide| {
            wide.extend_from_slice(key);
        });
        let entries = [(&key, bytes(&[10, 20, 30])), (&other, bytes(&[0, 0, 1])), (&other, bytes(&[0, 0, 2]))];
        gather.more(entries.iter().map(|(key, value)| (&key[..], &value[..])));
        assert_eq!(gather.snapshot.keys, [key, other].concat());
        assert_eq!(gather.snapshot.values, bytes(&[15, 27, 39, 0, 0, 3]));
    }

    #[test]
    fn an_entry_can_be_left_from_a_key_that_is_gone() {
        let number = 7u64.to_ne_bytes();
        assert_eq!(there(&number, 8), Some(number.as_slice()));
        assert_eq!(there(&[[1, 0, 0, 0, 0, 0, 0, 0], number].concat(), 8), Some(number.as_slice()));
        assert_eq!(there(&[[0; 8], number].concat(), 8), None);
    }

    #[test]
    fn an_aggregation_that_was_never_fed_is_not_there() {
        assert!(!merged(&Aggregation::Sum { signed: true }, &[0; 4], 2).1);
        assert!(merged(&Aggregation::Sum { signed: true }, &[0, 1, 0, 0], 2).1);
    }
}
