//! The digit strings by which a part of a phone number is searched.

use super::clean::{Notation, Written};
use super::countries::{ARGENTINA, MEXICO};
use super::region::Region;
use super::rule::Rules;
use super::{clean, dialling, metadata};

/// The most strings for one term.
const PIECES_MAX: usize = 4;

/// The digit strings by which a search finds the numbers that the user is typing, at most four. Empty if the term has
/// no digit.
///
/// The first string has all digits of the term. The others are readings of the term in the digits of E.164. A reading
/// omits an international prefix of the region, a trunk prefix, Argentina's `15` after an area code, and Mexico's
/// `044`, `045` and `01`. After `54` one reading adds the `9` of a mobile, and another one has no `9`, for a fixed
/// line.
///
/// While a user types, the end of the term can be the first digit of a `15`. One reading omits this digit.
///
/// A digit of a label before the piece or of a remark after it does not join the piece: `Tel2: 223 (24hs)`.
pub fn pieces(term: &str, region: Region) -> Vec<String> {
    let term = clean::plain(term, &mut Rules::default());
    let digits = metadata::digits(&term);
    if digits.is_empty() {
        return Vec::new();
    }
    let mut pieces = vec![digits.clone()];
    let mut add = |piece: String| {
        if !piece.is_empty() && pieces.len() < PIECES_MAX && !pieces.contains(&piece) {
            pieces.push(piece);
        }
    };
    // A label, a quote or a bracket can precede the plus.
    let before_digits = &term[..term.find(|c: char| c.is_ascii_digit()).unwrap_or(term.len())];
    // A parameter whose plus was not encoded begins with a blank.
    let may_lack_plus = before_digits == " ";
    if let Some(piece) = Written::read_piece(&term).filter(|piece| !piece.digits.is_empty() && piece.digits != digits) {
        add(piece.digits.clone());
        let has_plus = piece.notation == Notation::Plus;
        for reading in readings(&piece.digits, has_plus, may_lack_plus, region) {
            add(reading);
        }
    }
    for reading in readings(&digits, before_digits.contains('+'), may_lack_plus, region) {
        add(reading);
    }
    pieces
}

/// The readings of a piece: for each, the digits that an E.164 number contains.
fn readings(digits: &str, has_plus: bool, may_lack_plus: bool, region: Region) -> Vec<String> {
    let mut readings = Vec::new();
    if has_plus {
        let number = digits.trim_start_matches('0');
        readings.extend(international(number));
        readings.push(number.to_owned());
        return readings;
    }
    if may_lack_plus {
        readings.extend(international(digits));
    }
    let prefixes = dialling::international_prefixes(digits, region.as_str());
    for prefix in prefixes.chain(digits.starts_with("00").then_some(2)) {
        let number = &digits[prefix..];
        readings.extend(international(number));
        readings.push(number.to_owned());
    }
    if !digits.starts_with("00") {
        readings.extend(national(digits, region));
    }
    // Bare digits can begin with a calling code. In every region, digits after Argentina's code need a reading with the
    // `9` of a mobile.
    let own_code = metadata::calling_code(region.as_str()).map(|code| code.to_string());
    if digits.starts_with("54") || own_code.is_some_and(|code| digits.starts_with(&code)) {
        readings.extend(international(digits));
    }
    readings
}

/// The readings of digits that begin with a calling code, without the prefixes that people write after the code.
fn international(digits: &str) -> Vec<String> {
    let Some((code, written)) = metadata::split_calling_code(digits) else {
        return Vec::new();
    };
    let with_code = |number: String| format!("{code}{number}");
    match code {
        ARGENTINA => {
            let mobiles = argentine(written).into_iter().map(|number| match &*number {
                "" | "9" => with_code(number),
                _ => with_code(format!("9{number}")),
            });
            // A fixed line has no `9`.
            let fixed = Some(without_zero(written)).filter(|number| !number.is_empty() && !number.starts_with('9'));
            mobiles
                .chain(fixed.map(|number| with_code(number.to_owned())))
                .collect()
        }
        MEXICO => mexican(written).map(with_code).into_iter().collect(),
        _ => metadata::main_region(code)
            .and_then(|region| dialling::trunk_prefix(&region))
            .and_then(|trunk| written.strip_prefix(trunk))
            .map(|number| with_code(number.to_owned()))
            .into_iter()
            .collect(),
    }
}

/// The readings of digits that are dialled within the region.
fn national(digits: &str, region: Region) -> Vec<String> {
    match region.as_str() {
        // A `9` before an area code is the mobile's `9` in E.164. Without it, the piece would find other people.
        "AR" => match digits.strip_prefix('9') {
            Some(number) => argentine(number).iter().map(|number| format!("9{number}")).collect(),
            None => argentine(digits),
        },
        "MX" => mexican(digits).into_iter().collect(),
        _ => dialling::trunk_prefix(region.as_str())
            .and_then(|trunk| digits.strip_prefix(trunk))
            .map(str::to_owned)
            .into_iter()
            .collect(),
    }
}

/// The readings of an Argentine number as area code and subscriber's digits, without the trunk `0`, a mobile's `9` and
/// a mobile's `15`. If a complete `15` follows the area code, the reading that omits it comes first, and the digits
/// with the `15` stay as a further reading. If a last `1` follows the area code, which can be the start of a `15`, a
/// further reading omits it. A `9` alone stays.
fn argentine(written: &str) -> Vec<String> {
    let number = without_zero(written);
    let number = match number.strip_prefix('9').map(without_zero) {
        Some("") => return vec!["9".to_owned()],
        Some(number) => number,
        None => number,
    };
    if let Some(subscriber) = number.strip_prefix("15") {
        return vec![subscriber.to_owned()];
    }
    let mut readings = vec![number.to_owned()];
    let area_codes: &[usize] = match number.bytes().next() {
        Some(b'1') => &[2],
        Some(b'2' | b'3') => &[3, 4],
        _ => &[],
    };
    for length in area_codes {
        let Some((area, rest)) = number.split_at_checked(*length) else {
            continue;
        };
        if let Some(subscriber) = rest.strip_prefix("15") {
            // The `15` is complete, so this reading is the better one.
            readings.insert(0, format!("{area}{subscriber}"));
        } else if rest == "1" {
            readings.push(area.to_owned());
        }
    }
    readings
}

/// The ten digits or a part of them, without a prefix of the time before 2019. `None` if the digits have no such
/// prefix.
fn mexican(written: &str) -> Option<String> {
    ["044", "045", "01", "04", "0", "1"]
        .iter()
        .find_map(|prefix| written.strip_prefix(prefix))
        .map(str::to_owned)
}

fn without_zero(digits: &str) -> &str {
    digits.strip_prefix('0').unwrap_or(digits)
}
