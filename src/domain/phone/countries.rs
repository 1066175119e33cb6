//! Rules for countries' numbering plans that Google's metadata (9.0.42) lacks or gets wrong.

use std::borrow::Cow;

use super::metadata::{LineType, is_valid, read_international};
use super::renumberings::{is_renumbered, renumbered};
use super::rule::{Rule, Rules};

pub const NORTH_AMERICA: i32 = 1;
pub const MEXICO: i32 = 52;
pub const ARGENTINA: i32 = 54;
pub const BRAZIL: i32 = 55;
pub const CHILE: i32 = 56;
pub const COLOMBIA: i32 = 57;
pub const IVORY_COAST: i32 = 225;

/// Converts the digits after the calling code, or the digits dialled within the country, to the
/// valid national significant number. People write or omit the national prefixes in either case, so
/// one function serves both cases. It leaves its own results unchanged. It notes the rules that it
/// applies. If it returns `None`, the notes mean nothing.
type Reader = fn(&str, &mut Rules) -> Option<String>;

/// The reader of a country, if it has one here.
fn reader(calling_code: i32) -> Option<Reader> {
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
    reader(calling_code).is_some() || is_renumbered(calling_code)
}

/// Whether the digits after the calling code are a valid number, in any form that [`significant`] reads.
pub fn is_number(calling_code: i32, written: &str) -> bool {
    significant(calling_code, written, &mut Rules::default()).is_some()
}

/// The valid national significant number of the digits after the calling code, or of digits dialled within the country.
/// Notes the rules that it applies.
pub fn significant(calling_code: i32, written: &str, rules: &mut Rules) -> Option<String> {
    if let Some(read) = reader(calling_code) {
        return read(written, rules);
    }
    // The digits are valid unchanged, so a first digit that could be a prefix is not one.
    if is_valid(calling_code, written) {
        return Some(written.to_owned());
    }
    if let Some(national) = renumbered(calling_code, written).filter(|national| is_valid(calling_code, national)) {
        rules.note(Rule::Renumbered);
        return Some(national);
    }
    let national = read_international(calling_code, written)?;
    rules.note_if(national != written, Rule::NationalPrefix);
    if is_valid(calling_code, &national) {
        return Some(national);
    }
    rules.note(Rule::Renumbered);
    renumbered(calling_code, &national).filter(|national| is_valid(calling_code, national))
}

/// Whether the region is Mexico and the bare digits are a North American number. Before 2019 a `1` also marked Mexican
/// mobiles.
pub fn is_north_american_in_mexico(region: &str, digits: &str) -> bool {
    let north_american = || {
        digits
            .strip_prefix('1')
            .is_some_and(|number| is_valid(NORTH_AMERICA, number))
    };
    digits.len() == 11 && region == "MX" && north_american()
}

/// Whether the digits are an Argentine mobile with its `15`, without an area code.
pub fn lacks_area_code(calling_code: i32, written: &str) -> bool {
    let number = without_trunk_prefix(written);
    calling_code == ARGENTINA && number.starts_with("15") && (8..=10).contains(&number.len())
}

/// The kind of a valid number that Google's metadata does not list.
pub fn unlisted_line_type(calling_code: i32, national: &str) -> LineType {
    match calling_code {
        // All of Chile's numbers that begin with 9 are mobiles.
        CHILE if national.starts_with('9') => LineType::Mobile,
        IVORY_COAST if is_unlisted_in_ivory_coast(national) => LineType::FixedLine,
        _ => LineType::Unknown,
    }
}

/// The canonical form of all valid numbers that reach the same line. Notes the rule that it applies.
pub fn line<'n>(calling_code: i32, national: &'n str, rules: &mut Rules) -> Cow<'n, str> {
    match calling_code {
        // Mobile and fixed subscribers share the area codes, and people often write a mobile without its 9. All area
        // codes begin with 1, 2 or 3. Other numbers (0800, 0810) have no form with the 9.
        ARGENTINA if national.len() == 10 && national.starts_with(['1', '2', '3']) => {
            rules.note(Rule::ArgentinaMatchKey);
            format!("9{national}").into()
        }
        // Trunked radio kept eight digits when mobiles got the ninth. WhatsApp may use either form.
        BRAZIL if national.len() == 10 && national[2..].starts_with('7') => {
            rules.note(Rule::BrazilMatchKey);
            with_ninth_digit(national).into()
        }
        _ => national.into(),
    }
}

/// Until 2019 Mexico marked mobiles by a `1` after the calling code, which WhatsApp still does. Callers dialled `01`
/// before the area code of a fixed line, and `044` or `045` before a mobile's. The plan of 2019 has ten digits alone.
fn mexico(written: &str, rules: &mut Rules) -> Option<String> {
    let national = ["", "1", "01", "044", "045"]
        .iter()
        .filter_map(|prefix| written.strip_prefix(prefix))
        .find(|national| national.len() == 10 && is_valid(MEXICO, national))?;
    rules.note_if(national.len() < written.len(), Rule::MexicoOldPrefix);
    Some(national.to_owned())
}

/// ENACOM's plan has ten digits: area code and number. A caller from abroad dials a mobile with `9`
/// before the area code. A caller within Argentina dials `15` between the area code and the number.
/// People write both, and the trunk `0` on either side of the `9`.
fn argentina(written: &str, rules: &mut Rules) -> Option<String> {
    let mut without_trunk_zero = |written| {
        let number = without_trunk_prefix(written);
        rules.note_if(number.len() < written.len(), Rule::ArgentinaTrunkZero);
        number
    };
    let written = without_trunk_zero(written);
    let (is_mobile, number) = match written.strip_prefix('9') {
        Some(number) => (true, without_trunk_zero(number)),
        None => (false, written),
    };
    let national = match number.len() {
        // Ten digits and the 15. Area codes have two to four digits, and the metadata lists them,
        // so it finds where the code ends. A shorter number never loses a 15, because there the 15
        // is part of the ten digits.
        12 => {
            rules.note(Rule::ArgentinaMobile15);
            read_international(ARGENTINA, number)?
        }
        _ if is_mobile => format!("9{number}"),
        _ => number.to_owned(),
    };
    is_valid(ARGENTINA, &national).then_some(national)
}

/// Anatel's plan has two digits of area, then eight for a fixed line and nine for a mobile. Mobiles had eight before
/// 2016, and WhatsApp keeps ids from that time.
fn brazil(written: &str, rules: &mut Rules) -> Option<String> {
    let national = without_brazilian_prefix(written, rules);
    let is_old_mobile = national.len() == 10 && national[2..].starts_with(['6', '8', '9']);
    rules.note_if(is_old_mobile, Rule::BrazilNinthDigit);
    let national = if is_old_mobile {
        with_ninth_digit(national)
    } else {
        national.to_owned()
    };
    is_valid(BRAZIL, &national).then_some(national)
}

/// Drops the `0` of a trunk call or the `90` of a collect call, and the two digits of the carrier after it. Any two
/// digits are accepted as a carrier, because the metadata's list is outdated.
fn without_brazilian_prefix<'w>(written: &'w str, rules: &mut Rules) -> &'w str {
    let number = match written.strip_prefix('0') {
        Some(number) => number,
        // 900 numbers begin with the same digits, but are shorter.
        None if written.len() >= 12 => written.strip_prefix("90").unwrap_or(written),
        None => written,
    };
    let has_prefix = number.len() < written.len();
    let has_carrier = has_prefix && matches!(number.len(), 12 | 13);
    rules.note_if(has_prefix, Rule::BrazilTrunkPrefix);
    rules.note_if(has_carrier, Rule::BrazilCarrierCode);
    if has_carrier { &number[2..] } else { number }
}

/// The ninth digit of a Brazilian mobile stands after the two digits of the area.
fn with_ninth_digit(national: &str) -> String {
    format!("{}9{}", &national[..2], &national[2..])
}

/// Since 2016 Chile has nine digits without a trunk prefix. Before, a mobile was dialled as `09`
/// and eight digits, a fixed line as `0` and its area code. All numbers that begin with `9` are
/// mobiles, while the metadata lists only the blocks that were assigned when Google published it.
fn chile(written: &str, rules: &mut Rules) -> Option<String> {
    let national = without_trunk_prefix(written);
    let is_mobile = national.len() == 9 && national.starts_with('9');
    rules.note_if(national.len() < written.len(), Rule::ChileTrunkZero);
    rules.note_if(is_mobile, Rule::ChileMobile);
    (is_mobile || is_valid(CHILE, national)).then(|| national.to_owned())
}

/// Until 2021 Colombia's fixed lines had one digit of area and seven of subscriber. Since then `60` precedes these
/// eight digits. A call within the country began with `0` and, for a chosen carrier, one to three more digits.
fn colombia(written: &str, rules: &mut Rules) -> Option<String> {
    let (number, national) = ["", "0", "03", "05", "07", "09", "0414", "0444", "0456"]
        .iter()
        .filter_map(|prefix| written.strip_prefix(prefix))
        .map(|number| {
            (
                number,
                renumbered(COLOMBIA, number).unwrap_or_else(|| number.to_owned()),
            )
        })
        .find(|(_, national)| is_valid(COLOMBIA, national))?;
    rules.note_if(number.len() < written.len(), Rule::ColombiaDiallingPrefix);
    rules.note_if(national != number, Rule::Renumbered);
    Some(national)
}

/// Since 2021 Ivory Coast has ten digits. The metadata took the list of fixed lines from the ITU, which names 27 357
/// and 27 367 for Abengourou and Korhogo. The numbers in use there begin with 27 359 and 27 368, as they began with 359
/// and 368 before.
fn ivory_coast(written: &str, rules: &mut Rules) -> Option<String> {
    let national = renumbered(IVORY_COAST, written).unwrap_or_else(|| written.to_owned());
    let is_unlisted = is_unlisted_in_ivory_coast(&national);
    rules.note_if(national != written, Rule::Renumbered);
    rules.note_if(is_unlisted, Rule::IvoryCoastUnlistedBlock);
    (is_unlisted || is_valid(IVORY_COAST, &national)).then_some(national)
}

fn is_unlisted_in_ivory_coast(national: &str) -> bool {
    national.len() == 10 && (national.starts_with("27359") || national.starts_with("27368"))
}

fn without_trunk_prefix(written: &str) -> &str {
    written.strip_prefix('0').unwrap_or(written)
}
