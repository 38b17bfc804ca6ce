//! Which pieces of D are ones that providers here give: those of a recording, which may be anybody's, are compiled only then.

use super::layout::{Arg, ArgType, Layout, Value};
use super::table::{Argument, At, Spot, Table};
use super::{cpc, io, ip, lockstat, mib, proc, sched, syscall, sysinfo, tcp, udp, vminfo};

/// All tables.
const TABLES: &[&Table] = &[
    &io::TABLE,
    &ip::TABLE,
    &lockstat::TABLE,
    &mib::TABLE,
    &proc::TABLE,
    &sched::TABLE,
    &sysinfo::TABLE,
    &tcp::TABLE,
    &udp::TABLE,
    &vminfo::TABLE,
];

/// Most digits of the number of an argument.
const DIGITS: usize = 3;

/// Whether all code in a layout is code of our providers, though perhaps of other probes.
pub fn is_own(layout: &Layout) -> bool {
    let Layout { args, args_vary: _, raw, inputs, predicate, errno, thread, provider, requires, ends, stability: _ } =
        layout;
    args.iter().all(is_own_argument)
        && raw.iter().all(is_own_value)
        // These are what the texts are about.
        && !inputs.iter().any(|value| matches!(value, Value::Text(_)))
        && predicate.iter().all(|text| cpc::PREDICATES.contains(&&**text) || spots().any(|spot| fits(text, spot.when)))
        && errno.iter().all(|text| text == syscall::ERRNO)
        && thread.iter().all(|text| spots().any(|spot| fits(text, spot.thread)))
        && provider.is_none()
        && requires.iter().all(|text| spots().any(|spot| is_clause(text, spot.before)))
        && ends.iter().all(|text| spots().any(|spot| is_clause(text, spot.after)))
}

fn spots() -> impl Iterator<Item = &'static Spot> {
    let events = TABLES.iter().flat_map(|table| table.events);
    events.flat_map(|event| event.ways).copied().flatten()
}

fn arguments() -> impl Iterator<Item = &'static Argument> {
    spots().flat_map(|spot| spot.args)
}

fn is_own_argument(arg: &Arg) -> bool {
    let is_own_type = match &arg.ty {
        ArgType::C(_) => true,
        ArgType::D(text) => matches!(&**text, "int" | "string") || arguments().any(|one| one.ty() == *text),
    };
    is_own_type && is_own_value(&arg.value)
}

fn is_own_value(value: &Value) -> bool {
    let Value::Text(text) = value else { return true };
    let is_of_definition = text.strip_prefix("copyinstr(").and_then(number) == Some(")");
    is_of_definition || arguments().any(|argument| is_of(text, argument))
}

/// Whether a text is the value of an argument, or its number `argN`.
fn is_of(text: &str, argument: &Argument) -> bool {
    let is_number = |template| inside(text, "(uint64_t)(", template, ")");
    match argument {
        Argument::Is(_, value) => fits(text, value) || is_number(value),
        Argument::Of(ty, from) => inside(text, &format!("xlate<{ty}>("), from, ")") || is_number(from),
        Argument::With(_, value, raw) => fits(text, value) || is_number(raw),
    }
}

fn is_clause(text: &str, clauses: &[(At, &str)]) -> bool {
    clauses.iter().any(|(at, body)| inside(text, &format!("{} {{ ", at.description()), body, " }"))
}

/// Whether a text is what a template gives, and it is not empty.
fn fits(text: &str, template: &str) -> bool {
    !text.is_empty() && inside(text, "", template, "")
}

fn inside(text: &str, before: &str, template: &str, after: &str) -> bool {
    text.strip_prefix(before).and_then(|text| rest(text, template)) == Some(after)
}

/// What of a text comes behind what a template gives.
fn rest<'t>(mut text: &'t str, mut template: &str) -> Option<&'t str> {
    while let Some((before, behind)) = template.split_once('{') {
        text = place(text.strip_prefix(before)?)?;
        template = behind.split_once('}')?.1;
    }
    text.strip_prefix(template)
}

/// What comes behind `((type)argN)` or `argN`, which stand for the names in templates.
fn place(text: &str) -> Option<&str> {
    let Some(cast) = text.strip_prefix("((") else { return number(text) };
    let (ty, behind) = cast.split_once(')')?;
    let is_type = ty.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_ *".contains(&byte));
    number(behind).filter(|_| is_type)?.strip_prefix(')')
}

/// What comes behind `argN`.
fn number(text: &str) -> Option<&str> {
    let text = text.strip_prefix("arg")?;
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=DIGITS).contains(&(text.len() - rest.len())).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_value(text: &str) -> Layout {
        Layout { raw: vec![Value::Text(text.to_owned().into())], ..Layout::default() }
    }

    #[test]
    fn what_tables_give_is_own() {
        for text in [
            "xlate<bufinfo_t *>(((struct bio *)arg1))",
            "(uint64_t)(((struct request *)arg0)->bio->bi_next)",
            "timestamp - self->__lock_since[(uint64_t)((void *)arg0)]",
            "-(int)arg0",
            "copyinstr(arg12)",
        ] {
            assert!(is_own(&with_value(text)), "{text}");
        }
        let clause = "rawtp:::contention_end { self->__lock_since[(uint64_t)((void *)arg0)] = 0; \
            self->__lock_kind[(uint64_t)((void *)arg0)] = 0; }";
        let layout = Layout {
            predicate: Some("arg1 != 0".into()),
            errno: Some(syscall::ERRNO.into()),
            thread: Some("((struct task_struct *)arg2)".into()),
            ends: vec![clause.into()],
            ..Layout::default()
        };
        assert!(is_own(&layout));
    }

    #[test]
    fn what_others_write_is_not() {
        for text in [
            "",
            "x = 1",
            "arg0, system(\"id\")",
            "copyinstr(arg0) + system(\"id\")",
            "copyinstr(arg)",
            "copyinstr(arg12345)",
            "xlate<bufinfo_t *>(((struct bio *)(system(\"id\")))arg1)",
            "xlate<bufinfo_t *>(((x = 1)arg1))",
            "(uint64_t)(((struct request *)arg0)->bio->bi_next); system(\"id\")",
        ] {
            assert!(!is_own(&with_value(text)), "{text}");
        }
        let evil = || "BEGIN { system(\"id\"); }".into();
        let own_clause_with_more =
            "rawtp:::contention_end { self->__lock_since[(uint64_t)((void *)arg0)] = 0; system(\"id\"); }";
        let input = vec![Value::Text("arg0".into())];
        let args = vec![Arg { ty: ArgType::D("struct { int x; } *".into()), value: Value::Constant(0) }];
        for layout in [
            Layout { requires: vec![evil()], ..Layout::default() },
            Layout { ends: vec![evil()], ..Layout::default() },
            Layout { ends: vec![own_clause_with_more.into()], ..Layout::default() },
            Layout { predicate: Some(evil()), ..Layout::default() },
            Layout { predicate: Some("".into()), ..Layout::default() },
            Layout { errno: Some("arg0".into()), ..Layout::default() },
            Layout { thread: Some("curthread".into()), ..Layout::default() },
            Layout { provider: Some("x".into()), ..Layout::default() },
            Layout { inputs: input, ..Layout::default() },
            Layout { args, ..Layout::default() },
        ] {
            assert!(!is_own(&layout), "{layout:?}");
        }
    }
}
