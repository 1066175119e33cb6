//! The migration that writes the platforms of existing contacts in lower case.

use contact_search::store::migrations;
use diesel::connection::SimpleConnection;

use crate::support::import::{ask, make_client};
use crate::support::{Contact, TestDatabase};

#[test]
fn platforms_that_differ_only_in_case_become_one_channel_except_for_contacts_whose_identity_is_taken() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = make_client(&mut connection, "Acme").id;
    let other = make_client(&mut connection, "Other").id;
    connection
        .batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261129010000'")
        .unwrap();
    for (client, platform, external_user_id, phone, email) in [
        (client, "WhatsApp", Some("1"), Some("+5491155550001"), None),
        (client, "whatsapp", None, Some("+5491155550001"), None),
        (client, " WHATSAPP", None, None, Some("a@x.com")),
        (client, "SMS", None, Some("+5491155550002"), None),
        (client, "sms", None, Some("+541155550002"), None),
        // Each of these shares its identity with another contact.
        (client, "Webchat", Some("2"), None, None),
        (client, "webchat", Some("2"), None, None),
        (client, "WEBCHAT", None, None, Some("b@x.com")),
        (client, "webchat", None, None, Some("B@x.com")),
        (client, "Instagram", None, Some("+5491155550003"), None),
        (client, "INSTAGRAM", None, Some("+5491155550003"), None),
        // No other contact of its client has this identity.
        (other, "Webchat", Some("2"), None, None),
    ] {
        Contact {
            platform,
            external_user_id,
            phone,
            email,
            ..Contact::default()
        }
        .add(&mut connection, client);
    }
    assert_eq!(migrations::migrate(&mut connection).unwrap(), 1);
    assert_eq!(
        ask(
            &mut connection,
            "SELECT string_agg(platform, ',' ORDER BY serial_id) FROM contacts"
        ),
        "whatsapp,whatsapp,whatsapp,sms,sms,Webchat,webchat,WEBCHAT,webchat,Instagram,INSTAGRAM,webchat"
    );
}
