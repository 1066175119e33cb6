//! The parameters of the model, from `data/parameters.txt`.

use std::sync::LazyLock;

use super::data;
use super::level::Level;

const FILE: &str = include_str!("data/parameters.txt");

/// The chances of a level, as `data/parameters.txt` describes them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LevelParameters {
    pub m: f64,
    pub u: f64,
    pub others: f64,
    pub known: f64,
}

/// The parameters of the model.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The probability at which two records are likely the same person.
    pub threshold: f64,
    pub expected_matches: f64,
    pub expected_matches_most: f64,
    pub repeats_share: f64,
    pub unseen_records: f64,
    pub unseen_frequency: f64,
    pub typing_errors: f64,
    pub typing_frequency: f64,
    pub nicknames: f64,
    pub initial_frequency: f64,
    levels: Vec<LevelParameters>,
}

static PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| Parameters::parse(FILE));

impl Parameters {
    /// The parameters of this program.
    pub fn get() -> &'static Self {
        &PARAMETERS
    }

    /// The parameters of a level.
    pub fn level(&self, level: Level) -> LevelParameters {
        self.levels[level.place()]
    }

    /// Panics if the file lacks a parameter. A test reads the file that the program contains.
    fn parse(file: &'static str) -> Self {
        let find = |name: &[&str]| -> Vec<f64> {
            let mut rows = data::lines(file)
                .map(|line| line.split_whitespace().collect::<Vec<_>>())
                .filter(|row| row.starts_with(name));
            let row = rows
                .next()
                .unwrap_or_else(|| panic!("parameters.txt: {name:?} is missing"));
            assert!(rows.next().is_none(), "parameters.txt: {name:?} occurs twice");
            let numbers = row[name.len()..].iter().map(|number| number.parse());
            numbers
                .collect::<Result<_, _>>()
                .unwrap_or_else(|error| panic!("parameters.txt: {name:?}: {error}"))
        };
        let setting = |name: &str| match find(&[name])[..] {
            [value] => value,
            _ => panic!("parameters.txt: {name}: write one number"),
        };
        let level = |level: Level| match find(&[&level.field().to_string(), level.name()])[..] {
            [m, u, others, known] => LevelParameters { m, u, others, known },
            _ => panic!("parameters.txt: {level:?}: write the four numbers m, u, others and known"),
        };
        Self {
            threshold: setting("threshold"),
            expected_matches: setting("expected-matches"),
            expected_matches_most: setting("expected-matches-most"),
            repeats_share: setting("repeats-share"),
            unseen_records: setting("unseen-records"),
            unseen_frequency: setting("unseen-frequency"),
            typing_errors: setting("typing-errors"),
            typing_frequency: setting("typing-frequency"),
            nicknames: setting("nicknames"),
            initial_frequency: setting("initial-frequency"),
            levels: Level::all().map(level).collect(),
        }
    }
}

/// Parses the least probability of a likely match: above 0, up to 1.
pub fn parse_threshold(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|threshold| *threshold > 0.0 && *threshold <= 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duplicates::level::Field;
    use strum::VariantArray;

    #[test]
    fn the_parameter_file_is_well_formed() {
        let parameters = Parameters::parse(FILE);
        let settings = 10;
        assert_eq!(
            data::lines(FILE).count(),
            settings + Level::all().count(),
            "every line of the file is read"
        );
        for (place, level) in Level::all().enumerate() {
            let LevelParameters { m, u, others, known } = parameters.level(level);
            assert_eq!(level.place(), place);
            for chance in [m, u, known] {
                assert!((0.0..=1.0).contains(&chance), "{level:?}");
            }
            assert!(m > 0.0 && u + others > 0.0 && others >= 0.0, "{level:?}");
        }
        assert!((0.5..1.0).contains(&parameters.threshold));
    }

    #[test]
    fn the_levels_of_a_field_share_the_probability_of_one() {
        for field in Field::VARIANTS {
            let of_field = Level::all().filter(|level| level.field() == *field);
            // An email of a record without a name is compared with a name, so this level is outside of the sum.
            let of_field = of_field.filter(|level| level.name() != "name-only");
            let levels: Vec<_> = of_field.map(|level| Parameters::get().level(level)).collect();
            let m: f64 = levels.iter().map(|level| level.m).sum();
            assert!((m - 1.0).abs() < 1e-9, "{field}: the m add up to {m}");
        }
    }
}
