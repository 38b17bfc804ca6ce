//! What stands around a place in a script, for messages that mark more than the mistake itself.

use quadrant_program::span::Span;

use crate::ast::{Expr, ExprKind, FnDef, Item, MacroDef, Probe, Script, Stmt, StmtKind};
use crate::walk::{Node, walk_block, walk_probe};

/// A kind of surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// The call.
    Call,
    /// The call that it is an argument of.
    CallOf,
    /// An element with its array: `$a[1]`.
    Indexed,
    /// The declaration of a map.
    Declaration,
    /// The map with its key: `@x[1]`, `has_key(@x, 1)`.
    Element,
    /// The member with what it is a member of: `$a.x`.
    Member,
    /// The type of the cast, with its parentheses, for a place in the cast.
    CastType,
    /// The type of the cast, with its stars.
    WholeType,
    /// The value, without parentheses around it; of a cast its type.
    Value,
    /// The two operands.
    Operands,
    /// What depends on the condition, or the whole predicate.
    Condition,
    /// The value that is assigned.
    Assigned,
    /// `let $x`
    Let,
    /// The statement.
    Statement,
    /// The setting with its value.
    Setting,
    /// The probe.
    Point,
}

/// A piece of a script, and the part of it that is marked for a mistake somewhere in it.
struct Piece {
    whole: Span,
    marked: Span,
}

/// Functions that take a map and a key.
const TAKES_KEY: &[&str] = &["delete", "find", "has_key"];

/// The smallest piece of that kind that a place is in.
pub fn around(script: &Script, place: Span, kind: Around) -> Option<Span> {
    let mut best: Option<Piece> = None;
    let length = |span: Span| span.end - span.start;
    let mut see = |found: Piece| {
        let is_itself = kind == Around::CallOf && found.whole == place;
        let is_around = found.whole.start <= place.start && place.end <= found.whole.end && !is_itself;
        if is_around && best.as_ref().is_none_or(|best| length(found.whole) < length(best.whole)) {
            best = Some(found);
        }
    };
    script.items.iter().for_each(|item| of_item(item, kind, &mut see));
    best.map(|best| best.marked)
}

/// The two operands of the smallest operation that a place is in; of `x += y` those two.
pub fn operands(script: &Script, place: Span) -> Option<(Span, Span)> {
    let whole = around(script, place, Around::Operands);
    let mut found = None;
    let mut see = |node: Node| {
        if let Node::Stmt(Stmt { span, kind: StmtKind::Assign { target, value, op: Some(_) } }) = node
            && *span == place
        {
            found = Some((target.span, value.span));
        }
        if let Node::Infix(_, [left, right]) = node
            && Some(left.span.to(right.span)) == whole
        {
            found = Some((left.span, right.span));
        }
    };
    script.items.iter().for_each(|item| walk_item(item, &mut see));
    found
}

/// Where a variable got its first value, or was declared (true), in what a place is in.
pub fn first(script: &Script, name: &str, place: Span) -> Option<(Span, bool)> {
    let mut found: Option<(Span, bool)> = None;
    let mut see = |node: Node| {
        let Node::Stmt(of) = node else { return };
        let here = match &of.kind {
            StmtKind::Let { var, .. } if var.name == name => Some((Span::new(of.span.start, var.span.end), true)),
            StmtKind::Assign { target, .. } if matches!(&target.kind, ExprKind::Var(var) if var == name) => {
                Some((of.span, false))
            }
            _ => None,
        };
        if of.span.start < place.start && found.is_none() {
            found = here;
        }
    };
    let is_here = |item: &&Item| match item {
        Item::Probe(Probe { span, .. }) | Item::Macro(MacroDef { span, .. }) | Item::Fn(FnDef { span, .. }) => {
            span.start <= place.start && place.end <= span.end
        }
        _ => false,
    };
    script.items.iter().filter(is_here).for_each(|item| walk_item(item, &mut see));
    found
}

fn of_item(item: &Item, kind: Around, see: &mut dyn FnMut(Piece)) {
    match (item, kind) {
        (Item::Config(config), Around::Setting) => {
            config.entries.iter().for_each(|entry| see(entry.key.span.to(entry.value_span).into()));
        }
        (Item::MapDecl(map), Around::Declaration) => see(map.span.into()),
        (Item::Probe(probe), Around::Condition) => {
            probe.predicate.iter().for_each(|predicate| see(predicate.span.into()));
            walk_item(item, &mut |node| match node {
                Node::Expr(expr) => of_expr(expr, kind).into_iter().for_each(&mut *see),
                Node::Stmt(stmt) => of_stmt(stmt, kind).into_iter().for_each(&mut *see),
                _ => {}
            });
        }
        (Item::Probe(probe), Around::Point) => probe.attach.iter().for_each(|point| see(point.span.into())),
        _ => walk_item(item, &mut |node| match node {
            Node::Expr(expr) => of_expr(expr, kind).into_iter().for_each(&mut *see),
            Node::Stmt(stmt) => of_stmt(stmt, kind).into_iter().for_each(&mut *see),
            _ => {}
        }),
    }
}

fn walk_item<'a>(item: &'a Item, see: &mut dyn FnMut(Node<'a>)) {
    match item {
        Item::Probe(probe) => walk_probe(probe, see),
        Item::Macro(def) => walk_block(&def.body, see),
        Item::Fn(def) => walk_block(&def.body, see),
        Item::C(_) | Item::Config(_) | Item::Import(_) | Item::MapDecl(_) => {}
    }
}

fn of_expr(expr: &Expr, kind: Around) -> Option<Piece> {
    let whole = expr.span;
    match (&expr.kind, kind) {
        (ExprKind::Call { .. }, Around::Call | Around::CallOf) => Some(whole.into()),
        (ExprKind::Index { .. }, Around::Indexed) => Some(whole.into()),
        (ExprKind::Map { key, .. }, Around::Element) if !key.is_empty() => Some(whole.into()),
        (ExprKind::Call { callee, .. }, Around::Element) if TAKES_KEY.contains(&&*callee.name) => Some(whole.into()),
        (ExprKind::Field { base, name }, Around::Member) => {
            Some(Piece { whole, marked: Span::new(own_start(base), name.span.end) })
        }
        (ExprKind::Cast { ty, .. }, Around::CastType) => {
            Some(Piece { whole, marked: Span::new(whole.start, (ty.span.end + 1).min(whole.end)) })
        }
        (ExprKind::Cast { ty, .. }, Around::WholeType) => Some(ty.span.into()),
        (ExprKind::Binary { left, right, .. }, Around::Operands) => {
            Some(Piece { whole, marked: left.span.to(right.span) })
        }
        (ExprKind::Offsetof { .. }, Around::Member) => Some(whole.into()),
        (ExprKind::Ternary { .. } | ExprKind::If(_), Around::Condition) => Some(whole.into()),
        (_, Around::Value) => Some(Piece { whole, marked: own_span(expr) }),
        _ => None,
    }
}

/// An operation without parentheses around it; of a cast the type with its own.
fn own_span(expr: &Expr) -> Span {
    match &expr.kind {
        ExprKind::Binary { left, right, .. } => own_span(left).to(right.span),
        ExprKind::Ternary { cond, other, .. } => own_span(cond).to(other.span),
        ExprKind::Cast { ty, .. } => Span::new(own_start(expr), (ty.span.end + 1).min(expr.span.end)),
        _ => expr.span,
    }
}

/// Where an expression starts, without parentheses around it if it is a cast: nothing else that has members needs them.
fn own_start(expr: &Expr) -> u32 {
    match &expr.kind {
        ExprKind::Cast { ty, .. } => ty.span.start.saturating_sub(1).max(expr.span.start),
        _ => expr.span.start,
    }
}

fn of_stmt(stmt: &Stmt, kind: Around) -> Option<Piece> {
    let whole = stmt.span;
    match (&stmt.kind, kind) {
        (_, Around::Statement) => Some(whole.into()),
        (StmtKind::If(_) | StmtKind::While { .. }, Around::Condition) => Some(whole.into()),
        (StmtKind::Assign { value, .. }, Around::Assigned) => Some(Piece { whole, marked: value.span }),
        (StmtKind::Let { var, .. }, Around::Let) => Some(Piece { whole, marked: Span::new(whole.start, var.span.end) }),
        _ => None,
    }
}

impl From<Span> for Piece {
    fn from(whole: Span) -> Piece {
        Piece { whole, marked: whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is marked around the text `at`, which is in the script once.
    fn marked<'a>(text: &'a str, at: &str, kind: Around) -> Option<&'a str> {
        let start = text.find(at).expect("it is there") as u32;
        let place = Span::new(start, start + at.len() as u32);
        let found = around(&crate::parse(text).script, place, kind)?;
        Some(&text[found.start as usize..found.end as usize])
    }

    #[test]
    fn the_smallest_piece_counts() {
        let text = "config = { a = 1; b = \"x\" } k:f /f(g(2), @m[3]) > 4/ { let $x : int8 = (int8)7; \
                    return $y.z + @n[h(5)]; print(((struct s *)p)->q); print($w[0]); } let @d = hash(1);";
        for (at, kind, expected) in [
            ("2", Around::Call, "g(2)"),
            ("g(2)", Around::Call, "g(2)"),
            ("g(2)", Around::CallOf, "f(g(2), @m[3])"),
            ("0", Around::Indexed, "$w[0]"),
            ("hash", Around::Declaration, "let @d = hash(1)"),
            ("3", Around::Call, "f(g(2), @m[3])"),
            ("3", Around::Element, "@m[3]"),
            ("5", Around::Element, "@n[h(5)]"),
            ("z", Around::Member, "$y.z"),
            ("(int8)7", Around::CastType, "(int8)"),
            ("f(g", Around::Operands, "f(g(2), @m[3]) > 4"),
            ("p)->q", Around::Member, "(struct s *)p)->q"),
            ("$x", Around::Let, "let $x"),
            ("$y", Around::Statement, "return $y.z + @n[h(5)]"),
            ("b", Around::Setting, "b = \"x\""),
            ("k", Around::Point, "k:f"),
        ] {
            assert_eq!(marked(text, at, kind), Some(expected), "{at} {kind:?}");
        }
        assert_eq!(marked(text, "4", Around::Call), None);
    }

    #[test]
    fn parentheses_around_an_operation_are_no_part_of_it() {
        let text = "BEGIN { if (@a > \"x\") { @s = sum(1); } }";
        assert_eq!(marked(text, "(@a > \"x\")", Around::Operands), Some("@a > \"x\""));
        assert_eq!(marked(text, "@s", Around::Assigned), Some("sum(1)"));
        let tree = crate::parse(text).script;
        assert_eq!(operands(&tree, Span::new(11, 21)), Some((Span::new(12, 14), Span::new(17, 20))));
        let text = "BEGIN { $x = 1; let $y; } END { let $z = 2; $z = 3; $x = 4; }";
        let tree = crate::parse(text).script;
        let first = |name, at: &str| {
            let start = text.rfind(at).expect("it is there") as u32;
            let (span, declared) = first(&tree, name, Span::new(start, start + 1))?;
            Some((&text[span.start as usize..span.end as usize], declared))
        };
        assert_eq!(first("y", "}"), None);
        assert_eq!(first("z", "$x"), Some(("let $z", true)));
        assert_eq!(first("x", "let $y"), Some(("$x = 1", false)));
        let text = "BEGIN { $x = ((uint64)$y) + (1 ? $a : -$b); }";
        assert_eq!(marked(text, "((uint64)$y)", Around::Value), Some("(uint64)"));
        assert_eq!(marked(text, "(1 ? $a : -$b)", Around::Value), Some("1 ? $a : -$b"));
    }
}
