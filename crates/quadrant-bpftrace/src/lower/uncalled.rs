//! Functions that nothing calls: they are looked at as if something did, and leave nothing in the program.

use std::collections::HashSet;
use std::rc::Rc;

use quadrant_program::Program;
use quadrant_program::expr::{Expr, ExprKind};

use super::Lower;
use super::clause::{Scope, Variant};
use crate::ast::{FnDef, Param};

impl Lower<'_> {
    /// Looks at the functions that nothing has called in this round.
    pub(super) fn uncalled_functions(&mut self, variants: &[Variant]) {
        let mut uncalled: Vec<_> = self.functions.values().filter(|defined| !defined.called).map(Rc::clone).collect();
        uncalled.sort_by_key(|defined| defined.def.span.start);
        for (number, defined) in uncalled.iter().enumerate() {
            self.look_at(&defined.def, variants, variants.len() + number);
            self.messages.once();
        }
    }

    /// What a function means that reads the probe's data depends on the probe: of that nothing is said but that nobody looked.
    fn look_at(&mut self, def: &FnDef, variants: &[Variant], clause: usize) {
        let before = self.messages.len();
        self.without_trace(|lower| lower.body_of_uncalled(def, None, clause));
        let mut tried = HashSet::new();
        // Its types may be those of an executable that is probed.
        for variant in variants.iter().filter(|variant| variant.path.is_some()) {
            if self.messages.failed_since(before) && tried.insert(&variant.path) {
                self.messages.take_back(before);
                self.without_trace(|lower| lower.body_of_uncalled(def, Some(variant), clause));
            }
        }
        if self.messages.failed_since(before) && self.depends_on_probe(&def.name.name) {
            self.messages.take_back(before);
            let name = &def.name;
            self.warning(name.span, format!("nothing calls the function `{}`: it was not looked at", name.name));
        }
    }

    /// Runs `inner`, and keeps nothing of what it adds to the program. What it calls is as little called as before.
    fn without_trace(&mut self, inner: impl FnOnce(&mut Self)) {
        let Program { points, imports, config, .. } = &self.program;
        let (points, imports, config) = (points.clone(), imports.clone(), config.clone());
        let kept = std::mem::replace(&mut self.program, Program { points, imports, config, ..Program::default() });
        let (maps, functions) = (self.inferred.used(), self.functions.clone());
        inner(self);
        self.functions = functions;
        self.inferred.forget_uses(maps);
        self.program = kept;
    }

    fn body_of_uncalled(&mut self, def: &FnDef, probe: Option<&Variant>, clause: usize) {
        self.scope = Scope::default();
        self.scope.clause = clause;
        if let Some(probe) = probe {
            (self.scope.kind, self.scope.path) = (probe.kind, probe.path.clone());
        }
        self.scoped(|lower| {
            let values = def.params.iter().map(|param| lower.any_argument(param)).collect();
            if let Some(result) = lower.result_type(def) {
                lower.put_in_place(def, values, result, def.name.span);
            }
        });
    }

    /// Some value of the parameter's type.
    fn any_argument(&mut self, param: &Param) -> Option<Expr> {
        let ty = self.param_type(&param.ty)?;
        let id = self.temporary(ty.clone());
        Some(Expr::new(ExprKind::Var(id), ty, param.name.span))
    }
}
