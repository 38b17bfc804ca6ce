//! Actions that show values: trace(), tracemem(), print(), pcap().

use quadrant_program::action::ActionKind;
use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, TypeId};

use super::super::Lower;
use super::super::call::{self, Call};
use super::super::value::{Ty, Value};
use crate::ast;

/// The most bytes that tracemem() takes.
const MAX_BYTES: i64 = 64 * 1024;

impl Lower<'_> {
    pub(super) fn trace(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let arg = &call.args[0];
        let message = "trace( ) may not be applied to a dynamic expression";
        if call::valueless(arg) == Some(call::AGGREGATING) {
            return self.fail(arg.span, "D_TRACE_DYN", message);
        }
        let value = self.printed(arg)?;
        self.check_no_symbol(arg, &value)?;
        if matches!(value.ty, Ty::Aggregation) {
            return self.fail_help(arg.span, "D_TRACE_DYN", message, "printa() shows aggregations");
        }
        if matches!(self.kind(&value.ty), Some(CType::Void)) {
            return self.fail(arg.span, "D_TRACE_VOID", "trace( ) may not be applied to a void expression");
        }
        if let Ty::Xlated(_) = value.ty {
            return self.fail(arg.span, "D_TRACE_DYN", message);
        }
        self.check_recording(call.span);
        let shown = self.shown(value);
        match (&arg.kind, &shown.kind) {
            // Names of probes are texts that are known, too, but not of the script's choice.
            (ast::ExprKind::Str(_), ExprKind::Str(text)) => {
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
                self.act(ActionKind::Say(text), Vec::new());
            }
            _ => self.act(ActionKind::Trace, vec![shown]),
        }
        Some(())
    }

    /// A value as rows show it: structs and arrays are bytes. Those of characters are never numbers, so they stay what they are.
    fn shown(&mut self, value: Value) -> Expr {
        let size = self.size_of(&value.ty).and_then(|size| u32::try_from(size).ok());
        match (&value.expr.ty, size) {
            (Type::Array { .. }, Some(1..)) if self.is_text_array(&value.ty) => value.expr,
            (Type::Array { .. }, Some(0)) => self.decayed(value).expr,
            (Type::Record(_) | Type::Array { .. }, Some(size)) => bytes_of(value.expr, size),
            _ => self.present(value.expr),
        }
    }

    pub(super) fn tracemem(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 2, 3)?;
        let address = self.expr(&call.args[0])?;
        let size = self.expr(&call.args[1])?;
        if !self.is_scalar(&address.ty) && !self.is_array(&address.ty) {
            let got = self.type_name(&address.ty);
            return self.fail(
                call.args[0].span,
                "D_TRACEMEM_ADDR",
                format!("tracemem( ) argument #1 is incompatible with prototype:\n\tprototype: pointer or integer\n\t argument: {got}"),
            );
        }
        if self.int_of(&size.ty).is_none() {
            return self.bad_arg(call, 2, "size_t", &size);
        }
        let Some(bytes @ 1..=MAX_BYTES) = size.constant() else {
            return self.fail(
                call.args[1].span,
                "D_TRACEMEM_SIZE",
                "tracemem( ) argument #2 must be a non-zero positive integral constant expression",
            );
        };
        self.check_recording(call.span);
        let address = if self.is_array(&address.ty) { place_of(address.expr).0 } else { self.address(address) };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let length = Expr::int(bytes.into(), Type::U64, call.span);
        let kind = ExprKind::Call(Function::Buf(Space::Kernel), vec![address, length]);
        let mut args = vec![Expr::new(kind, Type::Buffer { cap: bytes }, call.span)];
        if let Some(arg) = call.args.get(2) {
            let length = self.expr(arg)?;
            if self.int_of(&length.ty).is_none() {
                return self.bad_arg(call, 3, "size_t", &length);
            }
            args.push(length.expr);
        }
        self.act(ActionKind::Tracemem, args);
        Some(())
    }

    fn is_array(&self, ty: &Ty) -> bool {
        matches!(self.kind(ty), Some(CType::Array { .. }))
    }

    fn is_text_array(&self, ty: &Ty) -> bool {
        matches!(self.kind(ty), Some(CType::Array { elem, .. }) if self.is_char(elem))
    }

    /// `print(x)`: a struct, or what a pointer to one points to, with its members; other values with their type.
    pub(super) fn print(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 1, 1)?;
        let arg = &call.args[0];
        if let Some(got @ call::AGGREGATING) = call::valueless(arg) {
            return self.bad_arg_of(call, 1, "void *", (got, arg.span));
        }
        let value = self.printed(arg)?;
        if matches!(value.ty, Ty::Aggregation | Ty::Special(_) | Ty::Xlated(_))
            || matches!(self.kind(&value.ty), Some(CType::Void))
        {
            return self.bad_arg(call, 1, "void *", &value);
        }
        self.check_recording(call.span);
        let Ty::C(id) = value.ty else {
            let name = self.type_name(&value.ty);
            self.act(ActionKind::Print(name), vec![value.expr]);
            return Some(());
        };
        let mut args = Vec::new();
        let (id, value) = match self.types.kind(id) {
            CType::Ptr { to, .. } if matches!(self.types.kind(to), CType::Struct { complete: true, .. }) => {
                args.push(value.expr.clone());
                (to, self.read_at(value.expr, to, Space::Kernel, call.span)?)
            }
            _ => (id, value),
        };
        args.push(self.in_full(id, value));
        let name = self.types.display(id);
        self.act(ActionKind::Print(name), args);
        Some(())
    }

    /// A value with all that its type tells of it.
    pub(super) fn in_full(&mut self, id: TypeId, value: Value) -> Expr {
        let mut expr = value.expr;
        match self.printable(id) {
            Some(Type::String { .. }) => expr = self.decayed(Value { expr, ty: value.ty }).expr,
            Some(ty @ (Type::Record(_) | Type::Array { .. })) => expr.ty = ty,
            Some(ty @ (Type::Enum(_) | Type::Bool)) => {
                let span = expr.span;
                expr = Expr::new(ExprKind::Cast(Box::new(expr)), ty, span);
            }
            _ => {}
        }
        expr
    }

    /// The bytes of a packet that lie in one piece behind its `struct sk_buff`.
    pub(super) fn pcap(&mut self, call: &Call) -> Option<()> {
        self.count_args(call, 2, 2)?;
        let packet = self.expr(&call.args[0])?;
        if !self.is_scalar(&packet.ty) {
            return self.bad_arg(call, 1, "struct sk_buff *", &packet);
        }
        let protocol = self.expr(&call.args[1])?;
        if self.int_of(&protocol.ty).is_none() {
            return self.bad_arg(call, 2, "int64_t", &protocol);
        }
        self.check_recording(call.span);
        let cap = self.settings.pcapsize;
        // The pieces name them often, and what they do is to happen once.
        let [packet, protocol] = [packet, protocol].map(|value| self.held(value));
        let names = [("a".to_owned(), packet.clone()), ("b".to_owned(), protocol.clone())];
        let start = self.piece_with(names, PACKET_START, call.span)?;
        let end = self.piece_with([("a".to_owned(), packet)], PACKET_END, call.span)?;
        let [start, end] = [start, end].map(|value| self.held(value));
        let names = [("a".to_owned(), start.clone()), ("b".to_owned(), end)];
        // A network header that is not set is far behind the packet's end.
        let length =
            self.piece_with(names, &format!("b <= a ? 0 : b - a < {cap} ? b - a : (uint64_t){cap}"), call.span)?;
        let kind = ExprKind::Call(Function::Buf(Space::Kernel), vec![start.expr, length.expr]);
        let bytes = Expr::new(kind, Type::Buffer { cap }, call.span);
        self.act(ActionKind::Pcap, vec![bytes, protocol.expr]);
        Some(())
    }

    fn held(&mut self, value: Value) -> Value {
        Value { expr: self.hold(value.expr), ..value }
    }
}

/// Where a packet begins: its network header for `PCAP_IP`, else what the layer at hand sees first.
const PACKET_START: &str =
    "(b == 12 ? (uint64_t)(((struct sk_buff *)a)->head + ((struct sk_buff *)a)->network_header) :
    (uint64_t)((struct sk_buff *)a)->data)";
/// Where its first piece ends.
const PACKET_END: &str =
    "((uint64_t)((struct sk_buff *)a)->data + ((struct sk_buff *)a)->len - ((struct sk_buff *)a)->data_len)";

/// The bytes of a value in memory.
fn bytes_of(value: Expr, size: u32) -> Expr {
    let span = value.span;
    let (addr, space) = place_of(value);
    let length = Expr::int(size.into(), Type::U64, span);
    Expr::new(ExprKind::Call(Function::Buf(space), vec![addr, length]), Type::Buffer { cap: size }, span)
}
