//! Addresses with a number: links of WhatsApp and Telegram, `sip:`, and the parameters of `tel:`.

use super::rule::Rule;

/// The number in an address.
pub struct Address {
    pub number: String,
    /// Whether the number begins with a calling code, as in a WhatsApp id and in a link.
    pub is_whatsapp: bool,
    pub extension: Option<String>,
    /// The rule for this kind of address.
    pub rule: Rule,
}

/// The prefix that Twilio puts before WhatsApp's number. A label that a person types has a blank after the colon.
const TWILIO_PREFIX: &str = "whatsapp:";

/// Links of WhatsApp whose code is not a phone number.
const WITHOUT_NUMBER: [&str; 4] = [
    "wa.me/message/",
    "wa.me/qr/",
    "chat.whatsapp.com/",
    "whatsapp.com/channel/",
];

/// Whether the text is a link to a chat, a group or a channel whose code hides the number.
pub fn is_link_without_number(text: &str) -> bool {
    if !text.contains('/') {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    WITHOUT_NUMBER
        .iter()
        .filter_map(|link| lower.find(link))
        .any(|at| !lower[..at].contains(|c: char| c.is_ascii_digit()))
}

fn is_plain(number: &str) -> bool {
    let digits = number.trim().trim_start_matches('+');
    !digits.is_empty() && !number.starts_with(' ') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `https://wa.me/…`, `https://api.whatsapp.com/send?phone=…&text=…`, similar links, and `sip:…@host`.
pub fn read(text: &str) -> Option<Address> {
    if !text.contains([':', '/']) {
        return None;
    }
    if let Some(number) = text.strip_prefix(TWILIO_PREFIX).filter(|number| is_plain(number)) {
        return Some(Address {
            number: number.to_owned(),
            is_whatsapp: true,
            extension: None,
            rule: Rule::WhatsAppPrefix,
        });
    }
    let lower = text.to_ascii_lowercase();
    let from = |at: usize, ends: &[char]| {
        let rest = &text[at..];
        &rest[..rest.find(ends).unwrap_or(rest.len())]
    };
    if let Some(at) = lower.find("sip:").or_else(|| lower.find("sips:").map(|at| at + 1)) {
        let (number, extension) = without_parameters(from(at + 4, &['@', '>', '?']));
        return Some(Address {
            number: number.to_owned(),
            is_whatsapp: false,
            extension,
            rule: Rule::SipAddress,
        });
    }
    let is_link = lower.contains("://") || lower.contains("whatsapp.com/") || lower.contains("wa.me/");
    let parameter = ["?phone=", "&phone=", "?number=", "&number="]
        .iter()
        .find_map(|name| lower.find(name).map(|at| at + name.len()));
    let path = ["wa.me/", "t.me/+"]
        .iter()
        .find_map(|host| lower.find(host).map(|at| at + host.len()));
    let at = parameter.or(path).filter(|_| is_link)?;
    let number = percent_decoded(from(at, &['&', '#', '?', '/', ' ', '>']));
    number.bytes().any(|byte| byte.is_ascii_digit()).then_some(Address {
        number,
        is_whatsapp: true,
        extension: None,
        rule: Rule::ChatLink,
    })
}

/// Splits off parameters such as `;phone-context=+1` and `;ext=5`, and returns the digits of the extension.
pub fn without_parameters(text: &str) -> (&str, Option<String>) {
    let is_parameter = |part: &str| {
        let name = part.split_once('=').map_or("", |(name, _)| name.trim());
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    };
    let Some(at) = text
        .match_indices(';')
        .map(|(at, _)| at)
        .find(|at| is_parameter(&text[at + 1..]))
    else {
        return (text, None);
    };
    let extension = text[at..].split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_extension = name.trim().eq_ignore_ascii_case("ext");
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        (is_extension && (1..=8).contains(&digits.len())).then_some(digits)
    });
    (&text[..at], extension)
}

/// Decodes `%2B` and `%20`. A number has no other encoded characters.
fn percent_decoded(text: &str) -> String {
    text.replace("%2B", "+").replace("%2b", "+").replace("%20", " ")
}
