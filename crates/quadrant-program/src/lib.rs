//! What a tracing script means: one typed model for every language.
