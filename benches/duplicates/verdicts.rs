//! The verdicts about rows whose person is known.

use std::collections::{BTreeMap, HashMap};

use contact_search::domain::duplicates::{Decisive, Match, Model, Parameters, Verdict, candidate_pairs, judge};

use super::labelled::Labelled;
use super::quality::share;

/// How often each verdict was given, and how often it was right.
#[derive(Default)]
pub struct Verdicts {
    counts: BTreeMap<String, Count>,
    /// The rows that match another person's contact exactly or likely: the verdict, the row and the contact.
    pub wrong: Vec<(Verdict, usize, usize)>,
}

#[derive(Clone, Copy, Default)]
pub struct Count {
    pub rows: u64,
    /// The rows whose person is that of the contact which decided.
    pub right: u64,
    /// The rows whose person has a contact.
    pub known: u64,
}

impl Verdicts {
    /// Judges the later records of each person, and half of the first ones, against the other first ones.
    pub fn of(labelled: &Labelled) -> Self {
        let model = Model::new(&labelled.frequencies);
        let (records, persons) = (&labelled.records, &labelled.persons);
        let is_contact = |record: usize| {
            let is_first = record == 0 || persons[record - 1] != persons[record];
            is_first && persons[record].is_multiple_of(2)
        };
        let mut candidates: HashMap<u32, Vec<Match<u32>>> = HashMap::new();
        for (one, other) in candidate_pairs(records) {
            for (row, contact) in [(one, other), (other, one)] {
                if is_contact(contact as usize) && !is_contact(row as usize) {
                    let comparison = model.compare(&records[row as usize], &records[contact as usize]);
                    candidates.entry(row).or_default().push(Match {
                        id: contact,
                        comparison,
                    });
                }
            }
        }
        let mut verdicts = Self::default();
        for row in (0..records.len()).filter(|row| !is_contact(*row)) {
            let number = u32::try_from(row).expect("fewer records than u32::MAX");
            let contacts = candidates.remove(&number).unwrap_or_default();
            let judgement = judge(&contacts, &[], Parameters::get().threshold);
            let decisive = judgement.decisive.map(|(decisive, _)| decisive);
            let count = verdicts.counts.entry(judgement.verdict.to_string()).or_default();
            count.rows += 1;
            count.known += u64::from(persons[row].is_multiple_of(2));
            if let Some(Decisive::Contact(contact)) = decisive {
                let is_right = persons[contact as usize] == persons[row];
                count.right += u64::from(is_right);
                if !is_right && judgement.verdict != Verdict::Conflict {
                    verdicts.wrong.push((judgement.verdict, row, contact as usize));
                }
            }
        }
        verdicts
    }

    pub fn count(&self, verdict: Verdict) -> Count {
        self.counts.get(&verdict.to_string()).copied().unwrap_or_default()
    }

    /// The share of `exact` rows that are another person than their contact.
    pub fn false_exact(&self) -> f64 {
        let exact = self.count(Verdict::Exact);
        share(exact.rows - exact.right, exact.rows.max(1))
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<12}{:>10}{:>20}{:>20}\n",
            "Verdict", "Rows", "Right contact", "Has a contact"
        );
        for (verdict, count) in &self.counts {
            text += &format!(
                "{verdict:<12}{:>10}{:>20}{:>20}\n",
                count.rows, count.right, count.known
            );
        }
        text
    }
}
