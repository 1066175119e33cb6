//! `GET /api/v1/search`: queries of several words, which are mostly whole names.

use crate::support::TestApp;
use crate::support::contact_query::calls::{OTHERS, add_name, add_others, names, page, search};

/// Adds `count` contacts with the same name. All their messages are of `day`.
fn add_many(app: &TestApp, name: &str, email: &str, count: usize, day: &str) {
    let known = app.database.count("SELECT count(*) FROM contacts");
    app.sql(&format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, email, last_message_at)
         SELECT '{}', gen_random_uuid(), (SELECT min(id) FROM contact_lists), '{name}',
                n + {known} || '{email}', '{day}'
         FROM generate_series(1, {count}) AS n",
        app.client
    ));
}

fn count_named(found: &[String], name: &str) -> usize {
    found.iter().filter(|found| *found == name).count()
}

#[test]
fn any_of_three_words_can_have_the_typing_error() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        let similar = ["Martha Elena Quispe", "Marta Elina Quispe", "Marta Elena Quizpe"];
        for name in similar {
            add_many(&app, name, "@x.example", 9, "2022-01-01");
        }
        // More words are similar to the first word than a walk tests.
        for letter in 'a'..='m' {
            add_name(&app, &format!("Mart{letter} Rojas"));
        }
        let results = search(&app, "marta elena quispe");
        assert_eq!(
            results.len(),
            27,
            "{others} others, without an exact match: {results:?}"
        );
        for result in &results {
            let entries = result["matchedBy"].as_array().expect("an array");
            let similar = entries.iter().filter(|entry| entry["kind"] == "similar").count();
            assert_eq!(similar, 1, "{others} others: {result}");
        }
        add_many(&app, "Marta Elena Quispe", "@y.example", 1, "2021-01-01");
        let found = names(&app, "quispe marta elena");
        assert_eq!(found.len(), 28, "{others} others, with an exact match: {found:?}");
        assert_eq!(found[0], "Marta Elena Quispe");
        for name in similar {
            assert_eq!(count_named(&found, name), 9, "{others} others: {name}");
        }
    }
}

/// 1,300 newer contacts have two of the words. The server reads at most 1,000 contacts at first, so it must ask again.
#[test]
fn newer_contacts_with_two_of_three_words_hide_no_typing_error_in_the_third() {
    let app = TestApp::start();
    add_others(&app, OTHERS[1]);
    // With so many variants, `quispe` has the most grams, and is not asked for at first.
    for ending in 'a'..='z' {
        add_name(&app, &format!("Quispe{ending}"));
    }
    add_many(&app, "Marta Elena Rojas", "@x.example", 1_300, "2023-06-01");
    add_many(&app, "Marta Elena Quispe", "@y.example", 1, "2022-01-01");
    add_many(&app, "Marta Elena Quizpe", "@y.example", 24, "2022-01-01");
    for query in ["marta elena quispe", "quispe elena marta"] {
        let found = names(&app, query);
        assert_eq!(found.len(), 25, "{query}: {found:?}");
        assert_eq!(found[0], "Marta Elena Quispe");
    }
    // Without an exact match, the server reads at most 200 contacts at first.
    assert_eq!(names(&app, "marta elena quixpe").len(), 25);
}

#[test]
fn a_whole_name_in_another_order_comes_before_many_newer_names_with_further_words() {
    let ten = "Íñigo Dós Trés Cuátro Cínco Séis Siéte Ócho Nuéve Diéz";
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        for name in [ten, "Jörg Straße 🎵 100%", "Ana-María O''Brien_Ruiz"] {
            add_many(&app, name, "@x.example", 1, "2021-01-01");
            add_many(&app, &format!("{name} Segundo"), "@x.example", 250, "2022-01-01");
        }
        let reversed: Vec<&str> = ten.split(' ').rev().collect();
        for (query, name) in [
            (&*reversed.join(" "), ten),
            ("100% strasse jorg 🎵", "Jörg Straße 🎵 100%"),
            ("ruiz o'brien ana maria", "Ana-María O'Brien_Ruiz"),
        ] {
            let (results, _) = page(&app, query, None);
            let found: Vec<_> = results.iter().map(|result| &result["name"]).collect();
            assert_eq!(
                (found.len(), found[0].as_str()),
                (20, Some(name)),
                "{others} others: {found:?}"
            );
        }
    }
}

#[test]
fn a_name_beside_a_rare_domain_can_have_a_typing_error_unless_a_page_matches() {
    for others in OTHERS {
        let app = TestApp::start();
        add_others(&app, others);
        let domain = "@quispe-rojas.example";
        add_many(&app, "Marta", domain, 5, "2021-01-01");
        add_many(&app, "Martha", domain, 18, "2022-01-01");
        add_many(&app, "Martha", "@x.example", 50, "2023-06-01");
        let query = format!("marta {domain}");
        let found = names(&app, &query);
        assert_eq!((found.len(), count_named(&found, "Marta")), (23, 5), "{others} others");
        assert!(
            found[..5].iter().all(|name| name == "Marta"),
            "{others} others: {found:?}"
        );
        add_many(&app, "Marta", domain, 20, "2020-01-01");
        let found = names(&app, &query);
        assert_eq!((found.len(), count_named(&found, "Marta")), (25, 25), "{others} others");
    }
}
