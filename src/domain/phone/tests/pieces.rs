//! Parts of a number, as a search gets them while a user types.

use proptest::prelude::*;
use proptest::sample::select;

use super::support::{argentine, region, stored};
use crate::domain::phone::pieces::pieces;

/// Whether a search for the term finds the contact with this phone.
fn is_found(code: &str, term: &str, phone: &str) -> bool {
    pieces(term, region(code)).iter().any(|piece| phone.contains(&**piece))
}

/// The starts of the text that have at least two digits, and more digits than the prefix of the notation. A prefix
/// alone is a part of no number.
fn typed(text: &str, prefix: &str) -> Vec<String> {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let fewest = 2.max(digits(prefix) + 1);
    text.char_indices()
        .map(|(at, character)| text[..at + character.len_utf8()].to_owned())
        .filter(|start| digits(start) >= fewest)
        .collect()
}

#[test]
fn a_piece_in_national_notation_finds_the_contact() {
    for (code, phone, term) in [
        ("AR", "+5492235961983", "0223"),
        ("AR", "+5492235961983", "(0223) 596-1"),
        ("AR", "+5492235961983", "223 15-596"),
        ("AR", "+5492235961983", "155961983"),
        ("AR", "+5492235961983", "0223 15 596 19"),
        ("AR", "+5492235961983", "54223"),
        ("AR", "+5492235961983", "+54 (0223) 15-596"),
        ("AR", "+5492901412345", "02901 15 41"),
        ("DE", "+4917212345678", "0172"),
        ("DE", "+4917212345678", "0049 172"),
        ("DE", "+4917212345678", "+49 (0)172 12"),
        ("GB", "+447912345678", "07912 345"),
        ("GB", "+447912345678", "0044 7912"),
        ("BR", "+5511987654321", "(011) 98765-43"),
        ("CL", "+56987654321", "09 8765"),
        ("MX", "+525512345678", "044 55 12"),
        ("MX", "+525512345678", "045 55 12"),
        ("MX", "+525512345678", "01 55 12"),
        ("MX", "+525512345678", "+52 1 55 12"),
        ("US", "+12125552368", "1 (212) 5"),
        ("US", "+442079460018", "011 44 20"),
        ("AU", "+442079460018", "0011 44 20"),
        ("HU", "+36201234567", "06 20 1"),
        ("AR", "+5492235961983", "٠٢٢٣ ٥٩"),
    ] {
        assert!(is_found(code, term, phone), "{term:?} in {code} finds {phone}");
    }
}

#[test]
fn a_piece_of_an_argentine_fixed_line_finds_it_with_a_trunk_prefix_after_the_calling_code() {
    for code in ["AR", "CL", "DE"] {
        for (term, phone) in [
            ("+54 (011) 4321", "+541143215000"),
            ("+54 (0)11 4321", "+541143215000"),
            ("0054 011 43", "+541143215000"),
            ("54 011 4321", "+541143215000"),
            ("+54 (0223) 410-1234", "+542234101234"),
            ("+54 0223 4", "+542234101234"),
        ] {
            assert!(is_found(code, term, phone), "{term:?} in {code} finds {phone}");
            let mobile = phone.replace("+54", "+549");
            assert!(is_found(code, term, &mobile), "{term:?} in {code} finds {mobile}");
            assert!(pieces(term, region(code)).len() <= 4, "{term:?}");
        }
    }
}

#[test]
fn a_plus_is_seen_behind_a_label_a_quote_a_bracket_and_an_invisible_character() {
    for term in [
        "Tel: +44 (0)7912 345",
        "(+44) 0 7912 345",
        "\u{202A}+44 (0)7912 345",
        "tel:+4407912345",
        "'+4407912345",
        "\"＋44 07912 345",
        "📞 +44 (0) 7912 345",
        " 4407912345",
        "+004407912345",
        "+0044 7912",
    ] {
        for code in ["AR", "DE", "GB", "US"] {
            assert!(is_found(code, term, "+447912345678"), "{term:?} in {code}");
        }
    }
    assert!(is_found("DE", "+0049 172", "+4917212345678"));
}

#[test]
fn the_digits_of_a_label_before_a_piece_and_of_a_remark_after_it_do_not_join_the_piece() {
    for (code, phone, terms) in [
        (
            "AR",
            "+5492235961983",
            &[
                "Tel2: 223 596",
                "Tel 2: 223 596",
                "Tel2: 223",
                "Tel.2: 0223 15-596",
                "TEL 2 : 596-19",
                "Teléfono 2 (casa): 223 5",
                "Cel 1= 15-596",
                "WhatsApp 2: +54 9 223 596",
                "WhatsApp 2: +54 (0223) 15-59",
                "Tel2: 54 223 59",
                "Tel2: 0054 9 223 59",
                "cel2 223 596",
                "cel2 0223 15-59",
                "tel.2 223",
                "Tel 2 223 596",
                "1) 223 596",
                "1: 0223 15-59",
                "2.- 596",
                "[2] 223 59",
                "#2 223 59",
                "📞2: 223 59",
                "223 596 (WhatsApp 24hs)",
                "223 5961 oficina 2",
                "0223 15-596 oficina 2",
                "596 (casa 2)",
                "2235 casa 2",
                "0223 15-596 int. 12",
                "596-198 x12",
                "223 596 24hs",
                "223 596 de 9 a 18 hs",
                "Tel2: 223 596 (24hs)",
                "Tel 2: 0223 15-59 (casa 2)",
                " 549223 (casa 2)",
            ][..],
        ),
        (
            "DE",
            "+4917212345678",
            &["Tel2: 0172 12", "Handy 1: 0049 172", "0172 12 Büro 2"],
        ),
        (
            "BR",
            "+5511987654321",
            &["Cel 2: (011) 98765-43", "(0xx11) 98765 ramal 2"],
        ),
        (
            "US",
            "+12125552368",
            &["cell2: 1 (212) 5", "212 555 ext. 9", "Tel 1: 011 1 212"],
        ),
        (
            "CL",
            "+56223456789",
            &["Tel: 2 2345", "Tel 2 2345 6", "2- 2345", "Tel (2) 2345"],
        ),
    ] {
        for term in terms {
            assert!(
                is_found(code, term, phone),
                "{term:?} in {code}: {:?}",
                pieces(term, region(code))
            );
            assert!(pieces(term, region(code)).len() <= 4, "{term:?}");
        }
    }
}

#[test]
fn digits_beside_letters_that_are_no_label_and_no_remark_stay_in_the_piece() {
    for (code, term, expected) in [
        ("AR", "maria1985", &["1985"][..]),
        ("AR", "223 x 596", &["223596"]),
        ("AR", "Tel 11) 2345", &["112345"]),
        ("AR", "Tel (11) 2345", &["112345"]),
        ("AR", "11) 2345", &["112345"]),
        ("AR", "Tel 2:", &["2"]),
        ("AR", "11 4321 y 5000", &["1143215000"]),
        ("AR", "22 y 35", &["2235"]),
        ("CL", "2- 2345", &["22345"]),
        ("CL", "(2) 2345", &["22345"]),
        ("DE", "4321/22", &["432122"]),
    ] {
        assert_eq!(pieces(term, region(code)), expected, "{term:?} in {code}");
    }
}

#[test]
fn a_term_without_digits_has_no_pieces_and_a_prefix_alone_is_its_own_piece() {
    assert!(pieces("abc", region("AR")).is_empty());
    assert_eq!(pieces("00", region("AR")), ["00"]);
    assert_eq!(pieces("15", region("AR")), ["15"]);
    assert_eq!(pieces("011", region("US")), ["011"]);
    assert_eq!(pieces("5961983", region("AR")), ["5961983"]);
}

proptest! {
    #[test]
    fn a_contact_is_found_while_its_argentine_number_is_typed_in_any_notation(
        (area, number) in argentine(), separator in "[ -]?", region in select(vec!["AR", "CL", "DE"])
    ) {
        let s = &separator;
        let (first, last) = number.split_at(number.len() - 4);
        let number = format!("{first}{s}{last}");
        let abroad = [
            ("+", format!("549{s}{area}{s}{number}")), ("", format!("549{s}{area}{s}{number}")),
            ("00", format!("549{s}{area}{s}{number}")), ("00", format!("{s}54{s}9{s}{area}{s}15{s}{number}")),
            ("+", format!("54{s}{area}{s}15{s}{number}")), ("", format!("54{area}15{number}")),
            ("+", format!("54{s}9{s}{area}{s}15{s}{number}")), ("+", format!("54{s}0{area}{s}15{s}{number}")),
            ("", format!("54{s}9{s}0{area}{s}15{s}{number}")), ("+", format!("54{s}(0){area}{s}{number}")),
            ("+", format!("54{s}{area}{s}{number}")), ("", format!("54{s}{area}{s}{number}")),
            ("00", format!("54{s}{area}{s}{number}")), ("", format!("549{area}{number}@s.whatsapp.net")),
        ];
        let at_home = [
            ("", format!("0{area}{s}15{s}{number}")), ("", format!("({area}){s}15{number}")),
            ("", format!("(0{area}){s}15-{number}")), ("", format!("9{s}{area}{s}{number}")),
            ("", format!("09{s}{area}{s}{number}")), ("", format!("9{s}0{area}{s}{number}")),
            ("", format!("9{s}0{area}{s}15{s}{number}")), ("", format!("{area}{s}{number}")),
            ("", format!("0{area}{s}{number}")), ("15", format!("{s}{number}")),
        ];
        let notations = abroad.iter().chain(at_home.iter().filter(|_| region == "AR"));
        let mobile = stored("AR", &format!("+549{area}{number}")).phone.unwrap();
        for (prefix, rest) in notations {
            for term in typed(&format!("{prefix}{rest}"), prefix) {
                prop_assert!(is_found(region, &term, &mobile), "{:?} finds {}", term, mobile);
                prop_assert!(pieces(&term, super::support::region(region)).len() <= 4);
            }
        }
    }

    #[test]
    fn a_contact_is_found_while_its_number_is_typed_after_a_label_and_before_a_remark(
        (area, number) in argentine(), separator in "[ -]?",
        label in select(vec!["", "Tel2: ", "Tel 2: ", "cel2 ", "1) ", "WhatsApp 12: ", "Tel. 2 (casa): "]),
        remark in select(vec!["", " (casa 2)", " oficina 2", " (WhatsApp 24hs)", " piso 3 dto 4"]),
    ) {
        let s = &separator;
        let mobile = stored("AR", &format!("+549{area}{number}")).phone.unwrap();
        for (prefix, rest) in [
            ("", format!("{area}{s}{number}")), ("", format!("0{area}{s}15{s}{number}")),
            ("+", format!("54{s}9{s}{area}{s}{number}")), ("00", format!("54{s}9{s}{area}{s}{number}")),
        ] {
            for start in typed(&format!("{prefix}{rest}"), prefix) {
                // With fewer digits, the digit of a remark can be a digit of the piece.
                let digits = start.bytes().filter(u8::is_ascii_digit).count();
                let term = if digits < 3 { format!("{label}{start}") } else { format!("{label}{start}{remark}") };
                prop_assert!(is_found("AR", &term, &mobile), "{:?} finds {}", term, mobile);
                prop_assert!(pieces(&term, super::support::region("AR")).len() <= 4);
            }
        }
    }

    #[test]
    fn a_contact_is_found_while_its_number_is_typed_with_its_countrys_prefixes(
        (region, prefixes, code, number) in select(vec![
            ("DE", vec!["0", "+49", "0049", "49", "+490", "00490"], "49", "1721[0-9]{7}"),
            ("GB", vec!["0", "+44", "0044", "44", "+440"], "44", "7912[0-9]{6}"),
            ("BR", vec!["0", "+55", "0055", "55", "+550"], "55", "119[6-9][0-9]{7}"),
            ("CL", vec!["0", "+56", "0056", "56", "+560"], "56", "9[5-9][0-9]{7}"),
            ("MX", vec!["044", "045", "01", "1", "+52", "+521", "00521", "52", "521", "+52044"], "52", "55[1-9][0-9]{7}"),
            ("US", vec!["1", "+1", "0111", "001"], "1", "212555[0-9]{4}"),
            ("AU", vec!["0", "+61", "001161", "0061", "61"], "61", "4[0-9]{8}"),
            ("HU", vec!["06", "+36", "0036", "36", "+3606"], "36", "20[0-9]{7}"),
        ]).prop_flat_map(|(region, prefixes, code, number)| (Just(region), Just(prefixes), Just(code), number))
    ) {
        for prefix in prefixes {
            for term in typed(&format!("{prefix}{number}"), prefix) {
                prop_assert!(is_found(region, &term, &format!("+{code}{number}")), "{:?} in {}", term, region);
            }
        }
    }
}
