//! The verdicts about rows whose person is known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::{self, Display, Formatter};

use contact_search::domain::duplicates::{Decisive, Match, Model, Parameters, Verdict, candidate_pairs, judge};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::labelled::Labelled;

/// The line of the first row. The header is before it.
const FIRST_LINE: usize = 2;

/// How often each verdict was given, and how often it was right.
#[derive(Default)]
pub struct Verdicts {
    counts: BTreeMap<String, Count>,
    /// The rows that match another person exactly or likely.
    pub wrong: Vec<Wrong>,
    /// The `exact` rows that are another person than their contact.
    pub false_exact: Rate,
    /// The same without the records that fit another person as well.
    pub false_exact_decidable: Rate,
}

/// A row that matches another person. `row` and `other` are places in the records.
pub struct Wrong {
    pub verdict: Verdict,
    pub row: usize,
    pub other: usize,
}

#[derive(Default)]
struct Count {
    rows: u64,
    /// The rows whose person is that of the contact or of the row which decided.
    right: u64,
    /// The rows whose person has a contact.
    known: u64,
}

/// The contacts and the earlier rows that a row is compared with.
#[derive(Default)]
struct Candidates {
    contacts: Vec<Match<usize>>,
    earlier_rows: Vec<Match<u64>>,
}

impl Verdicts {
    /// Shuffles the records. The first record of every second person is a contact. All others are the rows of a file.
    /// Judges each row by the contacts and by the earlier rows.
    pub fn of(labelled: &Labelled, seed: u64) -> Self {
        let model = Model::new(&labelled.frequencies);
        let (records, persons) = (&labelled.records, &labelled.persons);
        let mut rows: Vec<usize> = (0..records.len()).collect();
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut with_contact = HashSet::new();
        rows.retain(|record| !persons[*record].is_multiple_of(2) || !with_contact.insert(persons[*record]));
        // Contacts have no line.
        let mut lines = vec![None; records.len()];
        for (line, row) in (FIRST_LINE..).zip(&rows) {
            lines[*row] = Some(line);
        }
        let mut candidates: HashMap<usize, Candidates> = HashMap::new();
        for (one, other) in candidate_pairs(records) {
            let (one, other) = (one as usize, other as usize);
            let comparison = model.compare(&records[one], &records[other]);
            for (row, id) in [(one, other), (other, one)] {
                match (lines[row], lines[id]) {
                    (Some(_), None) => {
                        let contacts = &mut candidates.entry(row).or_default().contacts;
                        contacts.push(Match { id, comparison });
                    }
                    (Some(line), Some(earlier)) if earlier < line => {
                        let id = earlier as u64;
                        let earlier_rows = &mut candidates.entry(row).or_default().earlier_rows;
                        earlier_rows.push(Match { id, comparison });
                    }
                    _ => {}
                }
            }
        }
        let mut verdicts = Self::default();
        for row in &rows {
            let found = candidates.remove(row).unwrap_or_default();
            let judgement = judge(&found.contacts, &found.earlier_rows, Parameters::get().threshold);
            let count = verdicts.counts.entry(judgement.verdict.to_string()).or_default();
            count.rows += 1;
            count.known += u64::from(persons[*row].is_multiple_of(2));
            let Some((decisive, _)) = judgement.decisive else {
                continue;
            };
            let other = match decisive {
                Decisive::Contact(contact) => contact,
                Decisive::Row(line) => rows[usize::try_from(line).expect("a line of these rows") - FIRST_LINE],
            };
            let is_right = persons[other] == persons[*row];
            count.right += u64::from(is_right);
            if judgement.verdict == Verdict::Exact {
                verdicts.false_exact.add(!is_right);
                if ![*row, other].iter().any(|record| labelled.undecidable.contains(record)) {
                    verdicts.false_exact_decidable.add(!is_right);
                }
            }
            if !is_right && judgement.verdict != Verdict::Conflict {
                verdicts.wrong.push(Wrong {
                    verdict: judgement.verdict,
                    row: *row,
                    other,
                });
            }
        }
        verdicts
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<12}{:>10}{:>20}{:>20}\n",
            "Verdict", "Rows", "Right person", "Has a contact"
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

/// How often a case occurs.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rate {
    pub cases: u64,
    pub all: u64,
}

impl Rate {
    fn add(&mut self, is_case: bool) {
        self.cases += u64::from(is_case);
        self.all += 1;
    }

    pub fn share(self) -> f64 {
        self.cases as f64 / self.all.max(1) as f64
    }

    /// The upper bound of the rate with 95 % confidence, for rare cases (Poisson). It is 3 / `all` without a case.
    pub fn bound(self) -> f64 {
        // The chance of at most `cases` cases if `expected` are expected.
        let chance = |expected: f64| {
            let (mut term, mut sum) = ((-expected).exp(), 0.0);
            for case in 0..=self.cases {
                sum += term;
                term *= expected / (case + 1) as f64;
            }
            sum
        };
        let (mut least, mut most) = (0.0, 2.0 * self.cases as f64 + 10.0);
        for _ in 0..60 {
            let middle = f64::midpoint(least, most);
            if chance(middle) > 0.05 {
                least = middle;
            } else {
                most = middle;
            }
        }
        most / self.all.max(1) as f64
    }
}

impl Display for Rate {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        let (share, bound) = (self.share(), self.bound());
        write!(
            formatter,
            "{} of {}: {share:.6}, with 95 % confidence at most {bound:.6}",
            self.cases, self.all
        )
    }
}
