//! What a built tool carries, and its form as bytes.
//!
//! Numbers are little-endian `u32`. A text is its length and its bytes (UTF-8), a list the number of its elements and the elements.
//! The bytes may have been changed by anybody: reading them never fails in another way than with an error, and takes no more
//! memory than they are long.

use crate::tool::bundle::Answer;
use crate::tool::bundle::Bundle;
use crate::tool::bundle::File;
use crate::tool::bundle::Object;
use crate::tool::bundle::Way;

/// What a built tool carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The tool's name when it was built.
    pub name: String,
    /// The options that were fixed then, as words of the language's own command line.
    pub options: Vec<String>,
    /// Parameters of the script that count unless others are given.
    pub params: Vec<String>,
    /// The script.
    pub script: Carried,
}

/// A script with all that it brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// In bpftrace's language.
    Bpftrace(Bundle),
    /// In D.
    D(Program),
}

/// A program in D.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its text, as the preprocessor has left it.
    pub script: File,
    /// The libraries of `-L`.
    pub libraries: Vec<File>,
}

/// The bytes are no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged(pub &'static str);

impl Payload {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.text(&self.name);
        out.list(&self.options, |out, word| out.text(word));
        out.list(&self.params, |out, word| out.text(word));
        match &self.script {
            Carried::Bpftrace(bundle) => {
                out.number(BPFTRACE);
                out.list(&bundle.files, Writer::file);
                out.list(&bundle.answers, Writer::answer);
                out.list(&bundle.headers, |out, header| out.text(header));
                out.list(&bundle.objects, Writer::object);
            }
            Carried::D(program) => {
                out.number(D);
                out.file(&program.script);
                out.list(&program.libraries, Writer::file);
            }
        }
        out.0
    }

    /// From bytes.
    ///
    /// # Errors
    /// They are not what [`Self::encode`] gives.
    pub fn decode(bytes: &[u8]) -> Result<Payload, Damaged> {
        let mut input = Reader(bytes);
        let payload = Payload {
            name: input.text()?,
            options: input.list(Reader::text)?,
            params: input.list(Reader::text)?,
            script: match input.number()? {
                BPFTRACE => Carried::Bpftrace(input.bundle()?),
                D => Carried::D(Program { script: input.file()?, libraries: input.list(Reader::file)? }),
                _ => return Err(Damaged("its script is in no known language")),
            },
        };
        if input.0.is_empty() { Ok(payload) } else { Err(Damaged("there is something behind its end")) }
    }
}

const BPFTRACE: u32 = 1;
const D: u32 = 2;

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    fn object(&mut self, object: &Object) {
        self.number(object.file);
        self.bytes(&object.bytes);
    }

    fn list<T>(&mut self, elements: &[T], each: impl Fn(&mut Writer, &T)) {
        self.number(elements.len() as u32);
        elements.iter().for_each(|element| each(self, element));
    }

    fn file(&mut self, file: &File) {
        self.text(&file.name);
        self.text(&file.text);
    }

    fn answer(&mut self, answer: &Answer) {
        self.number(answer.way.number());
        self.text(&answer.path);
        self.number(answer.from);
        self.list(&answer.found, |out, index| out.number(*index));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged("it ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Damaged> {
        let bytes = self.take(size_of::<u32>())?.first_chunk().ok_or(Damaged("it ends early"))?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn text(&mut self) -> Result<String, Damaged> {
        let text = str::from_utf8(self.bytes()?).map_err(|_| Damaged("a text is not UTF-8"))?;
        Ok(text.to_owned())
    }

    fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let len = self.number()?;
        self.take(len as usize)
    }

    fn object(&mut self) -> Result<Object, Damaged> {
        Ok(Object { file: self.number()?, bytes: self.bytes()?.to_vec() })
    }

    /// No element is shorter than a number, so a list that cannot be there is not made room for.
    fn list<T>(&mut self, each: impl Fn(&mut Reader<'a>) -> Result<T, Damaged>) -> Result<Vec<T>, Damaged> {
        let count = self.number()? as usize;
        if count > self.0.len() / size_of::<u32>() {
            return Err(Damaged("it ends early"));
        }
        (0..count).map(|_| each(self)).collect()
    }

    fn file(&mut self) -> Result<File, Damaged> {
        Ok(File { name: self.text()?, text: self.text()? })
    }

    fn bundle(&mut self) -> Result<Bundle, Damaged> {
        let bundle = Bundle {
            files: self.list(Reader::file)?,
            answers: self.list(Reader::answer)?,
            headers: self.list(Reader::text)?,
            objects: self.list(Reader::object)?,
        };
        let is_there = |index: u32| (index as usize) < bundle.files.len();
        let good = |answer: &Answer| is_there(answer.from) && answer.found.iter().all(|index| is_there(*index));
        let objects = bundle.objects.iter().all(|object| is_there(object.file));
        if is_there(0) && objects && bundle.answers.iter().all(good) {
            Ok(bundle)
        } else {
            Err(Damaged("a file is missing"))
        }
    }

    fn answer(&mut self) -> Result<Answer, Damaged> {
        Ok(Answer {
            way: Way::of(self.number()?).ok_or(Damaged("a file comes in an unknown way"))?,
            path: self.text()?,
            from: self.number()?,
            found: self.list(Reader::number)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        File { name: name.to_owned(), text: text.to_owned() }
    }

    fn payloads() -> [Payload; 2] {
        let answer = Answer { way: Way::Import, path: "lib".to_owned(), from: 0, found: vec![1, 0] };
        let bundle = Bundle {
            files: vec![file("a.bt", "BEGIN { }"), file("lib/b.bt", "")],
            answers: vec![answer],
            headers: vec!["x.h".to_owned()],
            objects: vec![Object { file: 1, bytes: vec![1, 2, 255] }],
        };
        let program = Program { script: file("a.d", "BEGIN"), libraries: vec![file("l.d", "é")] };
        [Carried::Bpftrace(bundle), Carried::D(program)].map(|script| Payload {
            name: "a".to_owned(),
            options: vec!["--unsafe".to_owned()],
            params: vec![String::new(), "5".to_owned()],
            script,
        })
    }

    #[test]
    fn what_was_written_is_read() {
        for payload in payloads() {
            assert_eq!(Payload::decode(&payload.encode()), Ok(payload));
        }
    }

    #[test]
    fn a_part_is_damaged() {
        for payload in payloads() {
            let bytes = payload.encode();
            for end in 0..bytes.len() {
                assert!(Payload::decode(&bytes[..end]).is_err(), "{end} bytes of {}", bytes.len());
            }
            assert!(Payload::decode(&[bytes, vec![0]].concat()).is_err());
        }
    }

    #[test]
    fn changed_bytes_are_no_panic() {
        for payload in payloads() {
            let bytes = payload.encode();
            for at in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    if let Ok(read) = Payload::decode(&changed) {
                        assert_eq!(read.encode(), changed);
                    }
                }
            }
        }
    }
}
