//! WhatsApp ids (JIDs): persons, groups and channels, told apart by suffix.

/// Suffixes of ids of groups, of broadcasts (such as `status@broadcast`) and of channels.
const NO_PERSON: [&str; 3] = ["@g.us", "@broadcast", "@newsletter"];

/// Suffix of the id of a person whose number WhatsApp hides: the digits before it are not a phone number.
const HIDDEN_NUMBER: &str = "@lid";

/// Whether the id belongs to a group, a broadcast or a channel, and so not to a person.
pub fn is_group_or_channel(whatsapp_id: &str) -> bool {
    NO_PERSON.iter().any(|suffix| ends_with(whatsapp_id, suffix))
}

/// Whether the id's digits are a pseudonym in place of the person's phone number.
pub fn is_hidden_number(whatsapp_id: &str) -> bool {
    ends_with(whatsapp_id, HIDDEN_NUMBER)
}

fn ends_with(text: &str, suffix: &str) -> bool {
    let start = text.len().checked_sub(suffix.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_identifies_groups_and_hidden_numbers() {
        assert!(is_group_or_channel("status@broadcast") && is_group_or_channel("1-2@G.US"));
        assert!(!is_group_or_channel("us") && !is_group_or_channel("ñ.us"));
        assert!(is_hidden_number("98765432101234@LID") && !is_hidden_number("lid"));
    }
}
