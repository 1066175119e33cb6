//! The model: what counts as evidence, and how much.

use proptest::prelude::*;

use crate::domain::duplicates::{
    Comparison, Field, Frequencies, Level, Model, NameLevel, PhoneFields, Record, RecordFields,
};

pub(super) fn record(name: &str, phone: &str, email: &str) -> Record {
    let phone = (!phone.is_empty()).then_some(PhoneFields {
        phone,
        key: phone,
        extension: None,
    });
    Record::new(&RecordFields {
        name: Some(name),
        email: Some(email),
        phone,
        external_id: None,
    })
}

/// A thousand records, of which 50 are a Maria, 50 a Gonzalez and 2 an Etcheverry.
pub(super) fn frequencies() -> Frequencies {
    let mut frequencies = Frequencies::default();
    frequencies.add_records(1_000);
    for (word, count) in [("maria", 50), ("gonzalez", 50), ("ana", 20), ("etcheverry", 2)] {
        frequencies.add_count(word, count);
    }
    frequencies
}

fn compare(one: &Record, other: &Record) -> Comparison {
    Model::new(&frequencies()).compare(one, other)
}

fn weight(comparison: &Comparison, field: Field) -> f64 {
    let of_field = |reason: &&super::super::Reason| reason.level.field() == field;
    comparison.reasons().find(of_field).unwrap().weight
}

#[test]
fn a_rare_surname_weighs_more_than_a_frequent_one() {
    let name = |name: &str| weight(&compare(&record(name, "", ""), &record(name, "", "")), Field::Name);
    assert!(name("Ana Etcheverry") > name("Ana Gonzalez") + 2.0);
    assert!(name("Ana Gonzalez") > name("Maria Gonzalez"));
}

#[test]
fn a_name_alone_is_too_little_in_a_large_set_if_it_is_frequent() {
    let mut large = Frequencies::default();
    large.add_records(1_000_000);
    large.add_count("maria", 20_000);
    large.add_count("gonzalez", 10_000);
    large.add_count("etcheverry", 5);
    let probability = |name: &str| {
        let record = record(name, "", "");
        Model::new(&large).compare(&record, &record).probability
    };
    assert!(probability("Maria Gonzalez") < 0.1);
    assert!(probability("Maria Etcheverry") > 0.6);
}

#[test]
fn a_missing_field_is_neutral() {
    let phone = "+5491123456789";
    let complete = compare(&record("", phone, ""), &record("", phone, ""));
    let name_missing = compare(&record("Ana", phone, ""), &record("", phone, "ana@x.com"));
    assert_eq!(complete.probability, name_missing.probability);
    assert_eq!(
        compare(&record("", "", ""), &record("Ana", phone, ""))
            .reasons()
            .count(),
        0
    );
}

#[test]
fn two_full_names_on_one_phone_are_a_household_and_not_a_duplicate() {
    let phone = "+5491123456789";
    let same = compare(&record("Ana Gonzalez", phone, ""), &record("Ana Gonzalez", phone, ""));
    let family = compare(
        &record("Ana Etcheverry", phone, ""),
        &record("Luis Etcheverry", phone, ""),
    );
    let reception = compare(&record("Ana Gonzalez", phone, ""), &record("Luis Paz", phone, ""));
    assert!(same.probability > 0.95);
    for comparison in [family, reception] {
        assert!(comparison.probability < 0.3, "{comparison:?}");
        assert!(comparison.is_clearly_another_person());
    }
}

#[test]
fn a_nickname_a_swap_an_initial_and_a_typing_error_are_evidence_for_one_person() {
    let phone = "+5491123456789";
    for name in [
        "Pepe Etcheverry",
        "Etcheverry José",
        "J. Etcheverry",
        "Jose Echeverry",
        "José María Etcheverry",
    ] {
        let comparison = compare(&record("José Etcheverry", phone, ""), &record(name, phone, ""));
        // An initial fits many relatives, so it is neither evidence for nor against one person.
        assert!(weight(&comparison, Field::Name) >= 0.0, "{name} {comparison:?}");
        assert!(comparison.probability > 0.7, "{name} {comparison:?}");
    }
}

#[test]
fn two_frequent_spellings_are_two_names_and_not_a_typing_error() {
    let mut frequencies = Frequencies::default();
    frequencies.add_records(1_000);
    for (word, count) in [("gomez", 20), ("gomes", 20), ("etcheverry", 20), ("echeverry", 0)] {
        frequencies.add_count(word, count);
    }
    let model = Model::new(&frequencies);
    let compare = |one: &str, other: &str| model.compare(&record(one, "", ""), &record(other, "", ""));
    let frequent = weight(&compare("Ana Gomez", "Ana Gomes"), Field::Name);
    let rare = weight(&compare("Ana Etcheverry", "Ana Echeverry"), Field::Name);
    assert!(rare > frequent + 2.0, "{rare} {frequent}");
}

#[test]
fn an_email_made_of_the_name_is_not_counted_beside_the_name() {
    let made_of_name = compare(
        &record("Ana Etcheverry", "", "ana.etcheverry@acme.com"),
        &record("Ana Etcheverry", "", "ana.etcheverri@acme.com"),
    );
    let independent = compare(
        &record("Ana Etcheverry", "", "bluebird.77@acme.com"),
        &record("Ana Etcheverry", "", "bluebird77@acme.com"),
    );
    assert_eq!(made_of_name.level(Field::Email), independent.level(Field::Email));
    assert_eq!(weight(&made_of_name, Field::Email), 0.0);
    assert!(weight(&independent, Field::Email) > 5.0);
    assert!(made_of_name.probability < independent.probability);
}

#[test]
fn the_reasons_say_how_many_records_have_a_word() {
    let frequencies = frequencies();
    let model = Model::new(&frequencies);
    let one = record("Ana Etcheverry", "+5491123456789", "");
    let other = record("Etcheverry, Ana", "+5491199999999", "");
    let comparison = model.compare(&one, &other);
    assert_eq!(
        model.explain(&one, &other, &comparison),
        [
            "the phones differ: -1.6",
            "the names have the same words in another order: ana (in 20 of 1,000 records), etcheverry (in 2 of 1,000 \
             records): +13.2"
        ]
    );
}

#[test]
fn every_level_has_a_text_of_its_own() {
    let texts: std::collections::HashSet<&str> = Level::all().map(Level::text).collect();
    assert_eq!(texts.len(), Level::all().count());
}

#[test]
fn a_record_of_usual_size_takes_at_most_150_bytes() {
    let usual = Record::new(&RecordFields {
        name: Some("María Fernanda González"),
        email: Some("mariafernanda.gonzalez@example.com"),
        phone: Some(PhoneFields {
            phone: "+5491123456789",
            key: "541123456789",
            extension: None,
        }),
        external_id: Some("5491123456789"),
    });
    assert!(usual.bytes() <= 150, "{}", usual.bytes());
}

#[test]
fn the_parts_of_a_record_are_folded() {
    let record = Record::new(&RecordFields {
        name: Some("Dra. Ana de la Peña"),
        email: Some(" Ana.Pena+X@Gmail.com "),
        ..RecordFields::default()
    });
    assert_eq!(record.name(), "ana pena");
    assert_eq!(record.email(), "ana.pena+x@gmail.com");
    assert_eq!(record.mailbox(), "anapena@gmail.com");
    let name = |name: &str| super::model::record(name, "", "").name().to_owned();
    assert_eq!(name("De la"), "de la");
    assert_eq!(name("José Ortega y Gasset"), "jose ortega gasset");
    assert_eq!(name("E. Gasset"), "e gasset");
    let long = Record::new(&RecordFields {
        external_id: Some(&"é".repeat(100_000)),
        ..RecordFields::default()
    });
    assert_eq!(long.external_id().len(), 512);
}

fn any_record() -> impl Strategy<Value = Record> {
    let word = prop::sample::select(vec![
        "ana",
        "anna",
        "maria",
        "mario",
        "jose",
        "pepe",
        "gomez",
        "gomes",
        "lopez",
        "a",
        "g",
        "de",
        "etcheverry",
    ]);
    let name = prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "));
    let email = prop::sample::select(vec![
        "",
        "ana@acme.com",
        "a.na@gmail.com",
        "ana@gmail.com",
        "info@acme.com",
        "gomez.ana@acme.com",
        "x",
        "@",
    ]);
    let phone = prop::sample::select(vec!["", "541123456789", "541123456788", "541923456789", "123"]);
    (name, email, phone).prop_map(|(name, email, phone)| record(&name, phone, email))
}

proptest! {
    #[test]
    fn a_comparison_does_not_depend_on_the_order_of_the_records(one in any_record(), other in any_record()) {
        let comparison = compare(&one, &other);
        prop_assert_eq!(comparison, compare(&other, &one));
        prop_assert!((0.0..=1.0).contains(&comparison.probability));
        prop_assert!(comparison.reasons().all(|reason| reason.weight.is_finite()));
    }

    #[test]
    fn a_record_is_no_worse_match_for_itself_than_for_another_one(one in any_record(), other in any_record()) {
        let has_full_name = one.words().count() >= 2 && one.words().all(|word| word.len() > 1);
        // Colleagues share a phone and a role's mailbox more often than records of one person do.
        if !has_full_name || one.email() == "info@acme.com" {
            return Ok(());
        }
        // A family can share a phone and a name, and hardly a similar phone. So a similar phone can weigh more.
        prop_assert!(compare(&one, &one).probability >= compare(&one, &other).probability - 0.01);
    }

    #[test]
    fn equal_full_names_are_never_different_people(one in any_record()) {
        let level = compare(&one, &one).level(Field::Name);
        let is_same = matches!(level, None | Some(Level::Name(NameLevel::Same)));
        prop_assert!(is_same, "{level:?}");
    }
}
