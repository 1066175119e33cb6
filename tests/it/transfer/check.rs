//! `contact-search check`: the verdicts and their reasons.

use contact_search::domain::duplicates::{EmailLevel, ExternalIdLevel, Level, NameLevel, PhoneLevel};
use serde_json::{Value, json};

use crate::support::Contact;
use crate::support::check::{CheckTarget, reasons, verdicts};
use crate::support::import::{FAKE_1000, make_client};

fn ids(line: &Value) -> Vec<&str> {
    let ids = line["contactIds"].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap()).collect()
}

#[test]
fn each_verdict_has_its_reasons_and_its_matches() {
    let mut target = CheckTarget::new();
    let ana = target.add("Ana Etcheverry", "+5491123456781", "ana@acme.com");
    let luis = target.add("Luis Paz", "+5491123456782", "luis.paz@gmail.com");
    let by_id = target.add_contact(&Contact {
        name: Some("Zoe Quispe"),
        external_user_id: Some("crm-7"),
        ..Contact::default()
    });
    let lines = target.check(
        "name,phone,email,external_user_id\n\
         Bea Nuñez,+5491123456783,bea@acme.com,\n\
         Ana Etcheverry,+5491123456781,,\n\
         ,,ANA@acme.com,\n\
         ,,,crm-7\n\
         Luis Paz,011 15 2345-6782,,\n\
         Luis Paz,,luispaz+news@gmail.com,\n\
         Etcheverry Ana,,ana@acme.con,\n\
         Ana Etcheverry,+5491123456781,luis.paz@gmail.com,\n\
         Pedro Gómez,+5491123456782,,\n\
         Beatriz Núñez,+5491123456783,bea@acme.com,\n\
         Nobody,no phone,,\n",
    );
    let expected = [
        ("new", vec![]),
        ("exact", vec![&*ana]),
        ("exact", vec![&ana]),
        ("exact", vec![&by_id]),
        ("exact", vec![&luis]),
        ("likely", vec![&luis]),
        ("likely", vec![&ana]),
        ("conflict", vec![&ana, &luis]),
        ("conflict", vec![&luis]),
        ("duplicate_in_file", vec![]),
        ("invalid", vec![]),
    ];
    assert_eq!(lines.len(), expected.len());
    for (at, (line, (verdict, contacts))) in lines.iter().zip(&expected).enumerate() {
        assert_eq!(line["line"], at + 2);
        assert_eq!(line["verdict"], *verdict, "{line}");
        assert_eq!(ids(line), *contacts, "{line}");
    }
    assert_eq!([&lines[9]["duplicateOf"], &lines[6]["duplicateOf"]], [2, 3]);
    for (line, level) in [
        (1, Level::Phone(PhoneLevel::Same)),
        (2, Level::Email(EmailLevel::Same)),
        (3, Level::ExternalId(ExternalIdLevel::Same)),
        (4, Level::Phone(PhoneLevel::Same)),
        (5, Level::Email(EmailLevel::SameMailbox)),
        (6, Level::Name(NameLevel::Swapped)),
        (7, Level::Phone(PhoneLevel::Same)),
        (8, Level::Name(NameLevel::Different)),
        (9, Level::Email(EmailLevel::Same)),
    ] {
        assert!(reasons(&lines[line]).contains(level.text()), "{}", lines[line]);
    }
    assert!(
        reasons(&lines[7]).starts_with("the phone, the email and the external id lead to different contacts; "),
        "{}",
        lines[7]
    );
    assert_eq!(
        reasons(&lines[10]),
        "column external_user_id, phone, email: an external id, a phone with digits, or an email is needed"
    );
    assert_eq!(lines[0]["reasons"], json!([]));
    for line in &lines {
        let score = line["score"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&score), "{line}");
        let members: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["line", "verdict", "score", "reasons", "contactIds", "duplicateOf"],
            "{line}"
        );
    }
}

#[test]
fn a_contact_with_another_notation_of_the_same_line_is_likely() {
    let mut target = CheckTarget::new();
    let luis = target.add("Luis Paz", "+541123456782", "");
    let lines = target.check("name,phone\nLuis Paz,+5491123456782\n");
    assert_eq!((verdicts(&lines), ids(&lines[0])), (vec!["likely"], vec![&*luis]));
    assert!(
        reasons(&lines[0]).starts_with(Level::Phone(PhoneLevel::SameLine).text()),
        "{}",
        lines[0]
    );
}

#[test]
fn the_threshold_decides_what_is_likely() {
    let mut target = CheckTarget::new();
    target.add("Ana Etcheverry", "", "ana.etcheverry@acme.com");
    let file = "name,email\nAna Etcheverri,aetcheverry@other.com\n";
    let score = target.check(file)[0]["score"].as_f64().unwrap();
    assert!(score > 0.01 && score < 0.99, "{score}");
    let verdict = |threshold: f64| {
        let lines = target.check_with(file, &["--threshold", &threshold.to_string()]);
        assert_eq!(lines[0]["score"], score, "the threshold does not change the score");
        lines[0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!([verdict(score - 0.001), verdict(score + 0.001)], ["likely", "new"]);
}

#[test]
fn the_contact_with_exactly_the_same_phone_or_email_is_found_among_many_similar_ones() {
    let mut target = CheckTarget::new();
    // All share the last eight digits or the mailbox with the row, and only the youngest has the same values.
    for number in 0..60 {
        target.add(&format!("N{number}"), &format!("+{}23456781", 4_930 + number), "");
        target.add("", "", &format!("ana+{number}@gmail.com"));
    }
    let phone = target.add("Ana Etcheverry", "+5491123456781", "");
    let email = target.add("", "", "ana@gmail.com");
    let lines = target.check("name,phone,email\nAna Etcheverry,+5491123456781,\n,,ana@gmail.com\n");
    assert_eq!(verdicts(&lines), ["exact", "exact"]);
    assert_eq!([ids(&lines[0])[0], ids(&lines[1])[0]], [phone, email]);
}

#[test]
fn the_owner_of_a_phone_is_found_among_many_who_share_it() {
    let mut target = CheckTarget::new();
    for number in 0..70 {
        let id = format!("id-{number}");
        let name = format!(
            "{} {}",
            "ABCDEFG".chars().nth(number % 7).unwrap().to_string().repeat(4),
            "x".repeat(number + 3)
        );
        target.add_contact(&Contact {
            name: Some(&name),
            phone: Some("+541143215001"),
            external_user_id: Some(&id),
            ..Contact::default()
        });
    }
    let owner = target.add_contact(&Contact {
        name: Some("Ana Etcheverry"),
        phone: Some("+541143215001"),
        external_user_id: Some("id-70"),
        ..Contact::default()
    });
    let lines = target.check("name,phone\nAna Etcheverry,+541143215001\nPedro Gómez,+541143215001\n");
    assert_eq!(verdicts(&lines), ["exact", "conflict"]);
    assert_eq!(ids(&lines[0]), [owner]);
    assert_eq!(ids(&lines[1]).len(), 50, "the best 50 are named");
}

#[test]
fn a_row_with_several_phones_has_one_verdict() {
    let mut target = CheckTarget::new();
    let contact = target.add("Ana Gil", "+541143215001", "");
    let card = |name: &str, phones: &[&str]| {
        let phones: String = phones.iter().map(|phone| format!("TEL:{phone}\r\n")).collect();
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\n{phones}END:VCARD\r\n")
    };
    let file = [
        card("Ana Gil", &["+5491123456781", "+541143215001", "+541143215002"]),
        card("Bea Paz", &["+5491123456783", "+541143215004"]),
        card("Bea Paz", &["+541143215004"]),
    ];
    let lines = target.check(file.concat());
    assert_eq!(verdicts(&lines), ["exact", "new", "duplicate_in_file"]);
    assert_eq!(ids(&lines[0]), [contact]);
    let starts: Vec<u64> = lines.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(starts, [1, 8, 14]);
    assert_eq!(lines[2]["duplicateOf"], 8);
}

#[test]
fn contacts_of_another_client_are_never_compared() {
    let mut target = CheckTarget::new();
    let other = make_client(&mut target.connection, "Other").id;
    let contact = Contact {
        name: Some("Ana Etcheverry"),
        phone: Some("+5491123456781"),
        email: Some("ana@acme.com"),
        external_user_id: Some("crm-7"),
        ..Contact::default()
    };
    contact.add(&mut target.connection, other);
    let lines = target.check(
        "name,phone,email,external_user_id\nAna Etcheverry,+5491123456781,ana@acme.com,crm-7\n\
         Etcheverry Ana,,ana+x@acme.com,\n",
    );
    assert_eq!(lines[0]["verdict"], "new");
    assert_eq!(lines[0]["score"], 0.0);
    // The other client's names count for no frequency.
    assert!(reasons(&lines[1]).contains("of 2 records"), "{}", lines[1]);
}

#[test]
fn most_duplicates_of_a_labelled_file_are_found_when_its_first_half_is_imported() {
    let target = CheckTarget::new();
    let text = std::str::from_utf8(FAKE_1000).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let person = |row: &str| row.rsplit(',').next().unwrap().trim().to_owned();
    // Every other row, so that both halves have rows of most persons.
    let half = |odd: usize| rows.iter().skip(odd).step_by(2).copied().collect::<Vec<&str>>();
    let part = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
    let columns = [
        "--column",
        "name=first_name,surname",
        "--column",
        "external_user_id=unique_id",
    ];
    let (imported, checked) = (half(0), half(1));
    let file = crate::support::check::file(part(&imported));
    let path = file.path().to_str().unwrap();
    let arguments = [&["import", path, "--client", "Acme", "--skip-bad-rows"], &columns[..]].concat();
    let output = crate::support::command::run_on(&target.database, &arguments);
    assert_eq!(output.status, Some(0), "{}", output.stderr);

    let lines = target.check_with(part(&checked), &columns);
    assert_eq!(lines.len(), checked.len());
    let known: Vec<String> = imported.iter().map(|row| person(row)).collect();
    let (mut known_rows, mut found, mut wrong) = (0, 0, 0);
    for (line, row) in lines.iter().zip(&checked) {
        let is_found = ["exact", "likely", "conflict"].contains(&line["verdict"].as_str().unwrap());
        if known.contains(&person(row)) {
            known_rows += 1;
            found += usize::from(is_found);
        } else {
            wrong += usize::from(is_found);
        }
    }
    assert!(known_rows > 300, "{known_rows}");
    assert!(found * 100 >= known_rows * 80, "{found} of {known_rows} are found");
    assert!(wrong * 50 <= checked.len(), "{wrong} rows match a stranger");
}
