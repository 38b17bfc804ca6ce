//! What the kernel's flags for getting memory are called, for `%gr`.

use quadrant_program::format::Flag;

use quadrant_types::Types;

/// Names of several flags together, in the order in which the kernel looks for them.
const TOGETHER: &[(&str, u64)] = &[
    ("GFP_TRANSHUGE", 0x1c_20ca | DIRECT_RECLAIM),
    ("GFP_TRANSHUGE_LIGHT", 0x1c_20ca),
    ("GFP_HIGHUSER_MOVABLE", 0x10_0cca),
    ("GFP_HIGHUSER", 0x10_0cc2),
    ("GFP_USER", 0x10_0cc0),
    ("GFP_KERNEL_ACCOUNT", 0x40_0cc0),
    ("GFP_KERNEL", 0xcc0),
    ("GFP_NOFS", 0xc40),
    ("GFP_ATOMIC", 0x820),
    ("GFP_NOIO", 0xc00),
    ("GFP_NOWAIT", 0x2800),
];

const DIRECT_RECLAIM: u64 = 0x400;

/// Flags whose numbers have been the same in all kernels.
const SINGLE: &[(&str, u64)] = &[
    ("GFP_DMA", 0x1),
    ("__GFP_HIGHMEM", 0x2),
    ("GFP_DMA32", 0x4),
    ("__GFP_MOVABLE", 0x8),
    ("__GFP_RECLAIMABLE", 0x10),
    ("__GFP_HIGH", 0x20),
    ("__GFP_IO", 0x40),
    ("__GFP_FS", 0x80),
    ("__GFP_ZERO", 0x100),
    ("__GFP_DIRECT_RECLAIM", DIRECT_RECLAIM),
    ("__GFP_KSWAPD_RECLAIM", 0x800),
    ("__GFP_WRITE", 0x1000),
    ("__GFP_NOWARN", 0x2000),
    ("__GFP_RETRY_MAYFAIL", 0x4000),
    ("__GFP_NOFAIL", 0x8000),
    ("__GFP_NORETRY", 0x1_0000),
    ("__GFP_MEMALLOC", 0x2_0000),
    ("__GFP_COMP", 0x4_0000),
    ("__GFP_NOMEMALLOC", 0x8_0000),
    ("__GFP_HARDWALL", 0x10_0000),
    ("__GFP_THISNODE", 0x20_0000),
    ("__GFP_ACCOUNT", 0x40_0000),
];

/// Flags whose numbers depend on how the kernel was built: it tells them in its types, from Linux 6.10 on.
const TOLD: &[&str] = &["ZEROTAGS", "SKIP_ZERO", "SKIP_KASAN", "NOLOCKDEP", "NO_OBJ_EXT"];

/// The names, those of most flags first.
pub(super) fn names(types: &Types) -> Vec<Flag> {
    let fixed = TOGETHER.iter().chain(SINGLE).map(|(name, bits)| Flag { name: (*name).to_owned(), bits: *bits });
    let told = TOLD.iter().filter_map(|name| {
        let (bit, _) = types.lookup_constant(&format!("___GFP_{name}_BIT"))?;
        let bits = 1u64.checked_shl(u32::try_from(bit).ok()?)?;
        Some(Flag { name: format!("__GFP_{name}"), bits })
    });
    fixed.chain(told).collect()
}
