//! What the user sees of a D program: text as DTrace prints it.
//!
//! [`Printer`] shows records of firings and aggregations; what an action asks beyond printing is a [`Request`] to the [`Host`].
//! [`mod@drops`] and [`mod@message`] have the messages around a trace, [`mod@list`] the listing of probes.
//!
//! Layouts are those of the Solaris and Oracle Linux guides and of DTrace 2.0.7. Deliberate differences:
//!
//! * Text from the traced program is escaped (see [`crate::escape`]) instead of being sent to the terminal as it is, or turned into a
//!   hexadecimal dump because of one odd byte. Dumps are for bytes (`tracemem`, structs, option `rawbytes`).
//! * Numbers of unsigned types are unsigned also as keys and as sums; negative ones stay negative when they are normalized.
//! * Negative keys come before others, where DTrace compares keys as unsigned numbers.
//! * The flag `'` of printf groups digits with commas in every locale.
//! * The minimum and maximum of an aggregation that was cleared are 0, like all cleared values.
//! * With `flowindent`, several clauses of one return step back once; each CPU keeps its depth from one buffer to the next.
//! * Rows of `flowindent` end with a line end also when `quiet` is set.
//! * `print()` shows the zeros of an array before its last element that is not zero.
//! * Addresses that resolve to the same function (file) are one key of `func()`, `ufunc()`, `sym()`, `usym()` (`mod()`, `umod()`), also
//!   when several processes run it.

mod actions;
mod aggregation;
mod bytes;
mod cell;
pub mod drops;
mod fault;
mod flow;
mod histogram;
mod host;
pub mod list;
pub mod message;
mod number;
mod options;
mod order;
mod pack;
mod print;
mod printa;
mod printer;
mod printf;
mod row;
mod stack;
mod symbol;
mod table;
mod value;

pub use drops::Drop;
pub use host::Host;
pub use host::Request;
pub use options::Options;
pub use options::Sort;
pub use printer::Printer;
