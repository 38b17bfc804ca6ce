//! The bpftrace language: lexer, parser, syntax tree, and lowering to the program model.
