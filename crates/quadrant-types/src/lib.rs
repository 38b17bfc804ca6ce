//! C types as the kernel and programs describe them: BTF and tracefs formats.
