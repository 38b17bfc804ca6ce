//! Texts of the script itself that went through variables and maps: `$red = "\033[31m"`. They are shown as they stand in the script, as
//! those are that stand in a call. Everything else may be what a traced program chose, and is escaped.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::action::Action;
use crate::action::ActionKind;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::format::Format;
use crate::map::MapId;
use crate::map::OwnTexts;
use crate::program::Clause;
use crate::program::Program;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Type;
use crate::visit;
use crate::visit::Visitor;

/// Marks what prints such texts. `names` are constant texts that are not the script's: names of probes.
pub fn mark(program: &mut Program, names: HashSet<Vec<u8>>) {
    let foreign = Foreign::of(&program.clauses, names);
    let mut sent = Sent { foreign: &foreign, texts: HashMap::new() };
    program.clauses.iter().for_each(|clause| visit::clause(clause, &mut sent));
    for (id, own) in sent.texts {
        if let Some(record) = program.records.get_mut(id.0 as usize) {
            mark_record(&mut record.kind, &own);
        }
    }
    for (number, map) in program.maps.iter_mut().enumerate() {
        map.own = foreign.own_texts(MapId(number as u32), map.key.as_ref());
    }
}

fn mark_record(kind: &mut RecordKind, own: &[bool]) {
    match kind {
        RecordKind::Printf(format) | RecordKind::Errorf(format) | RecordKind::Warnf(format) => mark_format(format, own),
        RecordKind::Print if own == [true] => *kind = RecordKind::PrintOwn,
        RecordKind::Firing(actions) => actions.iter_mut().for_each(|action| mark_action(action, own)),
        _ => {}
    }
}

fn mark_action(action: &mut Action, own: &[bool]) {
    let own = own.get(action.args.start as usize..action.args.end as usize).unwrap_or_default();
    match &mut action.kind {
        ActionKind::Printf(format) => mark_format(format, own),
        ActionKind::Trace if own == [true] => action.kind = ActionKind::TraceOwn,
        _ => {}
    }
}

fn mark_format(format: &mut Format, own: &[bool]) {
    let mut own = own.iter();
    for conversion in format.conversions_mut() {
        conversion.own = own.nth(conversion.stars()) == Some(&true);
    }
}

/// Variables and maps that hold, or may hold, other things than texts of the script.
#[derive(Default)]
struct Foreign {
    vars: HashSet<VarId>,
    maps: HashSet<MapId>,
    /// Such parts of the keys of maps, counted from 0.
    keys: HashSet<(MapId, usize)>,
    /// Constant texts that are not the script's.
    names: HashSet<Vec<u8>>,
}

impl Foreign {
    /// What is assigned from something foreign is foreign, until nothing more is found.
    fn of(clauses: &[Clause], names: HashSet<Vec<u8>>) -> Self {
        let mut foreign = Self { names, ..Self::default() };
        loop {
            let before = foreign.len();
            clauses.iter().for_each(|clause| visit::clause(clause, &mut foreign));
            if foreign.len() == before {
                return foreign;
            }
        }
    }

    fn len(&self) -> usize {
        self.vars.len() + self.maps.len() + self.keys.len()
    }

    fn own_texts(&self, map: MapId, key: Option<&Type>) -> OwnTexts {
        let keys = (0..key.map_or(0, parts)).map(|part| !self.keys.contains(&(map, part))).collect();
        OwnTexts { keys, values: !self.maps.contains(&map) }
    }

    fn is_own(&self, expr: &Expr) -> bool {
        match &expr.kind {
            _ if is_number(&expr.ty) => true,
            ExprKind::Str(text) => !self.names.contains(&text[..]),
            ExprKind::Tuple(parts) => parts.iter().all(|part| self.is_own(part)),
            ExprKind::TupleField(tuple, _) => self.is_own(tuple),
            ExprKind::Cast(inner) if matches!(inner.ty, Type::String { .. } | Type::Tuple(_)) => self.is_own(inner),
            ExprKind::Var(var) => !self.vars.contains(var),
            ExprKind::MapGet { map, .. } => !self.maps.contains(map),
            ExprKind::Ternary { then, other, .. } => self.is_own(then) && self.is_own(other),
            ExprKind::Call(Function::Concat | Function::Present, parts) => parts.iter().all(|part| self.is_own(part)),
            ExprKind::Block(_, value) => self.is_own(value),
            _ => false,
        }
    }

    fn add(&mut self, place: &Place) {
        match place {
            Place::Var(var) => self.vars.insert(*var),
            Place::Map { map, .. } => self.maps.insert(*map),
        };
    }

    fn add_key(&mut self, map: MapId, key: Option<&Expr>) {
        match key.map(|key| (&key.kind, key)) {
            Some((ExprKind::Tuple(parts), _)) => {
                let foreign = parts.iter().enumerate().filter(|(_, part)| !self.is_own(part));
                let foreign: Vec<_> = foreign.map(|(at, _)| (map, at)).collect();
                self.keys.extend(foreign);
            }
            Some((_, key)) if !self.is_own(key) => self.keys.extend((0..parts(&key.ty)).map(|at| (map, at))),
            _ => {}
        }
    }

    /// What a loop over a map goes over is a key and a value.
    fn add_walk(&mut self, var: VarId, map: MapId) {
        if self.maps.contains(&map) || self.keys.iter().any(|(foreign, _)| *foreign == map) {
            self.vars.insert(var);
        }
    }
}

impl Visitor for Foreign {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(Place::Map { map, key }, _) | StmtKind::Update(Place::Map { map, key }, ..) => {
                self.add_key(*map, key.as_ref());
            }
            StmtKind::Aggregate { map, key, .. } => self.add_key(*map, key.as_ref()),
            StmtKind::ForMap { var, map, .. } => self.add_walk(*var, *map),
            _ => {}
        }
        match &stmt.kind {
            StmtKind::Assign(place, value) if !self.is_own(value) => self.add(place),
            _ => {}
        }
    }

    /// Whoever has an address can write there.
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::IncDec { target, .. } => {
                if let Place::Map { map, key } = &**target {
                    self.add_key(*map, key.as_ref());
                }
            }
            ExprKind::AddrOf(inner) => match &inner.kind {
                ExprKind::Var(var) => _ = self.vars.insert(*var),
                ExprKind::MapGet { map, key } => {
                    self.maps.insert(*map);
                    self.add_key(*map, key.as_deref());
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// Whether a value of the type is shown without a text that others chose.
fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Int { .. } | Type::Float { .. } | Type::Pointer { .. } | Type::Inet | Type::Mac)
}

/// How many parts a key of the type has.
fn parts(key: &Type) -> usize {
    match key {
        Type::Tuple(parts) => parts.len(),
        _ => 1,
    }
}

fn has_text(ty: &Type) -> bool {
    match ty {
        Type::String { .. } => true,
        Type::Tuple(parts) => parts.iter().any(has_text),
        _ => false,
    }
}

/// Which arguments of records are the script's own texts wherever the record is sent.
struct Sent<'a> {
    foreign: &'a Foreign,
    texts: HashMap<RecordId, Vec<bool>>,
}

impl Sent<'_> {
    fn is_own(&self, text: &Expr) -> bool {
        has_text(&text.ty) && self.foreign.is_own(text)
    }
}

impl Visitor for Sent<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        if let StmtKind::Emit { record, args } = &stmt.kind {
            let own: Vec<bool> = args.iter().map(|arg| self.is_own(arg)).collect();
            let all = self.texts.entry(*record).or_insert_with(|| vec![true; own.len()]);
            all.iter_mut().zip(own).for_each(|(all, own)| *all &= own);
        }
    }
}
