//! Import: random files have the same result as a slow and simple model.

use std::collections::BTreeMap;
use std::fmt::Write;

use diesel::connection::SimpleConnection;
use proptest::prelude::*;

use crate::support::import::{ImportTarget, counts};

/// A row of a random file. Each column has few different values, so that rows match each other in every way.
#[derive(Clone, Debug)]
struct Row {
    platform: &'static str,
    external: &'static str,
    phone: &'static str,
    email: &'static str,
    name: &'static str,
    created: &'static str,
}

fn any_row() -> impl Strategy<Value = Row> {
    let identity = (
        prop::sample::select(vec!["", "", "x", "y", "z"]),
        prop::sample::select(vec!["", "", "+5491155550001", "+5491155550002", "+5491155550003"]),
        prop::sample::select(vec![
            "",
            "",
            "a@example.com",
            "A@example.com",
            "b@example.com",
            "c@example.com",
        ]),
    );
    let others = (
        prop::sample::select(vec!["other", "other", "other", "sms"]),
        prop::sample::select(vec!["", "Ana", "Bea", "Eva"]),
        prop::sample::select(vec!["", "2024-01-01", "2024-01-02", "2024-01-03"]),
    );
    (identity, others).prop_filter_map(
        "a row has an identity",
        |((external, phone, email), (platform, name, created))| {
            (!(external.is_empty() && phone.is_empty() && email.is_empty())).then_some(Row {
                platform,
                external,
                phone,
                email,
                name,
                created,
            })
        },
    )
}

fn write_file(rows: &[Row]) -> String {
    let mut file = String::from("platform,external_user_id,phone,email,name,created_at\n");
    for row in rows {
        let Row {
            platform,
            external,
            phone,
            email,
            name,
            created,
        } = row;
        writeln!(file, "{platform},{external},{phone},{email},{name},{created}").unwrap();
    }
    file
}

/// The model of an import, written for clarity instead of speed.
#[derive(Clone, Default, Debug)]
struct Model {
    /// Ordered by serial id.
    contacts: Vec<Contact>,
    imports: usize,
}

#[derive(Clone, Default, PartialEq, Debug)]
struct Contact {
    platform: String,
    external: String,
    phone: String,
    email: String,
    name: String,
    created: String,
}

impl Model {
    fn import(&mut self, rows: &[Row]) {
        self.imports += 1;
        let stored_count = self.contacts.len();
        // The contacts during the passes: first the stored contacts, then the new ones in the order of their first
        // rows.
        let mut known: BTreeMap<usize, Contact> = self.contacts.iter().cloned().enumerate().collect();
        let mut contact_of_row = vec![usize::MAX; rows.len()];
        for pass in 1..=3 {
            let snapshot = known.clone();
            let mut adopted = Vec::new();
            let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
            for (index, row) in rows.iter().enumerate() {
                let (kind, identity) = match row {
                    Row { external, .. } if !external.is_empty() => (1, (*external).to_owned()),
                    Row { phone, .. } if !phone.is_empty() => (2, (*phone).to_owned()),
                    Row { email, .. } => (3, email.to_lowercase()),
                };
                let identity = format!("{} {identity}", row.platform);
                if kind == pass {
                    match groups.iter_mut().find(|(it, _)| *it == identity) {
                        Some((_, rows)) => rows.push(index),
                        None => groups.push((identity, vec![index])),
                    }
                }
            }
            for (_, group) in groups {
                let row = &rows[group[0]];
                let last = |value: fn(&Row) -> &'static str| {
                    let mut values = group.iter().map(|index| value(&rows[*index]));
                    values.rfind(|value| !value.is_empty()).unwrap_or_default()
                };
                let phone = last(|row| row.phone);
                let on_channel = |contact: &Contact| contact.platform == row.platform;
                let oldest = |same: &dyn Fn(&Contact) -> bool| {
                    let candidates = snapshot.iter().filter(|(_, it)| on_channel(it) && same(it));
                    candidates
                        .min_by_key(|(index, it)| (it.created.clone(), **index))
                        .map(|(index, _)| *index)
                };
                let found = match pass {
                    1 => oldest(&|it| it.external == row.external).or_else(|| {
                        let free = oldest(&|it| it.external.is_empty() && !phone.is_empty() && it.phone == phone)?;
                        (!adopted.contains(&free)).then_some(free)
                    }),
                    2 => oldest(&|it| it.phone == row.phone),
                    _ => oldest(&|it| it.email.eq_ignore_ascii_case(row.email)),
                };
                adopted.extend(found);
                let target = found.unwrap_or(stored_count + group[0]);
                let contact = known.entry(target).or_insert_with(|| {
                    let created = group
                        .iter()
                        .map(|index| rows[*index].created)
                        .filter(|it| !it.is_empty())
                        .min();
                    let created = created.map_or(format!("now {}", self.imports), str::to_owned);
                    Contact {
                        created,
                        platform: row.platform.into(),
                        ..Contact::default()
                    }
                });
                for (value, last) in [
                    (&mut contact.external, last(|row| row.external)),
                    (&mut contact.phone, phone),
                ] {
                    if !last.is_empty() {
                        *value = last.into();
                    }
                }
                group.iter().for_each(|index| contact_of_row[*index] = target);
            }
            // Names and emails follow the order of the lines, regardless of the pass that found the contact.
            for (index, row) in rows.iter().enumerate() {
                if let Some(contact) = known.get_mut(&contact_of_row[index]) {
                    for (value, given) in [(&mut contact.email, row.email), (&mut contact.name, row.name)] {
                        if !given.is_empty() {
                            *value = given.into();
                        }
                    }
                }
            }
        }
        self.contacts = known.into_values().collect();
    }

    fn contacts(&self) -> String {
        let lines = self.contacts.iter().map(|it| {
            let or_dash = |text: &str| {
                if text.is_empty() {
                    "-".to_owned()
                } else {
                    text.to_owned()
                }
            };
            let created = if it.created.starts_with("now") {
                "now"
            } else {
                &it.created
            };
            let values = [&it.platform, &it.external, &it.phone, &it.email, &it.name].map(|value| or_dash(value));
            format!("{} {created}", values.join(" "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn random_files_are_imported_as_the_model_says_and_repeating_changes_nothing() {
    let mut target = ImportTarget::new();
    let created = "CASE WHEN created_at > now() - interval '1 day' THEN 'now' ELSE created_at::date::text END";
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let files = prop::collection::vec(prop::collection::vec(any_row(), 1..12), 1..4);
    let target = std::cell::RefCell::new(&mut target);
    runner
        .run(&files, |files| {
            let target = &mut **target.borrow_mut();
            target.connection.batch_execute("TRUNCATE contacts").unwrap();
            let mut model = Model::default();
            for rows in files {
                let file = write_file(&rows);
                let first = target.import(&file).unwrap();
                model.import(&rows);
                let found = target.ask(&format!(
                    "SELECT string_agg(concat_ws(' ', platform, coalesce(external_user_id, '-'), coalesce(phone, '-'),
                         coalesce(email, '-'), coalesce(name, '-'), {created}), E'\n' ORDER BY serial_id) FROM contacts"
                ));
                prop_assert_eq!(found, model.contacts());
                let before = target.dump();
                let second = target.import(&file).unwrap();
                let same = first.created + first.updated + first.unchanged;
                prop_assert_eq!(counts(&second), [0, 0, same, first.merged, 0]);
                prop_assert_eq!(target.dump(), before);
            }
            Ok(())
        })
        .unwrap();
}
