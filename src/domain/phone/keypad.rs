//! Vanity numbers, whose letters stand for the digits on the same keys of a telephone.

/// The fewest letters of a vanity number. Fewer letters are a typing mistake or an abbreviation.
const LETTERS_MIN: usize = 3;

/// The digits that a caller dials, the longest reading first. The first reading has all words of the text. Each further
/// one omits one more of the last words, which can be a remark. Empty if the text is no vanity number.
pub fn dialled(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (1..=words.len())
        .rev()
        .map_while(|count| {
            let words = &words[..count];
            let letters = words
                .iter()
                .flat_map(|word| word.chars())
                .filter(char::is_ascii_alphabetic)
                .count();
            (letters >= LETTERS_MIN).then(|| words.iter().copied().map(dial).collect::<Option<String>>())
        })
        .flatten()
        .collect()
}

/// Whether all letters are capitals, as in most vanity numbers and in few remarks.
pub fn is_in_capitals(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| c.is_alphabetic());
    letters.clone().count() >= LETTERS_MIN && letters.all(|c| c.is_ascii_uppercase())
}

/// The keys of a word. `None` if a letter is on no key.
fn dial(word: &str) -> Option<String> {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c.to_ascii_uppercase() {
            'A'..='C' => Some('2'),
            'D'..='F' => Some('3'),
            'G'..='I' => Some('4'),
            'J'..='L' => Some('5'),
            'M'..='O' => Some('6'),
            'P'..='S' => Some('7'),
            'T'..='V' => Some('8'),
            'W'..='Z' => Some('9'),
            digit @ '0'..='9' => Some(digit),
            _ => None,
        })
        .collect()
}
