//! Google's example numbers of all regions.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

use super::support::{e164, finds, region, stored};
use crate::domain::phone::dialling;
use crate::domain::phone::pieces::pieces;
use crate::domain::phone::reading::readings;

/// The example numbers of these types in the metadata, with their regions and types.
fn examples(types: &[PhoneNumberType]) -> Vec<(String, PhoneNumberType, PhoneNumber)> {
    let mut regions: Vec<_> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort();
    regions
        .iter()
        .flat_map(|region| {
            types.iter().filter_map(|kind| {
                let number = PHONE_NUMBER_UTIL
                    .get_example_number_for_type_and_region(*region, *kind)
                    .ok()?;
                Some((region.to_string(), *kind, number))
            })
        })
        .collect()
}

#[test]
fn example_numbers_of_every_country_are_unchanged_in_every_region() {
    use PhoneNumberType::{FixedLine, Mobile, PremiumRate, SharedCost, TollFree, VoIP};
    let examples = examples(&[FixedLine, Mobile, TollFree, PremiumRate, SharedCost, VoIP]);
    assert!(examples.len() > 800, "{} examples", examples.len());
    for (_, _, number) in &examples {
        let number = &number.to_string();
        for code in ["AR", "BR", "CO", "US", "DE"] {
            assert_eq!(&e164(code, number), number, "in {code}");
            assert!(finds(code, &number[1..], number), "{number} without its plus in {code}");
        }
    }
}

/// An international prefix of the region that has digits alone.
fn international_prefix(code: &str) -> String {
    let prefixes = [
        "011", "0011", "001", "002", "009", "010", "119", "810", "000", "01", "09", "0021",
    ];
    prefixes
        .iter()
        .find(|prefix| dialling::international_prefixes(prefix, code).any(|length| length == prefix.len()))
        .map_or("00", |prefix| *prefix)
        .to_owned()
}

#[test]
fn every_notation_of_an_example_number_finds_the_contact_stored_in_every_other_notation() {
    use PhoneNumberType::{FixedLine, Mobile, TollFree};
    let examples = examples(&[FixedLine, Mobile, TollFree]);
    assert!(examples.len() >= 673, "{} examples", examples.len());
    let (mut failures, mut national) = (Vec::new(), Vec::new());
    for (code, kind, number) in &examples {
        let e164 = number.to_string();
        let digits = &e164[1..];
        let international = PHONE_NUMBER_UTIL
            .format(number, PhoneNumberFormat::International)
            .into_owned();
        let notations = [
            e164.clone(),
            international.clone(),
            PHONE_NUMBER_UTIL
                .format(number, PhoneNumberFormat::National)
                .into_owned(),
            PHONE_NUMBER_UTIL
                .format(number, PhoneNumberFormat::RFC3966)
                .into_owned(),
            format!("00{digits}"),
            format!("{} {digits}", international_prefix(code)),
            format!("{digits}@s.whatsapp.net"),
            format!("{e164} ext. 12345678"),
            format!("Tel 2: {international} (oficina)"),
            format!("https://wa.me/{digits}?text=1"),
            digits.to_owned(),
        ];
        let asked: Vec<Vec<String>> = notations
            .iter()
            .map(|notation| {
                readings(notation, region(code))
                    .into_iter()
                    .map(|reading| reading.key)
                    .collect()
            })
            .collect();
        for contact in &notations {
            let stored = stored(code, contact);
            let key = stored.key.unwrap();
            if contact == digits && stored.phone.as_ref() != Some(&e164) {
                national.push((*kind, contact.clone()));
                continue;
            }
            for (notation, keys) in notations.iter().zip(&asked) {
                if !keys.contains(&key) {
                    failures.push(format!("{code}: {notation:?} does not find {contact:?}"));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    // Bare digits are stored as a national number if they are a valid one, unless they are the region's own calling
    // code and a mobile number.
    assert!(
        national.iter().all(|(kind, _)| *kind != Mobile) && national.len() <= 5,
        "{national:?}"
    );
}

#[test]
fn the_whatsapp_id_of_a_mobile_of_any_country_is_no_national_number_of_another_region() {
    let examples = examples(&[PhoneNumberType::Mobile]);
    let mut also_national = 0;
    for (_, _, number) in &examples {
        let e164 = number.to_string();
        let digits = &e164[1..];
        for code in [
            "AR", "AT", "BR", "CL", "CO", "DE", "GB", "ID", "IN", "IT", "MX", "SE", "US",
        ] {
            let phones: Vec<String> = readings(&format!("{digits}@s.whatsapp.net"), region(code))
                .into_iter()
                .map(|reading| reading.phone)
                .collect();
            assert_eq!(phones, [e164.as_str()], "{digits} in {code}");
            also_national += usize::from(readings(digits, region(code)).len() > 1);
        }
    }
    assert!(
        also_national > 100,
        "{also_national} ids are also national numbers, so that the region matters"
    );
}

#[test]
fn the_bare_own_mobile_of_any_region_is_stored_with_its_calling_code_once() {
    for (code, _, number) in examples(&[PhoneNumberType::Mobile]) {
        let number = number.to_string();
        assert_eq!(e164(&code, &number[1..]), number, "in {code}");
    }
}

#[test]
fn a_contact_of_any_country_is_found_while_its_number_is_typed() {
    for (code, _, number) in examples(&[PhoneNumberType::Mobile]) {
        let e164 = number.to_string();
        let phone = stored(&code, &e164).phone.unwrap();
        let format = |format| PHONE_NUMBER_UTIL.format(&number, format).into_owned();
        let international = format(PhoneNumberFormat::International);
        for typed in [
            format(PhoneNumberFormat::National),
            international.replace('+', "00"),
            international.replace('+', &international_prefix(&code)),
            international,
        ] {
            // The starts with six to eight digits, and the whole text.
            let digits = |start: &str| start.bytes().filter(u8::is_ascii_digit).count();
            let starts = typed.char_indices().map(|(at, last)| &typed[..at + last.len_utf8()]);
            for start in starts.filter(|start| (6..=8).contains(&digits(start)) || start.len() == typed.len()) {
                let is_found = pieces(start, region(&code))
                    .iter()
                    .any(|piece| phone.contains(&**piece));
                assert!(is_found, "{start:?} in {code} finds {phone}");
            }
        }
    }
}
