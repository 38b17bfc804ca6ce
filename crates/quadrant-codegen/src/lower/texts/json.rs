//! `json(text, "a.b[2].c")`: finding an element of a JSON text.
//!
//! One loop with a state. A round looks at one byte of the text, or moves on in the path. Of values that are not wanted only their end
//! is found. The element is a part of the text: without its quotes if it is a string, otherwise as it is written.

use quadrant_program::expr::Expr;

use super::Text;
use crate::lower::cells::Cell;
use crate::lower::error::Result;
use crate::lower::memory::Mem;
use crate::lower::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Value;

/// Where in the text the search is.
#[derive(Clone, Copy)]
enum State {
    /// Before the value that the path so far leads to.
    Value,
    /// In an object of the path, before a name or the end.
    Object,
    /// In a name.
    Name,
    /// In a name, behind a backslash.
    NameEscape,
    /// Before the colon.
    Colon,
    /// In the path, in the number of an element.
    Number,
    /// Before an element of an array of the path.
    Array,
    /// In a value that is not wanted.
    Skip,
    /// In a string of such a value.
    SkipString,
    /// The same, behind a backslash.
    SkipEscape,
    /// In the string that is wanted.
    String,
    /// The same, behind a backslash.
    StringEscape,
    /// In the object or array that is wanted.
    Nested,
    /// In a string in it.
    NestedString,
    /// The same, behind a backslash.
    NestedEscape,
    /// In the number or word that is wanted.
    Word,
}

/// A search.
#[derive(Clone, Copy)]
struct Search {
    text: Text,
    path: Text,
    state: Cell,
    /// Next byte of the text.
    at: Cell,
    /// Next byte of the path.
    step: Cell,
    /// While a name is compared: next byte of the path, or -1 when they differ.
    name: Cell,
    /// The element of an array that is wanted.
    wanted: Cell,
    /// Elements that were passed; -1 in an object.
    passed: Cell,
    /// Objects and arrays around, within a value.
    depth: Cell,
    /// The element: its start, or -1.
    start: Cell,
    /// Its end.
    end: Cell,
}

impl Lower<'_, '_> {
    /// Stores the element that a path leads to; empty when there is none.
    pub fn store_json(&mut self, text: &Expr, path: &Expr, cap: u32, to: Mem) -> Result<()> {
        let (text, path) = (self.loaded_text(text)?, self.loaded_text(path)?);
        let [state, at, step, name, wanted, depth] = [(); 6].map(|()| self.cell(0));
        let [passed, start, end] = [(); 3].map(|()| self.cell(-1));
        let search = Search { text, path, state, at, step, name, wanted, passed, depth, start, end };
        let (len, path_len) = (self.cell_get(text.len), self.cell_get(path.len));
        // A round reads a byte of the text or of the path, or sees whether the next element of an array is the wanted one.
        let rounds = self.f.b.add(len, path_len);
        let rounds = self.f.b.shl(rounds, 1);
        let rounds = self.f.b.add(rounds, 2);
        self.repeat(rounds, |lower, _, stop| {
            lower.json_step(search, stop);
            Ok(())
        })?;
        let (start, end) = (self.cell_get(start), self.cell_get(end));
        let len = self.cell_get(text.len);
        let from = self.f.b.select(Cond::Slt, start, 0, len, start);
        // A number may end with the text.
        let until = self.f.b.select(Cond::Slt, end, 0, len, end);
        let from = self.forgotten(from);
        let size = self.f.b.sub(until, from);
        self.store_part(text.bytes, from, size, cap, to)
    }

    fn json_step(&mut self, search: Search, stop: Block) {
        let state = self.cell_get(search.state);
        self.in_state(state, State::Number, |lower| lower.json_number(search, stop));
        let (at, len) = (self.cell_get(search.at), self.cell_get(search.text.len));
        self.f.b.branch_away(Cond::Sge, at, len, stop);
        let byte = self.byte(search.text.bytes, at);
        self.in_state(state, State::Array, |lower| lower.json_array(search, byte, stop));
        self.cell_add(search.at, 1);
        self.in_state(state, State::Value, |lower| lower.json_value(search, at, byte, stop));
        self.in_state(state, State::Object, |lower| lower.json_object(search, byte, stop));
        self.in_state(state, State::Name, |lower| lower.json_name(search, byte));
        self.in_state(state, State::NameEscape, |lower| lower.json_name_byte(search, byte));
        self.in_state(state, State::Colon, |lower| lower.json_colon(search, byte));
        self.in_state(state, State::Skip, |lower| lower.json_skip(search, byte, stop));
        self.json_strings(search, state, byte);
        self.in_state(state, State::String, |lower| {
            lower.json_escape(search, byte, State::StringEscape);
            lower.when(Cond::Eq, byte, quote(), |lower| {
                lower.cell_set(search.end, at);
                lower.f.b.jump(stop, &[]);
            });
        });
        self.in_state(state, State::Nested, |lower| lower.json_nested(search, at, byte, stop));
        self.json_word(search, at, byte, stop);
    }

    /// Code for one state; it ends the round.
    fn in_state(&mut self, state: Value, which: State, body: impl FnOnce(&mut Self)) {
        self.when(Cond::Eq, state, which as i64, |lower| {
            body(lower);
            if !lower.f.b.is_terminated() {
                lower.f.b.ret(0);
            }
        });
    }

    fn go(&mut self, search: Search, state: State) {
        self.cell_set(search.state, state as i64);
        self.f.b.ret(0);
    }

    fn go_at(&mut self, search: Search, byte: Value, at: u8, state: State) {
        self.when(Cond::Eq, byte, i64::from(at), |lower| lower.go(search, state));
    }

    fn stop_at(&mut self, byte: Value, at: u8, stop: Block) {
        self.when(Cond::Eq, byte, i64::from(at), |lower| lower.f.b.jump(stop, &[]));
    }

    /// Blanks between values.
    fn pass_blanks(&mut self, byte: Value) {
        self.when(Cond::Ule, byte, i64::from(b' '), |lower| lower.f.b.ret(0));
    }

    fn path_byte(&mut self, search: Search) -> Value {
        let step = self.cell_get(search.step);
        self.byte(search.path.bytes, step)
    }

    /// The value is the wanted one, or one that the path leads into.
    fn json_value(&mut self, search: Search, at: Value, byte: Value, stop: Block) {
        self.pass_blanks(byte);
        let (step, len) = (self.cell_get(search.step), self.cell_get(search.path.len));
        let [wanted, into] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Sge, step, len, wanted, &[], into, &[]);
        self.f.b.switch_to(wanted);
        self.json_wanted(search, at, byte);
        self.f.b.switch_to(into);
        let next = self.path_byte(search);
        let [number, name] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Eq, next, i64::from(b'['), number, &[], name, &[]);
        self.f.b.switch_to(number);
        self.f.b.branch_away(Cond::Ne, byte, i64::from(b'['), stop);
        self.cell_add(search.step, 1);
        self.cell_set(search.wanted, 0);
        self.cell_set(search.passed, 0);
        self.go(search, State::Number);
        self.f.b.switch_to(name);
        self.f.b.branch_away(Cond::Ne, byte, i64::from(b'{'), stop);
        self.cell_set(search.passed, -1);
        self.go(search, State::Object);
    }

    fn json_wanted(&mut self, search: Search, at: Value, byte: Value) {
        self.when(Cond::Eq, byte, quote(), |lower| {
            let start = lower.f.b.add(at, 1);
            lower.cell_set(search.start, start);
            lower.go(search, State::String);
        });
        self.cell_set(search.start, at);
        for open in [b'{', b'['] {
            self.when(Cond::Eq, byte, i64::from(open), |lower| {
                lower.cell_set(search.depth, 1);
                lower.go(search, State::Nested);
            });
        }
        self.go(search, State::Word);
    }

    fn json_object(&mut self, search: Search, byte: Value, stop: Block) {
        self.stop_at(byte, b'}', stop);
        self.when(Cond::Eq, byte, quote(), |lower| {
            let step = lower.cell_get(search.step);
            lower.cell_set(search.name, step);
            lower.go(search, State::Name);
        });
    }

    fn json_name(&mut self, search: Search, byte: Value) {
        self.json_escape(search, byte, State::NameEscape);
        self.when(Cond::Eq, byte, quote(), |lower| lower.go(search, State::Colon));
        self.json_name_byte(search, byte);
    }

    /// A byte of a name, compared with the path.
    fn json_name_byte(&mut self, search: Search, byte: Value) {
        let name = self.cell_get(search.name);
        self.when(Cond::Sge, name, 0, |lower| {
            let here = lower.byte(search.path.bytes, name);
            let next = lower.f.b.add(name, 1);
            lower.cell_set(search.name, next);
            lower.when(Cond::Ne, here, byte, |lower| lower.cell_set(search.name, -1));
        });
        self.go(search, State::Name);
    }

    /// Behind a name: it is the wanted one when the path's part ended with it, too.
    fn json_colon(&mut self, search: Search, byte: Value) {
        self.when(Cond::Ne, byte, i64::from(b':'), |lower| lower.f.b.ret(0));
        self.cell_set(search.depth, 0);
        self.cell_set(search.state, State::Skip as i64);
        let name = self.cell_get(search.name);
        self.when(Cond::Sge, name, 0, |lower| {
            let end = lower.byte(search.path.bytes, name);
            for (byte, skip) in [(0, 0), (b'.', 1), (b'[', 0)] {
                lower.when(Cond::Eq, end, i64::from(byte), |lower| {
                    let step = lower.f.b.add(name, skip);
                    lower.cell_set(search.step, step);
                    lower.go(search, State::Value);
                });
            }
        });
    }

    /// A digit of the wanted element's number, in the path.
    fn json_number(&mut self, search: Search, stop: Block) {
        let byte = self.path_byte(search);
        self.cell_add(search.step, 1);
        self.when(Cond::Eq, byte, i64::from(b']'), |lower| {
            let next = lower.path_byte(search);
            lower.when(Cond::Eq, next, i64::from(b'.'), |lower| lower.cell_add(search.step, 1));
            lower.go(search, State::Array);
        });
        let digit = self.f.b.sub(byte, i64::from(b'0'));
        self.f.b.branch_away(Cond::Ugt, digit, 9, stop);
        let wanted = self.cell_get(search.wanted);
        let wanted = self.f.b.mul(wanted, 10);
        let wanted = self.f.b.add(wanted, digit);
        self.cell_set(search.wanted, wanted);
    }

    fn json_array(&mut self, search: Search, byte: Value, stop: Block) {
        let (wanted, passed) = (self.cell_get(search.wanted), self.cell_get(search.passed));
        // The end of an array without elements.
        self.stop_at(byte, b']', stop);
        self.when(Cond::Ule, byte, i64::from(b' '), |lower| {
            lower.cell_add(search.at, 1);
            lower.f.b.ret(0);
        });
        self.when(Cond::Eq, wanted, passed, |lower| lower.go(search, State::Value));
        self.cell_set(search.depth, 0);
        self.go(search, State::Skip);
    }

    fn json_skip(&mut self, search: Search, byte: Value, stop: Block) {
        self.go_at(search, byte, quote() as u8, State::SkipString);
        for open in [b'{', b'['] {
            self.when(Cond::Eq, byte, i64::from(open), |lower| {
                lower.cell_add(search.depth, 1);
                lower.f.b.ret(0);
            });
        }
        let depth = self.cell_get(search.depth);
        for close in [b'}', b']'] {
            self.when(Cond::Eq, byte, i64::from(close), |lower| {
                // The end of the object or array that the path led into.
                lower.f.b.branch_away(Cond::Eq, depth, 0, stop);
                lower.cell_add(search.depth, -1);
                lower.f.b.ret(0);
            });
        }
        self.when(Cond::Eq, depth, 0, |lower| {
            lower.when(Cond::Eq, byte, i64::from(b','), |lower| {
                let passed = lower.cell_get(search.passed);
                lower.when(Cond::Slt, passed, 0, |lower| lower.go(search, State::Object));
                lower.cell_add(search.passed, 1);
                lower.go(search, State::Array);
            });
        });
    }

    /// Strings whose content does not matter, and what is behind a backslash.
    fn json_strings(&mut self, search: Search, state: Value, byte: Value) {
        let strings = [
            (State::SkipString, State::SkipEscape, State::Skip),
            (State::NestedString, State::NestedEscape, State::Nested),
        ];
        for (string, escape, around) in strings {
            self.in_state(state, string, |lower| {
                lower.json_escape(search, byte, escape);
                lower.go_at(search, byte, quote() as u8, around);
            });
            self.in_state(state, escape, |lower| lower.go(search, string));
        }
        self.in_state(state, State::StringEscape, |lower| lower.go(search, State::String));
    }

    fn json_escape(&mut self, search: Search, byte: Value, escape: State) {
        self.go_at(search, byte, b'\\', escape);
    }

    fn json_nested(&mut self, search: Search, at: Value, byte: Value, stop: Block) {
        self.go_at(search, byte, quote() as u8, State::NestedString);
        for open in [b'{', b'['] {
            self.when(Cond::Eq, byte, i64::from(open), |lower| {
                lower.cell_add(search.depth, 1);
                lower.f.b.ret(0);
            });
        }
        for close in [b'}', b']'] {
            self.when(Cond::Eq, byte, i64::from(close), |lower| {
                lower.cell_add(search.depth, -1);
                let depth = lower.cell_get(search.depth);
                lower.when(Cond::Eq, depth, 0, |lower| {
                    let end = lower.f.b.add(at, 1);
                    lower.cell_set(search.end, end);
                    lower.f.b.jump(stop, &[]);
                });
                lower.f.b.ret(0);
            });
        }
    }

    fn json_word(&mut self, search: Search, at: Value, byte: Value, stop: Block) {
        let ends = self.f.b.create_block();
        self.f.b.branch_away(Cond::Ule, byte, i64::from(b' '), ends);
        for end in [b',', b'}', b']'] {
            self.f.b.branch_away(Cond::Eq, byte, i64::from(end), ends);
        }
        self.f.b.ret(0);
        self.f.b.switch_to(ends);
        self.cell_set(search.end, at);
        self.f.b.jump(stop, &[]);
    }
}

fn quote() -> i64 {
    i64::from(b'"')
}
