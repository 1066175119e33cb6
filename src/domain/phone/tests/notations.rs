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
        " x12345678",
        " xtn 9",
        ",9",
        ",,12345678",
        ";9",
        "*9",
        "*101",
        " *101",
        " p 9",
        " e9",
        " w 9",
        " extension number 9",
        " ext. no. 9",
        " int. nº 9",
        " poste 9",
        " доб. 9",
        " вн. 9",
        " extensão 9",
        " rml 9",
        " option 2",
        " opción 2",
        " (ext. 9) Juan",
        " oficina int. 9",
        " - Int: 9",
        ";ext=9;phone-context=+54",
        "~9",
        " R. 9",
        " 内線9",
    ] {
        for number in ["+54 11 2345-6789", "11 2345-6789"] {
            let input = format!("{number}{extension}");
            holds_in("AR", &[(&input, "+541123456789")]);
            let digits: String = extension.chars().filter(char::is_ascii_digit).take(8).collect();
            let digits = if extension.contains("context") {
                "9".to_owned()
            } else {
                digits
            };
            assert_eq!(stored("AR", &input).extension, Some(digits.clone()), "{input:?}");
            let asked = readings(&input, Region::DEFAULT);
            assert!(
                asked.iter().all(|reading| reading.extension.as_ref() == Some(&digits)),
                "{input:?}"
            );
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
        "11 2345-6789 (WhatsApp 24hs)",
        "11 2345-6789 (24hs)",
        "11 2345-6789 [lun a vie 9 a 18]",
        "11 2345-6789 WhatsApp 24hs",
        "11 2345-6789 24 hs",
        "11 2345-6789 oficina",
        "11 2345-6789 Oficina 1204",
        "11 2345-6789 - Juan",
        "11 2345-6789, casa",
        "11 2345-6789 / trabajo",
        "11 2345-6789 de 9:30 a 18:00",
        "11 2345-6789 2do piso",
        "11 2345-6789 ana@example.com",
        "11 2345-6789 (mamá)",
        "11 2345-6789 家",
        "Tel 1: 11 2345-6789",
        "Tel 2: 11 2345-6789",
        "Tel 2 - 11 2345-6789",
        "1- 11 2345-6789",
        "11 2345-6789 24/7",
        "Teléfono 2 (casa): 11 2345-6789",
        "Cel. 2) 11 2345-6789",
        "cel2 11 2345-6789",
        "Tel (2): (11) 2345-6789",
        "Tel (11) 2345-6789",
        "N° 1: 11 2345-6789",
        "Tel 1 +54 11 2345-6789",
        "1) 11 2345-6789",
        "1)11 2345-6789",
        "2. 11 2345-6789",
        "10) 11 2345-6789",
        "[1] 11 2345-6789",
        "#1 11 2345-6789",
        "1º 11 2345-6789",
        "11) 2345-6789",
        "#31#+541123456789",
        "#31# 11 2345-6789",
        "*31#1123456789",
        "00 +54 11 2345-6789",
        "https://wa.me/541123456789?text=Hola%2010",
        "wa.me/+541123456789",
        "https://api.whatsapp.com/send?phone=541123456789&text=Hola%2010",
        "https://api.whatsapp.com/send/?text=Hola%2010&phone=%2B541123456789",
        "https://web.whatsapp.com/send?phone=54%2011%202345-6789&app_absent=0",
        "whatsapp://send?phone=541123456789&text=1",
        "whatsapp:+541123456789",
        "sip:541123456789@10.0.0.7",
        "sip:+541123456789@10.0.0.7:5060;user=phone",
        "sips:1123456789@pbx2.example.com",
        "tel:+541123456789;phone-context=+54",
        "tel:1123456789;phone-context=example2.com",
        "\"Ana 2\" <sip:541123456789@10.0.0.7>",
        "\u{ad}11\u{2060} 2345\u{61c}-6789\u{fe0f}",
        "541123456789,0",
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
        " / ", "/", ", ", ";", " y ", " o ", "\n", "\r\n", " | ", " & ", " + ", " ", " - ", "\\", " ::: ", " or ",
        "\t", " casa ", " (casa) ",
    ] {
        for (first, second) in [
            ("11 2345-6789", "11 2345-6780"),
            ("4123-4567", "68"),
            ("+541123456789", "+541123456780"),
        ] {
            let input = format!("{first}{separator}{second}");
            holds_in("AR", &[(&input, "-")]);
            let is_second_short = second == "68";
            assert!(!stored("AR", &input).identifies || is_second_short, "{input:?}");
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
            ("5E+12", "-"),
            ("5E12", "-"),
            ("5,49112E 12", "-"),
            ("=5.49112E+12", "-"),
            ("54911E+08", "-"),
            ("5.49112×10^12", "-"),
            ("Tel: 5.49112E+12", "-"),
            ("Tel 2: 5.49112E+12", "-"),
            ("5.49112E+12 (cel)", "-"),
            ("5.49112E+12 (trabajo)", "-"),
            ("5 49112 E+12", "-"),
            ("5٫49112E+12", "-"),
            ("٥٫٤٩١١٢E+١٢", "-"),
            ("1123456789 e+12", "-"),
            ("1123456789 e-5", "-"),
            ("1123456789 e5", "+541123456789"),
            ("1123456789 E-mail", "+541123456789"),
            ("5491123456789.0", "+5491123456789"),
            ("1123456789.0", "+541123456789"),
        ],
    );
    assert_eq!(stored("AR", "5,49112E+12").phone.as_deref(), Some("54911212"));
}

#[test]
fn vanity_letters_are_dialled_if_the_result_is_a_valid_north_american_number() {
    holds_in(
        "US",
        &[
            ("1-800-FLOWERS", "+18003569377"),
            ("1-800-flowers", "+18003569377"),
            ("+1 800 FLOWERS", "+18003569377"),
            ("(800) FLOWERS (24hs)", "+18003569377"),
            ("1-800-356-FLOW", "+18003563569"),
            ("1-800-COLLECT", "+18002655328"),
            ("800-44-STERN", "+18004478376"),
            ("212 555 CATS", "+12125552287"),
            ("1-800-FLOWERS and more", "+18003569377"),
            // Too few or too many digits, or too few letters.
            ("800-44-XY", "-"),
            ("1-800-CONTACTS", "-"),
            ("800 555 12AB", "-"),
        ],
    );
    holds([
        ("AR", "1-800-FLOWERS", "+18003569377"),
        ("CA", "1-800-FLOWERS", "+18003569377"),
        ("AR", "800-44-STERN", "-"),
    ]);
    assert!(!stored("US", "800-44-XY").identifies);
}

#[test]
fn letters_that_are_no_clear_vanity_number_are_not_dialled() {
    for input in ["(212) 555-2368 o 9", "2125552368@example.com"] {
        holds_in("US", &[(input, "-")]);
    }
    // The number and its letters are both valid, so nobody can tell a remark from a part of the number.
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
    let phones = |input, code| {
        readings(input, region(code))
            .into_iter()
            .map(|reading| reading.phone)
            .collect::<Vec<_>>()
    };
    assert_eq!(phones("51987654321", "BR"), ["+5551987654321", "+51987654321"]);
    assert_eq!(
        phones("525512345678", "MX"),
        ["+525512345678"],
        "both readings are the same number"
    );
    assert_eq!(phones("+51987654321", "BR"), ["+51987654321"]);
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
        stored("MX", " 15510345678").phone.as_deref(),
        Some("+525510345678"),
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

#[test]
fn a_remark_with_digits_adds_no_digits_to_the_number() {
    for remark in [
        "8 Uhr",
        "(2)",
        "9:00-18:00",
        "12:30",
        "(9-18)",
        "(2024)",
        "8–20 Uhr",
        "24x7",
        "(24x7)",
        "18 a 20",
        "8-20h",
        "[1]",
        "{2}",
        "<2>",
        "（2）",
        "9 bis 18 Uhr",
        "9h-18h",
        "9 to 5",
        "(9:00 - 18:00)",
        "(2) (9-18)",
        "9-18:30",
        "8 UHR",
        ", 8 Uhr",
        ", 9:00-18:00",
        "- 8-20h",
    ] {
        let input = format!("030 123456 {remark}");
        holds_in("DE", &[(&input, "+4930123456")]);
        assert_eq!(stored("DE", &input).extension, None, "{input}");
    }
    for remark in ["(1)", "8 Uhr", "9-18 hs", "9 a 18 hs", "9 a 18", "9 às 18h"] {
        holds_in("AR", &[(&format!("11 2345-6789 {remark}"), "+541123456789")]);
    }
    assert_eq!(
        stored("DE", "030 123456 8 Uhr ext. 5").extension.as_deref(),
        Some("5"),
        "an extension after a remark"
    );
    holds([
        ("DE", "030 123456-9", "+49301234569"),
        ("DE", "030 123456 2", "+49301234562"),
        ("DE", "030 123456 9-18", "+4930123456918"),
        ("AR", "+54 9 223 (15) 596-1983", "+5492235961983"),
        ("FR", "01 23 45 67 12x5", "+33123456712"),
        ("AR", "11 2345-6789 9 a 18, 11 2345-6780", "-"),
    ]);
}

#[test]
fn twilios_prefix_marks_a_whatsapp_id_and_a_link_without_a_number_is_no_number() {
    holds_in(
        "BR",
        &[
            ("whatsapp:51987654321", "+51987654321"),
            ("whatsapp:+5551987654321", "+5551987654321"),
            ("WhatsApp: 51987654321", "+5551987654321"),
            ("https://wa.me/message/5551987654321A", "-"),
            ("https://wa.me/message/51987654321", "-"),
            ("wa.me/qr/51987654321", "-"),
            ("https://chat.whatsapp.com/51987654321", "-"),
            ("51987654321 https://chat.whatsapp.com/AbC", "+5551987654321"),
        ],
    );
}

#[test]
fn a_second_plus_drops_no_digits() {
    holds_in(
        "AR",
        &[
            ("+54 +9 11 3234 0231", "+5491132340231"),
            ("(+54) +9 11 3234 0231", "+5491132340231"),
            ("+54 +54 9 11 3234 0231", "+5491132340231"),
            ("+15 +54 9 11 3234 0231", "-"),
        ],
    );
}

#[test]
fn a_symbol_or_a_word_can_precede_the_digit_of_a_label() {
    for input in [
        "☎ 1: 11 2345-6789",
        "☎1: 11 2345-6789",
        "№1 11 2345-6789",
        "№1: 11 2345-6789",
        "📞 2) 11 2345-6789",
        "Tel 1： 11 2345-6789",
        "Tel： 11 2345-6789",
        "☎ 1： 11 2345-6789",
        "(1) 11 2345-6789",
        "Tel 1 11 2345-6789",
        "Tel. 2 11 2345-6789",
        "📞 11 2345-6789",
    ] {
        holds_in("AR", &[(input, "+541123456789")]);
    }
    holds_in(
        "AR",
        &[
            ("Tel 1 212 555 2368", "+12125552368"),
            ("(1) 212 555 2368", "+12125552368"),
            ("Tel 9 11 2345 6789", "+5491123456789"),
            ("(54) 11 2345-6789", "+541123456789"),
            ("📞 55 11 98765-4321", "+5511987654321"),
        ],
    );
    holds_in(
        "CL",
        &[("Tel 2 2345 6789", "+56223456789"), ("(2) 2345 6789", "+56223456789")],
    );
}
