//! What a script declares must be new, and inlines must be what they say.

use quadrant_types::CType;

use super::builtin;
use super::value::Ty;
use super::{Lower, ast};
use crate::ast::{Declaration, Inline, Scope, Storage, Wrap};

impl Lower<'_> {
    /// A declaration of the script.
    pub(super) fn own_declaration(&mut self, declaration: &Declaration) {
        for declared in &declaration.declared {
            let Some(name) = &declared.name else { continue };
            let taken = match (declaration.storage, declaration.scope) {
                (Some(Storage::Typedef), _) => self.typedef_taken(&name.name),
                (_, Scope::Global) if !matches!(declared.wraps.last(), Some(Wrap::Function { .. })) => {
                    self.variable_taken(&name.name)
                }
                _ => None,
            };
            if let Some(what) = taken {
                self.fail::<()>(name.span, "D_DECL_IDRED", format!("{what} redeclared: {}", name.name));
                return;
            }
        }
        self.declaration(declaration);
    }

    /// What has the name that a type is to have.
    fn typedef_taken(&mut self, name: &str) -> Option<&'static str> {
        if !self.typedefs.insert(name.to_owned()) {
            return Some("typedef");
        }
        (is_builtin(name) || self.variable(Scope::Global, name).is_some()).then_some("global variable identifier")
    }

    /// What else has the name that a variable is to have.
    fn variable_taken(&self, name: &str) -> Option<&'static str> {
        if is_builtin(name) {
            return Some("built-in identifier");
        }
        (self.typedefs.contains(name) || self.enumerators.contains(name)).then_some("typedef identifier")
    }

    /// An inline of the script.
    pub(super) fn own_inline(&mut self, inline: &Inline) {
        let name = &inline.name;
        if let Some(previous) = self.inline_taken(&name.name) {
            let message =
                format!("identifier redefined: {}\n\t current: inline definition\n\tprevious: {previous}", name.name);
            self.fail::<()>(name.span, "D_DECL_IDRED", message);
            return;
        }
        if inline.params.is_none() {
            self.check_inline(inline);
        }
        self.define_inline(inline);
    }

    /// What else has the name that an inline is to have.
    fn inline_taken(&self, name: &str) -> Option<&'static str> {
        if self.is_inline(name) {
            return Some("scalar inline");
        }
        let is_scalar = builtin::is_builtin(name) || self.variable(Scope::Global, name).is_some();
        Lower::function_kind(name).or(is_scalar.then_some("scalar"))
    }

    /// What is wrong with an inline wherever it is used is said once, where it stands.
    fn check_inline(&mut self, inline: &Inline) -> Option<()> {
        let name = &inline.name.name;
        let ty = self.type_expr(&inline.ty)?;
        if matches!(self.kind(&ty), Some(CType::Void)) {
            return self.fail(inline.name.span, "D_DECL_VOIDOBJ", format!("cannot declare void inline: {name}"));
        }
        if matches!(self.kind(&ty), Some(CType::Array { .. })) {
            let message = format!("inline declaration cannot be of scalar array type: {name}");
            return self.fail(inline.name.span, "D_DECL_ARRNULL", message);
        }
        if let ast::ExprKind::Name(value) = &inline.value.kind
            && self.is_unknown(value)
            && !self.is_inline(value)
        {
            let message = format!("failed to resolve {value}: Unknown variable name");
            return self.fail(inline.value.span, "D_IDENT_UNDEF", message);
        }
        if let (ast::ExprKind::Int(_), false) = (&inline.value.kind, self.is_scalar(&ty)) {
            let wanted = self.type_name(&ty);
            let message = format!("inline {name} definition uses incompatible types: \"{wanted}\" = \"int\"");
            return self.fail(inline.name.span, "D_OP_INCOMPAT", message);
        }
        let ast::ExprKind::Str(_) = inline.value.kind else { return Some(()) };
        let is_text = self.is_textual(&ty) || matches!(ty, Ty::Text);
        if is_text {
            return Some(());
        }
        let wanted = self.type_name(&ty);
        let message = format!("inline {name} definition uses incompatible types: \"{wanted}\" = \"string\"");
        self.fail(inline.value.span, "D_OP_INCOMPAT", message)
    }
}

/// Whether a word is a variable or a function of the language.
pub(super) fn is_builtin(name: &str) -> bool {
    builtin::is_builtin(name) || Lower::function_kind(name).is_some()
}
