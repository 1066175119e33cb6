//! The verdict about a row, from its comparisons with contacts and with earlier rows.

use std::cmp::Reverse;

use strum::{Display, VariantArray};

use super::level::{EmailLevel, ExternalIdLevel, Field, Level, NameLevel, PhoneLevel};
use super::model::Comparison;

/// What an import must know about a row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Display, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Nothing matches.
    New,
    /// A contact has the same external id, the same E.164 or the same email.
    Exact,
    /// A contact has the same match key, an alias of the same mailbox, or is similar enough.
    Likely,
    /// The row's phone, email and external id lead to different contacts, or its phone leads to a clearly different
    /// person.
    Conflict,
    /// No contact matches. An earlier row does.
    DuplicateInFile,
    /// The row cannot be read. Only the reader of the file gives this verdict.
    Invalid,
}

/// A contact or an earlier row that a row was compared with. `Id` is the contact's id or the row's line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Match<Id> {
    pub id: Id,
    pub comparison: Comparison,
}

/// The contact or the earlier row whose comparison gave the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decisive<Id> {
    Contact(Id),
    /// The line of the row.
    Row(u64),
}

/// The verdict about a row.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement<Id> {
    pub verdict: Verdict,
    /// The probability of the best match, or 0 without any.
    pub score: f64,
    /// The comparison that gave the verdict, for its reasons. `None` for a new row.
    pub decisive: Option<(Decisive<Id>, Comparison)>,
    /// The contacts that match, the best one first. For a conflict, the contacts that the row's identities lead to.
    pub contact_ids: Vec<Id>,
    /// The line of the earlier row that is the same person.
    pub duplicate_of: Option<u64>,
}

/// Judges a row by its candidates. Their order does not matter. `threshold` is the least probability of a likely match.
/// [`super::Parameters::threshold`] is the usual one.
pub fn judge<Id: Ord + Copy>(contacts: &[Match<Id>], earlier_rows: &[Match<u64>], threshold: f64) -> Judgement<Id> {
    let contacts_finding = Finding::of(contacts, threshold);
    let row_finding = Finding::of(earlier_rows, threshold);
    let duplicate_of = row_finding.as_ref().filter(|finding| !finding.is_conflict());
    let duplicate_of = duplicate_of.map(|finding| finding.best.id);
    let probabilities = contacts.iter().map(|found| found.comparison.probability);
    let probabilities = probabilities.chain(earlier_rows.iter().map(|found| found.comparison.probability));
    let (verdict, decisive, contact_ids) = match (contacts_finding, row_finding) {
        (Some(finding), _) => {
            let decisive = (Decisive::Contact(finding.best.id), finding.best.comparison);
            (finding.verdict, Some(decisive), finding.ids)
        }
        (None, Some(finding)) => {
            let verdict = if finding.is_conflict() {
                Verdict::Conflict
            } else {
                Verdict::DuplicateInFile
            };
            let decisive = (Decisive::Row(finding.best.id), finding.best.comparison);
            (verdict, Some(decisive), Vec::new())
        }
        (None, None) => (Verdict::New, None, Vec::new()),
    };
    Judgement {
        verdict,
        score: match &decisive {
            Some((_, comparison)) => comparison.probability,
            None => probabilities.fold(0.0, f64::max),
        },
        decisive,
        contact_ids,
        duplicate_of,
    }
}

/// How certain a match is. The most certain one comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    Exact,
    Likely,
    /// The phone or a role's mailbox belongs to a clearly different person.
    SharedByOthers,
}

/// An identity of a row that can lead to contacts.
#[derive(Clone, Copy)]
enum Identity {
    ExternalId,
    Phone,
    Email,
}

const IDENTITIES: [Identity; 3] = [Identity::ExternalId, Identity::Phone, Identity::Email];

impl Identity {
    fn leads_to(self, comparison: &Comparison) -> bool {
        let levels: &[Level] = match self {
            Self::ExternalId => &[Level::ExternalId(ExternalIdLevel::Same)],
            Self::Phone => &[Level::Phone(PhoneLevel::Same), Level::Phone(PhoneLevel::SameLine)],
            Self::Email => &[Level::Email(EmailLevel::Same), Level::Email(EmailLevel::SameMailbox)],
        };
        levels.iter().any(|level| comparison.has(*level))
    }
}

/// The identities that lead to a match.
fn count_identities(comparison: &Comparison) -> usize {
    IDENTITIES
        .iter()
        .filter(|identity| identity.leads_to(comparison))
        .count()
}

/// Whether only the phone is exact, and the name does not say in full who it is.
fn is_unnamed_caller(comparison: &Comparison) -> bool {
    let is_identified = [Identity::ExternalId, Identity::Email]
        .iter()
        .any(|identity| identity.leads_to(comparison));
    let is_partial = [NameLevel::Initials, NameLevel::PartMissing, NameLevel::MostWords]
        .iter()
        .any(|level| comparison.has(Level::Name(*level)));
    !is_identified && (is_partial || comparison.level(Field::Name).is_none())
}

impl Certainty {
    fn of(comparison: &Comparison, threshold: f64) -> Option<Self> {
        if Identity::ExternalId.leads_to(comparison) {
            return Some(Self::Exact);
        }
        let is_same_line = Identity::Phone.leads_to(comparison);
        let is_role = comparison.has(Level::Email(EmailLevel::SameRole));
        if comparison.is_clearly_another_person() && (is_same_line || is_role) {
            return Some(Self::SharedByOthers);
        }
        if comparison.is_exact() {
            return Some(Self::Exact);
        }
        let is_alias = comparison.has(Level::Email(EmailLevel::SameMailbox)) && !comparison.is_clearly_another_person();
        (is_same_line || is_alias || comparison.probability >= threshold).then_some(Self::Likely)
    }
}

/// What the contacts, or the earlier rows, say about a row.
struct Finding<Id> {
    verdict: Verdict,
    best: Match<Id>,
    ids: Vec<Id>,
}

impl<Id: Ord + Copy> Finding<Id> {
    /// `None` if nothing matches.
    fn of(candidates: &[Match<Id>], threshold: f64) -> Option<Self> {
        let mut matches: Vec<(Certainty, &Match<Id>)> = candidates
            .iter()
            .filter_map(|found| Some((Certainty::of(&found.comparison, threshold)?, found)))
            .collect();
        matches.sort_by(|(certainty, found), (other_certainty, other)| {
            let identities = |found: &Match<Id>| Reverse(count_identities(&found.comparison));
            certainty
                .cmp(other_certainty)
                .then_with(|| identities(found).cmp(&identities(other)))
                .then_with(|| other.comparison.probability.total_cmp(&found.comparison.probability))
                .then_with(|| found.id.cmp(&other.id))
        });
        let (certainty, best) = *matches.first()?;
        // Each identity that leads to contacts must lead to the best one.
        let leads_elsewhere = |identity: &Identity| {
            !identity.leads_to(&best.comparison)
                && matches.iter().any(|(_, found)| identity.leads_to(&found.comparison))
        };
        // Somebody else has the phone too.
        let is_shared = matches
            .iter()
            .any(|(certainty, _)| *certainty == Certainty::SharedByOthers);
        let verdict = match certainty {
            _ if IDENTITIES.iter().any(leads_elsewhere) => Verdict::Conflict,
            Certainty::SharedByOthers => Verdict::Conflict,
            Certainty::Exact if is_shared && is_unnamed_caller(&best.comparison) => Verdict::Likely,
            Certainty::Exact => Verdict::Exact,
            Certainty::Likely => Verdict::Likely,
        };
        let is_shown = |certainty: Certainty| verdict == Verdict::Conflict || certainty != Certainty::SharedByOthers;
        Some(Self {
            verdict,
            best: *best,
            ids: matches
                .iter()
                .filter(|(certainty, _)| is_shown(*certainty))
                .map(|(_, found)| found.id)
                .collect(),
        })
    }

    fn is_conflict(&self) -> bool {
        self.verdict == Verdict::Conflict
    }
}
