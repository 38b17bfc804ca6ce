//! C type names in text: casts of scripts, field types of tracefs formats.

use super::{CType, FuncProto, TypeId, Types, X87};
use crate::{BtfKind, TypeError};

/// Most stars and dimensions after a type's name.
const MAX_SUFFIXES: usize = 16;

/// Names that need no BTF: bytes, signed.
const FIXED: [(&str, u32, bool); 44] = [
    ("int8", 1, true),
    ("int16", 2, true),
    ("int32", 4, true),
    ("int64", 8, true),
    ("uint8", 1, false),
    ("uint16", 2, false),
    ("uint32", 4, false),
    ("uint64", 8, false),
    ("int8_t", 1, true),
    ("int16_t", 2, true),
    ("int32_t", 4, true),
    ("int64_t", 8, true),
    ("uint8_t", 1, false),
    ("uint16_t", 2, false),
    ("uint32_t", 4, false),
    ("uint64_t", 8, false),
    ("s8", 1, true),
    ("s16", 2, true),
    ("s32", 4, true),
    ("s64", 8, true),
    ("u8", 1, false),
    ("u16", 2, false),
    ("u32", 4, false),
    ("u64", 8, false),
    ("__s8", 1, true),
    ("__s16", 2, true),
    ("__s32", 4, true),
    ("__s64", 8, true),
    ("__u8", 1, false),
    ("__u16", 2, false),
    ("__u32", 4, false),
    ("__u64", 8, false),
    ("size_t", 8, false),
    ("ssize_t", 8, true),
    ("intptr_t", 8, true),
    ("uintptr_t", 8, false),
    ("ptrdiff_t", 8, true),
    ("pid_t", 4, true),
    ("uid_t", 4, false),
    ("gid_t", 4, false),
    ("off_t", 8, true),
    ("loff_t", 8, true),
    ("time_t", 8, true),
    ("wchar_t", 4, true),
];

/// Whether a name of one word means the same everywhere: C's own types and sized integers.
pub fn is_fixed_name(name: &str) -> bool {
    let own = ["void", "char", "short", "int", "long", "unsigned", "signed", "float", "double", "bool", "_Bool"];
    own.contains(&name) || FIXED.iter().any(|(fixed, ..)| *fixed == name)
}

impl Types {
    /// The type that a C type name means: base types in any order of words, `struct X`,
    /// `union X`, `enum X`, typedefs, the sized names `int8` to `uint64`, qualifiers (only
    /// `const` before the first star is kept, for display), `*`, `[N]` and pointers to functions. Suffixes may be mixed as bpftrace
    /// allows: `int32*[4]` is four pointers.
    pub fn parse_type_name(&self, text: &str) -> Result<TypeId, TypeError> {
        Parser { types: self, text, at: 0, builtin_only: false }.whole()
    }

    /// As [`parse_type_name`](Self::parse_type_name), for types that need no BTF.
    pub(crate) fn parse_builtin(&self, text: &str) -> Option<TypeId> {
        Parser { types: self, text, at: 0, builtin_only: true }.whole().ok()
    }

    /// The type that a bare name means, if it means one: a base type's single word, a sized name or a typedef.
    pub fn lookup_plain_name(&self, name: &str) -> Option<TypeId> {
        let user = self.user_typedef(name);
        user.or_else(|| self.fixed(name)).or_else(|| self.lookup_typedef(name))
    }

    fn fixed(&self, name: &str) -> Option<TypeId> {
        match name {
            "bool" | "_Bool" => return Some(self.bool()),
            "void" => return Some(TypeId::VOID),
            _ => {}
        }
        let &(name, size, signed) = FIXED.iter().find(|(known, ..)| *known == name)?;
        Some(self.base_int(name, size, signed))
    }

    fn tagged(&self, keyword: &str, name: &str) -> Result<TypeId, TypeError> {
        let (found, kinds): (_, &[BtfKind]) = match keyword {
            "struct" => (self.lookup_struct(name), &[BtfKind::Struct]),
            "union" => (self.lookup_union(name), &[BtfKind::Union]),
            _ => (self.lookup_enum(name), &[BtfKind::Enum, BtfKind::Enum64]),
        };
        found.ok_or_else(|| {
            // What has no name is no suggestion.
            let suggestion = self.suggest_name(name, kinds).filter(|near| !near.is_empty());
            TypeError::UnknownType {
                name: format!("{keyword} {name}"),
                suggestion: suggestion.map(|near| format!("{keyword} {near}")),
            }
        })
    }

    fn unknown_plain(&self, name: &str) -> TypeError {
        let suggestion = match () {
            () if self.lookup_struct(name).is_some() => Some(format!("struct {name}")),
            () if self.lookup_union(name).is_some() => Some(format!("union {name}")),
            () if self.lookup_enum(name).is_some() => Some(format!("enum {name}")),
            () => self.suggest_plain(name),
        };
        TypeError::UnknownType { name: name.to_owned(), suggestion }
    }

    fn suggest_plain(&self, name: &str) -> Option<String> {
        let fixed = FIXED.iter().map(|(name, ..)| *name);
        let near = crate::suggest(name, fixed.chain(["bool", "char", "void", "int", "long"]));
        near.map(str::to_owned).or_else(|| self.suggest_name(name, &[BtfKind::Typedef]))
    }
}

struct Parser<'a> {
    types: &'a Types,
    text: &'a str,
    at: usize,
    /// Refuse what only BTF can define, without opening it.
    builtin_only: bool,
}

/// The words of a base type as they come.
#[derive(Default)]
struct Words {
    unsigned: bool,
    signed: bool,
    short: bool,
    longs: u8,
    base: Option<&'static str>,
    any: bool,
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Result<TypeId, TypeError> {
        let base = self.specifiers()?;
        let ty = self.suffixes(base)?;
        if self.peek().is_some() {
            return Err(self.expected("the end, `*` or `[`"));
        }
        Ok(ty)
    }

    fn specifiers(&mut self) -> Result<TypeId, TypeError> {
        let mut words = Words::default();
        let (mut named, mut is_const) = (None, false);
        loop {
            let start = self.skip_space();
            let Some(word) = self.word() else { break };
            is_const |= word == "const";
            if is_qualifier(word) || words.add(word) {
                continue;
            }
            if words.any || named.is_some() {
                self.at = start;
                break;
            }
            named = Some(self.named(word)?);
        }
        let ty = named.or_else(|| words.build(self.types)).ok_or_else(|| self.expected("a type's name"))?;
        Ok(if is_const { self.types.const_of(ty) } else { ty })
    }

    fn named(&mut self, word: &str) -> Result<TypeId, TypeError> {
        if self.builtin_only {
            return self.types.fixed(word).ok_or_else(|| self.expected("a built-in type"));
        }
        if matches!(word, "struct" | "union" | "enum") {
            self.skip_space();
            let tag = self.word().ok_or_else(|| self.expected("a tag"))?;
            return self.types.tagged(word, tag);
        }
        self.types.lookup_plain_name(word).ok_or_else(|| self.types.unknown_plain(word))
    }

    fn suffixes(&mut self, base: TypeId) -> Result<TypeId, TypeError> {
        let mut ty = base;
        for _ in 0..MAX_SUFFIXES {
            match self.peek() {
                Some('*') => {
                    self.at += 1;
                    ty = self.types.pointer_to(ty);
                    self.skip_qualifiers();
                }
                Some('[') => ty = self.dimensions(ty)?,
                Some('(') => ty = self.function_pointer(ty)?,
                _ => break,
            }
        }
        Ok(ty)
    }

    /// `[2][3]` is an array of two arrays of three.
    fn dimensions(&mut self, elem: TypeId) -> Result<TypeId, TypeError> {
        let mut lengths = Vec::new();
        while self.peek() == Some('[') && lengths.len() < MAX_SUFFIXES {
            self.at += 1;
            lengths.push(self.length()?);
            self.expect(']', "`]`")?;
        }
        Ok(lengths.iter().rev().fold(elem, |ty, &len| self.types.array_of(ty, len)))
    }

    fn length(&mut self) -> Result<u64, TypeError> {
        self.skip_space();
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() && self.peek() == Some(']') {
            return Ok(0);
        }
        digits.parse().map_err(|_| self.expected("a number of elements"))
    }

    /// `(*)(...)`: parameters are passed over, nothing calls through such a pointer.
    fn function_pointer(&mut self, ret: TypeId) -> Result<TypeId, TypeError> {
        self.expect('(', "`(`")?;
        self.expect('*', "`*`")?;
        self.skip_space();
        self.word();
        self.expect(')', "`)`")?;
        self.expect('(', "`(`")?;
        let mut depth = 1;
        while depth > 0 {
            match self.bump() {
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                Some(_) => {}
                None => return Err(self.expected("`)`")),
            }
        }
        let proto = FuncProto { ret, params: [].into(), variadic: true };
        let func = self.types.intern(super::Form::Plain, CType::Func(proto));
        Ok(self.types.pointer_to(func))
    }

    fn skip_qualifiers(&mut self) {
        loop {
            let start = self.skip_space();
            if !self.word().is_some_and(is_qualifier) {
                self.at = start;
                return;
            }
        }
    }

    fn expect(&mut self, wanted: char, name: &'static str) -> Result<(), TypeError> {
        if self.peek() != Some(wanted) {
            return Err(self.expected(name));
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    fn word(&mut self) -> Option<&'a str> {
        let starts = self.rest().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts.then(|| self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    fn skip_space(&mut self) -> usize {
        self.take_while(char::is_whitespace);
        self.at
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn expected(&self, expected: &'static str) -> TypeError {
        TypeError::TypeSyntax { text: self.text.to_owned(), offset: self.at, expected }
    }
}

fn is_qualifier(word: &str) -> bool {
    const WORDS: [&str; 11] = [
        "const",
        "volatile",
        "restrict",
        "__restrict",
        "__user",
        "__kernel",
        "__iomem",
        "__percpu",
        "__rcu",
        "__force",
        "__bitwise",
    ];
    WORDS.contains(&word)
}

impl Words {
    /// Takes the word if it belongs to a base type and fits what came before.
    fn add(&mut self, word: &str) -> bool {
        let base = |words: &mut Self, name| {
            let free = words.base.is_none();
            words.base = words.base.or(Some(name));
            free
        };
        let fits = match word {
            "unsigned" => !std::mem::replace(&mut self.unsigned, true) && !self.signed,
            "signed" => !std::mem::replace(&mut self.signed, true) && !self.unsigned,
            "short" => !std::mem::replace(&mut self.short, true) && self.longs == 0,
            "long" => {
                self.longs += 1;
                self.longs <= 2 && !self.short
            }
            "int" => base(self, "int"),
            "char" => base(self, "char"),
            "float" => base(self, "float"),
            "double" => base(self, "double"),
            "__int128" => base(self, "__int128"),
            "_Bool" => base(self, "_Bool"),
            _ => return false,
        };
        self.any = true;
        fits
    }

    fn build(&self, types: &Types) -> Option<TypeId> {
        let signed = !self.unsigned;
        let prefix = if self.unsigned { "unsigned " } else { "" };
        let int = |name: &str, size| Some(types.base_int(&format!("{prefix}{name}"), size, signed));
        match (self.base, self.short, self.longs) {
            (Some("char"), ..) if !self.unsigned && !self.signed => Some(types.char()),
            (Some("char"), ..) if self.signed => Some(types.base_int("signed char", 1, true)),
            (Some("char"), ..) => int("char", 1),
            (Some("_Bool"), ..) => Some(types.bool()),
            (Some("__int128"), ..) => int("__int128", 16),
            (Some("float"), ..) => Some(types.float("float", 4)),
            (Some("double"), _, 0) => Some(types.float("double", 8)),
            (Some("double"), ..) => X87.then(|| types.float("long double", 16)),
            (_, true, _) => int("short", 2),
            (_, _, 1) => int("long", 8),
            (_, _, 2..) => int("long long", 8),
            (Some(_), ..) => int("int", 4),
            (None, ..) => self.any.then(|| types.base_int(&format!("{prefix}int"), 4, signed)),
        }
    }
}
