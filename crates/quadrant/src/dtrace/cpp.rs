//! `-C`: sending programs through the system's C preprocessor.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use quadrant_bpf::kernel;
use quadrant_bpf::process;
use quadrant_d::options::Options;

use super::attributes;
use crate::failure::Failure;
use crate::output_file;

/// The version of D that programs can ask for: `0xMMmmmuuu`.
const D_VERSION: &str = "0x02000000";

/// How the preprocessor is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preprocessor {
    path: String,
    args: Vec<String>,
}

impl Preprocessor {
    /// The preprocessor, run as options say.
    pub fn of(options: &Options) -> Preprocessor {
        let with = |letter: &str, values: &[String]| values.iter().map(|value| format!("-{letter}{value}")).collect();
        let groups: [Vec<String>; 5] = [
            with("D", &options.define),
            with("U", &options.undef),
            with("I", &options.incdir),
            conformance(options.stdc.as_deref()),
            options.cppargs.iter().flat_map(|words| words.split_ascii_whitespace()).map(str::to_owned).collect(),
        ];
        let headers = options.cpphdrs.then(|| "-H".to_owned());
        Preprocessor {
            path: options.cpppath.clone().unwrap_or_else(|| "cpp".to_owned()),
            args: defines().into_iter().chain(groups.into_iter().flatten()).chain(headers).collect(),
        }
    }

    /// The text as the preprocessor leaves it. `name` is what messages of both call it; if it is a file, others beside it can be included.
    ///
    /// # Errors
    /// The preprocessor cannot be run, or fails; it has then said why.
    pub fn run(&self, name: &str, text: &str) -> Result<String, Failure> {
        let mut command = process::command(&self.path);
        command.args(&self.args).args(beside(name)).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = |error: &std::io::Error| {
            let error = quadrant_bpf::Error::io(format!("cannot run the preprocessor {:?}", self.path), error);
            Failure::from(error).hint("install it (Debian: apt install cpp), or name another with -x cpppath=PATH")
        };
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let mut input = child.stdin.take();
        let marked = format!("# 1 {name:?}\n{}", without_interpreter(text));
        let write = move || input.as_mut().map(|input| input.write_all(marked.as_bytes()));
        let writer = std::thread::Builder::new().spawn(write);
        let output = child.wait_with_output().map_err(|error| failed(&error))?;
        // A preprocessor that does not read everything says why by its status.
        let _ = writer.map_err(|error| failed(&error))?.join();
        if !output.status.success() {
            return Err(Failure::new(format!("failed to preprocess {name}: {} gave {}", self.path, output.status)));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        included(&text).for_each(|file| output_file::keep(Path::new(file)));
        Ok(attributes::without_others(&text))
    }
}

/// The files whose beginning a preprocessor has marked in a text: `# 1 "a.h" 1`.
fn included(text: &str) -> impl Iterator<Item = &str> {
    let marks = text.lines().filter_map(|line| line.strip_prefix("# 1 \""));
    marks.filter_map(|mark| mark.split_once('"')).map(|(file, _)| file)
}

/// Where `#include "..."` of a file in another folder looks first, as in C.
fn beside(name: &str) -> Option<String> {
    let folder = Path::new(name).parent().filter(|folder| !folder.as_os_str().is_empty() && folder.is_dir())?;
    Some(format!("-iquote{}", folder.display()))
}

/// A first line `#!...` is no directive; an empty one keeps the numbers of the others.
fn without_interpreter(text: &str) -> &str {
    if text.starts_with("#!") { text.find('\n').map_or("", |end| &text[end..]) } else { text }
}

/// What `-X` means for a preprocessor of today.
fn conformance(letter: Option<&str>) -> Vec<String> {
    match letter {
        Some("c") => vec!["-std=c99".to_owned()],
        Some("s") => vec!["-traditional-cpp".to_owned()],
        _ => Vec::new(),
    }
}

/// C's headers as they are for compilers that know standard C only: what others add to it is nothing that D could read. Attributes
/// stay, as some say how structs are laid out: the C library's headers define them away unless the compiler is one that they know.
const PLAIN_C: [&str; 16] = [
    "-U__GNUC__",
    "-U__SIZEOF_INT128__",
    "-D__clang__",
    "-D__tinyc__",
    "-D__extension__=",
    "-D__inline=inline",
    "-D__inline__=",
    "-D__signed__=signed",
    "-D__restrict=",
    "-D__restrict__=",
    "-D__const=const",
    "-D__const__=const",
    "-D__volatile=volatile",
    "-D__volatile__=volatile",
    "-D_Noreturn=",
    "-D_Thread_local=",
];

/// What D defines for every program.
fn defines() -> Vec<String> {
    let (name, release) = (kernel::name(), kernel::release());
    let fixed = ["__linux", "__unix", "__SVR4", "__SUNW_D=1"].map(|word| format!("-D{word}"));
    let machine = if cfg!(target_arch = "x86_64") { "-D__amd64" } else { "-D__aarch64" };
    let release: String = release.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let others = [
        format!("-D__SUNW_D_VERSION={D_VERSION}"),
        format!("-D__{name}"),
        format!("-D__{name}_{release}"),
        machine.to_owned(),
    ];
    let plain = PLAIN_C.iter().map(|&argument| argument.to_owned());
    fixed.into_iter().chain(others).chain(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_arguments() {
        let options = Options {
            define: vec!["A=1".to_owned()],
            undef: vec!["B".to_owned()],
            stdc: Some("s".to_owned()),
            ..Options::default()
        };
        let cpp = Preprocessor::of(&options);
        assert_eq!(cpp.path, "cpp");
        assert!(
            cpp.args.ends_with(&["-DA=1".to_owned(), "-UB".to_owned(), "-traditional-cpp".to_owned()]),
            "{:?}",
            cpp.args
        );
        assert!(cpp.args.contains(&"-D__SUNW_D=1".to_owned()));
        // What the user says holds.
        assert!(cpp.args.iter().position(|arg| arg == "-U__GNUC__") < cpp.args.iter().position(|arg| arg == "-DA=1"));
    }

    #[test]
    fn a_missing_preprocessor_is_named() {
        let cpp = Preprocessor::of(&Options { cpppath: Some("/nonexistent/cpp".to_owned()), ..Options::default() });
        let failure = cpp.run("a.d", "BEGIN").unwrap_err();
        assert!(format!("{failure:?}").contains("/nonexistent/cpp"), "{failure:?}");
    }

    #[test]
    fn included_files_are_known() {
        let text = "# 0 \"<stdin>\"\n# 1 \"a.d\"\n# 1 \"./my a.h\" 1\nint a;\n# 2 \"a.d\" 2\nBEGIN";
        assert_eq!(included(text).collect::<Vec<_>>(), ["a.d", "./my a.h"]);
    }

    #[test]
    fn the_line_for_the_kernel_goes() {
        assert_eq!(without_interpreter("#!/usr/sbin/dtrace -s\nBEGIN"), "\nBEGIN");
        assert_eq!(without_interpreter("#!"), "");
        assert_eq!(without_interpreter("BEGIN"), "BEGIN");
    }
}
