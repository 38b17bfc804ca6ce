//! What is in maps, in order: those of objects that are loaded, and those of others.

use std::collections::HashMap;

use quadrant_bpf::map::Map;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::flags;
use quadrant_codegen::front::Shape;
use quadrant_codegen::front::entries_there;
use quadrant_inspect::objects::First;
use quadrant_output::btf as values;
use quadrant_output::document;
use quadrant_output::escape;
use quadrant_program::layout::STACK_FRAMES_AT;
use quadrant_session::STACK_TYPE;
use quadrant_types::Btf;
use quadrant_types::BtfKind;

use crate::commands::stacks::Frames;

/// An entry: its key, and its values with the processors that they are of (none, for a value that all share).
struct Entry {
    key: Vec<u8>,
    values: Vec<(Option<usize>, Vec<u8>)>,
}

impl Entry {
    /// Adds a part of a processor's, which may have one already.
    fn add(&mut self, cpu: usize, part: &[u8]) {
        match self.values.get_mut(cpu).filter(|(_, value)| value.iter().all(|byte| *byte == 0)) {
            Some((_, value)) => value.copy_from_slice(part),
            None => self.values.push((Some(cpu), part.to_vec())),
        }
    }
}

/// A map with its types.
pub struct View<'a> {
    pub btf: Option<&'a Btf>,
    /// Its name, which may be someone else's.
    pub name: &'a [u8],
    /// Types of its keys and values; 0 if they have none.
    pub key_type: u32,
    pub value_type: u32,
    pub map: &'a Map,
    /// What the tracer keeps in front of it.
    pub first: Option<&'a (First, Map)>,
    /// Show the value of each processor, too, where their sum says enough for most.
    pub per_cpu: bool,
    /// Names the functions in stacks.
    pub frames: Frames,
    /// Show only so many entries, those with the largest values.
    pub top: Option<usize>,
}

/// An entry as it is shown.
pub struct Shown {
    pub key: Vec<u8>,
    /// Whole lines.
    pub text: Vec<u8>,
}

/// Maps that libbpf's headers bring along.
const HELPERS: &[u8] = b"__bpf_usdt_";

impl View<'_> {
    /// Whether there is something for people in it.
    pub fn is_shown(&self) -> bool {
        let kind = self.map.spec().kind;
        let is_plain = !matches!(kind, MapKind::ProgArray | MapKind::ArrayOfMaps | MapKind::HashOfMaps);
        kind.has_entries() && is_plain && !self.name.starts_with(HELPERS)
    }

    /// Append its entries as text.
    ///
    /// # Errors
    /// The kernel does not give them.
    pub fn text(&self, out: &mut Vec<u8>) -> quadrant_bpf::Result<()> {
        self.lines()?.iter().for_each(|shown| out.extend_from_slice(&shown.text));
        Ok(())
    }

    /// Its entries as text, each for itself.
    ///
    /// # Errors
    /// The kernel does not give them.
    pub fn lines(&self) -> quadrant_bpf::Result<Vec<Shown>> {
        let shown = |entry: Entry| Shown { text: self.entry(&entry), key: entry.key };
        Ok(self.entries()?.into_iter().map(shown).collect())
    }

    fn entry(&self, entry: &Entry) -> Vec<u8> {
        let mut out = Vec::new();
        let merged = self.merged(entry);
        let is_sum = matches!(merged.as_slice(), [(None, _)]) && entry.values.len() > 1;
        if self.per_cpu && is_sum {
            for (cpu, value) in used(&entry.values) {
                self.line(&mut out, &entry.key, *cpu, value);
            }
        }
        for (cpu, value) in merged {
            self.line(&mut out, &entry.key, cpu, &value);
        }
        out
    }

    fn line(&self, out: &mut Vec<u8>, key: &[u8], cpu: Option<usize>, value: &[u8]) {
        escape::text(out, self.name);
        if !self.is_section() {
            out.push(b'[');
            self.value(out, self.key_type, key, false);
            out.push(b']');
        }
        out.extend(cpu.iter().flat_map(|cpu| format!(" cpu {cpu}").into_bytes()));
        self.shown(out, value);
    }

    /// Whether it is a section of variables: one value without a key.
    fn is_section(&self) -> bool {
        let kind = self.btf.and_then(|btf| btf.kind(btf.resolve(self.value_type)));
        self.key_type == 0 && kind == Some(BtfKind::Datasec)
    }

    /// Where in its values the frames are, if these are stacks: the kernel's, or those of a script.
    fn frames_at(&self) -> Option<usize> {
        let spec = self.map.spec();
        if spec.kind == MapKind::StackTrace {
            return (spec.flags & flags::STACK_BUILD_ID == 0).then_some(0);
        }
        let name = self.btf.filter(|_| self.value_type != 0).map(|btf| btf.name(btf.resolve(self.value_type)));
        (name == Some(STACK_TYPE) && spec.value_size > STACK_FRAMES_AT).then_some(STACK_FRAMES_AT as usize)
    }

    /// Whether all its entries are always there; those that are zero are not shown.
    pub fn is_array(&self) -> bool {
        is_array(self.map)
    }

    fn shown(&self, out: &mut Vec<u8>, value: &[u8]) {
        let slots = self.btf.and_then(|btf| values::slots(btf, self.value_type, value));
        if let Some(at) = self.frames_at() {
            out.push(b':');
            self.frames.text(out, &value[at..]);
            return out.push(b'\n');
        }
        out.extend_from_slice(b": ");
        // What is beside the histogram is shown, too.
        self.value(out, self.value_type, value, false);
        out.push(b'\n');
        slots.iter().for_each(|slots| values::histogram(out, slots));
    }

    /// Append it as one JSON object: `{"type": "map", "version": 1, "name": ..., "entries": [{"key": ..., "value": ...}, ...]}`.
    ///
    /// # Errors
    /// The kernel does not give it.
    pub fn json(&self, out: &mut Vec<u8>) -> quadrant_bpf::Result<()> {
        out.extend_from_slice(b"{\"type\": \"map\", \"version\": 1, \"name\": ");
        escape::json(out, self.name);
        out.extend_from_slice(b", \"entries\": [");
        for (index, entry) in self.entries()?.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b", {\"key\": " } else { b"{\"key\": " });
            self.value(out, self.key_type, &entry.key, true);
            match entry.values.as_slice() {
                [(None, value)] => {
                    out.extend_from_slice(b", \"value\": ");
                    match self.frames_at() {
                        Some(at) => self.frames.json(out, &value[at..]),
                        None => self.value(out, self.value_type, value, true),
                    }
                }
                all => {
                    out.extend_from_slice(b", \"values\": [");
                    for (index, (_, value)) in all.iter().enumerate() {
                        out.extend_from_slice(if index > 0 { b", " } else { b"" });
                        self.value(out, self.value_type, value, true);
                    }
                    out.push(b']');
                }
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}\n");
        Ok(())
    }

    fn value(&self, out: &mut Vec<u8>, ty: u32, bytes: &[u8], json: bool) {
        match self.btf.filter(|_| ty != 0) {
            Some(btf) if json => values::json_value(out, btf, ty, bytes),
            Some(btf) => values::value(out, btf, ty, bytes),
            None => untyped(out, bytes, json),
        }
    }

    /// All entries but, of arrays, those that are zero: by ascending value if that is one number, else by key.
    fn entries(&self) -> quadrant_bpf::Result<Vec<Entry>> {
        let kind = self.map.spec().kind;
        let is_array = self.is_array();
        let size = self.map.spec().value_size as usize;
        let snapshot = self.map.snapshot()?;
        let entry = |(key, value): (&[u8], &[u8])| {
            let values = match kind.is_percpu() {
                false => vec![(None, value.to_vec())],
                true => {
                    let parts = value.chunks_exact(size.next_multiple_of(8)).enumerate();
                    parts.map(|(cpu, part)| (Some(cpu), part[..size].to_vec())).collect()
                }
            };
            Entry { key: key.to_vec(), values }
        };
        let mut entries: Vec<Entry> = snapshot.iter().map(entry).collect();
        self.add_first(&mut entries)?;
        if is_array {
            entries.retain(|entry| entry.values.iter().any(|(_, value)| value.iter().any(|byte| *byte != 0)));
        }
        entries.sort_by_cached_key(|entry| {
            let rank = if is_array && self.top.is_none() { 0 } else { self.total(entry).unwrap_or(0) };
            (rank, number(&entry.key).unwrap_or(0), entry.key.clone())
        });
        let left_out = entries.len().saturating_sub(self.top.unwrap_or(usize::MAX));
        entries.drain(..left_out);
        Ok(entries)
    }

    /// Adds the keys in front of a script's map.
    fn add_first(&self, entries: &mut Vec<Entry>) -> quadrant_bpf::Result<()> {
        match self.first {
            None => {}
            Some((First::Slots, map)) => entries.extend(entries_there(&whole(map)?).map(there)),
            Some((First::Front, map)) => self.add_front(entries, map, [whole(map)?, whole(map)?]),
        }
        Ok(())
    }

    /// Adds those of an aggregation, which can be in both.
    fn add_front(&self, entries: &mut Vec<Entry>, map: &Map, [earlier, now]: [Vec<u8>; 2]) {
        let spec = self.map.spec();
        let shape = Shape { key: spec.key_size, part: spec.value_size };
        let table = (map.spec().value_size.next_multiple_of(8) as usize).max(1);
        let nothing = || (0..now.len() / table).map(|cpu| (Some(cpu), vec![0; shape.part as usize])).collect();
        let mut places: HashMap<Vec<u8>, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
        for (cpu, (earlier, now)) in earlier.chunks_exact(table).zip(now.chunks_exact(table)).enumerate() {
            for (key, part) in shape.entries(earlier, now) {
                let at = *places.entry(key.to_vec()).or_insert(entries.len());
                if at == entries.len() {
                    entries.push(Entry { key: key.to_vec(), values: nothing() });
                }
                entries[at].add(cpu, part);
            }
        }
    }

    /// Numbers of all processors as their sum, other values each; what is zero on a processor says nothing.
    fn merged(&self, entry: &Entry) -> Vec<(Option<usize>, Vec<u8>)> {
        if entry.values.len() == 1 && entry.values[0].0.is_none() {
            return entry.values.clone();
        }
        match self.total(entry) {
            Some(total) => vec![(None, total.to_le_bytes()[..self.map.spec().value_size.min(8) as usize].to_vec())],
            None => used(&entry.values).cloned().collect(),
        }
    }

    fn total(&self, entry: &Entry) -> Option<i128> {
        let is_number = match self.btf.filter(|_| self.value_type != 0) {
            Some(btf) => btf.int(btf.resolve(self.value_type)).is_some(),
            None => true,
        };
        let numbers = entry.values.iter().map(|(_, value)| number(value).filter(|_| is_number));
        numbers.sum()
    }
}

/// The only value of an array, on all processors.
fn whole(map: &Map) -> quadrant_bpf::Result<Vec<u8>> {
    let mut value = vec![0; map.value_len()];
    map.lookup(&[0; 4], &mut value)?;
    Ok(value)
}

/// A key that has a slot, as the map itself would have it.
fn there((key, value): (&[u8], &[u8])) -> Entry {
    Entry { key: key.to_vec(), values: vec![(None, [&1u64.to_ne_bytes(), value].concat())] }
}

/// Whether all entries of a map are always there.
pub fn is_array(map: &Map) -> bool {
    matches!(map.spec().kind, MapKind::Array | MapKind::PercpuArray)
}

/// The values of processors that have one: what is zero says nothing.
fn used(values: &[(Option<usize>, Vec<u8>)]) -> impl Iterator<Item = &(Option<usize>, Vec<u8>)> {
    values.iter().filter(|(_, value)| value.iter().any(|byte| *byte != 0))
}

/// Bytes without a type: a number if they have the size of one.
fn untyped(out: &mut Vec<u8>, bytes: &[u8], json: bool) {
    match number(bytes) {
        Some(value) if json => document::number(out, value),
        Some(value) => out.extend_from_slice(value.to_string().as_bytes()),
        None => {
            let quote: &[u8] = if json { b"\"" } else { b"" };
            out.extend_from_slice(quote);
            values::hex(out, bytes);
            out.extend_from_slice(quote);
        }
    }
}

fn number(bytes: &[u8]) -> Option<i128> {
    let mut whole = [0; 8];
    matches!(bytes.len(), 1 | 2 | 4 | 8).then(|| whole[..bytes.len()].copy_from_slice(bytes))?;
    Some(u64::from_le_bytes(whole).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_value() {
        let shown = |bytes: &[u8], json| {
            let mut out = Vec::new();
            untyped(&mut out, bytes, json);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(&7u32.to_le_bytes(), true), "7");
        assert_eq!(shown(&u64::MAX.to_le_bytes(), true), "\"18446744073709551615\"");
        assert_eq!(shown(&u64::MAX.to_le_bytes(), false), "18446744073709551615");
        assert_eq!(shown(&[1, 2, 3], true), "\"01 02 03\"");
    }
}
