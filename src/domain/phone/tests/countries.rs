//! The numbering plans.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::support::{e164, finds, holds, holds_in, key, region};
use crate::domain::phone::region::Region;

#[test]
fn the_cases_in_phone_cases_tsv_hold() {
    let cases = include_str!("../../../../tests/data/phone-cases.tsv").lines().skip(1);
    holds(cases.map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        (fields[0], fields[1], fields[2])
    }));
}

#[test]
fn an_argentine_mobile_resolves_with_any_combination_of_9_and_15_and_0() {
    holds_in(
        "AR",
        &[
            ("+54 9 11 2345-6789", "+5491123456789"),
            ("54 9 11 2345 6789", "+5491123456789"),
            ("011 15 2345 6789", "+5491123456789"),
            ("11 15 2345 6789", "+5491123456789"),
            ("(011) 15-2345-6789", "+5491123456789"),
            ("9 11 2345 6789", "+5491123456789"),
            ("09 11 2345 6789", "+5491123456789"),
            ("9 011 2345 6789", "+5491123456789"),
            ("9 011 15 2345 6789", "+5491123456789"),
            ("+54 9 011 2345 6789", "+5491123456789"),
            ("+54 011 15 2345 6789", "+5491123456789"),
            ("54 9 011 15 2345 6789", "+5491123456789"),
            ("00 54 9 11 15 2345 6789", "+5491123456789"),
        ],
    );
}

#[test]
fn the_15_stands_after_an_argentine_area_code_of_two_three_or_four_digits() {
    holds_in(
        "AR",
        &[
            ("11 15 2345 6789", "+5491123456789"),
            ("223 15 596 1983", "+5492235961983"),
            ("+54 0 223 15 596 1983", "+5492235961983"),
            ("54 9 0223 15 596 1983", "+5492235961983"),
            ("0351 15 230 3473", "+5493512303473"),
            ("9 351 15 230 3473", "+5493512303473"),
            ("02901 15 412345", "+5492901412345"),
            ("+54 9 2901 15 412345", "+5492901412345"),
            // 220 and 2202 are both area codes. The position of the 15 shows which one it is.
            ("0220 15 412 3456", "+5492204123456"),
            ("02202 15 412345", "+5492202412345"),
            // 23 is not an area code, but 2326 is, and 2326 412345 is a number.
            ("23 15 26 412345", "-"),
        ],
    );
}

#[test]
fn a_15_inside_an_argentine_number_stays() {
    holds_in(
        "AR",
        &[
            ("+54 11 1523 4567", "+541115234567"),
            ("11 1523 4567", "+541115234567"),
            ("011 1523-4567", "+541115234567"),
            ("+54 9 11 1523 4567", "+5491115234567"),
            ("011 15 1523 4567", "+5491115234567"),
            ("0351 415 1523", "+543514151523"),
        ],
    );
}

#[test]
fn an_argentine_number_without_its_area_code_does_not_resolve() {
    for input in [
        "15 2345-6789",
        "1523456789",
        "15 596 1983",
        "2345-6789",
        "9 15 2345 6789",
        "+54 15 2345 6789",
    ] {
        holds_in("AR", &[(input, "-")]);
    }
}

#[test]
fn an_argentine_fixed_line_stays_and_has_the_key_of_the_mobile() {
    holds_in(
        "AR",
        &[
            ("11 2345-6789", "+541123456789"),
            ("011 2345 6789", "+541123456789"),
            ("+54 (0)11 2345 6789", "+541123456789"),
            ("541123456789", "+541123456789"),
            ("0810 222 1234", "+548102221234"),
            ("0800-222-1234", "+548002221234"),
        ],
    );
    assert_eq!(key("AR", "+541123456789"), "5491123456789");
    assert_eq!(key("AR", "+5491123456789"), "5491123456789");
    assert_eq!(key("AR", "02901 412345"), key("AR", "02901 15 412345"));
    assert_eq!(
        key("AR", "0810 222 1234"),
        "548102221234",
        "a number without an area code has no mobile form"
    );
}

#[test]
fn a_mexican_number_is_its_ten_digits_whatever_prefix_is_before_them() {
    holds_in(
        "MX",
        &[
            ("55 1234 5678", "+525512345678"),
            ("1 55 1234 5678", "+525512345678"),
            ("01 55 1234 5678", "+525512345678"),
            ("044 55 1234 5678", "+525512345678"),
            ("045 55 1234 5678", "+525512345678"),
            ("+52 1 55 1234 5678", "+525512345678"),
            ("+52 044 55 1234 5678", "+525512345678"),
            ("+52 (01) 55 1234 5678", "+525512345678"),
            ("5215512345678", "+525512345678"),
            ("525512345678", "+525512345678"),
            ("01 800 123 4567", "+528001234567"),
            ("1234 5678", "-"),
            ("046 55 1234 5678", "-"),
        ],
    );
    holds([
        ("AR", "5215512345678", "+525512345678"),
        ("AR", "525512345678", "+525512345678"),
    ]);
}

#[test]
fn an_eight_digit_mobile_of_brazil_gets_its_ninth_digit() {
    holds_in(
        "BR",
        &[
            ("11 8765-4321", "+5511987654321"),
            ("11 6765-4321", "+5511967654321"),
            ("11 9765-4321", "+5511997654321"),
            ("011 8765-4321", "+5511987654321"),
            ("+55 11 8765 4321", "+5511987654321"),
            ("551187654321", "+5511987654321"),
            ("5511987654321", "+5511987654321"),
            ("55 8765-4321", "+5555987654321"),
            ("11 3003-1234", "+551130031234"),
            ("11 2345-6789", "+551123456789"),
            ("8765-4321", "-"),
        ],
    );
    holds([("AR", "551187654321", "+5511987654321")]);
}

#[test]
fn a_brazilian_number_with_7_stays_and_has_the_key_of_its_nine_digit_form() {
    holds_in(
        "BR",
        &[("11 7765-4321", "+551177654321"), ("11 97765-4321", "+5511977654321")],
    );
    assert_eq!(key("BR", "11 7765-4321"), "5511977654321");
    assert_eq!(key("BR", "11 97765-4321"), "5511977654321");
}

#[test]
fn a_brazilian_carrier_code_is_dropped() {
    holds_in(
        "BR",
        &[
            ("0 15 11 98765-4321", "+5511987654321"),
            ("0 15 11 8765-4321", "+5511987654321"),
            ("0 27 11 2345-6789", "+551123456789"),
            ("+55 0 15 11 98765-4321", "+5511987654321"),
            ("90 11 98765-4321", "+5511987654321"),
            ("90 11 8765-4321", "+5511987654321"),
            ("90 15 11 98765-4321", "+5511987654321"),
            ("0xx11 98765-4321", "+5511987654321"),
            ("(0XX11) 8765-4321", "+5511987654321"),
            ("0**11 98765-4321", "+5511987654321"),
            ("+55 0xx11 98765-4321", "+5511987654321"),
            ("0800 123 4567", "+558001234567"),
            ("9090 98765-4321", "-"),
        ],
    );
}

#[test]
fn chile_has_no_trunk_prefix_and_numbers_with_9_are_mobiles() {
    holds_in(
        "CL",
        &[
            ("9 8765 4321", "+56987654321"),
            ("09 8765 4321", "+56987654321"),
            ("+56 0 9 8765 4321", "+56987654321"),
            ("+56 9 0000 0000", "+56900000000"),
            ("912345678", "+56912345678"),
            ("56912345678", "+56912345678"),
            ("0 2 2345 6789", "+56223456789"),
            ("+56 (0)2 2345 6789", "+56223456789"),
            ("600 123 4567", "+566001234567"),
            ("8765 4321", "-"),
        ],
    );
}

#[test]
fn a_colombian_fixed_line_of_before_2021_gets_its_60() {
    holds_in(
        "CO",
        &[
            ("1 234 5678", "+576012345678"),
            ("(4) 234 5678", "+576042345678"),
            ("01 234 5678", "+576012345678"),
            ("03 1 234 5678", "+576012345678"),
            ("0444 1 234 5678", "+576012345678"),
            ("+57 1 234 5678", "+576012345678"),
            ("5712345678", "+576012345678"),
            ("601 234 5678", "+576012345678"),
            ("+57 (601) 234 5678", "+576012345678"),
            ("234 5678", "-"),
        ],
    );
}

#[test]
fn a_colombian_mobile_loses_the_prefixes_of_a_call_from_a_fixed_line() {
    holds_in(
        "CO",
        &[
            ("300 123 4567", "+573001234567"),
            ("03 300 123 4567", "+573001234567"),
            ("+57 03 300 123 4567", "+573001234567"),
            ("57 300 123 4567", "+573001234567"),
            ("01 800 012 3456", "+5718000123456"),
        ],
    );
}

#[test]
fn other_countries_are_read_as_googles_metadata_reads_them() {
    holds([
        ("US", "(212) 555-2368", "+12125552368"),
        ("US", "1 212 555 2368", "+12125552368"),
        ("US", "555-2368", "-"),
        ("GB", "+44 (0)20 7946 0018", "+442079460018"),
        ("DE", "030/901820", "+4930901820"),
        ("IT", "06 6982 1234", "+390669821234"),
        ("AR", "+39 06 6982 1234", "+390669821234"),
        ("AR", "+800 1234 5678", "+80012345678"),
        ("AR", "+999 1234 5678", "-"),
    ]);
}

#[test]
fn another_regions_international_prefix_leads_to_the_rules_of_the_country_behind_it() {
    holds([
        ("US", "011 54 9 11 15 2345 6789", "+5491123456789"),
        ("US", "011 52 1 55 1234 5678", "+525512345678"),
        ("US", "011 55 11 8765 4321", "+5511987654321"),
    ]);
}

#[test]
fn a_region_is_two_letters_that_the_metadata_knows() {
    assert_eq!("ar".parse(), Ok(Region::DEFAULT));
    assert_eq!(region("mX").as_str(), "MX");
    for unknown in ["", "A", "ARG", "54", "ZZ", "AQ", "001", "Ñ", " AR"] {
        let error = unknown.parse::<Region>().expect_err("no region");
        assert_eq!(error, "a region is an ISO 3166 code of two letters such as AR");
    }
}

/// The metadata's example numbers of all regions and types.
fn examples() -> Vec<String> {
    use rlibphonenumber::PhoneNumberType as Type;
    let kinds = [
        Type::FixedLine,
        Type::Mobile,
        Type::TollFree,
        Type::PremiumRate,
        Type::SharedCost,
        Type::VoIP,
    ];
    PHONE_NUMBER_UTIL
        .get_supported_regions()
        .flat_map(|region| kinds.map(|kind| PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind)))
        .filter_map(|number| number.ok().map(|number| number.to_string()))
        .collect()
}

#[test]
fn example_numbers_of_every_country_are_unchanged_in_every_region() {
    let examples = examples();
    assert!(examples.len() > 800, "{} examples", examples.len());
    for number in &examples {
        for code in ["AR", "BR", "CO", "US", "DE"] {
            assert_eq!(&e164(code, number), number, "in {code}");
            assert!(finds(code, &number[1..], number), "{number} without its plus in {code}");
        }
    }
}
