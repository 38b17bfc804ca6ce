//! Operators on values.

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function, UnaryOp};
use quadrant_program::map::MapValue;
use quadrant_program::span::Span;
use quadrant_program::ty::Type;

use super::super::Lower;
use super::super::join::{describe_value, join, width};
use super::super::map::{number_type, whole_map};
use super::literal;
use super::texts::as_pointer;
use crate::ast::{self, BinOp, UnOp};

/// The 64-bit type in which two integers are computed: unsigned if both are. A
/// constant that is not negative takes the sign of the other.
pub(in super::super) fn wide(left: &Expr, right: &Expr) -> Type {
    let signed = match (neutral(left), neutral(right)) {
        (true, false) => right.ty.is_signed(),
        (false, true) => left.ty.is_signed(),
        _ => left.ty.is_signed() || right.ty.is_signed(),
    };
    Type::Int { bytes: 8, signed }
}

/// Whether bits of two truth values are combined, which gives one.
fn stays_true_or_false(op: BinOp, left: &Type, right: &Type) -> bool {
    matches!(op, BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor) && *left == Type::Bool && *right == Type::Bool
}

/// A constant that means the same with and without sign.
fn neutral(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Int(value) if value >= 0)
}

impl Lower<'_> {
    pub(super) fn unary(&mut self, op: UnOp, operand: &ast::Expr, span: Span) -> Option<Expr> {
        match op {
            UnOp::Deref => self.deref(operand, span),
            UnOp::AddrOf => self.address(operand, span),
            UnOp::Not => self.not(operand, span),
            UnOp::Neg if matches!(operand.kind, ast::ExprKind::Int(_)) => self.negative(operand, span),
            UnOp::Neg | UnOp::BitNot | UnOp::Plus => {
                let value = self.operand(operand)?;
                self.arithmetic_unary(op, value, span)
            }
        }
    }

    /// `!x`: of a pointer, whether it is null.
    fn not(&mut self, operand: &ast::Expr, span: Span) -> Option<Expr> {
        let value = as_pointer(self.expr(operand)?);
        if !value.ty.is_scalar() {
            let message = format!("`!` needs a number, and this is {}", self.describe(&value.ty));
            let help = matches!(value.ty, Type::String { .. }).then_some("compare it: `x == \"\"`");
            return self.error_of(span, message, help);
        }
        let value = self.truth(value)?;
        if let ExprKind::Int(value) = value.kind {
            return Some(self.known_truth(value == 0, span));
        }
        Some(Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(value)), Type::Bool, span))
    }

    /// One side of an operation. What a cast makes of a number has a type of its own, like what is in a variable: it does not
    /// take the sign of the other side.
    pub(in super::super) fn operand(&mut self, ast: &ast::Expr) -> Option<Expr> {
        let value = self.expr(ast)?;
        let is_number = matches!((&value.kind, &value.ty), (ExprKind::Int(_), Type::Int { .. }));
        if !is_number || !is_cast(ast) {
            return Some(value);
        }
        let (ty, span) = (value.ty.clone(), value.span);
        Some(Expr::new(ExprKind::Cast(Box::new(value)), ty, span))
    }

    /// `-5`
    fn negative(&mut self, number: &ast::Expr, span: Span) -> Option<Expr> {
        let ast::ExprKind::Int(number) = &number.kind else { return None };
        match 0i64.checked_sub_unsigned(number.value) {
            Some(value) => Some(literal::signed(value, span)),
            None => self.error(span, format!("-{} is less than what 64 bits hold", number.value)),
        }
    }

    fn arithmetic_unary(&mut self, op: UnOp, value: Expr, span: Span) -> Option<Expr> {
        let value = self.as_number(value, &Type::I64);
        let fits = if op == UnOp::Plus { value.ty.is_integer() } else { value.ty.is_number() };
        if !fits {
            let ty = self.describe(&value.ty);
            let message = format!("`{}` needs a number, and this is {ty}", op.symbol());
            return self.error_of(span, message, float_help(&value.ty));
        }
        if op == UnOp::Plus {
            return Some(value);
        }
        if let ExprKind::Int(number) = value.kind {
            let result = if op == UnOp::Neg { number.wrapping_neg() } else { !number };
            return Some(match (op, &value.ty) {
                (_, Type::Int { signed: false, .. }) => self.cast(Expr::int(result, Type::U64, span), &value.ty),
                (UnOp::Neg, _) => literal::signed(result, span),
                _ => Expr::int(result, Type::U64, span),
            });
        }
        let narrow = value.ty.clone();
        let ty = Type::Int { bytes: 8, signed: narrow.is_signed() };
        let operand = Box::new(self.convert(value, &ty));
        let op = if op == UnOp::Neg { UnaryOp::Neg } else { UnaryOp::BitNot };
        let result = Expr::new(ExprKind::Unary(op, operand), ty, span);
        // Without a sign, all bits above the type's own would be set.
        Some(match narrow {
            Type::Int { signed: false, .. } => self.cast(result, &narrow),
            _ => result,
        })
    }

    /// `left op right` as it stands in the script; `is_written` if all of it are the script's numbers.
    pub(super) fn written_binary(
        &mut self,
        op: BinOp,
        left: &ast::Expr,
        right: &ast::Expr,
        is_written: bool,
        span: Span,
    ) -> Option<Expr> {
        self.are_numbers(op, left, right, span)?;
        let sides = (left, right);
        let (left, right) = (self.operand(left), self.operand(right));
        let (left, right) = self.of_one_sign(op, (sides.0, left?), (sides.1, right?));
        if is_written {
            self.holds(op, &left, &right, span)?;
        }
        self.style_shift(op, &left, &right);
        self.no_text_beside_number(op, &left, &right, span)?;
        self.binary(op, left, right, span)
    }

    /// Refuses to compute with a text and a number, which is told by its own type.
    fn no_text_beside_number(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) -> Option<()> {
        let is_skip =
            op == BinOp::Add && matches!(left.kind, ExprKind::Str(_)) && matches!(right.kind, ExprKind::Int(_));
        let is_mixed = |text: &Expr, number: &Expr| {
            is_text(text) && is_text(&as_pointer(text.clone())) && matches!(number.ty, Type::Int { .. })
        };
        if op.model().is_none() || op.is_comparison() || is_skip || !(is_mixed(left, right) || is_mixed(right, left)) {
            return Some(());
        }
        let (left, right) = (self.describe(&left.ty), self.describe(&right.ty));
        self.error(span, format!("`{}` does not go with {left} and {right}", op.symbol()))
    }

    /// `left op right`
    pub(in super::super) fn binary(&mut self, op: BinOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let is_kept = |value: &Expr| !matches!(value.kind, ExprKind::Builtin(_));
        if matches!(op, BinOp::Eq | BinOp::Ne)
            && is_kept(&left)
            && is_kept(&right)
            && let Some(known) = self.is_probe(op, &left, &right, span)
        {
            return Some(known);
        }
        let (left, right) = (self.point_text(left), self.point_text(right));
        let (left, right) = self.named_sides(op, left, right);
        let (left, right) = match op.is_comparison() && is_text(&left) && is_text(&right) {
            true => (left, right),
            false => (as_pointer(left), as_pointer(right)),
        };
        match op {
            BinOp::And | BinOp::Or => return self.logical(op, left, right, span),
            BinOp::Eq | BinOp::Ne if !is_number(&left.ty) || !is_number(&right.ty) => {
                return self.equality(op, left, right, span);
            }
            op if op.is_comparison() && is_text(&left) && is_text(&right) => return self.order(op, left, right, span),
            _ => {}
        }
        if let (BinOp::Add, ExprKind::Str(first), ExprKind::Str(second)) = (op, &left.kind, &right.kind) {
            return self.string(&[&first[..], &second[..]].concat(), span);
        }
        if let (BinOp::Add, ExprKind::Str(bytes), ExprKind::Int(skip)) = (op, &left.kind, &right.kind) {
            let skip = usize::try_from(*skip).unwrap_or(usize::MAX).min(bytes.len());
            return Some(literal::text(&bytes[skip..], span));
        }
        match (&left.ty, &right.ty) {
            (Type::Pointer { .. }, _) | (_, Type::Pointer { .. }) => self.pointer_binary(op, left, right, span),
            (l, r) if l.is_integer() && r.is_integer() => self.arithmetic(op, left, right, span),
            _ => self.mismatch(op, &left, &right, span),
        }
    }

    /// Refuses to compute with what a map has aggregated, if that is not one number.
    pub(super) fn are_numbers(&mut self, op: BinOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<()> {
        let Some(name) = [left, right].into_iter().find_map(|side| Some(self.several_numbers(side)?.0)) else {
            return Some(());
        };
        let (left, right) = (self.describe_side(op, left)?, self.describe_side(op, right)?);
        let message = format!("`{}` does not go with {left} and {right}", op.symbol());
        self.error_help(span, message, whole_map(name))
    }

    /// The name of a map, and what it holds, if that is an aggregation of several numbers.
    pub(in super::super) fn several_numbers<'a>(&self, side: &'a ast::Expr) -> Option<(&'a str, MapValue)> {
        let ast::ExprKind::Map { name, .. } = &side.kind else { return None };
        let value = self.map_value(&name.name)?;
        let is_several = matches!(&value, MapValue::Aggregation(aggregation) if number_type(aggregation).is_none());
        is_several.then_some((&*name.name, value))
    }

    fn describe_side(&mut self, op: BinOp, side: &ast::Expr) -> Option<String> {
        match self.several_numbers(side) {
            Some((_, value)) => Some(describe_value(self.env.types, &value)),
            None => self.expr(side).map(|value| self.describe_operand(op, &value.ty)),
        }
    }

    /// How a side of an operation is named in messages: what is computed has 64 bits.
    fn describe_operand(&self, op: BinOp, ty: &Type) -> String {
        let is_computed = op.model().is_some() && !op.is_comparison();
        match ty {
            Type::Int { signed, .. } if is_computed => self.describe(&Type::Int { bytes: 8, signed: *signed }),
            _ => self.describe(ty),
        }
    }

    pub(super) fn mismatch<T>(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) -> Option<T> {
        let (l, r) = (self.describe_operand(op, &left.ty), self.describe_operand(op, &right.ty));
        let help_of = |ty: &Type| float_help(ty).or_else(|| group_help(ty));
        let help = help_of(&left.ty).or_else(|| help_of(&right.ty));
        self.error_of(span, format!("`{}` does not go with {l} and {r}", op.symbol()), help)
    }

    fn logical(&mut self, op: BinOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        if !is_number(&left.ty) || !is_number(&right.ty) {
            return self.mismatch(op, &left, &right, span);
        }
        if let (ExprKind::Int(a), ExprKind::Int(b)) = (&left.kind, &right.kind) {
            let holds = if op == BinOp::And { *a != 0 && *b != 0 } else { *a != 0 || *b != 0 };
            return Some(self.known_truth(holds, span));
        }
        let (lhs, rhs) = (Box::new(left), Box::new(right));
        Some(Expr::new(ExprKind::Logical { and: op == BinOp::And, lhs, rhs }, Type::Bool, span))
    }

    /// `==` and `!=` of what is not a number.
    fn equality(&mut self, op: BinOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let (left, right) = self.whole_sides(left, right);
        let Some(ty) = join(self.env.types, &left.ty, &right.ty).filter(|ty| float_help(ty).is_none()) else {
            return self.mismatch(op, &left, &right, span);
        };
        let negate = op == BinOp::Ne;
        if let (ExprKind::Str(a), ExprKind::Str(b)) = (&left.kind, &right.kind) {
            return Some(self.known_truth((a == b) != negate, span));
        }
        if ty.is_scalar() {
            let op = if negate { BinaryOp::Ne } else { BinaryOp::Eq };
            return Some(Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), Type::Bool, span));
        }
        // Texts are compared by their text, whatever their capacity.
        let (left, right) = match ty {
            Type::String { .. } => (left, right),
            _ => (self.convert(left, &ty), self.convert(right, &ty)),
        };
        let (lhs, rhs) = (Box::new(left), Box::new(right));
        Some(Expr::new(ExprKind::MemEq { lhs, rhs, negate }, Type::Bool, span))
    }

    /// `<` and its like of texts: by the first byte that differs.
    fn order(&mut self, op: BinOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let kind = op.model()?;
        if let (ExprKind::Str(a), ExprKind::Str(b)) = (&left.kind, &right.kind) {
            return Some(self.known_truth(kind.holds(a.cmp(b)), span));
        }
        let (left, right) = (self.whole(left), self.whole(right));
        let order = Expr::new(ExprKind::Call(Function::Strcmp, vec![left, right]), Type::I64, span);
        let zero = Expr::int(0, Type::I64, span);
        Some(Expr::new(ExprKind::Binary(kind, Box::new(order), Box::new(zero)), Type::Bool, span))
    }

    fn arithmetic(&mut self, op: BinOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let kind = op.model()?;
        if let (ExprKind::Int(a), ExprKind::Int(b)) = (&left.kind, &right.kind) {
            return self.fold(op, (*a, &left.ty), (*b, &right.ty), span);
        }
        if matches!(op, BinOp::Div | BinOp::Rem) && is_zero(&right) && !self.env.warns_of_style {
            self.warning(right.span, "division by zero: the result is 0");
        }
        let ty = match op {
            BinOp::Shl | BinOp::Shr => Type::Int { bytes: 8, signed: left.ty.is_signed() },
            // What is taken away may be more than there is.
            BinOp::Sub => Type::I64,
            op if stays_true_or_false(op, &left.ty, &right.ty) => Type::Bool,
            _ => wide(&left, &right),
        };
        // Nearly every difference is one of numbers without a sign.
        if !matches!(op, BinOp::Shl | BinOp::Shr) && (op != BinOp::Sub || self.env.warns_of_style) {
            self.warn_sign(&left, &ty);
            self.warn_sign(&right, &ty);
        }
        if matches!(op, BinOp::Div | BinOp::Rem) && ty.is_signed() && width(&left.ty).max(width(&right.ty)) > 1 {
            let message = format!(
                "signed operands for '{}' can lead to undefined behavior (cast to unsigned to silence warning)",
                op.symbol()
            );
            self.style(span, message);
        }
        let (left, right) = (Box::new(self.convert(left, &ty)), Box::new(self.convert(right, &ty)));
        let result = if op.is_comparison() { Type::Bool } else { ty };
        Some(Expr::new(ExprKind::Binary(kind, left, right), result, span))
    }

    /// Warns of an unsigned number beside a signed one where neither loses anything, as [`Lower::style`] does.
    pub(in super::super) fn style_sign(&mut self, value: &Expr, ty: &Type) {
        if loses_sign(value, ty) {
            let from = self.describe(&value.ty);
            self.style(value.span, format!("{from} is taken as a signed number here"));
        }
    }

    /// Warns of a number without a sign that is shifted, or shifts, beside one with a sign, as [`Lower::style`] does.
    pub(super) fn style_shift(&mut self, op: BinOp, left: &Expr, right: &Expr) {
        if matches!(op, BinOp::Shl | BinOp::Shr) && left.ty.is_integer() && right.ty.is_integer() {
            let mixed = wide(left, right);
            self.style_sign(left, &mixed);
            self.style_sign(right, &mixed);
        }
    }

    /// Warns of a large unsigned number that is taken as a signed one.
    fn warn_sign(&mut self, value: &Expr, ty: &Type) {
        if loses_sign(value, ty) {
            let from = self.describe(&value.ty);
            let message = format!("{from} is taken as a signed number here");
            let diagnostic = quadrant_program::diag::Diagnostic::warning(value.span, message);
            self.report(diagnostic.help("a cast makes it clear: `(int64)...`, or `(uint64)...` on the other side"));
        }
    }

    fn fold(&mut self, op: BinOp, left: (i64, &Type), right: (i64, &Type), span: Span) -> Option<Expr> {
        let unsigned = *left.1 == Type::U64 && right.0 >= 0 || *right.1 == Type::U64 && left.0 >= 0;
        let (a, b) = (left.0, right.0);
        if matches!(op, BinOp::Div | BinOp::Rem) && b == 0 {
            return self.error(span, "division by zero");
        }
        let value = op.model()?.compute(a, b, !unsigned);
        if op.is_comparison() {
            return Some(self.known_truth(value != 0, span));
        }
        if stays_true_or_false(op, left.1, right.1) {
            return Some(Expr::int(value, Type::Bool, span));
        }
        Some(match exact(op, number(left), number(right)) {
            Some(value) => literal::int(value, span),
            None if unsigned && op != BinOp::Sub => literal::int(value as u64, span),
            None => literal::signed(value, span),
        })
    }

    /// Whether the numbers of the script `a op b` give one that 64 bits hold; reports it if not.
    pub(super) fn holds(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) -> Option<()> {
        let (ExprKind::Int(a), ExprKind::Int(b)) = (&left.kind, &right.kind) else { return Some(()) };
        let (a, b) = (number((*a, &left.ty)), number((*b, &right.ty)));
        let value = match op {
            BinOp::Add => a + b,
            BinOp::Sub => a - b,
            BinOp::Mul => a.saturating_mul(b),
            BinOp::Shl | BinOp::Shr if !(0..64).contains(&b) => {
                return self.error(span, format!("a number has 64 bits, and this shifts it by {b}"));
            }
            _ => return Some(()),
        };
        if i64::try_from(value).is_ok() || u64::try_from(value).is_ok() {
            return Some(());
        }
        self.error(span, "the result does not fit in 64 bits")
    }
}

/// Whether a large unsigned number is taken as a signed one.
fn loses_sign(value: &Expr, ty: &Type) -> bool {
    ty.is_signed() && !value.ty.is_signed() && width(&value.ty) == 8 && !neutral(value)
}

/// What can be done with a floating point number.
pub(in super::super) fn float_help(ty: &Type) -> Option<&'static str> {
    matches!(ty, Type::Float { .. })
        .then_some("eBPF has no floating point: print it with `%f`, or take the whole part: `(int64)...`")
}

/// Names of groups are found by the tracer, when what the program said of them is shown.
fn group_help(ty: &Type) -> Option<&'static str> {
    matches!(ty, Type::Container | Type::CgroupPath(_))
        .then_some("programs know a group by its number: compare `cgroup == cgroupid(\"PATH\")`, or trace one container with --container")
}

/// The number that a constant is.
fn number((value, ty): (i64, &Type)) -> i128 {
    if *ty == Type::U64 { i128::from(value as u64) } else { value.into() }
}

/// The result, if it is a number above those with a sign.
fn exact(op: BinOp, a: i128, b: i128) -> Option<u64> {
    let value = match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a.saturating_mul(b),
        BinOp::Div => a.checked_div(b)?,
        BinOp::Shl if a >= 0 && (0..64).contains(&b) => a << b,
        _ => return None,
    };
    u64::try_from(value).ok()
}

fn is_cast(ast: &ast::Expr) -> bool {
    match &ast.kind {
        ast::ExprKind::Cast { .. } => true,
        ast::ExprKind::Given { inner, .. } => is_cast(inner),
        _ => false,
    }
}

/// Whether numbers stand in the script, and nothing else.
pub(super) fn is_written(ast: &ast::Expr) -> bool {
    match &ast.kind {
        ast::ExprKind::Int(_) => true,
        ast::ExprKind::Unary { op: UnOp::Neg | UnOp::BitNot | UnOp::Plus, operand } => is_written(operand),
        ast::ExprKind::Binary { left, right, .. } => is_written(left) && is_written(right),
        _ => false,
    }
}

/// Whether the type can be compared with zero.
/// Whether this is 0 as it stands in the script, by whatever casts.
fn is_zero(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Int(0) => true,
        ExprKind::Cast(number) => is_zero(number),
        _ => false,
    }
}

fn is_number(ty: &Type) -> bool {
    ty.is_integer() || matches!(ty, Type::Pointer { .. })
}

fn is_text(value: &Expr) -> bool {
    matches!(value.ty, Type::String { .. })
}
