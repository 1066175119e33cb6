//! Checks tables of cases. A case has the client's region, the written text, and the resulting E.164. `-` stands for a
//! number that must not resolve.

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
