//! Typed programs by hand, in few words.

use std::sync::Arc;

use quadrant_codegen::Context;
use quadrant_codegen::Target;
use quadrant_codegen::Unit;
use quadrant_program::Program;
use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::expr::Place;
use quadrant_program::expr::VarId;
use quadrant_program::format::Format;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::probe::Point;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::program::Variable;
use quadrant_program::record::Record;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Space;
use quadrant_program::ty::Type;

/// A kernel that can do everything.
pub fn target() -> Target {
    Target {
        tai_offset_ns: 37_000_000_000,
        wall_offset_ns: 1_000_000_000,
        session_is_return: Some(4711),
        ..Target::newest(quadrant_bpf::cpus::possible_count().unwrap_or(1) as u32)
    }
}

/// A program under construction, with one unit for each clause.
#[derive(Default)]
pub struct Script {
    pub program: Program,
    pub units: Vec<Unit>,
}

impl Script {
    pub fn new() -> Script {
        Script::default()
    }

    /// A map without a key.
    pub fn scalar(&mut self, ty: Type) -> MapId {
        self.map(None, MapValue::Plain(ty))
    }

    /// A map with a key.
    pub fn keyed(&mut self, key: Type, value: Type) -> MapId {
        self.map(Some(key), MapValue::Plain(value))
    }

    /// An aggregation.
    pub fn aggregation(&mut self, key: Option<Type>, kind: Aggregation) -> MapId {
        self.map(key, MapValue::Aggregation(kind))
    }

    pub fn map(&mut self, key: Option<Type>, value: MapValue) -> MapId {
        let name = format!("@m{}", self.program.maps.len());
        self.program.maps.push(Map::new(name, key, value));
        MapId(self.program.maps.len() as u32 - 1)
    }

    pub fn var(&mut self, ty: Type) -> VarId {
        let name = format!("$v{}", self.program.vars.len());
        self.program.vars.push(Variable { name, ty, shared: false });
        VarId(self.program.vars.len() as u32 - 1)
    }

    pub fn record(&mut self, args: &[Type]) -> RecordId {
        self.record_kind(RecordKind::Printf(Format::default()), args)
    }

    pub fn record_kind(&mut self, kind: RecordKind, args: &[Type]) -> RecordId {
        self.program.records.push(Record { kind, args: args.to_vec(), span: Span::default() });
        RecordId(self.program.records.len() as u32 - 1)
    }

    pub fn point(&mut self, site: Site) -> PointId {
        let name = format!("point{}", self.program.points.len());
        self.program.points.push(Point { site, name, func: String::new() });
        PointId(self.program.points.len() as u32 - 1)
    }

    /// A clause in a unit of its own, whose context is words.
    pub fn clause(&mut self, predicate: Option<Expr>, body: Vec<Stmt>) {
        self.clause_in(Context::BtfTracepoint, predicate, body);
    }

    /// A clause in a unit of its own.
    pub fn clause_in(&mut self, context: Context, predicate: Option<Expr>, body: Vec<Stmt>) {
        let point = self.point(Site::Begin);
        let index = self.program.clauses.len();
        // Spans are as different as those of a real script, so that losses are told apart.
        let span = Span::new(index as u32 * 1000, index as u32 * 1000 + 999);
        self.program.clauses.push(Clause { points: vec![point], predicate, body, span });
        self.units.push(Unit::new(context, vec![index], vec![point]));
    }

    /// Puts the last clause into the unit of the one before.
    pub fn merge_last(&mut self) {
        if let Some(last) = self.units.pop()
            && let Some(unit) = self.units.last_mut()
        {
            unit.clauses.extend(last.clauses);
        }
    }
}

pub const NOWHERE: Span = Span { start: 0, end: 0 };

pub fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr::new(kind, ty, NOWHERE)
}

pub fn int(value: i64) -> Expr {
    expr(ExprKind::Int(value), Type::I64)
}

pub fn uint(value: u64) -> Expr {
    expr(ExprKind::Int(value as i64), Type::U64)
}

pub fn text(value: &str) -> Expr {
    let ty = Type::String { cap: value.len() as u32 + 1 };
    expr(ExprKind::Str(Arc::from(value.as_bytes())), ty)
}

pub fn arg(index: u8) -> Expr {
    expr(ExprKind::Arg(index), Type::U64)
}

pub fn sarg(index: u8) -> Expr {
    expr(ExprKind::Arg(index), Type::I64)
}

pub fn var(id: VarId, ty: Type) -> Expr {
    expr(ExprKind::Var(id), ty)
}

pub fn builtin(builtin: Builtin) -> Expr {
    let ty = match builtin {
        Builtin::Comm => Type::String { cap: 16 },
        _ => Type::U64,
    };
    expr(ExprKind::Builtin(builtin), ty)
}

pub fn binary(op: BinaryOp, lhs: Expr, rhs: Expr) -> Expr {
    use BinaryOp::*;
    let ty = match op {
        Eq | Ne | Lt | Le | Gt | Ge => Type::Bool,
        _ => lhs.ty.clone(),
    };
    expr(ExprKind::Binary(op, Box::new(lhs), Box::new(rhs)), ty)
}

pub fn cast(value: Expr, ty: Type) -> Expr {
    expr(ExprKind::Cast(Box::new(value)), ty)
}

pub fn get(map: MapId, key: Option<Expr>, ty: Type) -> Expr {
    expr(ExprKind::MapGet { map, key: key.map(Box::new) }, ty)
}

pub fn tuple(parts: Vec<Expr>) -> Expr {
    let ty = Type::Tuple(parts.iter().map(|part| part.ty.clone()).collect());
    expr(ExprKind::Tuple(parts), ty)
}

pub fn deref(addr: Expr, space: Space, ty: Type) -> Expr {
    expr(ExprKind::Deref { addr: Box::new(addr), space }, ty)
}

pub fn call(function: Function, args: Vec<Expr>, ty: Type) -> Expr {
    expr(ExprKind::Call(function, args), ty)
}

/// `str(address)` of user memory with the usual cap.
pub fn user_str(addr: Expr, cap: u32) -> Expr {
    call(Function::Str(Space::User), vec![addr], Type::String { cap })
}

pub fn stmt(kind: StmtKind) -> Stmt {
    Stmt::new(kind, NOWHERE)
}

pub fn set_map(map: MapId, key: Option<Expr>, value: Expr) -> Stmt {
    stmt(StmtKind::Assign(Place::Map { map, key }, value))
}

pub fn set(id: VarId, value: Expr) -> Stmt {
    stmt(StmtKind::Assign(Place::Var(id), value))
}

pub fn feed(map: MapId, key: Option<Expr>, value: Option<Expr>) -> Stmt {
    stmt(StmtKind::Aggregate { map, key, value, weight: None })
}

pub fn emit(record: RecordId, args: Vec<Expr>) -> Stmt {
    stmt(StmtKind::Emit { record, args })
}

pub fn inc(map: MapId, key: Option<Expr>) -> Stmt {
    stmt(StmtKind::Expr(inc_expr(map, key, 1, true)))
}

pub fn inc_expr(map: MapId, key: Option<Expr>, delta: i64, post: bool) -> Expr {
    let target = Box::new(Place::Map { map, key });
    expr(ExprKind::IncDec { target, delta, post }, Type::I64)
}

pub fn if_else(cond: Expr, then: Vec<Stmt>, other: Vec<Stmt>) -> Stmt {
    stmt(StmtKind::If { cond, then, other })
}
