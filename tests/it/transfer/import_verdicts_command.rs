//! `import --on-duplicate` and `--only new`, as a user types it: options, summaries, refusals, and concurrent writers.

use contact_search::store::clients::find_client;
use contact_search::transfer::import::{Event, Import, ImportError, ImportOptions, ImportReport, OnDuplicate};
use serde_json::{Value, json};

use crate::support::Contact;
use crate::support::check::{CheckTarget, file};
use crate::support::command::{CommandOutput, command_on, error_of, run, stdout};
use crate::support::import::ask;

fn run_import(target: &CheckTarget, content: &str, arguments: &[&str]) -> CommandOutput {
    let file = file(content);
    let path = file.path().to_str().unwrap();
    let arguments = [&["import", path, "--client", "Acme"], arguments].concat();
    run(command_on(&target.database, &arguments), "")
}

/// The names, phones and emails of the contacts, in the order of their creation.
fn contacts(target: &mut CheckTarget) -> String {
    ask(
        &mut target.connection,
        "SELECT string_agg(concat_ws(' ', coalesce(name, '-'), coalesce(phone, '-'), coalesce(email, '-')), E'\n'
            ORDER BY serial_id) FROM contacts",
    )
}

/// A target with Ana and Luis, and a file with a row of each verdict.
fn target() -> CheckTarget {
    let mut target = CheckTarget::new();
    target.add("Ana Etcheverry", "+5491123456781", "");
    target.add("Luis Paz", "", "luis.paz@gmail.com");
    target
}

const BEFORE: &str = "Ana Etcheverry +5491123456781 -\nLuis Paz - luis.paz@gmail.com";

const FILE: &str = "name,phone,email\n\
    Bea Nuñez,+5491123456783,\n\
    Ana Etcheverry,+5491123456781,ana@acme.com\n\
    Luis Paz,+5491123456782,luispaz+news@gmail.com\n\
    Pedro Gómez,+5491123456781,\n\
    Bea Nuñez,+5491123456783,bea@acme.com\n\
    Zoe,,\n";

const COUNTS: &str = "6 rows read = 1 new + 1 exact + 1 likely + 1 conflict + 1 duplicate_in_file + 1 invalid\n";

#[test]
fn skip_and_only_new_create_the_new_contacts_alone() {
    for option in [["--on-duplicate", "skip"], ["--only", "new"]] {
        let mut target = target();
        let summary = stdout(run_import(&target, FILE, &[&option[..], &["--skip-bad-rows"]].concat()));
        assert_eq!(
            summary,
            format!(
                "{COUNTS}1 contact created, 0 updated, 0 unchanged\n\
                 3 duplicates were not written: lines 3, 4 and 6\n\
                 1 conflict was not written, and needs a person: line 5\n"
            )
        );
        assert_eq!(contacts(&mut target), format!("{BEFORE}\nBea Nuñez +5491123456783 -"));
    }
}

#[test]
fn update_writes_duplicates_into_the_contacts_that_check_names() {
    let mut target = target();
    let summary = stdout(run_import(
        &target,
        FILE,
        &["--on-duplicate", "update", "--skip-bad-rows"],
    ));
    assert_eq!(
        summary,
        format!(
            "{COUNTS}1 contact created, 2 updated, 0 unchanged\n1 conflict was not written, and needs a person: line 5\n"
        )
    );
    assert_eq!(
        contacts(&mut target),
        "Ana Etcheverry +5491123456781 ana@acme.com\nLuis Paz +5491123456782 luispaz+news@gmail.com\n\
         Bea Nuñez +5491123456783 bea@acme.com"
    );
    // The contacts are other ones now, so the second import has other verdicts. It changes nothing.
    let before = contacts(&mut target);
    let again = stdout(run_import(
        &target,
        FILE,
        &["--on-duplicate", "update", "--skip-bad-rows"],
    ));
    assert!(
        again.contains("\n0 contacts created, 0 updated, 3 unchanged\n"),
        "{again}"
    );
    assert_eq!(contacts(&mut target), before);
}

#[test]
fn error_writes_nothing_if_a_row_is_no_new_contact() {
    let mut target = target();
    let refused = error_of(run_import(
        &target,
        FILE,
        &["--on-duplicate", "error", "--skip-bad-rows"],
    ));
    assert!(
        refused.ends_with(
            " was not imported: 4 of 6 rows are duplicates or conflicts, so nothing was written: 3 duplicates (lines \
             3, 4 and 6) and 1 conflict (line 5); `contact-search check` shows why\n"
        ),
        "{refused}"
    );
    assert_eq!(contacts(&mut target), BEFORE);
    let output = run_import(&target, FILE, &["--on-duplicate", "error", "--skip-bad-rows", "--json"]);
    assert_eq!(output.status, Some(1));
    let summary: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(summary["imported"], false);
    assert_eq!(summary["conflictsLeftOut"], json!({ "count": 1, "lines": [5] }));
    assert_eq!(contacts(&mut target), BEFORE);
    // Rejected rows stop the import before, as always.
    let rejected = error_of(run_import(&target, FILE, &["--on-duplicate", "error"]));
    assert!(rejected.contains("1 of 6 rows can't be imported"), "{rejected}");
    let all_new = "name,phone\nBea Nuñez,+5491123456783\nZoe Quispe,+5491123456784\n";
    let summary = stdout(run_import(&target, all_new, &["--on-duplicate", "error"]));
    assert!(
        summary.contains("\n2 contacts created, 0 updated, 0 unchanged\n"),
        "{summary}"
    );
}

#[test]
fn the_json_summary_has_the_verdicts_and_the_lines_left_out() {
    let target = target();
    let json = stdout(run_import(
        &target,
        FILE,
        &["--on-duplicate", "update", "--skip-bad-rows", "--json"],
    ));
    let summary: Value = serde_json::from_str(&json).unwrap();
    let verdicts = json!({
        "new": 1, "exact": 1, "likely": 1, "conflict": 1, "duplicateInFile": 1, "invalid": 1
    });
    assert_eq!(summary["imported"], true);
    assert_eq!(summary["verdicts"], verdicts);
    assert_eq!(summary["duplicatesLeftOut"], json!({ "count": 0, "lines": [] }));
    assert_eq!(summary["conflictsLeftOut"], json!({ "count": 1, "lines": [5] }));
    assert_eq!(summary["collisions"], json!({ "count": 0, "lines": [] }));
    for (member, count) in [("created", 1), ("updated", 2), ("merged", 1), ("rejected", 1)] {
        assert_eq!(summary[member], count, "{member}");
    }
    let json = stdout(run_import(&target, "phone\n+5491123456789\n", &["--json"]));
    let summary: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        summary["verdicts"],
        Value::Null,
        "without the options nothing is judged"
    );
}

#[test]
fn a_refusal_names_ignored_columns_that_look_like_a_phone_or_an_email() {
    let mut target = CheckTarget::new();
    target.add("Luis Paz", "+541123456782", "");
    target.add("Pedro Gómez", "+5491123456782", "");
    let file = "name,phone,platform,reply to\nLuis Paz,+5491123456782,whatsapp,luis@acme.com\n";
    for mode in ["error", "update"] {
        let output = run_import(&target, file, &["--on-duplicate", mode, "--json"]);
        let summary: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(summary["imported"], false, "{mode}");
        assert_eq!(summary["lookalikes"][0]["column"], "reply to", "{mode}");
        assert!(output.stderr.contains("reply to"), "{mode}: {}", output.stderr);
    }
}

#[test]
fn the_threshold_decides_as_in_check() {
    let mut target = CheckTarget::new();
    target.add("Ana Etcheverry", "", "ana.etcheverry@acme.com");
    let file = "name,email\nAna Etcheverri,aetcheverry@other.com\n";
    let score = target.check(file)[0]["score"].as_f64().unwrap();
    for (threshold, created) in [(score + 0.001, 1), (score - 0.001, 0)] {
        let threshold = threshold.to_string();
        let arguments = ["--only", "new", "--threshold", &threshold, "--json"];
        let mut command = CheckTarget::new();
        command.add("Ana Etcheverry", "", "ana.etcheverry@acme.com");
        let summary: Value = serde_json::from_str(&stdout(run_import(&command, file, &arguments))).unwrap();
        assert_eq!(summary["created"], created, "{summary}");
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let target = target();
    for (arguments, part) in [
        (&["--on-duplicate", "skip", "--only", "new"][..], "cannot be used with"),
        (&["--on-duplicate", "update", "--exact"], "cannot be used with"),
        (&["--only", "new", "--exact"], "cannot be used with"),
        (&["--threshold", "0.8"], "required arguments were not provided"),
        (&["--on-duplicate", "merge"], "[possible values: skip, update, error]"),
        (&["--only", "exact"], "[possible values: new]"),
        (&["--only", "new", "--threshold", "0"], "write a probability above 0"),
    ] {
        let refused = error_of(run_import(&target, FILE, arguments));
        assert!(refused.contains(part), "{arguments:?}: {refused}");
    }
}

#[test]
fn an_update_that_would_give_two_contacts_one_phone_is_refused_with_its_line() {
    let mut target = CheckTarget::new();
    // Two notations of one line on one platform, with the names of two people.
    target.add("Luis Paz", "+541123456782", "");
    target.add("Pedro Gómez", "+5491123456782", "");
    let before = contacts(&mut target);
    let file = "name,phone,platform\nBea Nuñez,+5491123456783,\nLuis Paz,+5491123456782,whatsapp\n";
    assert_eq!(target.check(file)[1]["verdict"], "likely");
    let refused = error_of(run_import(&target, file, &["--on-duplicate", "update"]));
    assert!(
        refused.ends_with(
            "nothing was written, because contacts would get the phone, the email or the external id that identifies \
             another contact: line 3. Leave this line out, or correct it\n"
        ),
        "{refused}"
    );
    let output = run_import(&target, file, &["--on-duplicate", "update", "--json"]);
    let summary: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(summary["collisions"], json!({ "count": 1, "lines": [3] }));
    assert_eq!((summary["imported"].as_bool(), output.status), (Some(false), Some(1)));
    assert_eq!(summary["lookalikes"], json!([]));
    assert_eq!(contacts(&mut target), before);
    // Two rows give two contacts one phone.
    let mut target = CheckTarget::new();
    target.add("Ana Gil", "", "ana@acme.com");
    target.add("Ana Gil", "", "gil@acme.com");
    let file = "name,phone,email,platform\n\
        Ana Gil,+5491123456783,ana@acme.com,whatsapp\nAna Gil,+5491123456783,gil@acme.com,whatsapp\n";
    let refused = error_of(run_import(&target, file, &["--on-duplicate", "update"]));
    assert!(
        refused.contains(": lines 2 and 3. Leave these lines out, or correct them"),
        "{refused}"
    );
}

#[test]
fn an_update_never_writes_one_person_over_another_who_shares_a_further_phone() {
    const ROSA: &str = ",Rosa,Díaz,rosa@acme.com,+541143215009,,whatsapp\n";
    const ANA: &str = ",Ana,Etcheverry,ana@acme.com,+541143215009,+5491123456781,whatsapp\n";
    for (has_rosa, lines, verdicts) in [
        (true, [ROSA, ANA], ["exact", "exact"]),
        (true, [ANA, ROSA], ["exact", "exact"]),
        (false, [ROSA, ANA], ["new", "exact"]),
    ] {
        let mut target = CheckTarget::new();
        if has_rosa {
            target.add("Rosa Díaz", "", "rosa@acme.com");
        }
        target.add("Ana Etcheverry", "+5491123456781", "ana@acme.com");
        let before = contacts(&mut target);
        let file = format!(
            "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,platform\n{}",
            lines.concat()
        );
        let checked = target.check(&file);
        assert_eq!([&checked[0]["verdict"], &checked[1]["verdict"]], verdicts);
        let refused = error_of(run_import(&target, &file, &["--on-duplicate", "update"]));
        assert!(refused.contains(": lines 2 and 3. Leave these lines out"), "{refused}");
        assert_eq!(contacts(&mut target), before);
        // On another platform both people can have a contact with the phone.
        if has_rosa {
            let file = file.replace("whatsapp", "sms");
            stdout(run_import(&target, &file, &["--on-duplicate", "update"]));
            assert_eq!(
                contacts(&mut target),
                "Rosa Díaz +541143215009 rosa@acme.com\nAna Etcheverry +5491123456781 ana@acme.com\n\
                 Ana Etcheverry +541143215009 ana@acme.com"
            );
        }
    }
}

#[test]
fn an_update_that_swaps_the_phones_of_two_contacts_is_refused_with_its_lines() {
    let mut target = CheckTarget::new();
    target.add("Luis Paz", "+541123456782", "");
    target.add("Pedro Gómez", "+5491123456782", "");
    let before = contacts(&mut target);
    let file = "name,phone,platform\nLuis Paz,+5491123456782,whatsapp\nPedro Gómez,+541123456782,whatsapp\n";
    let checked = target.check(file);
    assert_eq!([&checked[0]["verdict"], &checked[1]["verdict"]], ["likely", "likely"]);
    let refused = error_of(run_import(&target, file, &["--on-duplicate", "update"]));
    assert!(refused.contains(": lines 2 and 3. Leave these lines out"), "{refused}");
    assert_eq!(contacts(&mut target), before);
}

#[test]
fn a_contact_keeps_its_platform_and_its_external_id() {
    let mut target = CheckTarget::new();
    let contact = Contact {
        name: Some("Ana Gil"),
        phone: Some("+5491123456781"),
        external_user_id: Some("crm-1"),
        ..Contact::default()
    };
    target.add_contact(&contact);
    let file = "name,phone,platform,external_id\nAna María Gil,+5491123456781,sms,crm-2\n";
    assert_eq!(target.check(file)[0]["verdict"], "exact");
    stdout(run_import(&target, file, &["--on-duplicate", "update"]));
    assert_eq!(
        ask(
            &mut target.connection,
            "SELECT string_agg(concat_ws(' ', name, platform, external_user_id), ', ') FROM contacts"
        ),
        "Ana María Gil whatsapp crm-1"
    );
}

/// Imports the file while another writer executes `sql` after the rows have begun to be judged.
fn import_during_write(
    target: &mut CheckTarget,
    file: &str,
    on_duplicate: OnDuplicate,
    sql: &str,
) -> Result<ImportReport, ImportError> {
    let options = ImportOptions {
        on_duplicate: Some(on_duplicate),
        ..ImportOptions::default()
    };
    let client = find_client(&mut target.connection, "Acme").unwrap().unwrap();
    let mut has_written = false;
    Import::open(file.as_bytes(), options)?.run(&mut target.connection, &client, &mut |event| {
        if matches!(event, Event::Judging(_)) && !has_written {
            target.database.execute(sql);
            has_written = true;
        }
    })
}

#[test]
fn a_contact_that_another_writer_makes_while_the_rows_are_judged_counts() {
    let insert = |client: &dyn std::fmt::Display| {
        format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, platform, name, phone, phone_key, phone_as_given)
             SELECT client_id, gen_random_uuid(), id, 'sms', 'Bea Paz', '+5491123456783', '5491123456783', ''
             FROM contact_lists WHERE client_id = '{client}'"
        )
    };
    let file = "name,phone,email\nBea Paz,+5491123456783,bea@acme.com\nZoe Quispe,+5491123456784,\n";
    for (mode, counts, bea) in [
        (OnDuplicate::Skip, [1, 0], "Bea Paz +5491123456783 -"),
        (OnDuplicate::Update, [1, 1], "Bea Paz +5491123456783 bea@acme.com"),
    ] {
        let mut target = target();
        let sql = insert(&target.client);
        let report = import_during_write(&mut target, file, mode, &sql).unwrap();
        assert_eq!([report.created, report.updated], counts, "{report}");
        assert_eq!(report.judged.unwrap().verdicts.exact, 1);
        let contacts = contacts(&mut target);
        assert_eq!(contacts.matches("+5491123456783").count(), 1, "{contacts}");
        assert!(contacts.contains(bea), "{contacts}");
    }
    let mut target = target();
    let sql = insert(&target.client);
    // The list of a line that is not written is not made, also if the rows are judged again.
    let file = "name,phone,contact_list\nBea Paz,+5491123456783,Skipped\nZoe Quispe,+5491123456784,Newsletter\n";
    import_during_write(&mut target, file, OnDuplicate::Skip, &sql).unwrap();
    let lists = ask(
        &mut target.connection,
        "SELECT string_agg(name, ', ' ORDER BY name) FROM contact_lists",
    );
    assert!(lists.contains("Newsletter") && !lists.contains("Skipped"), "{lists}");
    let mut target = self::target();
    let sql = insert(&target.client);
    let refused = import_during_write(
        &mut target,
        "name,phone\nBea Paz,+5491123456783\n",
        OnDuplicate::Refuse,
        &sql,
    );
    assert!(matches!(refused, Err(ImportError::NotNew { .. })), "{refused:?}");
}

#[test]
fn a_contact_that_another_writer_changes_while_the_rows_are_judged_is_judged_again() {
    let file = "name,phone,email\nAna Etcheverry,+5491123456781,ana@acme.com\n";
    for (sql, expected) in [
        // The contact has moved to another phone, so the row is a new one.
        (
            "UPDATE contacts SET phone = '+5491123456799', phone_key = '5491123456799', name = 'Rosa Díaz'
             WHERE name LIKE 'Ana%'",
            "Rosa Díaz +5491123456799 -\nLuis Paz - luis.paz@gmail.com\nAna Etcheverry +5491123456781 ana@acme.com",
        ),
        // Somebody else has the phone, so a person must decide.
        (
            "UPDATE contacts SET name = 'Pedro Gómez' WHERE name LIKE 'Ana%'",
            "Pedro Gómez +5491123456781 -\nLuis Paz - luis.paz@gmail.com",
        ),
        (
            "DELETE FROM contacts WHERE name LIKE 'Ana%'",
            "Luis Paz - luis.paz@gmail.com\nAna Etcheverry +5491123456781 ana@acme.com",
        ),
        // A message does not concern the verdict.
        (
            "UPDATE contacts SET last_message_at = now()",
            "Ana Etcheverry +5491123456781 ana@acme.com\nLuis Paz - luis.paz@gmail.com",
        ),
    ] {
        let mut target = target();
        import_during_write(&mut target, file, OnDuplicate::Update, sql).unwrap();
        assert_eq!(contacts(&mut target), expected, "{sql}");
    }
}
