//! Two clients with the same phones and emails never see each other's contacts.

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::app::{add_key, encode};
use crate::support::{Contact, TestApp};

#[test]
fn no_other_clients_contact_is_ever_found() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let other_key = add_key(&mut connection, other, &Scope::ALL, None);
    let phones = [
        "+5491123456789",
        "+541123456789",
        "+5492235961983",
        "+56912345678",
        "15 2345-6789",
    ];
    let emails = [
        "john@example.com",
        "john@EXAMPLE.com",
        "ana%_@example.com",
        r"b\@ejemplo.com",
        "maria.lopez@x.com",
    ];
    let mut serial_ids = Vec::new();
    for client in [app.client, other] {
        let mut ids = Vec::new();
        for (phone, email) in phones.iter().zip(emails) {
            for platform in ["whatsapp", "sms"] {
                let contact = Contact {
                    phone: Some(phone),
                    email: Some(email),
                    platform,
                    ..Contact::default()
                };
                ids.push(contact.add(&mut connection, client).serial_id);
            }
        }
        serial_ids.push(ids);
    }
    let keys = [(app.client, &app.key), (other, &other_key)];
    let terms = (
        prop_oneof![
            "[0-9+ -]{1,14}",
            proptest::sample::select(phones.to_vec()).prop_map(str::to_owned)
        ],
        prop_oneof![
            "[a-zA-Z@.%_\\\\]{1,4}",
            "[@.a-z]",
            proptest::sample::select(emails.to_vec()).prop_map(str::to_owned)
        ],
    );
    let found = std::cell::Cell::new(0);
    TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
    .run(&terms, |(phone, email)| {
        for (index, (client, key)) in keys.iter().enumerate() {
            for query in [
                format!("phone={}", encode(&phone)),
                format!("email={}", encode(&email)),
                format!("phone={}&email={}", encode(&phone), encode(&email)),
            ] {
                let answer = app
                    .server
                    .get(&format!("/api/public/contacts/search?{query}"), Some(key));
                if answer.status == 400 {
                    continue; // no digit, and no email beside it
                }
                for contact in answer.json().as_array().unwrap() {
                    prop_assert_eq!(contact["client_id"].as_str().unwrap(), client.to_string());
                    found.set(found.get() + 1);
                }
            }
            let target = format!("/api/v1/contact-lookup/?phone={}", encode(&phone));
            let id = app.server.get(&target, Some(key)).json()["contact"]["id"].as_i64();
            prop_assert!(id.is_none_or(|id| serial_ids[index].contains(&id)));
        }
        Ok(())
    })
    .unwrap();
    assert!(found.get() > 500, "the terms meet the contacts: {}", found.get());
}
