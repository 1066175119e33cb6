//! `GET /api/v1/search`: which contacts the words of a query match, how, and in which ranks. The sentences of the
//! specification, one by one.

use serde_json::{Value, json};

use crate::support::contact_query::calls::{
    OTHERS, add_name, add_others, ask, described, entries, ids, names, page, search,
};
use crate::support::{Contact, TestApp};

#[test]
fn a_result_has_the_13_members_of_the_documented_search_then_the_session_and_then_the_matches() {
    let app = TestApp::start();
    let added = app.add(Contact {
        name: Some("María González"),
        phone: Some("+5492235961983"),
        email: Some("maria@example.com"),
        created_at: "'2024-01-15T10:00:00Z'",
        last_message_at: "'2024-09-30T10:00:00.123456Z'",
        last_inbound_at: "'2024-09-29T10:00:00Z'",
        ..Contact::default()
    });
    let answer = ask(&app, "gonzales maria 1983");
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let (id, client) = (added.id, app.client);
    let members = format!(
        r#""id":"{id}","name":"María González","phone":"+5492235961983","email":"maria@example.com","platform":"whatsapp","last_message_at":"2024-09-30T10:00:00.123Z","chat_status":"UNATTENDED","created_at":"2024-01-15T10:00:00.000Z","client_id":"{client}","ai_customer_id":null,"default_stage_id":null,"blocked":false,"is_chat_read":true"#
    );
    let session = r#""hasReplied":true,"sessionWindowActive":false,"sessionExpiresAt":null"#;
    let matches = [
        r#"{"word":"gonzales","field":"name","kind":"similar","highlights":[{"start":6,"end":14}]}"#,
        r#"{"word":"maria","field":"name","kind":"exact","highlights":[{"start":0,"end":5}]}"#,
        r#"{"word":"maria","field":"email","kind":"prefix","highlights":[{"start":0,"end":5}]}"#,
        r#"{"word":"1983","field":"phone","kind":"contains","highlights":[{"start":10,"end":14}]}"#,
    ]
    .join(",");
    assert_eq!(
        answer.body,
        format!(r#"{{"results":[{{{members},{session},"matchedBy":[{matches}]}}],"nextCursor":null}}"#)
    );
    let documented = app.get("/api/public/contacts/search?phone=1983");
    assert_eq!(documented.body, format!("[{{{members}}}]"));
}

#[test]
fn accents_case_apostrophes_and_special_letters_of_names_do_not_matter() {
    let app = TestApp::start();
    for (stored, typed) in [
        ("André", "andre"),
        ("Müller", "muller"),
        ("Łukasz", "lukasz"),
        ("Bjørn", "BJORN"),
        ("Jose\u{301}", "josé"),
        ("Peña", "pen\u{303}a"),
        ("O'Brien", "obrien"),
        ("D’Angelo", "d'angelo"),
        ("N´Diaye", "ndiaye"),
        ("Weiß", "weiss"),
        ("Strauss", "strauß"),
        ("Þór", "thor"),
        ("Æsa", "aesa"),
        ("Đorđe", "dorde"),
        ("Işık", "isik"),
        ("ﬁlip", "filip"),
        ("ΑΛΕΞΗΣ", "αλέξης"),
        ("Сергей", "СЕРГЕЙ"),
        ("小明", "小明"),
        ("🎉Fiesta", "🎉fiesta"),
    ] {
        let id = add_name(&app, stored);
        let results = search(&app, typed);
        let kinds: Vec<&Value> = results.iter().map(|found| &found["matchedBy"][0]["kind"]).collect();
        assert_eq!(ids(&app, typed), [id], "{typed} finds {stored}");
        assert_eq!(kinds, ["exact"], "{typed} finds {stored}");
    }
}

#[test]
fn a_typo_in_a_long_word_finds_the_name_and_a_swap_counts_as_one_edit() {
    let app = TestApp::start();
    for (stored, typed) in [
        ("González", "gonzales"),
        ("John", "jhon"),
        ("Pedro", "perdo"),
        ("Martín", "martn"),
        ("Laura", "laurra"),
        ("Constanza", "konstansa"),
        ("Schwarzenegger", "shwarzeneger"),
        ("Núñez de Balboa", "nunes"),
    ] {
        let id = add_name(&app, stored);
        assert_eq!(ids(&app, typed), [id], "{typed} finds {stored}");
        assert_eq!(search(&app, typed)[0]["matchedBy"][0]["kind"], "similar", "{typed}");
    }
    for (stored, typed) in [
        // Three letters allow no edit, four to seven allow one, and eight or more allow two.
        ("Eva", "iva"),
        ("Ramos", "remus"),
        ("Esteban", "istiban"),
        ("Valentina", "balendima"),
        // Digits are never similar.
        ("Local 1234", "1243"),
        ("Agente7xx", "agente8xx"),
    ] {
        add_name(&app, stored);
        assert_eq!(names(&app, typed), [""; 0], "{typed} does not find {stored}");
    }
}

#[test]
fn the_order_of_the_words_does_not_matter_and_every_word_must_match() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            name: Some("Juan Pablo Díaz"),
            email: Some("jpd@acme.com"),
            phone: Some("+5492235961983"),
            ..Contact::default()
        })
        .id;
    for query in [
        "juan diaz",
        "diaz juan",
        "diaz pablo juan",
        "acme diaz",
        "1983 pab acme",
        "juan juan",
        "juan-pablo diaz",
    ] {
        assert_eq!(ids(&app, query), [id.as_str()], "{query}");
    }
    // A piece in the middle of a name has a word of three characters or more.
    for query in ["juan lopez", "juan-diaz", "acme 1984", "juan @other.com", "n.p"] {
        assert_eq!(names(&app, query), [""; 0], "{query}");
    }
}

#[test]
fn a_prefix_narrows_a_word_to_one_field() {
    let app = TestApp::start();
    let name = add_name(&app, "Maria 1983");
    let email = app
        .add(Contact {
            email: Some("maria1983@x.com"),
            ..Contact::default()
        })
        .id;
    let phone = app
        .add(Contact {
            phone: Some("+5492235961983"),
            ..Contact::default()
        })
        .id;
    for (query, expected) in [
        ("name:maria", vec![&name]),
        ("name: maria", vec![&name]),
        ("name:1983", vec![&name]),
        ("email:maria", vec![&email]),
        ("email: 1983", vec![&email]),
        ("phone:1983", vec![&phone]),
        ("phone: 0223 15-596-1983", vec![&phone]),
        ("name:maria name:1983", vec![&name]),
        ("phone:maria", vec![]),
        ("email:mario", vec![&email]),
        ("name:mario", vec![&name]),
    ] {
        assert_eq!(ids(&app, query).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let mut all = [name, email, phone];
    all.sort();
    let mut found = ids(&app, "1983");
    found.sort();
    assert_eq!(found, all);
}

#[test]
fn a_phone_is_found_in_any_notation_and_by_any_piece() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            name: Some("Ana"),
            phone: Some("+5492235961983"),
            ..Contact::default()
        })
        .id;
    for (query, expected) in [
        ("5492235961983", "exact [+5492235961983]"),
        ("+54 9 223 596-1983", "exact [+5492235961983]"),
        ("54 223 15 596 1983", "exact [+5492235961983]"),
        ("0223 15-596-1983", "equivalent [+5492235961983]"),
        ("(0223) 15-596-1983", "equivalent [+5492235961983]"),
        ("\"0223 15-596-1983\",", "equivalent [+5492235961983]"),
        ("<0223 15 596 1983>", "equivalent [+5492235961983]"),
        ("2235961983", "equivalent [+5492235961983]"),
        ("5492235961983@s.whatsapp.net", "exact [+5492235961983]"),
        ("+54 9 223", "prefix [549223]"),
        ("54922", "prefix [54922]"),
        ("1983", "contains [1983]"),
        ("596198", "contains [596198]"),
        ("223-596", "contains [223596]"),
    ] {
        let results = search(&app, query);
        assert_eq!(results.len(), 1, "{query}");
        assert_eq!(results[0]["id"], id, "{query}");
        let entries = results[0]["matchedBy"].as_array().expect("an array");
        let entry = entries
            .iter()
            .find(|entry| entry["field"] == "phone")
            .expect("a match of the phone");
        let shown = described(&results[0], entry);
        assert!(shown.ends_with(&format!(" phone {expected}")), "{query}: {shown}");
    }
    assert_eq!(ids(&app, "5961984"), [""; 0]);
    assert_eq!(
        entries(&app, "ana 1983"),
        ["ana name exact [Ana]", "1983 phone contains [1983]"]
    );
}

#[test]
fn the_last_four_digits_of_a_phone_rank_like_the_whole_phone() {
    let app = TestApp::start();
    let add = |name, phone, last_message_at| add_phone(&app, name, phone, last_message_at);
    add("At the end", "+5492235965491", "'2025-01-01'");
    add("At the begin", "+5491123456789", "'2025-01-02'");
    add("In the middle", "+5492235491983", "'2025-01-03'");
    assert_eq!(names(&app, "5491"), ["At the end", "At the begin", "In the middle"]);
    assert_eq!(names(&app, "491"), ["In the middle", "At the begin", "At the end"]);
}

#[test]
fn the_last_digits_of_a_phone_are_those_that_were_typed() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        let add = |name, phone, last_message_at| add_phone(&app, name, phone, last_message_at);
        // `0643` is searched as `643`.
        add("As typed", "+5492235960643", "'2025-01-01'");
        add("Begins with 643", "+6433456789", "'2025-01-02'");
        add("Ends with 643", "+5492235961643", "'2025-01-03'");
        add("643 inside", "+5492236431983", "'2025-01-04'");
        let expected = ["As typed", "Begins with 643", "643 inside", "Ends with 643"];
        assert_eq!(names(&app, "phone:0643"), expected, "{others} others");
        // `2231` is searched as `223`, and `01643` as `1643`.
        add("Ends with 2231", "+5492235962231", "'2024-01-01'");
        assert_eq!(names(&app, "phone:2231")[0], "Ends with 2231", "{others} others");
        add("Begins with 1643", "+16435550123", "'2024-01-02'");
        let expected = ["Begins with 1643", "Ends with 643"];
        assert_eq!(names(&app, "phone:01643"), expected, "{others} others");
    }
}

/// Adds a contact with this phone and the SQL time of its last message.
fn add_phone(app: &TestApp, name: &str, phone: &str, last_message_at: &str) {
    app.add(Contact {
        name: Some(name),
        phone: Some(phone),
        last_message_at,
        ..Contact::default()
    });
}

/// Adds contacts with these names. Each one has a later message than the one before.
fn add_names(app: &TestApp, all: &[&str]) {
    for (place, name) in all.iter().enumerate() {
        app.add(Contact {
            name: Some(name),
            external_user_id: Some(&format!("id of {name}")),
            last_message_at: &format!("timestamptz '2025-01-01' + {place} * interval '1 minute'"),
            ..Contact::default()
        });
    }
}

#[test]
fn a_contact_whose_whole_name_is_the_query_comes_first() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        add_names(
            &app,
            &[
                "Maria",
                "María González",
                "González Paz, María",
                "Maria Gonzalez Maria",
                "Mariana Gonzalez",
            ],
        );
        for (query, expected) in [
            (
                "maria",
                &[
                    "Maria",
                    "Maria Gonzalez Maria",
                    "González Paz, María",
                    "María González",
                    "Mariana Gonzalez",
                ][..],
            ),
            (
                "gonzalez maria",
                &[
                    "María González",
                    "Maria Gonzalez Maria",
                    "González Paz, María",
                    "Mariana Gonzalez",
                ],
            ),
            ("maria paz gonzalez", &["González Paz, María"]),
            ("maria-gonzalez", &["María González", "Maria Gonzalez Maria"]),
        ] {
            assert_eq!(names(&app, query), expected, "{query}, {others} others");
        }
    }
}

/// The page must have it although its message is the oldest of all.
#[test]
fn a_whole_name_comes_before_more_than_a_page_of_longer_names() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        add_names(&app, &["Gonzalez Maria"]);
        app.sql(&format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id, last_message_at)
             SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Maria Gonzalez Paz', n,
                    timestamptz '2025-06-01' + n * interval '1 minute'
             FROM generate_series(1, 1500) AS n",
            app.client
        ));
        let found = page(&app, "maria gonzalez", None).0;
        let names: Vec<&Value> = found.iter().map(|found| &found["name"]).collect();
        assert_eq!(names[0], "Gonzalez Maria", "{others} others");
        assert!(
            names[1..].iter().all(|name| *name == "Maria Gonzalez Paz"),
            "{others} others"
        );
    }
}

#[test]
fn similar_contacts_come_by_edits_and_then_those_without_further_words_in_the_name() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        add_names(
            &app,
            &[
                "Constantina Diaz",
                "Constantyna",
                "Constantyna Diaz",
                "Konstantyna",
                "Konstantyna Diaz",
            ],
        );
        for (query, expected) in [
            (
                "constantina",
                &[
                    "Constantina Diaz",
                    "Constantyna",
                    "Constantyna Diaz",
                    "Konstantyna",
                    "Konstantyna Diaz",
                ][..],
            ),
            (
                "diaz constantina",
                &["Constantina Diaz", "Constantyna Diaz", "Konstantyna Diaz"],
            ),
            (
                "konstantina",
                &[
                    "Konstantyna",
                    "Konstantyna Diaz",
                    "Constantina Diaz",
                    "Constantyna",
                    "Constantyna Diaz",
                ],
            ),
        ] {
            assert_eq!(names(&app, query), expected, "{query}, {others} others");
        }
    }
}

#[test]
fn an_external_id_is_found_whole_and_by_its_beginning_and_is_shown_as_the_value() {
    let app = TestApp::start();
    app.add(Contact {
        external_user_id: Some("CRM-7001"),
        ..Contact::default()
    });
    let entry = |query| search(&app, query)[0]["matchedBy"][0].clone();
    assert_eq!(
        entry("crm-7001"),
        json!({ "word": "crm-7001", "field": "externalUserId", "kind": "exact",
                "highlights": [{ "start": 0, "end": 8 }], "value": "CRM-7001" })
    );
    assert_eq!(
        entry("CRM-7"),
        json!({ "word": "CRM-7", "field": "externalUserId", "kind": "prefix",
                "highlights": [{ "start": 0, "end": 5 }], "value": "CRM-7001" })
    );
    assert_eq!(ids(&app, "7001"), [""; 0]);
    app.add(Contact {
        external_user_id: Some("235085806727321@lid"),
        ..Contact::default()
    });
    assert_eq!(entry("235085806727321@lid")["kind"], "exact");
    assert_eq!(entry("2350858")["value"], "235085806727321@lid");
}

#[test]
fn an_email_is_found_whole_by_its_beginning_by_any_piece_and_by_similar_letters() {
    let app = TestApp::start();
    app.add(Contact {
        email: Some("John.Doe24@acme.com"),
        ..Contact::default()
    });
    for (query, expected) in [
        ("john.doe24@ACME.com", "email exact [John.Doe24@acme.com]"),
        ("JOHN.", "email prefix [John.]"),
        ("jóhn", "email prefix [John]"),
        ("@acme.com", "email contains [@acme.com]"),
        ("doe24", "email contains [Doe24]"),
        ("e", "email contains [e]"),
        ("@", "email contains [@]"),
        (".", "email contains [.]"),
    ] {
        assert_eq!(entries(&app, query), [format!("{query} {expected}")], "{query}");
    }
    let kinds = |query: &str| -> Vec<Value> {
        let results = search(&app, query);
        results
            .iter()
            .map(|found| found["matchedBy"][0]["kind"].clone())
            .collect()
    };
    for query in [
        "jhon",
        "jhon.doe24",
        "jhon-doe24@acme.com",
        "jhon.doe24@ac",
        "john_doe24@acme.com",
        "john-doe-24",
    ] {
        assert_eq!(kinds(query), ["similar"], "{query}");
    }
    for query in [
        "jhon.deo",
        "-24",
        "jhon.doe25",
        "jhon@acme.com",
        "jhon.doe24@acne.com",
        "name:john",
    ] {
        assert_eq!(kinds(query), [""; 0], "{query}");
    }
}

#[test]
fn a_pasted_name_with_an_address_finds_the_contact() {
    let app = TestApp::start();
    let id = app
        .add(Contact {
            name: Some("Ana Lópèz"),
            email: Some("ana@x.com"),
            ..Contact::default()
        })
        .id;
    for query in [
        "Ana <ana@x.com>",
        "\"Ana Lópèz\" <ana@x.com>,",
        "López, Ana (ana@x.com);",
        "mailto:ana@x.com",
        "<mailto:ana@x.com>",
        "[ana@x.com]",
        "  ana\t- 'ana@x.com' ",
        "Ana\u{a0}López",
    ] {
        assert_eq!(ids(&app, query), [id.as_str()], "{query}");
    }
    assert_eq!(
        entries(&app, "Ana <ana@x>"),
        [
            "Ana name exact [Ana]",
            "Ana email prefix [ana]",
            "ana@x email prefix [ana@x]"
        ]
    );
}

#[test]
fn highlights_count_utf_16_code_units() {
    let app = TestApp::start();
    let ranges = |query: &str| search(&app, query)[0]["matchedBy"][0]["highlights"].clone();
    for (stored, typed, start, end) in [
        ("🎉 Zoé Paz", "zoe", 3, 6),
        ("Rene\u{301} Kun", "rene", 0, 5),
        ("Rene\u{301} Kun", "kun", 6, 9),
        ("Ire\u{301}ne", "ire", 0, 4),
        ("Groß Vater", "gross", 0, 4),
        ("Groß Vater", "gros", 0, 4),
        ("Groß Vater", "vat", 5, 8),
        ("ﬃly", "ff", 0, 1),
        ("D'Arco", "darc", 0, 5),
        ("Jean-Luc Picard", "jean luc", 0, 4),
        ("𝓐lba", "alb", 0, 4),
        ("👩\u{200d}👩 Wanda", "wand", 6, 10),
    ] {
        app.sql("DELETE FROM contacts");
        add_name(&app, stored);
        assert_eq!(
            ranges(typed),
            json!([{ "start": start, "end": end }]),
            "{typed} in {stored}"
        );
    }
}
