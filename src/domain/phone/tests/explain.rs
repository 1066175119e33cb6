//! The explanation of a text: it names every rule and every problem, and agrees with what is stored and looked up.

use std::collections::BTreeSet;

use chrono::DateTime;
use proptest::prelude::*;
use strum::VariantArray;

use super::support::{any_region, phone_like, region};
use crate::domain::contact::{ContactDraft, ContactError, ContactFields};
use crate::domain::phone::explain::Explanation;
use crate::domain::phone::metadata::LineType;
use crate::domain::phone::problem::Problem;
use crate::domain::phone::reading::identifying_readings;
use crate::domain::phone::rule::Rule;
use crate::domain::phone::stored::StoredPhone;

fn explain(code: &str, platform: &str, text: &str) -> Explanation {
    Explanation::of(text, region(code), platform)
}

fn names(rules: &[Rule]) -> String {
    let names: Vec<&str> = rules.iter().map(|rule| rule.name()).collect();
    names.join(" ")
}

/// Region, platform, text, stored phone, and the names of the rules that led to it.
#[rustfmt::skip]
const RULES: [(&str, &str, &str, &str, &str); 49] = [
    ("AR", "sms", "+5492235961983", "+5492235961983", "international-reading"),
    ("AR", "sms", "+54 9 223 596-1983", "+5492235961983", "cleaned international-reading"),
    ("AR", "sms", "\u{200e}+5492235961983", "+5492235961983", "invisible-characters international-reading"),
    ("AR", "sms", "+٥٤٩٢٢٣٥٩٦١٩٨٣", "+5492235961983", "other-scripts international-reading"),
    ("MX", "sms", " 15512345678", "+15512345678", "lost-plus international-reading"),
    ("AR", "sms", "5492235961983@s.whatsapp.net", "+5492235961983", "whatsapp-id international-reading"),
    ("AR", "sms", "https://wa.me/5492235961983", "+5492235961983", "chat-link international-reading"),
    ("AR", "sms", "whatsapp:+5492235961983", "+5492235961983", "whatsapp-prefix international-reading"),
    ("AR", "sms", "sip:+5492235961983@host", "+5492235961983", "sip-address international-reading"),
    ("AR", "sms", "tel:+5492235961983;ext=5", "+5492235961983",
        "address-parameters label-removed extension-split international-reading"),
    ("AR", "sms", "5491123456789.0", "+5491123456789", "decimal-zero own-calling-code international-reading"),
    ("DE", "sms", "#31#015112345678", "+4915112345678", "service-code national-reading national-prefix"),
    ("DE", "sms", "1) 015112345678", "+4915112345678", "index-removed national-reading national-prefix"),
    ("DE", "sms", "Tel 2: 015112345678", "+4915112345678", "index-removed national-reading national-prefix"),
    ("DE", "sms", "Tel: 015112345678", "+4915112345678", "label-removed national-reading national-prefix"),
    ("DE", "sms", "00 +4915112345678", "+4915112345678", "digits-before-plus cleaned international-reading"),
    ("BR", "sms", "0xx11987654321", "+5511987654321", "carrier-placeholder national-reading brazil-trunk-prefix"),
    ("DE", "sms", "015112345678 ext. 7", "+4915112345678",
        "cleaned extension-split national-reading national-prefix"),
    ("DE", "sms", "015112345678 (Büro)", "+4915112345678", "cleaned remark-removed national-reading national-prefix"),
    ("US", "sms", "1-800-FLOWERS", "+18003569377", "cleaned vanity-letters international-reading"),
    ("US", "sms", "1-800-FLOWERS store", "+18003569377",
        "cleaned remark-removed vanity-letters international-reading"),
    ("US", "sms", "1-800-555-TEXT", "+18005558398", "cleaned vanity-letters international-reading"),
    ("BR", "whatsapp", "51987654321", "+51987654321", "whatsapp-platform international-reading"),
    ("BR", "Web-WhatsApp ", "51987654321", "+51987654321", "whatsapp-platform international-reading"),
    ("BR", "whatsapp", "(51) 98765-4321", "+5551987654321", "cleaned area-code-in-brackets national-reading"),
    ("BR", "sms", "51987654321", "+5551987654321", "national-reading"),
    ("DE", "sms", "4915112345678", "+4915112345678", "own-calling-code international-reading"),
    ("MX", "sms", "12025550123", "+12025550123", "mexico-north-american-number international-reading"),
    ("AR", "sms", "00442079460018", "+442079460018", "double-zero international-reading"),
    ("US", "sms", "011442079460018", "+442079460018", "international-prefix"),
    ("AU", "sms", "0011442079460018", "+442079460018", "international-prefix international-reading"),
    ("FR", "sms", "33 1 42 68 53 00", "+33142685300", "cleaned international-reading"),
    ("GB", "sms", "02079460018", "+442079460018", "national-reading national-prefix"),
    ("MX", "sms", "+5215512345678", "+525512345678", "international-reading mexico-old-prefix"),
    ("MX", "sms", "045 55 1234 5678", "+525512345678", "cleaned national-reading mexico-old-prefix"),
    ("AR", "sms", "0223 15-596-1983", "+5492235961983",
        "cleaned national-reading argentina-trunk-zero argentina-mobile-15"),
    ("AR", "sms", "11 2345-6789", "+541123456789", "cleaned national-reading argentina-match-key"),
    ("BR", "sms", "0 15 11 8765-4321", "+5511987654321",
        "cleaned national-reading brazil-trunk-prefix brazil-carrier-code brazil-ninth-digit"),
    ("BR", "sms", "1178123456", "+551178123456", "national-reading brazil-match-key"),
    ("CL", "sms", "09 1234 5678", "+56912345678", "cleaned national-reading chile-trunk-zero chile-mobile"),
    ("CL", "sms", "0912345678", "+56912345678", "national-reading chile-trunk-zero chile-mobile"),
    ("CL", "sms", "912345678", "+56912345678", "national-reading chile-mobile"),
    ("CO", "sms", "03 1 2345678", "+576012345678", "cleaned national-reading colombia-dialling-prefix renumbered"),
    ("BJ", "sms", "90011234", "+2290190011234", "national-reading renumbered"),
    ("CI", "sms", "07123456", "+2250707123456", "national-reading renumbered"),
    ("CI", "sms", "2735912345", "+2252735912345", "national-reading ivory-coast-unlisted-block"),
    ("AR", "sms", "2345-6789", "23456789", "cleaned digits-as-match-key"),
    ("AR", "sms", "0023456789", "+23456789", "double-zero digits-as-match-key"),
    ("CL", "sms", "999 999 999", "+56999999999", "cleaned national-reading chile-mobile digits-as-match-key"),
];

#[test]
fn every_rule_is_named_where_it_applies_in_the_order_of_application() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (code, platform, text, phone, rules) in RULES {
        let stored = explain(code, platform, text).stored.unwrap();
        seen.extend(stored.rules.iter().map(|rule| rule.name()));
        let found = (stored.phone.phone.unwrap(), names(&stored.rules));
        if found != (phone.to_owned(), rules.to_owned()) {
            wrong.push(format!("{text:?} in {code}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<&str> = Rule::VARIANTS
        .iter()
        .map(|rule| rule.name())
        .filter(|name| !seen.contains(name))
        .collect();
    assert!(unseen.is_empty(), "the table has no case of {unseen:?}");
}

/// Region, text, and the problems of the text or of its readings.
#[rustfmt::skip]
const PROBLEMS: [(&str, &str, &str); 31] = [
    ("AR", "hola", "no-digits"),
    ("AR", "1203630@g.us", "group-id"),
    ("AR", "status@broadcast", "group-id"),
    ("AR", "235085806727321@lid", "hidden-number"),
    ("AR", "https://chat.whatsapp.com/AbC123", "link-without-number"),
    ("AR", "5.49112E+12", "scientific-notation"),
    ("AR", "11 2345-6789 / 11 2345-6780", "two-numbers"),
    ("AR", "11 2345-6789 ::: 11 2345-6780", "two-numbers"),
    ("AR", "11 2345-6789 o 9", "two-numbers"),
    ("AR", "ana1123456789@example.com", "email-address"),
    ("AR", "1123456789 ana1@example.com", "email-address"),
    ("AR", "11 23O5-6789", "letters-in-number"),
    ("DE", "030 9018 HAUS", "doubtful-letters"),
    ("AR", "123456789012345678901", "too-many-digits"),
    ("AR", "+999 1234 5678", "international:unknown-calling-code"),
    ("AR", "0", "national:too-short international:unknown-calling-code"),
    ("AR", "+54 11 23", "international:too-short"),
    ("AR", "+54 9 11 2345-67890", "international:too-long"),
    ("AR", "+54 9 11 23456789012345", "international:too-long"),
    ("AR", "2345-6789", "national:area-code-missing international:too-short"),
    ("AR", "15 2345-6789", "national:area-code-missing international:too-short"),
    ("AR", "+54 15 2345-6789", "international:area-code-missing"),
    ("US", "555-0123", "national:area-code-missing international:too-short"),
    ("US", "+1 123 555 0123", "international:not-in-numbering-plan"),
    ("MX", "5512345", "national:area-code-missing international:too-short"),
    ("IS", "+354 4101234 5", "international:wrong-length"),
    ("AR", "5491123456@s.whatsapp.net", "international:area-code-missing national:not-in-numbering-plan"),
    ("AR", "00 999 1234", "international:unknown-calling-code"),
    ("US", "011 999 1234 5678", "national:unknown-calling-code international:unknown-calling-code"),
    ("AR", "", "no-digits"),
    ("AR", "11 2345-6789", ""),
];

#[test]
fn every_problem_is_named_for_the_text_or_for_each_of_its_readings() {
    let long = format!("{}1", "a".repeat(1000));
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (code, text, expected) in PROBLEMS.into_iter().chain([("AR", &*long, "text-too-long")]) {
        let explanation = explain(code, "sms", text);
        let mut found = Vec::new();
        for problem in &explanation.problems {
            seen.insert(problem.problem.code());
            let code = problem.problem.code();
            found.push(match problem.reading {
                Some(reading) => format!("{}:{code}", reading.name()),
                None => code.to_owned(),
            });
        }
        if found.join(" ") != expected {
            wrong.push(format!("{text:?} in {code}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (text, expected) in [
        ("12", Some(Problem::TooFewDigits)),
        ("0", Some(Problem::Placeholder)),
        ("000-0000", Some(Problem::Placeholder)),
        ("800-44-XY", Some(Problem::LettersInNumber)),
        ("5.49112E+12", Some(Problem::ScientificNotation)),
        ("cod 12345", Some(Problem::LettersDropped)),
        ("1234567890123456789", Some(Problem::TooManyDigits)),
        ("12345", None),
        ("11 2345-6789", None),
    ] {
        let stored = explain("AR", "sms", text).stored.unwrap();
        assert_eq!(stored.obstacle, expected, "{text}");
        assert_eq!(stored.phone.identifies, expected.is_none(), "{text}");
        seen.extend(expected.map(Problem::code));
    }
    let unseen: Vec<&str> = Problem::VARIANTS
        .iter()
        .map(|problem| problem.code())
        .filter(|code| !seen.contains(code))
        .collect();
    assert!(unseen.is_empty(), "the tables have no case of {unseen:?}");
}

#[test]
fn the_names_of_rules_and_problems_differ_and_their_texts_are_sentences() {
    let rules = Rule::VARIANTS.iter().map(|rule| (rule.name(), rule.sentence()));
    let problems = Problem::VARIANTS
        .iter()
        .map(|problem| (problem.code(), problem.sentence()));
    let all: Vec<_> = rules.chain(problems).collect();
    let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), all.len());
    for (name, sentence) in all {
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{name}"
        );
        assert!(sentence.ends_with('.') && sentence.len() < 130, "{sentence}");
    }
}

#[test]
fn a_valid_number_has_its_region_and_its_type_of_line() {
    for (text, calling_code, region, line_type) in [
        ("+5492235961983", 54, Some("AR"), LineType::Mobile),
        ("+541123456789", 54, Some("AR"), LineType::FixedLine),
        ("+12025550123", 1, Some("US"), LineType::FixedLineOrMobile),
        ("+14165550123", 1, Some("CA"), LineType::FixedLineOrMobile),
        ("+18003569377", 1, Some("US"), LineType::TollFree),
        ("+80012345678", 800, None, LineType::TollFree),
        ("+447400123456", 44, Some("GB"), LineType::Mobile),
        ("+447781123456", 44, Some("GG"), LineType::Mobile),
        ("+77012345678", 7, Some("KZ"), LineType::Mobile),
        ("+499001123456", 49, Some("DE"), LineType::PremiumRate),
        // Google's metadata does not list these two.
        ("+56912345678", 56, Some("CL"), LineType::Mobile),
        ("+2252735912345", 225, Some("CI"), LineType::FixedLine),
    ] {
        let number = explain("AR", "sms", text).stored.unwrap().number.unwrap();
        let found = (number.calling_code, number.region.as_deref(), number.line_type);
        assert_eq!(found, (calling_code, region, line_type), "{text}");
        assert_eq!(format!("+{calling_code}{}", number.national), text);
    }
}

/// The phone and the external id that a contact gets from a text, as every write decides it. `None` if the write is
/// refused.
fn written(text: &str, code: &str, platform: &str) -> Option<(Option<StoredPhone>, Option<String>)> {
    let fields = ContactFields {
        phone: Some(StoredPhone::read(text, region(code), platform)),
        email: Some("ana@example.com".to_owned()),
        ..ContactFields::default()
    };
    match ContactDraft::new(fields, DateTime::UNIX_EPOCH) {
        Ok(draft) => Some((draft.given().phone.clone(), draft.given().external_user_id.clone())),
        Err(ContactError::NoPerson { .. }) => None,
        Err(error) => panic!("{text:?}: {error}"),
    }
}

fn check_against_store_and_lookup(text: &str, code: &str, platform: &str) -> Result<(), TestCaseError> {
    let explanation = explain(code, platform, text);
    let stored = explanation.stored.as_ref().map(|stored| stored.phone.clone());
    let is_given = explanation.given == text || explanation.given == format!("+{}", text.trim_start());
    prop_assert!(is_given);
    match written(&explanation.given, code, platform) {
        Some(expected) => prop_assert_eq!((stored, explanation.external_user_id.clone()), expected),
        None => prop_assert!(stored.is_none()),
    }
    if explanation.external_user_id.is_none() {
        let readings: Vec<_> = explanation
            .readings
            .iter()
            .map(|explained| explained.reading.clone())
            .collect();
        prop_assert_eq!(readings, identifying_readings(text, region(code)));
    }
    let numbers = explanation
        .readings
        .iter()
        .map(|explained| (&explained.reading.phone, &explained.number));
    let stored = explanation.stored.iter();
    let stored = stored.map(|explained| (explained.phone.phone.as_ref().unwrap(), &explained.number));
    for (phone, number) in numbers.chain(stored) {
        prop_assert_eq!(number.is_some(), explanation.is_valid_number());
        if let Some(number) = number {
            prop_assert_eq!(phone, &format!("+{}{}", number.calling_code, number.national));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_explanation_of_a_number_is_what_a_write_stores_and_a_lookup_asks_for(
        text in "[ \u{200f}]?", number in phone_like(), code in any_region(), whatsapp in any::<bool>()
    ) {
        let platform = if whatsapp { "whatsapp" } else { "sms" };
        check_against_store_and_lookup(&format!("{text}{number}"), code, platform)?;
    }

    #[test]
    fn the_explanation_of_any_text_is_what_a_write_stores_and_a_lookup_asks_for(
        text in "\\PC{0,40}(@lid|@g\\.us|@c\\.us)?", code in any_region()
    ) {
        check_against_store_and_lookup(&text, code, "sms")?;
    }
}
