//! Runs a check block by block.

use std::thread;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;

use super::block::{Block, BlockRow, line_of};
use super::groups::Links;
use super::passes::{compare_records, count_records};
use super::records::{KnownContacts, RecordTexts, next_records, open_rows};
use super::statements::LINES;
use super::verdicts::{CheckedLine, StoredLine, check_verdicts, judge_line};
use crate::domain::duplicates::{Frequencies, Model, Parameters, Record};
use crate::store::copy_writer::CopyBatches;
use crate::store::error::StoreError;
use crate::store::import::ROWS_PER_LINE;
use crate::store::script::run_script;

/// How rows are judged.
#[derive(Clone, Copy, Debug)]
pub struct CheckRules {
    /// The least probability at which two records are one person.
    pub threshold: f64,
    /// The most rows of a round, which are in memory at once, over all threads. A row takes 600 to 1,500 bytes. The
    /// verdicts do not depend on it.
    pub rows_per_round: u32,
}

impl Default for CheckRules {
    fn default() -> Self {
        Self {
            threshold: Parameters::get().threshold,
            rows_per_round: 100_000,
        }
    }
}

impl CheckRules {
    /// The usual rules, with another threshold if one is given.
    pub fn with_threshold(threshold: Option<f64>) -> Self {
        let usual = Self::default();
        Self {
            threshold: threshold.unwrap_or(usual.threshold),
            ..usual
        }
    }
}

/// A step of a check.
#[derive(Clone, PartialEq, Debug)]
pub enum CheckEvent {
    /// This many contacts of the client have been read.
    Contacts(u64),
    /// The verdict about the next line. The lines come in the order of the file.
    Line(CheckedLine),
}

/// Rows that have been judged.
pub struct JudgedRows {
    frequencies: Frequencies,
    links: Links,
    threshold: f64,
}

/// Judges the rows that are staged in `import_rows` by the contacts and by each other. Must run in the transaction that
/// has staged the rows. Leaves the verdicts in `check_verdicts`. Calls `observe` with the number of contacts read so
/// far.
///
/// # Errors
/// Those of `observe`, and [`StoreError`].
pub fn judge_rows<E: From<StoreError>>(
    connection: &mut PgConnection,
    contacts: KnownContacts,
    rules: CheckRules,
    observe: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<JudgedRows, E> {
    // By default the planner optimizes a cursor for its first tenth. Autovacuum doesn't analyze temporary tables.
    run_script(connection, "SET LOCAL cursor_tuple_fraction = 1; ANALYZE import_rows").map_err(StoreError::from)?;
    let mut frequencies = Frequencies::default();
    let mut links = Links::default();
    let mut verdicts = CopyBatches::new(|connection, batch| {
        diesel::copy_from(check_verdicts::table)
            .from_insertable(batch)
            .execute(connection)
    });
    let mut next = Some((0, 0));
    while let Some(first) = next {
        let mut blocks;
        (blocks, next) = read_blocks(connection, first, rules.rows_per_round)?;
        let counted = (first == (0, 0)).then_some(&mut frequencies);
        count_records(connection, contacts, &mut blocks, counted, &mut *observe)?;
        let model = Model::new(&frequencies);
        compare_records(connection, contacts, &mut blocks, &model, rules.threshold)?;
        for block in &blocks {
            let is_same_line = |one: &BlockRow, other: &BlockRow| line_of(one.row_number) == line_of(other.row_number);
            for rows in block.rows.chunk_by(is_same_line) {
                verdicts.push(connection, judge_line(rows, &model))?;
            }
            links.add(block);
        }
    }
    verdicts.flush(connection)?;
    Ok(JudgedRows {
        frequencies,
        links,
        threshold: rules.threshold,
    })
}

/// Groups the rows that [`judge_rows`] has judged, and reports each line of them and of `check_lines`.
pub(super) fn report_lines<E: From<StoreError>>(
    connection: &mut PgConnection,
    judged: JudgedRows,
    take: &mut dyn FnMut(CheckEvent) -> Result<(), E>,
) -> Result<(), E> {
    let JudgedRows {
        frequencies,
        links,
        threshold,
    } = judged;
    let groups = links.group(connection, &Model::new(&frequencies), threshold)?;
    sql_query(format!("DECLARE check_results NO SCROLL CURSOR FOR {LINES}"))
        .execute(connection)
        .map_err(StoreError::from)?;
    loop {
        let lines: Vec<StoredLine> = sql_query("FETCH 1000 FROM check_results")
            .load(connection)
            .map_err(StoreError::from)?;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            let group = groups.get(&line.line()).copied();
            take(CheckEvent::Line(line.checked(group)))?;
        }
    }
    connection
        .batch_execute("CLOSE check_results")
        .map_err(StoreError::from)?;
    Ok(())
}

/// The most threads that compare records.
const THREADS_MAX: usize = 4;

/// The number of a row in `import_rows`, and its file index.
type Start = (i64, u32);

/// Reads the rows from `first` on, in as many blocks as threads work on them, and where the next ones begin. A line is in
/// one block. The blocks get the lines in turn, so that each thread has as much work: a later row has more earlier rows.
fn read_blocks(
    connection: &mut PgConnection,
    (row_number, file_index): Start,
    rows_per_round: u32,
) -> Result<(Vec<Block>, Option<Start>), StoreError> {
    // There is room for more than one line.
    let limit = i64::from(rows_per_round).max(2 * ROWS_PER_LINE.cast_signed());
    open_rows(connection, row_number, i64::MAX, Some(limit))?;
    let mut rows: Vec<(i64, Record)> = Vec::new();
    while let Some(texts) = next_records(connection)? {
        rows.extend(
            texts
                .iter()
                .map(|texts: &RecordTexts| (texts.record_id, texts.record())),
        );
    }
    let mut next = None;
    if rows.len() as i64 == limit {
        let whole = start_of_line(&rows, rows.len() - 1);
        next = Some((rows[whole].0, file_index + whole as u32));
        rows.truncate(whole);
    }
    let mut parts: Vec<Vec<(u32, i64, Record)>> = Vec::new();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    parts.resize_with(threads, Vec::new);
    let (mut part, mut line) = (0, None);
    for ((row_number, record), file_index) in rows.into_iter().zip(file_index..) {
        if line.replace(line_of(row_number)) != Some(line_of(row_number)) {
            part = (part + 1) % parts.len();
        }
        parts[part].push((file_index, row_number, record));
    }
    let blocks = parts.into_iter().map(|part| Block::new(part.into_iter())).collect();
    Ok((blocks, next))
}

/// The index in `rows` of the first row of the line that the row at the index `at` belongs to.
fn start_of_line(rows: &[(i64, Record)], at: usize) -> usize {
    let line = rows.get(at).map(|(row_number, _)| line_of(*row_number));
    rows.partition_point(|(row_number, _)| Some(line_of(*row_number)) < line)
}
