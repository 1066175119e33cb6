//! `GET /api/v1/search`: the order of the results, the pages, and the session of each result.

use diesel::RunQueryDsl;
use serde_json::Value;

use crate::support::app::encode;
use crate::support::contact_query::calls::{OTHERS, add_name, add_others, ids, names, page, search};
use crate::support::contacts::Added;
use crate::support::messages::{message, status};
use crate::support::period_border::{hold_border, set_border};
use crate::support::{Contact, TestApp};

#[test]
fn exact_matches_come_before_prefixes_then_pieces_and_then_the_similar_ones() {
    let app = TestApp::start();
    // The better the match is, the older is the message.
    let add = |name, last_message_at| {
        app.add(Contact {
            name: Some(name),
            external_user_id: Some(name),
            last_message_at,
            ..Contact::default()
        });
    };
    add("Marina Diaz", "'2025-01-01'");
    add("Ana Marinas", "'2025-01-02'");
    add("Submarina", "'2025-01-03'");
    add("Marena", "'2025-01-04'");
    add("Karina Marian", "'2025-01-05'");
    assert_eq!(
        names(&app, "marina"),
        ["Marina Diaz", "Ana Marinas", "Submarina", "Marena", "Karina Marian"],
        "of two contacts with one edit, the one without further words comes first"
    );
    // The worst word of a contact decides.
    add("Marina Tex", "'2025-01-06'");
    add("Submarina Texas", "'2025-01-07'");
    add("Marina Texas", "null");
    assert_eq!(
        names(&app, "marina texas"),
        ["Marina Texas", "Submarina Texas"],
        "a similar word has four characters or more"
    );
    assert_eq!(
        names(&app, "marina tex"),
        ["Marina Tex", "Marina Texas", "Submarina Texas"]
    );
    // Fewer edits come first, and the edits of all words are added.
    let app = TestApp::start();
    for name in [
        "Valentina Lopez",
        "Valentyna Lopez",
        "Valentyna Lopes",
        "Walentyna Lopes",
    ] {
        add_name(&app, name);
    }
    assert_eq!(
        names(&app, "lopez valentina"),
        [
            "Valentina Lopez",
            "Valentyna Lopez",
            "Valentyna Lopes",
            "Walentyna Lopes"
        ]
    );
}

#[test]
fn within_a_rank_the_latest_message_comes_first_and_then_the_smaller_id() {
    let app = TestApp::start();
    let add = |email, last_message_at, blocked, platform| {
        let contact = Contact {
            name: Some("Ana"),
            email: Some(email),
            last_message_at,
            blocked,
            platform,
            ..Contact::default()
        };
        app.add(contact).id
    };
    let mut silent = [
        add("1@x.com", "null", false, "sms"),
        add("2@x.com", "null", true, "webchat"),
    ];
    let mut tied = [
        add("3@x.com", "'2025-01-01'", false, "sms"),
        add("4@x.com", "'2025-01-01'", false, "playground"),
    ];
    let latest = add("5@x.com", "'2025-01-02'", true, "instagram");
    let oldest = add("6@x.com", "'2020-01-01'", false, "web-whatsapp");
    silent.sort();
    tied.sort();
    assert_eq!(ids(&app, "ana"), [&[latest][..], &tied, &[oldest], &silent].concat());
}

#[test]
fn similar_contacts_are_found_only_if_fewer_than_twenty_match_better() {
    for others in OTHERS {
        for better in [1, 12, 19, 20] {
            let app = TestApp::start();
            add_others(&app, others);
            for number in 0..better {
                add_name(
                    &app,
                    &format!("{} {number}", if number % 2 == 0 { "John" } else { "Johnny" }),
                );
            }
            for number in 0..3 {
                add_name(&app, &format!("Jhon {number}"));
            }
            // The server reads the contacts with the latest messages first.
            app.sql("UPDATE contacts SET last_message_at = '2025-01-01' WHERE name LIKE 'J%'");
            let found = names(&app, "john");
            let similar = found.iter().filter(|name| name.starts_with("Jhon")).count();
            let expected = (better, if better < 20 { 3 } else { 0 });
            assert_eq!((found.len() - similar, similar), expected, "{others} others");
        }
    }
}

/// Texts that look similar at first sight must not crowd out the similar ones.
#[test]
fn many_newer_contacts_with_some_of_the_letters_do_not_hide_a_similar_one() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        app.sql(&format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, name, email, last_message_at)
             SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists),
                    CASE n % 2 WHEN 0 THEN 'Garsia ' || n END, 'johnson' || n || '@x.com', now()
             FROM generate_series(1, 1200) AS n",
            app.client
        ));
        add_name(&app, "John Doe");
        add_name(&app, "Garcia Lopez");
        assert_eq!(names(&app, "jhon"), ["John Doe"], "{others} others");
        assert_eq!(names(&app, "garzia-lopes"), ["Garcia Lopez"], "{others} others");
    }
}

#[test]
fn every_page_has_contacts_that_match_one_word_by_a_piece_and_another_by_a_typing_error() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        for number in 0..45 {
            add_name(&app, &format!("Gonzalo Peres {number}"));
        }
        let found = names(&app, "zalo perez");
        assert_eq!(found.len(), 45, "{others} others");
    }
}

#[test]
fn the_words_of_an_external_id_hide_no_words_of_the_email() {
    let app = TestApp::start();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, email, external_user_id, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'maria' || n || '@x.com',
                'a maria ' || n, '2022-01-01'
         FROM generate_series(1, 250) AS n",
        app.client
    ));
    add_others(&app, OTHERS[1]);
    assert_eq!(ids(&app, "maria").len(), 250);
}

#[test]
fn a_page_has_20_results_and_the_last_page_has_no_cursor() {
    let app = TestApp::start();
    for (contacts, expected) in [(19, vec![19]), (20, vec![20]), (21, vec![20, 1]), (45, vec![20, 20, 5])] {
        app.sql(&format!(
            "DELETE FROM contacts;
             INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id, last_message_at)
             SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Ana ' || n, n,
                    CASE WHEN n % 3 > 0 THEN timestamptz '2025-01-01' + n / 4 * interval '1 minute' END
             FROM generate_series(1, {contacts}) AS n",
            app.client
        ));
        let mut sizes = Vec::new();
        let mut cursor = None;
        loop {
            let (results, next) = page(&app, "ana", cursor.as_deref());
            sizes.push(results.len());
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(sizes, expected, "{contacts} contacts");
        let mut all = ids(&app, "ana");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), contacts);
    }
}

#[test]
fn pages_have_no_gap_and_no_repeat_on_either_side_of_the_border_of_the_periods() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let _held = hold_border(app.database.connect());
    // More matches than the server ranks at once, and none among the newest contacts. So each page asks the index of
    // grams. Each period has five matches, some with equal times.
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'Maria ' || n, 'm' || n,
                contact_period_start(contact_period(now()) - 1 - n / 5) + (n % 5 / 2) * interval '1 day'
         FROM generate_series(0, 349) AS n",
        app.client
    ));
    add_others(&app, OTHERS[1]);
    app.sql("UPDATE contacts SET last_message_at = now() WHERE name = 'Zoe Ku'");
    let order =
        "SELECT id::text AS id, serial_id FROM contacts WHERE name LIKE 'Maria%' ORDER BY last_message_at DESC, id";
    let expected: Vec<Added> = diesel::sql_query(order).load(&mut connection).unwrap();
    let expected: Vec<String> = expected.into_iter().map(|contact| contact.id).collect();
    for periods in [2, 3, 4, 9, 30, 31, 32, 33, 69, 70, 71] {
        set_border(&mut connection, &format!("contact_period(now()) - {periods}"));
        assert_eq!(ids(&app, "maria"), expected, "the border is {periods} periods ago");
    }
    // The border rises between the pages.
    for step in [1, 3, 8] {
        let (mut found, mut cursor) = (Vec::new(), None);
        for periods in (0..60).rev().step_by(step) {
            set_border(&mut connection, &format!("contact_period(now()) - {periods}"));
            let (results, next) = page(&app, "maria", cursor.as_deref());
            found.extend(
                results
                    .iter()
                    .map(|found| found["id"].as_str().expect("an id").to_owned()),
            );
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let shown = expected.len().min(20 * 60_usize.div_ceil(step));
        assert_eq!(found, expected[..shown], "the border rises by {step} periods");
    }
}

#[test]
fn a_cursor_stays_valid_while_messages_arrive() {
    let app = TestApp::start();
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, platform, name, phone, phone_key, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), 'whatsapp',
                CASE WHEN n % 5 = 0 THEN 'Anabel' ELSE 'Ana' END, '+5491123456' || 100 + n, '5491123456' || 100 + n,
                CASE WHEN n % 4 > 0 THEN timestamptz '2025-01-01' + n / 3 * interval '1 minute' END
         FROM generate_series(1, 70) AS n",
        app.client
    ));
    let before = search(&app, "ana");
    assert_eq!(before.len(), 70);
    let id = |found: &Value| found["id"].as_str().expect("an id").to_owned();
    let (mut seen, mut changed) = (Vec::new(), Vec::new());
    let mut cursor = None;
    let mut minute = 0;
    loop {
        let (results, next) = page(&app, "ana", cursor.as_deref());
        seen.extend(results.iter().map(id));
        let Some(next) = next else { break };
        cursor = Some(next);
        // A message of a contact that was shown, and one of a contact that was not, with each name.
        for is_seen in [true, false] {
            for name in ["Ana", "Anabel"] {
                let waiting = before.iter().filter(|found| found["name"] == name);
                let mut waiting = waiting.filter(|found| seen.contains(&id(found)) == is_seen);
                let Some(contact) = waiting.next() else { continue };
                minute += 1;
                let sent_at = format!("2025-06-01T10:{minute:02}:00Z");
                let phone = contact["phone"].as_str().expect("a phone");
                let recorded = status(&app, &message(phone, "inbound", &sent_at));
                assert_eq!(recorded, "updated");
                changed.push(id(contact));
            }
        }
    }
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "no result comes twice");
    let lost: Vec<String> = before.iter().map(id).filter(|id| !seen.contains(id)).collect();
    assert!(
        lost.iter().all(|id| changed.contains(id)),
        "an unchanged contact is lost"
    );
    assert!(changed.len() >= 6, "messages arrived: {changed:?}");
}

#[test]
fn of_contacts_that_match_only_by_similarity_the_100_with_the_latest_messages_are_ranked() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        let insert = |name: &str, count: usize, first: usize, time: &str| {
            app.sql(&format!(
                "INSERT INTO contacts (client_id, id, contact_list_id, name, external_user_id, last_message_at)
                 SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), '{name}', {first} + n,
                        timestamptz '{time}' + n * interval '1 minute'
                 FROM generate_series(1, {count}) AS n",
                app.client
            ));
        };
        // One edit is better than two. But the messages of three contacts are too old.
        insert("Constantyna", 3, 0, "2024-01-01");
        insert("Konstantyna", 98, 1_000, "2025-01-01");
        insert("Constantyna", 4, 3_000, "2025-06-01");
        let found = names(&app, "constantina");
        assert_eq!(found.len(), 100, "{others} others");
        let (similar, less_similar) = found.split_at(4);
        assert!(
            similar.iter().all(|name| name == "Constantyna"),
            "{others} others: {similar:?}"
        );
        assert!(less_similar.iter().all(|name| name == "Konstantyna"), "{others} others");
    }
}

#[test]
fn the_session_is_that_of_the_lookup_for_the_same_number() {
    let app = TestApp::start();
    let add = |email, phone, platform, last_inbound_at| {
        app.add(Contact {
            name: Some("Ana"),
            email: Some(email),
            phone,
            platform,
            last_message_at: last_inbound_at,
            last_inbound_at,
            ..Contact::default()
        });
    };
    // Two contacts share a line, one of them on WhatsApp.
    add(
        "a@x.com",
        Some("+5492235961983"),
        "whatsapp",
        "now() - interval '3 hours'",
    );
    add("b@x.com", Some("+542235961983"), "sms", "now() - interval '1 hour'");
    add(
        "c@x.com",
        Some("+5491123456789"),
        "whatsapp",
        "now() - interval '25 hours'",
    );
    add("d@x.com", Some("+5491123456780"), "sms", "now() - interval '1 hour'");
    add("e@x.com", Some("+5491123456781"), "whatsapp", "null");
    add("f@x.com", None, "whatsapp", "now() - interval '2 hours'");
    add("g@x.com", None, "sms", "now() - interval '2 hours'");
    add("h@x.com", None, "whatsapp", "null");
    let results = search(&app, "ana");
    let session =
        |value: &Value| ["hasReplied", "sessionWindowActive", "sessionExpiresAt"].map(|name| value[name].clone());
    let mut active = Vec::new();
    for result in &results {
        let email = result["email"].as_str().expect("an email");
        if let Some(phone) = result["phone"].as_str() {
            let lookup = app
                .get(&format!("/api/v1/contact-lookup/?phone={}", encode(phone)))
                .json();
            assert_eq!(session(result), session(&lookup), "{email}");
        }
        assert_eq!(
            result["sessionWindowActive"],
            !result["sessionExpiresAt"].is_null(),
            "{email}"
        );
        if result["sessionWindowActive"] == true {
            active.push(email.to_owned());
            let expires_at = result["sessionExpiresAt"].as_str().expect("a time");
            assert_eq!(
                (expires_at.len(), expires_at.ends_with('Z')),
                (20, true),
                "whole seconds"
            );
        }
    }
    active.sort();
    assert_eq!(active, ["a@x.com", "b@x.com", "f@x.com"]);
    let mut replied: Vec<&str> = results
        .iter()
        .filter(|found| found["hasReplied"] == true)
        .map(|found| found["email"].as_str().expect("an email"))
        .collect();
    replied.sort_unstable();
    assert_eq!(
        replied,
        ["a@x.com", "b@x.com", "c@x.com", "d@x.com", "f@x.com", "g@x.com"]
    );
}

/// Contacts with a whole number are read by its match key, however old they are. They must not take the places of
/// contacts that are read later.
#[test]
fn old_contacts_with_a_whole_number_do_not_hide_newer_ones_that_end_with_it() {
    let app = TestApp::start();
    // From the newest to the oldest: contacts without the digits, contacts with the digits, every eleventh of which ends
    // with them, contacts with no other digits, and again contacts without the digits. With the three old ones, the
    // 201 newest contacts with the digits have just enough contacts for a page.
    app.database.execute(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, external_user_id, phone, phone_key, phone_identifies,
                               last_message_at)
         SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                'N' || n, phone, ltrim(phone, '+'), phone <> '1122', now() - n * interval '1 minute'
         FROM (SELECT n, CASE
                   WHEN n BETWEEN 701 AND 1000 AND n % 11 = 0 THEN '+54911' || 3000 + n || '1122'
                   WHEN n BETWEEN 701 AND 1000 THEN '+5491' || '1122' || 30000 + n
                   WHEN n BETWEEN 1001 AND 1003 THEN '1122'
                   ELSE '+549220' || 3335000 + n END AS phone
               FROM generate_series(1, 5000) AS n) AS phones",
        client = app.client
    ));
    let found = search(&app, "1122");
    let mut phones: Vec<&str> = found.iter().map(|contact| contact["phone"].as_str().unwrap()).collect();
    let exact = phones.iter().position(|phone| !phone.ends_with("1122")).unwrap();
    assert_eq!(exact, 30, "{phones:?}");
    assert_eq!(phones.len(), 303);
    phones.sort_unstable();
    phones.dedup();
    assert_eq!(phones.len(), 301, "three contacts have the same number");
}
