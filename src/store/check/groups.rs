//! Groups the rows of one person.

use std::collections::HashMap;

use diesel::PgConnection;

use super::block::{Block, line_of};
use super::records::{next_records, open_rows};
use crate::domain::duplicates::{Model, Record, group};
use crate::store::error::StoreError;

/// The links between rows of all blocks: the file indexes of an earlier row and of a row, and the probability that they
/// are one person.
#[derive(Default)]
pub(super) struct Links(Vec<(u32, u32, f64)>);

impl Links {
    /// Adds the links of a block.
    pub(super) fn add(&mut self, block: &Block) {
        for row in &block.rows {
            let links = row.links.iter();
            self.0
                .extend(links.map(|(earlier, probability)| (*earlier, row.file_index, *probability)));
        }
    }

    /// The first line of the group of each line that is in a group with others. The rows of one line are one person.
    pub(super) fn group(
        mut self,
        connection: &mut PgConnection,
        model: &Model<'_>,
        threshold: f64,
    ) -> Result<HashMap<u64, u64>, StoreError> {
        if self.0.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.read_linked(connection)?;
        let line = |file_index: u32| rows[file_index as usize].0;
        let is_linked = |file_index: u32| rows[file_index as usize].1.is_some();
        let file_indexes = 1..u32::try_from(rows.len()).expect("a file has fewer than u32::MAX rows");
        for index in file_indexes {
            if line(index) == line(index - 1) && is_linked(index) && is_linked(index - 1) {
                self.0.push((index - 1, index, 1.0));
            }
        }
        let groups = group(rows.len(), &self.0, threshold, &mut |one, other| {
            if line(one) == line(other) {
                return 1.0;
            }
            match (&rows[one as usize].1, &rows[other as usize].1) {
                (Some(one), Some(other)) => model.compare(one, other).probability,
                _ => 0.0,
            }
        });
        let mut first_lines = HashMap::new();
        for group in groups {
            let first = line(group[0]);
            if group.iter().any(|row| line(*row) != first) {
                first_lines.extend(group.iter().map(|row| (line(*row), first)));
            }
        }
        Ok(first_lines)
    }

    /// Reads the line of each row, and the records of the linked ones.
    fn read_linked(&self, connection: &mut PgConnection) -> Result<Vec<(u64, Option<Record>)>, StoreError> {
        let last = self.0.iter().map(|(earlier, row, _)| earlier.max(row)).max();
        let mut is_linked = vec![false; last.map_or(0, |last| *last as usize + 1)];
        for (earlier, row, _) in &self.0 {
            is_linked[*earlier as usize] = true;
            is_linked[*row as usize] = true;
        }
        open_rows(connection, 0, i64::MAX, None)?;
        let mut rows = Vec::new();
        while let Some(texts) = next_records(connection)? {
            for texts in texts {
                let is_linked = is_linked.get(rows.len()).copied().unwrap_or_default();
                rows.push((line_of(texts.record_id), is_linked.then(|| texts.record())));
            }
        }
        Ok(rows)
    }
}
