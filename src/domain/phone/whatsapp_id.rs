//! WhatsApp ids (JIDs): persons, groups and channels, told apart by suffix. A device can stand before the suffix:
//! `5491123456789:12@s.whatsapp.net`. An agent can stand before the device: `5491123456789.0:12@s.whatsapp.net`.

/// Suffixes of ids of persons. The digits before them are the phone number.
const PERSON: [&str; 2] = ["@s.whatsapp.net", "@c.us"];

/// Suffixes of ids of groups, of broadcasts (such as `status@broadcast`) and of channels.
const NO_PERSON: [&str; 3] = ["@g.us", "@broadcast", "@newsletter"];

/// Suffix of the id of a person whose number WhatsApp hides: the digits before it are not a phone number.
const HIDDEN_NUMBER: &str = "@lid";

/// Whether the id belongs to a group, a broadcast or a channel, and so not to a person.
pub fn is_group_or_channel(whatsapp_id: &str) -> bool {
    NO_PERSON.iter().any(|suffix| without(whatsapp_id, suffix).is_some())
}

/// Whether the id's digits are a pseudonym in place of the person's phone number.
pub fn is_hidden_number(whatsapp_id: &str) -> bool {
    without(whatsapp_id, HIDDEN_NUMBER).is_some()
}

/// The phone number of a person's id, without the device. `None` if the text is no id of a person.
pub fn number(whatsapp_id: &str) -> Option<&str> {
    let id = PERSON.iter().find_map(|suffix| without(whatsapp_id, suffix))?;
    let id = match id.rsplit_once(':') {
        Some((number, device)) if has_digit(number) && is_digits(device) => number,
        _ => id,
    };
    match id.rsplit_once('.') {
        Some((number, agent)) if is_digits(number.trim_start_matches('+')) && is_digits(agent) => Some(number),
        _ => Some(id),
    }
}

/// The text before the suffix, which can be in any case.
fn without<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let text = text.trim_end();
    let (id, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(id)
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The external id that WhatsApp gives a person whose number it hides, in one notation: without a label, a `+`, and the
/// agent and the device that can follow the digits (`jid: 98765432101234.0:12@lid`). `None` if the text is no such id.
pub fn hidden_number_id(text: &str) -> Option<String> {
    let id = without_labels(without(text, HIDDEN_NUMBER)?);
    let id = id.strip_prefix('+').unwrap_or(id);
    let person = id.split([':', '.']).next().unwrap_or_default();
    is_digits(person).then(|| format!("{person}{HIDDEN_NUMBER}"))
}

/// An external id as contacts store it: the id of a person with a hidden number in one notation, and any other id as it
/// is.
pub fn external_id(id: String) -> String {
    hidden_number_id(&id).unwrap_or(id)
}

/// The text without the words before an id, such as `jid:` and `WhatsApp id `.
fn without_labels(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let rest = text.trim_start_matches(char::is_alphabetic);
        let after = rest.trim_start_matches(|c: char| matches!(c, ':' | '=') || c.is_whitespace());
        if rest.len() == text.len() || after.len() == rest.len() {
            return text;
        }
        text = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_identifies_groups_and_hidden_numbers() {
        assert!(is_group_or_channel("status@broadcast") && is_group_or_channel("1-2@G.US"));
        assert!(is_group_or_channel("120363144038483540@newsletter "));
        assert!(!is_group_or_channel("us") && !is_group_or_channel("ñ.us"));
        assert!(is_hidden_number("98765432101234@LID") && !is_hidden_number("lid"));
        assert!(is_hidden_number("98765432101234:7@lid"));
    }

    #[test]
    fn the_number_of_an_id_is_without_its_device() {
        for id in [
            "54911@c.us",
            "54911:12@S.whatsapp.net",
            "54911.0:1@s.whatsapp.net",
            "54911.0@c.us",
        ] {
            assert_eq!(number(id), Some("54911"), "{id}");
        }
        for id in ["54911@lid", "54911@g.us", "54911"] {
            assert_eq!(number(id), None, "{id}");
        }
    }

    #[test]
    fn a_hidden_number_has_one_id_in_every_notation_and_any_other_text_stays() {
        for text in [
            "98765432101234@lid",
            "+98765432101234@lid",
            "jid: 98765432101234@lid",
            "JID:98765432101234:4@LID",
            "WhatsApp id = +98765432101234.0:12@lid ",
        ] {
            assert_eq!(hidden_number_id(text).as_deref(), Some("98765432101234@lid"), "{text}");
            assert_eq!(external_id(text.to_owned()), "98765432101234@lid", "{text}");
        }
        for text in [
            "jid@lid",
            "a1@lid",
            ":4@lid",
            "@lid",
            "1 2@lid",
            "1a@lid",
            "98765432101234",
            "7@c.us",
        ] {
            assert_eq!(hidden_number_id(text), None, "{text}");
            assert_eq!(external_id(text.to_owned()), text);
        }
    }
}
