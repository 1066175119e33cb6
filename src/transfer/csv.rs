//! Writes records of CSV files, and keeps spreadsheets from reading texts as formulas.

use std::borrow::Cow;

/// Appends one record as in RFC 4180, but with LF as the line end.
pub(super) fn push_record<'c>(
    csv: &mut csv_core::Writer,
    line: &mut Vec<u8>,
    cells: impl IntoIterator<Item = Option<Cow<'c, str>>>,
) {
    let mut end = line.len();
    for (index, cell) in cells.into_iter().enumerate() {
        let cell = cell.unwrap_or_default();
        // Room for the longest form: the quote that ends the previous cell, a separator, two quotes, and every byte
        // doubled.
        line.resize(end + 2 * cell.len() + 4, 0);
        if index > 0 {
            end += csv.delimiter(&mut line[end..]).1;
        }
        end += csv.field(cell.as_bytes(), &mut line[end..]).2;
    }
    line.resize(end + 4, 0);
    end += csv.terminator(&mut line[end..]).1;
    line.truncate(end);
}

/// Adds apostrophes, so that a spreadsheet shows the text as text. An apostrophe goes before a text whose first
/// alphanumeric character is a digit, because such a text looks like a number, a date or an amount (`12E3`, `1-2`,
/// `$ 5`). An apostrophe also goes before a formula at the start of the text, and before a formula that follows a
/// character that can separate cells. A Spanish spreadsheet, for example, splits cells at semicolons.
pub(super) fn escape_for_spreadsheet(cell: &str) -> String {
    const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];
    let starts_value = cell
        .chars()
        .find(|character| character.is_alphanumeric())
        .is_some_and(char::is_numeric);
    let mut text = String::with_capacity(cell.len() + 1);
    let mut at_start = true;
    for (index, character) in cell.char_indices() {
        if index == 0 && starts_value || at_start && starts_formula(character) {
            text.push('\'');
            at_start = false;
        }
        text.push(character);
        at_start = SEPARATORS.contains(&character) || at_start && character.is_whitespace();
    }
    text
}

/// Whether this character starts a formula in a spreadsheet. Chinese and Japanese spreadsheets also
/// accept the fullwidth forms. Some programs skip a tab or a carriage return and read the text
/// after it.
fn starts_formula(character: char) -> bool {
    matches!(
        character,
        '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escaping_only_adds_apostrophes_and_leaves_no_formula_or_number(
            text in "[=+\\-@＝１0-9aé';. \t\r\n]{0,8}|\\PC{0,8}"
        ) {
            let cell = escape_for_spreadsheet(&text);
            let first = cell.trim_start().chars().next();
            prop_assert!(!first.is_some_and(|first| starts_formula(first) || first.is_numeric()), "{cell:?}");
            prop_assert!(!cell.split([';', '\t', '\r', '\n']).any(|part| part.starts_with(starts_formula)), "{cell:?}");
            prop_assert_eq!(cell.replace('\'', ""), text.replace('\'', ""));
        }
    }

    #[test]
    fn cells_with_separators_quotes_or_line_ends_are_quoted() {
        let mut csv = csv_core::Writer::new();
        let mut file = Vec::new();
        for cells in [["a", "b;c", ""], ["\"", "a,b", "\"\""], ["", "1\r2", "x\ny"]] {
            push_record(&mut csv, &mut file, cells.map(|cell| Some(cell.into())));
        }
        push_record(&mut csv, &mut file, [None, None]);
        let expected = "a,b;c,\n\"\"\"\",\"a,b\",\"\"\"\"\"\"\n,\"1\r2\",\"x\ny\"\n,\n";
        assert_eq!(String::from_utf8(file).unwrap(), expected);
    }

    #[test]
    fn text_that_looks_like_a_formula_or_a_number_is_escaped() {
        for (text, expected) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+5491123456789", "'+5491123456789"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\tx", "'\tx"),
            ("\r=1", "'\r'=1"),
            ("a;=1", "a;'=1"),
            ("a\n=1", "a\n'=1"),
            ("a=b", "a=b"),
            ("ana@example.com", "ana@example.com"),
            (" =a", " '=a"),
            (" -1", "' -1"),
            ("＝1+1", "'＝1+1"),
            ("＋5491123456789", "'＋5491123456789"),
            ("－a", "'－a"),
            ("＠SUM(1)", "'＠SUM(1)"),
            ("a;＝b", "a;'＝b"),
            ("011 15-2345-6789", "'011 15-2345-6789"),
            ("178414012345678901", "'178414012345678901"),
            ("12E34567", "'12E34567"),
            ("1-2", "'1-2"),
            ("1/2", "'1/2"),
            ("１２", "'１２"),
            (".5", "'.5"),
            ("$ 5", "'$ 5"),
            ("(5)", "'(5)"),
            ("0", "'0"),
            ("ana1@example.com", "ana1@example.com"),
            ("x-1", "x-1"),
            ("😀", "😀"),
            ("", ""),
        ] {
            assert_eq!(escape_for_spreadsheet(text), expected, "{text:?}");
        }
    }
}
