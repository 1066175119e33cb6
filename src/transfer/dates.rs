//! Parses dates: year first, or with the name of the month, as in `January 5, 2024` and `viernes, 5 de enero de 2024`.

use chrono::{Datelike, NaiveDate, Weekday};

use super::fold::fold_text;

/// The names of the months in English, Spanish and Portuguese, folded. No name means two months.
const MONTHS: [&[&str]; 12] = [
    &["jan", "january", "ene", "enero", "janeiro"],
    &["feb", "february", "febrero", "fev", "fevereiro"],
    &["mar", "march", "marzo", "marco"],
    &["apr", "april", "abr", "abril"],
    &["may", "mayo", "mai", "maio"],
    &["jun", "june", "junio", "junho"],
    &["jul", "july", "julio", "julho"],
    &["aug", "august", "ago", "agosto"],
    &["sep", "sept", "september", "septiembre", "setiembre", "set", "setembro"],
    &["oct", "october", "octubre", "out", "outubro"],
    &["nov", "november", "noviembre", "novembro"],
    &["dec", "december", "dic", "diciembre", "dez", "dezembro"],
];

/// The names of the days of the week in the same languages, from Monday on. In Portuguese `-feira` can follow.
const WEEKDAYS: [&[&str]; 7] = [
    &["mon", "monday", "lun", "lunes", "seg", "segunda"],
    &["tue", "tues", "tuesday", "mar", "martes", "ter", "terca"],
    &["wed", "weds", "wednesday", "mie", "miercoles", "qua", "quarta"],
    &["thu", "thur", "thurs", "thursday", "jue", "jueves", "qui", "quinta"],
    &["fri", "friday", "vie", "viernes", "sex", "sexta"],
    &["sat", "saturday", "sab", "sabado"],
    &["sun", "sunday", "dom", "domingo"],
];

/// Words between the parts of a date: `5 de enero del 2024`, `5th of January`.
const JOINTS: [&str; 4] = ["de", "del", "do", "of"];

/// The endings of an ordinal number: `5th`, `1º`.
const ORDINALS: [&str; 7] = ["st", "nd", "rd", "th", "º", "°", "ª"];

/// Splits off a date that has one possible reading. The year has four digits.
pub(super) fn split(text: &str) -> Option<(NaiveDate, &str)> {
    split_numeric(text).or_else(|| split_named(text))
}

/// Splits off a date: `2024-01-05`, `2024/1/5`, `2024.01.05`, or `20240105` before a `T`.
fn split_numeric(text: &str) -> Option<(NaiveDate, &str)> {
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

/// Splits off a date with the name of its month: day, month and year, or month, day and year, or year, month and day.
/// A day of the week can precede it, and must then be the date's.
fn split_named(text: &str) -> Option<(NaiveDate, &str)> {
    split_parts(text).or_else(|| {
        let (weekday, rest) = split_weekday(text)?;
        split_parts(after_joint(rest)).filter(|(date, _)| date.weekday() == weekday)
    })
}

fn split_parts(text: &str) -> Option<(NaiveDate, &str)> {
    day_first(text)
        .or_else(|| month_first(text))
        .or_else(|| year_first(text))
}

fn day_first(text: &str) -> Option<(NaiveDate, &str)> {
    let (day, rest) = split_day(text)?;
    let (month, rest) = split_month(after_joint(rest))?;
    let (year, rest) = split_year(after_joint(rest))?;
    Some((NaiveDate::from_ymd_opt(year, month, day)?, rest))
}

fn month_first(text: &str) -> Option<(NaiveDate, &str)> {
    let (month, rest) = split_month(text)?;
    let (day, rest) = split_day(after_joint(rest))?;
    let (year, rest) = split_year(after_joint(rest))?;
    Some((NaiveDate::from_ymd_opt(year, month, day)?, rest))
}

fn year_first(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = split_year(text)?;
    let (month, rest) = split_month(after_joint(rest))?;
    let (day, rest) = split_day(after_joint(rest))?;
    Some((NaiveDate::from_ymd_opt(year, month, day)?, rest))
}

fn split_year(text: &str) -> Option<(i32, &str)> {
    let (year, rest) = split_digits(text, 4, 4)?;
    let is_whole = !rest.starts_with(|c: char| c.is_ascii_digit());
    Some((i32::try_from(year).ok().filter(|_| is_whole)?, rest))
}

fn split_day(text: &str) -> Option<(u32, &str)> {
    let (day, rest) = split_digits(text, 1, 2)?;
    let rest = ORDINALS
        .iter()
        .find_map(|ordinal| rest.strip_prefix(ordinal))
        .unwrap_or(rest);
    (!rest.starts_with(|c: char| c.is_ascii_digit())).then_some((day, rest))
}

fn split_month(text: &str) -> Option<(u32, &str)> {
    let (month, rest) = split_name(text, &MONTHS)?;
    Some((u32::try_from(month).ok()? + 1, rest))
}

fn split_weekday(text: &str) -> Option<(Weekday, &str)> {
    let (weekday, rest) = split_name(text, &WEEKDAYS)?;
    let rest = rest.strip_prefix("-feira").unwrap_or(rest);
    Some((Weekday::try_from(u8::try_from(weekday).ok()?).ok()?, rest))
}

/// Splits off a name, and returns its index in the table.
fn split_name<'t>(text: &'t str, names: &[&[&str]]) -> Option<(usize, &'t str)> {
    let (word, rest) = split_word(text);
    let folded = fold_text(word);
    let index = names.iter().position(|names| names.contains(&folded.as_str()))?;
    Some((index, rest))
}

fn split_word(text: &str) -> (&str, &str) {
    let is_letter = |c: char| c.is_alphabetic() && !matches!(c, 'º' | 'ª') || matches!(c, '\u{300}'..='\u{36f}');
    text.split_at(text.len() - text.trim_start_matches(is_letter).len())
}

/// The text without the blanks, the punctuation and the words between two parts of a date.
fn after_joint(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '-' | '/'));
    let (word, after) = split_word(rest);
    if JOINTS.contains(&fold_text(word).as_str()) {
        after.trim_start()
    } else {
        rest
    }
}

/// Splits off a number of at least `shortest` and at most `longest` digits.
pub(super) fn split_digits(text: &str, shortest: usize, longest: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(longest).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    Some((digits.parse().ok().filter(|_| count >= shortest)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_no_name_has_two_meanings() {
        for names in [&MONTHS[..], &WEEKDAYS[..]] {
            let all: Vec<&str> = names.iter().flat_map(|names| names.iter().copied()).collect();
            for name in &all {
                assert_eq!(fold_text(name), *name);
                assert_eq!(all.iter().filter(|other| *other == name).count(), 1, "{name}");
            }
        }
    }

    #[test]
    fn a_date_with_the_name_of_its_month_has_its_parts_in_three_orders() {
        let expected = NaiveDate::from_ymd_opt(2024, 1, 5);
        for text in [
            "05 Jan 2024",
            "5 January 2024",
            "5-Jan-2024",
            "05/ene/2024",
            "5.jan.2024",
            "05Jan2024",
            "5th January 2024",
            "5th of January, 2024",
            "5º de janeiro de 2024",
            "5 de enero de 2024",
            "5 DE ENERO DEL 2024",
            "5 ene. 2024",
            "January 5, 2024",
            "Jan. 5th 2024",
            "enero 5, 2024",
            "2024 Jan 05",
            "2024-ene-05",
            "Fri, 05 Jan 2024",
            "Friday 5 January 2024",
            "Friday, January 5, 2024",
            "viernes, 5 de enero de 2024",
            "vie. 5 ene. 2024",
            "sexta-feira, 5 de janeiro de 2024",
            "sex., 5 de jan. de 2024",
        ] {
            assert_eq!(
                split(text).map(|(date, rest)| (Some(date), rest)),
                Some((expected, "")),
                "{text}"
            );
        }
        for (text, month, day) in [
            ("mar 5 mar 2024", 3, 5),
            ("mar, 5 mar 2024", 3, 5),
            ("1º de março de 2024", 3, 1),
            ("1º de marc\u{327}o de 2024", 3, 1),
            ("mie\u{301} 6 mar 2024", 3, 6),
            ("29 feb 2024", 2, 29),
            ("30 set 2024", 9, 30),
            ("31 out 2024", 10, 31),
            ("31 DEZ 2024", 12, 31),
        ] {
            let expected = NaiveDate::from_ymd_opt(2024, month, day);
            assert_eq!(split(text).map(|(date, _)| date), expected, "{text}");
        }
    }

    #[test]
    fn a_date_without_a_day_or_a_year_of_four_digits_is_refused() {
        for text in [
            "Jan 2024",
            "5 Jan",
            "5 Jan 24",
            "24 Jan 05",
            "Jan 5 24",
            "5 Jan 20244",
            "055 Jan 2024",
            "32 Jan 2024",
            "30 feb 2024",
            "5 Enx 2024",
            "5 de de enero 2024",
            "jeu 5 Jan 2024",
            "Thu, 05 Jan 2024",
            "lunes 5 de enero de 2024",
            "Fri 2024",
            "Jan",
            "",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
