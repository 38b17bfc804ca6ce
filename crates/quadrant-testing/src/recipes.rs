//! How each target is compiled.

/// How one target is made.
pub(crate) struct Recipe {
    /// The name of the file made, and of the target.
    pub(crate) name: &'static str,
    /// The compiler, with the arguments that all targets of its kind have.
    pub(crate) tool: &'static Tool,
    /// The arguments of this target: sources are relative to `tests/targets`, `-L.` is where targets are put.
    pub(crate) args: &'static [&'static str],
    /// The targets that it is linked with.
    pub(crate) needs: &'static [&'static str],
}

/// A compiler.
pub(crate) struct Tool {
    pub(crate) command: &'static str,
    /// The Debian package that has it.
    pub(crate) package: &'static str,
    pub(crate) args: &'static [&'static str],
}

const C_FLAGS: &[&str] = &["-O2", "-g", "-Wall", "-Wextra", "-fno-omit-frame-pointer"];

static C: Tool = Tool { command: "gcc", package: "gcc", args: C_FLAGS };
static CLANG: Tool = Tool { command: "clang", package: "clang", args: C_FLAGS };
/// Programs of 32 bits without a C library, of which there need be none: the compilers for x86-64 make them.
static NARROW: Tool = Tool {
    command: "gcc",
    package: "gcc",
    args: &[
        "-O2",
        "-g",
        "-Wall",
        "-Wextra",
        "-fno-omit-frame-pointer",
        "-m32",
        "-static",
        "-no-pie",
        "-nostdlib",
        "-ffreestanding",
        "-fno-stack-protector",
        "-fno-pic",
    ],
};
static NARROW_CXX: Tool = Tool { command: "g++", package: "g++", args: NARROW.args };
static CXX: Tool = Tool { command: "g++", package: "g++", args: C_FLAGS };
static RUST: Tool = Tool {
    command: "rustc",
    package: "rustc",
    args: &["--edition=2024", "-O", "-g", "-Cforce-frame-pointers=yes", "--crate-name=mangled"],
};

/// The recipe of a target, by the target's name.
pub(crate) fn find(name: &str) -> Option<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.name == name)
}

/// The names of all targets.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().map(|recipe| recipe.name)
}

static RECIPES: &[Recipe] = &[
    c("callers", &["callers.c"]),
    c("calls", &["calls.c", "calls_body.c"]),
    c("counted", &["-pthread", "counted.c"]),
    c("entries", &["entries.c"]),
    c("inlined", &["inlined.c"]),
    c("libcalls.so", &["-fPIC", "-shared", "calls_body.c"]),
    Recipe {
        name: "calls-shared",
        tool: &C,
        args: &["calls.c", "-L.", "-lcalls", "-Wl,-rpath,$ORIGIN"],
        needs: &["libcalls.so"],
    },
    c("loads", &["loads.c", "-ldl"]),
    c("lives", &["lives.c", "calls_body.c"]),
    c("sleepers", &["-pthread", "sleepers.c"]),
    c("stalled", &["-pthread", "stalled.c"]),
    c("stacks", &["stacks.c"]),
    c("ways", &["ways.c"]),
    c("many", &["many.c"]),
    c("many-usdt", &["many_usdt.c"]),
    Recipe { name: "deep-cc", tool: &CXX, args: &["deep.cc"], needs: &[] },
    Recipe { name: "deep-rs", tool: &RUST, args: &["deep.rs"], needs: &[] },
    Recipe { name: "copied-cc", tool: &CXX, args: &["copied.cc"], needs: &[] },
    Recipe { name: "copied-cc-plain", tool: &CXX, args: &["-O0", "copied.cc"], needs: &[] },
    c("paired", &["paired.c"]),
    c("syscalls", &["syscalls.c"]),
    c("floats", &["floats.c"]),
    c("handed", &["handed.c"]),
    c("handed-plain", &["-O0", "handed.c"]),
    Recipe { name: "handed-clang", tool: &CLANG, args: &["handed.c"], needs: &[] },
    Recipe { name: "handed-clang-plain", tool: &CLANG, args: &["-O0", "handed.c"], needs: &[] },
    c("remade", &["remade.c"]),
    c("remade-plain", &["-O0", "remade.c"]),
    c("remade-lines", &["-g1", "remade.c"]),
    Recipe { name: "remade-clang", tool: &CLANG, args: &["remade.c"], needs: &[] },
    Recipe { name: "remade-clang-plain", tool: &CLANG, args: &["-O0", "remade.c"], needs: &[] },
    Recipe { name: "dropped-cc-clang-plain", tool: &CLANG, args: &["-O0", "dropped.cc"], needs: &[] },
    Recipe { name: "members-cc", tool: &CXX, args: &["members.cc"], needs: &[] },
    Recipe { name: "members-cc-plain", tool: &CXX, args: &["-O0", "members.cc"], needs: &[] },
    c("typed", &["typed.c"]),
    c("shadows", &["shadows.c"]),
    c("typed-plain", &["-O0", "-fomit-frame-pointer", "typed.c"]),
    c("typed-old", &["-gdwarf-3", "-gz=zlib", "typed.c"]),
    c("typed-units", &["-fdebug-types-section", "typed.c"]),
    c("typed-split", &["-gsplit-dwarf", "typed.c"]),
    Recipe { name: "typed-clang", tool: &CLANG, args: &["typed.c"], needs: &[] },
    Recipe { name: "typed-clang-plain", tool: &CLANG, args: &["-O0", "typed.c"], needs: &[] },
    c("threads", &["-pthread", "threads.c", "calls_body.c"]),
    c("usdt", &["usdt.c", "usdt_gated.c"]),
    c("usdt-twice", &["usdt_twice.c", "usdt_other.c"]),
    c("libgated.so", &["-fPIC", "-shared", "usdt_gated.c"]),
    Recipe {
        name: "usdt-shared",
        tool: &C,
        args: &["usdt.c", "-L.", "-lgated", "-Wl,-rpath,$ORIGIN"],
        needs: &["libgated.so"],
    },
    Recipe { name: "narrow", tool: &NARROW, args: &["narrow.c"], needs: &[] },
    Recipe { name: "narrow-cc", tool: &NARROW_CXX, args: &["narrow.cc"], needs: &[] },
    Recipe { name: "narrow-cc-plain", tool: &NARROW_CXX, args: &["-O0", "narrow.cc"], needs: &[] },
    c("raw", &["raw.c"]),
    c("netless", &["netless.c"]),
    c("bulky", &["-g0", "-Wl,--compress-debug-sections=zlib", "bulky.c"]),
    c("threadless", &["threadless.c"]),
    c("untouched", &["untouched.c"]),
    c("watched", &["-no-pie", "watched.c"]),
    Recipe { name: "mangled-cc", tool: &CXX, args: &["mangled.cc"], needs: &[] },
    Recipe { name: "mangled-rs", tool: &RUST, args: &["mangled.rs"], needs: &[] },
    Recipe { name: "variants-rs", tool: &RUST, args: &["variants.rs"], needs: &[] },
    Recipe { name: "variants-rs-plain", tool: &RUST, args: &["-Copt-level=0", "variants.rs"], needs: &[] },
    Recipe { name: "mangled-rs-v0", tool: &RUST, args: &["-Csymbol-mangling-version=v0", "mangled.rs"], needs: &[] },
];

const fn c(name: &'static str, args: &'static [&'static str]) -> Recipe {
    Recipe { name, tool: &C, args, needs: &[] }
}
