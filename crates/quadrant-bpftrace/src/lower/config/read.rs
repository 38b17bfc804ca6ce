//! `config.name`: what a setting is set to.

use quadrant_program::expr::Expr;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;
use quadrant_types::suggest;

use super::super::Lower;
use super::super::expr::{literal_int, literal_text};
use super::super::unstable::{Feature, as_word};
use super::{BPFTRACE_MAP_KEYS, DEPRECATED, KNOWN, MISSING_PROBES, STACK_MODES, WITHOUT_EFFECT, environment_value};
use crate::ast::{ConfigValue, Ident};

impl Lower<'_> {
    /// `config.name`: a setting's value.
    pub(in crate::lower) fn config_value(&mut self, name: &Ident, span: Span) -> Option<Expr> {
        if let Some(value) = self.setting_value(&name.name) {
            return Some(match value {
                ConfigValue::Int(number) => literal_int(number, span),
                ConfigValue::Bool(value) => Expr::int(value.into(), Type::Bool, span),
                ConfigValue::Text(text) => literal_text(text.as_bytes(), span),
            });
        }
        let key = name.name.as_str();
        if KNOWN.contains(&key) || DEPRECATED.contains(&key) {
            return self.unsupported(name.span, &format!("reading the setting `{key}`"), "write its value");
        }
        let near = suggest(key, KNOWN.iter().copied());
        self.error_near(name.span, format!("there are no settings called `{key}`"), near)
    }

    fn setting_value(&self, key: &str) -> Option<ConfigValue> {
        let config = &self.config;
        let number = |value: u32| Some(ConfigValue::Int(value.into()));
        let word = |word: &str| Some(ConfigValue::Text(word.to_owned()));
        match key {
            "max_strlen" => number(config.max_strlen),
            "max_map_keys" => number(config.max_map_keys.unwrap_or(BPFTRACE_MAP_KEYS)),
            "max_probes" => number(config.max_probes),
            "max_cat_bytes" => number(config.max_cat_bytes),
            // None are set: as many as are useful here.
            "perf_rb_pages" => number(config.ring_pages.unwrap_or(0)),
            "print_maps_on_exit" => Some(ConfigValue::Bool(config.print_maps_on_exit)),
            "cpp_demangle" => Some(ConfigValue::Bool(config.demangle)),
            "probe_inline" => Some(ConfigValue::Bool(config.probe_inline)),
            "str_trunc_trailer" => word(&config.cut_trailer),
            "stack_mode" => word(name_of(STACK_MODES, config.stack_mode)?),
            "missing_probes" => word(name_of(MISSING_PROBES, config.missing_probes)?),
            "license" => word(self.license),
            key => match Feature::of(key) {
                Some(feature) => word(self.unstable.word(feature)),
                None => self.value_without_effect(key),
            },
        }
    }

    fn value_without_effect(&self, key: &str) -> Option<ConfigValue> {
        let (_, _, by_default) = WITHOUT_EFFECT.iter().find(|(known, ..)| *known == key)?;
        let value = self.without_effect.get(key).cloned().unwrap_or_else(|| environment_value(by_default));
        let word = as_word(&value).filter(|_| key.starts_with("unstable_"));
        Some(word.map_or(value, |word| ConfigValue::Text(word.to_owned())))
    }
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: T) -> Option<&'static str> {
    names.iter().find(|(_, known)| *known == value).map(|(name, _)| *name)
}
