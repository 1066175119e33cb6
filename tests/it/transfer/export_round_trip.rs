//! Random contacts, exported and imported again.

use contact_search::domain::client::ClientId;
use contact_search::domain::contact::{ContactDraft, ContactFields, DEFAULT_PLATFORM};
use contact_search::domain::email;
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::domain::visible::trim_unseen;
use contact_search::store::import::{Rules, import};
use contact_search::store::{PgConnection, StoreError, clients};
use contact_search::transfer::export::{ExportFormat, ExportReport};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::TestDatabase;
use crate::support::export::{create_client, export_client, import_file, import_with, rows, texts};

/// Text of at most `max` characters as people, spreadsheets and attackers write it, without surrounding blanks.
fn odd_text(max: usize) -> impl Strategy<Value = String> {
    let odd = [
        "\"",
        "\"\"",
        "'",
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "=1+1",
        "+",
        "-",
        "@",
        "\\",
        "\\.",
        "\\N",
        "😀",
        "👩‍👩‍👧",
        "ñ",
        "\u{301}",
        "\u{202E}",
        "\u{FEFF}",
        "NULL",
        "#",
        "sep=;",
        " ",
        "a",
        "{}",
        "\u{1}",
    ];
    let piece = prop_oneof![
        proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        "\\PC{1,6}",
    ];
    proptest::collection::vec(piece, 1..5).prop_filter_map("a text", move |pieces| {
        let text: String = pieces.concat().chars().take(max).collect();
        let text = text.trim().to_owned();
        // Only an exact import reads a cell of invisible characters as a value.
        (!trim_unseen(&text).is_empty()).then_some(text)
    })
}

/// An email with odd characters, as a contact stores it.
fn odd_email() -> impl Strategy<Value = String> {
    (odd_text(150), odd_text(150)).prop_filter_map("an email", |(local, domain)| {
        email::stored(format!("{local}@{domain}")).filter(|text| email::is_email(text))
    })
}

fn time() -> impl Strategy<Value = chrono::DateTime<chrono::Utc>> {
    (0..1_735_689_600_000_000_i64).prop_map(|micros| chrono::DateTime::from_timestamp_micros(micros).unwrap())
}

fn has_identity(given: &ContactFields) -> bool {
    let phone = given.phone.as_ref().is_some_and(|phone| phone.identifies);
    phone || given.email.is_some() || given.external_user_id.is_some()
}

fn contact(region: Region) -> impl Strategy<Value = ContactFields> {
    let phone = prop_oneof![
        "[0-9]{8}".prop_map(|digits| format!("011 15-{}-{}", &digits[..4], &digits[4..])),
        "[0-9]{7}".prop_map(|digits| format!("+549112{digits}")),
        "[0-9]{8}".prop_map(|digits| format!("569{digits}")),
        "[0-9]{1,20}",
        "\\+[0-9]{1,20}",
        r"[0-9]{8}@s\.whatsapp\.net",
        "[0-9]{3,9} [a-z/;\"\n] [0-9]{3,9}",
    ]
    .prop_map(move |text| StoredPhone::read(&text, region, DEFAULT_PLATFORM))
    .prop_filter("a phone with a digit", |phone| phone.phone.is_some());
    let texts = (
        proptest::option::of(odd_text(512)),
        proptest::option::of(odd_email()),
        proptest::option::of(odd_text(64)),
        odd_text(64),
        odd_text(200),
        proptest::option::of(odd_text(256)),
    );
    let times = (time(), proptest::option::of(time()), proptest::option::of(time()));
    (
        proptest::option::of(phone),
        proptest::sample::select(vec!["sms", "webchat", "=x"]),
        texts,
        times,
        any::<[bool; 2]>(),
        any::<[Option<u128>; 2]>(),
    )
        .prop_map(|(phone, platform, texts, times, flags, ids)| ContactFields {
            default_stage_id: ids[0].map(uuid::Uuid::from_u128),
            ai_customer_id: ids[1].map(uuid::Uuid::from_u128),
            name: texts.0,
            phone,
            email: texts.1,
            platform: Some(platform.to_owned()),
            source: texts.2,
            chat_status: Some(texts.3),
            blocked: Some(flags[0]),
            is_chat_read: Some(flags[1]),
            created_at: Some(times.0),
            last_message_at: times.1,
            last_inbound_at: times.2,
            contact_list: Some(texts.4),
            external_user_id: texts.5,
        })
        .prop_filter("an identity", has_identity)
}

#[test]
fn importing_an_export_restores_the_same_contacts() {
    let database = TestDatabase::new();
    for region in [Region::DEFAULT, "MX".parse().unwrap()] {
        TestRunner::new(ProptestConfig {
            cases: 24,
            failure_persistence: None,
            ..ProptestConfig::default()
        })
        .run(&proptest::collection::vec(contact(region), 1..20), |contacts| {
            let mut connection = database.connect();
            let source = create_client(&mut connection, region);
            import(&mut connection, source, Rules::default(), |staging| {
                for given in contacts {
                    staging.push(ContactDraft::new(given, staging.now()).expect("a contact"))?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
            let expected = rows(&mut connection, source);
            let (report, file) = export_client(&mut connection, source, ExportFormat::Import);
            let complete = ExportReport {
                contacts: expected.len() as u64,
                ..ExportReport::default()
            };
            prop_assert_eq!(report, complete);
            let target = create_client(&mut connection, region);
            import_file(&mut connection, target, &file);
            prop_assert_eq!(rows(&mut connection, target), expected);
            let (_, again) = export_client(&mut connection, target, ExportFormat::Import);
            prop_assert_eq!(again, file);
            Ok(())
        })
        .unwrap();
    }
}

/// Contacts with few different identities, so that many share a phone or an email.
fn similar_contact() -> impl Strategy<Value = ContactFields> {
    let phones = [
        "+5491155550001",
        "+541155550001",
        "011 15-5555-0001",
        "+5491155550002",
        "123",
        "0",
        "011 15-5555-0001 int. 7",
    ];
    let option = |values: &'static [&'static str]| proptest::option::of(proptest::sample::select(values));
    (
        contact(Region::DEFAULT),
        proptest::option::of(proptest::sample::select(phones.to_vec())),
        option(&["a@example.com", "A@example.com", "b@example.com"]),
        option(&["x", "y", "+5491155550001", "a@example.com"]),
    )
        .prop_map(|(given, phone, email, external_user_id)| ContactFields {
            phone: phone.map(|phone| StoredPhone::read(phone, Region::DEFAULT, DEFAULT_PLATFORM)),
            email: email.map(str::to_owned),
            external_user_id: external_user_id.map(str::to_owned),
            ..given
        })
        .prop_filter("an identity", has_identity)
}

/// Inserts a contact directly, subject only to the schema. A contact whose identity is taken is skipped.
fn add(connection: &mut PgConnection, client: ClientId, given: ContactFields) {
    let (platform, given) = ContactDraft::new(given, chrono::Utc::now())
        .expect("a contact")
        .into_parts();
    let list = given.contact_list.expect("a list");
    let list = clients::ensure_list(connection, client, &list).unwrap();
    let identifies = given.phone.as_ref().is_none_or(|phone| phone.identifies);
    let (phone, key, as_given, extension) = given.phone.map_or((None, None, None, None), |it| {
        (it.phone, it.key, Some(it.as_given), it.extension)
    });
    diesel::sql_query(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, email, platform,
             external_user_id, source, chat_status, blocked, is_chat_read, default_stage_id, ai_customer_id, created_at,
             last_message_at, last_inbound_at, phone_extension, phone_identifies)
         VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Uuid, _>(client.as_uuid())
    .bind::<BigInt, _>(list)
    .bind::<Nullable<Text>, _>(given.name)
    .bind::<Nullable<Text>, _>(phone)
    .bind::<Nullable<Text>, _>(key)
    .bind::<Nullable<Text>, _>(as_given)
    .bind::<Nullable<Text>, _>(given.email)
    .bind::<Text, _>(platform)
    .bind::<Nullable<Text>, _>(given.external_user_id)
    .bind::<Nullable<Text>, _>(given.source)
    .bind::<Nullable<Text>, _>(given.chat_status)
    .bind::<Nullable<Bool>, _>(given.blocked)
    .bind::<Nullable<Bool>, _>(given.is_chat_read)
    .bind::<Nullable<Uuid>, _>(given.default_stage_id)
    .bind::<Nullable<Uuid>, _>(given.ai_customer_id)
    .bind::<Nullable<Timestamptz>, _>(given.created_at)
    .bind::<Nullable<Timestamptz>, _>(given.last_message_at)
    .bind::<Nullable<Timestamptz>, _>(given.last_inbound_at)
    .bind::<Nullable<Text>, _>(extension)
    .bind::<Bool, _>(identifies)
    .execute(connection)
    .unwrap();
}

#[test]
fn an_exact_import_restores_any_export_and_is_idempotent() {
    let database = TestDatabase::new();
    TestRunner::new(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
    .run(
        &proptest::collection::vec(prop_oneof![contact(Region::DEFAULT), similar_contact()], 1..30),
        |contacts| {
            let mut connection = database.connect();
            let source = create_client(&mut connection, Region::DEFAULT);
            for given in contacts {
                add(&mut connection, source, given);
            }
            let expected = rows(&mut connection, source);
            let (exported, file) = export_client(&mut connection, source, ExportFormat::Import);
            prop_assert_eq!((exported.contacts, exported.changed), (expected.len() as u64, 0));
            let target = create_client(&mut connection, Region::DEFAULT);
            let first = import_with(&mut connection, target, &file, true);
            prop_assert_eq!((first.created, first.read), (exported.contacts, exported.contacts));
            prop_assert_eq!(rows(&mut connection, target), expected);
            for client in [source, target] {
                let before = texts(&mut connection, client, "contacts");
                let again = import_with(&mut connection, client, &file, true);
                prop_assert_eq!((again.unchanged, again.read), (exported.contacts, exported.contacts));
                prop_assert_eq!(texts(&mut connection, client, "contacts"), before);
            }
            Ok(())
        },
    )
    .unwrap();
}
