//! Names of inputs.

use crate::expr::Expr;
use crate::probe::PointId;
use crate::rewrite;
use crate::span::Span;

/// The names that were given, with what they mean.
#[derive(Default)]
pub(super) struct Names {
    /// By their slots.
    slots: Vec<String>,
    given: Vec<Given>,
}

struct Given {
    name: String,
    points: Vec<PointId>,
    /// Without places in the script; `None` if nothing else is the same.
    expr: Option<Expr>,
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot and the name of an expression at some points. One text of a script can mean several things there: a translator reads
    /// several members for it.
    pub fn of(&mut self, base: String, points: &[PointId], expr: &Expr) -> (usize, String) {
        let mut expr = expr.clone();
        rewrite::expr(&mut expr, &mut |part| {
            part.span = Span::default();
            true
        });
        self.give(base, points, Some(expr))
    }

    fn give(&mut self, base: String, points: &[PointId], expr: Option<Expr>) -> (usize, String) {
        let mut name = base.clone();
        let mut number = 1;
        while self.means_another(&name, points, expr.as_ref()) {
            number += 1;
            name = format!("{base} #{number}");
        }
        let slot = self.slots.iter().position(|known| *known == name).unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(name.clone());
        }
        self.given.push(Given { name: name.clone(), points: points.to_vec(), expr });
        (slot, name)
    }

    /// A slot and a name for something that is called so at some points, and means nothing else there.
    pub fn another(&mut self, base: String, points: &[PointId]) -> (usize, String) {
        self.give(base, points, None)
    }

    fn means_another(&self, name: &str, points: &[PointId], expr: Option<&Expr>) -> bool {
        let meets = |given: &Given| given.points.iter().any(|point| points.contains(point));
        self.given
            .iter()
            .any(|given| given.name == name && (expr.is_none() || given.expr.as_ref() != expr) && meets(given))
    }
}
