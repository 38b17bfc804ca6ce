//! Variables: globals, `self->`, `this->`, and associative arrays of the first two.
//!
//! A variable's type is declared or follows from the first assignment. Numbers are stored in 64 bits, whatever their type, so that
//! they can be counted atomically; reading cuts them. Thread-local variables and associative arrays take memory only while they are not
//! zero: assigning zero frees it.

use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Function, Place, VarId};
use quadrant_program::map::{Map, MapId, MapValue};
use quadrant_program::program::Variable as ModelVariable;
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_types::CType;

use super::Lower;
use super::value::{Ty, Value};
use crate::ast::{self, Scope};
use crate::message::counted;

/// A variable as it was declared.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub ty: Ty,
    /// The types of the keys of an associative array.
    pub keys: Option<Vec<Ty>>,
    /// How many elements it has, if it was declared as an array of C; its key is the index.
    pub len: Option<u64>,
}

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub declared: Declared,
    pub(super) home: Home,
}

/// Where a variable is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Home {
    Map(MapId),
    Var(VarId),
}

impl Home {
    /// The place of a variable without keys.
    pub(super) fn place(self) -> Place {
        match self {
            Home::Map(map) => Place::Map { map, key: None },
            Home::Var(id) => Place::Var(id),
        }
    }
}

/// A variable, or an element of one, at hand.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub ty: Ty,
    place: Place,
    /// It takes memory only while it is not zero.
    dynamic: bool,
}

impl Lower<'_> {
    /// The variable of that name.
    pub(super) fn variable(&self, scope: Scope, name: &str) -> Option<&Variable> {
        self.variables.get(&(scope, name.to_owned()))
    }

    /// Makes a variable. Declaring it once more with the same type is no mistake.
    pub(super) fn declare(&mut self, scope: Scope, name: &str, declared: Declared, span: Span) -> Option<()> {
        if let Some(known) = self.variable(scope, name) {
            let same = self.type_name(&known.declared.ty) == self.type_name(&declared.ty)
                && known.declared.keys.as_ref().map(Vec::len) == declared.keys.as_ref().map(Vec::len)
                && known.declared.len == declared.len;
            return match same {
                true => Some(()),
                false => {
                    let (current, previous) = (self.declared_name(&declared), self.declared_name(&known.declared));
                    let message =
                        format!("identifier redeclared: {name}\n\t current: {current}\n\tprevious: {previous}");
                    self.fail(span, "D_DECL_IDRED", message)
                }
            };
        }
        let value = self.stored_type(&declared.ty, span)?;
        let home = match scope {
            Scope::Clause => {
                if declared.keys.is_some() {
                    return self.no_local_array(name, span);
                }
                self.new_variable(ModelVariable { name: spelled(scope, name), ty: value, shared: true })
            }
            Scope::Global | Scope::Thread => {
                let key = self.key_type(scope, declared.keys.as_deref(), span)?;
                Home::Map(self.new_map(spelled(scope, name), key, MapValue::Plain(value), span))
            }
        };
        if matches!(declared.ty, Ty::Text) && declared.keys.is_none() {
            self.add_mark(scope, name, home, span);
        }
        self.variables.insert((scope, name.to_owned()), Variable { declared, home });
        Some(())
    }

    fn no_local_array<T>(&mut self, name: &str, span: Span) -> Option<T> {
        self.fail(span, "D_ARR_LOCAL", format!("local variables may not be used as associative arrays: {name}"))
    }

    /// Whether the values of a map are elements of an array of C.
    pub(super) fn is_array_of_c(&self, map: MapId) -> bool {
        let is_it = |variable: &Variable| matches!(variable.home, Home::Map(home) if home == map);
        self.variables.values().any(|variable| is_it(variable) && variable.declared.len.is_some())
    }

    /// How messages tell what was declared.
    fn declared_name(&self, declared: &Declared) -> String {
        match (declared.len, &declared.keys) {
            (Some(_), _) => format!("scalar {}", self.array_name(declared)),
            (None, Some(_)) => format!("associative array {}", self.type_name(&declared.ty)),
            (None, None) => format!("scalar {}", self.type_name(&declared.ty)),
        }
    }

    /// The type of an array of C.
    fn array_name(&self, declared: &Declared) -> String {
        format!("{} [{}]", self.type_name(&declared.ty), declared.len.unwrap_or(0))
    }

    /// Refuses to apply an operator to a whole array of C.
    pub(super) fn check_whole(&mut self, target: &ast::Expr, symbol: &str) -> Option<()> {
        let Some((scope, name, None)) = variable_named(target) else { return Some(()) };
        let Some(declared) = self.variable(scope, name).map(|variable| &variable.declared) else { return Some(()) };
        if declared.len.is_none() {
            return Some(());
        }
        if symbol == "++" || symbol == "--" {
            let message = format!("operator {symbol} requires operand of scalar type");
            return self.fail(target.span, "D_OP_SCALAR", message);
        }
        let message =
            format!("operator {symbol} may not be applied to operand of type \"{}\"", self.array_name(declared));
        self.fail(target.span, "D_OP_ARRFUN", message)
    }

    /// Adds a variable of clauses to the program.
    pub(super) fn new_variable(&mut self, variable: ModelVariable) -> Home {
        self.program.vars.push(variable);
        Home::Var(VarId(self.program.vars.len() as u32 - 1))
    }

    /// Adds a map to the program.
    pub(super) fn new_map(&mut self, name: String, key: Option<Type>, value: MapValue, span: Span) -> MapId {
        self.program.maps.push(Map { span, ..Map::new(name, key, value) });
        MapId(self.program.maps.len() as u32 - 1)
    }

    fn key_type(&mut self, scope: Scope, keys: Option<&[Ty]>, span: Span) -> Option<Option<Type>> {
        let mut parts = Vec::new();
        if scope == Scope::Thread {
            parts.push(Type::U64);
        }
        for key in keys.unwrap_or_default() {
            parts.push(self.model(key, span)?);
        }
        Some(match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(Type::Tuple(parts.into())),
        })
    }

    /// How a value of a type is stored.
    fn stored_type(&mut self, ty: &Ty, span: Span) -> Option<Type> {
        match self.int_of(ty) {
            Some(int) => Some(Type::Int { bytes: 8, signed: int.signed }),
            None => self.model(ty, span),
        }
    }

    /// The element that an expression names, which must be there already: `None` if the expression is no variable at all.
    pub(super) fn element_named(&mut self, target: &ast::Expr) -> Option<Option<Element>> {
        let (scope, name, keys) = variable_named(target)?;
        self.need_variable(scope, name);
        if scope == Scope::Global && self.variable(scope, name).is_none() {
            return None;
        }
        Some(self.element(scope, name, keys, target.span))
    }

    /// Makes a variable of which only an operator says what it is.
    pub(super) fn counted_variable(&mut self, scope: Scope, name: &str, span: Span) -> Option<()> {
        self.need_variable(scope, name);
        if self.variable(scope, name).is_some() {
            return Some(());
        }
        let ty = self.named(ExprKind::Int(0), "int64_t", span).ty;
        self.declare(scope, name, Declared { ty, keys: None, len: None }, span)
    }

    /// An element of a variable that must be there already.
    pub(super) fn element(
        &mut self,
        scope: Scope,
        name: &str,
        keys: Option<&[ast::Expr]>,
        span: Span,
    ) -> Option<Element> {
        self.need_variable(scope, name);
        if keys.is_none()
            && self.clause.counted.iter().any(|(of, known)| *of == scope && known == name)
            && self.clause.in_body
        {
            self.counted_variable(scope, name, span)?;
        }
        let Some(variable) = self.variable(scope, name).cloned() else {
            if scope == Scope::Clause && keys.is_some() {
                return self.no_local_array(name, span);
            }
            let name = spelled(scope, name);
            return self.fail(span, "D_VAR_UNDEF", format!("{name} has not yet been declared or assigned"));
        };
        let parts = match (&variable.declared.keys, keys) {
            (None, _) => Vec::new(),
            (Some(types), Some(keys)) => {
                let parts = self.keys((name, &variable.declared), types, keys, span)?;
                match variable.declared.len {
                    Some(len) => self.in_bounds(parts, len)?,
                    None => parts,
                }
            }
            (Some(_), None) if variable.declared.len.is_some() => {
                let ty = self.array_name(&variable.declared);
                let message = format!("array '{name}' of type \"{ty}\" may not be used as a whole");
                return self.fail_help(span, "D_OP_ARRFUN", message, "name one of its elements");
            }
            (Some(types), None) if scope == Scope::Thread => {
                let wanted = types.len();
                let message = format!("{name}[ ] prototype mismatch: 0 keys passed, {wanted} expected");
                return self.fail(span, "D_PROTO_LEN", message);
            }
            (Some(_), None) => {
                let message = format!("associative array '{name}' may not be referenced as scalar");
                return self.fail(span, "D_IDENT_BADREF", message);
            }
        };
        Some(self.element_at(scope, &variable, parts, span))
    }

    fn element_at(&mut self, scope: Scope, variable: &Variable, parts: Vec<Expr>, span: Span) -> Element {
        let ty = variable.declared.ty.clone();
        match variable.home {
            Home::Var(id) => Element { ty, place: Place::Var(id), dynamic: false },
            Home::Map(map) => {
                let mut all = Vec::new();
                if scope == Scope::Thread {
                    all.push(self.thread_key(span));
                }
                all.extend(parts);
                let stored = self.program.maps.get(map.0 as usize).and_then(|map| map.key.clone());
                let key = key_as(tuple(all, span), stored);
                Element { ty, dynamic: key.is_some(), place: Place::Map { map, key } }
            }
        }
    }

    /// The values of keys, converted to the types that the array has.
    fn keys(
        &mut self,
        (name, declared): (&str, &Declared),
        types: &[Ty],
        keys: &[ast::Expr],
        span: Span,
    ) -> Option<Vec<Expr>> {
        if types.len() != keys.len() {
            let (got, wanted) = (keys.len(), types.len());
            let got = counted(got, "key");
            return self.fail(
                span,
                "D_PROTO_LEN",
                format!("{name}[ ] prototype mismatch: {got} passed, {wanted} expected"),
            );
        }
        let mut parts = Vec::new();
        for (at, (key, ty)) in keys.iter().zip(types).enumerate() {
            self.check_key(key, at + 1, "associative array")?;
            let value = self.recorded(key)?;
            let value = self.decayed(value);
            let Some(value) = self.compatible(value.clone(), ty) else {
                let (wanted, got) = (self.type_name(ty), self.type_name(&value.ty));
                if declared.len.is_some() {
                    return self.incompatible_types("+", (self.array_name(declared), got), key.span);
                }
                return self.fail(
                    key.span,
                    "D_PROTO_ARG",
                    format!(
                        "{name}[ ] key #{} is incompatible with prototype:\n\tprototype: {wanted}\n\t      key: {got}",
                        at + 1
                    ),
                );
            };
            parts.push(self.present(value.expr));
        }
        Some(parts)
    }

    /// Refuses calls without a value as keys.
    pub(super) fn check_key(&mut self, key: &ast::Expr, number: usize, array: &str) -> Option<()> {
        let what = match &key.kind {
            ast::ExprKind::Agg { name, .. } if self.aggregations.contains_key(&name.name) => Some("aggregation"),
            _ => super::call::valueless(key),
        };
        let Some(what) = what else { return Some(()) };
        let message = format!("{what} expression may not be used as {array} index: key #{number}");
        self.fail(key.span, "D_KEY_TYPE", message)
    }

    /// The type and number of the elements of the whole array that an expression names.
    pub(super) fn array_named(&self, expr: &ast::Expr) -> Option<(Ty, u64)> {
        let (scope, name, None) = variable_named(expr)? else { return None };
        let declared = &self.variable(scope, name)?.declared;
        Some((declared.ty.clone(), declared.len?))
    }

    /// Indices of an array of `len` elements; 0 is an array whose length was not told.
    pub(super) fn in_bounds(&mut self, indices: Vec<Expr>, len: u64) -> Option<Vec<Expr>> {
        let bounded = |index: Expr| match index.kind {
            _ if len == 0 => Some(index),
            ExprKind::Int(at) if u64::try_from(at).is_ok_and(|at| at < len) => Some(index),
            ExprKind::Int(at) => self.outside(at, len, index.span),
            _ => {
                let (ty, span) = (index.ty.clone(), index.span);
                let len = Expr::int(len.cast_signed(), Type::I64, span);
                Some(Expr::new(ExprKind::Call(Function::Within, vec![index, len]), ty, span))
            }
        };
        indices.into_iter().map(bounded).collect()
    }

    /// An index that no array of that length has.
    pub(super) fn outside<T>(&mut self, index: i64, len: u64, span: Span) -> Option<T> {
        self.fail(span, "D_ARR_BOUNDS", format!("index outside array bounds: {index}, max is {len}"))
    }

    /// The number of the thread whose variables `self->` means. The idle threads, which all have number 0, are told apart by CPU.
    fn thread_key(&mut self, span: Span) -> Expr {
        let cast = |kind: ExprKind, ty: Type| {
            let value = Expr::new(kind, ty, span);
            Expr::new(ExprKind::Cast(Box::new(value)), Type::U64, span)
        };
        let tid = self.thread_id(span);
        let tid = Expr::new(ExprKind::Cast(Box::new(tid)), Type::U64, span);
        let cpu = cast(ExprKind::Builtin(Builtin::Cpu), Type::U32);
        let idle = Expr::int(1 << 32, Type::U64, span);
        let idle = Expr::new(ExprKind::Binary(BinaryOp::Add, Box::new(cpu), Box::new(idle)), Type::U64, span);
        let kind = ExprKind::Ternary { cond: Box::new(tid.clone()), then: Box::new(tid), other: Box::new(idle) };
        Expr::new(kind, Type::U64, span)
    }

    /// The value of an element.
    pub(super) fn read_element(&mut self, element: &Element, span: Span) -> Option<Value> {
        let stored = self.stored_type(&element.ty, span)?;
        let kind = match &element.place {
            Place::Var(id) => ExprKind::Var(*id),
            Place::Map { map, key } => ExprKind::MapGet { map: *map, key: key.clone().map(Box::new) },
        };
        let value = Expr::new(kind, stored, span);
        let expr = match self.int_of(&element.ty) {
            Some(int) => self.cut(value, int),
            None => value,
        };
        Some(Value { expr, ty: element.ty.clone() })
    }

    /// `target = value`: statements, and the value that the expression has.
    pub(super) fn assign_variable(
        &mut self,
        target: &ast::Expr,
        value: Value,
        span: Span,
    ) -> Option<(Vec<Stmt>, Value)> {
        let (scope, name, keys) = variable_named(target)?;
        let value = self.decayed(value);
        if self.variable(scope, name).is_none() {
            self.infer(scope, name, keys, &value, target.span)?;
        }
        let element = self.element(scope, name, keys, target.span)?;
        let null = matches!(element.ty, Ty::Text) && value.is_zero() && !value.is_text();
        let stmts = match null {
            true if element.dynamic => vec![delete(&element.place, span)],
            // A constant that only turns out to be 0.
            true if !self.takes_null(&element.place) => return self.unassignable(&element.ty, "=", &value, span),
            true => {
                let text = self.text_or_null(value)?;
                self.store_whole_text(&element.place, text.expr, span)
            }
            false => {
                let Some(value) = self.assignable(value.clone(), &element.ty) else {
                    return self.unassignable(&element.ty, "=", &value, span);
                };
                self.store(&element, value, span)?
            }
        };
        let result = self.read_element(&element, span)?;
        Some((stmts, result))
    }

    fn infer(&mut self, scope: Scope, name: &str, keys: Option<&[ast::Expr]>, value: &Value, span: Span) -> Option<()> {
        let unfit = match (&value.ty, self.kind(&value.ty)) {
            (Ty::Aggregation, _) => Some("\"scalar\" = \"aggregation\""),
            (_, Some(CType::Void)) => Some("\"void\" = \"void\""),
            _ => None,
        };
        if let Some(unfit) = unfit {
            return self.fail(span, "D_OP_INCOMPAT", format!("operands have incompatible types: {unfit}"));
        }
        let keys = match keys {
            None => None,
            Some(keys) => {
                let mut types = Vec::new();
                for (at, key) in keys.iter().enumerate() {
                    self.check_key(key, at + 1, "associative array")?;
                    let value = self.recorded(key)?;
                    types.push(self.decayed(value).ty);
                }
                Some(types)
            }
        };
        self.declare(scope, name, Declared { ty: value.ty.clone(), keys, len: None }, span)
    }

    /// Statements that give an element a value of its type.
    pub(super) fn store(&mut self, element: &Element, value: Value, span: Span) -> Option<Vec<Stmt>> {
        let stored = self.stored_type(&element.ty, span)?;
        if element.dynamic && value.is_zero() {
            return Some(vec![delete(&element.place, span)]);
        }
        if matches!(value.ty, Ty::Text) {
            return Some(match element.dynamic {
                true => self.store_text(&element.place, value.expr, span),
                false => self.store_whole_text(&element.place, value.expr, span),
            });
        }
        let expr = if self.int_of(&element.ty).is_some() { retyped(value.expr, stored) } else { value.expr };
        if !element.dynamic || !expr.ty.is_scalar() || never_zero(&expr) || self.is_time(&expr) {
            return Some(vec![Stmt::new(StmtKind::Assign(element.place.clone(), expr), span)]);
        }
        let (keep, kept) = self.keep(expr);
        Some(vec![keep, assign_if(&element.place, kept.clone(), kept, span)])
    }

    /// Whether a value is the time, which is not zero.
    fn is_time(&self, expr: &Expr) -> bool {
        self.clause.once.get("timestamp").is_some_and(|time| time.kind == expr.kind)
    }

    /// `target op= value` where the machine can do it at once; `None` where it has to be read and written.
    pub(super) fn update(&mut self, element: &Element, op: BinaryOp, value: &Value, span: Span) -> Option<Stmt> {
        let int = self.int_of(&element.ty)?;
        let by = self.int_of(&value.ty)?;
        let grows = matches!(op, BinaryOp::Add | BinaryOp::Or);
        let atomic = grows || matches!(op, BinaryOp::Sub | BinaryOp::And | BinaryOp::Xor) && !element.dynamic;
        if !atomic || !matches!(element.place, Place::Map { .. }) || by.common(int).bytes > 8 {
            return None;
        }
        let stored = Type::Int { bytes: 8, signed: int.signed };
        let by = retyped(value.expr.clone(), stored);
        Some(Stmt::new(StmtKind::Update(element.place.clone(), op, by), span))
    }

    /// `++` and `--` where the machine can do it at once.
    pub(super) fn count(&mut self, element: &Element, delta: i64, post: bool, span: Span) -> Option<Value> {
        let int = self.int_of(&element.ty)?;
        if element.dynamic && delta < 0 {
            return None;
        }
        let stored = Type::Int { bytes: 8, signed: int.signed };
        let kind = ExprKind::IncDec { target: Box::new(element.place.clone()), delta, post };
        let expr = self.cut(Expr::new(kind, stored, span), int);
        Some(Value { expr, ty: element.ty.clone() })
    }

    /// Evaluates a value once: a statement that keeps it, and what was kept.
    pub(super) fn keep(&mut self, value: Expr) -> (Stmt, Expr) {
        let ty = value.ty.clone();
        self.keep_as(value, ty)
    }

    /// As [`Lower::keep`], stored as another type that holds it.
    pub(super) fn keep_as(&mut self, value: Expr, ty: Type) -> (Stmt, Expr) {
        let span = value.span;
        self.program.vars.push(ModelVariable { name: "$".to_owned(), ty: ty.clone(), shared: false });
        let id = VarId(self.program.vars.len() as u32 - 1);
        let keep = Stmt::new(StmtKind::Assign(Place::Var(id), value), span);
        (keep, Expr::new(ExprKind::Var(id), ty, span))
    }
}

/// The variable that an expression names, with its keys.
pub(super) fn variable_named(target: &ast::Expr) -> Option<(Scope, &str, Option<&[ast::Expr]>)> {
    match &target.kind {
        ast::ExprKind::Name(name) => Some((Scope::Global, name, None)),
        ast::ExprKind::Scoped { scope, name } => Some((*scope, &name.name, None)),
        ast::ExprKind::Index { base, keys } => match variable_named(base)? {
            (scope, name, None) => Some((scope, name, Some(keys))),
            _ => None,
        },
        _ => None,
    }
}

/// How a variable is written.
pub(super) fn spelled(scope: Scope, name: &str) -> String {
    match scope {
        Scope::Global => name.to_owned(),
        Scope::Thread => format!("self->{name}"),
        Scope::Clause => format!("this->{name}"),
    }
}

/// The parts of a key as one value; none for no parts.
pub(super) fn tuple(mut parts: Vec<Expr>, span: Span) -> Option<Expr> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => {
            let ty = Type::Tuple(parts.iter().map(|part| part.ty.clone()).collect());
            Some(Expr::new(ExprKind::Tuple(parts), ty, span))
        }
    }
}

/// A number as one of 64 bits; its value stays.
pub(super) fn retyped(value: Expr, ty: Type) -> Expr {
    if value.ty == ty {
        return value;
    }
    let span = value.span;
    match value.kind {
        ExprKind::Int(number) => Expr::int(number, ty, span),
        _ => Expr::new(ExprKind::Cast(Box::new(value)), ty, span),
    }
}

/// A key with the type that it has in its map.
pub(super) fn key_as(key: Option<Expr>, stored: Option<Type>) -> Option<Expr> {
    match (key, stored) {
        (Some(key), Some(ty @ Type::Tuple(_))) => Some(Expr { ty, ..key }),
        (key, _) => key,
    }
}

pub(super) fn delete(place: &Place, span: Span) -> Stmt {
    let kind = match place {
        Place::Map { map, key } => ExprKind::MapDelete { map: *map, key: key.clone().map(Box::new) },
        Place::Var(id) => ExprKind::Var(*id),
    };
    Stmt::new(StmtKind::Expr(Expr::new(kind, Type::Bool, span)), span)
}

/// Assigns a value, or frees the place if there is none.
pub(super) fn assign_if(place: &Place, cond: Expr, value: Expr, span: Span) -> Stmt {
    let assign = Stmt::new(StmtKind::Assign(place.clone(), value), span);
    Stmt::new(StmtKind::If { cond, then: vec![assign], other: vec![delete(place, span)] }, span)
}

fn never_zero(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(value) => *value != 0,
        ExprKind::Builtin(builtin) => matches!(builtin, Builtin::Nsecs(_) | Builtin::Curtask),
        ExprKind::Cast(inner) => expr.ty.c_size() >= Some(8) && never_zero(inner),
        _ => false,
    }
}
