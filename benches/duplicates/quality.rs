//! Precision and recall over pairs, after grouping.

use std::collections::HashMap;

use contact_search::domain::duplicates::{Model, candidate_pairs, group};

use super::labelled::Labelled;

/// The thresholds of the curve.
pub const THRESHOLDS: [f64; 15] = [
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99,
];

/// The quality at one threshold.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub threshold: f64,
    /// The pairs of records in one group.
    pub found: u64,
    /// Those of them that are one person.
    pub right: u64,
    /// All pairs of records of one person.
    pub wanted: u64,
    /// The records of the largest group.
    pub largest: usize,
}

impl Point {
    /// The share of the found pairs that are one person.
    pub fn precision(&self) -> f64 {
        share(self.right, self.found)
    }

    /// The share of the wanted pairs that are found.
    pub fn recall(&self) -> f64 {
        share(self.right, self.wanted)
    }
}

/// The part of the whole, or 1 if the whole is nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// The candidate pairs of a set, with their probabilities.
pub struct Candidates<'a> {
    labelled: &'a Labelled,
    model: Model<'a>,
    pub links: Vec<(u32, u32, f64)>,
}

impl<'a> Candidates<'a> {
    pub fn find(labelled: &'a Labelled) -> Self {
        let model = Model::new(&labelled.frequencies);
        let records = &labelled.records;
        let links = candidate_pairs(records)
            .into_iter()
            .map(|(one, other)| {
                let comparison = model.compare(&records[one as usize], &records[other as usize]);
                (one, other, comparison.probability)
            })
            .collect();
        Self { labelled, model, links }
    }

    /// Groups the records at a threshold.
    pub fn groups(&self, threshold: f64) -> Vec<Vec<u32>> {
        let records = &self.labelled.records;
        group(records.len(), &self.links, threshold, &mut |one, other| {
            let comparison = self.model.compare(&records[one as usize], &records[other as usize]);
            comparison.probability
        })
    }

    pub fn point(&self, threshold: f64) -> Point {
        let groups = self.groups(threshold);
        let persons = &self.labelled.persons;
        let found = groups.iter().map(|group| pairs(group.len() as u64)).sum();
        let right = groups
            .iter()
            .map(|group| pairs_of_one_person(group.iter().map(|record| persons[*record as usize])))
            .sum();
        Point {
            threshold,
            found,
            right,
            wanted: pairs_of_one_person(persons.iter().copied()),
            largest: groups.iter().map(Vec::len).max().unwrap_or_default(),
        }
    }

    pub fn curve(&self) -> Vec<Point> {
        THRESHOLDS.iter().map(|threshold| self.point(*threshold)).collect()
    }

    /// The share of the pairs of one person that are candidates.
    pub fn coverage(&self) -> f64 {
        let persons = &self.labelled.persons;
        let is_right = |link: &&(u32, u32, f64)| persons[link.0 as usize] == persons[link.1 as usize];
        let right = self.links.iter().filter(is_right).count() as u64;
        share(right, pairs_of_one_person(persons.iter().copied()))
    }

    pub fn pairs_per_record(&self) -> f64 {
        self.links.len() as f64 / self.labelled.records.len() as f64
    }
}

fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

fn pairs_of_one_person(persons: impl Iterator<Item = u32>) -> u64 {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for person in persons {
        *counts.entry(person).or_default() += 1;
    }
    counts.into_values().map(pairs).sum()
}
