//! The verdicts.

use super::model::{frequencies, record};
use crate::domain::duplicates::{
    Comparison, Decisive, Judgement, Match, Model, Parameters, Record, RecordFields, Verdict, judge,
};

const PHONE: &str = "+5491123456789";
const OTHER_PHONE: &str = "+5491198765432";

fn compare(row: &Record, other: &Record) -> Comparison {
    Model::new(&frequencies()).compare(row, other)
}

/// Judges a row against contacts, whose ids count up from 1, and against earlier rows, whose lines count up from 2.
fn judged(row: &Record, contacts: &[Record], rows: &[Record]) -> Judgement<i64> {
    let contacts: Vec<Match<i64>> = (1..)
        .zip(contacts)
        .map(|(id, contact)| Match {
            id,
            comparison: compare(row, contact),
        })
        .collect();
    let rows: Vec<Match<u64>> = (2..)
        .zip(rows)
        .map(|(id, earlier)| Match {
            id,
            comparison: compare(row, earlier),
        })
        .collect();
    let threshold = Parameters::get().threshold;
    let judgement = judge(&contacts, &rows, threshold);
    let reversed: Vec<_> = contacts.into_iter().rev().collect();
    assert_eq!(
        judge(&reversed, &rows, threshold),
        judgement,
        "the order does not matter"
    );
    judgement
}

fn with_key(name: &str, phone: &str, key: &str) -> Record {
    Record::new(&RecordFields {
        name: Some(name),
        phone: Some(crate::domain::duplicates::PhoneFields {
            phone,
            key,
            extension: None,
        }),
        ..RecordFields::default()
    })
}

fn with_id(name: &str, phone: &str, external_id: &str) -> Record {
    let key = phone;
    Record::new(&RecordFields {
        name: Some(name),
        phone: Some(crate::domain::duplicates::PhoneFields {
            phone,
            key,
            extension: None,
        }),
        external_id: Some(external_id),
        ..RecordFields::default()
    })
}

#[test]
fn a_row_that_matches_nothing_is_new() {
    let row = record("Ana Paz", PHONE, "ana@acme.com");
    let judgement = judged(&row, &[], &[]);
    assert_eq!((judgement.verdict, judgement.score), (Verdict::New, 0.0));
    assert_eq!(judgement.decisive, None);
    let judgement = judged(&row, &[record("Luis Gomez", OTHER_PHONE, "luis@acme.com")], &[]);
    assert_eq!(judgement.verdict, Verdict::New);
    assert!(judgement.score < 0.01 && judgement.contact_ids.is_empty());
}

#[test]
fn the_same_phone_email_or_external_id_is_exact() {
    for (row, contact) in [
        (record("Ana Paz", PHONE, ""), record("Ana Paz", PHONE, "ana@acme.com")),
        (record("", PHONE, ""), record("Ana Paz", PHONE, "")),
        (
            record("A. Paz", "", "Ana@Acme.com"),
            record("Ana Paz", PHONE, "ana@acme.com"),
        ),
        (with_id("Ana Paz", PHONE, "7"), with_id("Luis Gomez", OTHER_PHONE, "7")),
    ] {
        let judgement = judged(&row, &[record("Luis Paz", "", ""), contact], &[]);
        assert_eq!(
            (judgement.verdict, &judgement.contact_ids[..]),
            (Verdict::Exact, &[2][..]),
            "{row:?}"
        );
        assert!(matches!(judgement.decisive, Some((Decisive::Contact(2), _))));
    }
}

#[test]
fn the_same_line_an_alias_or_enough_likeness_is_likely() {
    for (row, contact) in [
        (
            with_key("Ana Paz", "+541123456789", "541123456789"),
            with_key("Ana Paz", "+5491123456789", "541123456789"),
        ),
        (
            record("", "", "ana.paz+shop@gmail.com"),
            record("", "", "anapaz@googlemail.com"),
        ),
        (
            record("Etcheverri, Ana", "", "bluebird@acme.com"),
            record("Ana Etcheverry", "", "blubird@acme.com"),
        ),
    ] {
        let judgement = judged(&row, &[contact], &[]);
        assert_eq!(judgement.verdict, Verdict::Likely, "{row:?}: {judgement:?}");
    }
}

#[test]
fn a_phone_of_a_clearly_different_person_is_a_conflict() {
    let contact = record("Ana Etcheverry", PHONE, "ana@acme.com");
    for name in ["Luis Gomez", "Luis Etcheverry", "Ana Gomez", "Luis"] {
        let judgement = judged(&record(name, PHONE, ""), std::slice::from_ref(&contact), &[]);
        assert_eq!(
            (judgement.verdict, &judgement.contact_ids[..]),
            (Verdict::Conflict, &[1][..]),
            "{name}"
        );
        assert!(judgement.score < 0.8);
    }
    for name in ["Ana Etcheverri", "Ana", "", "Anita Etcheverry"] {
        let judgement = judged(&record(name, PHONE, ""), std::slice::from_ref(&contact), &[]);
        assert_eq!(judgement.verdict, Verdict::Exact, "{name}");
    }
}

#[test]
fn a_member_of_a_household_whose_contact_exists_is_exact() {
    let household = [record("Ana Paz", PHONE, ""), record("Luis Paz", PHONE, "")];
    let judgement = judged(&record("Luis Paz", PHONE, ""), &household, &[]);
    assert_eq!(
        (judgement.verdict, &judgement.contact_ids[..]),
        (Verdict::Exact, &[2][..])
    );
    // On a phone that several people share, a part of a name is no certainty.
    let judgement = judged(&record("Luis", PHONE, ""), &household, &[]);
    assert_eq!(
        (judgement.verdict, &judgement.contact_ids[..]),
        (Verdict::Likely, &[2][..])
    );
}

#[test]
fn a_phone_without_a_full_name_is_likely_if_the_person_can_be_somebody_else() {
    let ana = [record("Ana Paz", PHONE, "ana@acme.com")];
    let luis = [record("Luis Paz", PHONE, "")];
    let verdict = |name: &str, email: &str, rows: &[Record]| judged(&record(name, PHONE, email), &ana, rows).verdict;
    // Nobody else is known on the phone.
    assert_eq!(verdict("", "", &[]), Verdict::Exact);
    assert_eq!(verdict("Ana", "", &[]), Verdict::Exact);
    // An earlier row has the phone too.
    for name in ["", "Ana", "Anna Paz"] {
        assert_eq!(verdict(name, "", &luis), Verdict::Likely, "{name}");
    }
    assert_eq!(verdict("Ana Paz", "", &luis), Verdict::Exact);
    // The email speaks against it, or an initial fits many names.
    assert_eq!(verdict("", "bluebird@gmail.com", &[]), Verdict::Likely);
    assert_eq!(verdict("Ana", "bluebird@gmail.com", &[]), Verdict::Likely);
    assert_eq!(verdict("A. Paz", "", &[]), Verdict::Likely);
    assert_eq!(verdict("A. Paz Gomez", "", &[]), Verdict::Likely);
    // The email is the same.
    assert_eq!(verdict("A. Paz", "ana@acme.com", &luis), Verdict::Exact);
}

#[test]
fn an_email_of_a_clearly_different_person_is_a_conflict() {
    for (email, other) in [("ana@acme.com", "ana@acme.com"), ("ana+x@gmail.com", "ana@gmail.com")] {
        let contact = record("Ana Paz", "", email);
        let judgement = judged(&record("Luis Gomez", "", other), &[contact], &[]);
        assert_eq!(
            (judgement.verdict, &judgement.contact_ids[..]),
            (Verdict::Conflict, &[1][..]),
            "{email}"
        );
    }
}

#[test]
fn a_phone_and_an_email_of_different_contacts_are_a_conflict() {
    let contacts = [
        record("Ana Paz", PHONE, ""),
        record("Ana Paz", OTHER_PHONE, "ana@acme.com"),
    ];
    let judgement = judged(&record("Ana Paz", PHONE, "ana@acme.com"), &contacts, &[]);
    assert_eq!(judgement.verdict, Verdict::Conflict);
    assert_eq!(judgement.contact_ids.len(), 2);
    // A third contact has both.
    let both = record("Ana Paz", PHONE, "ana@acme.com");
    let judgement = judged(&both, &[contacts.to_vec(), vec![both.clone()]].concat(), &[]);
    assert_eq!((judgement.verdict, judgement.contact_ids[0]), (Verdict::Exact, 3));
}

#[test]
fn a_mailbox_of_a_role_does_not_make_two_people_one() {
    let contact = record("Ana Paz", "", "info@acme.com");
    let judge = |name: &str| judged(&record(name, "", "info@acme.com"), std::slice::from_ref(&contact), &[]).verdict;
    assert_eq!(judge("Luis Gomez"), Verdict::Conflict);
    assert_eq!(judge("Ana Paz"), Verdict::Exact);
}

#[test]
fn a_row_that_only_an_earlier_row_matches_is_a_duplicate_in_the_file() {
    let row = record("Ana Paz", PHONE, "");
    let rows = [record("Luis Gomez", OTHER_PHONE, ""), row.clone(), row.clone()];
    let judgement = judged(&row, &[], &rows);
    assert_eq!(
        (judgement.verdict, judgement.duplicate_of),
        (Verdict::DuplicateInFile, Some(3))
    );
    assert!(matches!(judgement.decisive, Some((Decisive::Row(3), _))));
    // A contact goes before an earlier row.
    let judgement = judged(&row, std::slice::from_ref(&row), &rows);
    assert_eq!((judgement.verdict, judgement.duplicate_of), (Verdict::Exact, Some(3)));
}

#[test]
fn a_household_within_the_file_is_a_conflict_and_no_duplicate() {
    let judgement = judged(&record("Luis Paz", PHONE, ""), &[], &[record("Ana Gomez", PHONE, "")]);
    assert_eq!((judgement.verdict, judgement.duplicate_of), (Verdict::Conflict, None));
    assert!(matches!(judgement.decisive, Some((Decisive::Row(2), _))));
}

#[test]
fn a_higher_threshold_makes_a_likely_row_new() {
    let row = record("Ana Etcheverry", "", "");
    let found = [Match {
        id: 1,
        comparison: compare(&row, &record("Etcheverry Ana", "", "")),
    }];
    let probability = found[0].comparison.probability;
    assert_eq!(judge(&found, &[], probability).verdict, Verdict::Likely);
    assert_eq!(judge(&found, &[], probability + 0.001).verdict, Verdict::New);
}

#[test]
fn of_many_matches_the_best_50_are_named_and_all_count() {
    // The last contact is the only one with the row's name, and the first one alone has the row's email.
    let mut contacts = vec![record("Zoe Quispe", "", "ana@acme.com")];
    contacts.extend((0..80).map(|_| record("Luis Paz", PHONE, "")));
    contacts.push(record("Ana Etcheverry", PHONE, ""));
    let last = i64::try_from(contacts.len()).unwrap();
    let alone = judged(&record("Ana Etcheverry", PHONE, ""), &contacts, &[]);
    assert_eq!((alone.verdict, &*alone.contact_ids), (Verdict::Exact, &[last][..]));
    let conflict = judged(&record("Ana Etcheverry", PHONE, "ana@acme.com"), &contacts, &[]);
    assert_eq!(conflict.verdict, Verdict::Conflict);
    assert_eq!(conflict.contact_ids.len(), 50);
    let shared = judged(&record("Pedro Gomez", PHONE, ""), &contacts, &[]);
    assert_eq!((shared.verdict, shared.contact_ids.len()), (Verdict::Conflict, 50));
}

#[test]
fn the_verdicts_have_the_names_that_callers_see() {
    use strum::VariantArray;
    let names: Vec<String> = Verdict::VARIANTS.iter().map(Verdict::to_string).collect();
    assert_eq!(
        names,
        ["new", "exact", "likely", "conflict", "duplicate_in_file", "invalid"]
    );
}
