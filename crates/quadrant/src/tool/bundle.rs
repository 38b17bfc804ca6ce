//! A script in bpftrace's language with the files that it brings in, apart from any file system.
//!
//! What is carried are the answers that the script's imports got when the tool was built: the same questions get them again. Paths of
//! the machine that built the tool are not kept, only the names that messages use.

use std::cell::RefCell;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpftrace::Script;
use quadrant_bpftrace::script::Compiled;
use quadrant_bpftrace::script::Found;
use quadrant_bpftrace::script::Loader;

use crate::imports::Files;
use crate::signatures;

/// A script and the files that it brings in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The script's own file, then the others.
    pub files: Vec<File>,
    /// What its imports mean.
    pub answers: Vec<Answer>,
    /// Headers that the command line included.
    pub headers: Vec<String>,
    /// What files in C became.
    pub objects: Vec<Object>,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A file in C, compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The file's number.
    pub file: u32,
    /// The object.
    pub bytes: Vec<u8>,
}

/// Which files a question meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How files are asked for.
    pub way: Way,
    /// As the script has it.
    pub path: String,
    /// The number of the asking file.
    pub from: u32,
    /// The numbers of the files.
    pub found: Vec<u32>,
}

/// How a file is brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `import "path"`
    Import,
    /// `#include "path"`
    Quoted,
    /// `#include <path>`
    System,
}

impl Way {
    const ALL: [Way; 3] = [Way::Import, Way::Quoted, Way::System];

    /// Its number in a payload.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The one with a number.
    pub fn of(number: u32) -> Option<Way> {
        Self::ALL.into_iter().find(|way| way.number() == number)
    }

    fn include(system: bool) -> Way {
        if system { Way::System } else { Way::Quoted }
    }
}

impl Bundle {
    /// Loads a script from files; gives it and all that it is made of.
    pub fn gather(name: &str, text: &str, files: &Files) -> (Script, Bundle) {
        let main = File { name: name.to_owned(), text: text.to_owned() };
        let bundle = Bundle { files: vec![main], headers: files.headers.clone(), ..Bundle::default() };
        let path = files.script.clone().unwrap_or_default();
        let recorder = Recorder { files, made: RefCell::new(Made { paths: vec![path], bundle }) };
        let script = Script::load(name, text, files.script.as_deref(), &recorder);
        (script, recorder.made.into_inner().bundle)
    }

    /// Loads the script again.
    pub fn script(&self) -> Script {
        let File { name, text } = self.files.first().cloned().unwrap_or_default();
        Script::load(&name, &text, Some(&self.path(0)), self)
    }

    /// What stands for a file's path: no two have the same, and the ending is the file's.
    fn path(&self, index: u32) -> PathBuf {
        let name = self.files.get(index as usize).and_then(|file| Path::new(&file.name).file_name());
        Path::new(&index.to_string()).join(name.unwrap_or_default())
    }

    fn number(from: Option<&Path>) -> u32 {
        let folder = from.and_then(Path::parent).and_then(Path::to_str);
        folder.and_then(|folder| folder.parse().ok()).unwrap_or(0)
    }

    fn answer(&self, way: Way, path: &str, from: Option<&Path>) -> Option<Vec<Found>> {
        let from = Self::number(from);
        let asked = |answer: &&Answer| (answer.way, answer.path.as_str(), answer.from) == (way, path, from);
        let answer = self.answers.iter().find(asked)?;
        let found = answer.found.iter().filter_map(|index| {
            let File { name, text } = self.files.get(*index as usize)?.clone();
            Some(Found { name, path: self.path(*index), text: Ok(text) })
        });
        Some(found.collect())
    }
}

impl Loader for Bundle {
    fn import(&self, path: &str, from: Option<&Path>) -> Result<Vec<Found>, Vec<String>> {
        self.answer(Way::Import, path, from).ok_or_else(|| vec!["what this tool carries".to_owned()])
    }

    fn include(&self, path: &str, system: bool, from: Option<&Path>) -> Option<Found> {
        self.answer(Way::include(system), path, from)?.into_iter().next()
    }

    fn compile(&self, path: &Path) -> Result<Compiled, (String, Vec<String>)> {
        let number = Self::number(Some(path));
        let object = self.objects.iter().find(|object| object.file == number);
        let missing = || ("this tool does not carry what it was compiled to".to_owned(), Vec::new());
        signatures::of(object.ok_or_else(missing)?.bytes.clone())
    }

    fn headers(&self) -> &[String] {
        &self.headers
    }
}

/// Answers from files, and keeps the answers.
struct Recorder<'a> {
    files: &'a Files,
    made: RefCell<Made>,
}

/// What is there so far.
struct Made {
    bundle: Bundle,
    /// Where each of its files is.
    paths: Vec<PathBuf>,
}

impl Recorder<'_> {
    fn keep(&self, way: Way, path: &str, from: Option<&Path>, found: &[Found]) {
        let mut made = self.made.borrow_mut();
        let from = from.and_then(|from| made.paths.iter().position(|path| path == from)).unwrap_or(0) as u32;
        let found = found.iter().map(|found| made.number(found)).collect();
        made.bundle.answers.push(Answer { way, path: path.to_owned(), from, found });
    }
}

impl Made {
    /// The number of a file, which is new or known. One that cannot be read is an error of the script anyway.
    fn number(&mut self, found: &Found) -> u32 {
        let known = self.paths.iter().position(|path| *path == found.path);
        let index = known.unwrap_or_else(|| {
            self.paths.push(found.path.clone());
            let text = found.text.clone().unwrap_or_default();
            self.bundle.files.push(File { name: found.name.clone(), text });
            self.paths.len() - 1
        });
        index as u32
    }
}

impl Loader for Recorder<'_> {
    fn import(&self, path: &str, from: Option<&Path>) -> Result<Vec<Found>, Vec<String>> {
        let found = self.files.import(path, from)?;
        self.keep(Way::Import, path, from, &found);
        Ok(found)
    }

    fn include(&self, path: &str, system: bool, from: Option<&Path>) -> Option<Found> {
        let found = self.files.include(path, system, from)?;
        self.keep(Way::include(system), path, from, std::slice::from_ref(&found));
        Some(found)
    }

    fn compile(&self, path: &Path) -> Result<Compiled, (String, Vec<String>)> {
        let compiled = self.files.compile(path)?;
        let mut made = self.made.borrow_mut();
        let file = made.paths.iter().position(|known| known == path).unwrap_or(0) as u32;
        made.bundle.objects.push(Object { file, bytes: compiled.object.clone() });
        Ok(compiled)
    }

    fn headers(&self) -> &[String] {
        &self.files.headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_the_same_without_its_files() {
        let dir = std::env::temp_dir().join(format!("quadrant-bundle-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("lib")).unwrap();
        let main = dir.join("main.bt");
        let text = "#include \"own.h\"\n#include <sys.h>\nimport \"lib\"; import \"lib/a.bt\"; BEGIN { print(A); }";
        std::fs::write(&main, text).unwrap();
        std::fs::write(dir.join("own.h"), "#define A 1").unwrap();
        std::fs::write(dir.join("lib/sys.h"), "#define B 2").unwrap();
        std::fs::write(dir.join("lib/a.bt"), "import \"b.bt\"; macro a() { 1 }").unwrap();
        std::fs::write(dir.join("lib/b.bt"), "import \"../main.bt\"; macro b() { 2 }").unwrap();
        let files = Files::new(main.to_str(), &[dir.join("lib")], &["sys.h".to_owned()]);
        let (script, bundle) = Bundle::gather("main.bt", text, &files);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(script.diagnostics, []);
        assert_eq!(bundle.script(), script);
        assert_eq!(bundle.files.len(), 5);
        let gone = Files::new(main.to_str(), &[], &[]);
        assert_ne!(Script::load("main.bt", text, Some(&main), &gone).diagnostics, []);
    }
}
