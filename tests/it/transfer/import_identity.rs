//! Import: rows whose phones are equivalent, damaged, or better than others.

use contact_search::domain::contact::{ContactDraft, ContactFields};
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::StoreError;
use contact_search::store::import::{Merged, RowSample, Rules, SAMPLE, import};
use contact_search::transfer::import::ImportOptions;

use crate::support::import::{ImportTarget, counts};

/// Imports rows of an external id and a phone, numbered like the lines of a file with a header.
fn merge(target: &mut ImportTarget, rows: &[(&str, &str)]) -> Merged {
    import(&mut target.connection, target.client.id, Rules::default(), |staging| {
        for (line, (external_user_id, phone)) in (2..).zip(rows) {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let given = ContactFields {
                external_user_id: text(external_user_id),
                phone: text(phone).map(|phone| StoredPhone::read(&phone, Region::DEFAULT, "other")),
                ..ContactFields::default()
            };
            let draft = ContactDraft::new(given, staging.now()).expect("a contact");
            staging.push_numbered(line, None, draft)?;
        }
        Ok::<_, StoreError>(())
    })
    .unwrap()
}

#[test]
fn two_notations_of_one_line_in_one_file_are_one_contact_in_either_order() {
    for [first, second] in [
        ["11 2345-6789", "+54 9 11 2345-6789"],
        ["+54 9 11 2345-6789", "11 2345-6789"],
    ] {
        for (first_id, second_id) in [("", ""), ("x", ""), ("", "x")] {
            let mut target = ImportTarget::new();
            let file = format!("phone,external_id,name\n{first},{first_id},Ana\n{second},{second_id},Eva\n");
            assert_eq!(counts(&target.import(&file).unwrap()), [1, 0, 0, 1, 0], "{file}");
            assert_eq!(target.contacts("name phone_as_given"), format!("Eva {second}"));
            let before = target.dump();
            assert_eq!(counts(&target.import(&file).unwrap()), [0, 0, 1, 1, 0], "{file}");
            assert_eq!(target.dump(), before);
        }
    }
}

#[test]
fn several_unknown_external_ids_adopt_the_contacts_on_the_line_that_have_none_and_prefer_the_same_number() {
    let mut target = ImportTarget::new();
    let exact = ImportOptions {
        exact: true,
        ..ImportOptions::default()
    };
    let twins = "phone,name,created_at\n+5491123456789,Ana,2024-01-01\n+541123456789,Bea,2024-01-02\n";
    target.import_with(twins.as_bytes(), &[], &exact).unwrap();
    let file = "external_id,phone\nx,+541123456789\ny,+541123456789\nz,+541123456789\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 2, 0, 0, 0]);
    assert_eq!(target.contacts("name external_user_id"), "Ana y\nBea x\n- z");
}

#[test]
fn kept_and_replaced_phones_are_reported_with_their_lines() {
    let mut target = ImportTarget::new();
    let sample = |first: &[u64]| RowSample {
        count: first.len() as u64,
        first: first.to_vec(),
    };
    let good = [
        ("a", "+5491123456701"),
        ("b", "+5491123456702"),
        ("c", "4555000"),
        ("d", ""),
    ];
    let merged = merge(&mut target, &good);
    assert_eq!(
        (&merged.phones_kept, &merged.phones_replaced),
        (&sample(&[]), &sample(&[]))
    );
    let rows = [
        ("a", "5,49112E+12"),
        ("b", "+54 11 2345-6702"),
        ("c", "4555001"),
        ("d", "0"),
        ("a", "4555002"),
        ("", "+5491123456703"),
        ("b", "12"),
    ];
    let merged = merge(&mut target, &rows);
    assert_eq!(merged.phones_kept, sample(&[2, 6, 8]));
    assert_eq!(merged.phones_replaced, sample(&[4]));
    assert_eq!(
        target.contacts("external_user_id phone"),
        "a +5491123456701\nb +541123456702\nc 4555001\nd 0\n- +5491123456703"
    );
    let merged = merge(&mut target, &[("a", "+5491123456709"), ("c", "+5491123456708")]);
    assert_eq!(
        (merged.phones_kept, merged.phones_replaced),
        (sample(&[]), sample(&[2, 3]))
    );
    let many = vec![("a", "5,49112E+12"); 2_500];
    let kept = merge(&mut target, &many).phones_kept;
    assert_eq!((kept.count, kept.first.len()), (2_500, SAMPLE));
    assert_eq!(kept.first, (2..2 + SAMPLE as u64).collect::<Vec<_>>());
}

#[test]
fn the_best_phone_of_a_contacts_rows_wins_in_any_order() {
    for rows in [
        [("a", "+5491123456701"), ("a", "5,49112E+12"), ("a", "4555000")],
        [("a", "5,49112E+12"), ("a", "4555000"), ("a", "+5491123456701")],
    ] {
        let mut target = ImportTarget::new();
        let merged = merge(&mut target, &rows);
        assert_eq!((merged.created, merged.phones_kept.count), (1, 2));
        assert_eq!(target.contacts("phone phone_identifies"), "+5491123456701 true");
    }
}

#[test]
fn thousands_of_damaged_phones_replace_no_valid_phone() {
    let mut target = ImportTarget::new();
    let file = |phone: fn(usize) -> String| {
        let lines: String = (0..2_500).map(|row| format!("id-{row},\"{}\"\n", phone(row))).collect();
        format!("external_id,phone\n{lines}")
    };
    target
        .import(file(|row| format!("+54911{:08}", 23_450_000 + row)))
        .unwrap();
    let before = target.dump();
    let report = target.import(file(|_| "5,49112E+12".to_owned())).unwrap();
    assert_eq!(counts(&report), [0, 0, 2_500, 0, 0]);
    assert_eq!(target.dump(), before);
}

#[test]
fn a_file_whose_phones_a_spreadsheet_damaged_does_not_replace_the_stored_phones() {
    let mut target = ImportTarget::new();
    target
        .import("external_id,name,phone\n1,Ana,+5491123456705\n2,Bea,+5491123456706\n3,Eva,+5491123456707\n")
        .unwrap();
    let saved = "external_id;name;phone\n1;Ana;5,49112E+12\n2;Bea B.;5,49112E+12\n3;Eva;5,49112E+12\n";
    assert_eq!(counts(&target.import(saved).unwrap()), [0, 1, 2, 0, 0]);
    assert_eq!(
        target.contacts("name phone"),
        "Ana +5491123456705\nBea B. +5491123456706\nEva +5491123456707"
    );
}
