//! Import: rejected rows, and accepted rows that look doubtful.

use contact_search::transfer::import::Rejection;

use crate::support::import::{ImportTarget, counts, skipping};

#[test]
fn a_bad_row_is_reported_with_line_column_and_reason() {
    let mut target = ImportTarget::new();
    let long = |count| "x".repeat(count);
    let time = "the time can't be read: write it as 2024-12-31 or 2024-12-31T23:59:59Z";
    let identity = "an external id, a phone with digits, or an email is needed";
    for (header, row, column, reason) in [
        ("Correo", "  ", None, None),
        ("Correo,x", ",1", Some("Correo"), Some(identity)),
        ("email,Teléfono", ",no tiene", Some("Teléfono, email"), Some(identity)),
        (
            "email,name",
            "a@x.com,b,c",
            None,
            Some("the row has 3 cells, but the header has 2"),
        ),
        ("email,created_at", "a@x.com,31/12/2024", Some("created_at"), Some(time)),
        ("email,created_at", "a@x.com,45657", Some("created_at"), Some(time)),
        (
            "email,Last Message",
            "a@x.com,2999-01-01",
            Some("Last Message"),
            Some("the time is in the future"),
        ),
        (
            "email,last_inbound_at",
            "a@x.com,2999-01-01T00:00:00Z",
            Some("last_inbound_at"),
            Some("the time is in the future"),
        ),
        (
            "email,created_at",
            "a@x.com,0000-01-01T00:00:00Z",
            Some("created_at"),
            Some("the time is before the year 1"),
        ),
        (
            "email,blocked",
            "a@x.com,maybe",
            Some("blocked"),
            Some("it is neither true nor false"),
        ),
        (
            "email,stage_id",
            "a@x.com,0198c0de00007000800000000000000a",
            Some("stage_id"),
            Some("it is not a UUID: write it as 0198c0de-0000-7000-8000-000000000000"),
        ),
        (
            "email,name",
            &format!("a@x.com,{}", long(513)),
            Some("name"),
            Some("it has more than 512 characters"),
        ),
        (
            "email,platform",
            &format!("a@x.com,{}", long(65)),
            Some("platform"),
            Some("it has more than 64 characters"),
        ),
        (
            "email,source",
            &format!("a@x.com,{}", long(65)),
            Some("source"),
            Some("it has more than 64 characters"),
        ),
        (
            "email,chat_status",
            &format!("a@x.com,{}", long(65)),
            Some("chat_status"),
            Some("it has more than 64 characters"),
        ),
        (
            "email,list",
            &format!("a@x.com,{}", long(201)),
            Some("list"),
            Some("it has more than 200 characters"),
        ),
        (
            "email,x",
            &format!("{},", long(321)),
            Some("email"),
            Some("it has more than 320 characters"),
        ),
        (
            "external_id,x",
            &format!("{},", long(257)),
            Some("external_id"),
            Some("it has more than 256 characters"),
        ),
        (
            "phone,x",
            &format!("{},", "1".repeat(257)),
            Some("phone"),
            Some("it has more than 256 characters"),
        ),
    ] {
        let blanks = header.split(',').count() - 1;
        let first = [vec!["good@example.com"], vec![""; blanks]].concat().join(",");
        let file = format!("{header}\n{first}\n\n{row}\n");
        let Some(reason) = reason else {
            assert_eq!(counts(&target.import(&file).unwrap()), [1, 0, 0, 0, 0]);
            continue;
        };
        let expected = Rejection {
            line: 4,
            column: column.map(str::to_owned),
            reason: reason.to_owned(),
        };
        let file = file.replace("phone,x\ngood@example.com", "phone,x\n+5491155550001");
        assert_eq!(target.rejections(&file), [expected], "{header}");
    }
}

#[test]
fn the_longest_documented_values_are_stored() {
    let mut target = ImportTarget::new();
    let text = |count| "ñ".repeat(count);
    let email = format!("ñ@{}", text(318));
    let file = format!(
        "name,email,platform,source,chat_status,list,external_id,phone,created_at\n{},{},{},{},{},{},{},{},0001-01-01\n",
        text(512),
        email,
        text(64),
        text(64),
        text(64),
        text(200),
        text(256),
        "1".repeat(256)
    );
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(
        target.contacts("platform source chat_status"),
        [text(64), text(64), text(64)].join(" ")
    );
}

#[test]
fn a_reason_never_repeats_the_contents_of_the_row() {
    let mut target = ImportTarget::new();
    let file = "email,blocked,created_at\ncanary@example.com,canary,\ncanary@example.com,,canary\ncanary,canary,canary,canary\n";
    let rejections = target.rejections(file);
    assert_eq!(rejections.len(), 3);
    assert!(!format!("{rejections:?}").contains("canary"), "{rejections:?}");
    let error = target.refuse(file);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

#[test]
fn every_bad_row_is_reported() {
    let mut target = ImportTarget::new();
    let file = format!("email,name\n{}", "a@example.com,A\n,B\n".repeat(3000));
    let rejections = target.rejections(&file);
    let lines: Vec<u64> = rejections.iter().map(|it| it.line).collect();
    assert_eq!(lines, (3..=6001).step_by(2).collect::<Vec<_>>());
    assert_eq!(
        rejections[2999].to_string(),
        "line 6001, column email: an external id, a phone with digits, or an email is needed"
    );
    assert_eq!(
        target.refuse(&file).to_string(),
        "3000 of 6000 rows can't be imported, so nothing was written: correct them, or skip them with \
         --skip-bad-rows"
    );
    let report = target.import_with(file.as_bytes(), &[], &skipping()).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 2999, 3000]);
}

#[test]
fn lines_are_counted_with_any_line_ending() {
    let mut target = ImportTarget::new();
    for file in [
        "sep=;\rx;email\r1;\r",
        "sep=;\r\nx;email\r\n1;\r\n",
        "\n\nx;email\r\r1;",
    ] {
        let lines: Vec<u64> = target.rejections(file).iter().map(|it| it.line).collect();
        let expected = if file.starts_with("sep") { 3 } else { 5 };
        assert_eq!(lines, [expected], "{file:?}");
    }
}

#[test]
fn invalid_phones_are_stored_and_counted() {
    let mut target = ImportTarget::new();
    let file = "phone,email\n+5491155550001,\n123,\nno tiene,a@example.com\n";
    let report = target.import(file).unwrap();
    assert_eq!(counts(&report), [3, 0, 0, 0, 0]);
    assert_eq!(report.phones_unresolved.count, 2);
    assert!(
        report
            .to_string()
            .ends_with("\n2 phones are not valid numbers: lines 3 and 4"),
        "{report}"
    );
    assert_eq!(
        target.contacts("phone phone_as_given email"),
        "+5491155550001 +5491155550001 -\n123 123 -\n- - a@example.com"
    );
    let report = target.import("phone\n123\n").unwrap().to_string();
    assert!(report.ends_with("\n1 phone is not a valid number: line 2"), "{report}");
}

#[test]
fn rows_with_different_emails_that_an_invalid_phone_merges_are_reported() {
    for (phone, others) in [("4555000", "455-5000"), ("1234", "Tel. 1234"), ("+1 23", "123")] {
        let mut target = ImportTarget::new();
        let file = format!(
            "phone;email\n{phone};a@example.com\n{others};b@example.com\n{phone};\n{phone};c@example.com\n\
             +5491155550001;d@example.com\n+5491155550001;e@example.com\n"
        );
        let report = target.import(&file).unwrap();
        assert_eq!((counts(&report), report.doubtful), ([2, 0, 0, 4, 0], 3), "{phone}");
        assert!(
            report.to_string().ends_with(
                "\n4 phones are not valid numbers: lines 2, 3, 4 and 5\n3 rows share an invalid phone with a contact that has another email: \
                 contacts with the same phone were merged, so check the phone column (a spreadsheet may have damaged \
                 it)"
            ),
            "{report}"
        );
        assert_eq!(target.import(&file).unwrap().doubtful, 3, "{phone}: again");
    }
}

#[test]
fn phones_in_scientific_notation_placeholders_and_vanity_letters_do_not_merge_different_people() {
    for phone in [
        "5.49112E+12",
        "5,49112E+12",
        "0",
        "12",
        "000-0000",
        "N/A 0",
        "800-44-XY",
        "4123-4567/4123-4568",
    ] {
        let mut target = ImportTarget::new();
        let file = format!("phone;email;external_id\n{phone};a@example.com;\n{phone};b@example.com;\n{phone};;x\n");
        let report = target.import(&file).unwrap();
        assert_eq!((counts(&report), report.doubtful), ([3, 0, 0, 0, 0], 0), "{phone}");
        assert_eq!(report.phones_unresolved.count, 3, "{phone}");
        assert_eq!(
            target.ask("SELECT count(DISTINCT phone_as_given) FROM contacts WHERE NOT phone_identifies"),
            "1",
            "{phone}: the phone is stored"
        );
        let before = target.dump();
        assert_eq!(counts(&target.import(&file).unwrap()), [0, 0, 3, 0, 0], "{phone}");
        assert_eq!(target.dump(), before, "{phone}");
    }
}

#[test]
fn a_row_whose_phone_identifies_nobody_needs_another_identity() {
    let mut target = ImportTarget::new();
    let file = "name,phone,email\nAna,0,\nBea,000-0000,b@example.com\nEva,\"5,49112E+12\",\n";
    let found: Vec<(u64, String)> = target
        .rejections(file)
        .into_iter()
        .map(|it| (it.line, it.to_string()))
        .collect();
    let reason = "column phone: the phone identifies nobody: correct it, or give an external id or an email";
    assert_eq!(
        found,
        [(2, format!("line 2, {reason}")), (4, format!("line 4, {reason}"))]
    );
}

#[test]
fn groups_newsletters_and_broadcasts_are_refused_and_a_hidden_number_is_an_external_id() {
    let mut target = ImportTarget::new();
    let file = "name,phone,platform,external_id\n\
                Ana,98765432101234@lid,whatsapp,\n\
                Grupo,120363025246125486@g.us,whatsapp,\n\
                Canal,120363144038483540@newsletter,whatsapp,7\n\
                Estado,,whatsapp,status@broadcast\n";
    let lines: Vec<String> = target.rejections(file).iter().map(ToString::to_string).collect();
    let reason = "it is the WhatsApp id of a group, a newsletter or a broadcast, and not of a person";
    let expected = [(3, "phone"), (4, "phone"), (5, "external_id")]
        .map(|(line, column)| format!("line {line}, column {column}: {reason}"));
    assert_eq!(lines, expected);
    let report = target.import_with(file.as_bytes(), &[], &skipping()).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 0, 3]);
    assert_eq!(
        target.contacts("external_user_id phone phone_as_given name"),
        "98765432101234@lid - - Ana"
    );
}

#[test]
fn a_row_that_shares_an_invalid_phone_with_a_contact_of_another_email_is_reported() {
    let mut target = ImportTarget::new();
    let mut doubtful = |file: &str| {
        let report = target.import(file).unwrap();
        (report.doubtful, report.to_string())
    };
    assert_eq!(doubtful("phone,email\n123,a@example.com\n").0, 0, "the contact is new");
    assert_eq!(
        doubtful("phone,email\n123,A@Example.com\n123,\n").0,
        0,
        "only the case differs"
    );
    let (count, report) = doubtful("phone,email\n123,b@example.com\n");
    assert_eq!(count, 1);
    assert!(report.contains("\n1 row shares an invalid phone"), "{report}");
    let adopting = "external_id,phone,email\nx,123,c@example.com\n";
    assert_eq!(doubtful(adopting).0, 1, "the contact is adopted");
    let by_its_id = "external_id,phone,email\nx,123,d@example.com\n";
    assert_eq!(doubtful(by_its_id).0, 0, "the external id found the contact");
    let both = "external_id,phone,email\ny,456,a@example.com\n,456,b@example.com\n,789,c@example.com\n";
    assert_eq!(
        doubtful(both).0,
        1,
        "the invalid phone matches a row that has an external id"
    );
    let channels = "platform,phone,email\nsms,000,a@example.com\nwebchat,000,b@example.com\n";
    assert_eq!(doubtful(channels).0, 0, "another channel is another contact");
}
