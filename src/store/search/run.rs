//! Runs a search and chooses the plan of each part.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};

use super::client_sizes::ClientSizes;
use super::matches::{Match, WalkedMatch};
use super::statements::{
    CONTACTS, EITHER_WALK, EmailColumn, PhoneColumn, PhoneColumnOfSeveral, TermColumn, WHOLE_EMAIL, WHOLE_NUMBER,
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

/// Rows of a large client that every search walks first: the probe.
const PROBE_ROWS: i64 = 1_000;

/// With this many matches in the probe, the long walk is faster than the grams of the newest
/// period. Fewer matches may be chance.
const PROBE_MATCHES: i64 = 4;

/// The walk ends after `WALK_ROWS` / (number of matches in the probe) rows. At the probe's frequency, these rows have
/// 75 matches. So the walk finds 51 matches even if matches are nearly a third less frequent in these rows than in
/// the probe.
const WALK_ROWS: i64 = 75 * PROBE_ROWS;

/// The plan of a part of a search; the documentation of `store::search` describes them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Plan {
    /// All contacts were read, for a small client or a term without grams.
    WholeWalk,
    /// The first rows had enough matches.
    Probe,
    /// The rows behind the probe had enough matches.
    LongWalk,
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
    sizes: &ClientSizes,
    client: ClientId,
    phone: Option<&PhoneTerm>,
    email: Option<&EmailTerm>,
    limit: usize,
) -> Result<SearchResult, StoreError> {
    let limit = limit.min(LIMIT);
    let mut search = Search {
        connection,
        sizes,
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
    exact.sort_unstable();
    matches.sort_unstable();
    let mut seen = HashSet::new();
    let ids = exact.into_iter().chain(matches).map(|found| found.id);
    let mut ids: Vec<uuid::Uuid> = ids.filter(|id| seen.insert(*id)).collect();
    // A part that found fewer than `FETCHED` matches has found all. So more than `limit` ids are found if and only if
    // the client has more than `limit` matches.
    let has_more = ids.len() > limit;
    ids.truncate(limit);
    let contacts = if ids.is_empty() {
        Vec::new()
    } else {
        Statement::new(|| CONTACTS)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<Array<SqlUuid>, _>(ids)
            .load(search.connection)?
    };
    Ok(SearchResult {
        contacts,
        has_more,
        plans: search.plans,
    })
}

struct Search<'a> {
    connection: &'a mut PgConnection,
    sizes: &'a ClientSizes,
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
    ) -> QueryResult<(Vec<Match>, Option<&'t EmailReading>)> {
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
            Some(phone) if found.0.is_empty() && self.sizes.is_small(self.connection, self.client)? => {
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

    fn find_email(&mut self, email: &EmailReading) -> QueryResult<Vec<Match>> {
        self.find::<EmailColumn>(&email.pattern(), &email.grams())
    }

    fn find_phone(&mut self, phone: &PhoneTerm) -> QueryResult<Vec<Match>> {
        match &*phone.patterns() {
            [pattern] => self.find::<PhoneColumn>(pattern, &phone.grams()),
            patterns => self.find::<PhoneColumnOfSeveral>(&text_array(patterns), &phone.grams()),
        }
    }

    /// The first matches of one column's term, in order. `grams` has a list for each pattern of the term.
    fn find<C: TermColumn>(&mut self, pattern: &str, grams: &[Vec<Gram>]) -> QueryResult<Vec<Match>> {
        if self.sizes.is_small(self.connection, self.client)? || grams.is_empty() {
            self.plans.push(Plan::WholeWalk);
            return self.walk_all::<C>(pattern);
        }
        let walked = self.walk::<C>(pattern)?;
        if walked.len() < FETCHED {
            self.plans.push(Plan::Grams);
            return self.ask_grams::<C>(pattern, grams);
        }
        let is_further = walked.iter().any(|row| row.is_further);
        self.plans.push(if is_further { Plan::LongWalk } else { Plan::Probe });
        Ok(walked.into_iter().map(|row| row.found).collect())
    }

    /// The first matches among all of the client's contacts.
    fn walk_all<C: TermColumn>(&mut self, pattern: &str) -> QueryResult<Vec<Match>> {
        Statement::new(|| C::whole_walk())
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(pattern)
            .load(self.connection)
    }

    /// The first matches among the client's newest contacts. If it returns fewer than [`FETCHED`],
    /// the client may have more.
    fn walk<C: TermColumn>(&mut self, pattern: &str) -> QueryResult<Vec<WalkedMatch>> {
        Statement::new(|| C::walk())
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(pattern)
            .bind::<BigInt, _>(PROBE_ROWS)
            .bind::<BigInt, _>(PROBE_MATCHES)
            .bind::<BigInt, _>(WALK_ROWS)
            .load(self.connection)
    }

    /// The first matches of either term among all of the client's contacts.
    fn walk_for_either(&mut self, email: &EmailReading, phone: &PhoneTerm) -> QueryResult<Vec<Match>> {
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

    fn ask_grams<C: TermColumn>(&mut self, pattern: &str, grams: &[Vec<Gram>]) -> QueryResult<Vec<Match>> {
        Statement::new(|| C::grams())
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Text, _>(tsquery::any(grams))
            .bind::<Text, _>(pattern)
            .load(self.connection)
    }

    fn find_whole_number(&mut self, keys: &[String]) -> QueryResult<Vec<Match>> {
        Statement::new(|| WHOLE_NUMBER)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Array<Text>, _>(keys)
            .load(self.connection)
    }

    fn find_whole_email(&mut self, email: &EmailReading) -> QueryResult<Vec<Match>> {
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
