//! Probes on functions that start with an instruction which the kernel must execute in single step are put behind it, where that means
//! the same: the file says what the code allows, the script whether it looks at the place.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;

use quadrant_program::Program;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Function;
use quadrant_program::probe::Inode;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;

use crate::uses::any_expr;

/// Moves all that can be moved; gives the points that were.
pub(crate) fn shift(program: &mut Rc<Program>) -> BTreeSet<u32> {
    let mut moved = BTreeSet::new();
    for ((path, inode), offsets) in movable(program) {
        let cheaper = quadrant_probes::cheaper_entries(Path::new(&path), inode, &offsets);
        if cheaper.is_empty() {
            continue;
        }
        for (point, index) in Rc::make_mut(program).points.iter_mut().zip(0..) {
            if let Some((of, offset)) = place(&mut point.site)
                && of == (path.as_os_str(), inode)
                && let Some(to) = cheaper.get(offset)
            {
                *offset = *to;
                moved.insert(index);
            }
        }
    }
    moved
}

/// A file by its name and its identity; paths would be compared, and hashed, piece by piece, and there can be thousands of points.
type File<Name> = (Name, Inode);

/// Offsets of entries by file, without those of which a clause wants to know the very place. A function's entry and return stay
/// together: the kernel has one breakpoint for both.
fn movable(program: &Program) -> Vec<(File<OsString>, Vec<u64>)> {
    let looking = program.clauses.iter().filter(|clause| looks_at_place(clause));
    let looked_at: HashSet<PointId> = looking.flat_map(|clause| &clause.points).copied().collect();
    // Clauses of ERROR run wherever another one faults.
    if looked_at.iter().any(|point| program.points[point.0 as usize].site == Site::Error) {
        return Vec::new();
    }
    let mut places: HashMap<File<&OsStr>, BTreeMap<u64, bool>> = HashMap::new();
    for (point, index) in program.points.iter().zip(0..) {
        let (path, inode, offset, on_return) = match &point.site {
            Site::Uprobe { path, inode, offset, .. } => (path, inode, offset, false),
            Site::Uretprobe { path, inode, offset, .. } => (path, inode, offset, true),
            _ => continue,
        };
        let free = on_return || !looked_at.contains(&PointId(index));
        *places.entry((path.as_os_str(), *inode)).or_default().entry(*offset).or_insert(true) &= free;
    }
    let free = |offsets: BTreeMap<u64, bool>| offsets.into_iter().filter(|(_, free)| *free).map(|(at, _)| at).collect();
    places.into_iter().map(|((name, inode), offsets)| ((name.to_owned(), inode), free(offsets))).collect()
}

fn place(site: &mut Site) -> Option<(File<&OsStr>, &mut u64)> {
    match site {
        Site::Uprobe { path, inode, offset, .. } | Site::Uretprobe { path, inode, offset, .. } => {
            Some(((path.as_os_str(), *inode), offset))
        }
        _ => None,
    }
}

/// Whether it makes a difference to a clause at which of two neighboring instructions it runs: it shows addresses, or reads registers
/// by name.
fn looks_at_place(clause: &Clause) -> bool {
    let looks = |expr: &Expr| {
        matches!(
            expr.kind,
            ExprKind::Reg(_)
                | ExprKind::ContextAddr(_)
                | ExprKind::Builtin(Builtin::Context)
                | ExprKind::Call(
                    Function::Frames(_)
                        | Function::Stack
                        | Function::InstructionPointer(_)
                        | Function::StackDepth(_)
                        | Function::Caller(_),
                    _
                )
        )
    };
    any_expr(clause, &looks)
}
