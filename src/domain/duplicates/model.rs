//! Weighs the evidence of two records, after Fellegi and Sunter (1969).

use super::email;
use super::frequencies::Frequencies;
use super::level::{EmailLevel, ExternalIdLevel, Field, Level, NameLevel, PhoneLevel};
use super::name::{Alignment, Words};
use super::parameters::Parameters;
use super::phone;
use super::record::Record;

/// The number of fields.
const FIELDS: usize = 4;

/// What one field says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reason {
    pub level: Level,
    /// The binary logarithm of the likelihood ratio. Positive evidence is for one person, negative evidence against it.
    pub weight: f64,
}

/// The evidence that two records are one person.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Comparison {
    /// The probability that the records are one person.
    pub probability: f64,
    reasons: [Option<Reason>; FIELDS],
}

impl Comparison {
    /// What each field says, in the order of [`Field`]. A field that a record lacks says nothing.
    pub fn reasons(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().flatten()
    }

    /// The level of a field. `None` if it says nothing.
    pub fn level(&self, field: Field) -> Option<Level> {
        self.reasons()
            .map(|reason| reason.level)
            .find(|level| level.field() == field)
    }

    pub(super) fn has(&self, level: Level) -> bool {
        self.level(level.field()) == Some(level)
    }

    /// Whether the records have the same external id, the same E.164 or the same email.
    pub fn is_exact(&self) -> bool {
        self.has(Level::ExternalId(ExternalIdLevel::Same))
            || self.has(Level::Phone(PhoneLevel::Same))
            || self.has(Level::Email(EmailLevel::Same))
            || self.has(Level::Email(EmailLevel::SameRole))
    }

    /// Whether the names are those of two people, such as two members of a family.
    pub fn is_clearly_another_person(&self) -> bool {
        matches!(self.level(Field::Name), Some(Level::Name(level)) if level.is_contradiction())
    }
}

/// Compares records, given how frequent the words of names are.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    pub(super) frequencies: &'a Frequencies,
    pub(super) parameters: &'static Parameters,
    /// The number of records, at least the number of unseen ones.
    records: f64,
    /// The binary logarithm of the odds that two random records are one person.
    prior: f64,
}

impl<'a> Model<'a> {
    /// `frequencies` must count every record of the comparison: the client's contacts and the rows of the file.
    pub fn new(frequencies: &'a Frequencies) -> Self {
        let parameters = Parameters::get();
        let records = frequencies.smoothed_records(parameters);
        Self {
            frequencies,
            parameters,
            records,
            prior: (frequencies.expected_matches(parameters) / records).log2(),
        }
    }

    /// Compares two records. The order of the records does not matter.
    pub fn compare(&self, one: &Record, other: &Record) -> Comparison {
        let (one, other) = in_order(one, other);
        let external_id = external_id_level(one, other).map(Level::ExternalId);
        let phone = phone::level(one, other).map(Level::Phone);
        let email = email::level(one, other).map(Level::Email);
        let mut reasons = [None; FIELDS];
        let contact = [external_id, phone, email];
        let lead = contact
            .iter()
            .flatten()
            .copied()
            .filter(|level| level.is_shared_contact())
            .max_by(|level, other| self.weight(*level, 0.0).total_cmp(&self.weight(*other, 0.0)));
        for (reason, level) in reasons.iter_mut().zip(contact) {
            *reason = level.map(|level| Reason {
                level,
                weight: match level {
                    Level::Email(EmailLevel::NameOnly) => self.weigh_name_only(one, other, level),
                    // People who share one thing share others too, so only the strongest one counts in full.
                    _ if lead.is_some_and(|lead| lead != level) => self.weight(level, self.known(level)),
                    _ => self.weight(level, 0.0),
                },
            });
        }
        let is_alike = contact.iter().flatten().any(|level| level.is_alike());
        reasons[Field::Name as usize] = self.compare_names(one, other, lead.is_some(), is_alike);
        self.count_once(one, other, &mut reasons);
        let total: f64 = self.prior + reasons.iter().flatten().map(|reason| reason.weight).sum::<f64>();
        Comparison {
            probability: 1.0 / (1.0 + (-total).exp2()),
            reasons,
        }
    }

    fn known(&self, level: Level) -> f64 {
        self.parameters.level(level).known
    }

    /// The weight of a level that at least `least` of other people's records have.
    fn weight(&self, level: Level, least: f64) -> f64 {
        self.weight_by_chance(level, 1.0, least)
    }

    /// The weight of a level that `chance` lowers the frequency of.
    fn weight_by_chance(&self, level: Level, chance: f64, least: f64) -> f64 {
        let level = self.parameters.level(level);
        let u = level.u * chance + level.others / self.records;
        (level.m / u.max(least).min(1.0)).log2()
    }

    /// Weighs the names. People who share a phone or an email are often relatives or colleagues, and so are people with
    /// different names whose phones or emails are alike.
    fn compare_names(&self, one: &Record, other: &Record, is_shared: bool, is_alike: bool) -> Option<Reason> {
        let (one, other) = (Words::of(one), Words::of(other));
        let (one, other) = (one.as_slice(), other.as_slice());
        let alignment = Alignment::of(one, other, self.frequencies)?;
        let level = Level::Name(alignment.level);
        let chance = match alignment.level {
            NameLevel::Different | NameLevel::DifferentShort => 1.0,
            _ => alignment.chance(one, other, self.frequencies, self.parameters),
        };
        let are_known = is_shared || is_alike && alignment.level.is_contradiction();
        let least = if are_known { self.known(level) } else { 0.0 };
        Some(Reason {
            level,
            weight: self.weight_by_chance(level, chance, least),
        })
    }

    /// The weight of an email that has the words of the other record's name.
    fn weigh_name_only(&self, one: &Record, other: &Record, level: Level) -> f64 {
        let words = one.words().chain(other.words());
        let chance = words
            .map(|word| self.frequencies.frequency(word, self.parameters))
            .product();
        self.weight_by_chance(level, chance, 0.0)
    }

    /// Two people with similar names have similar emails if their emails are made of the names. So such a likeness
    /// counts nothing beside the name. An email that is the same belongs to one mailbox, and counts.
    fn count_once(&self, one: &Record, other: &Record, reasons: &mut [Option<Reason>; FIELDS]) {
        let Some(email) = &mut reasons[Field::Email as usize] else {
            return;
        };
        if email.level.is_alike() && email::are_made_of_a_shared_word(one, other) {
            email.weight = 0.0;
        }
    }
}

/// The records in the order of their names. The words are paired from the first to the last, so without it the result
/// could depend on the order in which the records are given.
pub(super) fn in_order<'r>(one: &'r Record, other: &'r Record) -> (&'r Record, &'r Record) {
    if one.name() <= other.name() {
        (one, other)
    } else {
        (other, one)
    }
}

fn external_id_level(one: &Record, other: &Record) -> Option<ExternalIdLevel> {
    if one.external_id().is_empty() || other.external_id().is_empty() {
        return None;
    }
    Some(if one.external_id() == other.external_id() {
        ExternalIdLevel::Same
    } else {
        ExternalIdLevel::Different
    })
}
