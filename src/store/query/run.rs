//! Runs a query and chooses the plan.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::candidates::{Candidate, NumberCandidate, Position};
use super::statements::{self, CONTACTS, DICTIONARY, NUMBERS};
use crate::domain::client::ClientId;
use crate::domain::gram::Gram;
use crate::domain::query::{
    Dictionary, ENOUGH_WORDS, Level, Patterns, Query, QueryWord, SIMILAR_RANK, differ_by_typing,
};
use crate::domain::term::containing;
use crate::domain::window;
use crate::store::contacts::row::ContactRow;
use crate::store::error::StoreError;
use crate::store::search::{ClientSizes, Plan};
use crate::store::statement::Statement;
use crate::store::tsquery;

/// The contacts of a page.
pub const PAGE: usize = 20;

/// Rows of a large client that every query walks first: the probe.
const PROBE_ROWS: i64 = 1_000;

/// With so many matches in the probe, a walk is faster than the index of grams. At one match in a hundred rows, a walk
/// to 21 matches and the grams of a period cost the same.
const FREQUENT: usize = 10;

/// With at most so many matches without typing errors, all are read at once and ranked here. Of the contacts that match
/// only with typing errors, so many with the latest messages are ranked.
const RANKED_MAX: usize = 200;

/// Matches of a level that are read at once.
const FETCHED: usize = 64;

/// The most contacts that are read by the match keys of a query's numbers.
const NUMBERS_MAX: i64 = 1_000;

/// The most words of the index of grams' question. Further words hardly narrow it.
const ASKED_WORDS: usize = 3;

/// The most words of the dictionary that share a key with a typed word. The longer a word, the fewer share one.
const SIMILAR_MAX: i64 = 5_000;

/// The year 2000, in microseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000;

/// A contact of a page.
#[derive(Debug)]
pub struct FoundContact {
    pub row: ContactRow,
    pub external_user_id: Option<String>,
    /// The latest inbound message on any platform among all contacts of the same number.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The same on the platform that has a session window.
    pub last_window_inbound_at: Option<DateTime<Utc>>,
    /// The time of the database's clock.
    pub now: DateTime<Utc>,
    /// The words of the query, by their places, that are whole numbers with the contact's match key.
    pub equivalents: Vec<usize>,
}

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
    sizes: &ClientSizes,
    client: ClientId,
    query: &Query,
    after: Option<Position>,
) -> Result<QueryPage, StoreError> {
    let is_small = sizes.is_small(connection, client)?;
    let mut run = Run {
        connection,
        client,
        query,
        is_small,
        numbers: Vec::new(),
        equivalents: HashMap::new(),
        probe: Vec::new(),
        containing: Dictionary::default(),
        plans: Vec::new(),
    };
    run.read_numbers()?;
    // One more than a page shows whether a next page exists.
    let mut found = run.find(after, PAGE + 1)?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let contacts = run.read_page(&found)?;
    Ok(QueryPage {
        contacts,
        next: found.last().copied().filter(|_| has_more),
        plans: run.plans,
    })
}

struct Run<'a> {
    connection: &'a mut PgConnection,
    client: ClientId,
    query: &'a Query,
    is_small: bool,
    /// The contacts with the match keys of the query's numbers.
    numbers: Vec<Candidate>,
    /// For a contact, the words that are whole numbers with its match key, by their places.
    equivalents: HashMap<Uuid, Vec<usize>>,
    /// The matches among the newest contacts.
    probe: Vec<Candidate>,
    /// The words of the client that contain a word of the query.
    containing: Dictionary,
    plans: Vec<Plan>,
}

impl Run<'_> {
    fn find(&mut self, after: Option<Position>, wanted: usize) -> Result<Vec<Position>, StoreError> {
        let is_behind = |position: &Position| after.is_none_or(|after| *position > after);
        let first_rank = after.map_or(0, |after| after.rank);
        let mut found = Vec::new();
        let mut may_be_similar = true;
        if first_rank <= SIMILAR_RANK {
            if let Some(candidates) = self.read_all_if_few()? {
                let ranked = self.ranked(&candidates);
                may_be_similar = ranked.len() < PAGE;
                found = ranked;
            } else {
                may_be_similar = false;
                for level in Level::iter().filter(|level| level.rank() >= first_rank) {
                    let start = after.filter(|after| after.rank == level.rank());
                    let missing = wanted - found.len();
                    found.extend(self.read_level(level, start, missing)?);
                    if found.len() >= wanted {
                        break;
                    }
                }
            }
        }
        if may_be_similar {
            found.extend(self.read_similar()?);
        }
        found.retain(is_behind);
        found.sort_unstable();
        found.truncate(wanted);
        Ok(found)
    }

    /// The positions of all candidates that match without typing errors, and of the contacts with the query's numbers.
    fn ranked(&self, candidates: &[Candidate]) -> Vec<Position> {
        let mut seen = HashSet::new();
        let candidates = candidates
            .iter()
            .chain(&self.numbers)
            .filter(|candidate| seen.insert(candidate.id));
        candidates
            .filter_map(|candidate| Some(candidate.at(self.rank(candidate)?)))
            .collect()
    }

    fn rank(&self, candidate: &Candidate) -> Option<u32> {
        self.query
            .rank(&candidate.texts(), |word| self.is_equivalent(candidate.id, word))
    }

    fn is_equivalent(&self, id: Uuid, word: usize) -> bool {
        self.equivalents.get(&id).is_some_and(|words| words.contains(&word))
    }

    /// All candidates without typing errors, if the client is small or has few of them. Else the probe is read.
    fn read_all_if_few(&mut self) -> QueryResult<Option<Vec<Candidate>>> {
        if self.is_small {
            self.plans.push(Plan::WholeWalk);
            return self
                .walk(&self.patterns(Level::Contains), None, i64::MAX, usize::MAX)
                .map(Some);
        }
        self.probe = self.walk(&self.patterns(Level::Contains), None, PROBE_ROWS, PROBE_ROWS as usize)?;
        self.read_dictionary()?;
        if self.probe.len() >= FREQUENT {
            return Ok(None);
        }
        let candidates = self.ask(Level::Contains, None, RANKED_MAX + 1)?;
        Ok(Some(candidates).filter(|candidates| candidates.len() <= RANKED_MAX))
    }

    /// The first contacts of a level after a position of its rank.
    fn read_level(&mut self, level: Level, start: Option<Position>, missing: usize) -> QueryResult<Vec<Position>> {
        let is_of_level =
            |position: &Position| position.rank == level.rank() && start.is_none_or(|start| *position > start);
        let mut found = self.ranked(&self.probe);
        found.retain(is_of_level);
        if found.len() >= missing {
            self.plans.push(Plan::Probe);
            found.sort_unstable();
            return Ok(found);
        }
        let mut from = start;
        let mut candidates = Vec::new();
        loop {
            let more = self.read_more(level, from, FETCHED)?;
            let is_last = more.len() < FETCHED;
            from = more.last().map(|last| last.at(level.rank()));
            candidates.extend(more);
            found = self.ranked(&candidates);
            found.retain(is_of_level);
            if is_last || found.len() >= missing + self.numbers.len() {
                return Ok(found);
            }
        }
    }

    /// The first candidates of a level and better ones behind a position, latest message first.
    fn read_more(&mut self, level: Level, from: Option<Position>, limit: usize) -> QueryResult<Vec<Candidate>> {
        let ranks = self.probe.iter().filter_map(|candidate| self.rank(candidate));
        let frequency = ranks.filter(|rank| *rank <= level.rank()).count();
        if frequency >= FREQUENT {
            let rows = PROBE_ROWS * (limit + limit / 2) as i64 / frequency as i64;
            let walked = self.walk(&self.patterns(level), from, rows, limit)?;
            if walked.len() == limit {
                self.plans.push(Plan::LongWalk);
                return Ok(walked);
            }
        }
        self.ask(level, from, limit)
    }

    /// Asks the index of grams for the first candidates of a level and better ones behind a position.
    fn ask(&mut self, level: Level, from: Option<Position>, limit: usize) -> QueryResult<Vec<Candidate>> {
        let words = self.query.words().iter();
        let alternatives = words.map(|word| word.grams(level, &self.containing));
        let alternatives = alternatives.zip(self.query.words()).collect();
        let patterns = self.patterns(level);
        self.ask_for(alternatives, &patterns, from, limit)
    }

    /// Asks the index of grams for the first contacts that have one alternative of each word and match its patterns.
    /// Walks all contacts if the index cannot find them.
    fn ask_for(
        &mut self,
        alternatives: Vec<(Option<Vec<Vec<Gram>>>, &QueryWord)>,
        patterns: &[Patterns],
        from: Option<Position>,
        limit: usize,
    ) -> QueryResult<Vec<Candidate>> {
        if alternatives
            .iter()
            .any(|(alternatives, _)| alternatives.as_ref().is_some_and(Vec::is_empty))
        {
            return Ok(Vec::new());
        }
        let length = |word: &QueryWord| word.typed().chars().count();
        let mut asked: Vec<_> = alternatives
            .into_iter()
            .filter_map(|(alternatives, word)| Some((length(word), alternatives?)))
            .collect();
        // The longest words are in the fewest contacts. Beside them, a word of two characters only costs time.
        asked.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        asked.truncate(ASKED_WORDS);
        if asked.first().is_some_and(|(length, _)| *length > 2) {
            asked.retain(|(length, _)| *length > 2);
        }
        if asked.is_empty() {
            self.plans.push(Plan::WholeWalk);
            return self.walk(patterns, from, i64::MAX, limit);
        }
        self.plans.push(Plan::Grams);
        let asked: Vec<Vec<Vec<Gram>>> = asked.into_iter().map(|(_, alternatives)| alternatives).collect();
        let (time, id) = start_of(from);
        Statement::built(statements::grams(patterns.len()))
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Nullable<Timestamptz>, _>(time)
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(tsquery::each(&asked))
            .bind::<BigInt, _>(to_i64(limit))
            .bind_arrays(arrays(patterns))
            .load(self.connection)
    }

    /// The first matches among so many contacts behind a position.
    fn walk(
        &mut self,
        patterns: &[Patterns],
        from: Option<Position>,
        rows: i64,
        limit: usize,
    ) -> QueryResult<Vec<Candidate>> {
        let (time, id) = start_of(from);
        Statement::built(statements::walk(patterns.len()))
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Nullable<Timestamptz>, _>(time)
            .bind::<SqlUuid, _>(id)
            .bind::<BigInt, _>(rows)
            .bind::<BigInt, _>(to_i64(limit))
            .bind_arrays(arrays(patterns))
            .load(self.connection)
    }

    fn patterns(&self, level: Level) -> Vec<Patterns> {
        self.query.words().iter().map(|word| word.patterns(level)).collect()
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

    /// Reads the words of the client that contain a word of the query.
    fn read_dictionary(&mut self) -> QueryResult<()> {
        let words = self.query.words().iter();
        let pieces: Vec<String> = words
            .filter_map(|word| word.contained_piece())
            .map(str::to_owned)
            .collect();
        let questions = pieces.iter().map(|piece| {
            let key = format!("{}s{piece}", self.key_prefix());
            (tsquery::key_start(&key), containing(piece))
        });
        let answers = self.ask_dictionary(questions.collect(), to_i64(ENOUGH_WORDS + 1))?;
        for (piece, words) in pieces.into_iter().zip(answers) {
            self.containing.insert(piece, words);
        }
        Ok(())
    }

    /// The words of the client that are similar to a piece of the query's words.
    fn read_similar_words(&mut self) -> QueryResult<Dictionary> {
        let pieces: Vec<_> = self
            .query
            .words()
            .iter()
            .flat_map(|word| word.similar_pieces())
            .collect();
        let prefix = self.key_prefix();
        let questions = pieces.iter().map(|piece| {
            let keys = piece.keys.iter().map(|key| format!("{prefix}d{key}"));
            (tsquery::any_key(keys), "%".to_owned())
        });
        let answers = self.ask_dictionary(questions.collect(), SIMILAR_MAX)?;
        let mut similar = Dictionary::default();
        for (piece, mut words) in pieces.into_iter().zip(answers) {
            words.retain(|word| differ_by_typing(&piece.piece, word).is_some());
            similar.insert(piece.piece, words);
        }
        Ok(similar)
    }

    /// The last character of the client's id, which its keys in the index of words begin with.
    fn key_prefix(&self) -> String {
        self.client.to_string().chars().last().into_iter().collect()
    }

    /// For each question, a tsquery of keys and a LIKE pattern, at most `limit` words.
    fn ask_dictionary(&mut self, questions: Vec<(String, String)>, limit: i64) -> QueryResult<Vec<Vec<String>>> {
        #[derive(QueryableByName)]
        struct WordRow {
            #[diesel(sql_type = BigInt)]
            question: i64,
            #[diesel(sql_type = Text)]
            word: String,
        }
        let mut answers = vec![Vec::new(); questions.len()];
        if questions.is_empty() {
            return Ok(answers);
        }
        let (keys, patterns): (Vec<String>, Vec<String>) = questions.into_iter().unzip();
        let rows: Vec<WordRow> = Statement::new(|| DICTIONARY)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Array<Text>, _>(keys)
            .bind::<Array<Text>, _>(patterns)
            .bind::<BigInt, _>(limit)
            .load(self.connection)?;
        for WordRow { question, word } in rows {
            if let Some(answer) = usize::try_from(question - 1).ok().and_then(|at| answers.get_mut(at)) {
                answer.push(word);
            }
        }
        Ok(answers)
    }

    /// The positions of the contacts that match only with typing errors: those with the latest messages, at most
    /// [`RANKED_MAX`].
    fn read_similar(&mut self) -> QueryResult<Vec<Position>> {
        let pieces = self.query.words().iter().any(|word| !word.similar_pieces().is_empty());
        if !pieces {
            return Ok(Vec::new());
        }
        let candidates = if self.is_small {
            let all = Patterns {
                name_words: vec!["%".to_owned()],
                email_lower: vec!["%".to_owned()],
                phone: vec!["%".to_owned()],
            };
            self.walk(&[all], None, i64::MAX, usize::MAX)?
        } else {
            self.find_similar()?
        };
        let mut seen = HashSet::new();
        let candidates = candidates
            .iter()
            .chain(&self.numbers)
            .filter(|candidate| seen.insert(candidate.id));
        let mut similar: Vec<Position> = candidates
            .filter_map(|candidate| {
                let is_equivalent = |word| self.is_equivalent(candidate.id, word);
                let rank = self.query.similar_rank(&candidate.texts(), is_equivalent)?;
                (rank > SIMILAR_RANK).then(|| candidate.at(rank))
            })
            .collect();
        similar.sort_unstable_by_key(|position| Position { rank: 0, ..*position });
        similar.truncate(RANKED_MAX);
        Ok(similar)
    }

    /// Candidates for [`Self::read_similar`] of a large client.
    fn find_similar(&mut self) -> QueryResult<Vec<Candidate>> {
        let similar = self.read_similar_words()?;
        let mut patterns = self.patterns(Level::Contains);
        let mut alternatives = Vec::new();
        for (word, patterns) in self.query.words().iter().zip(&mut patterns) {
            let (grams, words) = word.similar_grams(&similar);
            patterns.add_words(&words);
            let contained = word.grams(Level::Contains, &self.containing);
            alternatives.push((
                contained.map(|contained| contained.into_iter().chain(grams).collect()),
                word,
            ));
        }
        let probe = self.walk(&patterns, None, PROBE_ROWS, RANKED_MAX)?;
        if probe.len() >= FREQUENT {
            let rows = PROBE_ROWS * (RANKED_MAX + RANKED_MAX / 2) as i64 / to_i64(probe.len());
            let walked = self.walk(&patterns, None, rows, RANKED_MAX)?;
            if walked.len() == RANKED_MAX {
                self.plans.push(Plan::LongWalk);
                return Ok(walked);
            }
        }
        self.ask_for(alternatives, &patterns, None, RANKED_MAX)
    }

    /// Reads the contacts of a page, in their order. A contact that was deleted a moment ago is left out.
    fn read_page(&mut self, found: &[Position]) -> QueryResult<Vec<FoundContact>> {
        #[derive(QueryableByName)]
        struct PageRow {
            #[diesel(embed)]
            contact: ContactRow,
            #[diesel(sql_type = Nullable<Text>)]
            external_user_id: Option<String>,
            #[diesel(sql_type = Nullable<Timestamptz>)]
            last_inbound_at: Option<DateTime<Utc>>,
            #[diesel(sql_type = Nullable<Timestamptz>)]
            last_window_inbound_at: Option<DateTime<Utc>>,
            #[diesel(sql_type = Timestamptz)]
            now: DateTime<Utc>,
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = found.iter().map(|position| position.id).collect();
        let rows: Vec<PageRow> = Statement::new(|| CONTACTS)
            .bind::<Text, _>(window::PLATFORM)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Array<SqlUuid>, _>(&ids)
            .load(self.connection)?;
        let mut rows: HashMap<Uuid, PageRow> = rows.into_iter().map(|row| (row.contact.id, row)).collect();
        let rows = ids.iter().filter_map(|id| rows.remove(id));
        Ok(rows
            .map(|row| FoundContact {
                equivalents: self.equivalents.get(&row.contact.id).cloned().unwrap_or_default(),
                row: row.contact,
                external_user_id: row.external_user_id,
                last_inbound_at: row.last_inbound_at,
                last_window_inbound_at: row.last_window_inbound_at,
                now: row.now,
            })
            .collect())
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

fn arrays(patterns: &[Patterns]) -> Vec<Vec<String>> {
    let arrays = patterns
        .iter()
        .flat_map(|of_word| [&of_word.name_words, &of_word.email_lower, &of_word.phone]);
    arrays.cloned().collect()
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
