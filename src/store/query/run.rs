//! Runs a query and chooses the plan.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::candidates::{Candidate, NumberCandidate, Position};
use super::found_contact::{self, FoundContact};
use super::similar_search::SimilarSearch;
use super::statements::{self, ASKED_MAX, NUMBERS, Tests};
use crate::domain::client::ClientId;
use crate::domain::query::{CONTAINS_RANK, Dictionary, Level, Patterns, Query, QueryWord, Terms};
use crate::store::error::StoreError;
use crate::store::search::{ClientStatistics, Plan};
use crate::store::statement::Statement;
use crate::store::tsquery;

/// The contacts of a page.
pub const PAGE: usize = 20;

/// Rows of a large client that a query walks first, except on pages of matches with typing errors: the probe.
const PROBE_ROWS: usize = 500;

/// With at least this many matches in the probe, a walk is used instead of the index of grams. A row of a walk takes
/// 0.5 µs, and a contact of the index 1.5 µs. So a walk for a page is faster with three matches if the client has five
/// million contacts, and with six if it has one million: the index reads all matches of the newest period, which are 12 %
/// of the contacts. The number is between the two.
const FREQUENT: usize = 4;

/// The same as [`FREQUENT`], if the index of grams can only find the contacts of an email provider.
const FREQUENT_AT_PROVIDER: usize = 2;

/// The matches in the probe from which on a query is read level by level. With fewer, at most [`RANKED_MAX`] may match in
/// the whole client.
const MANY: usize = 2;

/// The most matches without typing errors that are read at once and ranked here.
const RANKED_MAX: usize = 200;

/// With more grams than these, the index of grams is asked for the two conditions with the fewest grams only: it looks
/// each gram up in each step, and two conditions exclude most contacts.
const ENOUGH_GRAMS: usize = 64;

/// The most contacts that are read at once to find those of a level among those of better levels.
const LEVEL_READ_MAX: usize = 2_000;

/// The most contacts that are read by the match keys of a query's numbers.
const NUMBERS_MAX: i64 = 1_000;

/// The year 2000, in microseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000;

/// The contacts of a page, in order, and the plans that found them.
#[derive(Debug)]
pub struct QueryPage {
    pub contacts: Vec<FoundContact>,
    /// The position of the last contact, if a next page exists.
    pub next: Option<Position>,
    pub plans: Vec<Plan>,
}

/// The first [`PAGE`] contacts of the client that match every word of the query, after a position.
///
/// # Errors
/// [`StoreError`]
pub fn find_contacts(
    connection: &mut PgConnection,
    statistics: &ClientStatistics,
    client: ClientId,
    query: &Query,
    after: Option<Position>,
) -> Result<QueryPage, StoreError> {
    let is_small = statistics.is_small(connection, client)?;
    let mut run = Run {
        connection,
        client,
        query,
        is_small,
        numbers: Vec::new(),
        equivalents: HashMap::new(),
        probe: Vec::new(),
        newest: Vec::new(),
        containing: None,
        similar_search: None,
        plans: Vec::new(),
    };
    run.read_numbers()?;
    // One more than a page shows whether a next page exists.
    let mut found = run.find(after, PAGE + 1)?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let contacts = found_contact::read_page(run.connection, client, &found, &run.equivalents)?;
    Ok(QueryPage {
        contacts,
        next: found.last().copied().filter(|_| has_more),
        plans: run.plans,
    })
}

pub(super) struct Run<'a> {
    pub(super) connection: &'a mut PgConnection,
    pub(super) client: ClientId,
    pub(super) query: &'a Query,
    pub(super) is_small: bool,
    /// The contacts with the match keys of the query's numbers.
    numbers: Vec<Candidate>,
    /// For a contact, the words that are whole numbers with its match key, by their places.
    equivalents: HashMap<Uuid, Vec<usize>>,
    /// The matches among the newest contacts.
    probe: Vec<Candidate>,
    /// The first matches of the client, as earlier statements of this query returned them.
    newest: Vec<Newest>,
    /// The words of the client that contain a word of the query, once they have been read.
    pub(super) containing: Option<Dictionary>,
    /// The contacts that may match with typing errors, once some have been read.
    pub(super) similar_search: Option<SimilarSearch>,
    pub(super) plans: Vec<Plan>,
}

/// The first candidates of a level and better ones, latest message first.
struct Newest {
    level: Level,
    candidates: Vec<Candidate>,
    /// Whether these are all.
    is_all: bool,
}

impl Run<'_> {
    fn find(&mut self, after: Option<Position>, wanted: usize) -> QueryResult<Vec<Position>> {
        let is_behind = |position: &Position| after.is_none_or(|after| *position > after);
        let first_rank = after.map_or(0, |after| after.rank);
        let mut found = if first_rank > CONTAINS_RANK {
            self.read_similar()?
        } else if self.is_small {
            self.plans.push(Plan::WholeWalk);
            let candidates = self.walk(&self.query.patterns(Level::Contains), None, usize::MAX, usize::MAX)?;
            self.ranked_with_similar(&candidates)?
        } else {
            self.find_in_large(after, wanted)?
        };
        found.retain(is_behind);
        found.sort_unstable();
        found.dedup_by_key(|position| position.id);
        found.truncate(wanted);
        Ok(found)
    }

    /// The first contacts of a large client behind a position that match without typing errors. If they do not fill a
    /// page, also those with typing errors. Can return more than `wanted`.
    fn find_in_large(&mut self, after: Option<Position>, wanted: usize) -> QueryResult<Vec<Position>> {
        self.probe = self.walk(&self.query.patterns(Level::Contains), None, PROBE_ROWS, PROBE_ROWS)?;
        let mut levels: Vec<Level> = Level::iter()
            .filter(|level| after.is_none_or(|after| level.rank() >= after.rank))
            .collect();
        let mut found = Vec::new();
        // Several words are mostly a whole name. Its level needs no dictionary, and few contacts have it.
        let words = self.query.words();
        if after.is_none() && words.len() > 1 && words.iter().all(QueryWord::is_for_name) {
            // Few contacts have three given words. So one statement mostly finds all of them, including those whose names
            // have further words.
            if words.len() > 2 {
                self.read_newest(Level::Exact, PAGE + wanted)?;
            }
            found = self.read_level(levels.remove(0), None, 0, wanted)?;
            if found.len() >= wanted {
                return Ok(found);
            }
        }
        // With fewer than a page, contacts with typing errors may be missing, so all candidates must be known. Without a
        // position, reading every level finds them all, too.
        let many = if after.is_none() { MANY } else { PAGE };
        if self.probe.len() < many {
            if after.is_none()
                && (self.has_few_exact() || self.has_rare_domain()?)
                && let Some(found) = self.read_few_with_errors()?
            {
                return Ok(found);
            }
            let candidates = self.ask(Level::Contains, None, RANKED_MAX + 1)?;
            if candidates.len() <= RANKED_MAX {
                return self.ranked_with_similar(&candidates);
            }
            self.newest.push(Newest {
                level: Level::Contains,
                candidates,
                is_all: false,
            });
        }
        for level in levels {
            if found.len() < wanted {
                let start = after.filter(|after| after.rank == level.rank());
                let missing = wanted - found.len();
                // Behind a position, up to a page of better contacts came before it.
                let better = if after.is_none() { found.len() } else { PAGE };
                found.extend(self.read_level(level, start, better, missing)?);
            }
        }
        if after.is_none() && found.len() < PAGE {
            found.extend(self.read_similar()?);
        }
        Ok(found)
    }

    /// Whether all contacts that match exactly have been read, and there is at least one, but less than a page. Then
    /// hardly any other contact matches without typing errors. So the page will need contacts with typing errors.
    fn has_few_exact(&self) -> bool {
        let is_few = |newest: &Newest| {
            newest.level == Level::Exact && newest.is_all && (1..PAGE).contains(&newest.candidates.len())
        };
        self.newest.iter().any(is_few)
    }

    /// Whether a word is a domain, but no frequent provider, another one is a name, and no contact of the probe
    /// matches. Then the matches often do not fill a page.
    fn has_rare_domain(&mut self) -> QueryResult<bool> {
        let words = self.query.words();
        let domains: Vec<bool> = words.iter().map(|word| word.typed().starts_with('@')).collect();
        let has_name = words.iter().any(QueryWord::is_for_name);
        if !self.probe.is_empty() || !has_name || !domains.contains(&true) {
            return Ok(false);
        }
        let terms = self.terms(Level::Contains)?;
        let mut domains = terms.iter().zip(domains).filter(|(_, is_domain)| *is_domain);
        Ok(domains.any(|(terms, _)| terms.as_ref().is_some_and(Terms::is_selective)))
    }

    /// The positions of all candidates that match, and if these are fewer than a page, also of the contacts that match
    /// with typing errors.
    fn ranked_with_similar(&mut self, candidates: &[Candidate]) -> QueryResult<Vec<Position>> {
        let mut found = self.ranked(candidates);
        if found.len() < PAGE {
            found.extend(self.read_similar()?);
        }
        Ok(found)
    }

    /// The positions of all candidates that match without typing errors, and of the contacts with the query's numbers.
    pub(super) fn ranked(&self, candidates: &[Candidate]) -> Vec<Position> {
        self.with_numbers(candidates)
            .filter_map(|candidate| Some(candidate.at(self.rank(candidate)?)))
            .collect()
    }

    /// The candidates and the contacts with the query's numbers, each contact once.
    pub(super) fn with_numbers<'c>(&'c self, candidates: &'c [Candidate]) -> impl Iterator<Item = &'c Candidate> {
        let mut seen = HashSet::new();
        let all = candidates.iter().chain(&self.numbers);
        all.filter(move |candidate| seen.insert(candidate.id))
    }

    fn rank(&self, candidate: &Candidate) -> Option<u32> {
        self.query
            .rank(&candidate.texts(), |word| self.is_equivalent(candidate.id, word))
    }

    pub(super) fn is_equivalent(&self, id: Uuid, word: usize) -> bool {
        self.equivalents.get(&id).is_some_and(|words| words.contains(&word))
    }

    /// The contacts of the probe that match at a level or better.
    fn frequency(&self, level: Level) -> usize {
        let ranks = self.probe.iter().filter_map(|candidate| self.rank(candidate));
        ranks.filter(|rank| *rank <= level.rank()).count()
    }

    /// The first contacts of a level after a position of its rank. The first statement reads candidates for `missing`
    /// contacts of the level and `better` contacts of better levels. Further statements follow if these are too few.
    fn read_level(
        &mut self,
        level: Level,
        start: Option<Position>,
        better: usize,
        missing: usize,
    ) -> QueryResult<Vec<Position>> {
        let is_of_level =
            |position: &Position| position.rank == level.rank() && start.is_none_or(|start| *position > start);
        let mut found = self.ranked(&self.probe);
        found.retain(is_of_level);
        // The contacts with the query's numbers can be older than contacts that are not read yet.
        let enough = missing + self.numbers.len();
        if found.len() >= enough {
            self.plans.push(Plan::Walk);
            found.sort_unstable();
            return Ok(found);
        }
        for newest in self.newest.iter().filter(|newest| newest.level >= level) {
            found = self.ranked(&newest.candidates);
            found.retain(is_of_level);
            if newest.is_all || found.len() >= enough {
                found.sort_unstable();
                return Ok(found);
            }
        }
        // The statements also return the contacts of better levels.
        let mut limit = better + enough;
        let mut from = start;
        let mut candidates = Vec::new();
        loop {
            let more = self.read_more(level, from, limit)?;
            let is_last = more.len() < limit;
            from = more.last().map(|last| last.at(level.rank()));
            candidates.extend(more.into_iter().filter(|more| self.rank(more) == Some(level.rank())));
            found = self.ranked(&candidates);
            found.retain(is_of_level);
            if is_last || found.len() >= enough {
                return Ok(found);
            }
            // Few of them are of the level. Another question takes longer than many more rows.
            limit = (4 * limit).min(LEVEL_READ_MAX);
        }
    }

    /// Reads the first candidates of a level and better ones, so that [`Self::read_level`] can find contacts among them.
    fn read_newest(&mut self, level: Level, limit: usize) -> QueryResult<()> {
        let candidates = self.read_more(level, None, limit)?;
        let is_all = candidates.len() < limit;
        self.newest.push(Newest {
            level,
            candidates,
            is_all,
        });
        Ok(())
    }

    /// The first candidates of a level and better ones behind a position, latest message first.
    fn read_more(&mut self, level: Level, from: Option<Position>, limit: usize) -> QueryResult<Vec<Candidate>> {
        let frequency = self.frequency(level);
        if frequency >= FREQUENT || frequency >= FREQUENT_AT_PROVIDER && !self.is_selective(level)? {
            let rows = PROBE_ROWS * 2 * limit / frequency;
            let walked = self.walk(&self.query.patterns(level), from, rows, limit)?;
            if walked.len() == limit {
                self.plans.push(Plan::Walk);
                return Ok(walked);
            }
        }
        self.ask(level, from, limit)
    }

    /// Whether the index of grams is asked for more than an email provider. Nearly half of the contacts share one.
    fn is_selective(&mut self, level: Level) -> QueryResult<bool> {
        Ok(self.terms(level)?.iter().flatten().any(Terms::is_selective))
    }

    /// Asks the index of grams for the first candidates of a level and better ones behind a position.
    fn ask(&mut self, level: Level, from: Option<Position>, limit: usize) -> QueryResult<Vec<Candidate>> {
        let terms = self.terms(level)?;
        self.ask_for(terms, &self.query.patterns(level), from, limit)
    }

    /// For each word, what the index of grams is asked for to find the contacts of a level.
    pub(super) fn terms(&mut self, level: Level) -> QueryResult<Vec<Option<Terms>>> {
        let words = self.query.words();
        let is_needed = match level {
            Level::Contains => true,
            // A query of one word reads all its contacts anyway, so the dictionary would save nothing.
            Level::Prefix => words.len() > 1,
            Level::Whole | Level::Exact => false,
        };
        // Mostly the dictionary shows that no name has the piece of an email. Without it, the index of grams would be asked
        // for such names, and would read all words that begin like the other words of the query.
        if is_needed || words.iter().any(|word| word.typed().contains('@')) {
            self.read_dictionary()?;
        }
        let no_words = Dictionary::default();
        Ok(self.query.terms(level, self.containing.as_ref().unwrap_or(&no_words)))
    }

    /// Asks the index of grams for the first contacts that have the terms of each word, one element per word, and match
    /// the patterns. Walks all contacts if the index cannot find them.
    pub(super) fn ask_for(
        &mut self,
        terms: Vec<Option<Terms>>,
        patterns: &[Patterns],
        from: Option<Position>,
        limit: usize,
    ) -> QueryResult<Vec<Candidate>> {
        if terms.iter().flatten().any(Terms::is_impossible) {
            return Ok(Vec::new());
        }
        let lengths = self.query.words().iter().map(|word| word.typed().chars().count());
        let mut asked: Vec<(usize, Terms)> = lengths
            .zip(terms)
            .filter_map(|(length, terms)| Some((length, terms?)))
            .collect();
        // The longest words are in the fewest contacts. Beside them, a word of two characters only costs time.
        asked.sort_by_key(|(length, _)| Reverse(*length));
        if asked.first().is_some_and(|(length, _)| *length > 2) {
            asked.retain(|(length, _)| *length > 2);
        }
        if asked.iter().any(|(_, terms)| terms.is_external_id()) {
            asked.retain(|(_, terms)| terms.is_external_id());
        }
        if asked.is_empty() {
            self.plans.push(Plan::WholeWalk);
            return self.walk(patterns, from, usize::MAX, limit);
        }
        self.plans.push(Plan::Grams);
        let conditions = asked.into_iter().flat_map(|(_, terms)| terms.implied_conditions());
        let mut asked: Vec<Terms> = conditions.take(ASKED_MAX).map(Terms::distinct).collect();
        // The index compares the first two conditions, and tests the others only where both hold. A test of many grams
        // takes long. The sort is stable.
        asked.sort_by_key(Terms::count);
        if asked.iter().map(Terms::count).sum::<usize>() > ENOUGH_GRAMS {
            asked.truncate(2);
        }
        let asked: Vec<String> = asked.iter().map(tsquery::of).collect();
        let (time, id) = start_of(from);
        let (tests, texts, arrays) = values(patterns);
        Statement::built(statements::grams(asked.len(), tests))
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Nullable<Timestamptz>, _>(time)
            .bind::<SqlUuid, _>(id)
            .bind::<Array<Text>, _>(asked)
            .bind::<BigInt, _>(to_i64(limit))
            .bind_texts(texts, arrays)
            .load(self.connection)
    }

    /// The first contacts that match the patterns among `rows` contacts behind a position.
    pub(super) fn walk(
        &mut self,
        patterns: &[Patterns],
        from: Option<Position>,
        rows: usize,
        limit: usize,
    ) -> QueryResult<Vec<Candidate>> {
        let (time, id) = start_of(from);
        let (tests, texts, arrays) = values(patterns);
        Statement::built(statements::walk(tests))
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Nullable<Timestamptz>, _>(time)
            .bind::<SqlUuid, _>(id)
            .bind::<BigInt, _>(to_i64(rows))
            .bind::<BigInt, _>(to_i64(limit))
            .bind_texts(texts, arrays)
            .load(self.connection)
    }

    /// Reads the contacts with the match keys of the query's numbers.
    fn read_numbers(&mut self) -> QueryResult<()> {
        let words = self.query.words().iter();
        let keys: Vec<&str> = words.flat_map(|word| word.phone_keys()).map(String::as_str).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let rows: Vec<NumberCandidate> = Statement::new(|| NUMBERS)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Array<Text>, _>(keys)
            .bind::<BigInt, _>(NUMBERS_MAX)
            .load(self.connection)?;
        for NumberCandidate { phone_key, candidate } in rows {
            let words = self.query.words().iter().enumerate();
            let same = words
                .filter(|(_, word)| word.keys().contains(&phone_key))
                .map(|(place, _)| place);
            self.equivalents.insert(candidate.id, same.collect());
            self.numbers.push(candidate);
        }
        Ok(())
    }
}

/// Where an answer begins: a time, and an id of that time. NULL stands for contacts without messages.
fn start_of(from: Option<Position>) -> (Option<PgTimestamp>, Uuid) {
    // PostgreSQL counts microseconds from the year 2000, and the greatest number is `infinity`.
    let Some(from) = from else {
        return (Some(PgTimestamp(i64::MAX)), Uuid::nil());
    };
    let time = from
        .last_message_at
        .map(|at| PgTimestamp(at.timestamp_micros() - YEAR_2000));
    (time, from.id)
}

/// The tests of a statement, and their values: first the plain words, the longest first, then the others.
fn values(patterns: &[Patterns]) -> (Tests, Vec<String>, Vec<Vec<String>>) {
    let is_plain = |word: &&Patterns| matches!((&*word.name_words, &*word.email_lower, &*word.phone), ([_], [_], []));
    let (mut plain, other): (Vec<&Patterns>, Vec<&Patterns>) = patterns.iter().partition(is_plain);
    // The longest word fails first, and the others need no test then.
    plain.sort_by_key(|word| Reverse(word.email_lower[0].len()));
    let tests = Tests {
        plain: plain.len(),
        other: other.len(),
    };
    let texts = plain
        .into_iter()
        .flat_map(|word| [word.name_words[0].clone(), word.email_lower[0].clone()]);
    let arrays = other
        .into_iter()
        .flat_map(|word| [&word.name_words, &word.email_lower, &word.phone]);
    (tests, texts.collect(), arrays.cloned().collect())
}

pub(super) fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
