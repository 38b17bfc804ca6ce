//! Libraries: what a script uses of them is defined when it is used, and nothing else.

use std::collections::HashMap;
use std::rc::Rc;

use quadrant_program::diag::Diagnostic;
use quadrant_types::{CType, TypeId};

use super::{Lower, depends};
use crate::Mode;
use crate::ast::{Item, Scope, TagBody, TypeSpec, TypeSpecKind};
use crate::library;

/// What of the libraries was used, and what the ones given by the user offer.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Names that were looked up.
    tried: std::collections::HashSet<String>,
    /// Items of the user's libraries by name; read when the first name is looked up.
    own: Option<HashMap<String, Vec<Own>>>,
    /// Names of libraries that need what is not here, and why they are left out.
    left_out: HashMap<String, Rc<str>>,
}

/// An item of a library that the user gave.
#[derive(Clone, Debug)]
struct Own {
    item: Rc<Item>,
    /// What is wrong with the library's text: half of an item would be there, and silently mean nothing.
    broken: Option<Rc<Diagnostic>>,
}

impl Lower<'_> {
    /// Defines what the libraries have under that name: `name` for typedefs and inlines, `struct name`, `translator name`. What is wrong
    /// in a library is not the script's fault: it is as if it was not there.
    pub(super) fn need(&mut self, name: &str) {
        if self.settings.nolibs || !self.used.tried.insert(name.to_owned()) {
            return;
        }
        let own = self.own_items(name);
        for own in &own {
            let broken = own.broken.as_deref().filter(|broken| !self.diagnostics.contains(broken)).cloned();
            self.diagnostics.extend(broken);
            self.quietly(|lower| lower.library_item(&own.item));
        }
        if own.iter().any(|own| own.broken.is_some()) {
            // It is said wherever the name is looked up: some of the looking is only trying.
            self.used.tried.remove(name);
        }
        for item in library::items(name) {
            let wanted = self.settings.aliases || item.file != library::ALIASES;
            // A struct and its typedef are one item with two names.
            if wanted && self.used.tried.insert(item.text.to_owned()) {
                self.embedded_item(item);
            }
        }
    }

    /// Defines a variable that a library declares, unless the script has one of that name. Those of a clause are the script's alone.
    pub(super) fn need_variable(&mut self, scope: Scope, name: &str) {
        if scope != Scope::Clause && self.variable(scope, name).is_none() {
            self.need(name);
        }
    }

    fn embedded_item(&mut self, item: &library::Item) {
        let parsed = self.texts.parse(item.file, None, item.text, Mode::default());
        for item in &parsed.script.items {
            self.quietly(|lower| lower.library_item(item));
        }
    }

    /// Defines the translators that make a type.
    pub(super) fn need_translators(&mut self, output: TypeId) {
        let name = self.types.display(output);
        self.need(&format!("translator {name}"));
        if let CType::Struct { name, .. } = self.types.kind(output) {
            self.need(&format!("translator {name}"));
        }
    }

    fn library_item(&mut self, item: &Item) {
        match item {
            Item::Declaration(declaration) => self.declaration(declaration),
            Item::Inline(inline) => self.define_inline(inline),
            Item::Translator(translator) => self.define_translator(translator),
            Item::Clause(_) | Item::Provider(_) => {}
        }
    }

    /// Runs something whose messages do not count.
    fn quietly(&mut self, inner: impl FnOnce(&mut Self)) {
        let frames = std::mem::take(&mut self.frames);
        let before = self.diagnostics.len();
        inner(self);
        self.diagnostics.truncate(before);
        self.frames = frames;
    }

    fn own_items(&mut self, name: &str) -> Vec<Own> {
        if self.used.own.is_none() {
            self.used.own = Some(self.read_libraries());
        }
        let own = self.used.own.as_ref();
        own.and_then(|own| own.get(name)).cloned().unwrap_or_default()
    }

    /// Says of what a script did not find that a library has it, but was left out.
    pub(super) fn explain_left_out(&self, diagnostics: &mut [Diagnostic]) {
        let tried = self.used.left_out.iter().filter(|(name, _)| self.used.tried.contains(*name));
        for (name, reason) in tried {
            let name = name.rsplit(' ').next().unwrap_or(name);
            let about = diagnostics.iter_mut().filter(|told| has_word(&told.message, name));
            about.for_each(|told| told.help.insert(0, format!("`{name}` is in a library that was left out: {reason}")));
        }
    }

    fn read_libraries(&mut self) -> HashMap<String, Vec<Own>> {
        let mut index: HashMap<String, Vec<Own>> = HashMap::new();
        for library in self.env.libraries {
            let parsed = self.texts.parse(&library.name, None, &library.text, Mode::default());
            if let Some(reason) = depends::unmet_by_library(library, &parsed.script, self.env) {
                let names = parsed.script.items.iter().flat_map(names);
                self.used.left_out.extend(names.map(|name| (name, Rc::from(reason.as_str()))));
                continue;
            }
            let broken = parsed.diagnostics.into_iter().next().map(Rc::new);
            for item in parsed.script.items {
                let own = Own { item: Rc::new(item), broken: broken.clone() };
                for name in names(&own.item) {
                    index.entry(name).or_default().push(own.clone());
                }
            }
        }
        self.used.left_out.retain(|name, _| !index.contains_key(name) && library::items(name).next().is_none());
        index
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

/// The names under which an item is looked up.
fn names(item: &Item) -> Vec<String> {
    match item {
        Item::Inline(inline) => vec![inline.name.name.clone()],
        Item::Translator(translator) => match &translator.output.base.kind {
            TypeSpecKind::Named(name) | TypeSpecKind::Tagged { name: Some(name), .. } => {
                vec![format!("translator {}", name.name)]
            }
            _ => Vec::new(),
        },
        Item::Declaration(declaration) => {
            let declared =
                declaration.declared.iter().filter_map(|declared| Some(declared.name.as_ref()?.name.clone()));
            declared.chain(defined(&declaration.base)).collect()
        }
        Item::Clause(_) | Item::Provider(_) => Vec::new(),
    }
}

/// The names that a type defines where it is written: its tag, the constants of an enumeration, and what its members define.
fn defined(ty: &TypeSpec) -> Vec<String> {
    let TypeSpecKind::Tagged { tag, name, body: Some(body) } = &ty.kind else { return Vec::new() };
    let inner: Vec<String> = match body {
        TagBody::Values(values) => values.iter().map(|value| value.name.name.clone()).collect(),
        TagBody::Members(members) => members.iter().flat_map(|member| defined(&member.base)).collect(),
    };
    name.iter().map(|name| format!("{} {}", tag.word(), name.name)).chain(inner).collect()
}
