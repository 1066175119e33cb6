//! The verdict about a row, from its comparisons with contacts and with earlier rows.

use std::cmp::Ordering;

use strum::{Display, EnumString, VariantArray};

use super::level::{EmailLevel, ExternalIdLevel, Level, NameLevel, PhoneLevel};
use super::model::Comparison;

/// What an import must know about a row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Display, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Nothing matches.
    New,
    /// A contact has the same external id, the same E.164 or the same email.
    Exact,
    /// A contact has the same match key, an alias of the same mailbox, or is similar enough. Or it has the same E.164,
    /// but the name agrees only in part and the person can be somebody else.
    Likely,
    /// The row's phone, email and external id lead to different contacts, or its phone or email leads to a clearly
    /// different person.
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
    /// The contacts that match, the best one first, and at most 50. For a conflict, the contacts that the row's
    /// identities lead to.
    pub contact_ids: Vec<Id>,
    /// The line of the earlier row that is the same person.
    pub duplicate_of: Option<u64>,
}

/// Judges a row by its candidates. Their order does not matter. `threshold` is the least probability of a likely match.
/// [`super::Parameters::threshold`] is the usual one.
pub fn judge<Id: Ord + Copy>(contacts: &[Match<Id>], earlier_rows: &[Match<u64>], threshold: f64) -> Judgement<Id> {
    let (mut of_contacts, mut of_rows) = (Finding::default(), Finding::default());
    for contact in contacts {
        of_contacts.add(*contact, threshold);
    }
    for row in earlier_rows {
        of_rows.add(*row, threshold);
    }
    Judgement::of(&of_contacts, &of_rows)
}

impl<Id: Ord + Copy> Judgement<Id> {
    /// The verdict about a row, from its comparisons with contacts and with earlier rows.
    pub fn of(contacts: &Finding<Id>, earlier_rows: &Finding<u64>) -> Self {
        let row_verdict = earlier_rows.verdict(0);
        let duplicate_of = match row_verdict {
            Some((Verdict::Conflict, _)) | None => None,
            Some((_, best)) => Some(best.id),
        };
        let (verdict, decisive, contact_ids) = match (contacts.verdict(earlier_rows.sharing), row_verdict) {
            (Some((verdict, best)), _) => {
                let decisive = (Decisive::Contact(best.id), best.comparison);
                (verdict, Some(decisive), contacts.ids(verdict))
            }
            (None, Some((verdict, best))) => {
                let verdict = match verdict {
                    Verdict::Conflict => Verdict::Conflict,
                    _ => Verdict::DuplicateInFile,
                };
                (verdict, Some((Decisive::Row(best.id), best.comparison)), Vec::new())
            }
            (None, None) => (Verdict::New, None, Vec::new()),
        };
        Self {
            verdict,
            score: match &decisive {
                Some((_, comparison)) => comparison.probability,
                None => contacts.probability.max(earlier_rows.probability),
            },
            decisive,
            contact_ids,
            duplicate_of,
        }
    }
}

/// How certain a match is. The most certain one comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Certainty {
    Exact,
    Likely,
    /// The phone or the mailbox belongs to a clearly different person.
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

/// The number of identities that lead to a match.
fn count_identities(comparison: &Comparison) -> u8 {
    IDENTITIES
        .iter()
        .map(|identity| u8::from(identity.leads_to(comparison)))
        .sum()
}

/// Whether the records have a phone or a role's mailbox in common, which several people can have.
fn shares_with_others(comparison: &Comparison) -> bool {
    Identity::Phone.leads_to(comparison) || comparison.has(Level::Email(EmailLevel::SameRole))
}

/// Whether the records have only in common what several people can have, and the name is missing or agrees only in
/// part.
fn is_unnamed(comparison: &Comparison) -> bool {
    let is_identified = [Identity::ExternalId, Identity::Email]
        .iter()
        .any(|identity| identity.leads_to(comparison));
    let is_named = [NameLevel::Same, NameLevel::Swapped]
        .iter()
        .any(|level| comparison.has(Level::Name(*level)));
    !is_identified && !is_named
}

/// Whether something speaks against an unnamed match: another email, an initial, which fits many first names, or words
/// of both names that the other one lacks.
fn is_doubtful(comparison: &Comparison) -> bool {
    [
        Level::Email(EmailLevel::Different),
        Level::Email(EmailLevel::MadeOfName),
        Level::Name(NameLevel::Initials),
        Level::Name(NameLevel::MostWords),
    ]
    .iter()
    .any(|level| comparison.has(*level))
}

impl Certainty {
    fn of(comparison: &Comparison, threshold: f64) -> Option<Self> {
        if Identity::ExternalId.leads_to(comparison) {
            return Some(Self::Exact);
        }
        let is_role = comparison.has(Level::Email(EmailLevel::SameRole));
        let is_alias = Identity::Email.leads_to(comparison);
        let is_same_line = Identity::Phone.leads_to(comparison);
        if comparison.is_clearly_another_person() && (is_same_line || is_alias || is_role) {
            return Some(Self::SharedByOthers);
        }
        if comparison.is_exact() {
            return Some(Self::Exact);
        }
        (is_same_line || is_alias || comparison.probability >= threshold).then_some(Self::Likely)
    }
}

/// The place of a match among the matches of a row. The best one is the least.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Rank<Id> {
    certainty: Certainty,
    /// The number of identities that lead to the match.
    identities: u8,
    probability: f64,
    id: Id,
}

impl<Id: Ord> Rank<Id> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.certainty
            .cmp(&other.certainty)
            .then_with(|| other.identities.cmp(&self.identities))
            .then_with(|| other.probability.total_cmp(&self.probability))
            .then_with(|| self.id.cmp(&other.id))
    }
}

/// The most matches of a row whose ids are kept. All others count for the verdict, too.
const IDS_MAX: usize = 50;

/// What the contacts, or the earlier rows, say about a row. Takes them one by one, in any order, in bounded memory.
#[derive(Clone, Debug)]
pub struct Finding<Id> {
    /// The best match.
    best: Option<Match<Id>>,
    /// The best matches, in order.
    ranks: Vec<Rank<Id>>,
    /// Whether each identity leads to a match.
    leads: [bool; IDENTITIES.len()],
    /// The number of candidates that have a phone or a role's mailbox in common with the row.
    sharing: usize,
    /// The highest probability of all candidates.
    probability: f64,
}

impl<Id> Default for Finding<Id> {
    fn default() -> Self {
        Self {
            best: None,
            ranks: Vec::new(),
            leads: [false; IDENTITIES.len()],
            sharing: 0,
            probability: 0.0,
        }
    }
}

impl<Id: Ord + Copy> Finding<Id> {
    /// Adds a candidate. Returns whether it is the best match so far.
    pub fn add(&mut self, candidate: Match<Id>, threshold: f64) -> bool {
        let comparison = &candidate.comparison;
        self.probability = self.probability.max(comparison.probability);
        let Some(certainty) = Certainty::of(comparison, threshold) else {
            return false;
        };
        for (leads, identity) in self.leads.iter_mut().zip(IDENTITIES) {
            *leads |= identity.leads_to(comparison);
        }
        self.sharing += usize::from(shares_with_others(comparison));
        let rank = Rank {
            certainty,
            identities: count_identities(comparison),
            probability: comparison.probability,
            id: candidate.id,
        };
        let place = self.ranks.partition_point(|other| other.cmp(&rank).is_lt());
        if place == IDS_MAX {
            return false;
        }
        self.ranks.truncate(IDS_MAX - 1);
        self.ranks.insert(place, rank);
        if place == 0 {
            self.best = Some(candidate);
        }
        place == 0
    }

    /// The verdict if only these candidates count, and the match that gives it. `None` if nothing matches. `sharing` is
    /// the number of other candidates that have a phone or a role's mailbox in common with the row.
    fn verdict(&self, sharing: usize) -> Option<(Verdict, &Match<Id>)> {
        let best = self.best.as_ref()?;
        // Each identity that leads to contacts must lead to the best one.
        let leads_elsewhere = |(leads, identity): (&bool, Identity)| *leads && !identity.leads_to(&best.comparison);
        // Another match can be the person too.
        let is_shared = self.sharing + sharing > usize::from(shares_with_others(&best.comparison));
        let verdict = match self.ranks.first()?.certainty {
            _ if self.leads.iter().zip(IDENTITIES).any(leads_elsewhere) => Verdict::Conflict,
            Certainty::SharedByOthers => Verdict::Conflict,
            Certainty::Exact if is_unnamed(&best.comparison) && (is_shared || is_doubtful(&best.comparison)) => {
                Verdict::Likely
            }
            Certainty::Exact => Verdict::Exact,
            Certainty::Likely => Verdict::Likely,
        };
        Some((verdict, best))
    }

    /// The ids of the matches that the verdict is about, the best one first.
    fn ids(&self, verdict: Verdict) -> Vec<Id> {
        let is_shown = |rank: &&Rank<Id>| verdict == Verdict::Conflict || rank.certainty != Certainty::SharedByOthers;
        self.ranks.iter().filter(is_shown).map(|rank| rank.id).collect()
    }
}
