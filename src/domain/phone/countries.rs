//! Rules for countries' numbering plans that Google's metadata (9.0.42) lacks or gets wrong.

use std::borrow::Cow;

use super::metadata::{is_valid, read_international};
use super::renumberings::{is_renumbered, renumbered};

pub const NORTH_AMERICA: i32 = 1;
pub const MEXICO: i32 = 52;
pub const ARGENTINA: i32 = 54;
pub const BRAZIL: i32 = 55;
pub const CHILE: i32 = 56;
pub const COLOMBIA: i32 = 57;
pub const IVORY_COAST: i32 = 225;

/// Converts the digits after the calling code, or the digits dialled within the country, to the
/// valid national significant number. People write or omit the national prefixes in either case, so
/// one rule serves both cases. A rule leaves its own results unchanged.
type Rule = fn(&str) -> Option<String>;

/// The rule of a country, if it has one here.
fn rule(calling_code: i32) -> Option<Rule> {
    match calling_code {
        MEXICO => Some(mexico),
        ARGENTINA => Some(argentina),
        BRAZIL => Some(brazil),
        CHILE => Some(chile),
        COLOMBIA => Some(colombia),
        IVORY_COAST => Some(ivory_coast),
        _ => None,
    }
}

/// Whether the country has rules here. For the other countries Google's metadata alone decides.
pub fn has_rule(calling_code: i32) -> bool {
    rule(calling_code).is_some() || is_renumbered(calling_code)
}

/// The valid national significant number of the digits after the calling code, or of digits dialled within the country.
pub fn significant(calling_code: i32, written: &str) -> Option<String> {
    if let Some(rule) = rule(calling_code) {
        return rule(written);
    }
    // The digits are valid unchanged, so a first digit that could be a prefix is not one.
    if is_valid(calling_code, written) {
        return Some(written.to_owned());
    }
    if let Some(national) = renumbered(calling_code, written).filter(|national| is_valid(calling_code, national)) {
        return Some(national);
    }
    let national = read_international(calling_code, written)?;
    if is_valid(calling_code, &national) {
        return Some(national);
    }
    renumbered(calling_code, &national).filter(|national| is_valid(calling_code, national))
}

/// Whether bare digits dialled in Mexico are a North American number. Before 2019 a `1` also marked Mexican mobiles.
pub fn is_north_american_in_mexico(calling_code: i32, digits: &str) -> bool {
    let north_american = || {
        digits
            .strip_prefix('1')
            .is_some_and(|number| is_valid(NORTH_AMERICA, number))
    };
    calling_code == MEXICO && digits.len() == 11 && north_american()
}

/// The canonical form of all valid numbers that reach the same line.
pub fn line(calling_code: i32, national: &str) -> Cow<'_, str> {
    match calling_code {
        // Mobile and fixed subscribers share the area codes, and people often write a mobile without its 9. All area
        // codes begin with 1, 2 or 3. Other numbers (0800, 0810) have no form with the 9.
        ARGENTINA if national.len() == 10 && national.starts_with(['1', '2', '3']) => format!("9{national}").into(),
        // Trunked radio kept eight digits when mobiles got the ninth. WhatsApp may use either form.
        BRAZIL if national.len() == 10 && national[2..].starts_with('7') => with_ninth_digit(national).into(),
        _ => national.into(),
    }
}

/// Until 2019 Mexico marked mobiles by a `1` after the calling code, which WhatsApp still does. Callers dialled `01`
/// before the area code of a fixed line, and `044` or `045` before a mobile's. The plan of 2019 has ten digits alone.
fn mexico(written: &str) -> Option<String> {
    ["", "1", "01", "044", "045"]
        .iter()
        .filter_map(|prefix| written.strip_prefix(prefix))
        .find(|national| national.len() == 10 && is_valid(MEXICO, national))
        .map(str::to_owned)
}

/// ENACOM's plan has ten digits: area code and number. A caller from abroad dials a mobile with `9`
/// before the area code. A caller within Argentina dials `15` between the area code and the number.
/// People write both, and the trunk `0` on either side of the `9`.
fn argentina(written: &str) -> Option<String> {
    let written = without_trunk_prefix(written);
    let (is_mobile, number) = match written.strip_prefix('9') {
        Some(number) => (true, without_trunk_prefix(number)),
        None => (false, written),
    };
    let national = match number.len() {
        // Ten digits and the 15. Area codes have two to four digits, and the metadata lists them,
        // so it finds where the code ends. A shorter number never loses a 15, because there the 15
        // is part of the ten digits.
        12 => read_international(ARGENTINA, number)?,
        _ if is_mobile => format!("9{number}"),
        _ => number.to_owned(),
    };
    is_valid(ARGENTINA, &national).then_some(national)
}

/// Anatel's plan has two digits of area, then eight for a fixed line and nine for a mobile. Mobiles had eight before
/// 2016, and WhatsApp keeps ids from that time.
fn brazil(written: &str) -> Option<String> {
    let national = without_brazilian_prefix(written);
    let is_old_mobile = national.len() == 10 && national[2..].starts_with(['6', '8', '9']);
    let national = if is_old_mobile {
        with_ninth_digit(national)
    } else {
        national.to_owned()
    };
    is_valid(BRAZIL, &national).then_some(national)
}

/// Drops the `0` of a trunk call or the `90` of a collect call, and the two digits of the carrier after it. Any two
/// digits are accepted as a carrier, because the metadata's list is outdated.
fn without_brazilian_prefix(written: &str) -> &str {
    let number = match written.strip_prefix('0') {
        Some(number) => number,
        // 900 numbers begin with the same digits, but are shorter.
        None if written.len() >= 12 => written.strip_prefix("90").unwrap_or(written),
        None => written,
    };
    let has_carrier = number.len() < written.len() && matches!(number.len(), 12 | 13);
    if has_carrier { &number[2..] } else { number }
}

/// The ninth digit of a Brazilian mobile stands after the two digits of the area.
fn with_ninth_digit(national: &str) -> String {
    format!("{}9{}", &national[..2], &national[2..])
}

/// Since 2016 Chile has nine digits without a trunk prefix. Before, a mobile was dialled as `09`
/// and eight digits, a fixed line as `0` and its area code. All numbers that begin with `9` are
/// mobiles, while the metadata lists only the blocks that were assigned when Google published it.
fn chile(written: &str) -> Option<String> {
    let national = without_trunk_prefix(written);
    let is_mobile = national.len() == 9 && national.starts_with('9');
    (is_mobile || is_valid(CHILE, national)).then(|| national.to_owned())
}

/// Until 2021 Colombia's fixed lines had one digit of area and seven of subscriber. Since then `60` precedes these
/// eight digits. A call within the country began with `0` and, for a chosen carrier, one to three more digits.
fn colombia(written: &str) -> Option<String> {
    ["", "0", "03", "05", "07", "09", "0414", "0444", "0456"]
        .iter()
        .filter_map(|prefix| written.strip_prefix(prefix))
        .map(|number| renumbered(COLOMBIA, number).unwrap_or_else(|| number.to_owned()))
        .find(|national| is_valid(COLOMBIA, national))
}

/// Since 2021 Ivory Coast has ten digits. The metadata took the list of fixed lines from the ITU, which names 27 357
/// and 27 367 for Abengourou and Korhogo. The numbers in use there begin with 27 359 and 27 368, as they began with 359
/// and 368 before.
fn ivory_coast(written: &str) -> Option<String> {
    let national = renumbered(IVORY_COAST, written).unwrap_or_else(|| written.to_owned());
    let is_unlisted = national.len() == 10 && (national.starts_with("27359") || national.starts_with("27368"));
    (is_unlisted || is_valid(IVORY_COAST, &national)).then_some(national)
}

fn without_trunk_prefix(written: &str) -> &str {
    written.strip_prefix('0').unwrap_or(written)
}
