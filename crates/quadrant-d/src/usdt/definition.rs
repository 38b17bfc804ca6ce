//! A provider's definition as the object carries it: D text that needs nothing else of its file.
//!
//! Notes of the stapsdt format know only sizes. With this text a tracer knows the types of `args[]`, which of the program's
//! arguments they are, and how stable they are. It is read back by the parser of definitions.

use std::collections::HashMap;

use crate::ast::{
    AttributeTarget, Item, Param, Pragma, PragmaKind, ProviderDef, Script, Storage, TypeExpr, TypeSpec, TypeSpecKind,
    Wrap,
};

/// How many typedefs may stand for each other.
const MAX_TYPEDEFS: usize = 64;

/// A type, the file's own typedefs put in.
pub(super) struct Resolved<'a> {
    pub base: &'a TypeSpec,
    /// Innermost first, as in the tree.
    pub wraps: Vec<&'a Wrap>,
}

/// The types that a file defines.
pub(super) struct Types<'a> {
    typedefs: HashMap<&'a str, (&'a TypeSpec, &'a [Wrap])>,
}

impl<'a> Types<'a> {
    /// Those of a script.
    pub fn of(script: &'a Script) -> Types<'a> {
        let mut typedefs = HashMap::new();
        for item in &script.items {
            let Item::Declaration(declaration) = item else { continue };
            if declaration.storage != Some(Storage::Typedef) {
                continue;
            }
            for declared in &declaration.declared {
                if let Some(name) = &declared.name {
                    typedefs.insert(name.name.as_str(), (&declaration.base, declared.wraps.as_slice()));
                }
            }
        }
        Types { typedefs }
    }

    /// What a type comes to.
    pub fn resolve(&self, ty: &'a TypeExpr) -> Resolved<'a> {
        let mut base = &ty.base;
        let mut wraps: Vec<&Wrap> = ty.wraps.iter().collect();
        for _ in 0..MAX_TYPEDEFS {
            let TypeSpecKind::Named(name) = &base.kind else { break };
            let Some((meant, inner)) = self.typedefs.get(name.name.as_str()) else { break };
            base = meant;
            wraps.splice(0..0, inner.iter());
        }
        Resolved { base, wraps }
    }
}

/// The text of one provider's definition, with its attributes.
pub(super) fn text(definition: &ProviderDef, pragmas: &[Pragma], types: &Types) -> String {
    let provider = &definition.name.name;
    let mut out = format!("provider {provider} {{\n");
    for probe in &definition.probes {
        let args = params(&probe.args, types);
        let mapped = probe.mapped.as_ref().map(|mapped| format!(" : ({})", params(mapped, types)));
        let name = probe.name.name.replace('-', "__");
        out.push_str(&format!("\tprobe {name}({args}){};\n", mapped.unwrap_or_default()));
    }
    out.push_str("};\n");
    for pragma in pragmas {
        let PragmaKind::Attributes { attributes, target: AttributeTarget::Provider { provider: of, part } } =
            &pragma.kind
        else {
            continue;
        };
        if of.name == *provider {
            out.push_str(&format!("#pragma D attributes {attributes} provider {provider} {}\n", part.word()));
        }
    }
    out
}

/// A type that is read back, as C writes it.
pub(crate) fn type_text(ty: &TypeExpr) -> String {
    declared(&Resolved { base: &ty.base, wraps: ty.wraps.iter().collect() }, "")
}

fn params(params: &[Param], types: &Types) -> String {
    let texts = params.iter().map(|param| {
        let name = param.name.as_ref().map_or("", |name| &name.name);
        declared(&types.resolve(&param.ty), name)
    });
    texts.collect::<Vec<String>>().join(", ")
}

/// A type as C writes it, around a name that may be empty. What arrays and functions are made of does not matter to who only
/// gets their address.
fn declared(ty: &Resolved, name: &str) -> String {
    let mut wraps = ty.wraps.iter().map(|wrap| matches!(wrap, Wrap::Pointer)).collect::<Vec<bool>>();
    // An array is passed as the address of its first element.
    if let Some(outermost @ false) = wraps.last_mut() {
        *outermost = true;
    }
    let base = match plain_base(ty.base) {
        Some(base) if wraps.iter().all(|pointer| *pointer) => base,
        // Pointers to arrays and functions.
        _ if !wraps.is_empty() => {
            wraps.truncate(1);
            "void".to_owned()
        }
        _ => "long".to_owned(),
    };
    let stars = "*".repeat(wraps.len());
    let gap = if stars.is_empty() && name.is_empty() { "" } else { " " };
    format!("{base}{gap}{stars}{name}")
}

fn plain_base(base: &TypeSpec) -> Option<String> {
    match &base.kind {
        TypeSpecKind::Words(words) => Some(words.clone()),
        TypeSpecKind::Named(name) => Some(name.name.clone()),
        TypeSpecKind::Tagged { tag, name: Some(name), .. } => Some(format!("{} {}", tag.word(), name.name)),
        TypeSpecKind::Tagged { name: None, .. } | TypeSpecKind::Error => None,
    }
}
