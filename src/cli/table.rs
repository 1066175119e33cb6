//! Tables for the terminal.

use chrono::{DateTime, Utc};

use crate::domain::visible::visible;

/// Formats a heading and rows. Each column is as wide as its widest cell, with two blanks between columns. A cell stays
/// on its line, because active characters are escaped.
pub fn format<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut lines = vec![heading.map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| row.map(|cell| visible(&cell).into_owned())));
    let widths: [usize; N] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A time in a table, to the minute.
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%MZ").to_string()
}

/// A time in a table, if there is one.
pub fn minute_or_never(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "never".to_owned(), minute)
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [["1".to_owned(), "Peña".to_owned()], ["22".to_owned(), "x".to_owned()]];
        assert_eq!(super::format(["ID", "NAME"], rows), "ID  NAME\n1   Peña\n22  x\n");
    }

    #[test]
    fn a_cell_can_neither_drive_the_terminal_nor_begin_a_line() {
        let rows = [["1".to_owned(), "a\u{1b}[2J\nb\u{202e}".to_owned()]];
        assert_eq!(
            super::format(["ID", "NAME"], rows),
            "ID  NAME\n1   a\\u{1b}[2J\\nb\\u{202e}\n"
        );
    }
}
