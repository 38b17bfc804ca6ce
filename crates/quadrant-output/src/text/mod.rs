//! Text output, in the forms of bpftrace 0.27.
//!
//! Deliberate differences:
//!
//! * Text from the traced program is escaped (see [`crate::escape`]): a newline in a file name is `\n`. Script text is not.
//! * printf does what C does where bpftrace 0.27 does not: precisions count, `*` works, `%05d` of -5 is `-0005`, `% d` has its blank,
//!   and a width pads a tuple as a whole. A number that needs 64 bits is printed whole, where bpftrace cuts it to 32 without `l`.
//! * Entries with equal values are ordered by key, where bpftrace shows them in the order of its hash. Signed values that bpftrace
//!   orders as unsigned (`min` and `max`) are ordered as signed.
//! * The last row of an `lhist` ends at the maximum, also where that is no multiple of the step.
//! * A text that could not be read is `<fault>`, a stack that was not kept `<lost stack>`: they are not shown as empty.

pub(crate) mod folded;
pub(crate) mod hist;
pub(crate) mod join;
pub(crate) mod map;
pub(crate) mod printf;
pub(crate) mod stack;
pub(crate) mod value;
