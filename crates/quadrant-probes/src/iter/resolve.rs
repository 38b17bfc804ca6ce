//! What programs of an iterator get.

use std::sync::Arc;

use super::list;
use super::list::is_of_a_map;
use crate::error::{Result, advise, error, from_types, no_match};
use crate::glob::{Glob, has_wildcards};
use quadrant_program::probe::{Args, Field, FieldPlace, Found, Point, ProbeError, ProbeSpec, Site};
use quadrant_types::{Member, Types};

/// `["task"]`, or a pattern.
pub(crate) fn resolve(types: &Types, spec: &ProbeSpec) -> Result<Vec<Found>> {
    let object = match spec.parts.as_slice() {
        [object] if !object.is_empty() => object,
        [object, pin] if !object.is_empty() => return Err(pinned(object, pin)),
        _ => return Err(advise("an iterator is written `iter:object`", "as `iter:task`; `-l 'iter:*'` lists them")),
    };
    if !has_wildcards(object) {
        return Ok(vec![describe(types, object)?]);
    }
    let objects = list(types, &Glob::new(object))?;
    if objects.is_empty() {
        return Err(unknown(types, object));
    }
    objects.iter().map(|object| describe(types, object)).collect()
}

/// Formatting is the tracer's work, and with it ends everything that it attached.
fn pinned(object: &str, pin: &str) -> ProbeError {
    advise(
        format!(
            "not supported: an iterator that stays as the file `{pin}` when the tracer is gone, which formats what is printed"
        ),
        format!("leave the file away, and run the script each time: `iter:{object}` ends when the walk is over"),
    )
}

fn unknown(types: &Types, object: &str) -> ProbeError {
    let names = list(types, &Glob::new("*")).unwrap_or_default();
    no_match(format!("this kernel has no iterator `{object}`"), object, names.iter().map(String::as_str))
}

fn describe(types: &Types, object: &str) -> Result<Found> {
    types.btf().map_err(|error| from_types(&error))?;
    if is_of_a_map(object) {
        return Err(error(format!(
            "not supported: `iter:{object}` walks over what belongs to one map of BPF, and cannot be told which"
        )));
    }
    let (Some(context), Ok(function)) = (types.iterator_context(object), types.iterator(object)) else {
        return Err(unknown(types, object));
    };
    let fields = types.members(context).iter().flat_map(|member| field(types, member)).collect();
    let args = Arc::new(Args { fields, numbered: Vec::new(), context: Some(context) });
    let site = Site::Iter { object: object.to_owned(), btf_id: function.btf_id };
    Ok(Found { point: Point { site, name: format!("iter:{object}"), func: String::new() }, args })
}

/// A member of the struct that programs get; a pointer is in a union with a number, which makes it 64 bits wide everywhere.
fn field(types: &Types, member: &Member) -> Option<Field> {
    let inner = if member.name.is_empty() { types.members(member.ty).first().cloned()? } else { member.clone() };
    let place = FieldPlace::Context {
        offset: u32::try_from(member.byte_offset() + if member.name.is_empty() { inner.byte_offset() } else { 0 })
            .ok()?,
        size: u32::try_from(types.size_of(inner.ty)?).ok()?,
    };
    Some(Field { name: inner.name.to_string(), ty: inner.ty, place, user: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{kernel_types, spec};
    use quadrant_program::probe::ProbeKind;

    fn find(types: &Types, parts: &[&str]) -> Result<Vec<Found>> {
        resolve(types, &spec(ProbeKind::Iter, parts))
    }

    #[test]
    fn members_of_the_context() {
        let Some(types) = kernel_types() else { return };
        let found = find(&types, &["task_file"]).unwrap();
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.point.name, "iter:task_file");
        let shown = |field: &Field| format!("{} {:?}", types.declare(field.ty, &field.name), field.place);
        let fields: Vec<String> = one.args.fields.iter().map(shown).collect();
        let wanted = [
            "struct bpf_iter_meta *meta Context { offset: 0, size: 8 }",
            "struct task_struct *task Context { offset: 8, size: 8 }",
            "u32 fd Context { offset: 16, size: 4 }",
            "struct file *file Context { offset: 24, size: 8 }",
        ];
        assert_eq!(fields, wanted);
    }

    #[test]
    fn patterns_and_misses() {
        let Some(types) = kernel_types() else { return };
        let names: Vec<String> = find(&types, &["task*"]).unwrap().into_iter().map(|found| found.point.name).collect();
        assert!(names.starts_with(&["iter:task".to_owned(), "iter:task_file".to_owned()]), "{names:?}");
        let refused = |parts: &[&str]| find(&types, parts).unwrap_err();
        assert_eq!(refused(&["taks"]).help, ["did you mean `task`?"]);
        assert!(refused(&["bpf_map_elem"]).message.contains("one map of BPF"));
        assert!(refused(&["task", "list"]).message.contains("the file `list`"));
        assert!(refused(&[]).message.contains("`iter:object`"));
        assert!(refused(&["x*"]).message.contains("no iterator `x*`"));
    }
}
