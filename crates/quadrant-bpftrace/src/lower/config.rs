//! Settings: `config = { ... }` and the environment.

mod read;

use quadrant_program::diag::{Diagnostic, Origin};
use quadrant_program::program::{Config, KprobeMeans, MissingProbes};
use quadrant_program::span::Span;
use quadrant_program::ty::StackMode;
use quadrant_types::suggest;

use super::Lower;
use super::unstable::Feature;
use crate::ast::{ConfigEntry, ConfigValue, Item, Script};

/// What looks like a setting, and is known by the environment alone.
const VARIABLES: &[&str] = &["btf", "kernel_build", "kernel_source", "vmlinux"];

/// Settings that have a meaning here.
const KNOWN: &[&str] = &[
    "max_strlen",
    "max_map_keys",
    "max_probes",
    "max_cat_bytes",
    "maxactive",
    "kprobe_mechanism",
    "perf_rb_pages",
    "print_maps_on_exit",
    "str_trunc_trailer",
    "stack_mode",
    "cpp_demangle",
    "missing_probes",
    "probe_inline",
];

/// Most bytes that texts can have.
const MAX_STRLEN: u32 = 1 << 20;

/// Settings that bpftrace had, and that have no effect there, either.
const DEPRECATED: &[&str] = &[
    "symbol_source",
    "max_type_res_iterations",
    "unstable_addr",
    "unstable_import",
    "unstable_macro",
    "unstable_map_decl",
];

/// Settings of bpftrace about parts that this engine does not have: what they may be, and are if nobody sets them.
const WITHOUT_EFFECT: &[(&str, Values, &str)] = &[
    ("cache_user_symbols", Values::Words(&["PER_PID", "PER_PROGRAM", "NONE"]), "PER_PID"),
    ("lazy_symbolication", Values::Truth, "true"),
    ("log_size", Values::Number, "1000000"),
    ("max_bpf_progs", Values::Number, "1024"),
    ("on_stack_limit", Values::Number, "32"),
    ("show_debug_info", Values::Truth, "false"),
    ("use_blazesym", Values::Truth, "false"),
    ("unstable_dw_ustack", Values::Any, "warn"),
    ("unstable_import_statement", Values::Any, "error"),
];

/// What the kernel takes for compatible with its own license. Programs are always loaded as such, whichever is set.
const LICENSES: &[&str] =
    &["Dual MIT/GPL", "Dual BSD/GPL", "Dual MPL/GPL", "GPL and additional rights", "GPL v2", "GPL"];

/// The values of `missing_probes`.
const MISSING_PROBES: &[(&str, MissingProbes)] =
    &[("error", MissingProbes::Error), ("warn", MissingProbes::Warn), ("ignore", MissingProbes::Ignore)];

/// The values of `stack_mode`.
const STACK_MODES: &[(&str, StackMode)] = &[
    ("bpftrace", StackMode::Bpftrace),
    ("perf", StackMode::Perf),
    ("raw", StackMode::Raw),
    ("build_id", StackMode::BuildId),
];

/// What a setting that is only checked may be.
#[derive(Clone, Copy)]
enum Values {
    Any,
    Truth,
    Number,
    Words(&'static [&'static str]),
}

impl Values {
    /// What the value has to be, if it is not that.
    fn refuse(self, value: &ConfigValue) -> Option<String> {
        match (self, value) {
            (Values::Any, _) | (Values::Number, ConfigValue::Int(_)) => None,
            (Values::Truth, value) => truth(value).err().map(str::to_owned),
            (Values::Number, _) => Some("a number".to_owned()),
            (Values::Words(words), ConfigValue::Text(text))
                if words.iter().any(|word| text.eq_ignore_ascii_case(word)) =>
            {
                None
            }
            // Before there were words, it was on or off.
            (Values::Words(_), value) if truth(value).is_ok() => None,
            (Values::Words(words), _) => Some(format!("one of {}", words.join(", "))),
        }
    }
}

/// What `config.max_map_keys` is in bpftrace when nothing is set; here maps then have room for more.
const BPFTRACE_MAP_KEYS: u32 = 4096;

/// The old name that means the opposite of the new one.
const NEGATED: &str = "no_cpp_demangle";

/// The value of the setting's new name that means the same as `value` of the name `key`.
fn renamed_value(key: &str, value: ConfigValue) -> ConfigValue {
    match truth(&value) {
        Ok(value) if key == NEGATED => ConfigValue::Bool(!value),
        _ => value,
    }
}

/// Old names and the new ones.
const RENAMED: &[(&str, &str)] = &[
    ("strlen", "max_strlen"),
    (NEGATED, "cpp_demangle"),
    ("cat_bytes_max", "max_cat_bytes"),
    ("map_keys_max", "max_map_keys"),
];

impl Lower<'_> {
    /// Takes the settings of the script, then those of the environment.
    pub(super) fn configure(&mut self, script: &Script) {
        for item in &script.items {
            if let Item::Config(config) = item {
                config.entries.iter().for_each(|entry| self.config_entry(entry));
            }
        }
        for (key, value) in self.env.settings {
            self.environment(key, value);
        }
    }

    /// A setting of the environment; what is no setting may be somebody else's.
    fn environment(&mut self, key: &str, text: &str) {
        let value = environment_value(text);
        let new = RENAMED.iter().find(|(old, _)| *old == key).map_or(key, |(_, new)| new);
        let value = renamed_value(key, value);
        let wrong = match without_effect(new) {
            _ if new == "license" => self.keep_license(&value).err(),
            Some(setting) => self.keep_setting(setting, &value).err(),
            None if KNOWN.contains(&new) || Feature::of(new).is_some() => {
                self.apply(new, &value).err().map(str::to_owned)
            }
            None => None,
        };
        if let Some(said) = other_length(new, &value) {
            let message = format!("`{key}`, set in the environment, is `{}`: {said}", text.escape_debug());
            self.report(Diagnostic::warning(Span::default(), message).from(Origin::Environment));
        }
        if let Some(wanted) = wrong {
            let message = format!("`{key}`, set in the environment, is {wanted}, and not `{}`", text.escape_debug());
            self.report(Diagnostic::error(Span::default(), message).from(Origin::Environment));
        }
    }

    fn config_entry(&mut self, entry: &ConfigEntry) {
        let lower = entry.key.name.to_ascii_lowercase();
        let key = lower.strip_prefix("bpftrace_").unwrap_or(&lower);
        self.setting(entry.key.span, entry.value_span, key, &entry.value);
    }

    fn setting(&mut self, key_span: Span, span: Span, key: &str, value: &ConfigValue) {
        if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == key) {
            return self.renamed(key_span, span, (key, new), value);
        }
        if DEPRECATED.contains(&key) {
            return self.warning(key_span, format!("{key} is deprecated and has no effect"));
        }
        if key == "license" {
            return self.set_license(span, value);
        }
        if let Some(setting) = without_effect(key) {
            if let Err(wanted) = self.keep_setting(setting, value) {
                self.error::<()>(span, format!("`{key}` is {wanted}"));
            }
            return self.without_effect(key_span, key);
        }
        if VARIABLES.contains(&key) {
            let help = format!("set BPFTRACE_{} for the tracer", key.to_uppercase());
            self.error_help::<()>(key_span, format!("`{key}` is an environment variable, not a setting"), help);
            return;
        }
        if !KNOWN.contains(&key) && Feature::of(key).is_none() {
            let near = suggest(key, KNOWN.iter().copied());
            self.error_near::<()>(key_span, format!("unknown setting `{key}`"), near);
            return;
        }
        if let Some(said) = other_length(key, value) {
            self.warning(span, format!("`{key}`: {said}"));
        }
        if let Err(wanted) = self.apply(key, value) {
            self.error::<()>(span, format!("`{key}` is {wanted}"));
        }
    }

    /// Those who come from bpftrace need not hear that what was done there is done here anyway, or is not needed.
    fn without_effect(&mut self, span: Span, key: &str) {
        if !self.env.warns_of_style {
            self.warning(span, format!("the setting `{key}` has no effect here"));
        }
    }

    /// A script may ask which license is set; programs are the same with each of them.
    fn set_license(&mut self, span: Span, value: &ConfigValue) {
        if let Err(wanted) = self.keep_license(value) {
            self.error::<()>(span, format!("`license` is {wanted}"));
        }
    }

    /// Keeps which license is set; gives what it has to be if it is none.
    fn keep_license(&mut self, value: &ConfigValue) -> Result<(), String> {
        let known = LICENSES.iter().find(|known| matches!(value, ConfigValue::Text(text) if text == *known));
        self.license = known.ok_or_else(|| format!("one of {}", LICENSES.join(", ")))?;
        Ok(())
    }

    /// Keeps what a setting without effect is set to, for those who read it; gives what it has to be if it is not.
    fn keep_setting(&mut self, (key, values): (&'static str, Values), value: &ConfigValue) -> Result<(), String> {
        values.refuse(value).map_or(Ok(()), Err)?;
        self.without_effect.insert(key, value.clone());
        Ok(())
    }

    /// An old name is taken for the new one; `no_cpp_demangle` also means the opposite.
    fn renamed(&mut self, key_span: Span, span: Span, (old, new): (&str, &str), value: &ConfigValue) {
        self.warning(key_span, format!("the setting `{old}` is now called `{new}`"));
        self.setting(key_span, span, new, &renamed_value(old, value.clone()));
    }

    /// Sets one setting; gives what its value has to be if it is not.
    fn apply(&mut self, key: &str, value: &ConfigValue) -> Result<(), &'static str> {
        if let Some(feature) = Feature::of(key) {
            return self.unstable.set(feature, value);
        }
        let config = &mut self.config;
        match key {
            "max_strlen" => config.max_strlen = length(value)?,
            "max_map_keys" => config.max_map_keys = Some(number(value, 1, u32::MAX, "a number, 1 or more")?),
            "max_probes" => {
                config.max_probes = number(value, 1, u32::MAX, "a number, 1 or more")?;
                self.probes_are_limited = true;
                self.env.probes.allow(config.max_probes);
            }
            "max_cat_bytes" => config.max_cat_bytes = number(value, 0, u32::MAX, "a number of bytes")?,
            "maxactive" => config.maxactive = Some(number(value, 1, 4096, "a number, 1 to 4096")?),
            "kprobe_mechanism" => {
                config.kprobes = Some(kprobe_means(&text(value)?).ok_or("multi, session, perf or tracefs")?);
            }
            "perf_rb_pages" => {
                let pages = number(value, 0, 1 << 20, "a power of two, 1 to 1048576, or 0 for as many as are useful")?;
                config.ring_pages = Some(pages).filter(|pages| *pages > 0).map(u32::next_power_of_two);
            }
            "print_maps_on_exit" => config.print_maps_on_exit = truth(value)?,
            "cpp_demangle" => config.demangle = truth(value)?,
            "probe_inline" => config.probe_inline = truth(value)?,
            "str_trunc_trailer" => config.cut_trailer = text(value)?,
            "stack_mode" => config.stack_mode = stack_mode(&text(value)?).ok_or("bpftrace, perf, raw or build_id")?,
            _ => config.missing_probes = missing_probes(&text(value)?).ok_or("error, warn or ignore")?,
        }
        Ok(())
    }
}

fn without_effect(key: &str) -> Option<(&'static str, Values)> {
    WITHOUT_EFFECT.iter().find(|(known, ..)| *known == key).map(|(known, values, _)| (*known, *values))
}

/// The stack mode of that name.
pub(super) fn stack_mode(name: &str) -> Option<StackMode> {
    STACK_MODES.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode)
}

fn kprobe_means(name: &str) -> Option<KprobeMeans> {
    match name {
        "multi" => Some(KprobeMeans::Multi),
        "session" => Some(KprobeMeans::Session),
        "perf" => Some(KprobeMeans::Perf),
        "tracefs" => Some(KprobeMeans::Tracefs),
        _ => None,
    }
}

fn environment_value(text: &str) -> ConfigValue {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse().or_else(|_| text.parse().map(i64::cast_unsigned)),
    };
    match number {
        Ok(number) => ConfigValue::Int(number),
        Err(_) if text == "true" || text == "false" => ConfigValue::Bool(text == "true"),
        Err(_) => ConfigValue::Text(text.to_owned()),
    }
}

fn number(value: &ConfigValue, min: u32, max: u32, wanted: &'static str) -> Result<u32, &'static str> {
    match value {
        ConfigValue::Int(number) => {
            u32::try_from(*number).ok().filter(|number| (min..=max).contains(number)).ok_or(wanted)
        }
        _ => Err(wanted),
    }
}

/// How long texts may be: what makes no sense is another number, of which [`other_length`] tells.
fn length(value: &ConfigValue) -> Result<u32, &'static str> {
    match value {
        ConfigValue::Int(0) => Ok(Config::default().max_strlen),
        ConfigValue::Int(length) => Ok(u32::try_from(*length).unwrap_or(MAX_STRLEN).min(MAX_STRLEN)),
        _ => Err("a number of bytes, 1 to 1048576"),
    }
}

/// What is said where `max_strlen` becomes another number than the one given.
fn other_length(key: &str, value: &ConfigValue) -> Option<String> {
    let ConfigValue::Int(length) = value else { return None };
    match length {
        _ if key != "max_strlen" => None,
        0 => Some(format!("texts of 0 bytes hold nothing, so it stays {}", Config::default().max_strlen)),
        length => {
            (*length > MAX_STRLEN.into()).then(|| format!("texts have at most {MAX_STRLEN} bytes, so it is that"))
        }
    }
}

/// A truth as bpftrace takes it: every number but 0 is true.
fn truth(value: &ConfigValue) -> Result<bool, &'static str> {
    match value {
        ConfigValue::Bool(value) => Ok(*value),
        ConfigValue::Int(value) => Ok(*value != 0),
        ConfigValue::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err("true or false"),
        },
    }
}

fn text(value: &ConfigValue) -> Result<String, &'static str> {
    match value {
        ConfigValue::Text(text) => Ok(text.clone()),
        _ => Err("a word or text"),
    }
}

fn missing_probes(name: &str) -> Option<MissingProbes> {
    MISSING_PROBES.iter().find(|(known, _)| *known == name).map(|(_, means)| *means)
}
