//! Folds texts, so that case and accents do not matter.

/// Whether the character only adds an accent to the letter before it, or marks an ordinal number, as in `n.º`.
pub(super) fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | 'º' | 'ª')
}

/// A lower-case letter without its accent.
pub(super) fn fold(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// A text in lower case and without accents, whatever its Unicode normalisation.
pub(super) fn fold_text(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|character| !is_mark(*character))
        .map(fold)
        .collect()
}

/// A column's name without case, accents, blanks, dashes and underscores.
pub(super) fn normalise(column: &str) -> String {
    fold_text(column)
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}
