//! Estimates with how many other records of one person a record is compared.

use foldhash::HashMap;

use super::hash::hash;
use super::mailbox::is_role;
use super::record::Record;

/// The most identities that are counted.
const IDENTITIES_MAX: usize = 65_536;

/// The most records of an identity that count. More records than that are not one person.
const RECORDS_MAX: u32 = 20;

/// Counts how often identities repeat: mailboxes, and phones together with a name. Most records with the same one are
/// one person. Keeps a sample of the identities, those with the smallest hashes, so the memory is bounded and the
/// result does not depend on the order of the records.
#[derive(Clone, Debug)]
pub(super) struct Repeats {
    counts: HashMap<u64, u32>,
    /// Identities with a larger hash are not counted.
    hash_max: u64,
}

impl Default for Repeats {
    fn default() -> Self {
        Self {
            counts: HashMap::default(),
            hash_max: u64::MAX,
        }
    }
}

impl Repeats {
    pub(super) fn add(&mut self, record: &Record) {
        let local = record.email().rsplit_once('@').map(|(local, _)| local);
        if local.is_some_and(|local| !is_role(local)) {
            self.add_identity(hash(&["mailbox", record.mailbox()]));
        }
        if !record.phone_key().is_empty() && !record.name().is_empty() {
            self.add_identity(hash(&["phone and name", record.phone_key(), record.name()]));
        }
    }

    fn add_identity(&mut self, identity: u64) {
        if identity > self.hash_max {
            return;
        }
        *self.counts.entry(identity).or_default() += 1;
        while self.counts.len() > IDENTITIES_MAX {
            self.hash_max /= 2;
            self.counts.retain(|identity, _| *identity <= self.hash_max);
        }
    }

    /// With how many other records a record shares its identity, on average. 0 without identities.
    pub(super) fn per_record(&self) -> f64 {
        let counts = || self.counts.values().map(|count| u64::from(*count));
        let records: u64 = counts().sum();
        let others: u64 = counts()
            .filter(|count| *count <= u64::from(RECORDS_MAX))
            .map(|count| count * (count - 1))
            .sum();
        others as f64 / records.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_identities_does_not_depend_on_their_order() {
        let identities: Vec<u64> = (0..3 * IDENTITIES_MAX as u64)
            .flat_map(|number| {
                let identity = hash(&[&number.to_string()]);
                vec![identity; 1 + (number % 3) as usize]
            })
            .collect();
        let mut forwards = Repeats::default();
        let mut backwards = Repeats::default();
        identities.iter().for_each(|identity| forwards.add_identity(*identity));
        identities
            .iter()
            .rev()
            .for_each(|identity| backwards.add_identity(*identity));
        assert!(forwards.counts.len() <= IDENTITIES_MAX);
        assert_eq!(forwards.counts, backwards.counts);
        // A third of the identities occurs once, twice and three times: (0 + 2 + 6) / 6.
        assert!((forwards.per_record() - 8.0 / 6.0).abs() < 0.01);
    }

    #[test]
    fn without_identities_nothing_repeats() {
        assert_eq!(Repeats::default().per_record(), 0.0);
    }
}
