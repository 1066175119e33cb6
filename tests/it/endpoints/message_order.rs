//! `POST /api/v1/messages/`: neither the order nor the grouping of messages changes the result.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use contact_search::domain::client::ClientId;
use contact_search::domain::message::{Content, Direction, Message, NewContact, NewIds, Person, Phone, Target};
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::clients;
use contact_search::store::messages::{Recorded, record_messages, record_together};
use diesel::prelude::*;
use diesel::sql_types::Text;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use uuid::Uuid;

use crate::support::messages::{State, attended, message, statuses};
use crate::support::{Contact, TestApp, TestDatabase};

#[test]
fn every_order_and_grouping_of_messages_ends_in_the_same_state() {
    let app = TestApp::start();
    let minute = |minute: i64| {
        let at: DateTime<Utc> = "2025-03-28T14:00:00Z".parse().unwrap();
        (at + TimeDelta::minutes(minute)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    // Messages about three people, in random order and split into random calls. The third person is unknown at first.
    let sent = proptest::collection::vec((0_usize..3, any::<bool>(), 0_i64..6), 1..9).prop_flat_map(|sent| {
        let count = sent.len();
        let cuts = proptest::collection::vec(any::<bool>(), count);
        (Just(sent.clone()), Just(sent).prop_shuffle(), cuts)
    });
    let number = std::cell::Cell::new(0_u64);
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let final_states = |sent: &[(usize, bool, i64)], cuts: &[bool]| {
        number.set(number.get() + 10);
        let phones: Vec<String> = (0..3)
            .map(|index| format!("+54911{}", 20_000_000 + number.get() + index))
            .collect();
        for phone in &phones[..2] {
            let contact = Contact {
                phone: Some(phone),
                last_message_at: "'2025-03-28T14:03Z'",
                last_inbound_at: "'2025-03-28T14:01Z'",
                ..Contact::default()
            };
            attended(&app, contact);
        }
        let mut call = Vec::new();
        for (index, (person, is_inbound, at)) in sent.iter().enumerate() {
            let direction = if *is_inbound { "inbound" } else { "outbound" };
            let mut message = message(&phones[*person], direction, &minute(*at));
            message["createMissing"] = json!(true);
            call.push(message);
            if cuts[index] || index + 1 == sent.len() {
                let statuses = statuses(&app, &std::mem::take(&mut call));
                assert!(statuses.iter().all(|status| status != "error" && status != "not_found"));
            }
        }
        let mut connection = app.database.connect();
        let states: Vec<Option<State>> = phones
            .iter()
            .map(|phone| {
                diesel::sql_query(format!(
                    "SELECT last_message_at, last_inbound_at, is_chat_read, chat_status FROM contacts
                     WHERE phone = '{phone}'"
                ))
                .get_result(&mut connection)
                .optional()
                .unwrap()
            })
            .collect();
        states
    };
    TestRunner::new(config)
        .run(&sent, |(sent, shuffled, cuts)| {
            let alone = vec![true; sent.len()];
            let expected = final_states(&sent, &alone);
            prop_assert_eq!(&final_states(&shuffled, &cuts), &expected);
            let twice = [shuffled.clone(), sent].concat();
            prop_assert_eq!(&final_states(&twice, &vec![false; twice.len()]), &expected);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_external_id_attached_by_one_message_counts_for_later_messages_of_the_array() {
    let app = TestApp::start();
    let known = app.add(Contact {
        phone: Some("+5491123456789"),
        platform: "mix",
        ..Contact::default()
    });
    let message = |external_id: &str, direction: &str, sent_at: &str| {
        json!({
            "platform": "mix", "externalUserId": external_id, "phone": "+5491123456789", "direction": direction,
            "sentAt": sent_at, "createMissing": true,
        })
    };
    let body = json!([
        message("a", "outbound", "2025-01-01T00:00:00Z"),
        message("b", "inbound", "2025-01-05T00:00:00Z"),
        message("a", "outbound", "2025-01-02T00:00:00Z"),
    ]);
    let answer = app
        .server
        .send_json("POST", "/api/v1/messages/", Some(&app.key), body.to_string().as_bytes());
    let expected = json!({ "results": [{ "status": "updated" }, { "status": "created" }, { "status": "updated" }] });
    assert_eq!(answer.json(), expected);
    let of_a = format!(
        "SELECT count(*) AS count FROM contacts WHERE id = '{}' AND external_user_id = 'a' AND last_inbound_at IS NULL
         AND last_message_at = '2025-01-02T00:00:00Z'",
        known.id
    );
    assert_eq!(
        app.database.count(&of_a),
        1,
        "the message of b must not change the contact of a"
    );
    let of_b = "SELECT count(*) AS count FROM contacts WHERE external_user_id = 'b' AND last_inbound_at IS NOT NULL";
    assert_eq!(app.database.count(of_b), 1);
}

#[test]
fn a_later_message_of_the_array_does_not_change_which_contact_an_ambiguous_number_finds() {
    let app = TestApp::start();
    // The digits are an Argentine number nationally and an Aruban one internationally.
    let aruban = app.add(Contact {
        phone: Some("+2975678901"),
        platform: "sms",
        ..Contact::default()
    });
    let mut first = message("2975678901", "inbound", "2025-03-28T14:22:00Z");
    let mut newcomer = message("+542975678901", "inbound", "2025-03-28T14:23:00Z");
    first["platform"] = json!("sms");
    newcomer["platform"] = json!("sms");
    newcomer["createMissing"] = json!(true);
    let messages = [first, newcomer];
    assert_eq!(statuses(&app, &messages), ["updated", "created"]);
    let updated = format!(
        "SELECT count(*) AS count FROM contacts WHERE id = '{}' AND last_inbound_at = '2025-03-28T14:22:00Z'",
        aruban.id
    );
    assert_eq!(app.database.count(&updated), 1);
}

/// The phone and the external id of a stored contact or of a message's target.
type Identity = (Option<&'static str>, Option<&'static str>);

/// Two notations of one line, an ambiguous number, its digits written as a WhatsApp id, the two readings of the number,
/// and a number that identifies nobody.
const NOTATIONS: [&str; 7] = [
    "+5491123456789",
    "011 2345-6789",
    "2975678901",
    "2975678901@c.us",
    "+2975678901",
    "+542975678901",
    "000-0000",
];

fn any_identity() -> impl Strategy<Value = Identity> {
    let phone = proptest::option::weighted(0.8, proptest::sample::select(&NOTATIONS));
    let external_id = proptest::option::weighted(0.3, proptest::sample::select(&["a", "b"]));
    (phone, external_id).prop_filter("an identity has a phone or an external id", |identity| {
        *identity != (None, None)
    })
}

/// A message and its target: an identity (`Ok`), or the index of a stored contact (`Err`). Some messages are so far in
/// the future that they are refused. Some are notices of new ids, and some are reports.
fn any_message(platform: &'static str) -> impl Strategy<Value = (Result<Identity, usize>, Message)> {
    let target = prop_oneof![9 => any_identity().prop_map(Ok), 1 => (0_usize..3).prop_map(Err)];
    let name = proptest::option::of(proptest::sample::select(&["Ana", "Eva"]));
    let newcomer = proptest::option::of(name.prop_map(|name| NewContact {
        name: name.map(str::to_owned),
        source: "test",
    }));
    let minute = prop_oneof![19 => 0_i64..6, 1 => Just(100_000_000)];
    let person = move |(phone, external_id): Identity| Person {
        platform: platform.to_owned(),
        external_user_id: external_id.map(str::to_owned),
        phone: phone.and_then(|phone| Phone::read(phone, Region::DEFAULT, platform)),
    };
    let new_ids = any_identity().prop_map(move |identity| {
        let Person {
            external_user_id,
            phone,
            ..
        } = person(identity);
        let phone = phone.filter(Phone::identifies_a_person);
        Content::NewIds(NewIds {
            external_user_id,
            phone,
        })
    });
    let content = prop_oneof![
        8 => proptest::sample::select(&[Direction::Inbound, Direction::Outbound]).prop_map(Content::Sent),
        1 => Just(Content::Report),
        1 => new_ids,
    ];
    (target, content, newcomer, minute, any::<bool>()).prop_map(
        move |(target, content, newcomer, minute, completes)| {
            let meant = target.map_or(Target::Contact(0), |identity| Target::Person(person(identity)));
            let start: DateTime<Utc> = "2025-03-28T14:00:00Z".parse().unwrap();
            let sent_at = start + TimeDelta::minutes(minute);
            // The API refuses a new contact whose phone identifies nobody.
            let is_person = target != Ok((Some("000-0000"), None));
            let message = match content {
                Content::Sent(direction) => Message::new(meant, direction, sent_at, newcomer.filter(|_| is_person)),
                _ => Message::with_content(meant, content, sent_at),
            }
            .unwrap();
            (target, if completes { message.completing() } else { message })
        },
    )
}

#[derive(PartialEq, Eq, Debug, QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    contact: String,
}

/// Creates a client with a contact for each identity of `known`. Records the messages with `record`. Returns the
/// outcomes and the final contacts.
fn record_for_new_client<T>(
    connection: &mut PgConnection,
    platform: &str,
    known: &[Identity],
    sent: &[(Result<Identity, usize>, Message)],
    record: impl FnOnce(&mut PgConnection, ClientId, &[Message]) -> T,
) -> (T, Vec<Row>) {
    let client = clients::create_client(connection, &Uuid::now_v7().to_string(), Region::DEFAULT).unwrap();
    let mut serial_ids = Vec::new();
    let mut identities = HashSet::new();
    for (phone, external_id) in known {
        let stored = phone.and_then(|phone| StoredPhone::read(phone, Region::DEFAULT, platform).phone);
        if identities.insert(external_id.map_or_else(|| stored, |id| Some(id.to_owned()))) {
            let contact = Contact {
                phone: *phone,
                external_user_id: *external_id,
                platform,
                created_at: &format!("now() - interval '{} hours'", serial_ids.len() + 1),
                last_message_at: "'2025-03-28T14:03Z'",
                last_inbound_at: "'2025-03-28T14:01Z'",
                ..Contact::default()
            };
            serial_ids.push(contact.add(connection, client).serial_id);
        }
    }
    let messages: Vec<Message> = sent
        .iter()
        .map(|(target, message)| {
            let mut message = message.clone();
            if let Err(index) = target {
                message.target = Target::Contact(serial_ids.get(*index).copied().unwrap_or_default());
            }
            message
        })
        .collect();
    let outcomes = record(connection, client, &messages);
    let contacts = contacts_of(connection, client);
    (outcomes, contacts)
}

/// All that the messages of a client can change. Ordered by age, so that a comparison includes the age. If several
/// contacts match, a later write chooses the oldest.
fn contacts_of(connection: &mut PgConnection, client: ClientId) -> Vec<Row> {
    diesel::sql_query(format!(
        "SELECT concat_ws(', ', name, phone, phone_key, phone_as_given, phone_identifies, external_user_id, source,
                last_message_at, last_inbound_at, is_chat_read, chat_status, ids_since, former_line,
                former_external_user_id) AS contact
         FROM contacts WHERE client_id = '{client}' ORDER BY created_at, serial_id"
    ))
    .load(connection)
    .unwrap()
}

/// Checks the property `holds` for random contacts and messages of a channel.
fn check(
    platform: &'static str,
    mut holds: impl FnMut(
        &mut PgConnection,
        &[Identity],
        &[(Result<Identity, usize>, Message)],
    ) -> Result<(), TestCaseError>,
) {
    let database = TestDatabase::new();
    let connection = std::cell::RefCell::new(database.connect());
    let holds = std::cell::RefCell::new(&mut holds);
    let config = ProptestConfig {
        cases: 90,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let known = proptest::collection::vec(any_identity(), 0..4);
    TestRunner::new(config)
        .run(
            &(known, proptest::collection::vec(any_message(platform), 2..9)),
            |(known, sent)| holds.borrow_mut()(&mut connection.borrow_mut(), &known, &sent),
        )
        .unwrap();
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// A channel on which a number has one reading, and one on which it can have two.
const PLATFORMS: [&str; 2] = ["whatsapp", "sms"];

#[test]
fn an_array_has_the_same_result_as_its_messages_one_by_one() {
    for platform in PLATFORMS {
        check(platform, |connection, known, sent| {
            let mut record_in_calls_of = |size: usize| {
                record_for_new_client(connection, platform, known, sent, |connection, client, messages| {
                    let calls = messages.chunks(size);
                    let outcomes =
                        calls.flat_map(|call| record_messages(connection, client, call, deadline()).unwrap());
                    outcomes.collect::<Vec<Recorded>>()
                })
            };
            prop_assert_eq!(record_in_calls_of(sent.len()), record_in_calls_of(1));
            Ok(())
        });
    }
}

#[test]
fn messages_recorded_together_have_the_same_result_as_one_by_one() {
    let (mut together, mut left_out) = (0, 0);
    for platform in PLATFORMS {
        check(platform, |connection, known, sent| {
            let record = |connection: &mut PgConnection, client, messages: &[Message]| {
                record_together(connection, client, messages).unwrap()
            };
            let (outcomes, contacts) = record_for_new_client(connection, platform, known, sent, record);
            together += outcomes.iter().flatten().count();
            left_out += outcomes.iter().filter(|outcome| outcome.is_none()).count();
            let record = |connection: &mut PgConnection, client, messages: &[Message]| {
                let mut alone = |message: &Message| {
                    record_messages(connection, client, std::slice::from_ref(message), deadline()).unwrap()[0]
                };
                let pairs = messages.iter().zip(&outcomes);
                pairs
                    .map(|(message, outcome)| outcome.map(|_| alone(message)))
                    .collect::<Vec<_>>()
            };
            let one_at_a_time = record_for_new_client(connection, platform, known, sent, record);
            prop_assert_eq!((outcomes.clone(), contacts), one_at_a_time);
            Ok(())
        });
    }
    assert!(
        together > 100 && left_out > 50,
        "{together} messages were recorded together, {left_out} were left out"
    );
}

/// What the notice of a person's new number says, and whether messages name user ids.
#[derive(Clone, Copy, Debug)]
struct Change {
    has_ids: bool,
    is_hidden: bool,
    has_new_id: bool,
    names_former_id: bool,
}

/// Messages around a person's change of number.
#[derive(Clone, Debug)]
struct Story {
    /// The person's messages from the old number.
    before: Vec<Message>,
    notice: Message,
    /// The person's messages after the change, and those of the new owner of the old number.
    after: Vec<Message>,
}

fn any_story() -> impl Strategy<Value = Story> {
    let change = any::<[bool; 4]>().prop_map(|[has_ids, is_hidden, has_new_id, names_former_id]| Change {
        has_ids,
        is_hidden: has_ids && is_hidden,
        has_new_id: has_ids && (has_new_id || is_hidden),
        names_former_id: has_ids && names_former_id,
    });
    let sent = |minutes, count| proptest::collection::vec((minutes, any::<bool>()), count);
    let sent = (sent(0_i64..5, 1..4), sent(6..11, 0..4), sent(6..11, 0..3));
    (change, sent).prop_map(|(change, (before, after, by_owner))| {
        let person = |phone: Option<&str>, id: Option<&str>| {
            Target::Person(Person {
                platform: "whatsapp".to_owned(),
                external_user_id: id.filter(|_| change.has_ids).map(str::to_owned),
                phone: phone.and_then(|phone| Phone::read(phone, Region::DEFAULT, "whatsapp")),
            })
        };
        let at = |minute| "2025-03-28T14:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute);
        let messages = |sent: Vec<(i64, bool)>, target: Target| {
            let message = move |(minute, is_inbound)| {
                let direction = if is_inbound {
                    Direction::Inbound
                } else {
                    Direction::Outbound
                };
                let new_contact = NewContact {
                    name: None,
                    source: "test",
                };
                Message::new(target.clone(), direction, at(minute), Some(new_contact)).unwrap()
            };
            sent.into_iter().map(message).collect::<Vec<_>>()
        };
        let [old, new] = ["5491100040001", "5491100040002"];
        let new_phone = (!change.is_hidden).then_some(new);
        let new_id = if change.has_new_id { "AR.2" } else { "AR.1" };
        let ids = NewIds {
            external_user_id: change.has_new_id.then(|| new_id.to_owned()),
            phone: new_phone.and_then(|phone| Phone::read_whatsapp_id(phone, Region::DEFAULT)),
        };
        let former = person(Some(old), Some("AR.1").filter(|_| change.names_former_id));
        Story {
            before: messages(before, person(Some(old), Some("AR.1"))),
            notice: Message::with_content(former, Content::NewIds(ids), at(5)).unwrap(),
            after: [
                messages(after, person(new_phone, Some(new_id))),
                messages(by_owner, person(Some(old), Some("AR.3"))),
            ]
            .concat(),
        }
    })
}

#[test]
fn messages_around_a_change_of_number_have_the_same_result_late_and_repeated() {
    let database = TestDatabase::new();
    let connection = std::cell::RefCell::new(database.connect());
    let config = ProptestConfig {
        cases: 120,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let orders = (
        any_story(),
        proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    );
    let orders = orders.prop_flat_map(|(story, repeated)| {
        let late: Vec<Message> = story.before[1..].iter().chain(&story.after).cloned().collect();
        (Just(story), Just(late).prop_shuffle(), Just(repeated), any::<bool>())
    });
    TestRunner::new(config)
        .run(&orders, |(story, late, repeated, is_array)| {
            let connection = &mut *connection.borrow_mut();
            let mut result = |messages: &[Message], size: usize| {
                let client = clients::create_client(connection, &Uuid::now_v7().to_string(), Region::DEFAULT).unwrap();
                for call in messages.chunks(size) {
                    record_messages(connection, client, call, deadline()).unwrap();
                }
                let mut contacts: Vec<String> = contacts_of(connection, client)
                    .into_iter()
                    .map(|row| row.contact)
                    .collect();
                contacts.sort();
                contacts
            };
            let in_order = [&story.before[..], std::slice::from_ref(&story.notice), &story.after].concat();
            let mut in_any_order = vec![story.before[0].clone(), story.notice.clone()];
            in_any_order.extend(late);
            in_any_order.extend(repeated.iter().map(|index| index.get(&in_order).clone()));
            let size = if is_array { in_any_order.len() } else { 1 };
            prop_assert_eq!(result(&in_any_order, size), result(&in_order, 1));
            Ok(())
        })
        .unwrap();
}
