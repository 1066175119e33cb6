//! The table by kind of query, and the list of misses.

use std::fmt::Write;

use crate::ask::Outcome;
use crate::pairs::{Contacts, Kind};

/// The least share of counted queries whose wanted contact is first, and is among the first five.
const GOAL_FIRST: f64 = 0.95;
const GOAL_FIVE: f64 = 0.99;

/// The slowest queries that the list shows.
const SLOWEST: usize = 10;

const COLUMNS: usize = 8;
const HEADING: [&str; COLUMNS] = [
    "Kind of query",
    "Queries",
    "Counted",
    "First",
    "At place 1",
    "First five",
    "Not among 20",
    "No answer",
];

/// The numbers of one row.
#[derive(Default)]
struct Counts {
    pairs: usize,
    counted: usize,
    first: usize,
    at_one: usize,
    in_five: usize,
    absent: usize,
    refused: usize,
}

impl Counts {
    fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            counts.pairs += 1;
            if outcome.counts() {
                counts.counted += 1;
                counts.first += usize::from(outcome.is_first);
                counts.at_one += usize::from(outcome.place == Some(1));
                counts.in_five += usize::from(outcome.is_in_five());
                counts.absent += usize::from(outcome.place.is_none());
                counts.refused += usize::from(outcome.is_refused);
            }
        }
        counts
    }

    fn cells(&self, name: &str) -> [String; COLUMNS] {
        let share = |count: usize| match self.counted {
            0 => "-".to_owned(),
            counted => format!("{:.1} %", count as f64 * 100.0 / counted as f64),
        };
        [
            name.to_owned(),
            self.pairs.to_string(),
            self.counted.to_string(),
            share(self.first),
            share(self.at_one),
            share(self.in_five),
            self.absent.to_string(),
            self.refused.to_string(),
        ]
    }
}

/// The outcomes of all queries.
pub struct Report<'a> {
    outcomes: &'a [Outcome],
    contacts: &'a Contacts,
}

impl<'a> Report<'a> {
    pub fn new(outcomes: &'a [Outcome], contacts: &'a Contacts) -> Self {
        Self { outcomes, contacts }
    }

    pub fn meets_goals(&self) -> bool {
        let all = Counts::of(self.outcomes.iter());
        let least = |goal: f64| all.counted as f64 * goal;
        all.counted > 0 && all.first as f64 >= least(GOAL_FIRST) && all.in_five as f64 >= least(GOAL_FIVE)
    }

    fn rows(&self) -> Vec<[String; COLUMNS]> {
        let mut rows = vec![HEADING.map(str::to_owned)];
        for kind in Kind::ALL {
            let of_kind = self.outcomes.iter().filter(|outcome| outcome.pair.kind == kind);
            rows.push(Counts::of(of_kind).cells(kind.name()));
        }
        rows.push(Counts::of(self.outcomes.iter()).cells("all"));
        rows
    }

    fn verdict(&self) -> String {
        format!(
            "{} contacts. The goal is {:.0} % first and {:.0} % among the first five: {}.\n",
            self.contacts.len(),
            GOAL_FIRST * 100.0,
            GOAL_FIVE * 100.0,
            if self.meets_goals() { "met" } else { "not met" }
        )
    }

    /// The table for a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in self.rows() {
            let _ = write!(text, "{:<28}", row[0]);
            for cell in &row[1..] {
                let _ = write!(text, "{cell:>14}");
            }
            text.push('\n');
        }
        text + "\n" + &self.verdict()
    }

    /// The table as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = self.verdict() + "\n";
        for (at, row) in self.rows().iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
            if at == 0 {
                text += "|---|--:|--:|--:|--:|--:|--:|--:|\n";
            }
        }
        text
    }

    /// The counted queries whose wanted contact is not first, the worst ones first.
    pub fn misses(&self) -> String {
        let mut misses: Vec<&Outcome> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.counts() && !outcome.is_first)
            .collect();
        misses.sort_by_key(|outcome| std::cmp::Reverse(outcome.place.unwrap_or(usize::MAX)));
        let mut text = String::new();
        for outcome in misses {
            let wanted = self.contacts.get(outcome.pair.wanted);
            let field = |field: &Option<String>| field.clone().unwrap_or_else(|| "-".to_owned());
            let place = outcome
                .place
                .map_or("not among the first 20".to_owned(), |place| format!("at place {place}"));
            let _ = writeln!(
                text,
                "{}: `{}`\n  wanted: {} {} {}, {place}; equally good contacts: {}\n  first:  {}",
                outcome.pair.kind.name(),
                outcome.pair.query,
                field(&wanted.name),
                field(&wanted.phone),
                field(&wanted.email),
                outcome.good,
                match &outcome.first {
                    Some(first) => first,
                    None if outcome.is_refused => "no answer, but 503 or 504",
                    None => "no contact",
                },
            );
        }
        text
    }

    /// The queries whose answers took longest.
    pub fn slowest(&self) -> String {
        let mut slowest: Vec<&Outcome> = self.outcomes.iter().collect();
        slowest.sort_by_key(|outcome| std::cmp::Reverse(outcome.took));
        let lines = slowest.iter().take(SLOWEST).map(|outcome| {
            let milliseconds = outcome.took.as_secs_f64() * 1e3;
            format!(
                "{milliseconds:.1} ms: `{}`, {}\n",
                outcome.pair.query,
                outcome.pair.kind.name()
            )
        });
        lines.collect()
    }
}
