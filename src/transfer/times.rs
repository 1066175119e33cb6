//! Parses times.

use chrono::{DateTime, Datelike, Month, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc, Weekday};

/// Parses a time that has one possible reading. It begins with a date: year, month and day, or day, English name of the
/// month, and year. A time of day can follow, and then an offset. A time without an offset is UTC.
///
/// Refuses ambiguous forms such as 1/2/2024, and time zones by name except UTC and GMT.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let (date, rest) = split_date(text).or_else(|| split_named_date(text))?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => Some(rest.trim_start_matches([' ', ','])).filter(|trimmed| trimmed.len() < rest.len())?,
    };
    let (clock, rest) = split_clock(rest)?;
    let local = NaiveDateTime::new(date, clock.time).checked_add_signed(clock.carried)?;
    let utc = local.checked_sub_signed(offset(rest)?)?;
    // A leap second is the last second of a UTC day.
    let is_day_start = utc.num_seconds_from_midnight() == 0;
    (is_day_start || !clock.is_leap_second).then(|| utc.and_utc())
}

/// Splits off a date: `2024-01-05`, `2024/1/5`, `2024.01.05`, or `20240105` before a `T`.
fn split_date(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = split_digits(text, 4, 4)?;
    let separator = rest.chars().next()?;
    let ((month, rest), shortest) = match separator {
        '-' | '/' | '.' => (split_digits(&rest[1..], 1, 2)?, 1),
        _ => (split_digits(rest, 2, 2)?, 2),
    };
    let (day, rest) = match shortest {
        1 => split_digits(rest.strip_prefix(separator)?, 1, 2)?,
        _ => split_digits(rest, 2, 2).filter(|(_, rest)| rest.starts_with(['T', 't']))?,
    };
    Some((NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?, rest))
}

/// Splits off a date as mail headers and HTTP write it: `Fri, 05 Jan 2024`, or without the day of the week.
fn split_named_date(text: &str) -> Option<(NaiveDate, &str)> {
    let (weekday, text) = match text.split_once(',') {
        Some((weekday, rest)) => (Some(weekday.trim().parse::<Weekday>().ok()?), rest.trim_start()),
        None => (None, text),
    };
    let (day, rest) = split_digits(text, 1, 2)?;
    let (month, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let month = month.parse::<Month>().ok()?;
    let (year, rest) = split_digits(rest, 4, 4)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month.number_from_month(), day)?;
    let is_its_weekday = weekday.is_none_or(|weekday| weekday == date.weekday());
    is_its_weekday.then_some((date, rest))
}

/// A time of day.
struct Clock {
    time: NaiveTime,
    /// The duration to add to `time`. It is one second for a leap second, which counts as the second after it, and one
    /// day for `24:00`.
    carried: TimeDelta,
    is_leap_second: bool,
}

/// Splits off a time of day: `10:11`, `10:11:12.5`, `1011`, `101112`, each perhaps with `AM` or `PM`.
fn split_clock(text: &str) -> Option<(Clock, &str)> {
    let (hour, rest) = split_digits(text, 1, 2)?;
    let colon = if rest.starts_with(':') { ":" } else { "" };
    let (minute, mut rest) = split_digits(rest.strip_prefix(colon)?, 2, 2)?;
    let (mut second, mut nanosecond) = (0, 0);
    if let Some((seconds, after)) = rest.strip_prefix(colon).and_then(|rest| split_digits(rest, 2, 2)) {
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
        None => (hour, rest),
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

/// Parses the offset from UTC: nothing, `Z`, `UTC`, `GMT`, `+00`, `-0300`, `+05:30`, `GMT-3`, `+0000 UTC`.
fn offset(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    // Go and mail headers name the zone after its offset.
    if let Some((numeric, name)) = text.split_once(' ').filter(|_| text.starts_with(['+', '-']))
        && ["UTC", "GMT", "(UTC)", "(GMT)"].contains(&name)
    {
        return offset(numeric).filter(TimeDelta::is_zero);
    }
    let upper = text.to_ascii_uppercase();
    let text = match ["UTC", "GMT", "Z"].iter().find(|name| upper.starts_with(**name)) {
        Some(name) if text.len() == name.len() => return Some(TimeDelta::zero()),
        Some(&"Z") => return None,
        Some(name) => text[name.len()..].trim_start(),
        None if text.is_empty() => return Some(TimeDelta::zero()),
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

/// Splits off a number of at least `shortest` and at most `longest` digits.
fn split_digits(text: &str, shortest: usize, longest: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(longest).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    Some((digits.parse().ok().filter(|_| count >= shortest)?, rest))
}

#[cfg(test)]
mod tests {
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
}
