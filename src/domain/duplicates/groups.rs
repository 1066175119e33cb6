//! Joins the records of one person into groups.

use std::collections::HashMap;

/// The most records of a group, and of a component that is joined at once. The time grows with its cube, and the memory
/// with its square.
const COMPONENT_MAX: usize = 400;

/// Groups the records `0..records`, by average linkage: two groups become one while the mean probability over all pairs
/// between them is at least `threshold`. So one strong pair cannot chain strangers together. Returns the groups with
/// several records. The records of a group and the groups are in order.
///
/// `links` are the candidate pairs with their probabilities. `probability` compares any two records, because the mean
/// also needs the pairs that are no candidates. It must not depend on the order of the two.
///
/// Two groups can only become one if at least one pair between them reaches the threshold. So each connected component
/// of such links is grouped on its own. The links of a larger component than 400 records are taken from the most to the
/// least probable one, and a link that would make a component larger is dropped.
pub fn group(
    records: usize,
    links: &[(u32, u32, f64)],
    threshold: f64,
    probability: &mut dyn FnMut(u32, u32) -> f64,
) -> Vec<Vec<u32>> {
    let mut links: Vec<&(u32, u32, f64)> = links.iter().filter(|(_, _, link)| *link >= threshold).collect();
    links.sort_by(|one, other| other.2.total_cmp(&one.2).then((one.0, one.1).cmp(&(other.0, other.1))));
    let mut components = Components::new(records);
    for (one, other, _) in links {
        components.join(*one, *other);
    }
    let mut groups: Vec<Vec<u32>> = components
        .into_components()
        .into_iter()
        .flat_map(|component| link_by_average(&component, threshold, probability))
        .filter(|group| group.len() > 1)
        .collect();
    groups.sort_unstable();
    groups
}

/// The connected components of links, as a union-find structure.
struct Components {
    /// The parent of each record. A root is its own parent, and the smallest record of its component.
    parents: Vec<u32>,
    /// The records of each root's component.
    sizes: Vec<u32>,
}

impl Components {
    fn new(records: usize) -> Self {
        Self {
            parents: (0..).take(records).collect(),
            sizes: vec![1; records],
        }
    }

    fn root(&mut self, record: u32) -> u32 {
        let mut at = record;
        while self.parents[at as usize] != at {
            let parent = self.parents[at as usize];
            // Halves the path.
            self.parents[at as usize] = self.parents[parent as usize];
            at = self.parents[at as usize];
        }
        at
    }

    /// Joins two components, unless they would become too large.
    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        let size = self.sizes[one as usize] + self.sizes[other as usize];
        if one != other && size as usize <= COMPONENT_MAX {
            let (root, child) = (one.min(other), one.max(other));
            self.parents[child as usize] = root;
            self.sizes[root as usize] = size;
        }
    }

    /// The components with several records.
    fn into_components(mut self) -> Vec<Vec<u32>> {
        let mut components: HashMap<u32, Vec<u32>> = HashMap::new();
        for (record, _) in (0..).zip(0..self.parents.len()) {
            let root = self.root(record);
            if self.sizes[root as usize] > 1 {
                components.entry(root).or_default().push(record);
            }
        }
        components.into_values().collect()
    }
}

/// Groups the records of a component. The records are in order.
fn link_by_average(component: &[u32], threshold: f64, probability: &mut dyn FnMut(u32, u32) -> f64) -> Vec<Vec<u32>> {
    let count = component.len();
    let mut groups: Vec<Vec<u32>> = component.iter().map(|record| vec![*record]).collect();
    // The sum of the probabilities between two groups. The group with the smaller place has the row.
    let mut sums = vec![0.0; count * count];
    for one in 0..count {
        for other in one + 1..count {
            let sum = probability(component[one], component[other]);
            sums[one * count + other] = sum;
            sums[other * count + one] = sum;
        }
    }
    loop {
        let alive: Vec<usize> = (0..count).filter(|place| !groups[*place].is_empty()).collect();
        let mut best: Option<(f64, usize, usize)> = None;
        for (at, &one) in alive.iter().enumerate() {
            for &other in &alive[at + 1..] {
                let mean = sums[one * count + other] / (groups[one].len() * groups[other].len()) as f64;
                // Of equal means the first one wins.
                if mean >= threshold && best.is_none_or(|(highest, _, _)| mean > highest) {
                    best = Some((mean, one, other));
                }
            }
        }
        let Some((_, one, other)) = best else {
            break;
        };
        let joined = std::mem::take(&mut groups[other]);
        groups[one].extend(joined);
        groups[one].sort_unstable();
        for third in 0..count {
            let sum = sums[one * count + third] + sums[other * count + third];
            sums[one * count + third] = sum;
            sums[third * count + one] = sum;
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups records of which only the given pairs are alike.
    fn grouped(records: u32, alike: &[(u32, u32, f64)]) -> Vec<Vec<u32>> {
        group(records as usize, alike, 0.8, &mut |one, other| {
            let pair = (one.min(other), one.max(other));
            alike
                .iter()
                .find(|(one, other, _)| (*one, *other) == pair)
                .map_or(0.0, |(_, _, probability)| *probability)
        })
    }

    #[test]
    fn a_chain_of_strong_links_does_not_join_strangers() {
        assert_eq!(
            grouped(4, &[(0, 1, 0.99), (1, 2, 0.95), (2, 3, 0.99)]),
            [[0, 1], [2, 3]]
        );
    }

    #[test]
    fn a_record_that_resembles_most_of_a_group_joins_it() {
        let links = [
            (0, 1, 0.99),
            (0, 2, 0.99),
            (1, 2, 0.99),
            (0, 3, 0.95),
            (1, 3, 0.95),
            (2, 3, 0.6),
        ];
        assert_eq!(grouped(5, &links), [[0, 1, 2, 3]]);
    }

    #[test]
    fn equal_probabilities_are_taken_in_the_order_of_the_records() {
        assert_eq!(grouped(3, &[(1, 2, 0.9), (0, 1, 0.9)]), [[0, 1]]);
        assert_eq!(grouped(3, &[(0, 1, 0.9), (1, 2, 0.9)]), [[0, 1]]);
    }

    #[test]
    fn a_huge_component_is_split_at_its_weakest_links() {
        // A chain of two halves, joined by its weakest link.
        let half = 300;
        let links: Vec<(u32, u32, f64)> = (1..2 * half)
            .map(|at| (at - 1, at, if at == half { 0.81 } else { 0.9 }))
            .collect();
        let mut largest = 0;
        let groups = group(2 * half as usize, &links, 0.8, &mut |one, other| {
            largest = largest.max(one.abs_diff(other));
            if (one < half) == (other < half) { 0.95 } else { 0.0 }
        });
        assert_eq!(groups, [(0..half).collect::<Vec<_>>(), (half..2 * half).collect()]);
        assert_eq!(largest, half - 1, "records of different halves are not compared");
    }

    #[test]
    fn records_without_links_are_in_no_group() {
        assert!(grouped(3, &[]).is_empty());
        assert!(grouped(0, &[]).is_empty());
        assert!(grouped(2, &[(0, 1, 0.79)]).is_empty());
    }
}
