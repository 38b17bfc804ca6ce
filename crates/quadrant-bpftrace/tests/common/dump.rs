//! A program as text: one line a statement, expressions in prefix form, `:type` where it says something.

use std::fmt::Write;

use quadrant_program::Program;
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Place};
use quadrant_program::map::MapValue;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};

/// The whole program.
pub fn dump(program: &Program) -> String {
    let mut out = String::new();
    for map in &program.maps {
        let key = map.key.as_ref().map_or("-".to_owned(), ty);
        let value = match &map.value {
            MapValue::Plain(plain) => ty(plain),
            MapValue::Aggregation(aggregation) => format!("{aggregation:?}"),
        };
        let size = map.max_entries.map_or(String::new(), |size| format!(" max {size}"));
        line(&mut out, 0, &format!("map {} [{key}] {value}{size}", map.name));
    }
    for record in &program.records {
        let args: Vec<String> = record.args.iter().map(ty).collect();
        let kind = format!("{:?}", record.kind);
        let name = match &record.kind {
            RecordKind::PrintText(text) => &format!("PrintText {:?}", String::from_utf8_lossy(text)),
            _ => kind.split([' ', '(', '{']).next().unwrap_or(""),
        };
        line(&mut out, 0, &format!("record {name} ({})", args.join(", ")));
    }
    for clause in &program.clauses {
        let points: Vec<&str> = clause.points.iter().map(|id| program.points[id.0 as usize].name.as_str()).collect();
        line(&mut out, 0, &format!("at {}", points.join(", ")));
        if let Some(predicate) = &clause.predicate {
            line(&mut out, 1, &format!("when {}", expr(program, predicate)));
        }
        stmts(&mut out, program, 1, &clause.body);
    }
    out
}

fn line(out: &mut String, indent: usize, text: &str) {
    let width = indent * 2;
    writeln!(out, "{:width$}{text}", "").expect("a string takes all");
}

fn stmts(out: &mut String, program: &Program, indent: usize, list: &[Stmt]) {
    for stmt in list {
        statement(out, program, indent, stmt);
    }
}

fn statement(out: &mut String, program: &Program, indent: usize, stmt: &Stmt) {
    let e = |value: &Expr| expr(program, value);
    let (head, body): (String, Vec<&[Stmt]>) = match &stmt.kind {
        StmtKind::Expr(value) => (e(value), vec![]),
        StmtKind::Assign(to, value) => (format!("{} = {}", place(program, to), e(value)), vec![]),
        StmtKind::Update(to, op, value) => (format!("{} {}= {}", place(program, to), symbol(*op), e(value)), vec![]),
        StmtKind::Aggregate { map, key, value, .. } => {
            let key = key.as_ref().map_or(String::new(), |key| format!("[{}]", e(key)));
            let value = value.as_ref().map_or(String::new(), &e);
            (format!("feed {}{key} {value}", program.maps[map.0 as usize].name), vec![])
        }
        StmtKind::Emit { record, args } => {
            let args: Vec<String> = args.iter().map(e).collect();
            (format!("emit {} {}", record.0, args.join(" ")), vec![])
        }
        StmtKind::Exit { code, .. } => (format!("exit {}", e(code)), vec![]),
        StmtKind::Signal { signal, thread } => (format!("signal {} thread={thread}", e(signal)), vec![]),
        StmtKind::If { cond, then, other } => (format!("if {}", e(cond)), vec![then, other]),
        StmtKind::While { cond, body } => (format!("while {}", e(cond)), vec![body]),
        StmtKind::Unroll { count, body } => (format!("unroll {count}"), vec![body]),
        StmtKind::ForRange { var, start, end, body } => {
            (format!("for {} {} .. {}", name(program, var.0), e(start), e(end)), vec![body])
        }
        StmtKind::ForMap { var, map, body } => {
            (format!("for {} {}", name(program, var.0), program.maps[map.0 as usize].name), vec![body])
        }
        StmtKind::Break => ("break".to_owned(), vec![]),
        StmtKind::Continue => ("continue".to_owned(), vec![]),
        StmtKind::Return => ("return".to_owned(), vec![]),
        StmtKind::Result(value) => (format!("result {}", e(value)), vec![]),
        StmtKind::Block(body) => ("block".to_owned(), vec![body]),
        StmtKind::Stop => ("stop".to_owned(), vec![]),
        StmtKind::Store { addr, value } => (format!("*{} = {}", e(addr), e(value)), vec![]),
        StmtKind::EndSpeculation { id } => (format!("end speculation {}", e(id)), vec![]),
    };
    line(out, indent, head.trim_end());
    for (number, inner) in body.into_iter().enumerate() {
        if number == 1 && !inner.is_empty() {
            line(out, indent, "else");
        }
        stmts(out, program, indent + 1, inner);
    }
}

fn name(program: &Program, id: u32) -> String {
    let var = &program.vars[id as usize];
    let number = if var.name == "$" { id.to_string() } else { String::new() };
    format!("{}{number}:{}", var.name, ty(&var.ty))
}

fn place(program: &Program, place: &Place) -> String {
    match place {
        Place::Var(id) => name(program, id.0),
        Place::Map { map, key: None } => program.maps[map.0 as usize].name.clone(),
        Place::Map { map, key: Some(key) } => {
            format!("{}[{}]", program.maps[map.0 as usize].name, expr(program, key))
        }
    }
}

fn expr(program: &Program, of: &Expr) -> String {
    let e = |inner: &Expr| expr(program, inner);
    let element = |map: u32, key: &Option<Box<Expr>>| {
        let key = key.as_ref().map_or(String::new(), |key| format!("[{}]", e(key)));
        format!("{}{key}", program.maps[map as usize].name)
    };
    match &of.kind {
        ExprKind::Int(value) => format!("{value}:{}", ty(&of.ty)),
        ExprKind::Core(adjusted) => {
            format!("core({:?} {} = {})", adjusted.aspect, adjusted.path.join("."), adjusted.value)
        }
        ExprKind::Str(text) => format!("\"{}\"", text.escape_ascii()),
        ExprKind::Var(id) => {
            let var = &program.vars[id.0 as usize];
            if var.name == "$" { format!("${}", id.0) } else { var.name.clone() }
        }
        ExprKind::MapGet { map, key } => element(map.0, key),
        ExprKind::MapHas { map, key } => format!("(has {})", element(map.0, key)),
        ExprKind::MapLen(map) => format!("(len {})", program.maps[map.0 as usize].name),
        ExprKind::MapDelete { map, key } => format!("(delete {})", element(map.0, key)),
        ExprKind::Builtin(builtin) => format!("{builtin:?}"),
        ExprKind::Arg(number) => format!("arg{number}"),
        ExprKind::Retval => "retval".to_owned(),
        ExprKind::Reg(offset) => format!("reg+{offset}"),
        ExprKind::ArgAt(place) => format!("(arg-at {:?})", place.operand),
        ExprKind::ContextAddr(offset) => format!("ctx+{offset}"),
        ExprKind::DataLoc { offset, relative } => format!("(data-loc {offset} {relative})"),
        ExprKind::Deref { addr, space } => format!("({} {}:{})", read(*space), e(addr), ty(&of.ty)),
        ExprKind::AddrOf(inner) => format!("(& {})", e(inner)),
        ExprKind::Bits { value, shift, width } => format!("(bits {shift}+{width} {})", e(value)),
        ExprKind::Unary(op, inner) => format!("({op:?} {})", e(inner)),
        ExprKind::Binary(op, a, b) => format!("({}{} {} {})", symbol(*op), sign(a), e(a), e(b)),
        ExprKind::Logical { and, lhs, rhs } => format!("({} {} {})", if *and { "&&" } else { "||" }, e(lhs), e(rhs)),
        ExprKind::MemEq { lhs, rhs, negate } => {
            format!("({} {} {})", if *negate { "ne" } else { "eq" }, e(lhs), e(rhs))
        }
        ExprKind::Ternary { cond, then, other } => format!("(? {} {} {})", e(cond), e(then), e(other)),
        ExprKind::Cast(inner) => format!("({} {})", ty(&of.ty), e(inner)),
        ExprKind::IncDec { target, delta, post } => {
            format!("({}{delta:+} {})", if *post { "post" } else { "pre" }, place(program, target))
        }
        ExprKind::Tuple(parts) => format!("<{}>", parts.iter().map(e).collect::<Vec<_>>().join(" ")),
        ExprKind::TupleField(inner, index) => format!("{}.{index}", e(inner)),
        ExprKind::Call(function, args) => {
            let args: Vec<String> = args.iter().map(|arg| format!(" {}", e(arg))).collect();
            format!("({function:?}{}:{})", args.concat(), ty(&of.ty))
        }
        ExprKind::Block(body, value) => {
            let mut out = String::new();
            stmts(&mut out, program, 0, body);
            let lines: Vec<&str> = out.lines().map(str::trim).collect();
            format!("{{{}; {}}}", lines.join("; "), e(value))
        }
    }
}

fn read(space: Space) -> &'static str {
    match space {
        Space::Kernel => "kernel",
        Space::User => "user",
        Space::Any => "any",
        Space::Context => "ctx",
        Space::Program => "own",
    }
}

/// Unsigned operations carry a mark where it matters.
fn sign(operand: &Expr) -> &'static str {
    if operand.ty.is_integer() && !operand.ty.is_signed() { "u" } else { "" }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::And => "&",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
    }
}

/// A type, short.
fn ty(of: &Type) -> String {
    match of {
        Type::Int { bytes, signed } => format!("{}{}", if *signed { "i" } else { "u" }, bytes * 8),
        Type::Bool => "bool".to_owned(),
        Type::Enum(of) => format!("enum {}", of.name),
        Type::Pointer { space, .. } => format!("{} ptr", read(*space)),
        Type::Record(of) => of.name.clone(),
        Type::Array { elem, len } => format!("{}[{len}]", ty(elem)),
        Type::String { cap } => format!("str{cap}"),
        Type::Buffer { cap } => format!("buf{cap}"),
        Type::Tuple(parts) => format!("<{}>", parts.iter().map(ty).collect::<Vec<_>>().join(" ")),
        other => format!("{other:?}"),
    }
}
