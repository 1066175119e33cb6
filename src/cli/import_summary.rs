//! The summary of `import --json`.

use serde::Serialize;

use crate::transfer::import::{Event, ImportReport, Lines, Rejection};
use crate::transfer::{Encoding, Lookalike, VerdictCounts, import::ImportError};

/// The most rejected rows, and the most left-out cells, that a summary lists. A large file can be wrong in every row.
const PLACES_MAX: usize = 1_000;

/// The summary of an import. docs/commands.md documents the members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportSummary {
    /// Whether the rows were written. Rejected rows stop an import, unless they are skipped.
    imported: bool,
    read: u64,
    further_phones: u64,
    /// `None` if verdicts did not decide what was written.
    verdicts: Option<Verdicts>,
    duplicates_left_out: LineSample,
    conflicts_left_out: LineSample,
    collisions: LineSample,
    created: u64,
    updated: u64,
    unchanged: u64,
    merged: u64,
    rejected: u64,
    cells_left_out: u64,
    doubtful: u64,
    phones_unresolved: LineSample,
    phones_kept: LineSample,
    phones_replaced: LineSample,
    several_phones: LineSample,
    several_emails: LineSample,
    rejected_rows: Vec<Place>,
    left_out_cells: Vec<Place>,
    lookalikes: Vec<LookalikeColumn>,
    /// `utf-8` if the file is ASCII.
    encoding: &'static str,
    /// The name of the sheet, if the file is a workbook.
    sheet: Option<String>,
}

/// How many rows have each verdict.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdicts {
    new: u64,
    exact: u64,
    likely: u64,
    conflict: u64,
    duplicate_in_file: u64,
    invalid: u64,
}

impl From<VerdictCounts> for Verdicts {
    fn from(counts: VerdictCounts) -> Self {
        let VerdictCounts {
            new,
            exact,
            likely,
            conflict,
            duplicate_in_file,
            invalid,
        } = counts;
        Self {
            new,
            exact,
            likely,
            conflict,
            duplicate_in_file,
            invalid,
        }
    }
}

/// Lines of the file, of which only the first are named.
#[derive(Serialize)]
struct LineSample {
    count: u64,
    lines: Vec<u64>,
}

/// A rejected row, or a cell that was left out of its row.
#[derive(Serialize)]
struct Place {
    line: u64,
    column: Option<String>,
    reason: String,
}

/// An ignored column that looks like a column of the field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LookalikeColumn {
    column: String,
    field: &'static str,
    only_here: LineSample,
}

impl From<Lines> for LineSample {
    fn from(Lines { count, mut first }: Lines) -> Self {
        first.dedup();
        Self { count, lines: first }
    }
}

impl From<Rejection> for Place {
    fn from(Rejection { line, column, reason }: Rejection) -> Self {
        Self { line, column, reason }
    }
}

impl From<Lookalike> for LookalikeColumn {
    fn from(lookalike: Lookalike) -> Self {
        let Lookalike {
            column,
            attribute,
            only_here,
        } = lookalike;
        Self {
            column,
            field: attribute.name(),
            only_here: only_here.into(),
        }
    }
}

/// What an import reports of single rows, cells and columns while it runs.
#[derive(Default)]
pub struct Places {
    rejected_rows: Vec<Place>,
    left_out_cells: Vec<Place>,
    lookalikes: Vec<Lookalike>,
}

impl Places {
    pub fn observe(&mut self, event: &Event) {
        let (places, place) = match event {
            Event::Rejected(rejection) => (&mut self.rejected_rows, rejection),
            Event::CellLeftOut(cell) => (&mut self.left_out_cells, cell),
            Event::Lookalike(lookalike) => return self.lookalikes.push(lookalike.clone()),
            Event::Read(_) | Event::Judging(_) | Event::Merging | Event::Done => return,
        };
        if places.len() < PLACES_MAX {
            places.push(place.clone().into());
        }
    }

    /// The summary of an import that has ended. `None` if it failed for another reason than its rows.
    pub fn summary(self, outcome: &Result<ImportReport, ImportError>) -> Option<ImportSummary> {
        let (mut collisions, mut verdicts) = (Lines::default(), None);
        let (imported, report) = match outcome {
            Ok(report) => (true, report.clone()),
            Err(ImportError::Rejected { read, rejected }) => {
                let report = ImportReport {
                    read: *read,
                    rejected: *rejected,
                    lookalikes: self.lookalikes,
                    ..ImportReport::default()
                };
                (false, report)
            }
            Err(ImportError::NotNew { read, judged }) => {
                let report = ImportReport {
                    read: *read,
                    rejected: judged.verdicts.invalid,
                    judged: Some((**judged).clone()),
                    lookalikes: self.lookalikes,
                    ..ImportReport::default()
                };
                (false, report)
            }
            Err(ImportError::Collisions {
                read,
                verdicts: counts,
                lines,
            }) => {
                collisions = lines.clone();
                verdicts = Some(*counts);
                let report = ImportReport {
                    read: *read,
                    rejected: counts.invalid,
                    lookalikes: self.lookalikes,
                    ..ImportReport::default()
                };
                (false, report)
            }
            Err(_) => return None,
        };
        let ImportReport {
            read,
            further_phones,
            judged,
            created,
            updated,
            unchanged,
            merged,
            rejected,
            cells_left_out,
            phones_unresolved,
            phones_kept,
            phones_replaced,
            several_phones,
            several_emails,
            doubtful,
            lookalikes,
            encoding,
            sheet,
        } = report;
        let (mut duplicates, mut conflicts) = (Lines::default(), Lines::default());
        if let Some(judged) = judged {
            verdicts = Some(judged.verdicts);
            (duplicates, conflicts) = (judged.duplicates, judged.conflicts);
        }
        Some(ImportSummary {
            imported,
            read,
            further_phones,
            verdicts: verdicts.map(Verdicts::from),
            duplicates_left_out: duplicates.into(),
            conflicts_left_out: conflicts.into(),
            collisions: collisions.into(),
            created,
            updated,
            unchanged,
            merged,
            rejected,
            cells_left_out,
            doubtful,
            phones_unresolved: phones_unresolved.into(),
            phones_kept: phones_kept.into(),
            phones_replaced: phones_replaced.into(),
            several_phones: several_phones.into(),
            several_emails: several_emails.into(),
            rejected_rows: self.rejected_rows,
            left_out_cells: self.left_out_cells,
            lookalikes: lookalikes.into_iter().map(LookalikeColumn::from).collect(),
            encoding: encoding.map_or("UTF-8", Encoding::name),
            sheet: sheet.map(|sheet| sheet.name),
        })
    }
}
