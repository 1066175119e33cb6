//! The search: contacts whose phone or email contains a term, those with the latest message first.
//!
//! How a term is answered. Each part of the question (email, phone, whole number) yields the ids of its own
//! first [`LIMIT`] contacts; their union, sorted again, holds the first of all.
//!
//! 1. A **small client**, of up to [`SMALL_CLIENT`] contacts, is walked whole: its contacts are read newest first, on
//!    the index that has phone and email in it, once for both. That is faster than asking an index for a term.
//! 2. Of a **large client** the first [`PROBE_ROWS`] are walked. A frequent term has its fifty there. The newest
//!    contacts, down to a border, are in a small table once more (`store/newest_contacts.rs`): where messages come all the
//!    time these would else be the slowest to read. The walk goes from there to the index on the contacts.
//! 3. With [`PROBE_MATCHES`], but not fifty, the rest is not far: the **walk goes on** for as long as it should take, in
//!    the same statement, since a message that comes between two would move its contact from where the second looks to
//!    where the first has looked.
//! 4. Else the **grams** name the few contacts that have all pieces of the term (`domain/gram.rs`). They are asked for
//!    one period of 24 days after the other, the newest first, so that a term of which there are thousands ends after
//!    the first, and one of which there are few costs a short question for each.
//! 5. A term that has no piece to ask for (single characters of scripts whose lower case depends on what is around them)
//!    is walked to the end.
//!
//! Where 2 to 4 meet, at a few thousand matches among millions, each takes some milliseconds: the walk reads
//! 50 / frequency rows at 0.3 us, the grams read frequency x period's contacts at 1.3 us.
//!
//! The server decides and not the planner, because planning a search costs more than most searches take, and
//! a prepared statement's plan doesn't see the term. The planner's choice among indexes is taken from it: connections
//! have no sequential scans (`store/pool.rs`), and `OFFSET 0` keeps conditions apart that aren't meant for an index.
//! Whatever finds the candidates, LIKE on the email in lower case decides, which is what ILIKE does.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::contacts::ContactRow;
use super::statement::{Bind, Statement};
use super::{PgConnection, StoreError};
use crate::domain::client::ClientId;
use crate::domain::gram::Gram;
use crate::domain::term::{EmailTerm, PhoneTerm};

/// The most contacts that one search answers.
pub const LIMIT: usize = 50;

/// A client with up to so many contacts is walked whole: about a millisecond.
const SMALL_CLIENT: i64 = 4_000;

/// Rows of a large client that every search walks first.
const PROBE_ROWS: i64 = 1_000;

/// With so many matches in the probe, walking on is faster than the grams of the newest period. Fewer may be chance.
const PROBE_MATCHES: i64 = 4;

/// Rows that are walked in all, multiplied by the probe's matches: within, fifty matches are found unless the probe met
/// half as many again as are usual.
const WALK_ROWS: i64 = 75 * PROBE_ROWS;

/// What is known of a match before its row is read: enough to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
struct Match {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_message_at: Option<DateTime<Utc>>,
}

impl Match {
    /// The latest message first, contacts without one last, then the id.
    fn rank(&self) -> (std::cmp::Reverse<Option<DateTime<Utc>>>, Uuid) {
        (std::cmp::Reverse(self.last_message_at), self.id)
    }
}

impl Ord for Match {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Match {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(QueryableByName)]
struct Walked {
    #[diesel(embed)]
    found: Match,
    /// Whether it lies behind the rows that are walked first.
    #[diesel(sql_type = Bool)]
    is_further: bool,
}

/// The statements that look for one column's term; the texts differ in the column alone.
trait Column: 'static {
    /// All of a client's contacts. Binds: client, pattern.
    const WHOLE_WALK: &str;
    /// The newest contacts, and those after them where the first say so. Binds: client, pattern, four times the rows to
    /// walk first, the fewest matches with which to walk on, rows to walk in all times matches, rows walked first.
    ///
    /// It walks on from the last match, whose place it knows, and not from the last row. Where that match has no
    /// messages, all that have some are behind, and of those without the first are met again.
    const WALK: &str;
    /// Binds: client, client, grams, client, client, pattern. The periods come in their order and contacts without
    /// messages last; as soon as there are fifty, the rest is left unread.
    const GRAMS: &str;
}

/// The first `rows` of a client's contacts whose last message came at `until` or before, and of those without messages,
/// which come last. They are read from three places, one after the other, and no further than needed: PostgreSQL reads
/// the parts of a UNION ALL in their order, which the property test and `tests/data/plans.txt` hold. To merge them would
/// cost a third more.
macro_rules! newest_first {
    ($name:literal, until: $until:literal, rows: $rows:literal) => {
        concat!(
            "(SELECT id, last_message_at, ",
            $name,
            "
              FROM contacts_newest
              WHERE client_id = (SELECT client FROM asked)
                    AND last_message_at >= (SELECT border FROM asked) AND last_message_at <= ",
            $until,
            "
              ORDER BY last_message_at DESC NULLS LAST, id LIMIT ",
            $rows,
            ")
             UNION ALL
             (SELECT id, last_message_at, ",
            $name,
            "
              FROM contacts
              WHERE client_id = (SELECT client FROM asked)
                    AND last_message_at < (SELECT border FROM asked) AND last_message_at <= ",
            $until,
            "
              ORDER BY last_message_at DESC NULLS LAST, id LIMIT ",
            $rows,
            ")
             UNION ALL
             (SELECT id, last_message_at, ",
            $name,
            "
              FROM contacts
              WHERE client_id = (SELECT client FROM asked) AND last_message_at IS NULL
              ORDER BY last_message_at DESC NULLS LAST, id LIMIT ",
            $rows,
            ")
             LIMIT ",
            $rows
        )
    };
}

macro_rules! column {
    ($column:ident: $name:literal LIKE $pattern:literal) => {
        impl Column for $column {
            const WHOLE_WALK: &str = concat!(
                "SELECT id, last_message_at
                 FROM (SELECT id, last_message_at, ",
                $name,
                " FROM contacts WHERE client_id = ?
                       ORDER BY last_message_at DESC NULLS LAST, id OFFSET 0) AS recent
                 WHERE ",
                $name,
                " LIKE ",
                $pattern,
                "
                 LIMIT 50"
            );
            const WALK: &str = concat!(
                "WITH asked AS MATERIALIZED (
                     SELECT ?::uuid AS client, ",
                $pattern,
                " AS pattern,
                            coalesce((SELECT since FROM contacts_newest_border), 'infinity') AS border),
                 probe AS MATERIALIZED (
                     SELECT id, last_message_at
                     FROM (",
                newest_first!($name, until: "'infinity'", rows: "?"),
                ") AS newest
                     WHERE ",
                $name,
                " LIKE (SELECT pattern FROM asked)
                     LIMIT 50),
                 probed AS MATERIALIZED (
                     SELECT CASE WHEN bool_and(last_message_at IS NOT NULL) THEN min(last_message_at) END AS until,
                            50 - count(*) AS missing,
                            CASE WHEN count(*) BETWEEN ? AND 49 THEN ? / count(*) - ? ELSE 0 END AS further
                     FROM probe)
                 SELECT id, last_message_at, false AS is_further FROM probe
                 UNION ALL
                 (SELECT id, last_message_at, true
                  FROM (",
                newest_first!(
                    $name, until: "(SELECT until FROM probed)", rows: "(SELECT further FROM probed)"
                ),
                ") AS further
                  WHERE ",
                $name,
                " LIKE (SELECT pattern FROM asked) AND id NOT IN (SELECT id FROM probe)
                  LIMIT (SELECT missing FROM probed))"
            );
            const GRAMS: &str = concat!(
                "SELECT found.id, found.last_message_at
                 FROM (SELECT contact_period((SELECT last_message_at FROM contacts
                                              WHERE client_id = ? AND last_message_at IS NOT NULL
                                              ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1)) AS newest,
                              contact_period((SELECT last_message_at FROM contacts
                                              WHERE client_id = ? AND last_message_at IS NOT NULL
                                              ORDER BY last_message_at ASC NULLS FIRST, id DESC LIMIT 1)) AS oldest
                      ) AS span
                 CROSS JOIN LATERAL
                     (SELECT generate_series(newest, oldest, -1) AS period UNION ALL SELECT NULL) AS periods
                 CROSS JOIN LATERAL (
                     SELECT id, last_message_at
                     FROM (SELECT client_id, id, last_message_at, ",
                $name,
                " FROM contact_texts
                           WHERE contact_grams(gram_prefix, phone, email_lower)
                                 @@ replace(lower(?), E'\\x01', contact_gram_prefix(?, period))::tsquery
                           OFFSET 0) AS candidates
                     WHERE client_id = ? AND ",
                $name,
                " LIKE ",
                $pattern,
                "
                     ORDER BY last_message_at DESC NULLS LAST, id
                     LIMIT 50) AS found
                 LIMIT 50"
            );
        }
    };
}

struct Email;
struct Phone;

// The term is lowered once, not for each row.
column!(Email: "email_lower" LIKE "(SELECT lower(?))");
column!(Phone: "phone" LIKE "?::text");

/// Both columns at once, for small clients. Binds: client, pattern of the email, pattern of the phone.
const EITHER: &str = "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at, phone, email_lower FROM contacts WHERE client_id = ?
          ORDER BY last_message_at DESC NULLS LAST, id OFFSET 0) AS recent
    WHERE email_lower LIKE (SELECT lower(?)) OR phone LIKE ?
    LIMIT 50";

const WHOLE_NUMBER: &str = "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at FROM contacts WHERE client_id = ? AND phone_key = ANY(?) OFFSET 0) AS matching
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 50";

/// Stops counting at the limit it is given. The order is that of the walk, so that the same index is read.
const COUNT: &str = "
    SELECT count(*) AS count
    FROM (SELECT FROM contacts WHERE client_id = ? ORDER BY last_message_at DESC NULLS LAST, id LIMIT ?) AS recent";

const CONTACTS: &str = "
    SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
           default_stage_id, blocked, is_chat_read
    FROM contacts
    WHERE client_id = ? AND id = ANY(?)
    ORDER BY last_message_at DESC NULLS LAST, id";

/// Every statement that a search may ask, by its name: for tests of the plans. `?` stands for each value.
pub fn statements() -> [(&'static str, &'static str); 10] {
    [
        ("email, whole walk", Email::WHOLE_WALK),
        ("email, walk", Email::WALK),
        ("email, grams", Email::GRAMS),
        ("phone, whole walk", Phone::WHOLE_WALK),
        ("phone, walk", Phone::WALK),
        ("phone, grams", Phone::GRAMS),
        ("either, walk", EITHER),
        ("whole number", WHOLE_NUMBER),
        ("size of a client", COUNT),
        ("contacts", CONTACTS),
    ]
}

/// Which clients are small, as far as it is known. What it says decides how a search goes about it, never what it finds.
#[derive(Debug, Default)]
pub struct ClientSizes(RwLock<HashMap<Uuid, Size>>);

#[derive(Clone, Copy, Debug)]
struct Size {
    is_small: bool,
    counted_at: Instant,
}

/// How long a client counts as small, or as large, before it is counted again.
const COUNTED_FOR: Duration = Duration::from_secs(60);

impl ClientSizes {
    fn is_small(&self, client: ClientId) -> Option<bool> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let size = known.get(&client.as_uuid())?;
        (size.counted_at.elapsed() < COUNTED_FOR).then_some(size.is_small)
    }

    fn set(&self, client: ClientId, is_small: bool) {
        let counted_at = Instant::now();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(client.as_uuid(), Size { is_small, counted_at });
    }
}

/// Which of the ways in this module's documentation answered a part of a search.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Plan {
    /// A small client, or a term without grams: all of it was walked.
    WholeWalk,
    /// The first rows had enough.
    Probe,
    /// So had those after them.
    LongWalk,
    /// The grams named the candidates.
    Grams,
    /// The match key named them.
    WholeNumber,
}

/// What a search has found, and how.
#[derive(Debug)]
pub struct Found {
    pub contacts: Vec<ContactRow>,
    /// One for each part of the question.
    pub plans: Vec<Plan>,
}

/// The first [`LIMIT`] of the client's contacts that match either term, latest message first, contacts
/// without messages last, then by id. Without a term: none.
pub fn search_contacts(
    connection: &mut PgConnection,
    sizes: &ClientSizes,
    client: ClientId,
    phone: Option<&PhoneTerm>,
    email: Option<&EmailTerm>,
) -> Result<Found, StoreError> {
    let mut search = Search {
        connection,
        sizes,
        client,
        plans: Vec::new(),
    };
    let mut matches = Vec::new();
    match (email, phone) {
        (Some(email), Some(phone)) if search.is_small()? => {
            matches.extend(search.walk_for_either(&email.pattern(), &phone.pattern())?);
        }
        _ => {
            if let Some(email) = email {
                matches.extend(search.find::<Email>(&email.pattern(), &email.grams())?);
            }
            if let Some(phone) = phone {
                matches.extend(search.find::<Phone>(&phone.pattern(), &phone.grams())?);
            }
        }
    }
    if let Some(keys) = phone.map(PhoneTerm::keys).filter(|keys| !keys.is_empty()) {
        matches.extend(search.find_whole_number(keys)?);
    }
    let contacts = if matches.is_empty() {
        Vec::new()
    } else {
        // A message may have come between the parts: then one contact has two times.
        let mut seen = HashSet::new();
        matches.sort_unstable();
        matches.retain(|found| seen.insert(found.id));
        let ids = matches.into_iter().take(LIMIT).map(|found| found.id).collect();
        let binds = vec![Bind::Uuid(client.as_uuid()), Bind::Uuids(ids)];
        Statement::new(|| CONTACTS, binds).load(search.connection)?
    };
    Ok(Found {
        contacts,
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
    /// The first matches of one column's term, in order; the module's documentation says how.
    fn find<C: Column>(&mut self, pattern: &str, grams: &[Gram]) -> QueryResult<Vec<Match>> {
        if self.is_small()? || grams.is_empty() {
            self.plans.push(Plan::WholeWalk);
            return self.walk_all::<C>(pattern);
        }
        let walked = self.walk::<C>(pattern)?;
        if walked.len() < LIMIT {
            self.plans.push(Plan::Grams);
            return self.ask_grams::<C>(pattern, grams);
        }
        let is_further = walked.iter().any(|row| row.is_further);
        self.plans.push(if is_further { Plan::LongWalk } else { Plan::Probe });
        Ok(walked.into_iter().map(|row| row.found).collect())
    }

    /// The first matches among all of the client's contacts.
    fn walk_all<C: Column>(&mut self, pattern: &str) -> QueryResult<Vec<Match>> {
        let binds = vec![self.client(), Bind::Text(pattern.to_owned())];
        Statement::new(|| C::WHOLE_WALK, binds).load(self.connection)
    }

    /// The first matches among as many of the client's newest contacts as are worth it: fewer than [`LIMIT`] need not be
    /// all that it has.
    fn walk<C: Column>(&mut self, pattern: &str) -> QueryResult<Vec<Walked>> {
        let rows = || Bind::BigInt(PROBE_ROWS);
        let binds = vec![
            self.client(),
            Bind::Text(pattern.to_owned()),
            rows(),
            rows(),
            rows(),
            rows(),
            Bind::BigInt(PROBE_MATCHES),
            Bind::BigInt(WALK_ROWS),
            rows(),
        ];
        Statement::new(|| C::WALK, binds).load(self.connection)
    }

    /// The first matches of either term among all of the client's contacts.
    fn walk_for_either(&mut self, email: &str, phone: &str) -> QueryResult<Vec<Match>> {
        self.plans.push(Plan::WholeWalk);
        let binds = vec![
            self.client(),
            Bind::Text(email.to_owned()),
            Bind::Text(phone.to_owned()),
        ];
        Statement::new(|| EITHER, binds).load(self.connection)
    }

    fn is_small(&mut self) -> QueryResult<bool> {
        if let Some(is_small) = self.sizes.is_small(self.client) {
            return Ok(is_small);
        }
        let binds = vec![self.client(), Bind::BigInt(SMALL_CLIENT + 1)];
        let row: Count = Statement::new(|| COUNT, binds).get_result(self.connection)?;
        let is_small = row.count <= SMALL_CLIENT;
        self.sizes.set(self.client, is_small);
        Ok(is_small)
    }

    fn ask_grams<C: Column>(&mut self, pattern: &str, grams: &[Gram]) -> QueryResult<Vec<Match>> {
        let client = || self.client();
        let grams = Bind::Text(tsquery(grams));
        let pattern = Bind::Text(pattern.to_owned());
        let binds = vec![client(), client(), grams, client(), client(), pattern];
        Statement::new(|| C::GRAMS, binds).load(self.connection)
    }

    fn find_whole_number(&mut self, keys: &[String]) -> QueryResult<Vec<Match>> {
        self.plans.push(Plan::WholeNumber);
        let binds = vec![self.client(), Bind::Texts(keys.to_vec())];
        Statement::new(|| WHOLE_NUMBER, binds).load(self.connection)
    }

    fn client(&self) -> Bind {
        Bind::Uuid(self.client.as_uuid())
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The grams as PostgreSQL's text search asks for all of them, each with a \x01 where its client and period are put.
fn tsquery(grams: &[Gram]) -> String {
    let words = grams.iter().map(|gram| {
        let (kind, text, is_start) = match gram {
            Gram::Email(text) => ('e', text, false),
            Gram::EmailStart(text) => ('e', text, true),
            Gram::Phone(text) => ('p', text, false),
            Gram::PhoneStart(text) => ('p', text, true),
            Gram::Run(text) => ('r', text, false),
        };
        let text = text.replace('\\', r"\\").replace('\'', "''");
        format!("'\u{1}{kind}{text}'{}", if is_start { ":*" } else { "" })
    });
    words.collect::<Vec<_>>().join(" & ")
}
