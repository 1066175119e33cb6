//! Names of made-up people, for measurements that need no database.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::names::{Names, by_rank};
use super::random::pick;
use super::vocabulary::{FIRST_NAMES, LAST_NAMES};

/// The first names and surnames of made-up people, without end. Frequent and rare names occur as in generated contacts.
/// Equal seeds give equal people.
pub struct People {
    random: ChaCha8Rng,
    names: Names,
    first_names: Vec<(&'static str, u32)>,
    last_names: Vec<(&'static str, u32)>,
}

impl People {
    pub fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            names: Names::new(seed, 0),
            first_names: by_rank(FIRST_NAMES),
            last_names: by_rank(LAST_NAMES),
        }
    }
}

impl Iterator for People {
    type Item = (String, String);

    fn next(&mut self) -> Option<Self::Item> {
        let first = pick(&mut self.random, &self.first_names, |name| name.1).0;
        let last = pick(&mut self.random, &self.last_names, |name| name.1).0;
        let person = self.names.person(first, last);
        Some((person.first, person.last))
    }
}
