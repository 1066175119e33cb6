//! Texts around the digits, and ways to write a number.

use super::support::{finds, holds, holds_in, region, stored};
use crate::domain::phone::reading::readings;
use crate::domain::phone::region::Region;
use crate::domain::phone::stored::StoredPhone;

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
    // Digits as long as a number are a second number, not an extension.
    holds_in("AR", &[("11 2345-6789 x1123456780", "-")]);
}

#[test]
fn text_around_a_number_is_ignored() {
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
fn a_number_damaged_by_a_spreadsheet_does_not_resolve_if_digits_are_lost() {
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
fn letters_are_never_read_as_digits() {
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
fn a_text_without_digits_is_not_a_number() {
    for input in ["", " ", "hola", "+", "()-", "½"] {
        let expected = StoredPhone {
            as_given: input.to_owned(),
            phone: None,
            key: None,
            extension: None,
            resolved: false,
            identifies: false,
        };
        assert_eq!(stored("AR", input), expected);
        assert_eq!(readings(input, Region::DEFAULT), []);
    }
}

#[test]
fn bare_digits_are_read_as_a_national_number_first_and_then_as_an_international_one() {
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
fn a_leading_blank_of_a_parameter_is_a_plus_if_that_reading_resolves() {
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
        "in a file a leading blank is not a lost +"
    );
}

#[test]
fn a_long_text_is_read_without_delay() {
    let started = std::time::Instant::now();
    for unit in ["1", "+", "x1", "(", ",", ".0", " ", "٣", "00", "15", "@c.us"] {
        let text = unit.repeat(100_000);
        assert!(!stored("AR", &text).resolved);
        readings(&text, Region::DEFAULT);
    }
    assert!(started.elapsed().as_secs() < 5);
}
