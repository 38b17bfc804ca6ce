//! tracefs `events/SYSTEM/EVENT/format` files: which bytes of a tracepoint's record are which field.
//!
//! Written by the kernel's `f_show` (kernel/trace/trace_events.c), one field a line:
//! `field:unsigned short common_type; offset:0; size:2; signed:0;` (parted by tabs).

mod parse;
#[cfg(test)]
mod tests;
mod types;

#[cfg(test)]
pub(crate) use tests::SAMPLE;

/// The layout of one tracepoint's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFormat {
    /// The event's name, without its subsystem.
    pub name: String,
    /// The id that perf_event_open(2) wants as `config`.
    pub id: u32,
    /// All fields, the common ones first.
    pub fields: Vec<FormatField>,
    /// How the kernel itself prints the record: a C format string and arguments, as text.
    pub print_fmt: String,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatField {
    /// Name.
    pub name: String,
    /// C type of the field, or of one element if it is an array; without `__data_loc`.
    pub type_text: String,
    /// Bytes from the start of the record.
    pub offset: u32,
    /// Bytes in the record: the whole array, or 4 for a dynamic one.
    pub size: u32,
    /// The value is signed (for an array: its elements are).
    pub signed: bool,
    /// Elements of an array in the record itself. `None` for a scalar or a dynamic array.
    pub array_len: Option<u64>,
    /// Where the data is.
    pub storage: FieldStorage,
    /// One of the fields that every event has (`common_pid` and so on).
    pub common: bool,
}

/// Where a field's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldStorage {
    /// At the field's offset.
    Inline,
    /// Elsewhere in the record: the field is a 32-bit word, `length << 16 | offset`,
    /// the offset counted from the start of the record.
    DataLoc,
    /// As `DataLoc`, the offset counted from the end of this word.
    RelLoc,
}

impl EventFormat {
    /// Parses the text of a `format` file.
    pub fn parse(text: &str) -> Result<Self, crate::TypeError> {
        parse::parse(text)
    }

    /// The field called `name`.
    pub fn field(&self, name: &str) -> Option<&FormatField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The event's own fields, in order.
    pub fn own_fields(&self) -> impl Iterator<Item = &FormatField> {
        self.fields.iter().filter(|field| !field.common)
    }
}
