//! Types written as C writes them.

use super::{CType, Form, FuncProto, Qualifier, TypeId, Types};
use std::cell::Cell;

/// Deepest nesting that is written out; beyond it stands `...`.
const MAX_DEPTH: usize = 24;
/// Types spelled in one text, so that hostile BTF cannot make it endless.
const MAX_SPELLED: usize = 100_000;

impl Types {
    /// The type in C syntax: `struct task_struct *`, `const char *`, `char[16]`, `int (*)(int)`.
    pub fn display(&self, id: TypeId) -> String {
        self.declare(id, "")
    }

    /// The C declaration of `name` with this type: `char comm[16]`, `int (*fn)(int)`.
    pub fn declare(&self, id: TypeId, name: &str) -> String {
        Speller::new(self).nested(id, name, MAX_DEPTH)
    }

    /// A struct, union or enumeration with its members, as `bpftrace -lv 'struct X'` shows it.
    pub fn definition_text(&self, id: TypeId) -> String {
        let mut text = String::new();
        Speller::new(self).write_definition(self.resolve(id), 0, &mut text);
        text + ";"
    }
}

/// Writes one text.
struct Speller<'a> {
    types: &'a Types,
    /// Types that may still be spelled.
    left: Cell<usize>,
}

impl<'a> Speller<'a> {
    fn new(types: &'a Types) -> Self {
        Self { types, left: Cell::new(MAX_SPELLED) }
    }

    /// One type less to spell; none if there are too many already.
    fn descend(&self, depth: usize) -> Option<usize> {
        self.left.set(self.left.get().checked_sub(1)?);
        depth.checked_sub(1)
    }

    /// Writes the innermost name to `base`, and returns the declarator around `inner`.
    fn declare_within(&self, id: TypeId, inner: String, depth: usize, base: &mut String) -> String {
        let Some(depth) = self.descend(depth) else {
            base.push_str("...");
            return inner;
        };
        let entry = self.types.entry(id);
        match (&entry.form, &entry.ctype) {
            (Form::Base(name) | Form::Typedef(name, _), _) => base.push_str(name),
            (Form::Qualified(qualifier, of), _) => {
                return self.declare_qualified(qualifier, *of, inner, depth, base);
            }
            (Form::Plain, CType::Ptr { to: target, .. }) => {
                let inner = format!("*{inner}");
                return self.declare_within(*target, inner, depth, base);
            }
            (Form::Plain, CType::Array { elem, len }) => {
                let dimension = if *len == 0 { "[]".to_owned() } else { format!("[{len}]") };
                return self.declare_within(*elem, bind(&inner) + &dimension, depth, base);
            }
            (Form::Plain, CType::Func(proto)) => {
                let inner = bind(&inner) + &self.param_list(proto, depth);
                return self.declare_within(proto.ret, inner, depth, base);
            }
            (Form::Plain, other) => base.push_str(&plain_name(other)),
        }
        inner
    }

    fn declare_qualified(
        &self,
        qualifier: &Qualifier,
        of: TypeId,
        inner: String,
        depth: usize,
        base: &mut String,
    ) -> String {
        let word = qualifier_word(qualifier);
        let of_entry = self.types.entry(of);
        if of_entry.form == Form::Plain && matches!(of_entry.ctype, CType::Ptr { .. }) {
            let space = if inner.is_empty() { "" } else { " " };
            return self.declare_within(of, format!("{word}{space}{inner}"), depth, base);
        }
        if let Qualifier::Tag(_) = qualifier {
            let declarator = self.declare_within(of, inner, depth, base);
            base.push(' ');
            base.push_str(&word);
            return declarator;
        }
        base.push_str(&word);
        base.push(' ');
        self.declare_within(of, inner, depth, base)
    }

    fn param_list(&self, proto: &FuncProto, depth: usize) -> String {
        let mut parts: Vec<String> =
            proto.params.iter().map(|param| self.nested(param.ty, &param.name, depth)).collect();
        if proto.variadic {
            parts.push("...".into());
        }
        if parts.is_empty() {
            parts.push("void".into());
        }
        format!("({})", parts.join(", "))
    }

    fn nested(&self, id: TypeId, name: &str, depth: usize) -> String {
        let mut text = String::new();
        let declarator = self.declare_within(id, name.to_owned(), depth, &mut text);
        let space = if declarator.is_empty() || declarator.starts_with('[') { "" } else { " " };
        text + space + &declarator
    }

    fn write_definition(&self, id: TypeId, level: usize, text: &mut String) {
        let ctype = self.types.kind(id);
        text.push_str(&plain_name(&ctype).replace(" <anonymous>", ""));
        match ctype {
            CType::Enum { .. } => self.write_constants(id, level, text),
            CType::Struct { complete: true, .. } => self.write_members(id, level, text),
            _ => {}
        }
    }

    fn write_constants(&self, id: TypeId, level: usize, text: &mut String) {
        text.push_str(" {\n");
        for constant in self.types.enum_values(id).iter() {
            indent(level + 1, text);
            text.push_str(&format!("{} = {},\n", constant.name, constant.value));
        }
        indent(level, text);
        text.push('}');
    }

    fn write_members(&self, id: TypeId, level: usize, text: &mut String) {
        text.push_str(" {\n");
        for member in self.types.members(id).iter().take(self.left.get()) {
            indent(level + 1, text);
            self.write_member(member, level + 1, text);
            if let Some(bits) = member.bitfield_size {
                text.push_str(&format!(" : {bits}"));
            }
            text.push_str(";\n");
        }
        indent(level, text);
        text.push('}');
    }

    fn write_member(&self, member: &super::Member, level: usize, text: &mut String) {
        let entry = self.types.entry(member.ty);
        if entry.form != Form::Plain || !is_anonymous(&entry.ctype) || level > 8 || self.left.get() == 0 {
            text.push_str(&self.nested(member.ty, &member.name, MAX_DEPTH));
            return;
        }
        self.write_definition(member.ty, level, text);
        if !member.name.is_empty() {
            text.push(' ');
            text.push_str(&member.name);
        }
    }
}

/// Pointers bind looser than what follows the name: `(*name)[4]`.
fn bind(inner: &str) -> String {
    if inner.starts_with('*') || inner.starts_with("const") { format!("({inner})") } else { inner.to_owned() }
}

fn is_anonymous(ctype: &CType) -> bool {
    match ctype {
        CType::Struct { name, .. } | CType::Enum { name, .. } => name.is_empty(),
        _ => false,
    }
}

fn qualifier_word(qualifier: &Qualifier) -> String {
    match qualifier {
        Qualifier::Const => "const".into(),
        Qualifier::Volatile => "volatile".into(),
        Qualifier::Restrict => "restrict".into(),
        Qualifier::Tag(tag) => format!("__{tag}"),
    }
}

fn plain_name(ctype: &CType) -> String {
    let (keyword, name) = match ctype {
        CType::Struct { name, is_union: false, .. } => ("struct", name),
        CType::Struct { name, .. } => ("union", name),
        CType::Enum { name, .. } => ("enum", name),
        CType::Int { size, signed, .. } => {
            return format!("{}int{}", if *signed { "" } else { "u" }, u64::from(*size) * 8);
        }
        CType::Float { size } => return format!("float{}", u64::from(*size) * 8),
        _ => return "void".into(),
    };
    let name: &str = if name.is_empty() { "<anonymous>" } else { name };
    format!("{keyword} {name}")
}

fn indent(level: usize, text: &mut String) {
    for _ in 0..level {
        text.push_str("  ");
    }
}
