//! Scripts of SQL with several statements.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::result::QueryResult;

/// Runs the statements of a script, each in a message of its own. Citus passes a message with `SET LOCAL` as a whole on to
/// its nodes, and refuses most changes of a schema in a message with several statements.
pub(super) fn run_script(connection: &mut PgConnection, script: &str) -> QueryResult<()> {
    let mut statements = statements(script).into_iter();
    statements.try_for_each(|statement| connection.batch_execute(statement))
}

/// The statements of a script, without the semicolons between them. A comment belongs to the statement after it.
///
/// Knows quoted texts and names, dollar quotes and comments. It does not know functions with `BEGIN ATOMIC`.
pub(super) fn statements(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut at, mut is_blank) = (0, 0, true);
    while let Some(next) = script[at..].chars().next() {
        let rest = &script[at..];
        if next == ';' {
            if !is_blank {
                statements.push(script[start..at].trim());
            }
            at += 1;
            (start, is_blank) = (at, true);
            continue;
        }
        if let Some(length) = comment(rest) {
            at += length;
            continue;
        }
        is_blank &= next.is_whitespace();
        at += quoted(rest).unwrap_or_else(|| word(rest).unwrap_or(next.len_utf8()));
    }
    if !is_blank {
        statements.push(script[start..].trim());
    }
    statements
}

/// The length of the comment at the start of the text.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// The length of the quoted text or name at the start of the text.
fn quoted(text: &str) -> Option<usize> {
    if text.starts_with(['E', 'e']) && text[1..].starts_with('\'') {
        return Some(1 + closed(&text[1..], '\'', true));
    }
    if let Some(quote @ ('\'' | '"')) = text.chars().next() {
        return Some(closed(text, quote, false));
    }
    let tag = text.strip_prefix('$')?;
    let length = tag.find('$')?;
    let is_tag = tag[..length]
        .chars()
        .all(|character| character.is_alphanumeric() || character == '_')
        && !tag.starts_with(|first: char| first.is_ascii_digit());
    let quote = &text[..length + 2];
    let end = text[quote.len()..].find(quote).filter(|_| is_tag)?;
    Some(end + 2 * quote.len())
}

/// The length up to the quote that closes the one at the start of the text.
fn closed(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        let is_doubled = character == quote && characters.peek().is_some_and(|(_, next)| *next == quote);
        if is_doubled || (has_escapes && character == '\\') {
            characters.next();
        } else if character == quote {
            return at + quote.len_utf8();
        }
    }
    text.len()
}

/// The length of the word at the start of the text. An `e` or a `$` within a word opens no quotes.
fn word(text: &str) -> Option<usize> {
    let is_of_word = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
    text.starts_with(|first: char| first.is_alphanumeric() || first == '_')
        .then(|| text.find(|character| !is_of_word(character)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn a_semicolon_ends_a_statement_outside_of_quotes_and_comments() {
        assert_eq!(statements("a; b ;\n c"), ["a", "b", "c"]);
        for one in [
            "SELECT ';', 'it''s;'",
            r"SELECT E'\';', note'\'",
            r#"SELECT ";" FROM "a"";b""#,
            "DO $$ BEGIN; END $$",
            "DO $body$ $$; $$ ; $body$",
            "SELECT $1, a$b$c",
            "/* a; /* b; */ c; */ SELECT 1",
            "SELECT 1 -- a; b\n+ 2",
        ] {
            assert_eq!(statements(&format!("{one};\nx")), [one, "x"], "{one}");
        }
    }

    #[test]
    fn a_script_can_have_no_statement() {
        for none in ["", " \n", ";;", "-- a", "/* a */ ; -- b;"] {
            assert!(statements(none).is_empty(), "{none}");
        }
    }
}
