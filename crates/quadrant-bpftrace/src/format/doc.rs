//! A text with places where it may be broken, and laying it out in lines.

/// Widest line that is not broken.
const WIDTH: usize = 90;

/// Where a line ends that has to be broken.
const FILLED: usize = 78;

/// A text that may be laid out in one line or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doc<'a> {
    /// Words without line breaks.
    Text(&'a str),
    /// A line break, or the text where everything stays in one line.
    Line(&'static str),
    /// A line break in any case.
    Hard,
    /// An empty line, or several.
    Blank(usize),
    /// One behind the other.
    All(Vec<Doc<'a>>),
    /// In one line if it fits, else with all of its line breaks.
    Group(Box<Doc<'a>>),
    /// Parts with a line break between two of them only where the next one does not fit.
    Fill(Vec<Doc<'a>>),
    /// Continues below the column where it starts.
    Align(Box<Doc<'a>>),
    /// Continues so many columns further right.
    Indent(usize, Box<Doc<'a>>),
}

impl<'a> Doc<'a> {
    pub(super) fn group(self) -> Doc<'a> {
        Doc::Group(Box::new(self))
    }

    pub(super) fn align(self) -> Doc<'a> {
        Doc::Align(Box::new(self))
    }

    pub(super) fn indent(self) -> Doc<'a> {
        Doc::Indent(2, Box::new(self))
    }

    /// Columns in one line; nothing if there is a line break in it.
    pub(super) fn flat_width(&self) -> Option<usize> {
        match self {
            Doc::Text(text) if text.contains('\n') => None,
            Doc::Text(text) => Some(text.chars().count()),
            Doc::Line(text) => Some(text.len()),
            Doc::Hard | Doc::Blank(_) => None,
            Doc::All(parts) => parts.iter().map(Doc::flat_width).sum(),
            Doc::Fill(parts) => Some(parts.iter().map(Doc::flat_width).sum::<Option<usize>>()? + gaps(parts)),
            Doc::Group(inner) | Doc::Align(inner) | Doc::Indent(_, inner) => inner.flat_width(),
        }
    }

    /// Columns up to the first place where the line may be broken, and whether there is one.
    fn first_width(&self) -> (usize, bool) {
        match self {
            Doc::Text(text) => {
                let first = text.split('\n').next().unwrap_or_default();
                (first.chars().count(), text.contains('\n'))
            }
            Doc::Line(_) | Doc::Hard | Doc::Blank(_) => (0, true),
            Doc::All(parts) => first_of(parts),
            Doc::Fill(parts) => {
                let (width, ended) = parts.first().map_or((0, false), Doc::first_width);
                (width, ended || parts.len() > 1)
            }
            Doc::Group(inner) | Doc::Align(inner) | Doc::Indent(_, inner) => inner.first_width(),
        }
    }
}

fn gaps(parts: &[Doc<'_>]) -> usize {
    parts.len().saturating_sub(1)
}

/// Whether parts are the arguments of a call whose first is a format.
fn is_format(parts: &[Doc<'_>]) -> bool {
    let mut first = parts.first();
    while let Some(Doc::All(inner)) = first {
        first = inner.first();
    }
    parts.len() > 1 && matches!(first, Some(Doc::Text(text)) if text.starts_with('"') && text.contains('%'))
}

fn first_of(parts: &[Doc<'_>]) -> (usize, bool) {
    let mut width = 0;
    for part in parts {
        let (more, ended) = part.first_width();
        width += more;
        if ended {
            return (width, true);
        }
    }
    (width, false)
}

/// Lays a text out; no line ends with blanks.
pub(super) fn print(doc: &Doc<'_>) -> String {
    let mut printer = Printer::default();
    printer.print(doc, 0, 0, false);
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    column: usize,
    /// Blanks owed to the start of the line.
    owed: usize,
}

impl Printer {
    /// `after`: columns of what follows in the same line in any case.
    fn print(&mut self, doc: &Doc<'_>, indent: usize, after: usize, flat: bool) {
        match doc {
            Doc::Text(text) => self.text(text),
            Doc::Line(text) if flat => self.text(text),
            Doc::Line(_) | Doc::Hard => self.line(indent),
            Doc::Blank(lines) => self.blank(*lines, indent),
            Doc::All(parts) => self.all(parts, indent, after, flat),
            Doc::Group(inner) => {
                let fits = inner.flat_width().is_some_and(|width| self.column + width + after <= WIDTH);
                self.print(inner, indent, after, flat || fits);
            }
            Doc::Fill(parts) => self.fill(parts, indent, after, flat),
            Doc::Align(inner) => self.print(inner, self.column, after, flat),
            Doc::Indent(by, inner) => self.print(inner, indent + by, after, flat),
        }
    }

    fn all(&mut self, parts: &[Doc<'_>], indent: usize, after: usize, flat: bool) {
        for (at, part) in parts.iter().enumerate() {
            let (more, ended) = first_of(&parts[at + 1..]);
            self.print(part, indent, if ended { more } else { more + after }, flat);
        }
    }

    fn fill(&mut self, parts: &[Doc<'_>], indent: usize, after: usize, flat: bool) {
        let mut flat = flat || self.fits(parts, after, WIDTH);
        let first_alone = !flat && is_format(parts) && self.fits_below(parts, indent, after);
        for (at, part) in parts.iter().enumerate() {
            let after = if at + 1 == parts.len() { after } else { 0 };
            if at > 0 && !(first_alone && at == 1) && (flat || self.fits(&parts[at..=at], after + 1, FILLED)) {
                self.text(" ");
            } else if at > 0 {
                self.line(indent);
                flat = self.fits(&parts[at..], after, WIDTH);
            }
            self.print(part, indent, after, flat);
        }
    }

    /// Whether all but the first part fit in a line of their own.
    fn fits_below(&self, parts: &[Doc<'_>], indent: usize, after: usize) -> bool {
        let needed: Option<usize> = parts.iter().skip(1).map(|part| part.flat_width().map(|width| width + 1)).sum();
        needed.is_some_and(|needed| indent + needed + after <= WIDTH)
    }

    /// Whether parts of a fill fit in the rest of the line.
    fn fits(&self, parts: &[Doc<'_>], after: usize, width: usize) -> bool {
        let needed: Option<usize> = parts.iter().map(Doc::flat_width).sum();
        needed.is_some_and(|needed| self.column + needed + gaps(parts) + after <= width)
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.out.extend(std::iter::repeat_n(' ', std::mem::take(&mut self.owed)));
        self.out.push_str(text);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = last.chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn line(&mut self, indent: usize) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
        (self.owed, self.column) = (indent, indent);
    }

    fn blank(&mut self, lines: usize, indent: usize) {
        (0..lines).for_each(|_| self.line(indent));
    }
}
