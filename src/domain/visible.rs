//! Text from files, callers and the database, in messages for people. Such a text must not drive the reader's terminal.

use std::borrow::Cow;

/// Whether a terminal or an editor acts on the character instead of showing it. These are control characters, line
/// separators, and characters that change the direction of the text around them.
pub const fn is_active(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// The text on one line, with active characters escaped: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, is_active)
}

/// As [`visible`], but line feeds and tabs stay. For a text of several lines whose parts are escaped already.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| {
        !matches!(character, '\n' | '\t') && is_active(character)
    })
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match is_escaped(character) {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bidirectional_and_line_separator_characters_are_escaped() {
        for (text, expected) in [
            ("\u{1b}]0;owned\u{7}", "\\u{1b}]0;owned\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("a\u{2028}b\u{2029}c\u{85}d", "a\\u{2028}b\\u{2029}c\\u{85}d"),
            ("\u{202e}moc\u{2066}x\u{200f}", "\\u{202e}moc\\u{2066}x\\u{200f}"),
            ("Peña 👩‍👩‍👧 日本 \\", "Peña 👩‍👩‍👧 日本 \\"),
            ("", ""),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
        assert_eq!(visible_lines("a\n\tb\u{1b}\r"), "a\n\tb\\u{1b}\\r");
    }
}
