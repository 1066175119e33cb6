//! Phone numbers: a lookup of a text finds its stored form. A stored E.164 number is the same
//! number in every region.

#![no_main]

use contact_search::domain::phone::{Reading, Region, StoredPhone, pieces, readings};
use libfuzzer_sys::fuzz_target;

/// A platform on which bare digits are first read as a national number, as in lookups.
const PLATFORM: &str = "sms";

/// Countries with their own rules, countries with and without a trunk prefix, countries that share
/// a calling code, and a country whose numbers keep their leading zero.
const REGIONS: [&str; 12] = ["AR", "MX", "BR", "CL", "CO", "US", "DE", "GB", "IT", "BS", "CI", "AU"];

/// The most digits of a number: three of the calling code, and seventeen that Google's metadata can allow after it.
/// E.164 has fifteen in all, but the metadata allows longer German numbers.
const DIGITS_MAX: usize = 3 + 17;

fn region(choice: u8) -> Region {
    let code = REGIONS[usize::from(choice) % REGIONS.len()];
    code.parse().expect("a known region")
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks that a reading is well-formed and, if it resolves, is the same number in `elsewhere`.
fn check(reading: &Reading, elsewhere: Region) {
    let Reading { phone, key, extension, resolved } = reading;
    // The key of an id that is no phone number (`…@lid`) is the whole id.
    assert!(is_digits(key) || key.contains('@') && !resolved, "{reading:?}");
    assert!(extension.as_deref().is_none_or(is_digits), "{reading:?}");
    assert!(is_digits(phone.strip_prefix('+').unwrap_or(phone)), "{reading:?}");
    if *resolved {
        assert!(phone.starts_with('+') && phone.len() <= 1 + DIGITS_MAX, "{reading:?}");
        let without_extension = Reading { extension: None, ..reading.clone() };
        assert_eq!(readings(phone, elsewhere), [without_extension], "in {elsewhere:?}");
        for plus in ["00", " ", ""] {
            let asked = phone.replacen('+', plus, 1);
            let is_found = readings(&asked, elsewhere).iter().any(|again| again.key == *key);
            assert!(is_found, "{asked:?} in {elsewhere:?} for {reading:?}");
        }
    }
}

fuzz_target!(|input: (u8, u8, &str)| {
    let (here, elsewhere, text) = input;
    let (here, elsewhere) = (region(here), region(elsewhere));
    let asked = readings(text, here);
    asked.iter().for_each(|reading| check(reading, elsewhere));

    let pieces = pieces(text, here);
    assert!(pieces.len() <= 4 && pieces.iter().all(|piece| is_digits(piece)), "{pieces:?}");

    let stored = StoredPhone::read(text, here, PLATFORM);
    assert_eq!(stored.as_given, text);
    assert_eq!(stored.phone.is_some(), !asked.is_empty());
    let (Some(phone), Some(key)) = (stored.phone, stored.key) else {
        return;
    };
    if stored.resolved && !stored.identifies {
        // A valid number that is also a placeholder, such as Chile's 999 999 999, has its digits as its key. No reading
        // has this key.
        return;
    }
    let (extension, resolved) = (stored.extension, stored.resolved);
    let stored = Reading { phone, key, extension, resolved };
    check(&stored, elsewhere);
    // A lookup of the text finds the stored number. Leading blanks are trimmed, because a lookup
    // may read a leading blank as a lost `+`.
    let asked = readings(text.trim_start(), here);
    assert!(asked.contains(&stored) || asked.iter().any(|reading| reading.key.contains('@')), "in {here:?}");
    // A text can contain several numbers. The stored phone then has all their digits, and this long number can be
    // valid. If it is not valid, reading the stored phone again changes nothing.
    let again = StoredPhone::read(&stored.phone, here, PLATFORM);
    if !again.resolved {
        let again = (again.phone.as_deref(), again.key.as_deref());
        assert_eq!(again, (Some(&*stored.phone), Some(&*stored.key)), "in {here:?}");
    }
});
