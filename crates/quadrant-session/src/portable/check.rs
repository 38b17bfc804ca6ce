//! What an object cannot do: everything that the tracer does while a script runs.

use quadrant_codegen::object::MapRole;
use quadrant_codegen::object::Object;
use quadrant_program::Program;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Clock;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::map::MapValue;
use quadrant_program::program::Clause;
use quadrant_program::span::Span;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;
use quadrant_types::Types;

use super::sections;
use crate::error::Error;

/// Looks at all of a program.
///
/// # Errors
/// The first thing that an object cannot do.
pub(super) fn check(program: &Program, types: &Types) -> Result<(), Error> {
    for clause in &program.clauses {
        for point in &clause.points {
            sections::section(&program.points[point.0 as usize])
                .map_err(|(why, help)| refused(clause.span, why, help))?;
        }
    }
    program.clauses.iter().try_for_each(|clause| check_clause(clause, types))?;
    program.maps.iter().try_for_each(check_map)
}

/// What only code generation finds out.
///
/// # Errors
/// Something that the tracer would have to fill in or read.
pub(super) fn compiled(program: &Program, object: &Object) -> Result<(), Error> {
    let span = program.clauses.first().map_or_else(Span::default, |clause| clause.span);
    let is_read = |role| matches!(role, MapRole::Records | MapRole::Packets);
    if object.maps.iter().any(|map| map.role == MapRole::Group) {
        return Err(refused(span, "a program can use 64 maps, and an object has no room for more", AS_TOOL));
    }
    let records = object.maps.iter().any(|map| is_read(map.role));
    let filled = object.data.exit_flag.or(object.data.start_ns).or(object.data.result);
    match records || filled.is_some() {
        true => Err(refused(span, "this needs the tracer while it runs", AS_TOOL)),
        false => Ok(()),
    }
}

fn check_clause(clause: &Clause, types: &Types) -> Result<(), Error> {
    let mut finder = Finder { types, found: None };
    visit::clause(clause, &mut finder);
    finder.found.map_or(Ok(()), Err)
}

fn check_map(map: &quadrant_program::map::Map) -> Result<(), Error> {
    let value = match &map.value {
        MapValue::Plain(ty) => Some(ty),
        MapValue::Aggregation(quadrant_program::map::Aggregation::Series(_)) => {
            return Err(refused(map.span, "a time series needs the tracer's clock", "use hist() or count()"));
        }
        MapValue::Aggregation(_) => None,
    };
    match map.key.iter().chain(value).find_map(shown_by_tracer) {
        Some((what, help)) => Err(refused(map.span, format!("only the tracer can make text of {what}"), help)),
        None => Ok(()),
    }
}

/// A type that is shown by something that only the tracer knows.
fn shown_by_tracer(ty: &Type) -> Option<(&'static str, &'static str)> {
    const NUMBER: &str = "keep the number itself";
    match ty {
        Type::Tuple(parts) => parts.iter().find_map(shown_by_tracer),
        Type::Symbol { .. } => Some(("an address", "keep the address as a number")),
        Type::Username => Some(("a user", "keep `uid`")),
        Type::ProbeName | Type::ProbeFunc => Some(("the probe", "keep a text: `\"name\"`, in a clause for each probe")),
        Type::Time(_) => Some(("a time", "keep `nsecs`")),
        Type::Errno | Type::SyscallName | Type::SignalName => Some(("this number", NUMBER)),
        Type::CgroupPath(_) | Type::Container => Some(("a cgroup", "keep `cgroup`")),
        _ => None,
    }
}

const AS_TOOL: &str = "build a tool (a name without .o): it brings the tracer along";

fn refused(span: Span, why: impl Into<String>, help: &str) -> Error {
    Error::Script { span, message: why.into(), help: vec![help.to_owned()] }
}

struct Finder<'a> {
    types: &'a Types,
    found: Option<Error>,
}

impl Finder<'_> {
    fn refuse(&mut self, span: Span, why: impl Into<String>, help: &str) {
        self.found.get_or_insert_with(|| refused(span, why, help));
    }

    fn builtin(&mut self, builtin: Builtin, span: Span) {
        match builtin {
            Builtin::Elapsed => self.refuse(span, "an object does not know when the trace began", "use `nsecs`"),
            Builtin::Ncpus => {
                self.refuse(span, "an object does not know how many processors there are where it runs", AS_TOOL)
            }
            Builtin::Nsecs(Clock::Tai | Clock::SoftwareTai) => {
                self.refuse(span, "an object does not know how far this clock is ahead", "use `nsecs`")
            }
            Builtin::PointId | Builtin::Function => self.refuse(span, "an object does not know this", AS_TOOL),
            _ => {}
        }
    }

    /// A whole struct of the kernel, or an array of them, is as large as it was here, and laid out so.
    fn is_layout_of_kernel(&self, ty: &Type) -> bool {
        match ty {
            Type::Record(record) => self.types.is_of_kernel(record.ctype),
            Type::Array { elem, .. } => self.is_layout_of_kernel(elem),
            _ => false,
        }
    }
}

impl Visitor for Finder<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        match stmt.kind {
            StmtKind::Emit { .. } => {
                self.refuse(stmt.span, "an object has nobody who would print this", "keep it in a map instead")
            }
            StmtKind::Exit { .. } | StmtKind::Stop => {
                self.refuse(stmt.span, "an object cannot end itself", "whoever loads it ends it")
            }
            StmtKind::EndSpeculation { .. } | StmtKind::Result(_) => {
                self.refuse(stmt.span, "this is the tracer's", AS_TOOL)
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Builtin(builtin) => self.builtin(*builtin, expr.span),
            ExprKind::Call(Function::Frames(_) | Function::FramesOf(_), _) => {
                self.refuse(expr.span, "the frames of stacks need the tracer", AS_TOOL)
            }
            // Its number is another one on each kernel.
            ExprKind::Call(Function::Kernel(_), _) => {
                self.refuse(expr.span, "an object of a script cannot call functions of the kernel by name", AS_TOOL)
            }
            ExprKind::Call(Function::Imported(_), _) => {
                self.refuse(expr.span, "an object of a script does not carry functions in C", AS_TOOL)
            }
            ExprKind::Deref { .. } if self.is_layout_of_kernel(&expr.ty) => self.refuse(
                expr.span,
                "a whole struct of the kernel has another size and layout on each kernel",
                "take the members that you need: `p->member`",
            ),
            _ => {}
        }
    }
}
