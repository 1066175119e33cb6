//! Every rule as a table: the client's region, what is written, and the E.164 that it becomes; `-` stands
//! for a number that must not resolve.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::*;

fn region(code: &str) -> Region {
    code.parse().expect("a known region")
}

fn stored(code: &str, input: &str) -> StoredPhone {
    StoredPhone::read(input, region(code))
}

/// The E.164 that is stored for the input, or `-`.
fn e164(code: &str, input: &str) -> String {
    let stored = stored(code, input);
    stored
        .phone
        .filter(|_| stored.resolved)
        .unwrap_or_else(|| "-".to_owned())
}

fn key(code: &str, input: &str) -> String {
    stored(code, input).key.expect("the input has digits")
}

/// Whether a question for `input` finds the contact that was written as `contact`.
fn finds(code: &str, input: &str, contact: &str) -> bool {
    let contact = stored(code, contact).key.expect("the contact has digits");
    readings(input, region(code))
        .iter()
        .any(|reading| reading.key == contact)
}

#[track_caller]
fn holds<'a>(cases: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) {
    for (code, input, expected) in cases {
        assert_eq!(e164(code, input), expected, "{input:?} in {code}");
        if expected != "-" {
            assert!(finds(code, input, expected), "a question for {input:?} in {code}");
            assert!(
                finds(code, expected, input),
                "a question for {expected:?}, stored as {input:?} in {code}"
            );
        }
    }
}

#[track_caller]
fn holds_in<'a>(code: &'a str, cases: &[(&'a str, &'a str)]) {
    holds(cases.iter().map(|(input, expected)| (code, *input, *expected)));
}

#[test]
fn the_cases_that_were_agreed_on_hold() {
    let cases = include_str!("../../../tests/data/phone-cases.tsv").lines().skip(1);
    holds(cases.map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        (fields[0], fields[1], fields[2])
    }));
}

#[test]
fn an_argentine_mobile_is_one_number_however_9_and_15_and_0_are_combined() {
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
            // 220 and 2202 are both area codes: the 15 tells which.
            ("0220 15 412 3456", "+5492204123456"),
            ("02202 15 412345", "+5492202412345"),
            // 23 is none, though 2326 is, and 2326 412345 a number.
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
        "no mobile shares a number that has no area code"
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
fn a_first_digit_7_stays_in_brazil_with_the_key_of_the_nine_digits() {
    holds_in(
        "BR",
        &[("11 7765-4321", "+551177654321"), ("11 97765-4321", "+5511977654321")],
    );
    assert_eq!(key("BR", "11 7765-4321"), "5511977654321");
    assert_eq!(key("BR", "11 97765-4321"), "5511977654321");
}

#[test]
fn a_carrier_code_is_no_part_of_a_brazilian_number() {
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
fn chile_has_no_trunk_prefix_any_more_and_all_of_9_is_mobile() {
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
fn a_leading_00_is_a_plus_and_a_single_0_is_not() {
    holds_in(
        "AR",
        &[
            ("0054 9 11 2345 6789", "+5491123456789"),
            ("00 1 212 555 2368", "+12125552368"),
            ("+00 54 9 11 2345 6789", "+5491123456789"),
            ("054 9 11 2345 6789", "-"),
            ("+054 9 11 2345 6789", "-"),
        ],
    );
}

#[test]
fn a_number_with_plus_never_uses_the_region() {
    holds([
        ("AR", "+11 2345 6789", "-"),
        ("MX", "+1 551 234 5678", "+15512345678"),
        ("AR", "+1 5 2345 6789", "-"),
    ]);
}

#[test]
fn a_whatsapp_id_finds_the_contact_of_its_number() {
    holds([
        ("AR", "5491123456789@s.whatsapp.net", "+5491123456789"),
        ("AR", "5491123456789@C.US", "+5491123456789"),
        ("AR", "5491123456789:12@s.whatsapp.net", "+5491123456789"),
        ("MX", "5215512345678@c.us", "+525512345678"),
        ("BR", "551187654321@s.whatsapp.net", "+5511987654321"),
        // An id begins with its calling code even where its digits are a national number as well.
        ("MX", "15512345678@s.whatsapp.net", "+15512345678"),
        // Groups and anonymous ids hold no number to call.
        ("AR", "5491123456789-1400000000@g.us", "-"),
        ("AR", "5491123456789@lid", "-"),
    ]);
}

#[test]
fn an_extension_is_no_part_of_the_number() {
    for extension in [
        "x123",
        " x 123",
        " ext. 5",
        " ext 5",
        " EXT: 5",
        " Extensión 5",
        " int. 5",
        " (int 5)",
        " interno 12",
        " anexo 7",
        " ramal 7",
        "#5",
        " # 5",
        " ext #5",
        ";ext=5",
        ",,5",
        " ext 123#",
        " x1234567",
    ] {
        for number in ["+54 11 2345-6789", "11 2345-6789"] {
            holds_in("AR", &[(&format!("{number}{extension}"), "+541123456789")]);
        }
    }
    // As long as a number, it is one.
    holds_in("AR", &[("11 2345-6789 x1123456780", "-")]);
}

#[test]
fn what_is_written_around_a_number_does_not_matter() {
    for input in [
        "tel:+54-11-2345-6789",
        "Tel.: +54 11 2345 6789",
        "https://wa.me/541123456789",
        "'+541123456789",
        "=\"541123456789\"",
        "+54.11.2345.6789",
        "(+54) (11) 2345-6789",
        "++54 11 2345 6789",
        "+54 11 2345\u{2011}6789",
        "+54\u{a0}11\u{202f}2345\u{2013}6789",
        "\u{202a}+54 11 2345-6789\u{202c}",
        "\u{feff}11 2345-6789\u{200b}",
        "📞 +54 11 2345-6789",
        "11 2345-6789 (casa)",
        "11 2345-6789,",
        "  11 2345-6789\r\n",
        "＋５４ １１ ２３４５ ６７８９",
        "٠١١ ٢٣٤٥ ٦٧٨٩",
        "०११ २३४५ ६७८९",
    ] {
        holds_in("AR", &[(input, "+541123456789")]);
    }
}

#[test]
fn two_numbers_in_one_cell_do_not_resolve() {
    for separator in [
        " / ", "/", ", ", ";", " y ", " o ", "\n", "\r\n", " | ", " & ", " + ", " ", " - ", "\\",
    ] {
        for (first, second) in [
            ("11 2345-6789", "11 2345-6780"),
            ("4123-4567", "68"),
            ("+541123456789", "+541123456780"),
        ] {
            holds_in("AR", &[(&format!("{first}{separator}{second}"), "-")]);
        }
    }
    holds_in("AR", &[("1123456/789", "-"), ("0351/4123456", "+543514123456")]);
}

#[test]
fn a_spreadsheets_damage_does_not_resolve_where_digits_are_lost() {
    holds_in(
        "AR",
        &[
            ("5.49112E+12", "-"),
            ("5,49112E+12", "-"),
            ("5.49112e12", "-"),
            ("5.491123456789E+12", "-"),
            ("5491123456789.0", "+5491123456789"),
            ("1123456789.0", "+541123456789"),
        ],
    );
    assert_eq!(stored("AR", "5,49112E+12").phone.as_deref(), Some("54911212"));
}

#[test]
fn letters_are_never_dialled_as_digits() {
    for input in [
        "1-800-FLOWERS",
        "1-800-356-FLOW",
        "212 555 CATS",
        "(212) 555-2368 o 9",
        "2125552368@example.com",
    ] {
        holds_in("US", &[(input, "-")]);
    }
    holds_in("DE", &[("030 9018 HAUS", "-")]);
}

#[test]
fn an_unresolved_number_keeps_its_plus_and_its_digits_and_is_found_by_them() {
    for (input, phone, key) in [
        ("15 2345-6789", "1523456789", "1523456789"),
        ("+999 12", "+99912", "99912"),
        ("00 999 12", "+99912", "99912"),
        ("int. 5", "5", "5"),
        ("00", "00", "00"),
    ] {
        let contact = stored("AR", input);
        assert_eq!(
            (contact.phone.as_deref(), contact.key.as_deref()),
            (Some(phone), Some(key)),
            "{input}"
        );
        assert!(!contact.resolved);
        assert_eq!(contact.as_given, input);
        assert!(finds("AR", input, input) && finds("AR", key, input), "{input}");
    }
}

#[test]
fn a_text_without_any_digit_is_no_number_at_all() {
    for input in ["", " ", "hola", "+", "()-", "½"] {
        let expected = StoredPhone {
            as_given: input.to_owned(),
            phone: None,
            key: None,
            resolved: false,
        };
        assert_eq!(stored("AR", input), expected);
        assert_eq!(readings(input, Region::DEFAULT), []);
    }
}

#[test]
fn bare_digits_are_asked_for_as_a_national_number_first_and_as_an_international_one_then() {
    let phones = |input| {
        readings(input, region("MX"))
            .into_iter()
            .map(|reading| reading.phone)
            .collect::<Vec<_>>()
    };
    assert_eq!(phones("15512345678"), ["+525512345678", "+15512345678"]);
    assert_eq!(
        phones("525512345678"),
        ["+525512345678"],
        "both readings are the same number"
    );
    assert_eq!(phones("+15512345678"), ["+15512345678"]);
}

#[test]
fn a_leading_blank_of_a_parameter_is_a_plus_where_that_reading_resolves() {
    let phones = |input| {
        readings(input, region("MX"))
            .into_iter()
            .map(|reading| reading.phone)
            .collect::<Vec<_>>()
    };
    assert_eq!(phones(" 15512345678"), ["+15512345678"]);
    assert_eq!(phones(" 5512345678"), ["+525512345678"], "+55 1234 5678 is no number");
    assert_eq!(phones(" 12"), ["12"]);
    assert_eq!(
        stored("MX", " 15512345678").phone.as_deref(),
        Some("+525512345678"),
        "a file encodes nothing"
    );
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

/// Numbers of all regions and kinds that the metadata gives as examples.
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
fn every_countrys_numbers_in_e164_stay_as_they_are_in_every_region() {
    let examples = examples();
    assert!(examples.len() > 800, "{} examples", examples.len());
    for number in &examples {
        for code in ["AR", "BR", "CO", "US", "DE"] {
            assert_eq!(&e164(code, number), number, "in {code}");
            assert!(finds(code, &number[1..], number), "{number} without its plus in {code}");
        }
    }
}

#[test]
fn a_text_of_any_length_is_read_without_delay() {
    let started = std::time::Instant::now();
    for unit in ["1", "+", "x1", "(", ",", ".0", " ", "٣", "00", "15", "@c.us"] {
        let text = unit.repeat(100_000);
        assert!(!stored("AR", &text).resolved);
        readings(&text, Region::DEFAULT);
    }
    assert!(started.elapsed().as_secs() < 5);
}

fn any_region() -> impl Strategy<Value = &'static str> {
    select(vec!["AR", "MX", "BR", "CL", "CO", "US", "DE", "GB", "IT", "BS"])
}

/// Texts that look enough like phone numbers to reach every rule.
fn phone_like() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "+", "00", "0", "9", "15", "11", "54", "549", "52", "1", "55", "56", "57", "3", "60", "223", "90", " ", "-",
        "(", ")", "/", ",", "x", "ext", "@c.us", ".0", "E", "2345", "6789", "8765", "4321", "٣", "\u{200f}", "é",
    ]);
    let pieces = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let likely = "(\\+|00)?(54|549|54 9 11 15|54223|52|521|55|5511|55119|569|56|57|571|573|1|39|44|4930)?[0-9]{7,11}";
    prop_oneof![pieces, likely]
}

/// An Argentine area code and a number of it: ten digits.
fn argentine() -> impl Strategy<Value = (String, String)> {
    select(vec![
        ("11", "[2-6][0-9]{7}"),
        ("223", "[4-6][0-9]{6}"),
        ("351", "[2-8][0-9]{6}"),
        ("2901", "4[0-9]{5}"),
    ])
    .prop_flat_map(|(area, number)| (Just(area.to_owned()), number))
}

/// Says that all notations are stored as `e164`, and found by one another.
fn meet(code: &str, e164: &str, notations: &[String]) -> Result<(), TestCaseError> {
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
    fn whatever_is_stored_is_found_by_the_same_text(text in phone_like(), code in any_region()) {
        let contact = stored(code, &text);
        if let Some(key) = contact.key {
            prop_assert!(key.bytes().all(|byte| byte.is_ascii_digit()));
            let asked = readings(text.trim_start(), region(code));
            prop_assert_eq!(&asked[0].key, &key);
            prop_assert_eq!(Some(&asked[0].phone), contact.phone.as_ref());
        }
    }

    #[test]
    fn what_resolves_reads_as_itself_in_every_region_and_without_its_plus(
        text in phone_like(), code in any_region(), other in any_region()
    ) {
        let contact = stored(code, &text);
        let Some(phone) = contact.phone.filter(|_| contact.resolved) else { return Ok(()) };
        let again = stored(other, &phone);
        prop_assert!(again.resolved);
        prop_assert_eq!(again.phone.as_ref(), Some(&phone));
        prop_assert_eq!(again.key, contact.key);
        for plus in ["", " ", "00"] {
            let asked = phone.replace('+', plus);
            prop_assert!(finds(other, &asked, &phone), "{:?}", asked);
        }
    }

    /// Texts of more than one number are exempt: their digits, joined, are a text that says nothing of it.
    #[test]
    fn an_unresolved_number_reads_as_itself_in_its_region(text in phone_like(), code in any_region()) {
        let contact = stored(code, &text);
        let is_exempt = contact.resolved || !Written::read(&text).is_one_number;
        if let Some(phone) = contact.phone.filter(|_| !is_exempt) {
            let again = stored(code, &phone);
            prop_assert_eq!((again.phone, again.key), (Some(phone), contact.key));
        }
    }

    /// No full stop: before a last zero it is the mark of a column of decimals.
    #[test]
    fn blanks_hyphens_and_brackets_change_nothing(
        digits in "\\+?[0-9]{4,15}",
        noise in vec(select(vec!["", "", " ", "-", "(", ")", "\u{a0}", "\u{2011}", "\u{200b}"]), 16),
        code in any_region(),
    ) {
        let noisy: String = digits.chars().zip(noise).map(|(digit, noise)| format!("{digit}{noise}")).collect();
        let (plain, noisy) = (stored(code, &digits), stored(code, &noisy));
        prop_assert_eq!((plain.phone, plain.key), (noisy.phone, noisy.key));
    }

    #[test]
    fn all_notations_of_an_argentine_mobile_meet((area, number) in argentine(), separator in "[ -]?") {
        let s = &separator;
        let notations = [
            format!("+549{s}{area}{s}{number}"), format!("549{area}{number}"), format!("00549{s}{area}{s}{number}"),
            format!("0{area}{s}15{s}{number}"), format!("{area}{s}15{number}"), format!("9{s}{area}{s}{number}"),
            format!("+54{s}{area}{s}15{s}{number}"), format!("54{area}15{number}"),
            format!("+54{s}9{s}{area}{s}15{s}{number}"), format!("+54{s}0{area}{s}15{s}{number}"),
            format!("54{s}9{s}0{area}{s}15{s}{number}"), format!("549{area}{number}@s.whatsapp.net"),
        ];
        let mobile = format!("+549{area}{number}");
        meet("AR", &mobile, &notations)?;
        let fixed = format!("+54{area}{number}");
        meet("AR", &fixed, &[format!("{area}{s}{number}"), format!("0{area}{s}{number}"), format!("54{area}{number}")])?;
        prop_assert_eq!(key("AR", &mobile), key("AR", &fixed));
    }

    #[test]
    fn all_notations_of_a_mexican_number_meet(number in "(55|33|81)[1-9][0-9]{7}") {
        let notations = ["", "+52", "+521", "52", "521", "0052", "00521", "1", "01", "044", "045", "+5201", "+52045"];
        meet("MX", &format!("+52{number}"), &notations.map(|prefix| format!("{prefix}{number}")))?;
    }

    #[test]
    fn all_notations_of_a_brazilian_mobile_meet(area in "(11|21|55|71|85)", number in "[689][0-9]{7}") {
        let notations: Vec<_> = ["", "0", "015", "0 21 ", "90", "9015", "+55", "55", "0055", "+55 0", "0xx"]
            .iter()
            .flat_map(|prefix| [format!("{prefix}{area}9{number}"), format!("{prefix}{area}{number}")])
            .collect();
        meet("BR", &format!("+55{area}9{number}"), &notations)?;
    }

    #[test]
    fn all_notations_of_a_chilean_mobile_meet(number in "9[0-9]{8}") {
        let notations = ["", "0", "+56", "56", "0056", "+560"];
        meet("CL", &format!("+56{number}"), &notations.map(|prefix| format!("{prefix}{number}")))?;
    }

    #[test]
    fn all_notations_of_a_colombian_number_meet(
        mobile in "3(0[0-5]|1[0-9])[0-9]{7}", area in "[124-8]", fixed in "[2-9][0-9]{6}"
    ) {
        let prefixes = ["", "0", "03", "09", "+57", "57", "0057", "+5703"];
        meet("CO", &format!("+57{mobile}"), &prefixes.map(|prefix| format!("{prefix}{mobile}")))?;
        let prefixes = ["", "60", "0", "07", "+57", "+5760", "57", "0057"];
        meet("CO", &format!("+5760{area}{fixed}"), &prefixes.map(|prefix| format!("{prefix}{area}{fixed}")))?;
    }
}
