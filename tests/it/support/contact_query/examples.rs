//! The model's own answers about examples that were worked out by hand.

use chrono::Utc;
use contact_search::domain::phone::Region;
use serde_json::{Value, json};
use uuid::Uuid;

use super::contact::{Contact, Stored};
use super::query::{Refusal, words};
use super::ranking::find;
use super::text::{Text, edits, name_words};

/// A contact of an example.
struct Example {
    name: &'static str,
    phone: Option<&'static str>,
    email: Option<&'static str>,
    external: Option<&'static str>,
}

const NOBODY: Example = Example {
    name: "",
    phone: None,
    email: None,
    external: None,
};

impl Example {
    fn contact(&self) -> Contact {
        Stored::example(self.name, self.phone, self.email, self.external).into()
    }
}

fn texts(query: &str) -> Vec<String> {
    let words = words(query, Region::DEFAULT).expect("the query is valid");
    words.into_iter().map(|word| word.text).collect()
}

/// The rank of the contact, and word, field, kind and highlighted text of each entry. `None` if it does not match.
fn matches(example: &Example, query: &str) -> Option<(usize, Vec<[String; 4]>)> {
    let words = words(query, Region::DEFAULT).expect("the query is valid");
    let contact = example.contact();
    let found = find(std::slice::from_ref(&contact), &words).pop()?;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = found.matched_by.iter().map(|entry| {
        let value = match entry["field"].as_str() {
            Some("name") => example.name.to_owned(),
            Some("phone") => contact.stored.phone.clone().expect("a phone"),
            Some("email") => example.email.expect("an email").to_owned(),
            _ => text(&entry["value"]),
        };
        let units: Vec<u16> = value.encode_utf16().collect();
        let ranges = entry["highlights"].as_array().expect("ranges").iter();
        let marked = ranges.map(|range| {
            let [start, end] = ["start", "end"].map(|name| range[name].as_u64().expect("a number") as usize);
            String::from_utf16(&units[start..end]).expect("whole characters")
        });
        let marked: Vec<String> = marked.collect();
        [
            text(&entry["word"]),
            text(&entry["field"]),
            text(&entry["kind"]),
            marked.join("|"),
        ]
    });
    Some((found.rank, entries.collect()))
}

/// The only entry of the only word, and the rank.
fn only(example: &Example, query: &str) -> Option<(usize, String)> {
    let (rank, entries) = matches(example, query)?;
    let [entry] = &entries[..] else {
        panic!("{query} has several entries: {entries:?}");
    };
    Some((rank, format!("{} {} {}", entry[1], entry[2], entry[3])))
}

fn named(name: &'static str) -> Example {
    Example { name, ..NOBODY }
}

fn mailed(email: &'static str) -> Example {
    Example {
        email: Some(email),
        ..NOBODY
    }
}

fn phoned(phone: &'static str) -> Example {
    Example {
        phone: Some(phone),
        ..NOBODY
    }
}

#[track_caller]
fn check(example: &Example, query: &str, expected: Option<(usize, &str)>) {
    let found = only(example, query);
    assert_eq!(found, expected.map(|(rank, text)| (rank, text.to_owned())), "{query}");
}

#[test]
fn the_model_splits_and_cleans_words() {
    assert_eq!(texts("Ana <ana@x.com>,"), ["Ana", "ana@x.com"]);
    assert_eq!(texts("(\"Ana\") <mailto:ana@x.com>"), ["Ana", "ana@x.com"]);
    assert_eq!(texts("ana - lópez"), ["ana", "lópez"]);
    assert_eq!(texts("@"), ["@"]);
    assert_eq!(texts("name: ana"), ["ana"]);
    assert_eq!(texts("ana ana Ana"), ["ana"]);
    assert_eq!(texts("garcia-lopez"), ["garcia-lopez"]);
}

#[test]
fn the_model_joins_words_that_are_one_phone() {
    assert_eq!(texts("11 2345 6789"), ["11 2345 6789"]);
    assert_eq!(texts("11 2345"), ["11", "2345"]);
    assert_eq!(texts("+54 11"), ["+54 11"]);
    assert_eq!(texts("(223) 15"), ["(223) 15"]);
    assert_eq!(texts("ana (0223) 555-0123 2"), ["ana", "(0223) 555-0123 2"]);
    assert_eq!(texts("phone: 11 2345 6789 ana"), ["11 2345 6789", "ana"]);
}

#[test]
fn the_model_refuses_blank_queries_and_eleven_words() {
    let refusal = |query: &str| words(query, Region::DEFAULT).err();
    assert_eq!(refusal(" \u{3000}"), Some(Refusal::Blank));
    assert_eq!(refusal("a b c d e f g h i j"), None);
    assert_eq!(refusal("a b c d e f g h i j k"), Some(Refusal::TooManyWords));
    assert_eq!(refusal("a b c d e f g h i j a"), None);
}

#[test]
fn the_model_folds_names() {
    let words = |name: &str| -> Vec<String> {
        let words = name_words(name);
        words.iter().map(|word| word.chars.iter().collect()).collect()
    };
    assert_eq!(words("MARÍA  González-Łuk"), ["maria", "gonzalez", "luk"]);
    assert_eq!(words("O'Brien O’Brien O´Brien ʼx"), ["obrien", "obrien", "obrien", "x"]);
    assert_eq!(words("Straße Ærø ﬁn ẞ İı"), ["strasse", "aero", "fin", "ss", "ii"]);
    assert_eq!(words("«¡Ana!» 🎉Party 李"), ["ana", "🎉party", "李"]);
    assert_eq!(words("❤\u{fe0f}Ana Jose\u{301}"), ["❤ana", "jose"]);
}

#[test]
fn the_model_keeps_the_places_of_the_original_text() {
    let folded = Text::folded("🎉Jose\u{301}ß");
    let all: String = folded.chars.iter().collect();
    assert_eq!(all, "🎉josess");
    assert_eq!(folded.source(1..5), 2..7);
    assert_eq!(folded.source(5..6), 7..8);
    assert_eq!(folded.source(0..1), 0..2);
}

#[test]
fn the_model_counts_edits() {
    let count = |a: &str, b: &str| edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
    for (a, b, expected) in [
        ("jhon", "john", 1),
        ("gonzales", "gonzalez", 1),
        ("anna", "ana", 1),
        ("ca", "abc", 3),
        ("", "abc", 3),
        ("abcd", "badc", 2),
        ("same", "same", 0),
    ] {
        assert_eq!((count(a, b), count(b, a)), (expected, expected), "{a} {b}");
    }
}

#[test]
fn the_model_matches_names() {
    check(&named("André Díaz"), "andre", Some((1, "name exact André")));
    check(&named("Łukasz"), "LUKASZ", Some((0, "name exact Łukasz")));
    check(
        &named("García López"),
        "garcia-lopez",
        Some((0, "name exact García López")),
    );
    check(
        &named("Ana García-López"),
        "garcia-lo",
        Some((2, "name prefix García-Ló")),
    );
    check(&named("Groß"), "gros", Some((2, "name prefix Groß")));
    check(&named("Roberto"), "ber", Some((3, "name contains ber")));
    check(&named("Roberto"), "be", None);
    check(&named("Ana Maria"), "a-mar", Some((3, "name contains a Mar")));
    check(&named("John O'Brien"), "obrien", Some((1, "name exact O'Brien")));
    check(&named("María"), "phone:maria", None);
}

#[test]
fn the_model_matches_similar_names() {
    check(&named("John Doe"), "jhon", Some((7, "name similar John")));
    check(&named("María González"), "gonzales", Some((7, "name similar González")));
    check(
        &named("Constantinopla"),
        "konstantinople",
        Some((8, "name similar Constantinopla")),
    );
    check(&named("Ana"), "anna", Some((6, "name similar Ana")));
    check(&named("Anna"), "ann", Some((2, "name prefix Ann")));
    check(&named("Lee"), "leo", None);
    check(&named("Agente 24"), "agent7", None);
    check(
        &named("García López"),
        "garsia-lopes",
        Some((8, "name similar García López")),
    );
    let (rank, entries) = matches(&named("John Smith"), "jhon smiht").expect("both words are similar");
    assert_eq!((rank, entries.len()), (8, 2));
}

#[test]
fn the_model_matches_emails() {
    let email = mailed("Ana.Lopez24@Acme.com");
    check(
        &email,
        "ana.lopez24@acme.com",
        Some((1, "email exact Ana.Lopez24@Acme.com")),
    );
    check(&email, "ANA.", Some((2, "email prefix Ana.")));
    check(&email, "@acme.com", Some((3, "email contains @Acme.com")));
    check(&email, "@", Some((3, "email contains @")));
    check(&email, "lópez", Some((3, "email contains Lopez")));
    check(&email, "lopes", Some((7, "email similar Lopez")));
    check(&email, "lopes24@ac", Some((7, "email similar Lopez24")));
    check(&email, "lopes25", None);
    check(&email, "lopes@acme", None);
    check(&email, "lopes24@x", None);
    check(&email, "name:ana", None);
}

#[test]
fn the_model_matches_phones_and_external_ids() {
    let phone = phoned("+5492235961983");
    check(&phone, "5492235961983", Some((1, "phone exact +5492235961983")));
    check(&phone, "0223 15-596-1983", Some((1, "phone equivalent +5492235961983")));
    check(&phone, "+54 9 223", Some((2, "phone prefix 549223")));
    check(&phone, "1983", Some((1, "phone contains 1983")));
    check(&phone, "983", Some((3, "phone contains 983")));
    check(&phone, "5961", Some((3, "phone contains 5961")));
    check(
        &phone,
        "5492235961983@s.whatsapp.net",
        Some((1, "phone exact +5492235961983")),
    );
    check(&phone, "email:5961", None);
    let external = Example {
        external: Some("U-7001"),
        ..NOBODY
    };
    check(&external, "u-7001", Some((1, "externalUserId exact U-7001")));
    check(&external, "u-7", Some((2, "externalUserId prefix U-7")));
    check(&external, "7001", None);
}

#[test]
fn the_model_demands_every_word_and_ranks_by_the_worst_one() {
    let ana = Example {
        name: "Ana López",
        phone: Some("+5492235961983"),
        email: Some("ana@x.com"),
        external: None,
    };
    let (rank, entries) = matches(&ana, "lopez an 1983").expect("each word matches");
    assert_eq!(rank, 2);
    let entries: Vec<String> = entries.iter().map(|entry| entry.join(" ")).collect();
    assert_eq!(
        entries,
        [
            "lopez name exact López",
            "an name prefix An",
            "an email prefix an",
            "1983 phone contains 1983"
        ]
    );
    assert!(matches(&ana, "ana lopez pedro").is_none());
}

#[test]
fn the_model_ranks_similar_contacts_only_if_fewer_than_twenty_match_better() {
    let words = words("john", Region::DEFAULT).unwrap();
    for (exact, expected) in [(19, 20), (20, 20)] {
        let names = (0..exact).map(|_| "John").chain(["Jhon"]);
        let contacts: Vec<Contact> = names.map(|name| named(name).contact()).collect();
        let found = find(&contacts, &words);
        assert_eq!(found.len(), expected, "{exact}");
        let kinds = found
            .iter()
            .filter(|found| found.matched_by[0]["kind"] == json!("similar"));
        assert_eq!(kinds.count(), expected - exact);
    }
}

fn rank(example: &Example, query: &str) -> Option<usize> {
    matches(example, query).map(|(rank, _)| rank)
}

/// The names of the contacts that match, in the order of the answer.
fn order(contacts: &[Contact], query: &str) -> Vec<String> {
    let words = words(query, Region::DEFAULT).expect("the query is valid");
    let name = |id: Uuid| {
        let contact = contacts.iter().find(|contact| contact.stored.id == id);
        contact.expect("a contact of the example").stored.name.clone()
    };
    let found = find(contacts, &words).into_iter();
    found.filter_map(|found| name(found.id)).collect()
}

fn all_named(names: &[&'static str]) -> Vec<Contact> {
    names.iter().map(|name| named(name).contact()).collect()
}

#[test]
fn the_model_ranks_a_whole_name_before_a_longer_one() {
    let maria = named("María González");
    for query in [
        "maria gonzalez",
        "gonzalez maria",
        "maria-gonzalez",
        "name:gonzalez maria",
    ] {
        assert_eq!(rank(&maria, query), Some(0), "{query}");
    }
    // The words in a word keep their order.
    assert_eq!(rank(&maria, "gonzalez-maria"), None);
    assert_eq!(rank(&maria, "maria"), Some(1));
    assert_eq!(rank(&maria, "maria gonzale"), Some(2));
    assert_eq!(rank(&named("Maria"), "maria"), Some(0));
    assert_eq!(rank(&named("López-García"), "garcia lopez"), Some(0));
    // The name has this word twice.
    assert_eq!(rank(&named("Ana Ana"), "ana"), Some(1));
    assert_eq!(rank(&named("Ana María Ana"), "ana ana-maria"), Some(0));
    // Contacts without messages are in the order in which they were added.
    let all = all_named(&["Mariana", "Maria Perez", "Perez Maria Paz", "Maria"]);
    assert_eq!(
        order(&all, "maria"),
        ["Maria", "Maria Perez", "Perez Maria Paz", "Mariana"]
    );
    assert_eq!(order(&all, "perez maria"), ["Maria Perez", "Perez Maria Paz"]);
}

#[test]
fn the_model_knows_no_whole_name_without_a_name_or_with_a_word_of_another_field() {
    assert_eq!(rank(&mailed("ana@x.com"), "ana@x.com"), Some(1));
    assert_eq!(rank(&mailed("a@b"), "@"), Some(3));
    let line = Example {
        name: "1983",
        phone: Some("1983"),
        ..NOBODY
    };
    // A word that can be a phone is no word of the name.
    assert_eq!(rank(&line, "1983"), Some(1));
    assert_eq!(rank(&line, "name:1983"), Some(0));
    assert_eq!(rank(&line, "phone:1983"), Some(1));
    let ana = Example {
        name: "Ana",
        email: Some("ana.gil@x.com"),
        phone: Some("+5492235961983"),
        ..NOBODY
    };
    assert_eq!(rank(&ana, "Ana <ana.gil@x.com>"), Some(0));
    assert_eq!(rank(&ana, "ana 1983"), Some(0));
    assert_eq!(rank(&ana, "ana ana.gil@x"), Some(2));
    // Each word of the name is typed, but one is only the beginning of the external id.
    let id = Example {
        name: "López García",
        external: Some("garcia-lopez-7"),
        ..NOBODY
    };
    assert_eq!(rank(&id, "garcia-lopez"), Some(2));
}

#[test]
fn the_model_ranks_last_digits_as_they_are_typed() {
    // `0643` is searched as `643`.
    check(&phoned("+5492235960643"), "0643", Some((1, "phone contains 643")));
    check(&phoned("+5492235960643"), "0-6-4-3", Some((1, "phone contains 643")));
    check(&phoned("+5492235961643"), "0643", Some((3, "phone contains 643")));
    check(&phoned("+5492236431983"), "0643", Some((3, "phone contains 643")));
    check(&phoned("+6433456789"), "0643", Some((2, "phone prefix 643")));
    // Four digits remain of `01643`, but the number does not end with all typed digits.
    check(&phoned("+5492235961643"), "01643", Some((3, "phone contains 1643")));
    check(&phoned("+5492235961643"), "1643", Some((1, "phone contains 1643")));
    // `2231` is searched as `223`, and that is not at the end.
    check(&phoned("+5492235962231"), "2231", Some((1, "phone contains 223")));
    check(&phoned("+5492235961983"), "2231", Some((3, "phone contains 223")));
}

#[test]
fn the_model_ranks_similar_contacts_by_edits_and_then_by_whole_names() {
    assert_eq!(rank(&named("John Doe"), "jhon doe"), Some(6));
    assert_eq!(rank(&named("John Doe"), "doe jhon"), Some(6));
    assert_eq!(rank(&named("John Doe Smith"), "jhon doe"), Some(7));
    assert_eq!(rank(&named("John Smith"), "smiht jhon"), Some(8));
    assert_eq!(rank(&named("John M Smith"), "smiht jhon"), Some(9));
    // A word that is a beginning in the name uses up no word of it.
    assert_eq!(rank(&named("John Doering"), "jhon doe"), Some(7));
    // `doe` is in the email, and not in the name.
    let mailed = Example {
        name: "John Smith",
        email: Some("doe@x.com"),
        ..NOBODY
    };
    assert_eq!(rank(&mailed, "jhon doe"), Some(7));
    assert_eq!(rank(&named("John 24"), "jhon 24"), Some(7));
    let named_by_line = Example {
        name: "John 1983",
        phone: Some("+5492235961983"),
        ..NOBODY
    };
    assert_eq!(rank(&named_by_line, "jhon 1983"), Some(7));
    assert_eq!(rank(&named_by_line, "jhon phone:1983"), Some(7));
    let all = all_named(&["Konstantyna", "Constantyna Diaz", "Constantyna", "Constantina Diaz"]);
    assert_eq!(
        order(&all, "constantina"),
        ["Constantina Diaz", "Constantyna", "Constantyna Diaz", "Konstantyna"]
    );
}

#[test]
fn the_model_ranks_other_punctuation_before_typing_errors() {
    check(
        &mailed("john.doe24@acme.com"),
        "john_doe24@acme.com",
        Some((5, "email similar john.doe24")),
    );
}

#[test]
fn the_model_ranks_the_100_similar_contacts_with_the_latest_messages() {
    for (newer, expected) in [(99, "John"), (100, "John Doe")] {
        let mut all = all_named(&["John"]);
        all.extend((0..newer).map(|_| {
            let mut contact = named("John Doe").contact();
            contact.stored.last_message_at = Some(Utc::now());
            contact
        }));
        let found = order(&all, "jhon");
        assert_eq!((found.len(), &*found[0]), (100, expected));
    }
}
