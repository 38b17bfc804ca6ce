//! Aligned columns for people.

/// A column.
#[derive(Copy, Clone, Debug)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// Numbers are at the right.
    pub right: bool,
    /// The least that is left of it when the line is too long; `None` for a column that is never cut.
    pub least: Option<usize>,
}

/// Width of lines, unless all is wanted.
pub const WIDTH: usize = 120;

/// Between columns.
const GAP: usize = 2;

/// Lines of at most `width` characters, if that can be; `None` cuts nothing. A cell that is too long loses its middle.
pub fn render(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<usize> = (0..columns.len()).map(|index| natural(columns, rows, index)).collect();
    if let Some(width) = width {
        shrink(columns, &mut widths, width);
    }
    let heading: Vec<String> = columns.iter().map(|column| column.name.to_owned()).collect();
    let lines = std::iter::once(&heading).chain(rows);
    lines.map(|row| line(columns, &widths, row)).collect()
}

fn natural(columns: &[Column], rows: &[Vec<String>], index: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
    cells.chain([columns[index].name.len()]).max().unwrap_or(0)
}

/// Takes from the widest of those that can give.
fn shrink(columns: &[Column], widths: &mut [usize], width: usize) {
    let gaps = GAP * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let can_give = |index: &usize| columns[*index].least.is_some_and(|least| widths[*index] > least);
        let Some(widest) = (0..columns.len()).filter(can_give).max_by_key(|index| widths[*index]) else { return };
        widths[widest] -= 1;
    }
}

fn line(columns: &[Column], widths: &[usize], row: &[String]) -> String {
    let mut line = String::new();
    for ((column, width), cell) in columns.iter().zip(widths).zip(row) {
        let cell = cut(cell, *width);
        let padding = " ".repeat(width - cell.chars().count());
        let (before, after) = if column.right { (padding, String::new()) } else { (String::new(), padding) };
        line.push_str(&before);
        line.push_str(&cell);
        line.push_str(&after);
        line.push_str(&" ".repeat(GAP));
    }
    format!("{}\n", line.trim_end())
}

/// At most `width` characters: the start, `…`, and the end, which of paths and names is the part that tells more.
pub fn cut(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let Some(kept) = width.checked_sub(1) else { return String::new() };
    let start = kept / 3;
    let head: String = text.chars().take(start).collect();
    let tail: String = text.chars().skip(count - (kept - start)).collect();
    format!("{head}…{tail}")
}

/// A size.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=9_999_999 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 2] =
        [Column { name: "NAME", right: false, least: Some(5) }, Column { name: "N", right: true, least: None }];

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "12".to_owned()], vec!["longer".to_owned(), "3".to_owned()]];
        assert_eq!(render(&COLUMNS, &rows, None), "NAME     N\na       12\nlonger   3\n");
    }

    #[test]
    fn long_cells_lose_their_middle() {
        let rows = [vec!["/usr/lib/library.so:function".to_owned(), "1234567".to_owned()]];
        let text = render(&COLUMNS, &rows, Some(20));
        assert_eq!(text.lines().nth(1), Some("/us…unction  1234567"));
        assert!(render(&COLUMNS, &rows, Some(1)).lines().all(|line| line.chars().count() <= 14));
    }

    #[test]
    fn cuts() {
        assert_eq!((cut("abc", 3), cut("abcd", 3), cut("abcd", 0)), ("abc".into(), "…cd".into(), String::new()));
    }
}
