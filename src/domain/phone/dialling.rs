//! The digits that a caller within a region dials before a number: international prefixes and trunk prefixes.
//!
//! The values are `internationalPrefix` and `nationalPrefix` of Google's `PhoneNumberMetadata.xml`, version 9.0.42. The
//! library parses with them and does not expose them. A test compares the table with the library's parser.

/// The lengths of the region's own international prefixes with which the digits begin, the longest first. All regions
/// read `00` as `+`, so callers handle it themselves. It is among the prefixes only where a pattern covers it, such as
/// Mexico's `0[09]`.
pub fn international_prefixes(digits: &str, region: &str) -> impl Iterator<Item = usize> {
    let mut lengths: Vec<usize> = patterns(region)
        .iter()
        .filter_map(|pattern| matched(pattern, digits))
        .collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    lengths.into_iter()
}

/// How many digits at the start match the pattern: digits, `d` for any digit, and classes such as `[1-9]`.
fn matched(pattern: &str, digits: &str) -> Option<usize> {
    let mut pattern = pattern.bytes();
    let mut length = 0;
    while let Some(expected) = pattern.next() {
        let digit = *digits.as_bytes().get(length)?;
        let is_match = match expected {
            b'd' => digit.is_ascii_digit(),
            b'[' => is_in_class(&mut pattern, digit),
            _ => digit == expected,
        };
        if !is_match {
            return None;
        }
        length += 1;
    }
    Some(length)
}

/// Whether the class has the digit. Consumes the class with its `]`.
fn is_in_class(pattern: &mut impl Iterator<Item = u8>, digit: u8) -> bool {
    let (mut is_match, mut first, mut is_range) = (false, 0, false);
    for byte in pattern.take_while(|byte| *byte != b']') {
        if byte == b'-' {
            is_range = true;
        } else {
            is_match |= if is_range {
                (first..=byte).contains(&digit)
            } else {
                byte == digit
            };
            (first, is_range) = (byte, false);
        }
    }
    is_match
}

/// The international prefixes of a region. `00` has no pattern of its own.
pub fn patterns(region: &str) -> &'static [&'static str] {
    match region {
        "AG" | "AI" | "AS" | "BB" | "BM" | "BS" | "CA" | "DM" | "DO" | "GD" | "GU" | "JM" | "KN" | "KY" | "LC"
        | "MH" | "MP" | "MS" | "PR" | "SX" | "TC" | "TT" | "US" | "VC" | "VG" | "VI" => &["011"],
        "AU" | "CC" | "CX" => &[
            "001[14-689]",
            "141[14]0011",
            "14340011",
            "144[17]0011",
            "14[56]60011",
            "147[47]0011",
            "14880011",
        ],
        "AX" | "FI" => &[
            "99[01469]",
            "995[14]1",
            "9953[23]",
            "9955[59]",
            "99577",
            "99588",
            "9959[09]",
        ],
        "BO" => &["001d"],
        "BR" => &["001[245]", "002[1-35]", "0031", "004[13]", "00[56]5", "0099"],
        "BY" | "KZ" | "RU" | "TJ" | "TM" => &["810"],
        "CL" => &["11[0-69]0", "12[02-5]0", "15[13-58]0", "1690", "17[0167]0", "18[018]0"],
        "CN" => &["1[12]ddd00", "179dd00"],
        "CO" => &["004[14]4", "00456", "00[579]"],
        "CU" => &["119"],
        "CV" | "WS" => &["0"],
        "FJ" => &["052"],
        "GY" | "MN" => &["001"],
        "HK" => &["0030", "005[09]", "00[126-9]"],
        "ID" => &["00[89]"],
        "IL" => &["0105", "01[2-9]"],
        "IS" => &["1001", "10[12]0", "1100"],
        "JP" => &["010"],
        "KE" => &["000"],
        "KH" => &["00[14-9]"],
        "KP" => &["99"],
        "KR" => &[
            "00[125689]",
            "003[46]5",
            "00391",
            "00700",
            "00727",
            "0073",
            "00755",
            "0076[126]",
        ],
        "MU" => &["0[24-7]0", "03[03]"],
        "MV" => &["019"],
        "MX" => &["0[09]"],
        "NG" => &["009"],
        "NZ" => &["0161"],
        "PE" => &["191[124]00", "197700", "199000"],
        "PG" => &["140[1-3]"],
        "PW" => &["01[12]"],
        "SB" => &["0[01]"],
        "SC" => &["010", "0[0-2]"],
        "SG" => &["0[0-3]d"],
        "SI" => &["1022", "1066", "1088", "1099"],
        "TD" => &["16"],
        "TH" => &["00[1-9]"],
        "TW" => &["00[25-79]", "019"],
        "TZ" => &["00[056]"],
        "UG" => &["00[057]"],
        "UY" => &["01[3-9]d"],
        _ => &[],
    }
}

/// The prefix of a call to another area of the region. Chile has had none since 2016, and people still write its `0`.
pub fn trunk_prefix(region: &str) -> Option<&'static str> {
    match region {
        "CL" => Some("0"),
        "AE" | "AF" | "AL" | "AM" | "AR" | "AT" | "AU" | "AX" | "AZ" | "BA" | "BD" | "BE" | "BG" | "BL" | "BO"
        | "BR" | "CC" | "CD" | "CH" | "CN" | "CO" | "CU" | "CX" | "DE" | "DZ" | "EC" | "EG" | "EH" | "ER" | "ET"
        | "FI" | "FR" | "GB" | "GE" | "GF" | "GG" | "GH" | "GP" | "HR" | "ID" | "IE" | "IL" | "IM" | "IN" | "IQ"
        | "IR" | "JE" | "JO" | "JP" | "KE" | "KG" | "KH" | "KI" | "KP" | "KR" | "LA" | "LB" | "LI" | "LK" | "LR"
        | "LT" | "LY" | "MA" | "MC" | "MD" | "ME" | "MF" | "MG" | "MK" | "MM" | "MN" | "MQ" | "MW" | "MY" | "NA"
        | "NG" | "NL" | "NP" | "NZ" | "PE" | "PH" | "PK" | "PM" | "PS" | "PY" | "RE" | "RO" | "RS" | "RW" | "SA"
        | "SD" | "SE" | "SI" | "SK" | "SL" | "SO" | "SS" | "SY" | "TH" | "TR" | "TW" | "TZ" | "UA" | "UG" | "UY"
        | "VE" | "VN" | "XK" | "YE" | "YT" | "ZA" | "ZM" | "ZW" => Some("0"),
        "AG" | "AI" | "AS" | "BB" | "BM" | "BS" | "CA" | "DM" | "DO" | "GD" | "GU" | "JM" | "KN" | "KY" | "LC"
        | "MH" | "MP" | "MS" | "PR" | "SX" | "TC" | "TT" | "US" | "VC" | "VG" | "VI" => Some("1"),
        "KZ" | "RU" | "TM" => Some("8"),
        // The area code after the `8` is written with a `0`: `8 029 491-19-11`.
        "BY" => Some("80"),
        "HU" => Some("06"),
        _ => None,
    }
}
