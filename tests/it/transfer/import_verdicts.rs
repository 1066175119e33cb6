//! `import --on-duplicate` and `--only new`: what `check` says of each line is what the import then does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::transfer::import::{Import, ImportError, ImportOptions, ImportReport, OnDuplicate};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use serde_json::Value;

use crate::support::Contact;
use crate::support::check::CheckTarget;
use crate::support::import::ask;

/// A line of a file with the columns of HubSpot, in which a person can have several phones.
#[derive(Clone, Default, Debug)]
struct Line {
    name: String,
    email: String,
    phones: Vec<String>,
    platform: &'static str,
    external_user_id: String,
}

const HEADER: &str = "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,source,platform,\
                      external_user_id\n";

/// The file of the lines. The first line of the file is the header. The source of a line is `L` and its number, so that
/// a contact shows which line was written last.
fn file_of(lines: &[Line]) -> String {
    let mut file = HEADER.to_owned();
    for (line, number) in lines.iter().zip(2..) {
        let phone = |at: usize| line.phones.get(at).map_or("", |phone| phone.as_str());
        let (first, last) = line.name.split_once(' ').unwrap_or((&line.name, ""));
        writeln!(
            file,
            ",{first},{last},{},{},{},L{number},{},{}",
            line.email,
            // The mobile phone counts first.
            phone(1),
            phone(0),
            line.platform,
            line.external_user_id
        )
        .unwrap();
    }
    file
}

/// The line of each phone as the database stores it, without phones that identify nobody.
fn phone_lines(line: &Line) -> Vec<String> {
    let mut keys = Vec::new();
    for phone in &line.phones {
        let phone = StoredPhone::read(phone, Region::DEFAULT, line.platform);
        let key = phone.key.filter(|_| phone.identifies).map(|key| match phone.extension {
            Some(extension) => format!("{key};{extension}"),
            None => key,
        });
        keys.extend(key.filter(|key| !keys.contains(key)));
    }
    keys
}

/// A contact before the import.
#[derive(Debug)]
struct Known {
    phone_line: Option<String>,
    /// The line that wrote the contact last, such as `L2`.
    source: String,
    /// All columns.
    row: String,
}

/// The contact that a phone of a line is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum About {
    Contact(String),
    /// A new contact, by the line and the place of the phone in the line.
    New(u64, usize),
}

/// Which line writes each contact last, computed from the verdicts of `check` and from the documented rules.
struct Expected {
    /// By contact. The lines are those of the last row.
    written: BTreeMap<About, u64>,
    duplicates: Vec<u64>,
    conflicts: Vec<u64>,
}

fn expected(lines: &[Line], verdicts: &[Value], known: &BTreeMap<String, Known>, mode: OnDuplicate) -> Expected {
    let mut written = BTreeMap::new();
    let (mut duplicates, mut conflicts) = (Vec::new(), Vec::new());
    // The person of each line, as `check` tells them apart: the first contact of `contactIds`, or the person of the
    // line `duplicateOf`, or a new person.
    let mut people: BTreeMap<u64, String> = BTreeMap::new();
    // What the phones of each line are about.
    let mut about: BTreeMap<u64, Vec<(Option<String>, About)>> = BTreeMap::new();
    for verdict in verdicts {
        let number = verdict["line"].as_u64().unwrap();
        let line = &lines[number as usize - 2];
        let phones = phone_lines(line);
        let has_several = phones.len() > 1 && line.external_user_id.is_empty();
        let rows: Vec<Option<String>> = match has_several {
            true => phones.iter().cloned().map(Some).collect(),
            false => vec![phones.first().cloned()],
        };
        let ids: Vec<&str> = verdict["contactIds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap())
            .collect();
        let repeated = verdict["duplicateOf"].as_u64();
        let name = verdict["verdict"].as_str().unwrap();
        let person = match (ids.first(), repeated) {
            (Some(id), _) => id.to_string(),
            (None, Some(repeated)) => people[&repeated].clone(),
            (None, None) => format!("line {number}"),
        };
        people.insert(number, person.clone());
        match name {
            "invalid" => continue,
            "conflict" => {
                conflicts.push(number);
                continue;
            }
            "new" => {
                let new = rows
                    .into_iter()
                    .zip(0..)
                    .map(|(phone, at)| (phone, About::New(number, at)));
                about.insert(number, new.collect());
            }
            _ if mode != OnDuplicate::Update => {
                duplicates.push(number);
                continue;
            }
            "duplicate_in_file" if !about.contains_key(&repeated.unwrap()) => {
                duplicates.push(number);
                continue;
            }
            _ => {
                // The contacts that the line may be about, the first choice first, each with its phone.
                let choices: Vec<(Option<String>, About)> = if name == "duplicate_in_file" {
                    about[&repeated.unwrap()].clone()
                } else {
                    let choices = ids
                        .iter()
                        .map(|id| (known[*id].phone_line.clone(), About::Contact(id.to_string())));
                    choices.collect()
                };
                let owner = |phone: &Option<String>| {
                    let owner = choices.iter().find(|(other, _)| phone.is_some() && other == phone);
                    owner.map(|(_, about)| about.clone())
                };
                let has_known_phone = rows.iter().any(|phone| owner(phone).is_some());
                let of_line: Vec<_> = rows
                    .iter()
                    .zip(0..)
                    .map(|(phone, at)| {
                        let owner = owner(phone).filter(|_| has_several || name == "duplicate_in_file");
                        let found = owner.or_else(|| {
                            let is_first_choice = at == 0 && !(has_several && has_known_phone);
                            is_first_choice.then(|| choices[0].1.clone())
                        });
                        let found = found.or_else(|| {
                            // A further phone of the person, which an earlier line about the person may have brought.
                            // A line about somebody else never writes a contact of the person.
                            let of_person = about.iter().filter(|(line, _)| people[line] == person);
                            of_person
                                .flat_map(|(_, phones)| phones)
                                .find(|(other, _)| other == phone)
                                .map(|(_, about)| about.clone())
                        });
                        (phone.clone(), found.unwrap_or(About::New(number, at)))
                    })
                    .collect();
                about.insert(number, of_line);
            }
        }
        if !has_several {
            // All phones of the line are about one contact.
            let of_line = about.get_mut(&number).expect("the line is written");
            let first = of_line[0].1.clone();
            of_line.extend(phones.into_iter().skip(1).map(|phone| (Some(phone), first.clone())));
        }
        for (_, about) in &about[&number] {
            written.insert(about.clone(), number);
        }
    }
    Expected {
        written,
        duplicates,
        conflicts,
    }
}

/// The contacts that `check` names for each line: those of the line, or of the line that it repeats.
fn named_contacts(verdicts: &[Value]) -> BTreeMap<u64, Vec<&str>> {
    let mut named: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for verdict in verdicts {
        let ids = verdict["contactIds"].as_array().unwrap().iter();
        let mut ids: Vec<&str> = ids.map(|id| id.as_str().unwrap()).collect();
        if verdict["verdict"] == "duplicate_in_file" {
            ids.extend(&named[&verdict["duplicateOf"].as_u64().unwrap()]);
        }
        named.insert(verdict["line"].as_u64().unwrap(), ids);
    }
    named
}

fn contacts(target: &mut CheckTarget) -> BTreeMap<String, Known> {
    let rows = ask(
        &mut target.connection,
        "SELECT string_agg(concat_ws('|', id, coalesce(phone_key || coalesce(';' || phone_extension, ''), '-'), coalesce(source, '-'),
            contacts::text), E'\n') FROM contacts",
    );
    let parse = |row: &str| {
        let mut parts = row.splitn(4, '|');
        let id = parts.next().unwrap().to_owned();
        let phone_line = parts.next().filter(|line| *line != "-").map(str::to_owned);
        let source = parts.next().unwrap().to_owned();
        let row = parts.next().unwrap().to_owned();
        (
            id,
            Known {
                phone_line,
                source,
                row,
            },
        )
    };
    rows.lines().map(parse).collect()
}

fn import(target: &mut CheckTarget, file: &str, on_duplicate: OnDuplicate) -> Result<ImportReport, ImportError> {
    let options = ImportOptions {
        on_duplicate: Some(on_duplicate),
        skip_bad_rows: true,
        ..ImportOptions::default()
    };
    let client = contact_search::store::clients::find_client(&mut target.connection, "Acme")
        .unwrap()
        .unwrap();
    Import::open(file.as_bytes(), options)?.run(&mut target.connection, &client, &mut |_| {})
}

/// Checks the file, and then imports it in each way into an equal copy of the contacts: each import is rolled back.
/// Returns the verdicts that occurred.
fn compare(target: &mut CheckTarget, lines: &[Line]) -> BTreeSet<String> {
    let file = file_of(lines);
    let verdicts = target.check(&file);
    assert_eq!(verdicts.len(), lines.len());
    let known = contacts(target);
    for mode in [OnDuplicate::Skip, OnDuplicate::Update, OnDuplicate::Refuse] {
        let expected = expected(lines, &verdicts, &known, mode);
        AnsiTransactionManager::begin_transaction(&mut target.connection).unwrap();
        let outcome = import(target, &file, mode);
        if let Err(ImportError::Collisions { lines: named, .. }) = &outcome {
            AnsiTransactionManager::rollback_transaction(&mut target.connection).unwrap();
            assert_eq!(mode, OnDuplicate::Update);
            assert!(named.count > 0);
            let rest: Vec<Line> = lines
                .iter()
                .zip(2..)
                .filter(|(_, at)| !named.first.contains(at))
                .map(|(line, _)| line.clone())
                .collect();
            return compare(target, &rest);
        }
        if mode == OnDuplicate::Refuse && !(expected.duplicates.is_empty() && expected.conflicts.is_empty()) {
            let Err(ImportError::NotNew { judged, .. }) = outcome else {
                panic!("the file must be refused: {outcome:?}");
            };
            for (named, expected) in [
                (&judged.duplicates, &expected.duplicates),
                (&judged.conflicts, &expected.conflicts),
            ] {
                assert_eq!(named.count, expected.len() as u64);
                assert!(expected.starts_with(&named.first), "{named}");
            }
            let after = contacts(target);
            AnsiTransactionManager::rollback_transaction(&mut target.connection).unwrap();
            assert_eq!(after.len(), known.len());
            for (id, contact) in &after {
                assert_eq!(contact.row, known[id].row);
            }
            continue;
        }
        let report = outcome.unwrap_or_else(|error| panic!("{mode:?}: {error:?}\n{file}"));
        let after = contacts(target);
        AnsiTransactionManager::rollback_transaction(&mut target.connection).unwrap();
        let judged = report.judged.as_ref().unwrap();
        for verdict in ["new", "exact", "likely", "conflict", "duplicate_in_file", "invalid"] {
            let count = verdicts.iter().filter(|line| line["verdict"] == verdict).count();
            assert!(
                judged.verdicts.to_string().contains(&format!("{count} {verdict}")),
                "{report}"
            );
        }
        for (named, expected) in [
            (&judged.duplicates, &expected.duplicates),
            (&judged.conflicts, &expected.conflicts),
        ] {
            assert_eq!(named.count, expected.len() as u64, "{mode:?}\n{file}");
            assert!(expected.starts_with(&named.first), "{named}");
        }
        // No line writes a contact that `check` does not name for it.
        for (id, contact) in &known {
            let source = &after[id].source;
            if *source != contact.source {
                let line = source[1..].parse().unwrap();
                assert!(
                    named_contacts(&verdicts)[&line].contains(&id.as_str()),
                    "{id} {line}\n{file}"
                );
            }
        }
        // Each existing contact.
        for (id, contact) in &known {
            match expected.written.get(&About::Contact(id.clone())) {
                Some(line) => assert_eq!(
                    after[id].source,
                    format!("L{line}"),
                    "{mode:?} {id}\n{file}\n{verdicts:#?}"
                ),
                None => assert_eq!(after[id].row, contact.row, "{mode:?}\n{file}"),
            }
        }
        // The new ones.
        let mut created: Vec<&String> = after
            .keys()
            .filter(|id| !known.contains_key(*id))
            .map(|id| &after[id].source)
            .collect();
        let new = expected
            .written
            .iter()
            .filter(|(about, _)| matches!(about, About::New(..)));
        let mut wanted: Vec<String> = new.map(|(_, line)| format!("L{line}")).collect();
        created.sort();
        wanted.sort();
        assert_eq!(created, wanted.iter().collect::<Vec<_>>(), "{mode:?}\n{file}");
        assert_eq!(report.created, wanted.len() as u64);
        assert_eq!(
            report.updated + report.unchanged + report.created,
            expected.written.len() as u64,
            "{report}"
        );
        let contacts = report.created + report.updated + report.unchanged;
        assert_eq!(
            report.read + report.further_phones,
            contacts + report.merged + report.rejected + judged.rows_left_out
        );
    }
    verdicts
        .iter()
        .map(|line| line["verdict"].as_str().unwrap().to_owned())
        .collect()
}

/// A line of a person. `values` are name, email, phones separated by blanks, platform and external id.
fn line(values: [&str; 3], platform: &'static str, external_user_id: &str) -> Line {
    Line {
        name: values[0].into(),
        email: values[1].into(),
        phones: values[2]
            .split(';')
            .filter(|phone| !phone.is_empty())
            .map(str::to_owned)
            .collect(),
        platform,
        external_user_id: external_user_id.into(),
    }
}

#[test]
fn an_import_does_with_each_line_what_check_says() {
    let mut target = CheckTarget::new();
    target.add("Ana Etcheverry", "+5491123456781", "ana@acme.com");
    target.add("Luis Paz", "+5491123456782", "luis.paz@gmail.com");
    target.add("Zoe Quispe", "", "zoe@acme.com");
    let contact = Contact {
        name: Some("Eva Luna"),
        phone: Some("+541143215001"),
        external_user_id: Some("crm-7"),
        platform: "sms",
        ..Contact::default()
    };
    target.add_contact(&contact);
    let lines = [
        line(["Bea Nuñez", "bea@acme.com", "+5491123456783"], "", ""),
        line(["Ana Etcheverry", "", "+5491123456781"], "instagram", ""),
        line(["Luis Paz", "luispaz+news@gmail.com", ""], "", ""),
        line(["Ana Etcheverry", "luis.paz@gmail.com", "+5491123456781"], "", ""),
        line(["Beatriz Núñez", "bea@acme.com", "011 15 2345-6783"], "sms", ""),
        line(["Nobody", "", ""], "", ""),
        // A known and a new phone of one person, and the new phone again.
        line(["Eva Luna", "", "+541143215001;+541143215002"], "", ""),
        line(["Eva Luna", "", "+541143215002"], "", ""),
        line(["", "", ""], "", "crm-7"),
        // A household: the second person needs a decision, and so does who repeats the second person.
        line(["Rosa Díaz", "rosa@acme.com", "+541143215009"], "", ""),
        line(["Pedro Gómez", "pedro@acme.com", "+541143215009"], "", ""),
        line(["Pedro Gómez", "pedro@acme.com", ""], "", ""),
        // Two phones of a new person, each of them again, and a third one.
        line(["Ines Sosa", "ines@acme.com", "+541143215011;+541143215012"], "", ""),
        line(["Ines Sosa", "", "+541143215012"], "sms", ""),
        line(["Ines Sosa", "ines@acme.com", "+541143215011;+541143215013"], "", ""),
        line(["Ines Sosa", "", "011 4321-5013"], "", ""),
        // The person's first contact has no phone.
        line(["Zoe Quispe", "zoe@acme.com", "+541143215021;+541143215022"], "", ""),
    ];
    let seen = compare(&mut target, &lines);
    let all = ["conflict", "duplicate_in_file", "exact", "invalid", "likely", "new"];
    assert_eq!(seen, all.map(str::to_owned).into());
}

/// A pseudorandom number below a limit.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn phone(&mut self) -> String {
        let last = 5_000 + self.below(60);
        match self.below(6) {
            0 => format!("11 4321-{last}"),
            1 => format!("011 15 4321-{last}"),
            2 => format!("+54 9 11 4321 {last}"),
            3 => format!("+54114321{last} int. {}", 1 + self.below(2)),
            4 => "0".to_owned(),
            _ => format!("+54114321{last}"),
        }
    }

    fn line(&mut self) -> Line {
        let first = ["Ana", "Anna", "Luis", "Zoe", "Beatriz", "Bea", "Pedro", "A.", ""];
        let last = ["Etcheverry", "Etcheverri", "Paz", "Quispe", "Gómez", "Gomez", ""];
        let name = format!("{} {}", self.one(&first), self.one(&last)).trim().to_owned();
        let person = self.below(25);
        let email = match self.below(6) {
            0 | 1 => String::new(),
            2 => format!("p.{person}@gmail.com"),
            3 => format!("p{person}+x@gmail.com"),
            4 => "info@acme.com".to_owned(),
            _ => format!("P{person}@gmail.com"),
        };
        let phones = (0..[0, 1, 1, 1, 2][self.below(5)]).map(|_| self.phone()).collect();
        let external_user_id = match self.below(8) {
            0 => format!("crm-{}", self.below(12)),
            _ => String::new(),
        };
        let platform = self.one(&["", "whatsapp", "sms"]);
        Line {
            name,
            email,
            phones,
            platform: if platform.is_empty() {
                ""
            } else if platform == "sms" {
                "sms"
            } else {
                "whatsapp"
            },
            external_user_id,
        }
    }
}

#[test]
fn an_import_does_with_each_random_line_what_check_says() {
    let mut seen = BTreeSet::new();
    for seed in 1..=5 {
        let mut random = Random(seed);
        let mut target = CheckTarget::new();
        // Half of the contacts come from a file, so that their identities differ.
        let contacts: Vec<Line> = (0..25).map(|_| random.line()).collect();
        let options = ImportOptions {
            skip_bad_rows: true,
            ..ImportOptions::default()
        };
        let client = contact_search::store::clients::find_client(&mut target.connection, "Acme")
            .unwrap()
            .unwrap();
        let file = file_of(&contacts);
        Import::open(file.as_bytes(), options)
            .unwrap()
            .run(&mut target.connection, &client, &mut |_| {})
            .unwrap();
        let lines: Vec<Line> = (0..80).map(|_| random.line()).collect();
        seen.extend(compare(&mut target, &lines));
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}
