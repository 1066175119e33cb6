//! Groups the rows of one person.

use std::collections::{BTreeMap, HashMap};

use super::block::{BlockRow, line_of};
use crate::domain::duplicates::{Model, Record, group};

/// The links between rows of all blocks, and the linked rows.
#[derive(Default)]
pub(super) struct Links {
    /// A row, an earlier row, and the probability that they are one person.
    links: Vec<(i64, i64, f64)>,
    records: BTreeMap<i64, Record>,
}

impl Links {
    /// Adds the links of a row.
    pub(super) fn add(&mut self, row: &mut BlockRow) {
        if row.links.is_empty() {
            return;
        }
        self.records.entry(row.number).or_insert_with(|| row.record.clone());
        for link in row.links.drain(..) {
            self.links.push((row.number, link.earlier, link.probability));
            self.records.entry(link.earlier).or_insert(link.record);
        }
    }

    /// The first line of the group of each line that is in a group with others. The rows of one line are one person.
    pub(super) fn group(self, model: &Model<'_>, threshold: f64) -> HashMap<u64, u64> {
        let records: Vec<(i64, Record)> = self.records.into_iter().collect();
        let line = |place: usize| line_of(records[place].0);
        let place = |number: i64| {
            let place = records.partition_point(|(other, _)| *other < number);
            u32::try_from(place).expect("a file has fewer than u32::MAX rows")
        };
        let links = self.links.iter();
        let mut links: Vec<(u32, u32, f64)> = links
            .map(|(row, earlier, probability)| (place(*earlier), place(*row), *probability))
            .collect();
        let neighbours = (1..records.len()).filter(|next| line(*next) == line(next - 1));
        links.extend(neighbours.map(|next| (place(records[next - 1].0), place(records[next].0), 1.0)));
        let groups = group(records.len(), &links, threshold, &mut |one, other| {
            let (one, other) = (one as usize, other as usize);
            if line(one) == line(other) {
                return 1.0;
            }
            model.compare(&records[one].1, &records[other].1).probability
        });
        let mut first_lines = HashMap::new();
        for group in groups {
            let lines: Vec<u64> = group.iter().map(|place| line(*place as usize)).collect();
            if lines.iter().any(|line| *line != lines[0]) {
                first_lines.extend(lines.iter().map(|line| (*line, lines[0])));
            }
        }
        first_lines
    }
}
