//! Which number comes first, on which platform, and which phones identify somebody.

use super::support::{e164, finds, holds_in, region, stored};
use crate::domain::phone::reading::{identifying_readings, readings};
use crate::domain::phone::region::Region;
use crate::domain::phone::stored::StoredPhone;

fn stored_on(platform: &str, code: &str, input: &str) -> String {
    StoredPhone::read(input, region(code), platform).phone.unwrap()
}

fn phones(code: &str, asked: &str) -> Vec<String> {
    readings(asked, region(code))
        .into_iter()
        .map(|reading| reading.phone)
        .collect()
}

#[test]
fn a_whatsapp_id_that_is_valid_internationally_is_not_read_as_a_national_number() {
    for (code, id, phone) in [
        ("BR", "51987654321", "+51987654321"),
        ("MX", "6591234567", "+6591234567"),
        ("US", "2482292460", "+2482292460"),
        ("IT", "380945557350", "+380945557350"),
        ("DE", "34612345678", "+34612345678"),
    ] {
        for suffix in ["@s.whatsapp.net", "@c.us", ":12@s.whatsapp.net", ".0:1@s.whatsapp.net"] {
            assert_eq!(
                phones(code, &format!("{id}{suffix}")),
                [phone],
                "{id}{suffix} in {code}"
            );
        }
        assert_eq!(phones(code, &format!("https://wa.me/{id}")), [phone]);
        assert_eq!(phones(code, id).len(), 2, "bare digits have both readings");
    }
    // The international reading is invalid.
    assert_eq!(phones("AR", "1123456789@c.us"), ["+541123456789"]);
}

#[test]
fn whatsapps_platforms_prefer_the_international_reading_of_bare_digits() {
    for platform in ["whatsapp", "web-whatsapp", " WhatsApp "] {
        assert_eq!(stored_on(platform, "BR", "51987654321"), "+51987654321", "{platform}");
        assert_eq!(
            stored_on(platform, "BR", "(51) 98765-4321"),
            "+5551987654321",
            "an area code in brackets"
        );
        assert_eq!(stored_on(platform, "AR", "11 2345-6789"), "+541123456789");
        assert_eq!(stored_on(platform, "AR", "5491123456789"), "+5491123456789");
    }
    for platform in ["sms", "webchat", "instagram"] {
        assert_eq!(stored_on(platform, "BR", "51987654321"), "+5551987654321", "{platform}");
    }
}

#[test]
fn digits_that_begin_with_the_own_calling_code_and_a_valid_mobile_are_international() {
    for (code, digits) in [
        ("DE", "4915112345678"),
        ("DE", "4915123456789"),
        ("DE", "491726543210"),
        ("ID", "62812345678"),
        ("AT", "436641234567"),
        ("AR", "5492235961983"),
    ] {
        let plus = format!("+{digits}");
        for platform in ["sms", "whatsapp", "webchat"] {
            assert_eq!(stored_on(platform, code, digits), plus, "{code} {platform}");
        }
        assert!(
            finds(code, digits, &plus) && finds(code, &plus, digits),
            "{digits} in {code}"
        );
    }
    // A fixed line with its calling code is valid as a longer national number.
    assert_eq!(e164("SE", "468123456"), "+46468123456");
    assert_eq!(phones("DE", "4915112345678"), ["+494915112345678", "+4915112345678"]);
}

#[test]
fn bare_1_and_ten_digits_are_north_american_in_mexico_if_that_is_valid() {
    holds_in(
        "MX",
        &[
            ("17132342368", "+17132342368"),
            ("1 829 555 1234", "+18295551234"),
            ("1 55 1034 5678", "+525510345678"),
            ("521 713 234 2368", "+527132342368"),
            ("01 713 234 2368", "+527132342368"),
        ],
    );
}

#[test]
fn both_forms_of_a_renumbered_number_are_one_number() {
    holds_in(
        "CI",
        &[
            ("07123456", "+2250707123456"),
            ("+22507123456", "+2250707123456"),
            ("22507123456@s.whatsapp.net", "+2250707123456"),
            ("0707123456", "+2250707123456"),
            ("04 12 34 56", "+2250504123456"),
            ("01 12 34 56", "+2250101123456"),
            ("72 12 34 56", "+2250172123456"),
            ("98 12 34 56", "+2250798123456"),
            ("20 21 23 45", "+2252720212345"),
            ("20 01 23 45", "+2252520012345"),
            ("20 81 23 45", "+2252120812345"),
            ("30 01 23 45", "+2252530012345"),
            ("34 71 23 45", "+2252734712345"),
            ("61 12 34 56", "-"),
            ("99 12 34 56", "-"),
        ],
    );
    holds_in(
        "BJ",
        &[
            ("97123456", "+2290197123456"),
            ("+229 97 12 34 56", "+2290197123456"),
            ("22997123456@s.whatsapp.net", "+2290197123456"),
            ("0197123456", "+2290197123456"),
            ("21 31 23 45", "+2290121312345"),
            ("81 12 34 56", "+22981123456"),
        ],
    );
}

#[test]
fn fixed_lines_of_abengourou_and_korhogo_are_valid_in_both_forms() {
    holds_in(
        "CI",
        &[
            ("35 91 23 45", "+2252735912345"),
            ("27 35 91 23 45", "+2252735912345"),
            ("+225 27 36 86 06 40", "+2252736860640"),
            ("+225 36 86 06 40", "+2252736860640"),
            ("35 71 23 45", "+2252735712345"),
            ("36 71 23 45", "+2252736712345"),
            ("27 35 81 23 45", "-"),
            ("27 36 86 06 4", "-"),
        ],
    );
}

#[test]
fn placeholders_and_damaged_numbers_identify_nobody() {
    for input in [
        "",
        "-",
        "0",
        "00",
        "12",
        "+1",
        "int. 5",
        "000-0000",
        "0000000",
        "1111111",
        "99999999",
        "(111) 111-1111",
        "5.49112E+12",
        "5,49112E+12",
        "Tel: 5.49112E+12",
        "5.49112E+12 (cel)",
        "5.49112E+12 (trabajo)",
        "5 49112 E+12",
        "5٫49112E+12",
        "Cel. 5,49112E+12 - Juan",
        "1E+10",
        "11 2345-6789 / 11 2345-6780",
        "11 2345-6789 11 2345-6780",
        "11 2345-6789 ::: 11 2345-6780",
        "+541123456789;+541123456780",
        "800-44-XY",
        "ABC 1234",
        "Depto 101",
        "235085806727321@lid",
        "235085806727321:7@lid",
        "120363025246125486@g.us",
        "120363144038483540@newsletter",
        "1612345678@broadcast",
        "maria1985@example.com",
    ] {
        assert!(!stored("AR", input).identifies, "{input:?}");
    }
    for input in [
        "611",
        "22395",
        "15 2345-6789",
        "2345-6789 int. 5",
        "Tel 15 2345-6789",
        "tel: 4123-4567",
        "11 2345-6789",
        "11 2345-6789 Juan",
        "+999 1234",
        "5491123456789@c.us",
    ] {
        assert!(stored("AR", input).identifies, "{input:?}");
    }
    assert!(stored("US", "1-800-FLOWERS").identifies);
}

#[test]
fn a_lookup_of_a_number_that_identifies_nobody_has_no_readings() {
    for input in [
        "0",
        "12",
        "000-0000",
        "5,49112E+12",
        "800-44-XY",
        "11 2345-6789 / 11 2345-6780",
    ] {
        assert_eq!(identifying_readings(input, Region::DEFAULT), [], "{input:?}");
        assert!(
            !readings(input, Region::DEFAULT).is_empty(),
            "a search finds the digits of {input:?}"
        );
    }
    for input in ["611", "54911212", "15 2345-6789", "11 2345-6789", "2975678901"] {
        let expected = readings(input, Region::DEFAULT);
        assert_eq!(identifying_readings(input, Region::DEFAULT), expected, "{input:?}");
    }
}

#[test]
fn a_valid_number_does_not_reach_a_placeholder_with_its_digits() {
    for (code, placeholder, number) in [
        ("CL", "999999999", "+56999999999"),
        ("RU", "8 777 777-77-77", "+77777777777"),
    ] {
        let contact = stored(code, placeholder);
        assert_eq!((contact.phone.as_deref(), contact.identifies), (Some(number), false));
        assert_eq!(identifying_readings(placeholder, region(code)), [], "{placeholder}");
        let asked = identifying_readings(number, region(code));
        assert!(
            asked.iter().all(|reading| Some(&reading.key) != contact.key.as_ref()),
            "{number}"
        );
    }
}

#[test]
fn an_id_that_is_no_phone_number_has_the_key_of_no_contact() {
    for input in [
        "5491123456789@lid",
        "5491123456789:7@lid",
        "5491123456789@g.us",
        "5491123456789@newsletter",
    ] {
        let readings = readings(input, Region::DEFAULT);
        assert_eq!(readings.len(), 1);
        assert!(!readings[0].resolved && readings[0].key == input, "{input}");
    }
}

#[test]
fn two_extensions_are_one_line() {
    let first = stored("AR", "11 2345-6789 int. 101");
    let second = stored("AR", "+54 11 2345-6789 ext 102");
    assert_eq!((&first.phone, &first.key), (&second.phone, &second.key));
    assert_eq!(
        (first.extension.as_deref(), second.extension.as_deref()),
        (Some("101"), Some("102"))
    );
    assert_eq!(stored("AR", "11 2345-6789").extension, None);
    // More digits than an extension can have.
    assert_eq!(e164("AR", "11 2345-6789 x123456789"), "-");
}
