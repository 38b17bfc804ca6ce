//! Symbols of the kernel: `` `jiffies ``, `` &`tcp_sendmsg ``.

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{BtfKind, CType, TypeId};

use super::Lower;
use super::absent;
use super::value::{Ty, Value};
use crate::ast::ScopedName;

/// Variables of the kernel that scripts read, with their types: BTF does not have them.
const VARIABLES: &[(&str, &str)] = &[
    ("jiffies", "unsigned long"),
    ("jiffies_64", "uint64_t"),
    ("max_pfn", "unsigned long"),
    ("min_low_pfn", "unsigned long"),
    ("max_low_pfn", "unsigned long"),
    ("highest_memmap_pfn", "unsigned long"),
    ("nr_cpu_ids", "unsigned int"),
    ("nr_threads", "int"),
    ("total_forks", "unsigned long"),
    ("avenrun", "unsigned long[3]"),
    ("linux_banner", "char[128]"),
    ("saved_command_line", "char *"),
    ("init_task", "struct task_struct"),
    ("init_pid_ns", "struct pid_namespace"),
    ("init_uts_ns", "struct uts_namespace"),
    ("init_mm", "struct mm_struct"),
    ("pid_max", "int"),
    ("panic_on_oops", "int"),
    ("sysctl_sched_features", "unsigned int"),
    ("totalram_pages", "unsigned long"),
    ("_totalram_pages", "unsigned long"),
    ("slab_caches", "struct list_head"),
    ("super_blocks", "struct list_head"),
    ("modules", "struct list_head"),
    ("system_state", "int"),
    ("tsc_khz", "unsigned int"),
    ("cpu_khz", "unsigned int"),
    ("loops_per_jiffy", "unsigned long"),
    ("preset_lpj", "unsigned long"),
    ("phys_base", "unsigned long"),
    ("page_offset_base", "unsigned long"),
    ("vmalloc_base", "unsigned long"),
    ("vmemmap_base", "unsigned long"),
];

impl Lower<'_> {
    /// `` `name ``: what the variable of the kernel holds, or a function's address.
    pub(super) fn symbol(&mut self, symbol: &ScopedName, span: Span) -> Option<Value> {
        if let Some((value, id)) = self.types.lookup_constant(&symbol.name) {
            let int = self.int_of(&Ty::C(id)).unwrap_or(super::value::Int::INT);
            return Some(self.number(value, int, span));
        }
        let address = self.symbol_at(symbol)?;
        match self.symbol_type(&symbol.name) {
            Some(id) if matches!(self.types.kind(id), CType::Func(_) | CType::Void) => Some(Value {
                expr: address_of(address, TypeId::VOID, span),
                ty: Ty::C(self.types.pointer_to(TypeId::VOID)),
            }),
            Some(id) => self.read_at(address_of(address, id, span), id, Space::Kernel, span),
            None => {
                let name = spelled(symbol);
                self.fail_help(
                    span,
                    "D_SYM_NOTYPES",
                    format!(
                        "no symbolic type information is available for {name}: No type information available for symbol"
                    ),
                    format!("say what it is: `*(int *)&{name}`"),
                )
            }
        }
    }

    /// `` &`name ``
    pub(super) fn symbol_address(&mut self, symbol: &ScopedName, span: Span) -> Option<Value> {
        let address = self.symbol_at(symbol)?;
        let to = self.symbol_type(&symbol.name).filter(|id| !matches!(self.types.kind(*id), CType::Func(_)));
        let to = to.unwrap_or(TypeId::VOID);
        Some(Value { expr: address_of(address, to, span), ty: Ty::C(self.types.pointer_to(to)) })
    }

    fn symbol_at(&mut self, symbol: &ScopedName) -> Option<u64> {
        let module =
            symbol.scope.as_deref().filter(|scope| !matches!(*scope, "" | "vmlinux" | "genunix" | "unix" | "kernel"));
        match self.env.symbols.kernel_address(module, &symbol.name) {
            Ok(address) => Some(address),
            Err(reason) => {
                let why = match module.is_some_and(|module| !self.env.symbols.has_module(module)) {
                    true => "Module is no longer loaded",
                    false => "Unknown symbol name",
                };
                let message = format!("failed to resolve {}: {why}", spelled(symbol));
                let elsewhere = absent::SYMBOLS.iter().find(|(known, _)| *known == symbol.name);
                let help = match elsewhere {
                    Some((_, instead)) => (*instead).to_owned(),
                    None if self.clause.has_registers() => crate::NO_USER_SYMBOLS.to_owned(),
                    None => reason,
                };
                self.fail_help(symbol.span, "D_IDENT_UNDEF", message, help)
            }
        }
    }

    fn symbol_type(&self, name: &str) -> Option<TypeId> {
        if let Some((_, ty)) = VARIABLES.iter().find(|(known, _)| *known == name) {
            return self.types.parse_type_name(ty).ok();
        }
        self.types.lookup_name_with_kind(name, &[BtfKind::Func])
    }
}

fn spelled(symbol: &ScopedName) -> String {
    format!("{}`{}", symbol.scope.as_deref().unwrap_or_default(), symbol.name)
}

fn address_of(address: u64, to: TypeId, span: Span) -> Expr {
    Expr::new(ExprKind::Int(address as i64), Type::Pointer { to, space: Space::Kernel }, span)
}
