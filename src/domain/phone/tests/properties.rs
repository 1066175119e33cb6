//! Properties of any text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{any_region, argentine, finds, key, phone_like, region, stored};
use crate::domain::phone::clean::Written;
use crate::domain::phone::metadata::calling_code;
use crate::domain::phone::reading::readings;

/// Checks that all notations are stored as `e164` and find one another.
fn check_same_number(code: &str, e164: &str, notations: &[String]) -> Result<(), TestCaseError> {
    let key = key(code, e164);
    for notation in notations {
        let contact = stored(code, notation);
        prop_assert_eq!(contact.phone.as_deref(), Some(e164), "{}", notation);
        prop_assert_eq!(contact.key.as_deref(), Some(&*key), "{}", notation);
        prop_assert!(
            readings(notation, region(code))
                .iter()
                .any(|reading| reading.key == key),
            "{}",
            notation
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>(), code in any_region()) {
        let contact = stored(code, &text);
        prop_assert_eq!(contact.phone.is_some(), !readings(&text, region(code)).is_empty());
    }

    #[test]
    fn a_stored_number_is_found_by_the_same_text(text in phone_like(), code in any_region()) {
        let contact = stored(code, &text);
        // The key of a valid placeholder, such as Chile's 999 999 999, is no reading's key, so that nobody finds it.
        if let Some(key) = contact.key.filter(|_| contact.identifies || !contact.resolved) {
            prop_assert!(key.bytes().all(|byte| byte.is_ascii_digit()));
            let asked = readings(text.trim_start(), region(code));
            let stored = asked.iter().position(|reading| reading.key == key).unwrap();
            prop_assert_eq!(Some(&asked[stored].phone), contact.phone.as_ref());
            // A lookup prefers the national number where the stored one begins with the region's own calling code.
            let own_code = calling_code(code).unwrap().to_string();
            prop_assert!(stored == 0 || key.starts_with(&own_code));
        }
    }

    #[test]
    fn a_resolved_number_reads_as_itself_in_every_region_and_without_its_plus(
        text in phone_like(), code in any_region(), other in any_region()
    ) {
        let contact = stored(code, &text);
        let Some(phone) = contact.phone.filter(|_| contact.resolved && contact.identifies) else { return Ok(()) };
        let again = stored(other, &phone);
        prop_assert!(again.resolved);
        prop_assert_eq!(again.phone.as_ref(), Some(&phone));
        prop_assert_eq!(again.key, contact.key);
        for plus in ["", " ", "00"] {
            let asked = phone.replace('+', plus);
            prop_assert!(finds(other, &asked, &phone), "{:?}", asked);
        }
    }

    /// Texts with more than one number are exempt: their joined digits say nothing about them.
    #[test]
    fn an_unresolved_number_reads_as_itself_in_its_region(text in phone_like(), code in any_region()) {
        let contact = stored(code, &text);
        let is_exempt = contact.resolved || !Written::read(&text).is_one_number();
        if let Some(phone) = contact.phone.filter(|_| !is_exempt) {
            let again = stored(code, &phone);
            prop_assert_eq!((again.phone, again.key), (Some(phone), contact.key));
        }
    }

    /// The noise has no full stop, because a full stop before a final zero marks a column of
    /// decimals, and no bracket where it ends an index (`1) 223 596-1983`).
    #[test]
    fn blanks_hyphens_and_brackets_change_nothing(
        digits in "\\+?[0-9]{4,15}",
        noise in vec(select(vec!["", "", " ", "-", "(", ")", "\u{a0}", "\u{2011}", "\u{200b}"]), 16),
        code in any_region(),
    ) {
        let start: String = digits.chars().take(2).collect();
        let noisy: String = digits.chars().skip(2).zip(noise).map(|(digit, noise)| format!("{digit}{noise}")).collect();
        let noisy = format!("{start}{noisy}");
        let (plain, noisy) = (stored(code, &digits), stored(code, &noisy));
        prop_assert_eq!((plain.phone, plain.key), (noisy.phone, noisy.key));
    }

    #[test]
    fn all_notations_of_an_argentine_mobile_are_the_same_number(
        (area, number) in argentine(), separator in "[ -]?"
    ) {
        let s = &separator;
        let notations = [
            format!("+549{s}{area}{s}{number}"), format!("549{area}{number}"), format!("00549{s}{area}{s}{number}"),
            format!("0{area}{s}15{s}{number}"), format!("{area}{s}15{number}"), format!("9{s}{area}{s}{number}"),
            format!("+54{s}{area}{s}15{s}{number}"), format!("54{area}15{number}"),
            format!("+54{s}9{s}{area}{s}15{s}{number}"), format!("+54{s}0{area}{s}15{s}{number}"),
            format!("54{s}9{s}0{area}{s}15{s}{number}"), format!("549{area}{number}@s.whatsapp.net"),
        ];
        let mobile = format!("+549{area}{number}");
        check_same_number("AR", &mobile, &notations)?;
        let fixed = format!("+54{area}{number}");
        check_same_number("AR", &fixed, &[format!("{area}{s}{number}"), format!("0{area}{s}{number}"), format!("54{area}{number}")])?;
        prop_assert_eq!(key("AR", &mobile), key("AR", &fixed));
    }

    #[test]
    fn all_notations_of_a_mexican_number_are_the_same_number(number in "(55|33|81)[1-9][0-9]{7}") {
        let notations = ["", "+52", "+521", "52", "521", "0052", "00521", "01", "044", "045", "+5201", "+52045"];
        check_same_number("MX", &format!("+52{number}"), &notations.map(|prefix| format!("{prefix}{number}")))?;
    }

    #[test]
    fn any_north_american_number_with_a_bare_1_stays_north_american_in_mexico(
        number in "[2-9][0-8][0-9][2-9][0-9]{6}", separator in "[ -]?"
    ) {
        let (area, s) = (&number[..3], &separator);
        let e164 = format!("+1{number}");
        let is_valid = stored("US", &e164).resolved;
        let contact = stored("MX", &format!("1{s}{area}{s}{}{s}{}", &number[3..6], &number[6..]));
        prop_assert_eq!(contact.phone == Some(e164.clone()), is_valid, "{}", e164);
    }

    #[test]
    fn any_bare_mobile_of_germany_gets_no_second_49(number in "(15[0-9]{9}|16[023][0-9]{7}|17[0-9]{8})") {
        let digits = format!("49{number}");
        let e164 = format!("+{digits}");
        if stored("AR", &e164).resolved {
            for text in [digits.clone(), format!("49 {} {}", &number[..3], &number[3..])] {
                let contact = stored("DE", &text);
                prop_assert_eq!(contact.phone.as_deref(), Some(&*e164));
                let is_found = finds("DE", &format!("0{number}"), &text);
                prop_assert!(is_found, "0{} finds {}", number, text);
            }
        }
    }

    #[test]
    fn all_notations_of_a_brazilian_mobile_are_the_same_number(
        area in "(11|21|55|71|85)", number in "[689][0-9]{7}"
    ) {
        let notations: Vec<_> = ["", "0", "015", "0 21 ", "90", "9015", "+55", "55", "0055", "+55 0", "0xx"]
            .iter()
            .flat_map(|prefix| [format!("{prefix}{area}9{number}"), format!("{prefix}{area}{number}")])
            .collect();
        check_same_number("BR", &format!("+55{area}9{number}"), &notations)?;
    }

    #[test]
    fn all_notations_of_a_chilean_mobile_are_the_same_number(number in "9[0-9]{8}") {
        let notations = ["", "0", "+56", "56", "0056", "+560"];
        check_same_number("CL", &format!("+56{number}"), &notations.map(|prefix| format!("{prefix}{number}")))?;
    }

    #[test]
    fn all_notations_of_a_colombian_number_are_the_same_number(
        mobile in "3(0[0-5]|1[0-9])[0-9]{7}", area in "[124-8]", fixed in "[2-9][0-9]{6}"
    ) {
        let prefixes = ["", "0", "03", "09", "+57", "57", "0057", "+5703"];
        check_same_number("CO", &format!("+57{mobile}"), &prefixes.map(|prefix| format!("{prefix}{mobile}")))?;
        let prefixes = ["", "60", "0", "07", "+57", "+5760", "57", "0057"];
        check_same_number("CO", &format!("+5760{area}{fixed}"), &prefixes.map(|prefix| format!("{prefix}{area}{fixed}")))?;
    }
}
