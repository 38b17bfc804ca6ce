//! Probes at the entries of user functions, of which the kernel's stacks leave out who called the function.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use quadrant_probes::FunctionStart;
use quadrant_probes::function_starts;
use quadrant_program::Program;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::probe::Inode;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::ty::Type;
use quadrant_types::TypeSet;
use quadrant_types::Types;

use crate::uses::any_expr;

/// Points at entries whose clauses take stacks that lack the caller.
pub(crate) fn lacking(program: &Program, types: &Types) -> HashSet<PointId> {
    let files = entries(program);
    if files.is_empty() {
        return HashSet::new();
    }
    let helped = Helped::by(types);
    let lacks = |start: &FunctionStart| match start {
        FunctionStart::Plain => true,
        FunctionStart::Frame => !helped.frame,
        FunctionStart::Landing => !helped.landing,
    };
    let mut lacking = HashSet::new();
    for ((path, inode), points) in files {
        let offsets: Vec<u64> = points.iter().map(|(offset, _)| *offset).collect();
        let starts = function_starts(path, inode, &offsets);
        let here = points.into_iter().filter(|(offset, _)| starts.get(offset).is_some_and(lacks));
        lacking.extend(here.map(|(_, point)| point));
    }
    lacking
}

/// Starts of functions at which the kernel finds the caller itself.
struct Helped {
    frame: bool,
    landing: bool,
}

impl Helped {
    /// Such a kernel keeps the instruction that a task is at (Linux 6.12). It knows the marks of places that may be jumped to if it has
    /// them in its own code (`CONFIG_X86_KERNEL_IBT`). Without types there is no telling, and the kernel's stacks are left as they are.
    fn by(types: &Types) -> Helped {
        let Some(task) = types.lookup_struct("uprobe_task") else { return Helped { frame: true, landing: true } };
        let frame = types.find_member(task, "auprobe").is_some();
        Helped { frame, landing: frame && types.func_in(TypeSet::KERNEL, "ibt_save").is_some() }
    }
}

/// Offsets of the probes, by file, whose clauses take stacks of the process.
fn entries(program: &Program) -> HashMap<(&Path, Inode), Vec<(u64, PointId)>> {
    let takes: Vec<&Clause> = program.clauses.iter().filter(|clause| takes_user_stacks(clause)).collect();
    let is_error = |point: &PointId| program.points[point.0 as usize].site == Site::Error;
    // Such a clause runs wherever another one faults.
    let everywhere = takes.iter().any(|clause| clause.points.iter().any(is_error));
    let of_clauses: HashSet<PointId> = takes.iter().flat_map(|clause| &clause.points).copied().collect();
    let mut files: HashMap<(&Path, Inode), Vec<(u64, PointId)>> = HashMap::new();
    for (point, index) in program.points.iter().zip(0..) {
        if let Site::Uprobe { path, inode, offset, .. } = &point.site
            && (everywhere || of_clauses.contains(&PointId(index)))
        {
            files.entry((path, *inode)).or_default().push((*offset, PointId(index)));
        }
    }
    files
}

fn takes_user_stacks(clause: &Clause) -> bool {
    let takes = |expr: &Expr| match &expr.kind {
        ExprKind::Call(Function::Stack, _) => matches!(&expr.ty, Type::Stack(stack) if stack.user),
        ExprKind::Call(Function::StackDepth(user) | Function::Caller(user), _) => *user,
        _ => false,
    };
    any_expr(clause, &takes)
}
