//! Import: random files have the same result as a slow and simple model.

use std::collections::BTreeMap;
use std::fmt::Write;

use contact_search::domain::contact::PhoneWorth;
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::transfer::import::ImportOptions;
use diesel::connection::SimpleConnection;
use proptest::prelude::*;

use crate::support::import::{ImportTarget, counts};

/// Two lines of two equivalent numbers each, an extension, a number that is not valid, and phones that identify nobody.
const PHONES: [&str; 12] = [
    "",
    "",
    "",
    "+5491155550001",
    "+541155550001",
    "+541155550001 int. 7",
    "+5491155550002",
    "+541155550002",
    "4555000",
    "0",
    "000-0000",
    "5,49112E+12",
];

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
        prop::sample::select(PHONES.to_vec()),
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
            let identifies = Phone::read(phone).is_some_and(|phone| phone.identifies());
            (!(external.is_empty() && !identifies && email.is_empty())).then_some(Row {
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
        writeln!(file, "{platform},{external},\"{phone}\",{email},{name},{created}").unwrap();
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
    phone: Option<Phone>,
    email: String,
    name: String,
    created: String,
}

/// A phone as a contact stores it. Equal numbers with equal extensions are one phone.
#[derive(Clone, PartialEq, Debug)]
struct Phone {
    number: String,
    line: String,
    worth: PhoneWorth,
}

impl Phone {
    fn read(text: &str) -> Option<Self> {
        let read = StoredPhone::read(text, Region::DEFAULT, "other");
        let worth = PhoneWorth::of(&read);
        let extension = read
            .extension
            .map_or(String::new(), |extension| format!(";{extension}"));
        Some(Self {
            number: format!("{}{extension}", read.phone?),
            line: format!("{}{extension}", read.key?),
            worth,
        })
    }

    fn identifies(&self) -> bool {
        self.worth > PhoneWorth::IdentifiesNobody
    }
}

impl Contact {
    /// The phone, if it identifies the contact.
    fn identity(&self) -> Option<&Phone> {
        self.phone.as_ref().filter(|phone| phone.identifies())
    }

    fn is_on(&self, line: &str) -> bool {
        self.identity().is_some_and(|phone| phone.line == line)
    }

    fn has(&self, number: &str) -> bool {
        self.identity().is_some_and(|phone| phone.number == number)
    }
}

/// The last of the best phones of the rows.
fn best_phone<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<Phone> {
    rows.filter_map(|row| Phone::read(row.phone))
        .max_by_key(|phone| phone.worth)
}

impl Model {
    fn import(&mut self, rows: &[Row], exact: bool) {
        self.imports += 1;
        let stored_count = self.contacts.len();
        // The contacts during the passes: first the stored contacts, then the new ones in the order of their first
        // rows.
        let mut known: BTreeMap<usize, Contact> = self.contacts.iter().cloned().enumerate().collect();
        let mut contact_of_row = vec![usize::MAX; rows.len()];
        for pass in if exact { 0..=0 } else { 1..=3 } {
            let snapshot = known.clone();
            // The groups of this pass, in the order of their first rows.
            let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
            for (index, row) in rows.iter().enumerate() {
                let phone = Phone::read(row.phone).filter(Phone::identifies);
                let (kind, identity) = match (row.external, phone) {
                    ("", Some(phone)) => (2, phone.number),
                    ("", None) => (3, row.email.to_lowercase()),
                    (external, _) => (1, external.to_owned()),
                };
                let identity = format!("{} {kind} {identity}", row.platform);
                if kind == pass || exact {
                    match groups.iter_mut().find(|(it, _)| *it == identity) {
                        Some((_, rows)) => rows.push(index),
                        None => groups.push((identity, vec![index])),
                    }
                }
            }
            let groups: Vec<Vec<usize>> = groups.into_iter().map(|(_, group)| group).collect();
            let targets = match pass {
                0 => groups
                    .iter()
                    .map(|group| exact_contact(&snapshot, rows, group))
                    .collect(),
                1 => contacts_of_ids(&snapshot, rows, &groups),
                2 => groups
                    .iter()
                    .map(|group| contact_on_line(&snapshot, rows, group))
                    .collect(),
                _ => groups
                    .iter()
                    .map(|group| contact_with_email(&snapshot, &rows[group[0]]))
                    .collect(),
            };
            let targets: Vec<Option<usize>> = targets;
            for (group, target) in groups.iter().zip(targets) {
                // If no contact is on a phone's line, all groups on the line share the new contact of the first
                // group.
                let row = &rows[group[0]];
                let line = |row: &Row| Phone::read(row.phone).filter(Phone::identifies).map(|phone| phone.line);
                let shares = |other: &Row| pass == 2 && other.platform == row.platform && line(other) == line(row);
                let on_line = |other: &&Vec<usize>| shares(&rows[other[0]]);
                let first = groups.iter().find(on_line).unwrap_or(group)[0];
                let target = target.unwrap_or(stored_count + first);
                known.entry(target).or_insert_with(|| {
                    let new = groups.iter().filter(|other| *other == group || on_line(other));
                    let created = new.flatten().map(|index| rows[*index].created);
                    let created = created.filter(|it| !it.is_empty()).min();
                    Contact {
                        created: created.map_or(format!("now {}", self.imports), str::to_owned),
                        platform: row.platform.into(),
                        ..Contact::default()
                    }
                });
                group.iter().for_each(|index| contact_of_row[*index] = target);
            }
            // The last of the best phones, regardless of the pass that found the contact. It never replaces a better
            // phone.
            for (target, contact) in &mut known {
                let given = rows.iter().zip(&contact_of_row).filter(|(_, of)| *of == target);
                let phone = best_phone(given.map(|(row, _)| row));
                let stored = self.contacts.get(*target).and_then(|stored| stored.phone.clone());
                contact.phone = match (stored, phone) {
                    (Some(stored), Some(given)) if given.worth < stored.worth => Some(stored),
                    (stored, given) => given.or(stored),
                };
            }
            for (index, row) in rows.iter().enumerate() {
                if let Some(contact) = known.get_mut(&contact_of_row[index])
                    && !row.external.is_empty()
                {
                    contact.external = row.external.into();
                }
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

    /// Whether the rows have a line of several contacts in several notations. A row goes to the line's contact with
    /// exactly the row's number, if there is one. The import changes the numbers of contacts, so when the file is
    /// imported again, a row can go to another contact of the line.
    fn has_doubles_in_several_notations(&self, rows: &[Row]) -> bool {
        let phone = |row: &Row| Phone::read(row.phone).filter(Phone::identifies);
        rows.iter().any(|row| {
            let Some(named) = phone(row) else { return false };
            let contacts = self
                .contacts
                .iter()
                .filter(|it| it.platform == row.platform && it.is_on(&named.line));
            let mut others = rows
                .iter()
                .filter(|other| other.platform == row.platform)
                .filter_map(phone);
            contacts.count() > 1 && others.any(|other| other.line == named.line && other.number != named.number)
        })
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
            let phone = it.phone.as_ref().map_or(String::new(), |phone| phone.number.clone());
            let values = [&it.platform, &it.external, &phone, &it.email, &it.name].map(|value| or_dash(value));
            format!("{} {created}", values.join(" "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The channel's contacts that `is_meant` accepts: first those with the number, and among equals the oldest first.
fn candidates(
    known: &BTreeMap<usize, Contact>,
    platform: &str,
    number: &str,
    is_meant: impl Fn(&Contact) -> bool,
) -> Vec<usize> {
    let candidates = known.iter().filter(|(_, it)| it.platform == platform && is_meant(it));
    let mut candidates: Vec<_> = candidates
        .map(|(index, it)| (!it.has(number), it.created.clone(), *index))
        .collect();
    candidates.sort();
    candidates.into_iter().map(|(_, _, index)| index).collect()
}

/// Pass 1: each id's contact, or a free contact on the line that adopts the id. Contacts with the same number adopt
/// first.
fn contacts_of_ids(known: &BTreeMap<usize, Contact>, rows: &[Row], groups: &[Vec<usize>]) -> Vec<Option<usize>> {
    let platform = |group: &[usize]| rows[group[0]].platform;
    let find = |group: &Vec<usize>| {
        let external = rows[group[0]].external;
        let found = candidates(known, platform(group), "", |it| it.external == external);
        found.first().copied()
    };
    let mut found: Vec<Option<usize>> = groups.iter().map(find).collect();
    let known_ids = found.clone();
    for is_same_number in [true, false] {
        for (place, group) in groups.iter().enumerate() {
            let phone = best_phone(group.iter().map(|index| &rows[*index])).filter(Phone::identifies);
            let (None, Some(phone)) = (known_ids[place].or(found[place]), phone) else {
                continue;
            };
            let free = candidates(known, platform(group), &phone.number, |it| {
                it.external.is_empty() && it.is_on(&phone.line) && (!is_same_number || it.has(&phone.number))
            });
            found[place] = free.into_iter().find(|index| !found.contains(&Some(*index)));
        }
    }
    found
}

/// Pass 2: the oldest contact on the line, the same number first.
fn contact_on_line(known: &BTreeMap<usize, Contact>, rows: &[Row], group: &[usize]) -> Option<usize> {
    let row = &rows[group[0]];
    let phone = Phone::read(row.phone).expect("the pass has rows with a phone");
    candidates(known, row.platform, &phone.number, |it| it.is_on(&phone.line))
        .first()
        .copied()
}

/// Pass 3: the oldest contact with the email.
fn contact_with_email(known: &BTreeMap<usize, Contact>, row: &Row) -> Option<usize> {
    let has_email = |it: &Contact| it.email.eq_ignore_ascii_case(row.email);
    candidates(known, row.platform, "", has_email).first().copied()
}

/// The only pass of an exact import: the contact with the same identity.
fn exact_contact(known: &BTreeMap<usize, Contact>, rows: &[Row], group: &[usize]) -> Option<usize> {
    let row = &rows[group[0]];
    let phone = Phone::read(row.phone).filter(Phone::identifies);
    let is_same = |it: &Contact| match (row.external, &phone) {
        ("", Some(phone)) => it.external.is_empty() && it.has(&phone.number),
        ("", None) => it.external.is_empty() && it.identity().is_none() && it.email.eq_ignore_ascii_case(row.email),
        (external, _) => it.external == external,
    };
    candidates(known, row.platform, "", is_same).first().copied()
}

#[test]
fn random_files_are_imported_as_the_model_says_and_repeating_changes_nothing() {
    let mut target = ImportTarget::new();
    let created = "CASE WHEN created_at > now() - interval '1 day' THEN 'now' ELSE created_at::date::text END";
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    // An exact import can make several contacts on one line.
    let file = (prop::collection::vec(any_row(), 1..12), prop::bool::weighted(0.3));
    let files = prop::collection::vec(file, 1..4);
    let row = |external, phone, name| Row {
        platform: "other",
        external,
        phone,
        email: "",
        name,
        created: "",
    };
    // A repeated import of the second file gives its first row to the other contact.
    let (number, other_notation) = ("+5491155550002", "+541155550002");
    let example = vec![
        (vec![row("", number, ""), row("x", number, "")], true),
        (vec![row("", number, "Ana"), row("", other_notation, "")], false),
    ];
    let target = std::cell::RefCell::new(&mut target);
    let check = |files: Vec<(Vec<Row>, bool)>| {
        let target = &mut **target.borrow_mut();
        target.connection.batch_execute("TRUNCATE contacts").unwrap();
        let mut model = Model::default();
        let found = |target: &mut ImportTarget| {
            target.ask(&format!(
                "SELECT string_agg(concat_ws(' ', platform, coalesce(external_user_id, '-'),
                     coalesce(phone || coalesce(';' || phone_extension, ''), '-'), coalesce(email, '-'),
                     coalesce(name, '-'), {created}), E'\n' ORDER BY serial_id) FROM contacts"
            ))
        };
        for (rows, exact) in files {
            let file = write_file(&rows);
            let options = ImportOptions {
                exact,
                ..ImportOptions::default()
            };
            let first = target.import_with(file.as_bytes(), &[], &options).unwrap();
            model.import(&rows, exact);
            prop_assert_eq!(found(target), model.contacts());
            let before = target.dump();
            let second = target.import_with(file.as_bytes(), &[], &options).unwrap();
            if !exact && model.has_doubles_in_several_notations(&rows) {
                model.import(&rows, exact);
                prop_assert_eq!(found(target), model.contacts());
            } else {
                let same = first.created + first.updated + first.unchanged;
                prop_assert_eq!(counts(&second), [0, 0, same, first.merged, 0]);
                prop_assert_eq!(target.dump(), before);
            }
        }
        Ok(())
    };
    check(example).unwrap();
    runner.run(&files, check).unwrap();
}
