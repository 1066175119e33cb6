//! Text from files, callers and the database, in messages for people. Such a text must not drive the reader's terminal.

use std::borrow::Cow;
use std::fmt::Write;

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

/// Whether the character has no glyph: the characters that Unicode calls default ignorable, interlinear annotations,
/// and control characters other than blanks.
pub fn is_invisible(character: char) -> bool {
    match character {
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_control() && !other.is_whitespace(),
    }
}

/// Whether the invisible character can be a part of the glyph before it: a joiner, a variation selector or a tag, as at
/// the end of `❤\u{fe0f}`.
fn shapes_the_glyph_before(character: char) -> bool {
    matches!(
        character,
        '\u{34f}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200c}'..='\u{200d}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0020}'..='\u{e0fff}'
    )
}

/// The text without blanks and invisible characters at both ends. It is empty if nothing can be seen.
pub fn trim_unseen(text: &str) -> &str {
    let is_unseen = |character: char| character.is_whitespace() || is_invisible(character);
    text.trim_start_matches(is_unseen)
        .trim_end_matches(|character| is_unseen(character) && !shapes_the_glyph_before(character))
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

/// The JSON text with its active characters escaped, as in `\u202e`. A writer of JSON escapes only some of them. Line
/// feeds stay, because the writer has escaped those inside of strings.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let is_escaped = |character| character != '\n' && is_active(character);
    if !json.contains(is_escaped) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        if is_escaped(character) {
            // Every active character fits into four digits. Writing to a string never fails.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
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
    fn invisible_characters_are_trimmed_unless_they_shape_a_glyph() {
        for (text, expected) in [
            ("\u{200b}", ""),
            (" \u{feff}\u{ad}\u{2060} \u{fe0f}\u{200d}", ""),
            ("\u{200e} Ana\u{200b}Gil \u{200f}\t", "Ana\u{200b}Gil"),
            ("Ana ❤\u{fe0f}\u{200b} ", "Ana ❤\u{fe0f}"),
            ("葛\u{e0100}", "葛\u{e0100}"),
            ("", ""),
        ] {
            assert_eq!(trim_unseen(text), expected, "{text:?}");
        }
    }

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

    #[test]
    fn json_has_no_active_character_and_keeps_its_text() {
        let text = "a\u{1b}\u{9b}\u{202e}\u{2028}\u{7f}é";
        let json = serde_json::json!({ "key": text }).to_string();
        let escaped = visible_json(&json);
        assert_eq!(escaped, "{\"key\":\"a\\u001b\\u009b\\u202e\\u2028\\u007fé\"}");
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read["key"], text);
    }
}
