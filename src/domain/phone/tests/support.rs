//! Checks tables of cases. A case has the client's region, the written text, and the resulting E.164. `-` stands for a
//! number that must not resolve.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::domain::phone::reading::readings;
use crate::domain::phone::region::Region;
use crate::domain::phone::stored::StoredPhone;

pub(super) fn region(code: &str) -> Region {
    code.parse().expect("a known region")
}

pub(super) fn stored(code: &str, input: &str) -> StoredPhone {
    StoredPhone::read(input, region(code), "sms")
}

/// The stored E.164 of the input, or `-`.
pub(super) fn e164(code: &str, input: &str) -> String {
    let stored = stored(code, input);
    stored
        .phone
        .filter(|_| stored.resolved)
        .unwrap_or_else(|| "-".to_owned())
}

pub(super) fn key(code: &str, input: &str) -> String {
    stored(code, input).key.expect("the input has digits")
}

/// Whether a lookup of `input` finds the contact whose phone was written as `contact`.
pub(super) fn finds(code: &str, input: &str, contact: &str) -> bool {
    let contact = stored(code, contact).key.expect("the contact has digits");
    readings(input, region(code))
        .iter()
        .any(|reading| reading.key == contact)
}

#[track_caller]
pub(super) fn holds<'a>(cases: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) {
    for (code, input, expected) in cases {
        assert_eq!(e164(code, input), expected, "{input:?} in {code}");
        if expected != "-" {
            assert!(finds(code, input, expected), "a lookup of {input:?} in {code}");
            assert!(
                finds(code, expected, input),
                "a lookup of {expected:?}, stored as {input:?} in {code}"
            );
        }
    }
}

#[track_caller]
pub(super) fn holds_in<'a>(code: &'a str, cases: &[(&'a str, &'a str)]) {
    holds(cases.iter().map(|(input, expected)| (code, *input, *expected)));
}

/// An Argentine area code and a number in it: ten digits.
pub(super) fn argentine() -> impl Strategy<Value = (String, String)> {
    select(vec![
        ("11", "[2-6][0-9]{7}"),
        ("223", "[4-6][0-9]{6}"),
        ("351", "[2-8][0-9]{6}"),
        ("2901", "4[0-9]{5}"),
    ])
    .prop_flat_map(|(area, number)| (Just(area.to_owned()), number))
}

pub(super) fn any_region() -> impl Strategy<Value = &'static str> {
    select(vec!["AR", "MX", "BR", "CL", "CO", "US", "DE", "GB", "IT", "BS"])
}

/// Texts similar enough to phone numbers to reach every rule.
pub(super) fn phone_like() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "+", "00", "0", "9", "15", "11", "54", "549", "52", "1", "55", "56", "57", "3", "60", "223", "90", " ", "-",
        "(", ")", "/", ",", "x", "ext", "@c.us", ".0", "E", "2345", "6789", "8765", "4321", "٣", "\u{200f}", "é",
    ]);
    let pieces = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let likely = "(\\+|00)?(54|549|54 9 11 15|54223|52|521|55|5511|55119|569|56|57|571|573|1|39|44|4930)?[0-9]{7,11}";
    prop_oneof![pieces, likely]
}
