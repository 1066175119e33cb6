//! `GET /api/v1/contact-lookup/`: the cases of the contract, one by one.

use chrono::{DateTime, TimeDelta, Utc};
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use serde_json::{Value, json};

use crate::support::app::{add_key, encode, revoke};
use crate::support::{Answer, Contact, TestApp};

const NOT_FOUND: &str = r#"{"found":false,"contact":null,"hasReplied":false,"lastReplyAt":null,"sessionWindowActive":false,"sessionExpiresAt":null}"#;

fn look_up(app: &TestApp, phone: &str) -> Answer {
    app.get(&format!("/api/v1/contact-lookup/?phone={}", encode(phone)))
}

fn error(text: &str) -> String {
    json!({ "error": text }).to_string()
}

#[test]
fn a_found_contact_has_the_documented_members_in_the_documented_order() {
    let app = TestApp::start();
    let added = app.add(Contact {
        name: Some("Juan Perez"),
        phone: Some("+5492235961983"),
        email: Some("juan@ejemplo.com"),
        source: Some("organic"),
        created_at: "'2025-01-15T10:30:00.999Z'",
        last_message_at: "'2025-03-28T14:22:00.5Z'",
        last_inbound_at: "'2025-03-28T14:22:00.5Z'",
        ..Contact::default()
    });
    let list: i64 = {
        use diesel::prelude::*;
        diesel::sql_query("SELECT contact_list_id AS serial_id, '' AS id FROM contacts")
            .get_result::<crate::support::contacts::Added>(&mut app.database.connect())
            .unwrap()
            .serial_id
    };
    let answer = look_up(&app, "5492235961983");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.body,
        format!(
            r#"{{"found":true,"contact":{{"id":{},"fullName":"Juan Perez","phone":"+5492235961983","email":"juan@ejemplo.com","contactListId":{list},"contactListName":"Lista Principal","source":"organic","createdAt":"2025-01-15T10:30:00Z"}},"hasReplied":true,"lastReplyAt":"2025-03-28T14:22:00Z","sessionWindowActive":false,"sessionExpiresAt":null}}"#,
            added.serial_id
        )
    );
}

#[test]
fn missing_values_of_a_contact_are_null() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5492235961983"),
        ..Contact::default()
    });
    let contact = &look_up(&app, "+5492235961983").json()["contact"];
    for member in ["fullName", "email", "source"] {
        assert_eq!(contact[member], Value::Null, "{member}");
    }
}

#[test]
fn an_unknown_number_and_a_text_without_a_number_are_not_found() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5492235961983"),
        ..Contact::default()
    });
    for phone in [
        "5491123456789",
        "hola",
        "@",
        "555-2368",
        "+",
        "' OR 1=1--",
        "%",
        "_",
        "\\",
        &"9".repeat(256),
    ] {
        let answer = look_up(&app, phone);
        assert_eq!((answer.status, answer.body.as_str()), (200, NOT_FOUND), "{phone}");
    }
}

/// Another person may have given the same placeholder, or may have a damaged number with the same digits. A lookup must
/// not find that person.
#[test]
fn a_phone_that_identifies_nobody_is_not_found_by_its_digits() {
    let app = TestApp::start();
    for (stored, asked) in [
        ("000-0000", vec!["000-0000", "0000000", "+0000000"]),
        ("0", vec!["0", "000"]),
        ("5,49112E+12", vec!["5,49112E+12", "54911212", "+54911212"]),
        ("800-44-XY", vec!["800-44-XY", "80044"]),
        ("+1 800-44-XY", vec!["+180044"]),
        ("11 2345-6789 / 11 2345-6780", vec!["11234567891123456780"]),
    ] {
        app.sql("DELETE FROM contacts");
        app.add(Contact {
            phone: Some(stored),
            email: Some("ana@x.com"),
            last_message_at: "now()",
            last_inbound_at: "now()",
            ..Contact::default()
        });
        let body = json!({ "phones": asked });
        let batch = app.send("POST", "/api/v1/contact-lookup/batch", &body).json();
        for (at, phone) in asked.iter().enumerate() {
            assert_eq!(look_up(&app, phone).body, NOT_FOUND, "{stored}: {phone}");
            assert_eq!(batch["results"][at]["found"], false, "{stored}: {phone}");
        }
    }
    // An earlier version stored the placeholder as an identity.
    app.sql("DELETE FROM contacts");
    app.add(Contact {
        phone: Some("000-0000"),
        ..Contact::default()
    });
    app.sql("UPDATE contacts SET phone_identifies = true");
    for phone in ["000-0000", "0"] {
        assert_eq!(look_up(&app, phone).body, NOT_FOUND, "{phone}");
        let body = json!({ "phones": [phone] });
        let batch = app.send("POST", "/api/v1/contact-lookup/batch", &body).json();
        assert_eq!(batch["results"][0]["found"], false, "{phone}");
    }
    // Eva's number has the digits of Ana's damaged phone. Ana's replies do not count as Eva's.
    app.sql("DELETE FROM contacts");
    app.add(Contact {
        phone: Some("5,49112E+12"),
        email: Some("ana@x.com"),
        last_message_at: "now()",
        last_inbound_at: "now()",
        ..Contact::default()
    });
    app.add(Contact {
        name: Some("Eva"),
        phone: Some("54911212"),
        ..Contact::default()
    });
    let searched = app.get("/api/public/contacts/search?phone=54911212").json();
    assert_eq!(
        searched.as_array().map(Vec::len),
        Some(2),
        "the search finds both by their digits"
    );
    let found = look_up(&app, "54911212").json();
    assert_eq!(
        (&found["contact"]["fullName"], &found["hasReplied"]),
        (&json!("Eva"), &json!(false))
    );
}

#[test]
fn a_contact_is_found_by_a_valid_number_that_does_not_identify_it() {
    let app = TestApp::start();
    app.add(Contact {
        name: Some("Ana"),
        phone: Some("+5491123456789"),
        last_message_at: "'2025-03-28T14:22:00Z'",
        last_inbound_at: "'2025-03-28T14:22:00Z'",
        ..Contact::default()
    });
    // The webhook stores such a contact if a person takes over the number of another contact.
    app.sql("UPDATE contacts SET phone_identifies = false");
    for phone in ["+5491123456789", "11 2345-6789", "5491123456789@c.us"] {
        let found = look_up(&app, phone).json();
        assert_eq!(found["contact"]["fullName"], "Ana", "{phone}");
        let body = json!({ "phones": [phone] });
        let batch = app.send("POST", "/api/v1/contact-lookup/batch", &body).json();
        assert_eq!(batch["results"][0]["contact"]["fullName"], "Ana", "{phone}");
    }
    app.add(Contact {
        name: Some("Eva"),
        phone: Some("+541123456789"),
        ..Contact::default()
    });
    let found = look_up(&app, "+541123456789").json();
    assert_eq!(
        (&found["contact"]["fullName"], &found["hasReplied"]),
        (&json!("Eva"), &json!(true))
    );
}

#[test]
fn a_missing_empty_or_blank_phone_is_400() {
    let app = TestApp::start();
    for query in [
        "",
        "?",
        "?phone",
        "?phone=",
        "?phone=%20",
        "?phone=+",
        "?phone=%C2%A0",
        "?fone=1",
        "?PHONE=1",
    ] {
        let answer = app.get(&format!("/api/v1/contact-lookup/{query}"));
        let expected = error("El parametro 'phone' es requerido");
        assert_eq!((answer.status, answer.body), (400, expected), "{query}");
    }
}

#[test]
fn the_trailing_slash_of_the_lookup_is_optional() {
    let app = TestApp::start();
    for path in ["/api/v1/contact-lookup/", "/api/v1/contact-lookup"] {
        assert_eq!(app.get(&format!("{path}?phone=1")).body, NOT_FOUND, "{path}");
    }
    assert_eq!(app.get("/api/v1/contact-lookup//?phone=1").status, 404);
}

#[test]
fn every_kind_of_wrong_key_has_its_documented_answer() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let expired = add_key(&mut connection, app.client, &Scope::ALL, Some(TimeDelta::seconds(-1)));
    let revoked = add_key(&mut connection, app.client, &Scope::ALL, None);
    revoke(&mut connection, &revoked);
    let other_scopes = add_key(&mut connection, app.client, &[Scope::Search, Scope::Write], None);
    let needed = "Este endpoint requiere autenticacion con API Key (header X-API-Key)";
    let unknown = "mindo_000000000000000000000000";
    let long = "x".repeat(4_000);
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, u16, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("no key", vec![], 401, needed),
        ("an empty key", vec![("X-API-Key", "")], 401, needed),
        ("a blank key", vec![("X-API-Key", "   ")], 401, needed),
        ("an expired key", vec![("X-API-Key", &expired)], 401, "API Key expirada"),
        ("a revoked key", vec![("X-API-Key", &revoked)], 401, "API Key expirada"),
        ("an unknown key", vec![("X-API-Key", unknown)], 401, "API Key invalida"),
        ("a malformed key", vec![("X-API-Key", "short")], 401, "API Key invalida"),
        (
            "a key with a blank in it",
            vec![("X-API-Key", "mindo_0000 00000000000000000000")],
            401,
            "API Key invalida",
        ),
        (
            "a key beyond ASCII",
            vec![("X-API-Key", "mindo_ñ00000000000000000000000")],
            401,
            "API Key invalida",
        ),
        ("a very long key", vec![("X-API-Key", &long)], 401, "API Key invalida"),
        (
            "two keys",
            vec![("X-API-Key", &app.key), ("x-api-key", &app.key)],
            401,
            "API Key invalida",
        ),
        (
            "a key without the scope",
            vec![("X-API-Key", &other_scopes)],
            403,
            "API Key no tiene acceso a este recurso",
        ),
    ];
    for (case, headers, status, text) in cases {
        let answer = app.server.send("GET", "/api/v1/contact-lookup/?phone=123", &headers);
        assert_eq!((answer.status, answer.body), (status, error(text)), "{case}");
    }
    let answer = app
        .server
        .send("GET", "/api/v1/contact-lookup/?phone=123", &[("x-ApI-kEy", &app.key)]);
    assert_eq!(answer.status, 200, "the header's name is case-insensitive");
}

#[test]
fn the_exact_number_comes_before_an_equivalent_one() {
    let app = TestApp::start();
    let fixed = app.add(Contact {
        phone: Some("+541123456789"),
        last_message_at: "now()",
        ..Contact::default()
    });
    let mobile = app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    assert_eq!(
        look_up(&app, "+5491123456789").json()["contact"]["id"],
        mobile.serial_id
    );
    assert_eq!(look_up(&app, "+541123456789").json()["contact"]["id"], fixed.serial_id);
}

#[test]
fn ties_are_broken_by_latest_message_then_newest_contact_then_smallest_id() {
    let app = TestApp::start();
    let phone = Some("+5491123456789");
    let add = |platform, created_at, last_message_at| {
        app.add(Contact {
            phone,
            platform,
            created_at,
            last_message_at,
            ..Contact::default()
        })
        .serial_id
    };
    let found = || {
        look_up(&app, "+5491123456789").json()["contact"]["id"]
            .as_i64()
            .unwrap()
    };

    let first = add("sms", "'2025-01-01'", "null");
    add("webchat", "'2025-01-01'", "null");
    assert_eq!(found(), first, "the smallest id");
    let newer = add("messenger", "'2025-01-02'", "null");
    assert_eq!(found(), newer, "the newest contact");
    let written = add("instagram", "'2024-01-01'", "'2025-02-01'");
    assert_eq!(
        found(),
        written,
        "a contact with a message comes before contacts without"
    );
    let latest = add("whatsapp", "'2023-01-01'", "'2025-03-01'");
    assert_eq!(found(), latest, "the latest message");
}

#[test]
fn blocked_contacts_are_found() {
    let app = TestApp::start();
    let blocked = app.add(Contact {
        phone: Some("+5491123456789"),
        blocked: true,
        ..Contact::default()
    });
    assert_eq!(
        look_up(&app, "+5491123456789").json()["contact"]["id"],
        blocked.serial_id
    );
}

#[test]
fn has_replied_counts_the_replies_of_every_contact_on_the_same_line() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+5491123456789"),
        last_message_at: "now()",
        ..Contact::default()
    });
    assert_eq!(look_up(&app, "+5491123456789").json()["hasReplied"], false);
    app.add(Contact {
        phone: Some("+541123456789"),
        platform: "instagram",
        last_message_at: "'2025-05-01T00:00:00Z'",
        last_inbound_at: "'2025-04-01T12:00:00Z'",
        ..Contact::default()
    });
    let answer = look_up(&app, "+5491123456789").json();
    assert_eq!(answer["contact"]["phone"], "+5491123456789");
    assert_eq!(answer["hasReplied"], true);
    assert_eq!(answer["lastReplyAt"], "2025-04-01T12:00:00Z");
    assert_eq!(answer["sessionWindowActive"], false);
}

/// The lookup of a contact on `platform` whose last inbound message is `ago` old.
fn window(platform: &str, ago: &str) -> Value {
    let app = TestApp::start();
    let at = format!("now() - interval '{ago}'");
    app.add(Contact {
        phone: Some("+5491123456789"),
        platform,
        last_message_at: &at,
        last_inbound_at: &at,
        ..Contact::default()
    });
    look_up(&app, "+5491123456789").json()
}

#[test]
fn the_session_window_is_open_for_24_hours_after_an_inbound_whatsapp_message() {
    let open = window("whatsapp", "23 hours 59 minutes");
    assert_eq!(open["sessionWindowActive"], true);
    let time = |member: &str| open[member].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(time("sessionExpiresAt") - time("lastReplyAt"), TimeDelta::hours(24));
    let left = time("sessionExpiresAt") - Utc::now();
    assert!(left > TimeDelta::zero() && left <= TimeDelta::minutes(1), "{left}");

    let closed = window("whatsapp", "24 hours");
    assert_eq!(closed["sessionWindowActive"], false);
    assert_eq!(closed["sessionExpiresAt"], Value::Null);
    assert_eq!(closed["hasReplied"], true);
}

#[test]
fn other_platforms_have_no_session_window() {
    for platform in ["web-whatsapp", "instagram", "sms", "WhatsApp Business"] {
        let answer = window(platform, "1 minute");
        assert_eq!(answer["sessionWindowActive"], false, "{platform}");
        assert_eq!(answer["sessionExpiresAt"], Value::Null, "{platform}");
        assert_eq!(answer["hasReplied"], true, "{platform}");
    }
}

#[test]
fn the_whatsapp_window_counts_even_if_a_contact_of_another_channel_is_shown() {
    let app = TestApp::start();
    let phone = Some("+5491123456789");
    let now = Utc::now();
    let ago = |hours| format!("'{}'", (now - TimeDelta::hours(hours)).format("%Y-%m-%dT%H:00:00Z"));
    let (recent, later) = (ago(2), ago(1));
    let (recent, later) = (recent.as_str(), later.as_str());
    app.add(Contact {
        phone,
        last_message_at: recent,
        last_inbound_at: recent,
        ..Contact::default()
    });
    let sms = Contact {
        phone,
        platform: "sms",
        last_message_at: later,
        last_inbound_at: later,
        ..Contact::default()
    };
    let shown = app.add(sms);
    let answer = look_up(&app, "+5491123456789").json();
    assert_eq!(answer["contact"]["id"], shown.serial_id);
    assert_eq!(answer["sessionWindowActive"], true);
    let time = |member: &str| answer[member].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let beyond_reply = time("sessionExpiresAt") - time("lastReplyAt");
    assert_eq!(
        beyond_reply,
        TimeDelta::hours(23),
        "the last reply is the SMS, but the window starts at the WhatsApp message"
    );
}

#[test]
fn the_whatsapp_id_of_a_person_who_hides_the_number_finds_that_person_alone() {
    let app = TestApp::start();
    let with_id = |external_user_id, platform, last_inbound_at| Contact {
        external_user_id: Some(external_user_id),
        platform,
        last_message_at: last_inbound_at,
        last_inbound_at,
        ..Contact::default()
    };
    let hidden = app.add(with_id("235085806727321@lid", "whatsapp", "now() - interval '1 hour'"));
    let web = app.add(with_id(
        "98765432101234@lid",
        "web-whatsapp",
        "now() - interval '1 hour'",
    ));
    // These have the digits of the id as their phone, or the id on another channel.
    app.add(Contact {
        phone: Some("235085806727321"),
        ..Contact::default()
    });
    app.add(with_id("235085806727321@lid", "instagram", "now()"));
    let other = clients::create_client(&mut app.database.connect(), "Other", Region::DEFAULT).unwrap();
    with_id("55555555555555@lid", "whatsapp", "now()").add(&mut app.database.connect(), other);

    for asked in [
        "235085806727321@lid",
        "235085806727321:7@lid",
        "235085806727321.0:12@LID",
        "jid: +235085806727321@lid",
    ] {
        let answer = look_up(&app, asked).json();
        assert_eq!(answer["contact"]["id"], hidden.serial_id, "{asked}");
        assert_eq!(answer["contact"]["phone"], Value::Null, "{asked}");
        assert_eq!(
            (&answer["hasReplied"], &answer["sessionWindowActive"]),
            (&json!(true), &json!(true)),
            "{asked}"
        );
    }
    let answer = look_up(&app, "98765432101234@lid").json();
    assert_eq!(answer["contact"]["id"], web.serial_id);
    assert_eq!(
        (&answer["hasReplied"], &answer["sessionWindowActive"]),
        (&json!(true), &json!(false))
    );
    for asked in [
        "235085806727322@lid",
        "55555555555555@lid",
        "235085806727321@g.us",
        "@lid",
    ] {
        assert_eq!(look_up(&app, asked).body, NOT_FOUND, "{asked}");
    }
}

#[test]
fn every_row_of_the_phone_table_has_its_expected_answer() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let table = include_str!("../../data/phone-cases.tsv");
    let rows: Vec<[&str; 3]> = table
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>().try_into().expect("three columns"))
        .collect();
    assert!(rows.len() > 30, "the table has too few rows");
    for (number, [region, input, expected]) in rows.into_iter().enumerate() {
        let region: Region = region.parse().unwrap();
        let client = clients::create_client(&mut connection, &format!("{number}"), region).unwrap();
        let key = add_key(&mut connection, client, &[Scope::Lookup], None);
        let stored = if expected == "-" { "+5491123456789" } else { expected };
        Contact {
            phone: Some(stored),
            ..Contact::default()
        }
        .add(&mut connection, client);
        let target = format!("/api/v1/contact-lookup/?phone={}", encode(input));
        let answer = app.server.get(&target, Some(&key)).json();
        if expected == "-" {
            assert_eq!(answer["found"], false, "{region:?} {input}");
        } else {
            assert_eq!(answer["contact"]["phone"], expected, "{region:?} {input}");
        }
    }
}

#[test]
fn the_national_reading_of_bare_digits_comes_before_the_international_one() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    // The digits are a mobile number of Uberlandia in Brazil. With a + they are a landline in Madrid.
    let client = clients::create_client(&mut connection, "BR", "BR".parse().unwrap()).unwrap();
    let key = add_key(&mut connection, client, &[Scope::Lookup], None);
    let found = || {
        let target = "/api/v1/contact-lookup/?phone=34912345678";
        app.server.get(target, Some(&key)).json()["contact"]["phone"].clone()
    };
    Contact {
        phone: Some("+34912345678"),
        last_message_at: "now()",
        ..Contact::default()
    }
    .add(&mut connection, client);
    assert_eq!(found(), "+34912345678");
    Contact {
        phone: Some("+5534912345678"),
        ..Contact::default()
    }
    .add(&mut connection, client);
    assert_eq!(found(), "+5534912345678");
}

#[test]
fn a_plus_that_was_not_percent_encoded_is_understood() {
    let app = TestApp::start();
    app.add(Contact {
        phone: Some("+56912345678"),
        ..Contact::default()
    });
    assert_eq!(
        app.get("/api/v1/contact-lookup/?phone=+56912345678").json()["found"],
        true
    );
}

#[test]
fn an_unresolved_number_is_found_by_its_digits() {
    let app = TestApp::start();
    let added = app.add(Contact {
        phone: Some("15 2345-6789"),
        ..Contact::default()
    });
    assert_eq!(look_up(&app, "(15) 23456789").json()["contact"]["id"], added.serial_id);
}
