//! The rows of the report: printed as they arrive, then all together as a table.

use std::fmt::Write;
use std::time::Duration;

use crate::load::Samples;

/// The value that is compared with the goal of a row.
#[derive(Clone, Copy, Debug)]
pub enum Ratio {
    /// A time, and the U that was measured during the same section.
    ToUnit(Duration, Duration),
    /// A factor relative to another measurement.
    Times(f64),
    Megabytes(f64),
}

#[derive(Clone, Copy, Debug)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

/// One measurement.
#[derive(Clone, Default, Debug)]
pub struct Row {
    section: &'static str,
    what: String,
    /// Median and 99th percentile.
    times: Option<(Duration, Duration)>,
    ratio: Option<Ratio>,
    goal: Option<Goal>,
    note: String,
}

impl Row {
    pub fn new(section: &'static str, what: impl Into<String>) -> Self {
        Self {
            section,
            what: what.into(),
            ..Self::default()
        }
    }

    /// Adds the latencies of the samples, and the number of refusals.
    pub fn times(mut self, samples: &Samples) -> Self {
        self.times = Some((samples.median(), samples.quantile(0.99)));
        if samples.refused > 0 {
            self = self.note(format!("{} of {} answers 503 or 504", samples.refused, samples.count()));
        }
        self
    }

    pub fn ratio(mut self, ratio: Ratio) -> Self {
        self.ratio = Some(ratio);
        self
    }

    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Appends to the text in the last column.
    pub fn note(mut self, note: impl AsRef<str>) -> Self {
        if !self.note.is_empty() {
            self.note += "; ";
        }
        self.note += note.as_ref();
        self
    }

    fn cells(&self) -> [String; COLUMNS] {
        let milliseconds = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1000.0);
        let (median, p99) = self
            .times
            .map(|(median, p99)| (milliseconds(median), milliseconds(p99)))
            .unwrap_or_default();
        let value = self.ratio.map(|ratio| match ratio {
            Ratio::ToUnit(time, unit) => (time.as_secs_f64() / unit.as_secs_f64(), "U"),
            Ratio::Times(times) => (times, "×"),
            Ratio::Megabytes(megabytes) => (megabytes, "MB"),
        });
        let goal = self.goal.zip(value).map(|(goal, (value, suffix))| match goal {
            Goal::AtMost(most) => (format!("≤ {most} {suffix}"), value <= most),
            Goal::AtLeast(least) => (format!("≥ {least} {suffix}"), value >= least),
        });
        let (goal, met) = goal.map_or_else(Default::default, |(goal, is_met)| {
            (goal, if is_met { "met" } else { "no" }.to_owned())
        });
        let ratio = value.map_or_else(String::new, |(value, suffix)| match value {
            10.0.. if suffix == "×" => format!("{value:.1} {suffix}"),
            10.0.. => format!("{value:.0} {suffix}"),
            ..0.1 => format!("{value:.3} {suffix}"),
            _ => format!("{value:.2} {suffix}"),
        });
        [
            self.section.to_owned(),
            self.what.clone(),
            median,
            p99,
            ratio,
            goal,
            met,
            self.note.clone(),
        ]
    }
}

const COLUMNS: usize = 8;
const HEADING: [&str; COLUMNS] = [
    "Section",
    "What",
    "Median ms",
    "P99 ms",
    "Ratio",
    "Goal",
    "Met?",
    "Notes",
];

/// Column widths for rows that are printed before all cells are known.
const WIDTHS: [usize; COLUMNS] = [10, 30, 9, 9, 9, 9, 4, 0];

/// All rows so far.
pub struct Report {
    /// Machine, versions and data.
    head: String,
    rows: Vec<Row>,
    /// The U of each section that reports multiples of U.
    units: Vec<Duration>,
}

impl Report {
    pub fn new(head: String) -> Self {
        eprint!("{head}\n{}", line(&HEADING.map(str::to_owned), &WIDTHS));
        Self {
            head,
            rows: Vec::new(),
            units: Vec::new(),
        }
    }

    /// Adds and prints the U of the rows that follow.
    pub fn add_unit(&mut self, unit: Duration) {
        eprintln!("U is {}", microseconds(unit));
        self.units.push(unit);
    }

    /// Adds a row and prints it on standard error.
    pub fn add(&mut self, row: Row) {
        eprint!("{}", line(&row.cells(), &WIDTHS));
        self.rows.push(row);
    }

    fn head(&self) -> String {
        let units: Vec<String> = self.units.iter().copied().map(microseconds).collect();
        match units.as_slice() {
            [] => self.head.clone(),
            units => format!("{}. U was {}, section by section.", self.head, units.join(", ")),
        }
    }

    fn cells(&self) -> impl Iterator<Item = [String; COLUMNS]> {
        std::iter::once(HEADING.map(str::to_owned)).chain(self.rows.iter().map(Row::cells))
    }

    /// The table for a terminal.
    pub fn text(&self) -> String {
        let mut widths = [0; COLUMNS];
        for cells in self.cells() {
            for (width, cell) in widths.iter_mut().zip(&cells) {
                *width = cell.chars().count().max(*width);
            }
        }
        let table: String = self.cells().map(|cells| line(&cells, &widths)).collect();
        format!("{}\n\n{table}", self.head())
    }

    /// The table as Markdown, with numbers aligned right.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.head());
        for (at, cells) in self.cells().enumerate() {
            let cells = cells.map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if at == 0 {
                text += "|---|---|--:|--:|--:|--:|---|---|\n";
            }
        }
        text
    }
}

fn microseconds(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

/// One line with cells padded to `widths`, numbers aligned right.
fn line(cells: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let mut text = String::new();
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let _ = match at {
            2..=5 => write!(text, "{cell:>width$}  "),
            _ => write!(text, "{cell:<width$}  "),
        };
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}
