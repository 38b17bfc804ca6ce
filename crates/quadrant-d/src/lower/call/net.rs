//! Byte order, and addresses of networks as text.

use quadrant_program::expr::{Expr, ExprKind, Function, TextFunction};
use quadrant_program::ty::Type;

use super::super::Lower;
use super::super::value::{Int, Value};
use super::Call;

/// The address family of Linux.
const AF_INET: i64 = 2;
/// Link types of Linux, with the length of their addresses.
const LINKS: [(i64, i64); 2] = [(1, 6), (32, 20)];

impl Lower<'_> {
    pub(super) fn net_call(&mut self, call: &Call) -> Option<Value> {
        let bytes = match call.name {
            "htons" | "ntohs" => 2,
            "htonl" | "ntohl" => 4,
            "htonll" | "ntohll" => 8,
            "inet_ntoa" => {
                let family = Expr::int(AF_INET, Type::I64, call.span);
                let addr = self.pointer_arg(call, 1, "ipaddr_t *")?;
                return Some(self.net_text(TextFunction::Ntop, vec![family, addr], call));
            }
            "inet_ntoa6" => {
                let addr = self.pointer_arg(call, 1, "in6_addr_t *")?;
                return Some(self.net_text(TextFunction::Ntoa6, vec![addr], call));
            }
            "inet_ntop" => {
                let (family, addr) = (self.int_arg(call, 1)?, self.pointer_arg(call, 2, "void *")?);
                return Some(self.net_text(TextFunction::Ntop, vec![family, addr], call));
            }
            _ => return self.link_ntop(call),
        };
        let int = Int { bytes, signed: false };
        let value = self.int_arg(call, 1)?;
        let value = self.cut(value, int);
        if let ExprKind::Int(number) = value.kind {
            let swapped = (number as u64).swap_bytes() >> (64 - 8 * u32::from(bytes));
            return Some(self.number(swapped as i64, int, call.span));
        }
        Some(self.of_int(ExprKind::Call(Function::Bswap, vec![value]), int, call.span))
    }

    fn link_ntop(&mut self, call: &Call) -> Option<Value> {
        let kind = self.expr(&call.args[0])?;
        if self.int_of(&kind.ty).is_none() {
            return self.bad_arg(call, 1, "int", &kind);
        }
        let Some(kind) = kind.constant() else {
            let message = format!("{}( ) argument #1 must be an integer constant", call.name);
            return self.fail(call.args[0].span, "D_PROTO_ARG", message);
        };
        let addr = self.pointer_arg(call, 2, "void *")?;
        let Some((_, len)) = LINKS.iter().find(|(known, _)| *known == kind) else {
            return self.fail(
                call.args[0].span,
                "D_PROTO_ARG",
                "link_ntop( ) argument #1 must be ARPHRD_ETHER (1) or ARPHRD_INFINIBAND (32)",
            );
        };
        let len = Expr::int(*len, Type::I64, call.span);
        Some(self.net_text(TextFunction::LinkNtop, vec![addr, len], call))
    }

    fn net_text(&mut self, function: TextFunction, args: Vec<Expr>, call: &Call) -> Value {
        self.of_text(ExprKind::Call(Function::Text(function), args), call.span)
    }
}
