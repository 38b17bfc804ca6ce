//! Printing that does not panic: the standard macros do when nobody reads or the disk is full.

/// As the standard macro; what cannot be said on standard error cannot be said at all.
macro_rules! eprintln {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        quadrant_bpf::interrupt::interruptibly(|| drop(writeln!(std::io::stderr(), $($what)*)));
    }};
}

/// As the standard macro; a reader that left wants no more of it.
macro_rules! print {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        drop(write!(std::io::stdout(), $($what)*));
    }};
}

/// As [`print`], with the end of a line.
macro_rules! println {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        drop(writeln!(std::io::stdout(), $($what)*));
    }};
}

/// As [`eprintln`], without the end of a line.
macro_rules! eprint {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        drop(write!(std::io::stderr(), $($what)*));
    }};
}
