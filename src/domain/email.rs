//! Emails: removes the text that people, mail programs and web pages write around an address, and recognises texts that
//! are no email.

use std::borrow::Cow;

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use percent_encoding::percent_decode_str;

use super::visible::is_invisible;

/// The longest text that is unwrapped, in bytes. An address has at most 320 characters. Each layer costs a pass over
/// the text, so a cell of a megabyte would take long.
const UNWRAPPED_MAX: usize = 1_024;

/// The most layers around an address. Each layer costs a pass over the text. A text with more layers is no address.
const LAYERS_MAX: usize = 64;

/// Reads the email of a contact before it is written: the address, without the text around it. `None` if the text is
/// blank or a placeholder such as `n/a`.
pub fn stored(text: String) -> Option<String> {
    let address = if is_plain(&text) { text } else { clean(&visible(&text)) };
    (!is_placeholder(&address)).then_some(address)
}

/// Whether the text has an `@` between other characters.
pub fn is_email(text: &str) -> bool {
    parts(text).is_some()
}

/// Whether the text is one complete address, with a dot in its domain. `ana@exam` can be the beginning of one.
pub(super) fn is_complete(text: &str) -> bool {
    let Some((_, domain)) = parts(text).filter(|(_, domain)| !domain.contains('@')) else {
        return false;
    };
    !domain.contains(char::is_whitespace) && domain.trim_matches('.').contains('.')
}

/// The texts before and after the first `@` that is between other characters.
fn parts(text: &str) -> Option<(&str, &str)> {
    let is_other = |character: char| character != '@' && !character.is_whitespace();
    let (first, last) = (text.find(is_other)?, text.rfind(is_other)?);
    let at = first + text[first..last].find('@')?;
    Some((&text[..at], &text[at + '@'.len_utf8()..]))
}

/// Whether the text has only plain characters, so that [`clean`] leaves it unchanged. Most addresses do.
fn is_plain(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'@');
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric)) && bytes.iter().all(|byte| is_inner(*byte))
}

/// The text in NFC, trimmed, without invisible characters. Every blank becomes a space, because texts from web pages
/// have no-break spaces. A NUL stays, because the check of a text refuses it.
pub(super) fn visible(text: &str) -> String {
    let shown = text
        .chars()
        .filter(|&character| character == '\0' || !is_invisible(character));
    let shown: String = shown
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .collect();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&shown);
    composed.trim().to_owned()
}

/// Removes the text around an address in a [`visible`] text: a name, a label, `mailto:`, quotes, brackets, punctuation.
///
/// A text of more than [`UNWRAPPED_MAX`] bytes or [`LAYERS_MAX`] layers stays unchanged.
pub(super) fn clean(text: &str) -> String {
    if text.len() > UNWRAPPED_MAX {
        return text.to_owned();
    }
    let mut address = Cow::Borrowed(text);
    for _ in 0..=LAYERS_MAX {
        address = match &address {
            Cow::Borrowed(outer) => match unwrap(outer) {
                Some(inner) => inner,
                None => return address.into_owned(),
            },
            Cow::Owned(outer) => match unwrap(outer) {
                Some(inner) => Cow::Owned(inner.into_owned()),
                None => return address.into_owned(),
            },
        };
    }
    text.to_owned()
}

/// Removes one layer around the address. `None` if the text has no layer. The result is shorter than the text.
fn unwrap(text: &str) -> Option<Cow<'_, str>> {
    let steps = [without_remark, without_edges, without_label, without_query];
    // A part of a visible text is visible, apart from the blanks at its ends. A decoded text can have any character.
    if let Some(inner) = in_brackets(text) {
        return Some(Cow::Borrowed(inner.trim()));
    }
    let inner = after_mailto(text).map(|inner| Cow::Owned(visible(&inner)));
    inner.or_else(|| {
        steps
            .iter()
            .find_map(|step| step(text))
            .map(|inner| Cow::Borrowed(inner.trim()))
    })
}

/// The address of a link. It can have `%2B` for `+`, and headers such as `?subject=x`.
fn after_mailto(text: &str) -> Option<String> {
    const SCHEME: &str = "mailto:";
    let at = text.to_ascii_lowercase().find(SCHEME)?;
    let address = &text[at + SCHEME.len()..];
    let address = address.split('?').next().unwrap_or(address);
    let decoded = percent_decode_str(address).decode_utf8();
    Some(decoded.map_or_else(|_| address.to_owned(), Cow::into_owned))
}

/// The address in `Name <address>` and `Name (address)`. Of two addresses in angle brackets it takes neither.
fn in_brackets(text: &str) -> Option<&str> {
    let groups = |open: char, close: char| {
        let groups = text.split(open).skip(1);
        groups.map(move |group| group.split(close).next().unwrap_or(group))
    };
    let mut angles = groups('<', '>').filter(|group| group.contains('@'));
    if let (Some(address), None) = (angles.next(), angles.next()) {
        return Some(address);
    }
    // The name before angle brackets can be an address too. Other brackets can enclose a remark, so their text is the
    // address only if it has every `@` of the text.
    let signs = text.matches('@').count();
    let others = [('(', ')'), ('[', ']'), ('{', '}')];
    let mut others = others.iter().flat_map(|&(open, close)| groups(open, close));
    others.find(|group| signs > 0 && group.matches('@').count() == signs)
}

/// Removes the marks at the start of the text. If there are none, removes the marks at its end. Marks are quotes,
/// brackets, commas, semicolons, dots and bars, bullets at the start, and `:` and `!` at the end.
///
/// One call removes all consecutive marks of one end. But a remark can begin with an opening bracket, or end with a
/// closing one, so the call stops before this bracket. If this bracket is the first or last character of the text, the
/// call removes only the bracket and its repetitions.
fn without_edges(text: &str) -> Option<&str> {
    let inner = without_start(text);
    let inner = if inner.len() < text.len() {
        inner
    } else {
        without_end(text)
    };
    (inner.len() < text.len()).then_some(inner)
}

/// Whether the character is written around an address.
fn is_around(character: char) -> bool {
    let is_quote = matches!(character, '"' | '\'' | '`' | '´' | '«' | '»' | '‹' | '›' | '‘'..='‟');
    let is_mark = matches!(character, ',' | ';' | '|' | '.' | '…' | '،' | '、' | '，' | '；' | '。');
    is_quote || is_mark || is_opening(character) || is_closing(character)
}

fn is_opening(character: char) -> bool {
    matches!(character, '(' | '[' | '{' | '<')
}

fn is_closing(character: char) -> bool {
    matches!(character, ')' | ']' | '}' | '>')
}

/// Whether the character is a bullet or a symbol such as `✉`, if a blank follows it. A combining accent is not, since
/// it belongs to the character before it.
fn is_bullet(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, '-' | '=' | '*');
    }
    let is_accent = CanonicalCombiningClassMapBorrowed::new().get_u8(character) != 0;
    !is_accent && !character.is_alphanumeric() && !is_around(character)
}

/// The text without the marks at its start.
fn without_start(text: &str) -> &str {
    if let Some(bracket) = text.chars().next().filter(|&first| is_opening(first)) {
        return text.trim_start_matches([bracket, ' ']);
    }
    // The quotes of `"john doe"@example.com` are part of the address.
    let quoted = text.rfind("\"@");
    let kept = text.char_indices().find(|&(at, character)| {
        let is_removed = match character {
            ' ' => true,
            '"' => quoted.is_none_or(|quoted| quoted <= at),
            bullet if is_bullet(bullet) => text[at + bullet.len_utf8()..].starts_with(' '),
            other => is_around(other) && !is_opening(other),
        };
        !is_removed
    });
    kept.map_or("", |(at, _)| &text[at..])
}

/// The text without the marks at its end.
fn without_end(text: &str) -> &str {
    let is_part = match text.chars().next_back() {
        // The brackets of `ana@[192.0.2.1]` are part of the address.
        Some(']') => text.contains("@["),
        // The text has two addresses in angle brackets.
        Some('>') => text.contains('<'),
        _ => false,
    };
    match text.chars().next_back() {
        _ if is_part => text,
        Some(bracket) if is_closing(bracket) => text.trim_end_matches([bracket, ' ']),
        _ => text.trim_end_matches(|last| matches!(last, ' ' | ':' | '!') || is_around(last) && !is_closing(last)),
    }
}

/// The text without a remark in brackets before or after the address.
fn without_remark(text: &str) -> Option<&str> {
    after_remark(text).or_else(|| before_remark(text))
}

/// The text after a remark in brackets at the start: `(Ana) ana@example.com`.
fn after_remark(text: &str) -> Option<&str> {
    let (inner, rest) = match text.chars().next()? {
        '(' => text.split_once(')')?,
        '[' => text.split_once(']')?,
        '{' => text.split_once('}')?,
        _ => return None,
    };
    (!inner.contains('@') && is_email(rest)).then_some(rest)
}

/// The text before a remark in brackets at the end: `ana@example.com (home)`.
fn before_remark(text: &str) -> Option<&str> {
    let open = match text.chars().next_back()? {
        ')' => '(',
        ']' => '[',
        '}' => '{',
        _ => return None,
    };
    let (address, inner) = text.rsplit_once(open)?;
    (!inner.contains('@') && is_email(address) && !address.ends_with('@')).then_some(address)
}

/// Words that label an email, in lower case.
const LABELS: [&str; 25] = [
    "email",
    "e-mail",
    "emails",
    "e-mails",
    "mail",
    "mails",
    "correo",
    "correos",
    "electronico",
    "electrónico",
    "eletronico",
    "eletrônico",
    "e.mail",
    "courriel",
    "dirección",
    "direccion",
    "endereço",
    "endereco",
    "address",
    "smtp",
    "sip",
    "contacto",
    "contato",
    "to",
    "from",
];

/// The text after a label. An address has no colon before its `@`, so any words with a colon are a label. Other
/// separators need a word of [`LABELS`].
fn without_label(text: &str) -> Option<&str> {
    let is_colon = |character| matches!(character, ':' | '：');
    if let Some((local, _)) = parts(text)
        && !local.ends_with('"')
        && !text.contains("://")
        && let Some((_, start)) = local.rsplit_once(is_colon)
        && !start.trim().is_empty()
    {
        return Some(&text[local.len() - start.len()..]);
    }
    let (label, rest) = text.split_once(|character| matches!(character, ' ' | '=') || is_colon(character))?;
    let is_label = LABELS.contains(&label.trim_end_matches(['-', '.']).to_lowercase().as_str());
    let has_colon = text[label.len()..].starts_with(is_colon);
    (is_label && (is_email(rest) || has_colon && !rest.trim().is_empty())).then_some(rest)
}

/// The address before the headers of a link, such as `?subject=x`.
fn without_query(text: &str) -> Option<&str> {
    let (local, domain) = parts(text)?;
    let query = domain.find('?')?;
    Some(&text[..local.len() + '@'.len_utf8() + query])
}

/// Words that deny an email, without accents.
const DENIALS: [&str; 26] = [
    "no",
    "nao",
    "sin",
    "sem",
    "not",
    "without",
    "none",
    "null",
    "nulo",
    "nil",
    "nan",
    "ninguno",
    "ninguna",
    "ningun",
    "nenhum",
    "nenhuma",
    "undefined",
    "unknown",
    "desconocido",
    "desconhecido",
    "empty",
    "blank",
    "vacio",
    "vazio",
    "pendiente",
    "pendente",
];

/// Words that can follow a denial, without accents.
const DENIED: [&str; 51] = [
    "email",
    "emails",
    "mail",
    "mails",
    "correo",
    "correos",
    "electronico",
    "eletronico",
    "e",
    "direccion",
    "endereco",
    "address",
    "casilla",
    "dato",
    "datos",
    "dado",
    "dados",
    "data",
    "tiene",
    "tengo",
    "tem",
    "tenho",
    "posee",
    "possui",
    "hay",
    "ha",
    "usa",
    "available",
    "applicable",
    "provided",
    "given",
    "set",
    "known",
    "specified",
    "disponible",
    "disponivel",
    "aplica",
    "aplicable",
    "aplicavel",
    "se",
    "informa",
    "informado",
    "informada",
    "declara",
    "registra",
    "registrado",
    "registrada",
    "cadastrado",
    "definido",
    "any",
    "value",
];

/// Abbreviations without their punctuation: `n/a`, `s/d` (sin datos), `#N/D`, `s/correo`.
const ABBREVIATIONS: [&str; 17] = [
    "na", "nd", "nt", "ni", "ns", "nc", "sd", "sn", "sc", "se", "sm", "scorreo", "smail", "semail", "tbd", "n", "s",
];

/// Whether the text says that there is no email. `na@na.com` is as empty as `n/a`.
fn is_placeholder(text: &str) -> bool {
    match parts(text) {
        None => is_denial(text),
        Some((local, domain)) => {
            let host = domain.split('.').next().unwrap_or(domain);
            local == host && is_denial(local)
        }
    }
}

/// Whether the text has no letter or digit, repeats `x` or `0`, is one of the [`ABBREVIATIONS`], or consists of words
/// that deny an email.
fn is_denial(text: &str) -> bool {
    /// The most bytes of a denial.
    const LENGTH_MAX: usize = 60;
    if text.len() > LENGTH_MAX {
        return false;
    }
    // The decomposed form has the accents as separate characters.
    let plain = DecomposingNormalizerBorrowed::new_nfd().normalize(text).to_lowercase();
    let plain: String = plain.chars().filter(|character| character.is_alphanumeric()).collect();
    let is_one_repeated = |repeated| plain.chars().all(|character| character == repeated);
    is_one_repeated('x')
        || is_one_repeated('0')
        || ABBREVIATIONS.contains(&plain.as_str())
        || DENIALS
            .iter()
            .any(|word| plain.strip_prefix(word).is_some_and(are_denied))
}

/// Whether the rest of a denial, written without blanks, consists of words that can follow one.
fn are_denied(rest: &str) -> bool {
    rest.is_empty()
        || DENIED
            .iter()
            .chain(&DENIALS)
            .any(|word| rest.strip_prefix(word).is_some_and(are_denied))
}

#[cfg(test)]
#[path = "tests/email.rs"]
mod tests;
