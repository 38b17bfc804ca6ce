//! What a script declares must be new, and inlines must be what they say.

use quadrant_types::CType;

use super::builtin;
use super::value::Ty;
use super::{Lower, ast};
use crate::ast::{Declaration, Inline, Scope, Storage};

impl Lower<'_> {
    /// A declaration of the script.
    pub(super) fn own_declaration(&mut self, declaration: &Declaration) {
        for declared in &declaration.declared {
            let Some(name) = &declared.name else { continue };
            let is_typedef = declaration.storage == Some(Storage::Typedef);
            let message = match (is_typedef, declaration.scope) {
                (true, _) if !self.typedefs.insert(name.name.clone()) => format!("typedef redeclared: {}", name.name),
                (true, _) if is_builtin(&name.name) => {
                    format!("global variable identifier redeclared: {}", name.name)
                }
                (false, Scope::Global) if is_builtin(&name.name) => {
                    format!("built-in identifier redeclared: {}", name.name)
                }
                _ => continue,
            };
            self.fail::<()>(name.span, "D_DECL_IDRED", message);
            return;
        }
        self.declaration(declaration);
    }

    /// An inline of the script.
    pub(super) fn own_inline(&mut self, inline: &Inline) {
        let name = &inline.name;
        if self.is_inline(&name.name) || is_builtin(&name.name) {
            let message = format!("identifier redefined: {}", name.name);
            self.fail::<()>(name.span, "D_DECL_IDRED", message);
            return;
        }
        if inline.params.is_none() {
            self.check_inline(inline);
        }
        self.define_inline(inline);
    }

    /// What is wrong with an inline wherever it is used is said once, where it stands.
    fn check_inline(&mut self, inline: &Inline) -> Option<()> {
        let name = &inline.name.name;
        let ty = self.type_expr(&inline.ty)?;
        if matches!(self.kind(&ty), Some(CType::Void)) {
            return self.fail(inline.name.span, "D_DECL_VOIDOBJ", format!("cannot declare void inline: {name}"));
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

fn is_builtin(name: &str) -> bool {
    builtin::is_builtin(name) || Lower::function_kind(name).is_some()
}
