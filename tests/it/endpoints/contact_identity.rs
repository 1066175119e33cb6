//! The contact that a write refers to, whatever notation its phone has and whatever endpoint takes it.

use serde_json::{Value, json};

use crate::support::app::encode;
use crate::support::contact_api::{UPSERT, batch, count, edit, outcomes, refusal, stored, upsert};
use crate::support::import::import as import_file;
use crate::support::{Contact, TestApp};

use contact_search::store::clients;
use contact_search::transfer::import::ImportOptions;

/// A way to write a contact of the channel `sms` with a phone and a name.
type Write = fn(&TestApp, &str, &str);

const WRITES: [(&str, Write); 3] = [
    ("upsert", |app, phone, name| {
        upsert(
            app,
            json!({"channel": "sms", "contact_phone_number": phone, "contact_name": name}),
        );
    }),
    ("batch", |app, phone, name| {
        let results = batch(app, json!([{"platform": "sms", "phone": phone, "name": name}]));
        assert_ne!(results[0]["status"], "error", "{results:?}");
    }),
    ("import", |app, phone, name| {
        import(app, &format!("platform,phone,name\nsms,\"{phone}\",{name}\n"));
    }),
];

fn import(app: &TestApp, file: &str) {
    let mut connection = app.database.connect();
    let client = clients::find_client(&mut connection, "Test").unwrap().unwrap();
    import_file(
        &mut connection,
        &client,
        file.as_bytes(),
        &[],
        &ImportOptions::default(),
    )
    .unwrap();
}

fn lookup(app: &TestApp, phone: &str) -> Value {
    app.get(&format!("/api/v1/contact-lookup/?phone={phone}")).json()
}

#[test]
fn national_and_international_notations_of_one_line_are_one_contact_in_every_way_to_write_and_either_order() {
    let app = TestApp::start();
    for (first_notation, second_notation) in [
        ("11 2345-6789", "+54 9 11 2345-6789"),
        ("+54 9 11 2345-6789", "11 2345-6789"),
        ("011 15-2345-6789", "541123456789"),
    ] {
        for (first, write_first) in WRITES {
            for (second, write_second) in WRITES {
                app.sql("DELETE FROM contacts");
                write_first(&app, first_notation, "Ana");
                write_second(&app, second_notation, "Eva");
                assert_eq!(
                    stored(&app, "name phone_as_given"),
                    format!("Eva {second_notation}"),
                    "{first}, then {second}"
                );
            }
        }
    }
}

#[test]
fn a_write_without_an_external_id_updates_the_oldest_contact_with_the_number_or_else_the_oldest_on_the_line() {
    let app = TestApp::start();
    for (name, write) in WRITES {
        app.sql("DELETE FROM contacts");
        let add = |phone, external_user_id, created_at| {
            app.add(Contact {
                phone: Some(phone),
                external_user_id,
                platform: "sms",
                created_at,
                ..Contact::default()
            })
        };
        add("+5491123456789", Some("oldest"), "now() - interval '3 days'");
        add("+541123456789", Some("same number"), "now() - interval '2 days'");
        add("+541123456789", None, "now() - interval '1 day'");
        write(&app, "11 2345-6789", "Ana");
        assert_eq!(
            stored(&app, "external_user_id name"),
            "oldest -\nsame number Ana\n- -",
            "{name}"
        );
        app.sql("DELETE FROM contacts WHERE phone = '+541123456789'");
        write(&app, "11 2345-6789", "Eva");
        assert_eq!(stored(&app, "external_user_id name"), "oldest Eva", "{name}");
    }
}

#[test]
fn an_unknown_external_id_adopts_the_contact_on_the_line_that_has_none() {
    let app = TestApp::start();
    type Adopt = fn(&TestApp);
    let writes: [(&str, Adopt); 3] = [
        ("upsert", |app| {
            upsert(
                app,
                json!({"channel": "sms", "contact_phone_number": "11 2345-6789", "external_user_id": "7"}),
            );
        }),
        ("batch", |app| {
            batch(
                app,
                json!([{"platform": "sms", "phone": "11 2345-6789", "externalUserId": "7"}]),
            );
        }),
        ("import", |app| {
            import(app, "platform,phone,external_id\nsms,11 2345-6789,7\n")
        }),
    ];
    for (name, write) in writes {
        app.sql("DELETE FROM contacts");
        let add = |external_user_id| {
            app.add(Contact {
                phone: Some("+5491123456789"),
                platform: "sms",
                external_user_id,
                ..Contact::default()
            })
        };
        add(Some("6"));
        write(&app);
        assert_eq!(
            stored(&app, "external_user_id"),
            "6\n7",
            "{name}: every contact on the line has an external id"
        );
        app.sql("DELETE FROM contacts WHERE external_user_id = '7'");
        let free = add(None);
        write(&app);
        assert_eq!(
            stored(&app, "external_user_id id"),
            format!("6 {}\n7 {}", stored(&app, "id").lines().next().unwrap(), free.id),
            "{name}"
        );
    }
}

#[test]
fn two_contacts_on_one_line_that_exist_already_stay_two() {
    let app = TestApp::start();
    for (name, write) in WRITES {
        app.sql("DELETE FROM contacts");
        for phone in ["+5491123456789", "+541123456789"] {
            app.add(Contact {
                phone: Some(phone),
                platform: "sms",
                ..Contact::default()
            });
        }
        write(&app, "+54 9 11 2345-6789", "Ana");
        write(&app, "+54 11 2345-6789", "Eva");
        assert_eq!(
            stored(&app, "phone name"),
            "+5491123456789 Ana\n+541123456789 Eva",
            "{name}"
        );
    }
}

#[test]
fn a_damaged_phone_cell_does_not_replace_the_valid_phone_of_a_contact() {
    let app = TestApp::start();
    let valid = "+5491123456705";
    let id = upsert(
        &app,
        json!({"channel": "sms", "contact_phone_number": valid, "external_user_id": "7", "contact_email": "a@x.com"}),
    )["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (number, damaged) in ["5,49112E+12", "5.49112E+12", "0", "4555000"].into_iter().enumerate() {
        let name = |way: &str| format!("{way}{number}");
        let answer = upsert(
            &app,
            json!({"channel": "sms", "contact_phone_number": damaged, "external_user_id": "7",
                   "contact_name": name("upsert")}),
        );
        assert_eq!(
            (&answer["phone"], &answer["name"]),
            (&json!(valid), &json!(name("upsert")))
        );
        let results = batch(
            &app,
            json!([{"platform": "sms", "phone": damaged, "externalUserId": "7", "name": name("batch")}]),
        );
        assert_eq!(results[0]["status"], "updated");
        assert_eq!(
            results[0]["warning"],
            "The member 'phone' is not a valid number, so the contact kept its own, which is better."
        );
        assert_eq!(stored(&app, "phone name"), format!("{valid} {}", name("batch")));
        let file = format!(
            "platform,phone,external_id,name\nsms,\"{damaged}\",7,{}\n",
            name("import")
        );
        import(&app, &file);
        assert_eq!(stored(&app, "phone name"), format!("{valid} {}", name("import")));
        let answer = edit(&app, &id, json!({"phone": damaged, "name": "Eva"}));
        assert_eq!(
            refusal(&answer),
            "The member 'phone' is not a valid number, and the contact's own is better. Correct it, or set it to null \
             first."
        );
        assert_eq!(stored(&app, "phone name"), format!("{valid} {}", name("import")));
        assert_eq!(lookup(&app, "%2B5491123456705")["found"], true);
    }
    // A valid number replaces any phone, and one that is not valid is better than none.
    assert_eq!(edit(&app, &id, json!({"phone": null})).status, 200);
    assert_eq!(edit(&app, &id, json!({"phone": "4555000"})).json()["phone"], "4555000");
    assert_eq!(
        edit(&app, &id, json!({"phone": "+56912345678"})).json()["phone"],
        "+56912345678"
    );
    let results = batch(
        &app,
        json!([{"platform": "sms", "phone": valid, "externalUserId": "7"}]),
    );
    assert!(results[0].get("warning").is_none(), "{results:?}");
    assert_eq!(stored(&app, "phone"), valid);
}

#[test]
fn placeholder_phones_do_not_merge_different_people_into_one_contact() {
    let app = TestApp::start();
    for phone in ["0", "000-0000", "5,49112E+12", "5.49112E+12", "800-44-XY"] {
        app.sql("DELETE FROM contacts");
        let item = |email: &str| json!({"platform": "sms", "phone": phone, "email": email});
        let results = batch(
            &app,
            json!([item("a@x.com"), item("b@x.com"), {"platform": "sms", "phone": phone}, item("A@x.com")]),
        );
        let refused = "The member 'phone' identifies nobody. Correct it, or also give an external id or an email.";
        assert_eq!(
            outcomes(&results),
            ["created", "created", refused, "updated"],
            "{phone}"
        );
        let body = |email: Option<&str>| json!({"channel": "sms", "contact_phone_number": phone, "contact_email": email, "contact_name": "Ana"});
        assert_eq!(
            refusal(&app.send("POST", UPSERT, &body(None))),
            refused.replace("'phone'", "'contact_phone_number'"),
            "{phone}"
        );
        upsert(&app, body(Some("b@x.com")));
        assert_eq!(
            stored(&app, "email name phone_as_given"),
            format!("A@x.com - {phone}\nb@x.com Ana {phone}")
        );
    }
}

#[test]
fn a_hidden_number_is_an_external_id_and_upserts_batches_and_edits_refuse_groups() {
    let app = TestApp::start();
    let hidden = "98765432101234@lid";
    let whatsapp = json!({"channel": "whatsapp", "contact_phone_number": hidden, "contact_name": "Ana"});
    assert_eq!(
        refusal(&app.send("POST", UPSERT, &whatsapp)),
        "The contact is not identified. Give 'contact_phone_number'."
    );
    upsert(&app, json!({"channel": "other", "contact_phone_number": hidden}));
    let results = batch(
        &app,
        json!([{"phone": hidden, "name": "Ana"}, {"phone": hidden, "externalUserId": "7"}]),
    );
    assert_eq!(outcomes(&results), ["updated", "created"]);
    assert_eq!(
        stored(&app, "external_user_id phone name"),
        format!("{hidden} - Ana\n7 - -")
    );
    let group = "a person's phone number: three digits or more, and no WhatsApp group, broadcast or channel";
    let id = stored(&app, "id");
    let id = id.lines().next().unwrap();
    for address in [
        "120363025246125486@g.us",
        "120363144038483540@newsletter",
        "status@broadcast",
    ] {
        let body = json!({"channel": "sms", "contact_phone_number": address, "contact_email": "a@x.com"});
        let expected = format!("The member 'contact_phone_number' should be {group}.");
        assert_eq!(refusal(&app.send("POST", UPSERT, &body)), expected);
        let results = batch(
            &app,
            json!([{"phone": address, "email": "a@x.com"}, {"externalUserId": address}]),
        );
        assert_eq!(
            outcomes(&results),
            [
                format!("The member 'phone' should be {group}."),
                "The member 'externalUserId' should be a person's id, and no WhatsApp group, broadcast or channel."
                    .to_owned()
            ]
        );
        let expected = format!("The member 'phone' should be {group}.");
        assert_eq!(refusal(&edit(&app, id, json!({"phone": address}))), expected);
    }
    assert_eq!(
        refusal(&edit(&app, id, json!({"phone": hidden}))),
        "The member 'phone' should be a phone number: a WhatsApp id that ends in @lid has none."
    );
    assert_eq!(count(&app), 2);
}

#[test]
fn a_platform_is_one_channel_in_any_case_of_its_letters() {
    let app = TestApp::start();
    let phone = "+5491123456789";
    upsert(&app, json!({"channel": " WhatsApp ", "contact_phone_number": phone}));
    batch(
        &app,
        json!([{"platform": "WHATSAPP", "phone": phone, "lastInboundAt": chrono::Utc::now().to_rfc3339()}]),
    );
    import(&app, &format!("platform,phone,name\nWhatsapp,{phone},Ana\n"));
    assert_eq!(stored(&app, "platform name"), "whatsapp Ana");
    assert_eq!(lookup(&app, "%2B5491123456789")["sessionWindowActive"], true);
    let long = json!({"channel": "w".repeat(65), "contact_email": "a@x.com"});
    assert_eq!(
        refusal(&app.send("POST", UPSERT, &long)),
        "The member 'channel' is longer than 64 characters. Shorten it."
    );
}

#[test]
fn a_change_to_an_equivalent_number_of_another_contact_is_409() {
    let app = TestApp::start();
    let add = |phone, external_user_id| {
        app.add(Contact {
            phone: Some(phone),
            external_user_id,
            ..Contact::default()
        })
    };
    add("+5491123456789", None);
    let free = add("+56912345678", None);
    let identified = add("+56912345678", Some("7"));
    assert_eq!(edit(&app, &free.id, json!({"phone": "+541123456789"})).status, 409);
    assert_eq!(
        edit(&app, &identified.id, json!({"phone": "+541123456789"})).status,
        200
    );
    // Two contacts that share a line already can both be changed.
    let twin = add("+541123456789", None);
    let changed = edit(&app, &twin.id, json!({"phone": "11 2345-6789", "name": "Eva"}));
    assert_eq!((changed.status, &changed.json()["name"]), (200, &json!("Eva")));
}

#[test]
fn two_extensions_of_one_switchboard_are_two_contacts_in_every_way_to_write() {
    let app = TestApp::start();
    let (first, second, none) = ("011 4123-4567 int. 101", "011 4123-4567 int. 102", "011 4123-4567");
    for (name, write) in WRITES {
        app.sql("DELETE FROM contacts");
        write(&app, first, "Ana");
        write(&app, second, "Eva");
        write(&app, none, "Recepcion");
        write(&app, "+54 11 4123-4567 ext. 101", "Ana Maria");
        write(&app, "+54 9 11 4123-4567 x102", "Eva Luz");
        assert_eq!(
            stored(&app, "name phone_extension"),
            "Ana Maria 101\nEva Luz 102\nRecepcion -",
            "{name}"
        );
    }
}

#[test]
fn a_lookup_with_an_extension_finds_the_contact_of_that_extension() {
    let app = TestApp::start();
    let add = |phone, name, last_message_at| {
        app.add(Contact {
            phone: Some(phone),
            name: Some(name),
            last_message_at,
            ..Contact::default()
        })
    };
    add("011 4123-4567 int. 101", "101", "now() - interval '2 days'");
    add("011 4123-4567 int. 102", "102", "now() - interval '1 day'");
    add("+5491141234567", "mobile", "now()");
    let name = |phone: &str| lookup(&app, &encode(phone))["contact"]["fullName"].clone();
    for (phone, expected) in [
        ("011 4123-4567 int. 101", "101"),
        ("+541141234567 int. 102", "102"),
        ("+54 11 4123-4567", "102"),
        // No contact has this extension. So a contact with the requested number comes before one with an equivalent
        // number.
        ("+54 11 4123-4567 int. 103", "102"),
        ("+54 9 11 4123-4567", "mobile"),
    ] {
        assert_eq!(name(phone), expected, "{phone}");
    }
    let phones = ["011 4123-4567 int. 101", "011 4123-4567 int. 102"];
    let answer = app.send("POST", "/api/v1/contact-lookup/batch", &json!({ "phones": phones }));
    let results = answer.json()["results"].clone();
    let names: Vec<&Value> = results
        .as_array()
        .unwrap_or_else(|| panic!("{answer:?}"))
        .iter()
        .map(|result| &result["contact"]["fullName"])
        .collect();
    assert_eq!(names, ["101", "102"]);
}

#[test]
fn a_lookup_with_an_extension_finds_its_contact_also_by_an_equivalent_number() {
    let app = TestApp::start();
    for (name, write) in WRITES {
        app.sql("DELETE FROM contacts");
        write(&app, "011 4321-5000", "Recepcion");
        write(&app, "11 4321-5000 int. 102", "Eva");
        write(&app, "+54 9 11 4321-5000 int. 102", "Eva");
        let phones = ["11 4321-5000 int. 102", "+54 9 11 4321-5000 x102", "011 4321-5000"];
        let expected = ["Eva", "Eva", "Recepcion"];
        for (phone, expected) in phones.iter().zip(expected) {
            let found = lookup(&app, &encode(phone));
            assert_eq!(found["contact"]["fullName"], expected, "{name}: {phone}");
        }
        let answer = app.send("POST", "/api/v1/contact-lookup/batch", &json!({ "phones": phones }));
        for (at, expected) in expected.iter().enumerate() {
            let found = &answer.json()["results"][at]["contact"]["fullName"];
            assert_eq!(found, expected, "{name}: {at}");
        }
    }
}

#[test]
fn patch_reads_a_whatsapp_phone_internationally() {
    let app = TestApp::start();
    app.sql("UPDATE clients SET default_region = 'BR'");
    let add = |platform| {
        app.add(Contact {
            email: Some("a@x.com"),
            platform,
            ..Contact::default()
        })
    };
    for (platform, expected) in [("whatsapp", "+51987654321"), ("sms", "+5551987654321")] {
        let contact = add(platform);
        let changed = edit(&app, &contact.id, json!({"phone": "51987654321"}));
        assert_eq!(changed.json()["phone"], expected, "{platform}");
    }
}
