//! Uses of maps: keys, values, and what follows for their types.

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::map::{Aggregation, Map, MapId, MapValue};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;
use quadrant_types::suggest;

use super::Lower;
use super::fields::record_of;
use super::infer::{Fed, MapInfo};
use super::join::{describe, describe_value, join_aggregations};
use super::truth::SoFar;
use crate::ast::{self, Ident};

/// A map and, if it has keys, the one asked for.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub map: MapId,
    pub name: String,
    pub key: Option<Expr>,
    pub span: Span,
}

/// What to do with a map whose values are not one number.
pub(super) fn whole_map(name: &str) -> String {
    format!("print the whole map: `print(@{name})`")
}

impl Lower<'_> {
    /// The element that `@name[key]` means; its key has been converted.
    pub(super) fn element(&mut self, name: &Ident, key: &[ast::Expr], span: Span) -> Option<Element> {
        let map = self.inferred.map_id(&name.name, name.span);
        if key.is_empty() {
            self.set_keyed(&name.name, false, span)?;
            return Some(Element { map, name: name.name.clone(), key: None, span });
        }
        let keyed = self.set_keyed(&name.name, true, span);
        let key = self.key(key);
        keyed?;
        let key = self.typed_key(&name.name, key?)?;
        Some(Element { map, name: name.name.clone(), key: Some(key), span })
    }

    /// The element for a key given apart, as in `delete(@m, key)`.
    pub(super) fn element_with_key(&mut self, name: &Ident, key: &ast::Expr, span: Span) -> Option<Element> {
        self.element(name, std::slice::from_ref(key), span)
    }

    /// The map that a bare `@name` means as a whole; it must have a value somewhere.
    pub(super) fn whole_map(&mut self, name: &Ident) -> Option<MapId> {
        let id = self.inferred.map_id(&name.name, name.span);
        let known = self.inferred.map(&name.name).is_some_and(|info| info.value.is_some());
        if known { Some(id) } else { self.undefined_map(name) }
    }

    /// Whether the map has keys, as far as is known.
    pub(super) fn is_keyed(&self, name: &str) -> Option<bool> {
        self.inferred.map(name).and_then(|info| info.keyed)
    }

    /// What the map holds, as far as is known.
    pub(super) fn map_value(&self, name: &str) -> Option<MapValue> {
        self.inferred.map(name).and_then(|info| info.value.clone())
    }

    /// Reports that nothing is ever assigned to a map.
    pub(super) fn undefined_map<T>(&mut self, name: &Ident) -> Option<T> {
        if !self.is_undefined(name) {
            return None;
        }
        let near = self.near_map(name);
        self.error_near(name.span, format!("nothing is ever assigned to `@{}`", name.name), near)
    }

    /// Refuses a function on a map that nothing is ever assigned to.
    pub(super) fn defined_for(&mut self, name: &Ident, function: &str, call: Span) -> Option<()> {
        let is_known = self.inferred.map(&name.name).is_some_and(|info| info.value.is_some());
        if is_known || !self.is_undefined(name) {
            return Some(());
        }
        let near = self.near_map(name);
        self.error_near(
            call,
            format!("nothing is ever assigned to `@{}`, which {function}() is about", name.name),
            near,
        )
    }

    fn is_undefined(&self, name: &Ident) -> bool {
        !self.inferred.map(&name.name).is_some_and(|info| info.assigned || info.attempted)
    }

    /// Warns of a value that can only be 0.
    fn warn_empty(&mut self, name: &Ident) {
        if !self.inferred.map(&name.name).is_some_and(|info| info.empty) {
            return;
        }
        let message = format!("nothing is ever assigned to `@{}`, so it is 0 here", name.name);
        let mut warning = Diagnostic::warning(name.span, message);
        if let Some(near) = self.near_map(name) {
            warning = warning.help(format!("did you mean `{near}`?"));
        }
        self.report(warning);
    }

    fn near_map(&self, name: &Ident) -> Option<String> {
        let others = self.inferred.map_names().filter(|other| *other != name.name);
        suggest(&name.name, others).map(|near| format!("@{near}"))
    }

    /// The value of an element.
    pub(super) fn map_get(&mut self, name: &Ident, key: &[ast::Expr], span: Span) -> Option<Expr> {
        let element = self.element(name, key, span)?;
        self.inferred.map_mut(&name.name).read = true;
        self.warn_empty(name);
        let ty = match self.map_value(&element.name) {
            Some(MapValue::Plain(Type::I64)) if self.is_lost(&element.name) => return None,
            Some(MapValue::Plain(ty)) => ty,
            Some(MapValue::Aggregation(Aggregation::Stats { signed })) => {
                return Some(self.stats_value(element, signed, span));
            }
            Some(MapValue::Aggregation(aggregation)) => self.aggregated(&aggregation, &element)?,
            None => return self.undefined_map(name),
        };
        let key = element.key.map(Box::new);
        Some(Expr::new(ExprKind::MapGet { map: element.map, key }, ty, span))
    }

    /// Whether a tuple comes to a map, of which a part is wrong: that the map holds a number is a guess then.
    fn is_lost(&self, name: &str) -> bool {
        self.messages.failed() && self.inferred.map(name).is_some_and(|info| info.composed)
    }

    /// What stats() has found out so far, as a record. The key is computed once.
    fn stats_value(&mut self, element: Element, signed: bool, span: Span) -> Expr {
        let (keep, key) = element.key.map(|key| self.keep(key)).unzip();
        let ty = Type::Int { bytes: 8, signed };
        let kind = ExprKind::MapGet { map: element.map, key: key.map(Box::new) };
        let average = Expr::new(kind, ty.clone(), span);
        let fed = |function, ty| Expr::new(ExprKind::Call(function, vec![average.clone()]), ty, span);
        let (count, total) = (fed(Function::FedNumber, Type::U64), fed(Function::FedSum, ty));
        let fields = [("count", count), ("average", average), ("total", total)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
        let record = record_of(self.env.types, fields, span);
        let ty = record.ty.clone();
        Expr::new(ExprKind::Block(keep.into_iter().collect(), Box::new(record)), ty, span)
    }

    /// The type of an aggregation's value so far.
    pub(super) fn aggregated(&mut self, aggregation: &Aggregation, element: &Element) -> Option<Type> {
        number_type(aggregation).or_else(|| {
            self.error_help(
                element.span,
                format!("the value of {}() is not one number", aggregation.function()),
                whole_map(&element.name),
            )
        })
    }

    /// Takes note of a plain value's type.
    pub(super) fn set_plain(&mut self, element: &Element, value: &Expr) -> Option<Type> {
        if self.inferred.map(&element.name).is_some_and(|info| info.per_cpu) {
            let of = if self.inferred.map(&element.name).is_some_and(|info| info.forgets) {
                "percpulruhash"
            } else {
                "percpuhash"
            };
            let message =
                format!("`@{}` is declared as {of}, with a value for each CPU, and this is one value", element.name);
            let help = "declare it as `hash` or `lruhash`, or feed it with count(), sum() or their like";
            return self.error_help(element.span, message, help);
        }
        let new = MapValue::Plain(value.ty.clone());
        let so_far = self.feed(&element.name, |info| (info.value.is_none(), &mut info.values), value);
        let joined = match self.map_value(&element.name) {
            None => Some(new.clone()),
            Some(MapValue::Plain(old)) => self.join_value(&old, so_far, value).map(MapValue::Plain),
            Some(MapValue::Aggregation(_)) => None,
        };
        match self.set_value(element, joined, &new)? {
            MapValue::Plain(ty) => Some(ty),
            MapValue::Aggregation(_) => None,
        }
    }

    /// Takes note of what comes to a place in a map; gives what is known of what came before.
    fn feed(&mut self, name: &str, place: impl Fn(&mut MapInfo) -> (bool, &mut Fed), value: &Expr) -> SoFar {
        let (is_loose, is_truth) = (self.is_loose(value), self.is_plain_truth(value));
        let (is_first, fed) = place(self.inferred.map_mut(name));
        let before = fed.loose;
        let is_new = is_truth && !fed.truths;
        *fed = Fed { loose: is_loose && (before || is_first), truths: fed.truths || is_truth };
        let so_far = SoFar { loose: before, compared: !fed.truths };
        self.inferred.changed |= is_new || before && !is_loose;
        so_far
    }

    /// Takes note of an aggregation.
    pub(super) fn set_aggregation(&mut self, element: &Element, aggregation: Aggregation) -> Option<()> {
        let joined = match self.map_value(&element.name) {
            None => Some(MapValue::Aggregation(aggregation.clone())),
            Some(MapValue::Aggregation(old)) => join_aggregations(&old, &aggregation).map(MapValue::Aggregation),
            Some(MapValue::Plain(_)) => None,
        };
        self.set_value(element, joined, &MapValue::Aggregation(aggregation)).map(|_| ())
    }

    /// Takes note that something of unknown type is assigned, so that reads need no message.
    pub(super) fn set_assigned(&mut self, name: &str) {
        let info = self.inferred.map_mut(name);
        info.assigned = true;
        let is_new = !std::mem::replace(&mut info.attempted, true);
        self.inferred.changed |= is_new;
    }

    /// Puts the maps into the program.
    pub(super) fn finish_maps(&mut self) {
        let maps = self.inferred.maps().map(|(name, info)| {
            let key = if info.keyed == Some(true) { info.key.clone() } else { None };
            let value = info.value.clone().unwrap_or(MapValue::Plain(Type::I64));
            let map = Map::new(format!("@{name}"), key, value);
            Map { max_entries: info.max_entries, forgets: info.forgets, span: info.span, ..map }
        });
        let mut maps: Vec<Map> = maps.collect();
        for map in &mut maps {
            map.key = map.key.as_ref().map(|key| self.printable(key));
            if let MapValue::Plain(ty) = &mut map.value {
                *ty = self.printable(ty);
            }
        }
        self.program.maps = maps;
    }

    fn set_value(&mut self, element: &Element, joined: Option<MapValue>, new: &MapValue) -> Option<MapValue> {
        let info = self.inferred.map_mut(&element.name);
        let old = info.value.clone();
        if old.is_none() {
            info.value_at = element.span;
        }
        let Some(joined) = joined else {
            let first = self.line(self.inferred.map(&element.name).map(|info| info.value_at).unwrap_or_default());
            if let Some(message) = old.as_ref().and_then(|old| different_shape(old, new)) {
                return self.error_help(element.span, message, format!("the first use is in line {first}"));
            }
            let old = old.map(|old| describe_value(self.env.types, &old)).unwrap_or_default();
            let new = describe_value(self.env.types, new);
            let message = format!("`@{}` holds {old} (line {first}), and this is {new}", element.name);
            return self.error_help(element.span, message, "a map holds values of one type: use another map");
        };
        if old.as_ref() != Some(&joined) {
            info.value = Some(joined.clone());
            self.inferred.changed = true;
        }
        Some(joined)
    }

    /// Takes note of whether a map has keys.
    fn set_keyed(&mut self, name: &str, keyed: bool, span: Span) -> Option<()> {
        let info = self.inferred.map_mut(name);
        match info.keyed {
            Some(old) if old == keyed => Some(()),
            Some(_) => {
                let first = info.keyed_at;
                let first = self.line(first);
                let message = match keyed {
                    true => format!("`@{name}` has no keys (line {first}), and here it has one"),
                    false => format!("`@{name}` has keys (line {first}), and here there is none"),
                };
                self.error(span, message)
            }
            None => {
                info.keyed = Some(keyed);
                info.keyed_at = span;
                self.inferred.changed = true;
                Some(())
            }
        }
    }

    fn key(&mut self, parts: &[ast::Expr]) -> Option<Expr> {
        let mut lower = |part| self.not_a_part(part, "a key").and_then(|()| self.part(part));
        if let [part] = parts {
            return lower(part);
        }
        let lowered: Vec<Option<Expr>> = parts.iter().map(lower).collect();
        let lowered: Vec<Expr> = lowered.into_iter().collect::<Option<_>>()?;
        let (first, last) = (lowered.first()?.span, lowered.last()?.span);
        Some(tuple(lowered, first.to(last)))
    }

    /// Converts a key to the map's key type, widened if need be.
    fn typed_key(&mut self, name: &str, key: Expr) -> Option<Expr> {
        if !is_storable(&key.ty) {
            let ty = describe(self.env.types, &key.ty);
            return self.error(key.span, format!("{ty} cannot be a key"));
        }
        let old = self.inferred.map(name).and_then(|info| info.key.clone());
        let so_far = self.feed(name, |info| (info.key.is_none(), &mut info.keys), &key);
        let joined = match &old {
            None => Some(key.ty.clone()),
            Some(old) => self.join_value(old, so_far, &key),
        };
        let Some(joined) = joined else {
            let old = old.map(|old| describe(self.env.types, &old)).unwrap_or_default();
            let new = describe(self.env.types, &key.ty);
            return self.error(key.span, format!("the keys of `@{name}` are {old}, and this is {new}"));
        };
        if old.as_ref() != Some(&joined) {
            self.inferred.map_mut(name).key = Some(joined.clone());
            self.inferred.changed = true;
        }
        Some(self.convert(key, &joined))
    }

    /// The line of a place, counted from 1.
    pub(super) fn line(&self, span: Span) -> u32 {
        self.sources.position(span.start).0
    }
}

/// The type of an aggregation's value, if that is one number.
pub(super) fn number_type(aggregation: &Aggregation) -> Option<Type> {
    match aggregation {
        Aggregation::Count => Some(Type::U64),
        Aggregation::Sum { signed }
        | Aggregation::Min { signed }
        | Aggregation::Max { signed }
        | Aggregation::Avg { signed } => Some(Type::Int { bytes: 8, signed: *signed }),
        Aggregation::Stats { .. }
        | Aggregation::Hist { .. }
        | Aggregation::LinearHist { .. }
        | Aggregation::Stddev
        | Aggregation::Quantize
        | Aggregation::LogLinear(_)
        | Aggregation::Series(_) => None,
    }
}

/// Whether values of the type can be kept in a map.
pub(super) fn is_storable(ty: &Type) -> bool {
    match ty {
        Type::None => false,
        Type::Tuple(parts) => parts.iter().all(is_storable),
        _ => true,
    }
}

/// A tuple of values.
pub(super) fn tuple(parts: Vec<Expr>, span: Span) -> Expr {
    let types: Vec<Type> = parts.iter().map(|part| part.ty.clone()).collect();
    Expr::new(ExprKind::Tuple(parts), Type::Tuple(types.into()), span)
}

/// What is wrong with two uses of one function in one map, which differ in their shape.
fn different_shape(old: &MapValue, new: &MapValue) -> Option<&'static str> {
    let (MapValue::Aggregation(old), MapValue::Aggregation(new)) = (old, new) else { return None };
    match (old, new) {
        (Aggregation::Hist { .. }, Aggregation::Hist { .. }) => Some("Different bits in a single hist unsupported"),
        (Aggregation::LinearHist { .. }, Aggregation::LinearHist { .. }) => {
            Some("Different lhist bounds in a single map unsupported")
        }
        (Aggregation::Series(_), Aggregation::Series(_)) => {
            Some("Different tseries bounds in a single map unsupported")
        }
        _ => None,
    }
}
