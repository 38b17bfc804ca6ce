//! Inlines and translators that a script defines, whether it uses them or not: what is wrong with them wherever they are used.

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind, VarId};
use quadrant_program::program::Variable;
use quadrant_program::span::Span;
use quadrant_types::CType;

use super::translate::{Frame, Whose};
use super::value::{Ty, Value};
use super::{Lower, call, clause};
use crate::ast::{self, Ident, Inline, Item, Param, Script, Translator};

impl Lower<'_> {
    /// Looks at all definitions when all variables are known, and nothing was wrong before: that may well have come from one of them.
    pub(super) fn check_definitions(&mut self, scripts: &[Script]) {
        if self.failed() {
            return;
        }
        self.clause = clause::Scope::default();
        let vars = self.program.vars.len();
        for item in scripts.iter().flat_map(|script| &script.items) {
            let before = self.diagnostics.len();
            match item {
                Item::Inline(inline) => drop(self.check_value_of(inline)),
                Item::Translator(translator) => self.check_translator(translator),
                Item::Declaration(_) | Item::Clause(_) | Item::Provider(_) => {}
            }
            let found = self.diagnostics.split_off(before);
            self.diagnostics.extend(found.into_iter().filter(holds_everywhere));
        }
        // No code was kept that uses them.
        self.program.vars.truncate(vars);
    }

    fn check_value_of(&mut self, inline: &Inline) -> Option<Value> {
        let params = inline.params.as_deref().unwrap_or_default();
        let ty = self.type_expr(&inline.ty)?;
        self.check_value(params, &inline.value, &ty, Whose::Inline(&inline.name.name))
    }

    fn check_translator(&mut self, translator: &Translator) {
        let Some(output) = self.type_id(&translator.output) else { return };
        for (Ident { name, .. }, value) in &translator.members {
            let Some(member) = self.types.find_member(output, name) else { continue };
            let ty = self.ty_of(member.ty);
            self.check_value(std::slice::from_ref(&translator.input), value, &ty, Whose::Member(name));
        }
    }

    /// What an expression is for any values of the parameters.
    fn check_value(&mut self, params: &[Param], value: &ast::Expr, ty: &Ty, whose: Whose) -> Option<Value> {
        if let Some(what) = call::valueless(value) {
            return self.misshaped(whose, ty, what, value.span);
        }
        let mut frame = Frame { at: value.span, ..Frame::default() };
        for param in params {
            let Some(name) = &param.name else { continue };
            let any = self.any_value(param)?;
            frame.names.insert(name.name.clone(), any);
        }
        let made = self.within(frame, |lower| lower.expr(value))?;
        self.shaped(made, ty, value.span, whose)
    }

    /// A value of a parameter's type, of which nothing is known.
    fn any_value(&mut self, param: &Param) -> Option<Value> {
        let ty = self.type_expr(&param.ty)?;
        if matches!(self.kind(&ty), Some(CType::Void)) {
            return None;
        }
        let before = self.diagnostics.len();
        let model = self.model(&ty, param.span);
        // That a type is not complete matters where it is used.
        self.diagnostics.truncate(before);
        let model = model?;
        self.program.vars.push(Variable { name: "$".to_owned(), ty: model.clone(), shared: false });
        let id = VarId(self.program.vars.len() as u32 - 1);
        Some(Value { expr: Expr::new(ExprKind::Var(id), model, Span::default()), ty })
    }
}

/// Not what depends on the probe at hand.
fn holds_everywhere(diagnostic: &Diagnostic) -> bool {
    !diagnostic.tag.is_some_and(|tag| tag.starts_with("D_ARGS"))
}
