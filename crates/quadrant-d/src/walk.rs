//! Visiting every expression of a script, to change it.

use crate::ast::{
    Block, Clause, Declaration, Expr, ExprKind, Item, Param, Script, Stmt, StmtKind, TagBody, TypeArg, TypeExpr,
    TypeSpec, TypeSpecKind, Wrap,
};

/// Calls `change` with every expression, the parts of one before itself.
pub(crate) fn exprs(script: &mut Script, change: &mut dyn FnMut(&mut Expr)) {
    let mut walk = Walk { change };
    script.items.iter_mut().for_each(|item| walk.item(item));
}

struct Walk<'a> {
    change: &'a mut dyn FnMut(&mut Expr),
}

impl Walk<'_> {
    fn item(&mut self, item: &mut Item) {
        match item {
            Item::Clause(clause) => self.clause(clause),
            Item::Inline(inline) => {
                self.type_expr(&mut inline.ty);
                inline.params.iter_mut().flatten().for_each(|param| self.param(param));
                self.expr(&mut inline.value);
            }
            Item::Translator(translator) => {
                self.type_expr(&mut translator.output);
                self.param(&mut translator.input);
                translator.members.iter_mut().for_each(|(_, value)| self.expr(value));
            }
            Item::Provider(provider) => {
                for probe in &mut provider.probes {
                    probe.args.iter_mut().for_each(|param| self.param(param));
                    probe.mapped.iter_mut().flatten().for_each(|param| self.param(param));
                }
            }
            Item::Declaration(declaration) => self.declaration(declaration),
        }
    }

    fn clause(&mut self, clause: &mut Clause) {
        clause.predicate.iter_mut().for_each(|predicate| self.expr(&mut predicate.expr));
        clause.body.iter_mut().for_each(|body| self.block(body));
    }

    fn block(&mut self, block: &mut Block) {
        block.stmts.iter_mut().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Error => {}
            StmtKind::Expr(expr) => self.expr(expr),
            StmtKind::If { cond, then, other } => {
                self.expr(cond);
                self.block(then);
                other.iter_mut().for_each(|other| self.block(other));
            }
        }
    }

    fn declaration(&mut self, declaration: &mut Declaration) {
        self.type_spec(&mut declaration.base);
        for declared in &mut declaration.declared {
            self.wraps(&mut declared.wraps);
            declared.bits.iter_mut().for_each(|bits| self.expr(bits));
        }
    }

    fn param(&mut self, param: &mut Param) {
        self.type_expr(&mut param.ty);
    }

    fn type_expr(&mut self, ty: &mut TypeExpr) {
        self.type_spec(&mut ty.base);
        self.wraps(&mut ty.wraps);
    }

    fn type_spec(&mut self, spec: &mut TypeSpec) {
        let TypeSpecKind::Tagged { body: Some(body), .. } = &mut spec.kind else { return };
        match body {
            TagBody::Members(members) => members.iter_mut().for_each(|member| self.declaration(member)),
            TagBody::Values(values) => values.iter_mut().flat_map(|v| &mut v.value).for_each(|value| self.expr(value)),
        }
    }

    fn wraps(&mut self, wraps: &mut [Wrap]) {
        for wrap in wraps {
            match wrap {
                Wrap::Pointer | Wrap::Array(None) => {}
                Wrap::Array(Some(size)) => self.expr(size),
                Wrap::Assoc(params) | Wrap::Function { params, .. } => {
                    params.iter_mut().for_each(|param| self.param(param));
                }
            }
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        self.parts(&mut expr.kind);
        (self.change)(expr);
    }

    fn parts(&mut self, kind: &mut ExprKind) {
        match kind {
            ExprKind::Agg { keys: parts, .. } | ExprKind::Call { args: parts, .. } | ExprKind::Comma(parts) => {
                parts.iter_mut().for_each(|part| self.expr(part));
            }
            ExprKind::Index { base, keys } => {
                self.expr(base);
                keys.iter_mut().for_each(|key| self.expr(key));
            }
            ExprKind::Field { base: inner, .. }
            | ExprKind::Unary { operand: inner, .. }
            | ExprKind::IncDec { target: inner, .. }
            | ExprKind::Stringof(inner)
            | ExprKind::Sizeof(TypeArg::Expr(inner)) => self.expr(inner),
            ExprKind::Binary { left: a, right: b, .. } | ExprKind::Assign { target: a, value: b, .. } => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Ternary { cond, then, other } => [cond, then, other].into_iter().for_each(|part| self.expr(part)),
            ExprKind::Cast { ty, operand } | ExprKind::Xlate { ty, operand } => {
                self.type_expr(ty);
                self.expr(operand);
            }
            ExprKind::Sizeof(TypeArg::Type(ty)) | ExprKind::Offsetof { ty, .. } => self.type_expr(ty),
            _ => {}
        }
    }
}
