//! Parses times.

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};

use super::dates::{self, split_digits};

/// Words between a date and a time of day: `January 5, 2024 at 10:11`.
const JOINTS: [&str; 5] = ["at ", "a las ", "a la ", "às ", "as "];

/// Words after a time of day: `10:11 hs`.
const HOUR_MARKS: [&str; 6] = ["h", "hs", "hr", "hrs", "horas", "hours"];

/// Names of UTC.
const UTC_NAMES: [&str; 3] = ["UTC", "GMT", "Z"];

/// Parses a time that has one possible reading. It begins with a date: year, month and day, or a date with the name of
/// its month in English, Spanish or Portuguese. A time of day can follow, then an offset, and then suffixes in square
/// brackets, as in RFC 9557. A time without an offset is UTC.
///
/// Refuses ambiguous forms such as 1/2/2024, and time zones by name except UTC and GMT, unless an offset stands before
/// the name.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    read(text).or_else(|| read(&with_year_in_date(text)?))
}

fn read(text: &str) -> Option<DateTime<Utc>> {
    let (text, zone) = split_suffixes(text)?;
    let (date, rest) = dates::split(text)?;
    if rest.is_empty() || is_utc(rest.trim()) {
        let is_utc = zone.is_none_or(|zone| offset_of_zone(zone).is_some_and(|offset| offset.is_zero()));
        return is_utc.then(|| date.and_time(NaiveTime::MIN).and_utc());
    }
    let (clock, rest) = match rest.strip_prefix(['T', 't']) {
        Some(rest) => split_clock(rest, true)?,
        None => {
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            split_clock(
                without_joint(Some(trimmed).filter(|trimmed| trimmed.len() < rest.len())?),
                false,
            )?
        }
    };
    let local = NaiveDateTime::new(date, clock.time).checked_add_signed(clock.carried)?;
    let utc = local.checked_sub_signed(zoned_offset(rest.trim(), zone)?)?;
    // A leap second is the last second of a UTC day.
    let is_day_start = utc.num_seconds_from_midnight() == 0;
    (is_day_start || !clock.is_leap_second).then(|| utc.and_utc())
}

/// Moves the year from the end of the text to the end of the date. C and Unix write the year last:
/// `Fri Jan  5 10:11:12 UTC 2024`.
fn with_year_in_date(text: &str) -> Option<String> {
    let (rest, year) = text.rsplit_once(' ')?;
    let (date, clock) = rest.split_at(rest[..rest.find(':')?].rfind(' ')?);
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| format!("{date} {year}{clock}"))
}

fn without_joint(text: &str) -> &str {
    let has_joint = |joint: &&&str| {
        let start = text.get(..joint.len());
        start.is_some_and(|start| start.to_lowercase() == **joint)
    };
    let joint = JOINTS.iter().find(has_joint).map_or(0, |joint| joint.len());
    text[joint..].trim_start()
}

/// A time of day.
struct Clock {
    time: NaiveTime,
    /// The duration to add to `time`. It is one second for a leap second, which counts as the second after it, and one
    /// day for `24:00`.
    carried: TimeDelta,
    is_leap_second: bool,
}

/// Splits off a time of day: `10:11`, `10h11`, `10:11:12.5`, `1011`, `101112`, each perhaps with `AM` or `PM`. The hour
/// alone counts if it `follows_t`, or if a mark such as `AM` or `h` follows it.
fn split_clock(text: &str, follows_t: bool) -> Option<(Clock, &str)> {
    let (hour, rest) = split_digits(text, 1, 2)?;
    let separator = if rest.starts_with(':') { ":" } else { "" };
    let minutes = rest.strip_prefix(['h', 'H']).unwrap_or(&rest[separator.len()..]);
    let is_hour_alone = || !rest.starts_with(|c: char| c == ':' || c.is_ascii_digit());
    let is_marked = || follows_t || split_half(rest).is_some() || without_hour_mark(rest).is_some();
    let (minute, mut rest) = match split_digits(minutes, 2, 2) {
        None if is_hour_alone() && is_marked() => (0, rest),
        minute => minute?,
    };
    let (mut second, mut nanosecond) = (0, 0);
    if let Some((seconds, after)) = rest.strip_prefix(separator).and_then(|rest| split_digits(rest, 2, 2)) {
        (second, rest) = (seconds, after);
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let length = fraction.len() - fraction.trim_start_matches(|it: char| it.is_ascii_digit()).len();
            let digits = &fraction[..length.min(9)];
            nanosecond = digits.parse::<u32>().ok()? * 10_u32.pow(9 - u32::try_from(digits.len()).ok()?);
            rest = &fraction[length..];
        }
    }
    let (hour, rest) = match split_half(rest) {
        Some((half, rest)) if (1..=12).contains(&hour) => (hour % 12 + half, rest),
        Some(_) => return None,
        None => (hour, without_hour_mark(rest).unwrap_or(rest)),
    };
    let is_leap_second = second == 60;
    let (hour, second, carried) = match (hour, minute, second, nanosecond) {
        (24, 0, 0, 0) => (0, 0, TimeDelta::days(1)),
        (_, _, 60, _) => (hour, 59, TimeDelta::seconds(1)),
        _ => (hour, second, TimeDelta::zero()),
    };
    let clock = Clock {
        time: NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)?,
        carried,
        is_leap_second,
    };
    Some((clock, rest))
}

/// Splits off `AM` or `PM`, as English and Spanish spreadsheets write it. Returns the hours to add.
fn split_half(text: &str) -> Option<(u32, &str)> {
    let rest = text.trim_start();
    let hours = match rest.chars().next()? {
        'a' | 'A' => 0,
        'p' | 'P' => 12,
        _ => return None,
    };
    let rest = rest[1..].trim_start_matches('.').trim_start();
    let rest = rest.strip_prefix(['m', 'M'])?;
    Some((hours, rest.strip_prefix('.').unwrap_or(rest)))
}

/// The text after a word such as `hs`, if it begins with one.
fn without_hour_mark(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let rest = text.trim_start_matches(char::is_alphabetic);
    let word = text[..text.len() - rest.len()].to_lowercase();
    HOUR_MARKS
        .contains(&word.as_str())
        .then(|| rest.strip_prefix('.').unwrap_or(rest))
}

/// Splits off the suffixes of RFC 9557: a time zone such as `[Europe/London]`, and annotations such as
/// `[u-ca=gregory]`. Refuses two time zones, and suffixes with `!`, which say that the reader must understand them.
fn split_suffixes(text: &str) -> Option<(&str, Option<&str>)> {
    let Some((rest, suffix)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) else {
        return Some((text, None));
    };
    let is_suffix = |c: char| c.is_ascii_alphanumeric() || "+-_/.:=~".contains(c);
    if suffix.is_empty() || !suffix.chars().all(is_suffix) {
        return None;
    }
    match split_suffixes(rest.trim_end())? {
        (rest, zone) if suffix.contains('=') => Some((rest, zone)),
        (rest, None) => Some((rest, Some(suffix))),
        _ => None,
    }
}

/// The offset that the text after the time of day and the zone in brackets give. The offset decides, because the rules
/// of a zone can change. A zone without an offset must be UTC or an offset itself.
fn zoned_offset(text: &str, zone: Option<&str>) -> Option<TimeDelta> {
    let Some(zone) = zone else {
        return offset(text);
    };
    let fixed = offset_of_zone(zone);
    if text.is_empty() {
        return fixed;
    }
    // `Z` says that the local offset is unknown, so it agrees with every zone.
    let agrees = |offset: &TimeDelta| text.eq_ignore_ascii_case("Z") || fixed.is_none_or(|fixed| fixed == *offset);
    offset(text).filter(agrees)
}

/// The offset of a zone whose name tells it: `UTC`, `Etc/UTC`, `-03:00`, `GMT-03:00`. The sign of `Etc/GMT+3` has the
/// opposite meaning, so that name tells nothing here.
fn offset_of_zone(zone: &str) -> Option<TimeDelta> {
    match zone.strip_prefix("Etc/") {
        Some(name) => is_utc(name).then(TimeDelta::zero),
        None => offset(zone),
    }
}

fn is_utc(text: &str) -> bool {
    UTC_NAMES.iter().any(|name| text.eq_ignore_ascii_case(name))
}

/// Parses the offset from UTC: nothing, `Z`, `UTC`, `GMT`, `+00`, `-0300`, `+05:30`, `GMT-3`. The name of a zone in
/// round brackets can follow an offset, as in mail headers (`-0800 (PST)`), and so can the name of UTC, as in Go
/// (`+0000 UTC`).
fn offset(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    if let Some((before, name)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        let (before, name) = (before.trim(), name.trim());
        return match (before, is_utc(name)) {
            ("", false) => None,
            (before, true) => offset(before).filter(TimeDelta::is_zero),
            (before, false) => offset(before),
        };
    }
    if let Some((numeric, name)) = text.split_once(' ').filter(|_| text.starts_with(['+', '-']))
        && is_utc(name)
    {
        return offset(numeric).filter(TimeDelta::is_zero);
    }
    if text.is_empty() || is_utc(text) {
        return Some(TimeDelta::zero());
    }
    let is_name = |name: &&&str| {
        text.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let text = match ["UTC", "GMT"].iter().find(is_name) {
        Some(name) => text[name.len()..].trim_start(),
        None => text,
    };
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix(['-', '\u{2212}'])?),
    };
    let (hours, rest) = split_digits(digits, 1, 2)?;
    let minutes = match rest.strip_prefix(':').unwrap_or(rest) {
        "" if rest.is_empty() => 0,
        minutes => split_digits(minutes, 2, 2).filter(|(_, rest)| rest.is_empty())?.0,
    };
    // The farthest time zone is 14 hours away, and older ones were less than 16.
    (hours < 16 && minutes < 60).then(|| TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn times_are_parsed_in_every_documented_form() {
        for (text, expected) in [
            ("2024-12-31T23:59:59Z", "2024-12-31T23:59:59Z"),
            ("2024-12-31t23:59:59.123-03:00", "2025-01-01T02:59:59.123Z"),
            ("2024-12-31 23:59", "2024-12-31T23:59:00Z"),
            ("2024-12-31 23:59:58", "2024-12-31T23:59:58Z"),
            ("2024-12-31 23:59:58.5", "2024-12-31T23:59:58.5Z"),
            ("2024-12-31T23:59:58", "2024-12-31T23:59:58Z"),
            ("2024-12-31 23:59:58+00", "2024-12-31T23:59:58Z"),
            ("2024-12-31 23:59:58.25-03", "2025-01-01T02:59:58.25Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("2024-01-05 10:11:12 UTC", "2024-01-05T10:11:12Z"),
            ("2024-01-05 10:11 GMT", "2024-01-05T10:11:00Z"),
            ("2024-01-05 10:11:12 GMT-3", "2024-01-05T13:11:12Z"),
            ("2024-01-05T10:11:12.000+0000", "2024-01-05T10:11:12Z"),
            ("2024-01-05T10:11:12,5-0330", "2024-01-05T13:41:12.5Z"),
            ("2024-01-05T10:11Z", "2024-01-05T10:11:00Z"),
            ("2024-01-05T10:11+05:30", "2024-01-05T04:41:00Z"),
            ("2024-01-05 10:11:12 UTC +2", "2024-01-05T08:11:12Z"),
            ("2024-01-05 10:11:12 Z", "2024-01-05T10:11:12Z"),
            ("2024/01/05", "2024-01-05T00:00:00Z"),
            ("2024/1/5 9:05", "2024-01-05T09:05:00Z"),
            ("2024.01.05", "2024-01-05T00:00:00Z"),
            ("2024-1-2", "2024-01-02T00:00:00Z"),
            ("20240105T101112Z", "2024-01-05T10:11:12Z"),
            ("20240105T1011", "2024-01-05T10:11:00Z"),
            ("2024/01/05 10:11:12 PM", "2024-01-05T22:11:12Z"),
            ("2024/01/05 12:11:12 a. m. GMT-3", "2024-01-05T03:11:12Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("2016-12-31 23:59:60.5", "2017-01-01T00:00:00.5Z"),
            ("2016-12-31T20:59:60-03:00", "2017-01-01T00:00:00Z"),
            ("Fri, 05 Jan 2024 10:11:12 GMT", "2024-01-05T10:11:12Z"),
            ("fri, 5 jan 2024 10:11 -0300", "2024-01-05T13:11:00Z"),
            ("5 January 2024 10:11:12 +0000 (UTC)", "2024-01-05T10:11:12Z"),
            ("05 Jan 2024", "2024-01-05T00:00:00Z"),
            ("January 5, 2024", "2024-01-05T00:00:00Z"),
            ("5 January 2024 10:11", "2024-01-05T10:11:00Z"),
            ("January 5, 2024, 10:11:12 PM", "2024-01-05T22:11:12Z"),
            ("January 5, 2024 at 10:11\u{202f}AM GMT-3", "2024-01-05T13:11:00Z"),
            ("5 de enero de 2024 a las 10:11", "2024-01-05T10:11:00Z"),
            ("5 de enero de 2024, 10:11 p. m.", "2024-01-05T22:11:00Z"),
            ("sexta-feira, 5 de janeiro de 2024 às 10h11", "2024-01-05T10:11:00Z"),
            ("5 ene 2024 10:11 hs", "2024-01-05T10:11:00Z"),
            ("5 ene 2024 10 h", "2024-01-05T10:00:00Z"),
            ("2024-01-05 10 PM", "2024-01-05T22:00:00Z"),
            ("Fri Jan  5 10:11:12 2024", "2024-01-05T10:11:12Z"),
            ("Fri Jan  5 10:11:12 UTC 2024", "2024-01-05T10:11:12Z"),
            (
                "Fri Jan 05 2024 10:11:12 GMT-0300 (Argentina Standard Time)",
                "2024-01-05T13:11:12Z",
            ),
            (
                "Fri Jan 05 2024 10:11:12 GMT+0000 (Coordinated Universal Time)",
                "2024-01-05T10:11:12Z",
            ),
            ("Fri, 5 Jan 2024 10:11:12 -0800 (PST)", "2024-01-05T18:11:12Z"),
            ("2024-01-05 10:11:12 (UTC)", "2024-01-05T10:11:12Z"),
            ("2024-01-05T10Z", "2024-01-05T10:00:00Z"),
            ("2024-01-05T10", "2024-01-05T10:00:00Z"),
            ("2024-01-05T10-03", "2024-01-05T13:00:00Z"),
            ("20240105T10+0530", "2024-01-05T04:30:00Z"),
            ("2024-01-05T24Z", "2024-01-06T00:00:00Z"),
            ("2024-01-05T10:11:12[UTC]", "2024-01-05T10:11:12Z"),
            ("2024-01-05T10:11:12[Etc/UTC]", "2024-01-05T10:11:12Z"),
            ("2024-01-05T10:11Z[UTC]", "2024-01-05T10:11:00Z"),
            ("2024-01-05T10:11:12+00:00[Europe/London]", "2024-01-05T10:11:12Z"),
            (
                "2024-01-05T10:11:12-03:00[America/Argentina/Buenos_Aires]",
                "2024-01-05T13:11:12Z",
            ),
            (
                "2024-01-05T10:11:12-03:00[America/Sao_Paulo][u-ca=gregory]",
                "2024-01-05T13:11:12Z",
            ),
            ("2024-01-05T10:11:12Z[America/Sao_Paulo]", "2024-01-05T10:11:12Z"),
            ("2024-01-05T10:11:12Z[-03:00]", "2024-01-05T10:11:12Z"),
            ("2024-01-05T10:11:12[-03:00]", "2024-01-05T13:11:12Z"),
            ("2024-01-05T10:11:12-03:00[Etc/GMT+3]", "2024-01-05T13:11:12Z"),
            ("2024-01-05T10:11:12 -03:00 [GMT-03:00]", "2024-01-05T13:11:12Z"),
            ("2024-01-05[UTC]", "2024-01-05T00:00:00Z"),
            ("2024-01-05Z", "2024-01-05T00:00:00Z"),
            ("5 January 2024 GMT", "2024-01-05T00:00:00Z"),
            ("2024-01-05T24:00:00Z", "2024-01-06T00:00:00Z"),
            ("2023-12-31 24:00 -03", "2024-01-01T03:00:00Z"),
            ("2024-01-05 10:11:12.5 +0000 UTC", "2024-01-05T10:11:12.5Z"),
            ("2024-01-05 10:11:12 +0000 GMT", "2024-01-05T10:11:12Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(time(text), Some(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn ambiguous_times_are_refused() {
        for text in [
            "31/12/2024",
            "12/31/2024",
            "01-02-2024",
            "24-01-02",
            "2024-13-01",
            "2023-02-29",
            "2024-01/02",
            "2024-31-12",
            "20240105",
            "2024-01-05 13:11 PM",
            "2024-01-05 10:11:61",
            "2024-01-05 10:11:60",
            "2016-12-31T23:59:60-03:00",
            "2024-01-05T22:59:60Z",
            "2024-01-05 24:00:01",
            "2024-01-05 24:01",
            "2024-01-05 24:00 PM",
            "2024-01-05 10:11:12 -0300 UTC",
            "2024-01-05 10:11:12 +0000 PST",
            "Thu, 05 Jan 2024 10:11:12 GMT",
            "Fri, 05 Jan 24 10:11:12 GMT",
            "Fri, 05 Jan 2024 10:11:12 EST",
            "Fri, 32 Jan 2024 10:11:12 GMT",
            "05 Enx 2024",
            "January 2024",
            "01 02 2024",
            "5 Jan 24",
            "2024-01-05 10",
            "2024-01-05T10:11:12[Europe/London]",
            "2024-01-05T10:11:12[Etc/GMT+3]",
            "2024-01-05T10:11:12-03:00[UTC]",
            "2024-01-05T10:11:12-03:00[-02:00]",
            "2024-01-05T10:11:12[UTC][UTC]",
            "2024-01-05T10:11:12Z[!u-ca=hebrew]",
            "2024-01-05T10:11:12Z[]",
            "2024-01-05[America/Sao_Paulo]",
            "2024-01-05T10:11:12 (PST)",
            "2024-01-05 10:11:12 -0300 (UTC)",
            "2024-01-05 10:11 at",
            "2024-01-05 at",
            "Fri Jan  5 10:11:12 24",
            "05/01 10:11:12 2024",
            "2024-01-05 10h1",
            "2024-01-05T10:",
            "2024-01-05 13 PM",
            "2024-01-05 10:1",
            "2024-01-05 101",
            "2024-01-05T10:11:12Zulu",
            "2024-01-05T10:11:12+25:00",
            "2024-01-05T10:11:12+000",
            "2024-01-05x",
            "2024-01-05 10:11:12 +",
            "2024-01-05 10:11:12.",
            "2024",
            "",
            "1735689599",
            "45657",
            "2024-12-31 25:00",
            "0000-00-00",
            "0000-00-00 00:00:00",
            "+12024-01-01",
            "yesterday",
            "2024-12-31 23:59:58 PST",
            "12024-12-31",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(
            parts in vec(
                prop_oneof![
                    select(vec![
                        "2024", "-", "01", "5", "T", ":", "10", "h", "às ", "ÀS ", "a las", " ", "Jan", "mié", "\u{301}",
                        "º", "(", ")", "[", "]", "+", "GMT", "Z", "PM", ".", ",", "[UTC]", "60",
                    ]).prop_map(str::to_owned),
                    "\\PC",
                ],
                0..14,
            )
        ) {
            time(&parts.concat());
        }
    }
}
