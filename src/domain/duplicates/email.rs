//! Compares two emails.

use super::level::EmailLevel;
use super::mailbox::is_role;
use super::name::Words;
use super::record::Record;

/// The fewest characters of a local part that may have one typing error, and two.
const ONE_EDIT: usize = 4;
const TWO_EDITS: usize = 8;

/// The fewest characters of a domain that may have two typing errors. Most of them end with `.com`.
const DOMAIN_TWO_EDITS: usize = 12;

/// The fewest characters of a local part that is evidence at another domain, or with many typing errors.
const LOCAL_MIN: usize = 5;

/// The least share of unchanged characters of two similar texts.
const SIMILAR: f64 = 0.8;

/// The least share of unchanged characters of the local parts in similar addresses: companies can have similar domains.
const SIMILAR_LOCAL: f64 = 0.5;

/// The fewest letters of a name's word that an email can be made of.
const WORD_MIN: usize = 3;

/// The level of two records' emails. `None` if an email is missing and says nothing.
pub(super) fn level(one: &Record, other: &Record) -> Option<EmailLevel> {
    match (one.email(), other.email()) {
        ("", "") => None,
        ("", email) => is_name_only(one, other, email).then_some(EmailLevel::NameOnly),
        (email, "") => is_name_only(other, one, email).then_some(EmailLevel::NameOnly),
        (email, other_email) if email == other_email => Some(if is_role(local_part(email)) {
            EmailLevel::SameRole
        } else {
            EmailLevel::Same
        }),
        _ if one.mailbox() == other.mailbox() => Some(EmailLevel::SameMailbox),
        _ => Some(match similarity(one.mailbox(), other.mailbox()) {
            EmailLevel::Different | EmailLevel::SameLocal if are_made_of_a_shared_word(one, other) => {
                EmailLevel::MadeOfName
            }
            level => level,
        }),
    }
}

/// Whether an email is the only trace of a name: its record has none, and its local part has the whole name of the
/// other record.
fn is_name_only(named: &Record, unnamed: &Record, email: &str) -> bool {
    let words = Words::of(named);
    let words = words.as_slice();
    let local = local_part(email);
    unnamed.name().is_empty()
        && words.len() >= 2
        && words.iter().all(|word| word.len() >= WORD_MIN && local.contains(word))
}

/// Whether the local parts of both emails contain one word that both names have.
pub(super) fn are_made_of_a_shared_word(one: &Record, other: &Record) -> bool {
    let (local, other_local) = (local_part(one.email()), local_part(other.email()));
    one.words()
        .filter(|word| word.len() >= WORD_MIN && other.words().any(|other| other == *word))
        .any(|word| local.contains(word) && other_local.contains(word))
}

fn local_part(email: &str) -> &str {
    email.rsplit_once('@').map_or(email, |(local, _)| local)
}

/// How similar two different mailboxes are.
fn similarity(one: &str, other: &str) -> EmailLevel {
    let parts = |email| str::rsplit_once(email, '@').unwrap_or((email, ""));
    let ((local, domain), (other_local, other_domain)) = (parts(one), parts(other));
    // Gmail's mailboxes have no dots, and those of other providers do.
    let is_same_local = local
        .chars()
        .filter(|character| *character != '.')
        .eq(other_local.chars().filter(|character| *character != '.'));
    if is_same_local && domain != other_domain && !domain.is_empty() && !other_domain.is_empty() {
        let shorter = domain.len().min(other_domain.len());
        if differ_only_by_number(domain, other_domain) {
            return EmailLevel::Different;
        }
        return match edits(domain, other_domain, if shorter < DOMAIN_TWO_EDITS { 1 } else { 2 }) {
            Some(_) => EmailLevel::Typing,
            None if local.chars().count() >= LOCAL_MIN && !is_role(local) => EmailLevel::SameLocal,
            None => EmailLevel::Different,
        };
    }
    if differ_only_by_number(local, other_local) {
        return EmailLevel::Different;
    }
    let shorter = local.chars().count().min(other_local.chars().count());
    if domain == other_domain {
        let allowed = match shorter {
            TWO_EDITS.. => 2,
            ONE_EDIT.. => 1,
            _ => 0,
        };
        return if edits(local, other_local, allowed).is_some() {
            EmailLevel::Typing
        } else if shorter > LOCAL_MIN && is_similar(local, other_local, SIMILAR) {
            EmailLevel::Similar
        } else {
            EmailLevel::Different
        };
    }
    // A typing error can move or remove the `@`, so the whole addresses are compared.
    let is_same_person = is_similar(one, other, SIMILAR)
        && (domain.is_empty() || other_domain.is_empty() || is_similar(local, other_local, SIMILAR_LOCAL));
    match edits(one, other, 2) {
        Some(_) if is_same_person => EmailLevel::Typing,
        _ if is_same_person => EmailLevel::Similar,
        _ => EmailLevel::Different,
    }
}

/// Whether the texts have the same letters and other digits: `ana1985` and `ana1987` are two people.
fn differ_only_by_number(one: &str, other: &str) -> bool {
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let is_letter = |character: &char| !character.is_ascii_digit();
    has_digit(one) && has_digit(other) && one.chars().filter(is_letter).eq(other.chars().filter(is_letter))
}

/// The edits between two texts, if there are at most `allowed`.
fn edits(one: &str, other: &str, allowed: usize) -> Option<usize> {
    if fewest_edits(one, other) > allowed {
        return None;
    }
    Some(strsim::osa_distance(one, other)).filter(|edits| *edits <= allowed)
}

/// Whether at least this share of the longer text is unchanged.
fn is_similar(one: &str, other: &str, share: f64) -> bool {
    let longer = one.chars().count().max(other.chars().count());
    let allowed = ((1.0 - share) * longer as f64 + 1e-9).floor() as usize;
    edits(one, other, allowed).is_some()
}

/// A lower bound of the edits between two texts, from the counts of their bytes. It is much cheaper than the distance,
/// and tells most pairs apart.
fn fewest_edits(one: &str, other: &str) -> usize {
    let mut counts = [0_i16; 256];
    for byte in one.bytes() {
        counts[usize::from(byte)] += 1;
    }
    for byte in other.bytes() {
        counts[usize::from(byte)] -= 1;
    }
    if !one.is_ascii() || !other.is_ascii() {
        // A character of several bytes can change in one edit.
        return 0;
    }
    let more: i16 = counts.iter().filter(|count| **count > 0).sum();
    let fewer: i16 = counts.iter().filter(|count| **count < 0).map(|count| -count).sum();
    more.max(fewer).unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duplicates::record::RecordFields;

    fn record(name: &str, email: &str) -> Record {
        Record::new(&RecordFields {
            name: Some(name),
            email: Some(email),
            ..RecordFields::default()
        })
    }

    #[test]
    fn emails_agree_at_the_level_of_their_mailboxes() {
        for (one, other, expected) in [
            ("Ana@Acme.com", "ana@acme.com", EmailLevel::Same),
            ("info@acme.com", "info@acme.com", EmailLevel::SameRole),
            ("a.na+x@gmail.com", "ana@googlemail.com", EmailLevel::SameMailbox),
            ("hannah@powers.com", "hanah@powers.com", EmailLevel::Typing),
            ("hannah@powers.com", "hannah@power.com", EmailLevel::Typing),
            ("hannah88@powers.com", "hannah88opowersc@m", EmailLevel::Similar),
            (
                "icampbell@allen-lewis.org",
                "icampbeal@lllen-lews.org",
                EmailLevel::Similar,
            ),
            ("hannah88@powers.com", "hannah88@acme.org", EmailLevel::SameLocal),
            ("info@powers.com", "info@acme.org", EmailLevel::Different),
            ("ana1985@gmail.com", "ana1987@gmail.com", EmailLevel::Different),
            (
                "ana@turner-gonzalez.com",
                "eva@turner-gonzalez.com",
                EmailLevel::Different,
            ),
            (
                "ana@turner-gonzalez.com",
                "luis@turner-gonzalez.net",
                EmailLevel::Different,
            ),
            ("ana@gmail.com", "ane@gmail.com", EmailLevel::Different),
        ] {
            let (one, other) = (record("", one), record("", other));
            assert_eq!(level(&one, &other), Some(expected), "{one:?} {other:?}");
            assert_eq!(level(&other, &one), Some(expected), "{one:?} {other:?}");
        }
    }

    #[test]
    fn an_email_made_of_the_shared_name_says_nothing_more() {
        let one = record("Ana Gómez", "ana.gomez@acme.com");
        assert_eq!(
            level(&one, &record("Ana Gómez", "gomez_ana@gmail.com")),
            Some(EmailLevel::MadeOfName)
        );
        assert_eq!(
            level(&one, &record("Luis Paz", "ana.gomez@gmail.com")),
            Some(EmailLevel::SameLocal)
        );
    }

    #[test]
    fn an_email_without_a_name_is_compared_with_a_name_without_an_email() {
        let email = record("", "gomez.ana@acme.com");
        assert_eq!(level(&email, &record("Ana Gómez", "")), Some(EmailLevel::NameOnly));
        assert_eq!(level(&record("Ana", ""), &email), None);
        assert_eq!(level(&record("Luis Gómez", ""), &email), None);
        assert_eq!(level(&record("", ""), &email), None);
    }
}
