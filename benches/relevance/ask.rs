//! Asks the server, and finds the place of the wanted contact among its answers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use contact_search::domain::client::ClientId;
use contact_search::store::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid};
use serde_json::Value;

use crate::client::{Connection, Expected, Request};
use crate::pairs::{Contact, Contacts, Pair};

/// A query counts if at most so many contacts are equally good answers.
pub const MOST_GOOD: usize = 5;

/// All contacts of the client, in the order in which they were made.
pub fn read_contacts(connection: &mut PgConnection, client: ClientId) -> anyhow::Result<Vec<Contact>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Nullable<Text>)]
        name: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        phone: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        email: Option<String>,
    }
    let rows = diesel::sql_query(
        "SELECT id::text AS id, name, phone, email FROM contacts WHERE client_id = $1 ORDER BY serial_id",
    )
    .bind::<Uuid, _>(client.as_uuid())
    .load::<Row>(connection)?;
    let contact = |row: Row| Contact {
        id: row.id,
        name: row.name,
        phone: row.phone,
        email: row.email,
    };
    Ok(rows.into_iter().map(contact).collect())
}

/// A pair, and the server's answer to its query.
pub struct Outcome {
    pub pair: Pair,
    /// The number of equally good contacts, with the wanted one.
    pub good: usize,
    /// The place of the wanted contact on the first page, from 1.
    pub place: Option<usize>,
    /// Whether every contact before the wanted one is an equally good answer.
    pub is_first: bool,
    /// The first answer: the contact's fields, and why it matched.
    pub first: Option<String>,
    /// The time until the answer was received.
    pub took: Duration,
    /// The status was 503 (no capacity) or 504 (deadline passed).
    pub is_refused: bool,
}

impl Outcome {
    pub fn counts(&self) -> bool {
        self.good <= MOST_GOOD
    }

    /// Whether the wanted contact is among the first five.
    pub fn is_in_five(&self) -> bool {
        self.place.is_some_and(|place| place <= 5)
    }
}

/// Sends every query, one after the other.
pub fn ask_all(address: &str, key: &str, contacts: &Contacts, pairs: Vec<Pair>) -> anyhow::Result<Vec<Outcome>> {
    let places: HashMap<&str, usize> = contacts.iter().map(|contact| &*contact.id).zip(0..).collect();
    let mut connection = Connection::open(address)?;
    let mut outcomes = Vec::new();
    for pair in pairs {
        let good = pair.answer.find(contacts);
        ensure!(
            good.binary_search(&pair.wanted).is_ok(),
            "the contact that the query {} was made from is no good answer",
            pair.query
        );
        let request = Request::get(key, "/api/v1/search", &[("q", &pair.query)], Expected::Any);
        let start = Instant::now();
        let (status, body) = connection.fetch(&request)?;
        let took = start.elapsed();
        ensure!(
            matches!(status, 200 | 503 | 504),
            "{}: status {status}: {}",
            pair.query,
            String::from_utf8_lossy(&body)
        );
        let body: Value = serde_json::from_slice(&body).with_context(|| format!("the answer to {}", pair.query))?;
        let results = match body["results"].as_array() {
            Some(results) => &results[..],
            None => {
                ensure!(status != 200, "the answer to {} has no results", pair.query);
                &[]
            }
        };
        let mut found = Vec::new();
        for result in results {
            let id = result["id"].as_str().context("a result has no id")?;
            found.push(
                *places
                    .get(id)
                    .with_context(|| format!("{id} is no contact of the client"))?,
            );
        }
        let place = found.iter().position(|at| *at == pair.wanted);
        let before = &found[..place.unwrap_or(found.len())];
        outcomes.push(Outcome {
            good: good.len(),
            place: place.map(|place| place + 1),
            is_first: place.is_some() && before.iter().all(|at| good.binary_search(at).is_ok()),
            first: results.first().map(describe),
            took,
            is_refused: status != 200,
            pair,
        });
    }
    Ok(outcomes)
}

/// A result for people: name, phone, email, and the words that matched.
fn describe(result: &Value) -> String {
    let fields = ["name", "phone", "email"].map(|field| result[field].as_str().unwrap_or("-"));
    let matched = result["matchedBy"].as_array().map_or(&[][..], Vec::as_slice);
    let matched: Vec<String> = matched
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or("-");
            format!("{} {} {}", text("word"), text("field"), text("kind"))
        })
        .collect();
    format!("{} ({})", fields.join(" "), matched.join(", "))
}
