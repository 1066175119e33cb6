//! The verdicts about the lines of a file.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::block::{BlockRow, ContactRef, line_of};
use crate::domain::duplicates::{Decisive, Judgement, Model, Verdict};

diesel::table! {
    check_verdicts (line) {
        line -> Int8,
        verdict -> Text,
        score -> Float8,
        reasons -> Array<Text>,
        contact_ids -> Array<Uuid>,
        duplicate_of -> Nullable<Int8>,
    }
}

/// The verdict about a line, as its table stores it.
#[derive(Insertable)]
#[diesel(table_name = check_verdicts, treat_none_as_default_value = false)]
pub(super) struct LineVerdict {
    line: i64,
    verdict: String,
    score: f64,
    reasons: Vec<String>,
    contact_ids: Vec<Uuid>,
    duplicate_of: Option<i64>,
}

impl LineVerdict {
    /// The line of a call, whose verdicts are not stored.
    pub(super) fn checked(self) -> CheckedLine {
        let stored = StoredLine {
            line: self.line,
            cells: None,
            fault: None,
            verdict: Some(self.verdict),
            score: Some(self.score),
            reasons: Some(self.reasons),
            contact_ids: Some(self.contact_ids),
            duplicate_of: self.duplicate_of,
        };
        stored.checked(None)
    }
}

/// A line of the file, and the verdict about it.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckedLine {
    pub line: u64,
    /// The cells that [`super::CheckStaging`] got with the line.
    pub cells: Option<String>,
    pub verdict: Verdict,
    /// The probability of the best match, or 0 without any.
    pub score: f64,
    /// Why the line has this verdict. Empty for a new line.
    pub reasons: Vec<String>,
    /// The ids of the contacts that match, the best one first, and at most 50 for each phone of the line.
    pub contact_ids: Vec<Uuid>,
    /// The earlier line that is the same person.
    pub duplicate_of: Option<u64>,
    /// The first line of the group of lines that are one person. `None` if no other line is the same person.
    pub group: Option<u64>,
}

impl CheckedLine {
    /// The score as it is shown: with four digits after the point.
    pub fn shown_score(&self) -> f64 {
        (self.score * 1e4).round() / 1e4
    }
}

/// A line as it is read back, with a verdict or with a fault.
#[derive(QueryableByName)]
pub(super) struct StoredLine {
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = Nullable<Text>)]
    cells: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    fault: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = Nullable<Double>)]
    score: Option<f64>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    reasons: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Array<SqlUuid>>)]
    contact_ids: Option<Vec<Uuid>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    duplicate_of: Option<i64>,
}

impl StoredLine {
    pub(super) fn line(&self) -> u64 {
        self.line.unsigned_abs()
    }

    /// The line with its group.
    pub(super) fn checked(self, group: Option<u64>) -> CheckedLine {
        let verdict = self.verdict.and_then(|name| name.parse().ok());
        CheckedLine {
            line: self.line.unsigned_abs(),
            cells: self.cells,
            // A line without a row has a fault.
            verdict: verdict.unwrap_or(Verdict::Invalid),
            score: self.score.unwrap_or_default(),
            reasons: self.fault.into_iter().chain(self.reasons.unwrap_or_default()).collect(),
            contact_ids: self.contact_ids.unwrap_or_default(),
            duplicate_of: self.duplicate_of.map(i64::unsigned_abs),
            group,
        }
    }
}

const DIFFERENT_CONTACTS: &str = "the phone, the email and the external id lead to different contacts";
const DIFFERENT_ROWS: &str = "the phone, the email and the external id lead to different rows";

/// Judges the rows of one line. A line with several phones has several rows, and the row with the highest severity
/// decides.
///
/// # Panics
/// If there is no row.
pub(super) fn judge_line(rows: &[BlockRow], model: &Model<'_>) -> LineVerdict {
    let judgements: Vec<_> = rows
        .iter()
        .map(|row| (row, Judgement::of(&row.contacts.finding, &row.earlier_rows.finding)))
        .collect();
    let rank = |judgement: &Judgement<ContactRef>| (severity(judgement.verdict), judgement.score);
    let (row, decisive) = judgements
        .iter()
        .reduce(|one, other| if rank(&other.1) > rank(&one.1) { other } else { one })
        .expect("a line has a row");
    let mut contact_ids: Vec<Uuid> = Vec::new();
    let others = judgements.iter().map(|(_, judgement)| judgement);
    for contact in [decisive].into_iter().chain(others).flat_map(|one| &one.contact_ids) {
        if !contact_ids.contains(&contact.id) {
            contact_ids.push(contact.id);
        }
    }
    let duplicate_of = judgements.iter().find_map(|(_, judgement)| judgement.duplicate_of);
    LineVerdict {
        line: line_of(row.row_number).cast_signed(),
        verdict: decisive.verdict.to_string(),
        score: decisive.score,
        reasons: reasons(row, decisive, model),
        contact_ids,
        duplicate_of: decisive.duplicate_of.or(duplicate_of).map(u64::cast_signed),
    }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::New => 0,
        Verdict::DuplicateInFile => 1,
        Verdict::Likely => 2,
        Verdict::Exact => 3,
        Verdict::Conflict => 4,
        Verdict::Invalid => 5,
    }
}

/// The reasons of the comparison that gave the verdict.
fn reasons(row: &BlockRow, judgement: &Judgement<ContactRef>, model: &Model<'_>) -> Vec<String> {
    let Some((decisive, comparison)) = &judgement.decisive else {
        return Vec::new();
    };
    let (best, conflict) = match decisive {
        Decisive::Contact(_) => (&row.contacts.best, DIFFERENT_CONTACTS),
        Decisive::Row(_) => (&row.earlier_rows.best, DIFFERENT_ROWS),
    };
    let mut reasons = Vec::new();
    if judgement.verdict == Verdict::Conflict && !comparison.is_clearly_another_person() {
        reasons.push(conflict.to_owned());
    }
    if let Some(best) = best {
        reasons.extend(model.explain(&row.record, best, comparison));
    }
    reasons
}
