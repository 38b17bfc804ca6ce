//! BTF made by hand, for this crate's own tests.

use crate::btf::{Btf, BtfKind};

pub(crate) struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    string_base: u32,
}

impl Builder {
    pub fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], string_base: 0 }
    }

    pub fn split(base: &Btf) -> Self {
        Self { types: Vec::new(), strings: Vec::new(), string_base: base.end_string() }
    }

    pub fn string(&mut self, text: &str) -> u32 {
        let at = self.strings.len() as u32 + self.string_base;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }

    /// `vlen` may carry the kind flag in bit 31.
    pub fn record(&mut self, name: u32, kind: BtfKind, vlen: u32, value: u32, extra: &[u32]) {
        let info = (kind as u32) << 24 | vlen;
        for word in [name, info, value].iter().chain(extra) {
            self.types.extend(word.to_le_bytes());
        }
    }

    pub fn named(&mut self, name: &str, kind: BtfKind, vlen: u32, value: u32, extra: &[u32]) {
        let name = self.string(name);
        self.record(name, kind, vlen, value, extra);
    }

    pub fn build(&self) -> Vec<u8> {
        let lens = [self.types.len() as u32, self.strings.len() as u32];
        let mut data = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, lens[0], lens[0], lens[1]] {
            data.extend(word.to_le_bytes());
        }
        data.extend(&self.types);
        data.extend(&self.strings);
        data
    }
}

const FLAG: u32 = 1 << 31;

/// Every kind once at least; ids are as the comments say.
pub(crate) fn one_of_each() -> Vec<u8> {
    let mut b = Builder::new();
    let [x, y, inner] = ["x", "y", "inner"].map(|name| b.string(name));
    b.named("int", BtfKind::Int, 0, 4, &[1 << 24 | 32]); // 1
    b.record(0, BtfKind::Ptr, 0, 4, &[]); // 2: struct point *
    b.record(0, BtfKind::Array, 0, 0, &[1, 1, 7]); // 3: int[7]
    b.named("point", BtfKind::Struct, 3, 48, &[x, 1, 0, y, 2, 64, 0, 5, 128]); // 4
    b.record(0, BtfKind::Union, 2, 32, &[inner, 3, 0, 0, 6, 0]); // 5
    b.record(0, BtfKind::Struct, FLAG | 2, 4, &[x, 1, 3 << 24, inner, 1, 5 << 24 | 3]); // 6
    let [red, huge] = ["RED", "HUGE"].map(|name| b.string(name));
    b.named("color", BtfKind::Enum, FLAG | 1, 4, &[red, u32::MAX]); // 7
    b.named("size", BtfKind::Enum64, 1, 8, &[huge, 2, 1]); // 8
    b.named("opaque", BtfKind::Fwd, 0, 0, &[]); // 9
    b.named("point", BtfKind::Fwd, 0, 0, &[]); // 10: known under 4
    b.named("number", BtfKind::Typedef, 0, 1, &[]); // 11
    b.record(0, BtfKind::Const, 0, 11, &[]); // 12
    b.record(0, BtfKind::Volatile, 0, 12, &[]); // 13
    b.record(0, BtfKind::Restrict, 0, 2, &[]); // 14
    b.named("user", BtfKind::TypeTag, 0, 12, &[]); // 15
    b.record(0, BtfKind::Ptr, 0, 15, &[]); // 16
    b.record(0, BtfKind::FuncProto, 3, 1, &[0, 18, x, 2, 0, 0]); // 17: int (void *, point *x, ...)
    b.record(0, BtfKind::Ptr, 0, 0, &[]); // 18
    b.named("act", BtfKind::Func, 0, 17, &[]); // 19
    b.record(0, BtfKind::Ptr, 0, 17, &[]); // 20
    b.named("btf_trace_event", BtfKind::Typedef, 0, 20, &[]); // 21
    b.named("counter", BtfKind::Var, 0, 1, &[1]); // 22
    b.named(".data", BtfKind::Datasec, 1, 4, &[22, 0, 4]); // 23
    b.named("double", BtfKind::Float, 0, 8, &[]); // 24
    b.named("tag", BtfKind::DeclTag, 0, 4, &[u32::MAX]); // 25
    b.named("char", BtfKind::Int, 0, 1, &[8]); // 26
    b.named("nibble", BtfKind::Int, 0, 4, &[4 << 16 | 3]); // 27: an old bitfield, 3 bits at 4
    b.named("old", BtfKind::Struct, 1, 4, &[x, 27, 8]); // 28
    b.record(0, BtfKind::Ptr, 0, 10, &[]); // 29: point * through the forward declaration
    b.build()
}
