//! International prefixes and trunk prefixes.

use rlibphonenumber::{CountryCodeSource, PHONE_NUMBER_UTIL};

use super::support::{holds, region};
use crate::domain::phone::dialling;
use crate::domain::phone::reading::readings;

#[test]
fn the_international_prefix_of_a_region_is_a_plus() {
    holds([
        ("AU", "0011 442079460018", "+442079460018"),
        ("AU", "0014 442079460018", "+442079460018"),
        ("SG", "001 6591234567", "+6591234567"),
        ("SG", "021 442079460018", "+442079460018"),
        ("KR", "00700 442079460018", "+442079460018"),
        ("BR", "0021 442079460018", "+442079460018"),
        ("BR", "0014 1 2125552368", "+12125552368"),
        ("JP", "010 442079460018", "+442079460018"),
        ("RU", "810 442079460018", "+442079460018"),
        ("CU", "119 442079460018", "+442079460018"),
        ("NG", "009 442079460018", "+442079460018"),
        ("MX", "09 442079460018", "+442079460018"),
        ("CL", "1230 442079460018", "+442079460018"),
        ("CO", "009 442079460018", "+442079460018"),
        ("ID", "008 5491123456789", "+5491123456789"),
        ("US", "011 54 9 11 2345 6789", "+5491123456789"),
    ]);
}

#[test]
fn double_zero_is_a_plus_in_every_region() {
    for code in ["US", "AU", "SG", "JP", "RU", "BR", "CO", "MX", "NG", "HK"] {
        holds([(code, "00 44 20 7946 0018", "+442079460018")]);
    }
    holds([
        // The region's own calling code comes before its carriers' prefixes.
        ("CO", "0057 351 123 4567", "+573511234567"),
        ("BR", "0055 11 98765-4321", "+5511987654321"),
    ]);
    let phones: Vec<_> = readings("0091 70123 45678", region("CO"))
        .into_iter()
        .map(|reading| reading.phone)
        .collect();
    assert_eq!(
        phones,
        ["+17012345678", "+917012345678"],
        "009 and 00 are both international prefixes"
    );
}

/// The prefix with a digit for each class.
fn example(pattern: &str) -> String {
    let mut example = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let length = if c == '[' { rest.find(']').unwrap() + 1 } else { 1 };
        example.push(match c {
            '[' => rest.as_bytes()[1].into(),
            'd' => '3',
            _ => c,
        });
        rest = &rest[length..];
    }
    example
}

#[test]
fn the_table_of_prefixes_agrees_with_the_library() {
    let abroad = PHONE_NUMBER_UTIL.parse("+442079460018", None).unwrap();
    let mut rows = 0;
    for library_region in PHONE_NUMBER_UTIL.get_supported_regions() {
        let code = library_region.to_string();
        for pattern in dialling::patterns(&code) {
            let prefix = example(pattern);
            let dialled = format!("{prefix}442079460018");
            assert!(
                dialling::international_prefixes(&dialled, &code).any(|length| length == prefix.len()),
                "{dialled} in {code}"
            );
            let parsed = PHONE_NUMBER_UTIL
                .parse_and_keep_raw_input(&dialled, Some(library_region))
                .unwrap();
            assert_eq!(
                parsed.country_code_source(),
                CountryCodeSource::FromNumberWithIdd,
                "{dialled} in {code}"
            );
            rows += 1;
        }
        // The library writes the prefix that it prefers, if it has one.
        let formatted = PHONE_NUMBER_UTIL.format_out_of_country_calling_number(&abroad, library_region);
        let digits: String = formatted.chars().filter(char::is_ascii_digit).collect();
        let prefix = digits.trim_end_matches("442079460018").trim_end_matches("2079460018");
        if !prefix.is_empty() && prefix != "00" && digits != "02079460018" {
            let is_known = dialling::international_prefixes(&digits, &code).any(|length| length == prefix.len());
            assert!(is_known, "{formatted} from {code}");
        }
    }
    assert!(rows > 130, "{rows} patterns");
}
