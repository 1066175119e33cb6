//! Generates names as CRMs have them: of people with one or two first names and surnames, of businesses, with labels
//! and emojis, with and without accents.

use std::collections::HashSet;

use rand::distr::weighted::WeightedIndex;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::random::without_accents;
use super::vocabulary::{
    BUSINESSES, COMPANY_FORMS, EMOJIS, FIRST_NAMES, LABELS, LAST_NAMES, OTHER_SCRIPTS, rare_first_names,
    rare_last_names,
};

/// The most common names keep their share of all people: a search for one of them meets as many contacts as if there
/// were no rare names. Each less common name gives [`RARE_PERCENT`] of its share to the rare names.
const COMMON: usize = 30;
const RARE_PERCENT: u32 = 80;

/// How often a second first name is drawn until one suits the first one.
const TRIES: usize = 4;

/// The streams of the seed that names come from. No client has a stream with this bit.
const NAMES: u64 = 1 << 63;

/// A person's names.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub first: String,
    pub last: String,
    /// The contact's name. It can be the name of the person's business.
    pub shown: String,
}

/// Generates the names of one client's contacts.
pub(super) struct Names {
    random: ChaCha8Rng,
    first_names: Ranked,
    last_names: Ranked,
    rare_first_names: Ranked,
    rare_last_names: Ranked,
    /// The names that give a part of their share to the rare names.
    less_common: HashSet<&'static str>,
}

impl Names {
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream | NAMES);
        let less_common = |names: &'static str| names.split_whitespace().skip(COMMON);
        Self {
            random,
            first_names: Ranked::new(FIRST_NAMES.split_whitespace(), 6),
            last_names: Ranked::new(LAST_NAMES.split_whitespace(), 6),
            rare_first_names: Ranked::new(rare_first_names(), 20),
            rare_last_names: Ranked::new(rare_last_names(), 30),
            less_common: less_common(FIRST_NAMES).chain(less_common(LAST_NAMES)).collect(),
        }
    }

    /// The names of a person who has this first name and surname, or rare ones in their place.
    pub fn person(&mut self, first: &'static str, last: &'static str) -> Person {
        let first = if self.becomes_rare(first) {
            self.rare_first_names.pick(&mut self.random)
        } else {
            first.to_owned()
        };
        let last = if self.becomes_rare(last) {
            self.rare_last_names.pick(&mut self.random)
        } else {
            last.to_owned()
        };
        let shown = self.compose(&first, &last);
        let shown = self.respell(shown);
        Person { first, last, shown }
    }

    fn becomes_rare(&mut self, name: &'static str) -> bool {
        self.less_common.contains(name) && self.random.random_ratio(RARE_PERCENT, 100)
    }

    /// The ranges are the shares of each form in thousandths.
    fn compose(&mut self, first: &str, last: &str) -> String {
        match self.random.random_range(0..1_000) {
            0..430 => format!("{first} {last}"),
            430..580 => format!("{first} {} {last}", self.another_first(first)),
            580..750 => format!("{first} {last} {}", self.another_last()),
            750..840 => format!("{first} {} {last} {}", self.another_first(first), self.another_last()),
            840..855 => format!("{first} {last}-{}", self.another_last()),
            855..865 => format!("{first} {last} de {}", self.another_last()),
            865..870 => format!("{first} {}. {last}", &without_accents(&self.another_first(first))[..1]),
            870..890 => format!("{last}, {first}"),
            890..925 => first.to_owned(),
            925..950 => format!("{first} {}", self.word(LABELS)),
            950..995 => self.business(first, last),
            _ => self.in_other_script(),
        }
    }

    fn business(&mut self, first: &str, last: &str) -> String {
        let form = COMPANY_FORMS[self.random.random_range(0..COMPANY_FORMS.len())];
        match self.random.random_range(0..10) {
            0..4 => format!("{} {last}", self.word(BUSINESSES)),
            4..6 => format!("{} {first}", self.word(BUSINESSES)),
            6..8 => format!("{last} {form}"),
            _ => format!("{} {last} {form}", self.word(BUSINESSES)),
        }
    }

    fn in_other_script(&mut self) -> String {
        let (starts, ends, between) = OTHER_SCRIPTS[self.random.random_range(0..OTHER_SCRIPTS.len())];
        format!("{}{between}{}", self.word(starts), self.word(ends))
    }

    /// The name as somebody has typed it.
    fn respell(&mut self, name: String) -> String {
        let name = match self.random.random_range(0..100) {
            0..30 => without_accents(&name),
            30..35 => name.to_lowercase(),
            35..38 => name.to_uppercase(),
            38..41 => without_accents(&name).to_lowercase(),
            _ => name,
        };
        match self.random.random_range(0..1_000) {
            0..8 => format!("{name} {}", self.word(EMOJIS)),
            8..11 => format!("{} {name}", self.word(EMOJIS)),
            11..13 => format!("{name}{}", self.word(EMOJIS)),
            _ => name,
        }
    }

    /// A second first name. It mostly has the ending of the first one, so that both are names of women or of men.
    fn another_first(&mut self, first: &str) -> String {
        let mut name = String::new();
        for _ in 0..TRIES {
            let is_rare = self.random.random_ratio(3, 10);
            let names = if is_rare {
                &self.rare_first_names
            } else {
                &self.first_names
            };
            name = names.pick(&mut self.random);
            if name != first && name.ends_with('a') == first.ends_with('a') {
                break;
            }
        }
        name
    }

    fn another_last(&mut self) -> String {
        let is_rare = self.random.random_ratio(1, 2);
        let names = if is_rare {
            &self.rare_last_names
        } else {
            &self.last_names
        };
        names.pick(&mut self.random)
    }

    /// One of the words, each with the same probability.
    fn word(&mut self, words: &'static str) -> &'static str {
        let count = words.split_whitespace().count();
        words
            .split_whitespace()
            .nth(self.random.random_range(0..count))
            .unwrap_or_default()
    }
}

/// Names by frequency: that of the n-th name is proportional to 1 / (n + a constant), which is Zipf's law, flattened at
/// the top.
struct Ranked {
    names: Vec<String>,
    weights: WeightedIndex<u32>,
}

impl Ranked {
    /// `start` is the divisor of the first name's weight.
    fn new(names: impl IntoIterator<Item: Into<String>>, start: u32) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let weights = (start..).take(names.len()).map(weight);
        Self {
            weights: WeightedIndex::new(weights).expect("there are names, and their weights are positive"),
            names,
        }
    }

    fn pick(&self, random: &mut ChaCha8Rng) -> String {
        self.names[random.sample(&self.weights)].clone()
    }
}

fn weight(rank: u32) -> u32 {
    1_000_000 / rank
}

/// Names and their weights. The n-th weight is proportional to 1 / (n + 5).
pub(super) fn by_rank(names: &'static str) -> Vec<(&'static str, u32)> {
    (6..)
        .zip(names.split_whitespace())
        .map(|(rank, name)| (name, 100_000 / rank))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const COUNT: usize = 50_000;

    fn people() -> Vec<Person> {
        let mut names = Names::new(7, 0);
        (0..COUNT)
            .map(|at| match at % 2 {
                0 => names.person("María", "López"),
                _ => names.person("Elena", "Tapia"),
            })
            .collect()
    }

    #[test]
    fn common_names_stay_and_less_common_ones_mostly_become_rare_ones() {
        let people = people();
        for (at, person) in people.iter().enumerate() {
            if at % 2 == 0 {
                assert_eq!((&*person.first, &*person.last), ("María", "López"));
            }
        }
        let kept = people.iter().filter(|person| person.last == "Tapia").count();
        assert!((COUNT / 11..COUNT / 9).contains(&kept), "{kept}");
    }

    #[test]
    fn thousands_of_surnames_and_hundreds_of_first_names_occur_by_zipfs_law() {
        let people = people();
        let count = |name: fn(&Person) -> &String| {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for person in people.iter().skip(1).step_by(2) {
                *counts.entry(name(person)).or_default() += 1;
            }
            let mut counts: Vec<usize> = counts.into_values().collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            counts
        };
        let (first, last) = (count(|person| &person.first), count(|person| &person.last));
        assert!(
            first.len() > 500 && last.len() > 2_000,
            "{} {}",
            first.len(),
            last.len()
        );
        // The first entry is the kept common name.
        assert!(last[1] > 10 * last[1_000] && last[1_000] > 0, "{last:?}");
        assert!(first[1] > 5 * first[400], "{first:?}");
    }

    #[test]
    fn rare_names_consist_of_letters_and_never_contain_the_names_with_a_fixed_share() {
        for name in rare_first_names().into_iter().chain(rare_last_names()) {
            assert!(
                name.chars()
                    .all(|letter| letter.is_alphabetic() || " '".contains(letter)),
                "{name}"
            );
            let length = name.chars().count();
            assert!((2..=20).contains(&length), "{name}");
            let folded = super::super::random::ascii(&name);
            assert!(
                folded.len() >= 2 && !folded.contains("john") && !folded.contains("ximena"),
                "{name}"
            );
        }
    }

    #[test]
    fn names_have_the_forms_and_spellings_of_a_crm() {
        let people = people();
        let share = |holds: &dyn Fn(&str) -> bool| {
            people.iter().filter(|person| holds(&person.shown)).count() * 1_000 / people.len()
        };
        let words = |name: &str| name.split_whitespace().count();
        for (what, share, expected) in [
            ("three words or more", share(&|name| words(name) > 2), 400..600),
            ("one word", share(&|name| words(name) == 1), 25..60),
            ("surname first", share(&|name| name.contains(", ")), 12..28),
            ("two surnames, joined", share(&|name| name.contains('-')), 8..24),
            ("a particle", share(&|name| name.to_lowercase().contains(" de ")), 8..60),
            (
                "an emoji",
                share(&|name| EMOJIS.split(' ').any(|emoji| name.contains(emoji))),
                8..20,
            ),
            ("in upper case", share(&|name| name.to_uppercase() == name), 20..50),
            ("in lower case", share(&|name| name.to_lowercase() == name), 60..100),
            ("María with its accent", share(&|name| name.contains("María")), 240..360),
            ("María without it", share(&|name| name.contains("Maria")), 110..170),
            (
                "in another script",
                share(&|name| !name.chars().any(|letter| ('A'..='ɏ').contains(&letter))),
                2..8,
            ),
        ] {
            assert!(expected.contains(&share), "{what}: {share}");
        }
        assert!(people.iter().any(|person| person.shown.ends_with(" SRL")));
    }

    #[test]
    fn equal_seeds_and_streams_generate_equal_names() {
        let of = |seed, stream| {
            let mut names = Names::new(seed, stream);
            format!(
                "{:?}",
                (0..50).map(|_| names.person("Elena", "Tapia")).collect::<Vec<_>>()
            )
        };
        assert_eq!(of(1, 0), of(1, 0));
        assert_ne!(of(1, 0), of(2, 0));
        assert_ne!(of(1, 0), of(1, 1));
    }
}
