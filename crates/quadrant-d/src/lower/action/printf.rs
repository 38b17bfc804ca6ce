//! Formats and their arguments: printf(), printa(), system(), freopen().

use quadrant_program::action::ActionKind;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::format::{Conversion, Count, Format, Piece};
use quadrant_program::map::MapId;
use quadrant_program::span::Span;
use quadrant_program::ty::{SymbolPart, Type};
use quadrant_types::CType;

use super::super::Lower;
use super::super::aggregate;
use super::super::call::{self, Call, symbol};
use super::super::expr::nothing;
use super::super::value::{Ty, Value};
use crate::ast::{self, Ident};
use crate::format::{self, Takes};
use crate::message::counted;

/// A use of aggregations that can be checked only when all of the script was seen.
#[derive(Debug)]
pub(in super::super) struct Pending {
    names: Vec<String>,
    format: Option<Format>,
    span: Span,
}

/// A part of an aggregation's key: its number from 0, its stored type, and that of the language.
type KeyPart<'a> = (usize, (&'a Type, &'a Ty));

impl Lower<'_> {
    pub(super) fn printf(&mut self, call: &Call) -> Option<()> {
        let (format, args) = self.formatted(call)?;
        self.check_recording(call.span);
        let (format, args) = said(format, args, call.args.get(1..).unwrap_or_default());
        self.act(ActionKind::Printf(format), args);
        Some(())
    }

    pub(super) fn system(&mut self, call: &Call) -> Option<()> {
        let (format, args) = self.formatted(call)?;
        self.destructive(call.name, call.span)?;
        self.act(ActionKind::System(format), args);
        Some(())
    }

    pub(super) fn freopen(&mut self, call: &Call) -> Option<()> {
        let (format, args) = self.formatted(call)?;
        self.destructive(call.name, call.span)?;
        self.act(ActionKind::Freopen(format), args);
        Some(())
    }

    /// A format and its arguments.
    fn formatted(&mut self, call: &Call) -> Option<(Format, Vec<Expr>)> {
        let Some((first, rest)) = call.args.split_first() else {
            return self.count_args(call, 1, usize::MAX).and(None);
        };
        let format = self.format_of(call, first)?;
        let mut args = Vec::new();
        let mut rest = rest.iter();
        let mut number = 1;
        for (at, conversion) in format.conversions().enumerate() {
            if conversion.kind.starts_with('@') {
                let name = call.name;
                let message = format!("%@ conversion requires an aggregation and is not for use with {name}( )");
                return self.fail(first.span, "D_PRINTF_AGG_CONV", message);
            }
            for star in stars(conversion) {
                number += 1;
                args.push(self.dynamic_count(call, rest.next(), (conversion, star), (number, at + 1))?);
            }
            number += 1;
            let Some(arg) = rest.next() else {
                let (name, kind) = (call.name, spelled(conversion));
                return self.fail(
                    call.span,
                    "D_PRINTF_ARG_PROTO",
                    format!("{name}( ) prototype mismatch: conversion #{} ({kind}) is missing a corresponding value argument", at + 1),
                );
            };
            args.push(self.converted(call, arg, conversion, (number, at + 1))?);
        }
        if rest.next().is_some() {
            let (name, wanted) = (call.name, number - 1);
            let message =
                format!("{name}( ) prototype mismatch: only {wanted} arguments required by this format string");
            return self.fail(call.span, "D_PRINTF_ARG_EXTRA", message);
        }
        Some((format, args))
    }

    fn format_of(&mut self, call: &Call, arg: &ast::Expr) -> Option<Format> {
        let value = self.expr(arg)?;
        if !self.is_textual(&value.ty) && call.name == "printf" {
            return self.bad_arg(call, 1, "string", &value);
        }
        let ast::ExprKind::Str(text) = &arg.kind else {
            let got = self.type_name(&value.ty);
            return self.fail(
                arg.span,
                "D_PRINTF_ARG_FMT",
                format!("{}( ) argument #1 is incompatible with prototype:\n\tprototype: string constant\n\t argument: {got}", call.name),
            );
        };
        match format::parse(text) {
            Ok(format) => Some(format),
            Err(error) if is_looked_up(text, error.at) => {
                let help =
                    "names of hosts and ports are not looked up: an address is a text, `%s`, a port a number, `%d`";
                self.fail_help(arg.span, "D_SYNTAX", error.message, help)
            }
            Err(error) => self.fail(arg.span, "D_SYNTAX", error.message),
        }
    }

    /// A width or precision that is an argument.
    fn dynamic_count(
        &mut self,
        call: &Call,
        arg: Option<&ast::Expr>,
        (conversion, star): (&Conversion, &str),
        numbers: (usize, usize),
    ) -> Option<Expr> {
        let Some(arg) = arg else { return self.missing_count(call.span, call.name, (conversion, numbers.1), star) };
        let value = self.expr(arg)?;
        if self.int_of(&value.ty).is_none() {
            let got = self.type_name(&value.ty);
            return self.bad_count(
                arg.span,
                &format!("{}( ) argument #{}", call.name, numbers.0),
                (conversion, star),
                (numbers.1, &got),
            );
        }
        Some(value.expr)
    }

    /// There is no argument for a `*`.
    fn missing_count<T>(
        &mut self,
        span: Span,
        name: &str,
        (conversion, number): (&Conversion, usize),
        star: &str,
    ) -> Option<T> {
        let what = format!("({}) is missing a corresponding \"{star}\" argument", spelled(conversion));
        let message = format!("{name}( ) prototype mismatch: conversion #{number} {what}");
        self.fail(span, "D_PRINTF_DYN_PROTO", message)
    }

    /// Something cannot be a `*`: what it is, the conversion with its number, and the type.
    fn bad_count<T>(
        &mut self,
        span: Span,
        what: &str,
        (conversion, star): (&Conversion, &str),
        (number, got): (usize, &str),
    ) -> Option<T> {
        let shown = format!("% {star} {}", conversion.kind.trim_start_matches('@'));
        self.fail(span, "D_PRINTF_DYN_TYPE", incompatible(what, number, &shown, ["int", got]))
    }

    /// An argument for a conversion. Numbers: of the argument, and of the conversion.
    fn converted(
        &mut self,
        call: &Call,
        arg: &ast::Expr,
        conversion: &Conversion,
        numbers: (usize, usize),
    ) -> Option<Expr> {
        if let Some(got @ call::AGGREGATING) = call::valueless(arg) {
            let what = format!("{}( ) argument #{}", call.name, numbers.0);
            return self.bad_conversion(arg.span, &what, conversion, (numbers.1, got));
        }
        let value = self.printed(arg)?;
        let got = self.type_name(&value.ty);
        let value = self.decayed(value);
        match self.fitting(value.clone(), conversion) {
            Some(expr) => self.check_no_symbol(arg, &value).map(|()| expr),
            None => {
                let what = format!("{}( ) argument #{}", call.name, numbers.0);
                self.bad_conversion(arg.span, &what, conversion, (numbers.1, &got))
            }
        }
    }

    /// A value that is shown; calls without one are told by the type that they have.
    pub(super) fn printed(&mut self, arg: &ast::Expr) -> Option<Value> {
        match call::valueless(arg) {
            Some("void") => Some(nothing(ExprKind::Int(0), arg.span)),
            _ => self.recorded(arg),
        }
    }

    fn fitting(&mut self, value: Value, conversion: &Conversion) -> Option<Expr> {
        let int = self.int_of(&value.ty);
        let number = int.is_some();
        let pointer = self.pointee(&value.ty).is_some();
        match format::takes(&conversion.kind) {
            Takes::Integer => {
                let int = int?;
                let is_time = format::prototype(conversion) != format::TIME || int.bytes == 8;
                let fits = format::bytes(conversion).is_none_or(|bytes| bytes == int.bytes);
                (fits && is_time).then_some(value.expr)
            }
            // A pointer may just as well point to one character: `stringof` says that it is text.
            Takes::Text if pointer => None,
            Takes::Text if conversion.is_wide() => self.wide_text(value),
            Takes::Text => self.to_text(value).map(|text| self.present(text.expr)),
            Takes::Address => match value.ty {
                Ty::Special(Type::Symbol { .. }) => Some(value.expr),
                _ if !number && !pointer => None,
                _ if conversion.kind == "A" => Some(symbol(self.address(value), true, SymbolPart::Address).expr),
                _ => Some(value.expr),
            },
            Takes::Stack => matches!(value.ty, Ty::Special(Type::Stack(_))).then_some(value.expr),
            // D has no floating point.
            Takes::Float => None,
        }
    }

    /// An array of characters of four bytes.
    fn wide_text(&mut self, value: Value) -> Option<Expr> {
        let Ty::C(id) = value.ty else { return None };
        let CType::Array { elem, .. } = self.types.kind(self.types.resolve(id)) else { return None };
        self.int_of(&Ty::C(elem)).filter(|int| int.bytes == 4)?;
        Some(self.in_full(id, value))
    }

    /// `printa([format,] @a, ...)`
    pub(super) fn printa(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, usize::MAX)?;
        let mut args = call.args;
        let mut format = None;
        if let Some(first) = args.first().filter(|first| matches!(first.kind, ast::ExprKind::Str(_))) {
            format = Some(self.format_of(call, first)?);
            args = &args[1..];
            if matches!(&first.kind, ast::ExprKind::Str(text) if text.is_empty()) && !args.is_empty() {
                return self.fail(first.span, "D_PRINTF_FMT_EMPTY", "printa( ) format string is empty");
            }
        }
        if args.is_empty() {
            let passed = call.args.len();
            return self.fail(
                call.span,
                "D_PRINTA_PROTO",
                format!("printa( ) prototype mismatch: {passed} args passed, 2 expected"),
            );
        }
        let mut maps: Vec<MapId> = Vec::new();
        let mut names = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let name = self.printed_aggregation(arg, at + 1 + usize::from(format.is_some()))?;
            maps.push(self.aggregation_named(name));
            names.push(name.name.clone());
        }
        self.check_recording(call.span);
        self.pending.push(Pending { names, format: format.clone(), span: call.span });
        self.act(ActionKind::Printa { format, maps }, Vec::new());
        Some(())
    }

    fn printed_aggregation<'e>(&mut self, arg: &'e ast::Expr, number: usize) -> Option<&'e Ident> {
        match &arg.kind {
            ast::ExprKind::Agg { name, keys } if keys.is_empty() => Some(name),
            ast::ExprKind::Agg { .. } => self.fail(
                arg.span,
                "D_PRINTA_AGGKEY",
                format!("printa( ) argument #{number} must be an aggregation without a key"),
            ),
            _ => {
                let value = self.expr(arg)?;
                let got = self.type_name(&value.ty);
                self.fail(
                    arg.span,
                    "D_PRINTA_AGGARG",
                    format!("printa( ) argument #{number} is incompatible with prototype:\n\tprototype: aggregation\n\t argument: {got}"),
                )
            }
        }
    }

    /// An action needs an aggregation that is fed somewhere.
    pub(super) fn uses_aggregation(&mut self, name: &str, span: Span) {
        self.pending.push(Pending { names: vec![name.to_owned()], format: None, span });
    }

    /// Checks what could not be checked before the whole script was seen.
    pub(in super::super) fn check_pending(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            self.check_use(&pending);
        }
    }

    fn check_use(&mut self, pending: &Pending) -> Option<()> {
        for name in &pending.names {
            let fed = self.aggregations.get(name).is_some_and(|known| known.function.is_some());
            if !fed {
                let message = format!("failed to resolve @{}: Unknown variable name", aggregate::told(name));
                return self.fail(pending.span, "D_IDENT_UNDEF", message);
            }
        }
        let first = self.key_of(pending.names.first()?);
        for name in &pending.names[1..] {
            if self.key_of(name) != first {
                let first = &pending.names[0];
                return self.different_keys(pending.span, first, name);
            }
        }
        self.check_printa_format(pending, &first)
    }

    /// Says in what the keys of two aggregations that are printed together differ.
    fn different_keys<T>(&mut self, span: Span, first: &str, other: &str) -> Option<T> {
        let keys = |name| self.aggregations.get(name).map(|known| known.keys.clone()).unwrap_or_default();
        let (a, b): (Vec<Ty>, Vec<Ty>) = (keys(first), keys(other));
        let named = a.iter().zip(&b).map(|(a, b)| (self.type_name(a), self.type_name(b)));
        let Some((at, (x, y))) = named.enumerate().find(|(_, (x, y))| a.len() == b.len() && x != y) else {
            let (first, other) = (aggregate::told(first), aggregate::told(other));
            let (first_keys, other_keys) = (counted(a.len(), "key"), counted(b.len(), "key"));
            let message = format!(
                "printa( ): @{first} and @{other} do not have matching key signatures: \
                 @{first} has {first_keys}, @{other} has {other_keys}"
            );
            return self.fail(span, "D_PRINTA_AGGKEY", message);
        };
        let (first, other, number) = (aggregate::told(first), aggregate::told(other), at + 1);
        let message = format!(
            "printa( ): @{other}[ ] key #{number} is incompatible with @{first}:\n\
             {first:>9} key #{number}: {x}\n{other:>9} key #{number}: {y}"
        );
        self.fail(span, "D_PRINTA_AGGPROTO", message)
    }

    /// The types of an aggregation's keys.
    fn key_of(&self, name: &str) -> Vec<Type> {
        let map = self.aggregations.get(name).and_then(|known| self.program.maps.get(known.map.0 as usize));
        match map.and_then(|map| map.key.clone()) {
            None => Vec::new(),
            Some(Type::Tuple(parts)) => parts.to_vec(),
            Some(key) => vec![key],
        }
    }

    fn check_printa_format(&mut self, pending: &Pending, keys: &[Type]) -> Option<()> {
        let format = pending.format.as_ref()?;
        let known = self.aggregations.get(pending.names.first()?)?.clone();
        let mut keys = keys.iter().zip(&known.keys).enumerate();
        for (at, conversion) in format.conversions().enumerate() {
            for star in stars(conversion) {
                self.check_printa_count(pending.span, (conversion, at + 1), star, keys.next())?;
            }
            match conversion.kind.starts_with('@') {
                true => self.check_printa_value(pending.span, (conversion, at + 1), known.function.as_deref())?,
                false => self.check_printa_key(pending.span, (conversion, at + 1), keys.next())?,
            }
        }
        Some(())
    }

    /// A width or precision that is a part of the key.
    fn check_printa_count(
        &mut self,
        span: Span,
        (conversion, at): (&Conversion, usize),
        star: &str,
        key: Option<KeyPart<'_>>,
    ) -> Option<()> {
        let Some((number, (key, ty))) = key else {
            return self.missing_count(span, "printa", (conversion, at), star);
        };
        if key.is_integer() {
            return Some(());
        }
        let got = self.type_name(ty);
        self.bad_count(span, &format!("printa( ) argument #{}", number + 2), (conversion, star), (at, &got))
    }

    /// The value of an aggregation, which is a number.
    fn check_printa_value(
        &mut self,
        span: Span,
        (conversion, at): (&Conversion, usize),
        function: Option<&str>,
    ) -> Option<()> {
        if matches!(format::takes(&conversion.kind), Takes::Integer | Takes::Float) {
            return Some(());
        }
        let value = if function == Some("count") { "uint64_t" } else { "int64_t" };
        self.bad_conversion(span, "printa( ) aggregating action", conversion, (at, value))
    }

    /// A part of the key.
    fn check_printa_key(
        &mut self,
        span: Span,
        (conversion, at): (&Conversion, usize),
        key: Option<KeyPart<'_>>,
    ) -> Option<()> {
        let Some((number, (key, ty))) = key else {
            let what = format!("conversion #{at} ({})", spelled(conversion));
            let message = format!("printa( ) prototype mismatch: {what} is missing a corresponding value argument");
            return self.fail(span, "D_PRINTF_ARG_PROTO", message);
        };
        if accepts(format::takes(&conversion.kind), key) {
            return Some(());
        }
        let (what, ty) = (format!("printa( ) argument #{}", number + 2), self.type_name(ty));
        self.bad_conversion(span, &what, conversion, (at, &ty))
    }

    /// Something is not what a conversion shows: what it is, the conversion with its number, and the type.
    fn bad_conversion<T>(
        &mut self,
        span: Span,
        what: &str,
        conversion: &Conversion,
        (number, got): (usize, &str),
    ) -> Option<T> {
        let wanted = format::prototype(conversion);
        self.fail(span, "D_PRINTF_ARG_TYPE", incompatible(what, number, &spelled(conversion), [wanted, got]))
    }
}

/// What is not of the type that a conversion wants: its name, the conversion's number and form, and the two types.
fn incompatible(what: &str, number: usize, conversion: &str, [wanted, got]: [&str; 2]) -> String {
    format!(
        "{what} is incompatible with conversion #{number} prototype:\n\
         \tconversion: {conversion}\n\t prototype: {wanted}\n\t  argument: {got}"
    )
}

/// Texts that the script itself gives to plain conversions are as much its own as those of the format, and part of that from now on.
fn said(format: Format, args: Vec<Expr>, written: &[ast::Expr]) -> (Format, Vec<Expr>) {
    let (mut kept, mut args, mut written) = (Vec::new(), args.into_iter(), written.iter());
    let mut pieces = Vec::new();
    for piece in format.pieces {
        let Piece::Conversion(conversion) = &piece else {
            pieces.push(piece);
            continue;
        };
        let (counts, stars) = ([conversion.width, conversion.precision], conversion.stars());
        kept.extend(args.by_ref().take(stars));
        let is_own = matches!(written.by_ref().nth(stars), Some(ast::Expr { kind: ast::ExprKind::Str(_), .. }));
        match args.next() {
            Some(Expr { kind: ExprKind::Str(text), .. })
                if is_own && conversion.kind == "s" && counts == [None, None] =>
            {
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                pieces.push(Piece::Text(text.to_vec()));
            }
            arg => {
                kept.extend(arg);
                pieces.push(piece);
            }
        }
    }
    (Format { pieces }, kept)
}

fn accepts(takes: Takes, key: &Type) -> bool {
    match takes {
        Takes::Integer | Takes::Float => key.is_integer(),
        Takes::Text => matches!(key, Type::String { .. }),
        Takes::Address => key.is_integer() || matches!(key, Type::Pointer { .. } | Type::Symbol { .. }),
        Takes::Stack => matches!(key, Type::Stack(_)),
    }
}

/// The numbers of a conversion that arguments give, as messages show them.
fn stars(conversion: &Conversion) -> impl Iterator<Item = &'static str> + use<> {
    let counts = [(conversion.width, "*"), (conversion.precision, ".*")];
    counts.into_iter().filter(|(count, _)| *count == Some(Count::Argument)).map(|(_, star)| star)
}

/// A conversion without its flags, as messages show it.
fn spelled(conversion: &Conversion) -> String {
    format!("%{}{}", conversion.length, conversion.kind.trim_start_matches('@'))
}

/// Whether it is a conversion of other systems to the name of a host or port.
fn is_looked_up(text: &[u8], at: (u32, u32)) -> bool {
    let shown = text.get(at.0 as usize..at.1 as usize).unwrap_or_default();
    shown.ends_with(b"I") || shown.ends_with(b"P")
}
