//! Runs a search and chooses the plan of each part.

use std::cmp::Reverse;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::client_statistics::{ClientStatistics, SAMPLE_ROWS};
use super::newest_sample::count_lines;
use super::statements::{
    EITHER_WALK, EmailColumn, PhoneColumn, PhoneColumnOfSeveral, TermColumn, WHOLE_EMAIL, WHOLE_NUMBER,
    either_walk_of_several,
};
use crate::domain::client::ClientId;
use crate::domain::gram::Gram;
use crate::domain::term::{EmailReading, EmailTerm, PhoneTerm};
use crate::store::contacts::row::ContactRow;
use crate::store::error::StoreError;
use crate::store::statement::Statement;
use crate::store::tsquery;

/// The most contacts that one search returns.
pub const LIMIT: usize = 50;

/// The most matches of one part of a search: one more than an answer can have, which shows whether there are more. The
/// statements have the number as a literal, because a plan for an unknown LIMIT expects a tenth of all rows.
const FETCHED: usize = LIMIT + 1;

/// With this many matches in the sample, a walk is faster than the index of grams. This is a match in one of a hundred
/// contacts.
const WALK_MATCHES: usize = 5;

/// The walk ends after the rows that have this many matches at the frequency of the sample. A sample has few matches, and
/// often 14 where 10 are usual. So the walk finds 51 matches even if they are half as frequent in these rows as in the
/// sample.
const EXPECTED_MATCHES: usize = 2 * FETCHED;

/// The plan of a part of a search; the documentation of `store::search` describes them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Plan {
    /// All contacts were read, for a small client or a term without grams.
    WholeWalk,
    /// The newest contacts had enough matches.
    Walk,
    /// The index of grams found the candidates.
    Grams,
    /// The index of match keys found the contacts.
    WholeNumber,
}

/// The contacts of a search, and its plans.
#[derive(Debug)]
pub struct SearchResult {
    pub contacts: Vec<ContactRow>,
    /// Whether more contacts match.
    pub has_more: bool,
    /// One plan for each part of the search.
    pub plans: Vec<Plan>,
}

/// At most `limit` of the client's contacts that match either term, and never more than [`LIMIT`]: latest message
/// first, contacts without messages last, then by id. If more contacts match, contacts whose whole email or number is
/// the term are chosen before newer ones that only contain it. Empty without a term.
///
/// # Errors
/// [`StoreError`]
pub fn search_contacts(
    connection: &mut PgConnection,
    statistics: &ClientStatistics,
    client: ClientId,
    phone: Option<&PhoneTerm>,
    email: Option<&EmailTerm>,
    limit: usize,
) -> Result<SearchResult, StoreError> {
    let limit = limit.min(LIMIT);
    let mut search = Search {
        connection,
        statistics,
        client,
        plans: Vec::new(),
    };
    let (mut matches, email) = search.find_either(phone, email)?;
    let mut exact = Vec::new();
    let (number, piece) = (
        phone.filter(|phone| phone.is_number()),
        phone.filter(|phone| !phone.is_number()),
    );
    if let Some(number) = number {
        search.plans.push(Plan::WholeNumber);
        exact = search.find_whole_number(number.keys())?;
    }
    // With at most `limit` matches, the client has no other ones, and the answer leaves none of them out.
    if matches.len() + exact.len() > limit {
        if let Some(piece) = piece {
            exact.extend(search.find_whole_number(piece.keys())?);
        }
        if let Some(email) = email.filter(|email| email.is_email()) {
            exact.extend(search.find_whole_email(email)?);
        }
    }
    // The exact matches come first. If a message arrives between two parts, one contact has two matches with different
    // times. So this removes duplicates by id.
    exact.sort_by_key(rank);
    matches.sort_by_key(rank);
    let mut seen = HashSet::new();
    let all = exact.into_iter().chain(matches);
    let mut contacts: Vec<ContactRow> = all.filter(|contact| seen.insert(contact.id)).collect();
    // A part that found fewer than `FETCHED` matches has found all. So more than `limit` contacts are found if and only
    // if the client has more than `limit` matches.
    let has_more = contacts.len() > limit;
    contacts.truncate(limit);
    contacts.sort_by_key(rank);
    Ok(SearchResult {
        contacts,
        has_more,
        plans: search.plans,
    })
}

/// Sorts by the latest message, contacts without messages last, then by the id.
fn rank(contact: &ContactRow) -> (Reverse<Option<DateTime<Utc>>>, Uuid) {
    (Reverse(contact.last_message_at), contact.id)
}

struct Search<'a> {
    connection: &'a mut PgConnection,
    statistics: &'a ClientStatistics,
    client: ClientId,
    plans: Vec<Plan>,
}

impl Search<'_> {
    /// The first matches of the email and those of the phone, and the reading of the email that found the email's
    /// matches. Returns the last reading if no reading found any.
    fn find_either<'t>(
        &mut self,
        phone: Option<&PhoneTerm>,
        email: Option<&'t EmailTerm>,
    ) -> QueryResult<(Vec<ContactRow>, Option<&'t EmailReading>)> {
        let Some((last, earlier)) = email.and_then(|email| email.readings().split_last()) else {
            let matches = phone.map(|phone| self.find_phone(phone)).transpose()?;
            return Ok((matches.unwrap_or_default(), None));
        };
        let mut found = (Vec::new(), last);
        for reading in earlier {
            found = (self.find_email(reading)?, reading);
            if !found.0.is_empty() {
                break;
            }
        }
        match phone {
            Some(phone) if found.0.is_empty() && self.statistics.is_small(self.connection, self.client)? => {
                let matches = self.walk_for_either(last, phone)?;
                Ok((matches, Some(last)))
            }
            _ => {
                if found.0.is_empty() {
                    found = (self.find_email(last)?, last);
                }
                let (mut matches, reading) = found;
                if let Some(phone) = phone {
                    matches.extend(self.find_phone(phone)?);
                }
                Ok((matches, Some(reading)))
            }
        }
    }

    fn find_email(&mut self, email: &EmailReading) -> QueryResult<Vec<ContactRow>> {
        let pieces = [email.text().to_lowercase()];
        self.find::<EmailColumn>(&email.pattern(), &pieces, |emails| {
            email.grams(|piece| count_lines(emails, piece))
        })
    }

    fn find_phone(&mut self, phone: &PhoneTerm) -> QueryResult<Vec<ContactRow>> {
        match &*phone.patterns() {
            [pattern] => self.find::<PhoneColumn>(pattern, phone.pieces(), |_| phone.grams()),
            patterns => self.find::<PhoneColumnOfSeveral>(&text_array(patterns), phone.pieces(), |_| phone.grams()),
        }
    }

    /// The first matches of one column's term. The term matches a contact that contains one of `pieces`. `grams` gets
    /// the column's values in the sample, and returns lists of grams. A contact that matches has all grams of one of
    /// them.
    fn find<C: TermColumn>(
        &mut self,
        pattern: &str,
        pieces: &[String],
        grams: impl FnOnce(&str) -> Vec<Vec<Gram>>,
    ) -> QueryResult<Vec<ContactRow>> {
        if self.statistics.is_small(self.connection, self.client)? {
            self.plans.push(Plan::WholeWalk);
            return self.walk_all::<C>(pattern);
        }
        let sample = self.statistics.newest_sample(self.connection, self.client)?;
        let lines = C::lines(&sample);
        let frequency: usize = pieces.iter().map(|piece| count_lines(lines, piece)).sum();
        if frequency >= WALK_MATCHES {
            let walked = self.walk::<C>(pattern, EXPECTED_MATCHES * SAMPLE_ROWS / frequency)?;
            if walked.len() == FETCHED {
                self.plans.push(Plan::Walk);
                return Ok(walked);
            }
        }
        let grams = grams(lines);
        if grams.is_empty() {
            self.plans.push(Plan::WholeWalk);
            return self.walk_all::<C>(pattern);
        }
        self.plans.push(Plan::Grams);
        self.ask_grams::<C>(pattern, &grams)
    }

    /// The first matches among all of the client's contacts.
    fn walk_all<C: TermColumn>(&mut self, pattern: &str) -> QueryResult<Vec<ContactRow>> {
        Statement::new(|| C::whole_walk())
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(pattern)
            .load(self.connection)
    }

    /// The first matches among this number of the client's newest contacts. If it returns fewer than [`FETCHED`], the
    /// client may have more.
    fn walk<C: TermColumn>(&mut self, pattern: &str, rows: usize) -> QueryResult<Vec<ContactRow>> {
        Statement::new(|| C::walk())
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(pattern)
            .bind::<BigInt, _>(rows as i64)
            .load(self.connection)
    }

    /// The first matches of either term among all of the client's contacts.
    fn walk_for_either(&mut self, email: &EmailReading, phone: &PhoneTerm) -> QueryResult<Vec<ContactRow>> {
        self.plans.push(Plan::WholeWalk);
        match &*phone.patterns() {
            [pattern] => Statement::new(|| EITHER_WALK)
                .bind::<SqlUuid, _>(self.client.as_uuid())
                .bind::<Text, _>(email.pattern())
                .bind::<Text, _>(pattern)
                .load(self.connection),
            patterns => Statement::new(either_walk_of_several)
                .bind::<SqlUuid, _>(self.client.as_uuid())
                .bind::<Text, _>(email.pattern())
                .bind::<Text, _>(text_array(patterns))
                .load(self.connection),
        }
    }

    fn ask_grams<C: TermColumn>(&mut self, pattern: &str, grams: &[Vec<Gram>]) -> QueryResult<Vec<ContactRow>> {
        Statement::new(|| C::grams())
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(tsquery::any(grams))
            .bind::<Text, _>(pattern)
            .load(self.connection)
    }

    fn find_whole_number(&mut self, keys: &[String]) -> QueryResult<Vec<ContactRow>> {
        Statement::new(|| WHOLE_NUMBER)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Array<Text>, _>(keys)
            .load(self.connection)
    }

    fn find_whole_email(&mut self, email: &EmailReading) -> QueryResult<Vec<ContactRow>> {
        Statement::new(|| WHOLE_EMAIL)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(email.text())
            .load(self.connection)
    }
}

/// Patterns of digits as a text array in PostgreSQL's notation. Digits and `%` need no quotes.
fn text_array(patterns: &[String]) -> String {
    format!("{{{}}}", patterns.join(","))
}
