//! Probes, macros, settings: what stands at the top of a script.

use quadrant_program::span::Span;

use super::Writer;
use super::doc::Doc;
use super::stmt::{Entry, Tail};
use crate::ast::{Block, Config, Item, Predicate, Probe};

impl<'a> Writer<'a> {
    /// The whole script.
    pub(super) fn script(&self) -> Doc<'a> {
        let shebang = self.script.shebang.map(|span| self.kept(span));
        let items = self.script.items.iter().map(|item| self.item(item));
        Doc::All(self.lines(0..self.pieces.len(), shebang.into_iter().chain(items).collect()))
    }

    fn item(&self, item: &'a Item) -> Entry<'a> {
        match item {
            Item::C(c) => self.kept(c.span),
            Item::Config(config) => self.entry(config.span, self.config(config)),
            Item::Import(import) => self.declaration(import.span),
            Item::MapDecl(decl) => self.declaration(decl.span),
            Item::Macro(item) => self.entry(item.span, self.definition(item.span, &item.body)),
            Item::Fn(item) => self.entry(item.span, self.definition(item.span, &item.body)),
            Item::Probe(probe) => self.entry(probe.span, self.probe(probe)),
        }
    }

    fn entry(&self, span: Span, doc: Doc<'a>) -> Entry<'a> {
        Entry { range: self.range(span.start, span.end), doc }
    }

    /// A text that stays as it is.
    fn kept(&self, span: Span) -> Entry<'a> {
        self.entry(span, self.text(self.index(span.start)))
    }

    fn declaration(&self, span: Span) -> Entry<'a> {
        let row = self.row(self.range(span.start, span.end));
        let end = if self.ends_itself(span) { "" } else { ";" };
        self.entry(span, Doc::All(vec![row, Doc::Text(end)]))
    }

    /// Whether the semicolon belongs to a declaration.
    fn ends_itself(&self, span: Span) -> bool {
        self.pieces[self.index(span.end) - 1].is(crate::lexer::Tok::Semi)
    }

    fn config(&self, config: &Config) -> Doc<'a> {
        let setting = |entry: &crate::ast::ConfigEntry| {
            let doc = self.row(self.range(entry.key.span.start, entry.value_span.end));
            self.entry(Span::new(entry.key.span.start, entry.value_span.end), Doc::All(vec![doc, Doc::Text(";")]))
        };
        let range = self.range(config.span.start, config.span.end);
        // `config`, `=`, `{`
        let brace = range.start + 2;
        let lines = self.lines(brace..range.end - 1, config.entries.iter().map(setting).collect());
        if lines.is_empty() {
            return Doc::Text("config = {}");
        }
        Doc::All(vec![Doc::Text("config = {"), Doc::All(lines).indent(), Doc::Hard, Doc::Text("}")])
    }

    /// A macro or a function.
    fn definition(&self, span: Span, body: &'a Block) -> Doc<'a> {
        let brace = self.index(body.span.start);
        let head = self.row(self.index(span.start)..brace);
        Doc::All(vec![head, Doc::Hard, self.block(body, Tail::Value)])
    }

    fn probe(&self, probe: &'a Probe) -> Doc<'a> {
        let last = probe.attach.len().saturating_sub(1);
        let points = probe.attach.iter().enumerate().map(|(number, point)| {
            let comma = if number < last { "," } else { "" };
            self.entry(point.span, Doc::All(vec![self.text(self.index(point.span.start)), Doc::Text(comma)]))
        });
        let predicate = probe.predicate.iter().map(|predicate| self.entry(predicate.span, self.predicate(predicate)));
        let body = self.entry(probe.body.span, self.block(&probe.body, Tail::Statement));
        let entries = points.chain(predicate).chain([body]).collect();
        let mut lines = self.lines(self.range(probe.span.start, probe.span.end), entries);
        lines.remove(0);
        Doc::All(lines)
    }

    fn predicate(&self, predicate: &Predicate) -> Doc<'a> {
        let range = self.range(predicate.span.start, predicate.span.end);
        let inner = range.start + 1..range.end - 1;
        // `/*` would start a comment.
        let blank = if self.pieces[inner.start].text.starts_with(['*', '/']) { " " } else { "" };
        let end = if self.pieces[inner.end - 1].text.starts_with("//") { Doc::Hard } else { Doc::Text("") };
        Doc::All(vec![Doc::Text("/"), Doc::Text(blank), self.expr(inner), end, Doc::Text("/")])
    }
}
