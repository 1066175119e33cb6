//! Calls of the endpoints that write contacts, and the stored columns.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use super::{Answer, TestApp};

pub const UPSERT: &str = "/api/public/customer/upsert/info";
pub const BATCH: &str = "/api/v1/contacts/";
pub const UNKNOWN_ID: &str = "0198c0de-0000-7000-8000-000000000000";

/// Upserts, and returns the contact.
pub fn upsert(app: &TestApp, body: Value) -> Value {
    let answer = app.send("POST", UPSERT, &body);
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    answer.json()
}

/// The message of a 400.
pub fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{answer:?}");
    let body = answer.json();
    let text = body.get("message").or(body.get("detail")).expect("a message");
    text.as_str().unwrap().to_owned()
}

pub fn info(app: &TestApp, id: &str) -> Answer {
    app.get(&format!("/api/public/contact/{id}/info"))
}

pub fn edit(app: &TestApp, id: &str, changes: Value) -> Answer {
    app.send("PATCH", &format!("/api/public/contact/{id}"), &changes)
}

/// The results of a batch.
pub fn batch(app: &TestApp, contacts: Value) -> Vec<Value> {
    let answer = app.send("POST", BATCH, &json!({ "contacts": contacts }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"].as_array().expect("results").clone()
}

/// The status of each result, or the error of an invalid item.
pub fn outcomes(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .map(|result| {
            result["error"]
                .as_str()
                .or(result["status"].as_str())
                .expect("a status")
        })
        .collect()
}

/// The contacts ordered by serial id, one per line. A line has the values of the columns, separated by blanks, and `-`
/// for null. The column `list` is the name of the contact's list.
pub fn stored(app: &TestApp, columns: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let columns: Vec<String> = columns
        .split(' ')
        .map(|it| format!("coalesce({it}::text, '-')"))
        .collect();
    let columns = columns.join(" || ' ' || ");
    let sql = format!(
        "SELECT coalesce(string_agg({columns}, E'\n' ORDER BY serial_id), '') AS text
         FROM (SELECT *, xmin FROM contacts) AS contacts
         JOIN (SELECT id AS list_id, name AS list FROM contact_lists) AS lists ON list_id = contact_list_id"
    );
    let row: Row = sql_query(sql).get_result(&mut app.database.connect()).unwrap();
    row.text
}

pub fn count(app: &TestApp) -> i64 {
    app.database.count("SELECT count(*) AS count FROM contacts")
}
