//! Types that the script defines in C.

use quadrant_program::span::Span;

use super::Lower;
use crate::ast::{Ident, Tag};

impl Lower<'_> {
    pub(super) fn define_tagged(&mut self, tag: Tag, name: Option<&Ident>, body: Option<Span>, span: Span) {
        let _ = (tag, name, body);
        self.unsupported::<()>(span, "a type defined in the script", "use the kernel's types");
    }

    pub(super) fn define_typedef(&mut self, span: Span) {
        self.unsupported::<()>(span, "a `typedef`", "use the type itself");
    }
}
