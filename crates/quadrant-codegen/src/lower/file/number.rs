//! Numbers, by the kernel's formats: as wide as the tracer would show them.

use quadrant_program::expr::Expr;
use quadrant_program::format::Conversion;
use quadrant_program::ty::Type;

use super::Line;
use super::fixed;
use super::not_written;
use crate::lower::error::Result;
use crate::lower::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// `%d` and its like.
    pub(super) fn add_number(&mut self, line: &mut Line, conversion: &Conversion, arg: &Expr) -> Result<()> {
        let known = matches!(conversion.kind.as_str(), "d" | "i" | "u" | "x" | "X" | "p");
        let wide_address = conversion.kind == "p" && conversion.width.is_some();
        if !known || wide_address || has_more(conversion) {
            return Err(not_written(arg.span, format_args!("`{}`", spelled(conversion))));
        }
        if conversion.kind == "X" && !self.g.target.for_each_map_elem {
            return Err(not_written(arg.span, "`%X`, which this kernel's formats lack (it came with Linux 5.13),"));
        }
        let value = self.scalar(arg)?;
        let value = self.narrowed(value, &arg.ty, conversion);
        self.add_value(line, &kernels(conversion), value);
        Ok(())
    }

    /// `%s` of a number, and print() of one.
    pub(super) fn add_shown(&mut self, line: &mut Line, conversion: &Conversion, arg: &Expr, ty: &Type) -> Result<()> {
        let kind = match ty {
            Type::Int { signed: true, .. } => "d",
            Type::Int { signed: false, .. } => "u",
            Type::Pointer { .. } => "p",
            _ => return Err(not_written(arg.span, "a value that is neither number nor text")),
        };
        let Conversion { left, width, .. } = conversion.clone();
        // Whole, as it is.
        let conversion =
            Conversion { left, width, kind: kind.to_owned(), length: "ll".to_owned(), ..Conversion::default() };
        self.add_number(line, &conversion, arg)
    }

    /// What C's type for the length modifier would hold; without one, 64-bit numbers stay whole.
    fn narrowed(&mut self, value: Value, ty: &Type, conversion: &Conversion) -> Value {
        let signed = matches!(conversion.kind.as_str(), "d" | "i");
        let (b, bytes) = (&mut self.f.b, ty.c_size().unwrap_or(8));
        match (conversion.length.as_str(), signed, ty.is_signed()) {
            ("hh", ..) => b.ext(value, Size::B1, signed),
            ("h", ..) => b.ext(value, Size::B2, signed),
            ("", true, false) if bytes == 4 => b.ext(value, Size::B4, true),
            ("", true, false) if bytes > 4 => {
                let short = b.ext(value, Size::B4, true);
                b.select(Cond::Ugt, value, i64::from(u32::MAX), value, short)
            }
            ("", false, true) if bytes <= 4 => b.ext(value, Size::B4, false),
            ("", false, true) => {
                let (short, bits) = (b.ext(value, Size::B4, true), b.ext(value, Size::B4, false));
                b.select(Cond::Eq, value, short, bits, value)
            }
            _ => value,
        }
    }
}

/// What the kernel's formats do not have.
fn has_more(c: &Conversion) -> bool {
    c.precision.is_some() || c.alternate || c.group
}

/// The conversion in the kernel's format.
fn kernels(c: &Conversion) -> String {
    match c.kind.as_str() {
        "p" => "0x%llx".to_owned(),
        "i" => format!("%{}lld", flags_and_width(c)),
        kind => format!("%{}ll{kind}", flags_and_width(c)),
    }
}

fn flags_and_width(c: &Conversion) -> String {
    let flags = [(c.left, '-'), (c.plus, '+'), (c.space, ' '), (c.zero, '0')];
    let mut text: String = flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect();
    text.extend(fixed(c.width).filter(|width| *width > 0).map(|width| width.to_string()));
    text
}

/// As the script has it, about.
fn spelled(c: &Conversion) -> String {
    let more = [(c.alternate, "#"), (c.group, "'")];
    let more: String = more.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect();
    let precision = fixed(c.precision).map_or_else(String::new, |precision| format!(".{precision}"));
    format!("%{more}{}{precision}{}", flags_and_width(c), c.kind)
}
