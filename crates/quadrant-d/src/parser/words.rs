//! Words with a fixed meaning.

/// Words that can be no name: C's keywords and D's.
pub(super) fn is_reserved(word: &str) -> bool {
    is_type_word(word)
        || is_tag_or_qualifier(word)
        || matches!(
            word,
            "auto"
                | "break"
                | "case"
                | "continue"
                | "counter"
                | "default"
                | "do"
                | "else"
                | "extern"
                | "for"
                | "goto"
                | "if"
                | "import"
                | "inline"
                | "offsetof"
                | "probe"
                | "provider"
                | "register"
                | "self"
                | "sizeof"
                | "static"
                | "stringof"
                | "switch"
                | "this"
                | "translator"
                | "typedef"
                | "while"
                | "xlate"
        )
}

/// Whether a word that can be no name is D's alone, so that C's headers may use it.
pub(super) fn is_ds_own(word: &str) -> bool {
    matches!(
        word,
        "counter"
            | "import"
            | "offsetof"
            | "probe"
            | "provider"
            | "self"
            | "string"
            | "stringof"
            | "this"
            | "translator"
            | "xlate"
    )
}

/// Words that start a declaration at the top of a script, where everything else is a probe specifier.
pub(super) fn starts_declaration(word: &str) -> bool {
    is_type_word(word)
        || is_tag_or_qualifier(word)
        || crate::ast::Storage::from_word(word).is_some()
        || matches!(
            word,
            "self" | "this" | "inline" | "translator" | "provider" | "__attribute__" | "_Alignas" | "_Static_assert"
        )
}

/// Words that make up C's arithmetic types, and `string`.
pub(super) fn is_type_word(word: &str) -> bool {
    matches!(word, "void" | "char" | "short" | "int" | "long" | "signed" | "unsigned" | "float" | "double" | "string")
}

/// DTrace's tag and message about a type that is no integer and has a sign.
pub(crate) const INTEGERS_ONLY: (&str, &str) =
    ("D_DECL_SIGNINT", "invalid type declaration: signed and unsigned may only be used with integer type");

pub(crate) const NUMBERS_ONLY: (&str, &str) = (
    "D_DECL_LONGINT",
    "invalid type declaration: long and long long may only be used with integer or floating-point type",
);

/// Whether all words of a type only say what kind of integer it is.
pub(super) fn only_change(words: &str) -> bool {
    words.split(' ').all(|word| matches!(word, "signed" | "unsigned" | "short" | "long"))
}

/// Words that say how a type is accessed.
pub(super) fn is_qualifier(word: &str) -> bool {
    matches!(word, "const" | "volatile" | "restrict")
}

/// Whether a name that the script does not define can only be a type: D's own, and those named after POSIX' custom.
pub(super) fn names_a_type(word: &str) -> bool {
    let plain = word.rsplit('`').next().unwrap_or(word);
    plain.ends_with("_t") && plain.len() > 2 || matches!(plain, "_Bool" | "bool")
}

fn is_tag_or_qualifier(word: &str) -> bool {
    is_qualifier(word) || crate::ast::Tag::from_word(word).is_some()
}
