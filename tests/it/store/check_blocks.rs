//! The engine of `contact-search check`: rows are judged in blocks of bounded size.

use contact_search::domain::contact::{ContactDraft, ContactFields};
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::StoreError;
use contact_search::store::check::{CheckEvent, CheckRules, CheckedLine, check};

use crate::support::check::CheckTarget;

/// A contact. Every fifth one has the name and the email of the one before, and every seventh one its phone.
fn draft(number: u64, phones: u64) -> Vec<ContactDraft> {
    let person = number - u64::from(number % 5 == 1);
    let line = number - u64::from(number % 7 == 1);
    let alias = if number.is_multiple_of(8) { "+x" } else { "" };
    let names = ["Ana Etcheverry", "Luis Paz", "Zoe Quispe"];
    (0..phones)
        .map(|phone| {
            let text = format!("+54911{:08}", 23_000_000 + 100_000 * phone + line);
            let fields = ContactFields {
                name: Some(format!("{} n{person}", names[person as usize % 3])),
                email: Some(format!("p{person}{alias}@gmail.com")),
                phone: Some(StoredPhone::read(&text, Region::DEFAULT, "other")),
                ..ContactFields::default()
            };
            ContactDraft::new(fields, chrono::Utc::now()).unwrap()
        })
        .collect()
}

fn judged(target: &mut CheckTarget, rows_per_round: u32) -> Vec<CheckedLine> {
    let rules = CheckRules {
        rows_per_round,
        ..CheckRules::default()
    };
    let mut lines = Vec::new();
    check(
        &mut target.connection,
        target.client,
        rules,
        |staging| {
            for number in 2..900 {
                match number % 100 {
                    0 => staging.push_invalid(number, "it is broken".into(), Some("cells".into()))?,
                    other => staging.push(number, draft(number, 1 + other % 3), None)?,
                }
            }
            Ok::<_, StoreError>(())
        },
        &mut |event| {
            if let CheckEvent::Line(line) = event {
                lines.push(line);
            }
            Ok(())
        },
    )
    .unwrap();
    lines
}

#[test]
fn verdicts_do_not_depend_on_the_size_of_a_block() {
    let mut target = CheckTarget::new();
    for number in (0..900).step_by(4) {
        let phone = format!("+54911{:08}", 23_000_002 + number);
        target.add(
            &format!("Ana Etcheverry n{number}"),
            &phone,
            &format!("p{number}@gmail.com"),
        );
    }
    let whole = judged(&mut target, 100_000);
    assert_eq!(whole.len(), 898);
    assert!(whole.is_sorted_by_key(|line| line.line));
    for verdict in ["new", "exact", "likely", "conflict", "duplicate_in_file", "invalid"] {
        assert!(
            whole.iter().any(|line| line.verdict.to_string() == verdict),
            "{verdict}"
        );
    }
    assert!(whole.iter().any(|line| line.group.is_some()));
    let invalid = whole.iter().find(|line| line.line == 100).unwrap();
    assert_eq!(
        (&*invalid.reasons, invalid.cells.as_deref()),
        (&["it is broken".to_owned()][..], Some("cells"))
    );
    // 1,800 rows make eight blocks.
    assert_eq!(judged(&mut target, 1), whole);
}
