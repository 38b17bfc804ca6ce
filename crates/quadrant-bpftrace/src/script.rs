//! A script with all files that it brings in by `import` and `#include`.
//!
//! Each file is read once, so cycles and double imports are fine. What is imported stands before
//! what imports it; what is included stands where the directive is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quadrant_program::diag::{Diagnostic, Origin};
use quadrant_program::import::{Import, Signature};
use quadrant_program::sources::Sources;
use quadrant_program::span::Span;

use crate::ast::{self, CDecl, CDeclKind, Item};

/// Files that a script may bring in.
const MAX_FILES: usize = 1_000;

/// A script, whole and parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The texts.
    pub sources: Sources,
    /// The tree of all of them.
    pub tree: ast::Script,
    /// Files in C that are brought in.
    pub imports: Vec<Arc<Import>>,
    /// What is wrong with the texts.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What messages call it.
    pub name: String,
    /// Where it is; the same path is the same file.
    pub path: PathBuf,
    /// Its text, or why it cannot be read.
    pub text: Result<String, String>,
}

/// What a compiler made of a file in C.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compiled {
    /// The object.
    pub object: Vec<u8>,
    /// The functions that it has for others.
    pub functions: Vec<Signature>,
    /// Programs that it has besides (`SEC("kprobe/...")`).
    pub programs: Vec<String>,
}

/// Finds the files that a script names.
pub trait Loader {
    /// The files that `import "path"` means in a file; a folder gives several. What is not found is an error
    /// that lists where was looked.
    fn import(&self, path: &str, from: Option<&Path>) -> Result<Vec<Found>, Vec<String>>;

    /// The file that `#include` means in a file; `system` for one in angle brackets.
    fn include(&self, path: &str, system: bool, from: Option<&Path>) -> Option<Found>;

    /// Compiles a file in C that [`Loader::import`] has found. What does not work is an error with advice.
    fn compile(&self, path: &Path) -> Result<Compiled, (String, Vec<String>)> {
        let _ = path;
        Err(("C is not compiled here".to_owned(), Vec::new()))
    }

    /// Headers to be included before the script, as the command line names them.
    fn headers(&self) -> &[String];
}

impl Script {
    /// A script that stands alone: it can bring in nothing.
    pub fn alone(name: &str, text: &str) -> Script {
        Self::load(name, text, None, &Nothing)
    }

    /// Parses a script and what it brings in. `path` is its file, if it has one.
    pub fn load(name: &str, text: &str, path: Option<&Path>, loader: &dyn Loader) -> Script {
        let mut loading = Loading { loader, script: Script::default(), known: HashSet::new() };
        let mut items = loading.file(name, text, path, Kind::Main);
        items.splice(0..0, loading.headers());
        loading.script.tree.items = items;
        loading.script.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        loading.script
    }
}

/// Has no files.
struct Nothing;

impl Loader for Nothing {
    fn import(&self, _path: &str, _from: Option<&Path>) -> Result<Vec<Found>, Vec<String>> {
        Err(Vec::new())
    }

    fn include(&self, _path: &str, _system: bool, _from: Option<&Path>) -> Option<Found> {
        None
    }

    fn headers(&self) -> &[String] {
        &[]
    }
}

/// How a file came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Main,
    Import,
    Include,
}

struct Loading<'a> {
    loader: &'a dyn Loader,
    script: Script,
    /// The files that were read.
    known: HashSet<PathBuf>,
}

impl Loading<'_> {
    /// The items of a file, those of its imports before them.
    fn file(&mut self, name: &str, text: &str, path: Option<&Path>, kind: Kind) -> Vec<Item> {
        if let Some(path) = path {
            self.known.insert(path.to_owned());
        }
        if !self.has_room(text) {
            self.error(Span::default(), "script too long: 4 GiB or more");
            return Vec::new();
        }
        let span = self.script.sources.add(name, text);
        let parsed = crate::parser::parse_part(self.script.sources.text(), span);
        if kind == Kind::Main {
            self.script.tree.shebang = parsed.script.shebang;
        }
        self.script.diagnostics.extend(parsed.diagnostics);
        let (mut before, mut own) = (Vec::new(), Vec::new());
        for item in parsed.script.items {
            self.item(item, path, kind, &mut before, &mut own);
        }
        before.append(&mut own);
        before
    }

    fn item(&mut self, item: Item, path: Option<&Path>, kind: Kind, before: &mut Vec<Item>, own: &mut Vec<Item>) {
        match &item {
            Item::Import(import) => before.extend(self.import(import, path)),
            Item::C(CDecl { kind: CDeclKind::Directive { word, rest }, span, .. }) if word == "include" => {
                match self.include(*rest, *span, path) {
                    Some(items) => own.extend(items),
                    None => own.push(item),
                }
            }
            Item::Config(config) if kind != Kind::Main => {
                self.error(config.span, "a `config` block in an imported file: settings belong to the script");
            }
            Item::C(_) => own.push(item),
            _ if kind == Kind::Include => {
                self.error(span_of(&item), "an included file has C text only: use `import`");
            }
            _ => own.push(item),
        }
    }

    fn import(&mut self, import: &ast::Import, from: Option<&Path>) -> Vec<Item> {
        let path = &import.path.name;
        if path.ends_with(".o") || path.ends_with(".c") && !is_c(Path::new(path)) {
            let diagnostic = Diagnostic::error(import.span, format!("`{path}` is of no kind that can be imported"));
            self.report(diagnostic.help("scripts (.bt), headers (.h) and functions in C (.bpf.c) can"));
            return Vec::new();
        }
        match self.loader.import(path, from) {
            Ok(files) => files.into_iter().flat_map(|found| self.found(found, import.span, None)).collect(),
            Err(looked) => {
                let diagnostic = Diagnostic::error(import.span, format!("cannot find `{path}` to import"));
                let looked = looked.into_iter().map(|place| format!("checked: {place}"));
                self.report(looked.fold(diagnostic, Diagnostic::help));
                Vec::new()
            }
        }
    }

    /// The items of the header that a directive means; `None` if there is no such file.
    fn include(&mut self, rest: Span, span: Span, from: Option<&Path>) -> Option<Vec<Item>> {
        let text = self.script.sources.slice(rest).trim();
        let (system, end) = match text.as_bytes().first()? {
            b'<' => (true, '>'),
            b'"' => (false, '"'),
            _ => return None,
        };
        let path = text[1..].split(end).next()?.to_owned();
        if is_kernel_header(&path) {
            return Some(Vec::new());
        }
        match self.loader.include(&path, system, from) {
            Some(found) => Some(self.found(found, span, Some(Kind::Include))),
            None => KNOWN_HEADERS.contains(&path.as_str()).then(Vec::new),
        }
    }

    /// The headers of the command line.
    fn headers(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        for header in self.loader.headers().iter().filter(|header| !is_kernel_header(header)) {
            match self.loader.include(header, true, None) {
                Some(found) => items.extend(self.found(found, Span::default(), Some(Kind::Include))),
                None => {
                    let message = not_read(header, ", given on the command line,");
                    let warning = Diagnostic::warning(Span::default(), message).help(DEFINE);
                    self.report(warning.from(Origin::CommandLine));
                }
            }
        }
        items
    }

    /// The items of a file, unless it has been read.
    fn found(&mut self, found: Found, span: Span, kind: Option<Kind>) -> Vec<Item> {
        if self.known.contains(&found.path) {
            return Vec::new();
        }
        if self.known.len() >= MAX_FILES {
            self.known.insert(found.path);
            self.error(span, format!("more than {MAX_FILES} files are imported"));
            return Vec::new();
        }
        if is_c(&found.path) {
            self.functions(&found, span);
            return Vec::new();
        }
        let is_header = found.path.extension().is_some_and(|extension| extension == "h");
        let kind = kind.unwrap_or(if is_header { Kind::Include } else { Kind::Import });
        match found.text {
            Ok(text) => self.file(&found.name, &text, Some(&found.path), kind),
            Err(why) => {
                self.error(span, format!("cannot read `{}`: {why}", found.name));
                Vec::new()
            }
        }
    }

    /// Brings in a file in C.
    fn functions(&mut self, found: &Found, span: Span) {
        let Found { name, path, text } = found;
        self.known.insert(path.clone());
        let compiled = match (text, self.loader.compile(path)) {
            (Err(why), _) => return self.error(span, format!("cannot read `{name}`: {why}")),
            (_, Err((why, help))) => {
                let diagnostic = Diagnostic::error(span, format!("cannot import `{name}`: {why}"));
                return self.report(help.into_iter().fold(diagnostic, Diagnostic::help));
            }
            (Ok(text), Ok(compiled)) if self.has_room(text) => (text, compiled),
            _ => return self.error(span, "script too long: 4 GiB or more"),
        };
        let (text, Compiled { object, functions, programs }) = compiled;
        if !programs.is_empty() {
            let message = format!("`{name}` has programs, which are not attached: {}", programs.join(", "));
            self.report(
                Diagnostic::warning(span, message).help("`quadrant load` attaches the programs of a file in C"),
            );
        }
        let known = |function: &&Signature| {
            self.script.imports.iter().flat_map(|import| &import.functions).any(|other| other.name == function.name)
        };
        if let Some(twice) = functions.iter().find(known) {
            let message = format!("`{name}` has a function {}(), which another file in C has, too", twice.name);
            return self.error(span, message);
        }
        let start = self.script.sources.add(name.as_str(), text).start;
        let lines = lines(text, start);
        let import = Import { name: name.clone(), path: path.clone(), span, lines, object: object.into(), functions };
        self.script.imports.push(Arc::new(import));
    }

    fn has_room(&self, text: &str) -> bool {
        self.script.sources.text().len() + text.len() < u32::MAX as usize
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(span, message));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.script.diagnostics.push(diagnostic);
    }
}

/// Whether a file's name is one of C for eBPF.
fn is_c(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".bpf.c")
}

/// The lines of a text that starts there, without the blanks around them.
fn lines(text: &str, start: u32) -> Vec<Span> {
    let place = |line: &str| start + (line.as_ptr() as usize - text.as_ptr() as usize) as u32;
    text.lines().map(str::trim).map(|line| Span::new(place(line), place(line) + line.len() as u32)).collect()
}

/// Headers of the C library that have nothing but what is known here without them.
const KNOWN_HEADERS: &[&str] =
    &["errno.h", "signal.h", "stdbool.h", "stddef.h", "stdint.h", "sys/syscall.h", "sys/types.h", "syscall.h"];

/// Headers of the kernel only bring types, and those come from the kernel itself.
fn is_kernel_header(path: &str) -> bool {
    let folders = ["linux/", "asm/", "asm-generic/", "net/", "uapi/", "trace/", "vdso/", "generated/"];
    folders.iter().any(|folder| path.starts_with(folder))
}

/// What is said of a header that is not there, and comes from elsewhere than the script.
pub(crate) fn not_read(path: &str, origin: &str) -> String {
    format!("`{}`{origin} is not read: C types come from the kernel's type information", path.escape_debug())
}

/// What to do about a header that is not there.
pub(crate) const DEFINE: &str = "give its folder with -I, or define the types that are needed in the script";

fn span_of(item: &Item) -> Span {
    match item {
        Item::C(decl) => decl.span,
        Item::Config(config) => config.span,
        Item::Import(import) => import.span,
        Item::Macro(def) => def.span,
        Item::Fn(def) => def.span,
        Item::MapDecl(decl) => decl.span,
        Item::Probe(probe) => probe.span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files by name, without folders; `all` is a folder of them.
    struct Files(&'static [(&'static str, &'static str)]);

    impl Files {
        fn get(&self, path: &str) -> Option<Found> {
            let (name, text) = self.0.iter().find(|(name, _)| *name == path)?;
            Some(Found { name: (*name).to_owned(), path: PathBuf::from(name), text: Ok((*text).to_owned()) })
        }
    }

    impl Loader for Files {
        fn import(&self, path: &str, _from: Option<&Path>) -> Result<Vec<Found>, Vec<String>> {
            match path {
                "all" => Ok(self.0.iter().filter_map(|(name, _)| self.get(name)).collect()),
                _ => self.get(path).map(|found| vec![found]).ok_or_else(|| vec![path.to_owned()]),
            }
        }

        fn include(&self, path: &str, _system: bool, _from: Option<&Path>) -> Option<Found> {
            self.get(path)
        }

        fn headers(&self) -> &[String] {
            &[]
        }
    }

    /// The places and texts of the items, and the messages with their places.
    fn load(text: &str, files: &'static [(&'static str, &'static str)]) -> (Vec<String>, Vec<String>) {
        let script = Script::load("main.bt", text, Some(Path::new("main.bt")), &Files(files));
        let item = |item: &Item| {
            let span = span_of(item);
            format!("{} {}", script.sources.name(span.start), script.sources.slice(span).trim_end())
        };
        let message =
            |diagnostic: &Diagnostic| format!("{} {}", script.sources.place(diagnostic.span.start), diagnostic.message);
        (script.tree.items.iter().map(item).collect(), script.diagnostics.iter().map(message).collect())
    }

    #[test]
    fn imports_come_first_each_once() {
        let files = &[
            ("a.bt", "#!shebang\nimport \"b.bt\"; BEGIN { 1 }"),
            ("b.bt", "import \"a.bt\"; import \"main.bt\"; BEGIN { 2 }"),
            ("main.bt", "is known"),
        ];
        let (items, messages) = load("import \"a.bt\"; import \"all\"; BEGIN { 3 }", files);
        assert_eq!(messages, [""; 0]);
        assert_eq!(items, ["b.bt BEGIN { 2 }", "a.bt BEGIN { 1 }", "main.bt BEGIN { 3 }"]);
    }

    #[test]
    fn headers_stand_where_they_are_included() {
        let files = &[("x.h", "#define X 1"), ("y.h", "#define Y 1")];
        let text = "#ifdef A\n#include \"x.h\"\n#endif\n#include <no.h>\nimport \"y.h\"; BEGIN { }";
        let (items, messages) = load(text, files);
        assert_eq!(messages, [""; 0]);
        let expected = [
            "y.h #define Y 1",
            "main.bt #ifdef A",
            "x.h #define X 1",
            "main.bt #endif",
            "main.bt #include <no.h>",
            "main.bt BEGIN { }",
        ];
        assert_eq!(items, expected);
    }

    #[test]
    fn mistakes_point_into_their_file() {
        let files = &[("a.bt", "config = { max_strlen = 9 }\nBEGIN { $x = ; }"), ("x.h", "BEGIN { }")];
        let (_, messages) = load("import \"a.bt\";\nimport \"x.h\"; import \"z.bt\";\nimport \"y.c\";", files);
        let expected = [
            "main.bt:2:15 cannot find `z.bt` to import",
            "main.bt:3:1 `y.c` is of no kind that can be imported",
            "a.bt:1:1 a `config` block in an imported file: settings belong to the script",
            "a.bt:2:14 expected an expression, found `;`",
            "x.h:1:1 an included file has C text only: use `import`",
        ];
        assert_eq!(messages, expected);
    }
}
