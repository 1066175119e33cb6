//! `GET /api/v1/search`: random queries get the answers of the model, and every write is seen by the next search.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use contact_search::domain::phone::Region;
use contact_search::store::PgConnection;
use diesel::connection::SimpleConnection;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::contact_api::{UPSERT, batch, edit};
use crate::support::contact_query::calls::{PAGE, ask, pages};
use crate::support::contact_query::vocabulary::{self, NAME_WORDS, contact, filler, insert};
use crate::support::contact_query::{Client, Stored, find, folded, words};
use crate::support::messages;
use crate::support::period_border::{MISPLACED, hold_border, set_border};

const ADDRESS_MARKS: [char; 10] = ['<', '>', '(', ')', '"', ',', ':', '|', '!', '*'];

/// The longest query, in bytes.
const QUERY_MAX: usize = 256;

/// With more pages, only the first ones are compared.
const PAGES_MAX: usize = 4;

/// The random queries of a client. The full test sets it to more with the environment variable.
fn queries_of_a_client() -> u32 {
    std::env::var("CONTACT_SEARCH_TEST_QUERIES").map_or(200, |count| count.parse().expect("a number"))
}

/// The queries about the same contacts.
const QUERIES_OF_A_STAGE: u32 = 1_000;

/// The border of the periods moves after this many queries.
const QUERIES_OF_A_BORDER: usize = 10;

/// A server whose contacts the model knows.
struct Stage {
    app: TestApp,
    /// Keeps the server from raising the border of the periods, which this test sets.
    _border: PgConnection,
    /// The number of queries so far.
    queries: usize,
    client: Client,
    objects: HashMap<Uuid, Value>,
    /// How often each kind of match was in an answer.
    kinds: BTreeMap<String, usize>,
    /// The number of queries with several pages.
    several_pages: usize,
}

impl Stage {
    /// Makes `shared` contacts with common words and `fillers` others.
    fn new(seed: u64, shared: usize, fillers: usize) -> Self {
        let app = TestApp::start();
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut contacts: Vec<_> = (0..shared).map(|_| contact(random)).collect();
        contacts.extend((0..fillers).map(|number| filler(random, number)));
        let mut connection = app.database.connect();
        insert(&mut connection, app.client, &contacts);
        connection.batch_execute("ANALYZE").expect("statistics can be gathered");
        let mut stage = Self {
            client: Client::read(&mut connection, app.client),
            objects: HashMap::new(),
            kinds: BTreeMap::new(),
            several_pages: 0,
            queries: 0,
            _border: hold_border(app.database.connect()),
            app,
        };
        stage.read();
        stage
    }

    /// Reads the contacts again.
    fn read(&mut self) {
        self.client = Client::read(&mut self.app.database.connect(), self.app.client);
        self.objects = self.client.objects();
    }

    /// The contacts of the shared vocabulary.
    fn shared(&self) -> Vec<Stored> {
        let stored = self.client.contacts.iter().map(|contact| contact.stored.clone());
        let is_filler = |stored: &Stored| stored.email.as_deref().is_some_and(|email| email.ends_with("@wyk.xyz"));
        stored.filter(|stored| !is_filler(stored)).collect()
    }

    /// Sets the border of the periods to the period of any contact, or mostly to the next one, as if servers were
    /// moving the contacts of that period.
    fn move_border(&self) {
        set_border(
            &mut self.app.database.connect(),
            "SELECT contact_period(last_message_at) + (random() < 0.8)::integer FROM contacts
             WHERE last_message_at IS NOT NULL ORDER BY random() LIMIT 1",
        );
        assert_eq!(self.app.database.count(MISPLACED), 0);
    }

    /// Compares the server's answer with the model's.
    fn check(&mut self, query: &str) -> Result<(), TestCaseError> {
        if self.queries.is_multiple_of(QUERIES_OF_A_BORDER) {
            self.move_border();
        }
        self.queries += 1;
        let Ok(words) = words(query, Region::DEFAULT) else {
            let answer = ask(&self.app, query);
            prop_assert_eq!(answer.status, 400, "{:?}", query);
            return Ok(());
        };
        let expected = find(&self.client.contacts, &words);
        let (results, has_more) = pages(&self.app, query, PAGES_MAX);
        let shown = &expected[..expected.len().min(PAGES_MAX * PAGE)];
        for (place, found) in shown.iter().enumerate() {
            let mut object = self.objects[&found.id].clone();
            object["matchedBy"] = json!(found.matched_by);
            let result = results.get(place).unwrap_or(&Value::Null);
            prop_assert_eq!(
                result,
                &object,
                "result {} of {:?}, whose rank is {}",
                place,
                query,
                found.rank
            );
            for entry in &found.matched_by {
                let kind = format!("{} {}", entry["field"], entry["kind"]);
                *self.kinds.entry(kind.replace('"', "")).or_default() += 1;
            }
        }
        prop_assert_eq!(
            results.len(),
            shown.len(),
            "{:?} finds more: {:?}",
            query,
            results.get(shown.len())
        );
        prop_assert_eq!(has_more, expected.len() > shown.len(), "{:?}", query);
        self.several_pages += usize::from(results.len() > PAGE);
        Ok(())
    }

    fn check_figures(&self) {
        println!("{:?}, {} queries with several pages", self.kinds, self.several_pages);
        for kind in [
            "name exact",
            "name prefix",
            "name contains",
            "name similar",
            "phone exact",
            "phone equivalent",
            "phone prefix",
            "phone contains",
            "email exact",
            "email prefix",
            "email contains",
            "email similar",
            "externalUserId exact",
            "externalUserId prefix",
        ] {
            let times = self.kinds.get(kind).copied().unwrap_or(0);
            // The rarest kind is in about one query of forty.
            assert!(times >= 1, "no match is of the kind {kind}");
        }
        assert!(self.several_pages >= 5, "too few queries have several pages");
    }
}

/// A change of a text that is typed.
#[derive(Clone, Copy, Debug)]
enum Change {
    Same,
    Upper,
    Folded,
    Begin,
    Piece,
    Delete,
    Insert,
    Replace,
    Swap,
    SwapAndReplace,
    Prefix(&'static str),
    Around(&'static str, &'static str),
    Digits(&'static str),
    WhatsAppId,
    Spaced(&'static str),
    LastDigits,
}

/// Changes, and how often each one is made.
fn change() -> impl Strategy<Value = Change> {
    use Change::*;
    prop_oneof![
        6 => Just(Same),
        1 => Just(Upper),
        3 => Just(Folded),
        4 => Just(Begin),
        3 => Just(Piece),
        3 => proptest::sample::select(vec![Delete, Insert, Replace, Swap, SwapAndReplace]),
        1 => proptest::sample::select(vec!["name:", "email:", "phone:", "NAME:", "email: ", "mailto:"]).prop_map(Prefix),
        1 => proptest::sample::select(vec![("<", ">"), ("\"", "\","), ("(", ")"), ("", ";"), ("[", "]")])
            .prop_map(|(before, after)| Around(before, after)),
        1 => proptest::sample::select(vec!["", "+", "00"]).prop_map(Digits),
        2 => proptest::sample::select(vec![" ", "-", ".", " - ", "/"]).prop_map(Spaced),
        2 => Just(LastDigits),
        1 => Just(WhatsAppId),
    ]
}

impl Change {
    /// The changed text. `at` chooses a place.
    fn apply(self, text: &str, at: usize, letter: char) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        if letters.is_empty() {
            return String::new();
        }
        let at = at % letters.len();
        let digits = text.trim_start_matches('+');
        match self {
            Self::Same => {}
            Self::Upper => return text.to_uppercase(),
            Self::Folded => return folded(text),
            Self::Begin => letters.truncate(at + 1),
            Self::Piece => letters = letters[at / 2..=at].to_vec(),
            Self::Delete => drop(letters.remove(at)),
            Self::Insert => letters.insert(at, letter),
            Self::Replace => letters[at] = letter,
            Self::Swap => letters[at.saturating_sub(1)..=at].reverse(),
            Self::SwapAndReplace => {
                letters[at.saturating_sub(1)..=at].reverse();
                let other = (at + 3) % letters.len();
                letters[other] = letter;
            }
            Self::Prefix("mailto:") if !text.contains('@') => {}
            Self::Prefix(prefix) => return format!("{prefix}{text}"),
            Self::Around(before, after) => return format!("{before}{text}{after}"),
            Self::Digits(prefix) => return format!("{prefix}{digits}"),
            Self::WhatsAppId if text.starts_with('+') => return format!("{digits}@s.whatsapp.net"),
            Self::WhatsAppId => {}
            Self::Spaced(gap) => {
                let (begin, end) = letters.split_at(letters.len() / 2);
                let text = |letters: &[char]| letters.iter().collect::<String>();
                return format!("{}{gap}{}", text(begin), text(end));
            }
            Self::LastDigits => return letters[letters.len().saturating_sub(4)..].iter().collect(),
        }
        letters.into_iter().collect()
    }
}

/// An Argentine number as it is dialled in Argentina, and any other text as it is.
fn national(text: &str) -> String {
    let mobile = [("+549223", "0223 15-"), ("+54911", "(011) 15 "), ("+54223", "0223 ")];
    let written = mobile
        .iter()
        .find_map(|(code, dialled)| Some(format!("{dialled}{}", text.strip_prefix(code)?)));
    written.unwrap_or_else(|| text.to_owned())
}

/// The texts of a contact that a user can type.
fn parts(stored: &Stored) -> Vec<String> {
    let mut parts = Vec::new();
    let name = stored.name.as_deref().unwrap_or_default();
    parts.extend(name.split_whitespace().map(str::to_owned));
    if let Some(email) = &stored.email {
        let local = email.split('@').next().unwrap_or_default();
        parts.extend([email.clone(), local.to_owned(), email[local.len()..].to_owned()]);
    }
    if let Some(id) = &stored.external_user_id {
        parts.extend([id.clone(), id.clone()]);
    }
    if let Some(phone) = &stored.phone {
        parts.extend([phone.clone(), phone.clone(), national(phone)]);
    }
    parts
}

/// Random queries about the contacts, and some about nobody.
fn queries(contacts: Vec<Stored>) -> impl Strategy<Value = String> {
    let letters = "aehnosz2ñ".chars().collect::<Vec<_>>();
    let typed = (any::<Index>(), change(), 0_usize..24, proptest::sample::select(letters));
    let about_one = (
        proptest::sample::select(contacts.clone()),
        proptest::collection::vec(typed, 1..5),
    );
    let about_one = about_one.prop_map(|(stored, typed)| {
        let parts = parts(&stored);
        let texts = typed
            .into_iter()
            .map(|(part, change, at, letter)| change.apply(&parts[part.index(parts.len())], at, letter));
        texts.collect::<Vec<_>>().join(" ")
    });
    let of_vocabulary = proptest::collection::vec(proptest::sample::select(NAME_WORDS.to_vec()), 1..3);
    let of_vocabulary = of_vocabulary.prop_map(|words| words.join(" "));
    // The whole name in the other order, or one of its words after the beginning of that word.
    let of_names = (
        proptest::sample::select(contacts.clone()),
        any::<Index>(),
        0_usize..6,
        any::<bool>(),
    );
    let of_names = of_names.prop_map(|(stored, word, at, is_shared)| {
        let name = stored.name.unwrap_or_default();
        let words: Vec<&str> = name.split_whitespace().rev().collect();
        if !is_shared || words.is_empty() {
            return words.join(" ");
        }
        let word = words[word.index(words.len())];
        format!("{} {word}", Change::Begin.apply(word, at, ' '))
    });
    // The last digits after a `0` that the phone does not have.
    let last_digits = proptest::sample::select(contacts.clone()).prop_map(|stored| {
        let phone = stored.phone.unwrap_or_default();
        format!("0{}", Change::LastDigits.apply(&phone, 0, ' '))
    });
    let first_digits = (proptest::sample::select(contacts.clone()), 5_usize..9).prop_map(|(stored, length)| {
        stored
            .phone
            .unwrap_or_default()
            .chars()
            .take(length)
            .collect::<String>()
    });
    let emails: Vec<String> = contacts.iter().filter_map(|contact| contact.email.clone()).collect();
    let whole_email = proptest::sample::select(emails);
    let phones = contacts.iter().filter_map(|contact| contact.phone.as_deref());
    let dialled: Vec<String> = phones.filter(|phone| national(phone) != *phone).map(national).collect();
    let dialled = proptest::sample::select(dialled);
    let ids: Vec<String> = contacts
        .iter()
        .filter_map(|contact| contact.external_user_id.clone())
        .collect();
    let whole_id = proptest::sample::select(ids);
    let pasted = proptest::sample::select(contacts).prop_map(|stored| {
        let name = stored.name.unwrap_or_default();
        format!("{name} <{}>", stored.email.unwrap_or_default())
    });
    let junk = "[a-eéñßŁ0-9@.%_\\\\'\"&|!:*<>()+, -]{1,8}";
    // Each kind of match that the test counts needs queries that find it.
    let whole = prop_oneof![whole_email, dialled, whole_id];
    let all = prop_oneof![
        12 => about_one, 4 => whole, 3 => of_vocabulary, 2 => of_names, 1 => last_digits, 1 => first_digits, 1 => pasted,
        2 => junk
    ];
    all.prop_filter("too long", |query| query.len() <= QUERY_MAX)
        .prop_filter("an address with marks around it", |query| !has_marked_address(query))
}

/// Whether a word with `@` begins or ends with a mark, or has brackets or quotes. The server reads such a word as an
/// address in a sentence.
fn has_marked_address(query: &str) -> bool {
    let marks = |character: char| !character.is_alphanumeric() && character != '@';
    let is_marked = |word: &str| word.starts_with(marks) || word.ends_with(marks) || word.contains(ADDRESS_MARKS);
    query
        .split_whitespace()
        .any(|word| word.contains('@') && is_marked(word))
}

/// Compares random queries about clients with so many contacts.
fn compare(shared: usize, fillers: usize) {
    let mut missing = queries_of_a_client();
    for seed in 0.. {
        let stage = Stage::new(seed, shared, fillers);
        let queries = queries(stage.shared());
        let stage = RefCell::new(stage);
        let cases = missing.min(QUERIES_OF_A_STAGE);
        let config = ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        TestRunner::new(config)
            .run(&queries, |query| stage.borrow_mut().check(&query))
            .unwrap();
        stage.into_inner().check_figures();
        missing -= cases;
        if missing == 0 {
            break;
        }
    }
}

#[test]
fn random_queries_about_a_small_client_get_the_answers_of_the_model() {
    compare(900, 0);
}

#[test]
fn random_queries_about_a_client_of_more_than_4000_contacts_get_the_answers_of_the_model() {
    compare(900, 3_600);
}

/// Makes a random write. Returns the id of a contact that it wrote, unless the contact is gone.
fn write(stage: &Stage, random: &mut ChaCha8Rng) -> Option<String> {
    let app = &stage.app;
    let contacts = &stage.client.contacts;
    let one = &contacts[random.random_range(0..contacts.len())].stored;
    let id = one.id.to_string();
    let name = vocabulary::name(random);
    let quoted = name.replace('\'', "''");
    match random.random_range(0..8) {
        0 => {
            let body = json!({ "name": name, "contact_phone_number": vocabulary::phone(random), "channel": "sms" });
            let answer = app.send("POST", UPSERT, &body);
            assert_eq!(answer.status, 200, "{body}: {answer:?}");
            return answer.json()["id"].as_str().map(str::to_owned);
        }
        1 => {
            let item = json!({ "name": name, "email": vocabulary::email(random), "platform": "sms" });
            return batch(app, json!([item]))[0]["id"].as_str().map(str::to_owned);
        }
        2 => assert_eq!(edit(app, &id, json!({ "name": name })).status, 200),
        3 => {
            let answer = app
                .server
                .send("DELETE", &format!("/api/v1/contacts/{id}"), &[("X-API-Key", &app.key)]);
            assert!([200, 204].contains(&answer.status), "{answer:?}");
            return None;
        }
        4 => {
            let phone = contacts
                .iter()
                .find_map(|contact| contact.stored.phone.clone().filter(|it| it.starts_with('+')));
            let phone = one
                .phone
                .clone()
                .filter(|phone| phone.starts_with('+'))
                .or(phone)
                .expect("a phone");
            let sent_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            messages::status(app, &messages::message(&phone, "inbound", &sent_at));
        }
        5 => app.sql(&format!("UPDATE contacts SET name = '{quoted}' WHERE id = '{id}'")),
        6 => app.sql(&format!(
            "UPDATE contacts SET email = '{}', last_message_at = now() WHERE id = '{id}'",
            format!("{}{}", random.random_range(0..1000), vocabulary::email(random)).replace('\'', "''")
        )),
        _ => {
            let new = contact(random);
            insert(&mut app.database.connect(), app.client, &[new]);
        }
    }
    Some(id)
}

/// Makes random writes, and searches for words of each written contact and for words of others.
fn write_and_search(mut stage: Stage, writes: usize) {
    let random = &mut ChaCha8Rng::seed_from_u64(11);
    // The server has counted the client's contacts, and keeps the count for a while.
    stage.check("maria").expect("the answer is the model's");
    for _ in 0..writes {
        let known: Vec<Uuid> = stage.client.contacts.iter().map(|contact| contact.stored.id).collect();
        let written = write(&stage, random);
        stage.read();
        let written = written.map(|id| id.parse::<Uuid>().expect("an id"));
        let is_written = |stored: &&Stored| Some(stored.id) == written || !known.contains(&stored.id);
        let contacts: Vec<Stored> = stage
            .client
            .contacts
            .iter()
            .map(|contact| contact.stored.clone())
            .collect();
        let mut asked: Vec<String> = contacts.iter().filter(is_written).flat_map(parts).take(3).collect();
        asked.push(NAME_WORDS[random.random_range(0..NAME_WORDS.len())].to_owned());
        for query in asked {
            stage.check(&query).expect("the answer is the model's");
        }
    }
}

#[test]
fn a_small_clients_next_search_sees_every_write() {
    write_and_search(Stage::new(0, 300, 0), 50);
}

#[test]
fn a_large_clients_next_search_sees_every_write() {
    write_and_search(Stage::new(0, 300, 4_000), 25);
}
