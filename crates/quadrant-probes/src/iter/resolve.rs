//! What programs of an iterator get.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::list;
use super::list::is_of_a_map;
use crate::error::{Result, advise, error, from_types, no_match};
use crate::glob::{Glob, has_wildcards};
use quadrant_program::probe::{Args, Field, FieldPlace, Found, Point, ProbeError, ProbeSpec, Site};
use quadrant_types::{Member, Types};

/// Where the BPF file system is.
const PINS: &str = "/sys/fs/bpf";

/// `["task"]`, or a pattern; `["task", "file"]`.
pub(crate) fn resolve(types: &Types, spec: &ProbeSpec) -> Result<Vec<Found>> {
    let object = match spec.parts.as_slice() {
        [object] if !object.is_empty() => object,
        [object, file] if !object.is_empty() => return pinned(types, object, file).map(|found| vec![found]),
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

/// One that stays as a file.
fn pinned(types: &Types, object: &str, file: &str) -> Result<Found> {
    if has_wildcards(object) {
        return Err(advise(
            "a file shows one iterator, and a pattern can mean several",
            "name one, as `iter:task:FILE`",
        ));
    }
    let path = pin_path(file)?;
    let mut found = describe(types, object)?;
    found.point.name = format!("iter:{object}:{file}");
    if let Site::Iter { pin, .. } = &mut found.point.site {
        *pin = Some(path);
    }
    Ok(found)
}

/// A relative path is one in the usual file system for such files, in which names have no dots.
fn pin_path(file: &str) -> Result<PathBuf> {
    let path = Path::new(PINS).join(file);
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    match file.is_empty() || name.is_empty() || name.contains('.') || file.ends_with('/') {
        true => {
            let message = format!("an iterator cannot stay as `{file}`: that is no name of a file without dots");
            Err(advise(message, format!("`iter:task:list` stays as {PINS}/list")))
        }
        false => Ok(path),
    }
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
    let args = Arc::new(Args { fields, context: Some(context), ..Args::default() });
    let site = Site::Iter { object: object.to_owned(), btf_id: function.btf_id, pin: None };
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
    fn files() {
        let Some(types) = kernel_types() else { return };
        let pins = [("list", "/sys/fs/bpf/list"), ("a/b", "/sys/fs/bpf/a/b"), ("/run/bpf/c", "/run/bpf/c")];
        for (file, path) in pins {
            let found = find(&types, &["task", file]).unwrap();
            let [one] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!(one.point.name, format!("iter:task:{file}"));
            assert!(
                matches!(&one.point.site, Site::Iter { pin: Some(pin), .. } if pin == Path::new(path)),
                "{found:?}"
            );
        }
    }

    #[test]
    fn patterns_and_misses() {
        let Some(types) = kernel_types() else { return };
        let names: Vec<String> = find(&types, &["task*"]).unwrap().into_iter().map(|found| found.point.name).collect();
        assert!(names.starts_with(&["iter:task".to_owned(), "iter:task_file".to_owned()]), "{names:?}");
        let refused = |parts: &[&str]| find(&types, parts).unwrap_err();
        assert_eq!(refused(&["taks"]).help, ["did you mean `task`?".into()]);
        assert!(refused(&["bpf_map_elem"]).message.contains("one map of BPF"));
        assert!(refused(&["task*", "list"]).message.contains("one iterator"));
        for file in ["", "a.b", "/sys/fs/bpf/", "..", "a/"] {
            assert!(refused(&["task", file]).message.contains("without dots"), "{file}");
        }
        assert!(refused(&[]).message.contains("`iter:object`"));
        assert!(refused(&["x*"]).message.contains("no iterator `x*`"));
    }
}
