//! Calls of `GET /api/v1/search`.

use serde_json::Value;

use crate::support::app::encode;
use crate::support::{Answer, Contact, TestApp};

/// The most results of a page.
pub const PAGE: usize = 20;

/// The address of a page.
pub fn target(query: &str, cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| format!("&cursor={}", encode(cursor)));
    format!("/api/v1/search?q={}{}", encode(query), cursor.unwrap_or_default())
}

/// The answer to a query, whatever its status is.
pub fn ask(app: &TestApp, query: &str) -> Answer {
    app.get(&target(query, None))
}

/// The results of one page, and the cursor of the next one.
pub fn page(app: &TestApp, query: &str, cursor: Option<&str>) -> (Vec<Value>, Option<String>) {
    let answer = app.get(&target(query, cursor));
    assert_eq!(answer.status, 200, "{query:?}: {answer:?}");
    let body = answer.json();
    let results = body["results"].as_array().expect("an array").clone();
    assert!(results.len() <= PAGE, "{query:?} has a page of {}", results.len());
    let next = &body["nextCursor"];
    assert!(next.is_null() || next.is_string(), "{query:?}: {next}");
    (results, next.as_str().map(str::to_owned))
}

/// The results of the first `most` pages, and whether more pages follow.
pub fn pages(app: &TestApp, query: &str, most: usize) -> (Vec<Value>, bool) {
    let (mut all, mut cursor) = page(app, query, None);
    for _ in 1..most {
        let Some(this) = cursor else { break };
        let (results, next) = page(app, query, Some(&this));
        assert!(!results.is_empty(), "{query:?} has an empty page");
        all.extend(results);
        cursor = next;
    }
    (all, cursor.is_some())
}

/// The results of all pages.
pub fn search(app: &TestApp, query: &str) -> Vec<Value> {
    let (all, has_more) = pages(app, query, 1_000);
    assert!(!has_more, "{query:?} has no end");
    all
}

/// The ids of all results.
pub fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let results = search(app, query);
    let ids = results
        .iter()
        .map(|found| found["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

/// Adds a contact with this name, and returns its id.
pub fn add_name(app: &TestApp, name: &str) -> String {
    let contact = Contact {
        name: Some(name),
        external_user_id: Some(&format!("id of {name}")),
        ..Contact::default()
    };
    app.add(contact).id
}

/// The numbers of contacts that no test searches for: of a small and of a large client.
pub const OTHERS: [usize; 2] = [0, 4_001];

/// Adds contacts that no test searches for. The server searches a client with more than 4,000 contacts in another way.
pub fn add_others(app: &TestApp, count: usize) {
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Zoe Ku', 'z' || n,
                timestamptz '2023-01-01' + n * interval '1 minute'
         FROM generate_series(1, {count}) AS n",
        app.client
    ));
}

/// The names of all results.
pub fn names(app: &TestApp, query: &str) -> Vec<String> {
    let results = search(app, query);
    let names = results
        .iter()
        .map(|found| found["name"].as_str().expect("a name").to_owned());
    names.collect()
}

/// The entries of the only result: word, field, kind and the highlighted texts.
pub fn entries(app: &TestApp, query: &str) -> Vec<String> {
    let results = search(app, query);
    let [result] = &results[..] else {
        panic!("{query:?} finds {results:?}");
    };
    let entries = result["matchedBy"].as_array().expect("an array").iter();
    entries.map(|entry| described(result, entry)).collect()
}

/// An entry of `matchedBy`: word, field, kind and the highlighted texts.
pub fn described(result: &Value, entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().expect("a text");
    let shown = match text("field") {
        "externalUserId" => &entry["value"],
        field => &result[field],
    };
    let units: Vec<u16> = shown.as_str().expect("a text").encode_utf16().collect();
    let ranges = entry["highlights"].as_array().expect("ranges").iter().map(|range| {
        let [start, end] = ["start", "end"].map(|name| range[name].as_u64().expect("a number") as usize);
        assert_eq!(range.as_object().map(|range| range.len()), Some(2), "{range}");
        String::from_utf16(&units[start..end]).expect("a range of whole characters")
    });
    let marked: Vec<String> = ranges.collect();
    format!(
        "{} {} {} [{}]",
        text("word"),
        text("field"),
        text("kind"),
        marked.join("|")
    )
}
