//! What is known of variables and maps, kept from round to round.

use std::collections::{HashMap, HashSet};

use quadrant_program::map::{MapId, MapValue};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::truth::SoFar;

/// What stays the same of a variable from round to round: its clause, the place of its
/// declaration, and the call of a macro that it belongs to.
pub(super) type VarKey = (usize, u32, u32);

/// What is known of all variables and maps.
#[derive(Debug, Default)]
pub(super) struct Inferred {
    vars: HashMap<VarKey, Type>,
    /// Variables that hold nothing but numbers of the script that are not negative, and results of comparisons.
    loose: HashSet<VarKey>,
    /// Variables that hold `true` or `false`.
    truths: HashSet<VarKey>,
    /// Maps by name, without the sign.
    maps: HashMap<String, MapInfo>,
    /// Names in order of first use this round.
    order: Vec<String>,
    /// Something was learnt this round.
    pub changed: bool,
}

/// What came to a place in a map so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fed {
    /// Numbers of the script that are not negative, and results of comparisons, and nothing else.
    pub loose: bool,
    /// `true` or `false`, among others.
    pub truths: bool,
}

/// What is known of a map.
#[derive(Debug, Clone, Default)]
pub(super) struct MapInfo {
    /// Whether it has keys; unknown before the first use that tells.
    pub keyed: Option<bool>,
    /// The key's type.
    pub key: Option<Type>,
    /// What it holds.
    pub value: Option<MapValue>,
    /// Its number, from this round.
    id: Option<MapId>,
    /// First use, this round.
    pub span: Span,
    /// First use that told whether it has keys.
    pub keyed_at: Span,
    /// First use that told its value.
    pub value_at: Span,
    /// A value was assigned whose type is not known (this round).
    pub assigned: bool,
    /// A value was assigned in some round, and perhaps refused.
    pub attempted: bool,
    /// A tuple or a record was assigned of which some part's type was not known.
    pub composed: bool,
    /// Number of keys, if declared.
    pub max_entries: Option<u32>,
    /// Declared as one that forgets old keys.
    pub forgets: bool,
    /// Declared as one with a value for each CPU.
    pub per_cpu: bool,
    /// What is known of its values.
    pub values: Fed,
    /// The same of its keys.
    pub keys: Fed,
    /// A value is read (this round).
    pub read: bool,
    /// Nothing is ever assigned, so it holds the number 0.
    pub empty: bool,
}

impl Inferred {
    pub fn start_round(&mut self) {
        self.changed = false;
        self.order.clear();
        for info in self.maps.values_mut() {
            info.id = None;
            info.assigned = false;
            info.read = false;
        }
    }

    /// The number of a map, a new one at its first use this round.
    pub fn map_id(&mut self, name: &str, span: Span) -> MapId {
        let info = self.maps.entry(name.to_owned()).or_default();
        if let Some(id) = info.id {
            return id;
        }
        let id = MapId(self.order.len() as u32);
        info.id = Some(id);
        info.span = span;
        self.order.push(name.to_owned());
        id
    }

    /// What is known of a map; nothing before its first use.
    pub fn map(&self, name: &str) -> Option<&MapInfo> {
        self.maps.get(name)
    }

    /// What is known of the map of a number, which is from this round.
    pub fn map_of(&self, id: MapId) -> Option<&MapInfo> {
        self.order.get(id.0 as usize).and_then(|name| self.maps.get(name))
    }

    /// What is known of a map, to be added to.
    pub fn map_mut(&mut self, name: &str) -> &mut MapInfo {
        self.maps.entry(name.to_owned()).or_default()
    }

    /// Maps of which nothing is known but that they are read hold numbers. Whether there are any.
    /// Those that tuples come to wait: what these are made of may be known then.
    pub fn settle(&mut self) -> bool {
        self.settle_those(|info| !info.composed) || self.settle_those(|_| true)
    }

    fn settle_those(&mut self, which: impl Fn(&MapInfo) -> bool) -> bool {
        let mut any = false;
        for info in self.maps.values_mut().filter(|info| info.read && info.value.is_none() && which(info)) {
            info.value = Some(MapValue::Plain(Type::I64));
            info.empty = !info.assigned;
            any = true;
        }
        any
    }

    /// The maps used this round, in order of first use.
    pub fn maps(&self) -> impl Iterator<Item = (&str, &MapInfo)> {
        self.order.iter().filter_map(|name| Some((name.as_str(), self.maps.get(name)?)))
    }

    /// How many maps were used this round.
    pub fn used(&self) -> usize {
        self.order.len()
    }

    /// Forgets that maps were used this round since there were `used`.
    pub fn forget_uses(&mut self, used: usize) {
        for name in self.order.drain(used..) {
            if let Some(info) = self.maps.get_mut(&name) {
                info.id = None;
            }
        }
    }

    /// Whether a map was used this round.
    pub fn is_used(&self, name: &str) -> bool {
        self.order.iter().any(|used| used == name)
    }

    /// The names of all maps that have a value.
    pub fn map_names(&self) -> impl Iterator<Item = &str> {
        self.maps.iter().filter(|(_, info)| info.value.is_some()).map(|(name, _)| name.as_str())
    }

    pub fn var(&self, key: VarKey) -> Option<&Type> {
        self.vars.get(&key)
    }

    /// What is known of a variable's values.
    pub fn so_far(&self, key: VarKey) -> SoFar {
        SoFar { loose: self.loose.contains(&key), compared: !self.truths.contains(&key) }
    }

    /// Takes note that a variable holds `true` or `false`.
    pub fn note_truth(&mut self, key: VarKey) {
        // What it was assigned to before may have taken it for a number.
        self.changed |= self.truths.insert(key);
    }

    /// Takes note of a value that a variable holds, its first one or another.
    pub fn note_value(&mut self, key: VarKey, is_first: bool, is_loose: bool) {
        if !is_loose {
            // What was computed with it before may have taken it for a number without a sign.
            self.changed |= self.loose.remove(&key);
        } else if is_first {
            self.loose.insert(key);
        }
    }

    /// Remembers a variable's type.
    pub fn set_var(&mut self, key: VarKey, ty: &Type) {
        if self.vars.get(&key) != Some(ty) {
            self.vars.insert(key, ty.clone());
            self.changed = true;
        }
    }
}
