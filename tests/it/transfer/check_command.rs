//! `contact-search check`, as a user types it: its output, its file, and that it writes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::Contact;
use crate::support::app::on_terminal;
use crate::support::check::{CheckTarget, file, reasons, verdicts};
use crate::support::command::{command_on, error_of, run, run_unread, stdout};
use crate::support::import::{FAKE_1000, ask, generate_file};
use crate::support::workbook::{texts, workbook};

const COLUMNS: [&str; 2] = ["--column", "name=first_name,surname"];

/// The rows of every table, and the state of every sequence.
fn everything(target: &mut CheckTarget) -> String {
    let tables = ask(
        &mut target.connection,
        "SELECT string_agg(format(
             'SELECT %L, count(*)::text, md5(coalesce(string_agg(t::text, '','' ORDER BY t::text), '''')) FROM %I t',
             relname, relname), ' UNION ALL ')
         FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    );
    let sequences = ask(
        &mut target.connection,
        "SELECT string_agg(format(
             'SELECT %L, last_value::text, is_called::text FROM %I', relname, relname), ' UNION ALL ')
         FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
    );
    assert!(tables.contains("'contacts'") && sequences.contains("contacts_serial_id_seq"));
    let all = format!("SELECT string_agg(x::text, E'\\n' ORDER BY x::text) FROM ({tables} UNION ALL {sequences}) AS x");
    ask(&mut target.connection, &all)
}

#[test]
fn a_check_writes_nothing() {
    let mut target = CheckTarget::new();
    let first = file(generate_file(300));
    let arguments = ["import", first.path().to_str().unwrap(), "--client", "Acme"];
    stdout(run(command_on(&target.database, &arguments), ""));
    let before = everything(&mut target);
    let output = stdout(target.run(generate_file(600) + ",,,nobody,,,,\n", &[]));
    assert!(output.starts_with("601 rows read = "), "{output}");
    assert!(output.contains(" + 1 invalid\n"), "{output}");
    assert_eq!(everything(&mut target), before);
    // Also if transactions are read-only by default.
    target.connection = {
        let role = "ALTER ROLE CURRENT_USER IN DATABASE";
        let database = ask(&mut target.connection, "current_database()");
        target
            .database
            .execute(&format!("{role} {database} SET default_transaction_read_only = on"));
        target.database.connect()
    };
    let again = stdout(target.run(generate_file(600) + ",,,nobody,,,,\n", &[]));
    assert_eq!(again, output, "the same input gives the same output");
}

#[test]
fn the_summary_and_the_first_rows_that_are_not_new_are_shown() {
    let mut target = CheckTarget::new();
    let ana = target.add("Ana Etcheverry", "+5491123456781", "");
    let output = target.run(
        "name,phone\nBea Paz,+5491123456782\nAna Etcheverry,+5491123456781\nBea Paz,+5491123456782\nZoe,\n",
        &[],
    );
    assert!(
        output
            .stderr
            .starts_with("  name             from name\n  phone            from phone\n"),
        "{}",
        output.stderr
    );
    let text = stdout(output);
    let (summary, table) = text.split_once("\n\n").unwrap();
    assert_eq!(
        summary,
        "4 rows read = 1 new + 1 exact + 0 likely + 0 conflict + 1 duplicate_in_file + 1 invalid\n\
         1 group of rows that are one person"
    );
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(
        lines[0].starts_with("LINE  VERDICT            SCORE  MATCHES"),
        "{table}"
    );
    assert!(
        lines[1].starts_with("3     exact") && lines[1].contains(&ana),
        "{table}"
    );
    assert!(
        lines[2].starts_with("4     duplicate_in_file") && lines[2].contains("line 2"),
        "{table}"
    );
    assert!(
        lines[3].starts_with("5     invalid") && lines[3].contains("column phone: "),
        "{table}"
    );

    let many = format!("name,phone\n{}", "Ana Etcheverry,+5491123456781\n".repeat(25));
    let output = target.run(many, &[]);
    assert!(
        output
            .stderr
            .ends_with("5 more rows are not new. See all with --output or --json.\n"),
        "{}",
        output.stderr
    );
    assert_eq!(stdout(output).lines().count(), 2 + 2 + 20);
    let all_new = stdout(target.run("name,phone\nBea Paz,+5491123456782\n", &[]));
    assert_eq!(
        all_new,
        "1 row read = 1 new + 0 exact + 0 likely + 0 conflict + 0 duplicate_in_file + 0 invalid\n"
    );
}

#[test]
fn hostile_texts_neither_drive_the_terminal_nor_become_formulas() {
    let mut target = CheckTarget::new();
    target.add(
        "=cmd|' /C calc'!A0 \u{1b}[2J\u{202e}",
        "+5491123456781",
        "ana\u{1b}[31m@acme.com",
    );
    let content = "\u{1b}name,phone,email,@note\n\
        =HYPERLINK(\"x\") \u{1b}[2J\u{202e},+5491123456781,,=1+1\n\
        \"Ana, \"\"la\"\"\nGil\",,ana\u{1b}[31m@acme.com,\"a;=b\"\n";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let columns = ["--column", "name=\u{1b}name", "--output", path.to_str().unwrap()];
    for arguments in [&columns[..], &["--column", "name=\u{1b}name", "--json"]] {
        let output = target.run(content, arguments);
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
        stdout(output);
    }
    let written = fs::read_to_string(&path).unwrap();
    let (mark, written) = written.split_at('\u{feff}'.len_utf8());
    assert_eq!(mark, "\u{feff}");
    assert!(
        written.starts_with("\u{1b}name,phone,email,'@note,verdict,score,reasons,contact_ids,duplicate_of,group\n")
    );
    assert!(
        written.contains("\"'=HYPERLINK(\"\"x\"\") \u{1b}[2J\u{202e}\",'+5491123456781,,'=1+1,"),
        "{written}"
    );
    assert!(
        written.contains("\"Ana, \"\"la\"\"\nGil\",,ana\u{1b}[31m@acme.com,a;'=b,new,"),
        "{written}"
    );
}

#[test]
fn the_output_file_has_the_columns_of_the_file_and_the_verdicts() {
    let mut target = CheckTarget::new();
    let ana = target.add("Ana Etcheverry", "+5491123456781", "");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let arguments = ["--output", path.to_str().unwrap()];
    let content = "Nombre;Correo;Nota;Teléfono\n\
        Bea Paz;bea@acme.com;x;\n\
        Ana Etcheverry;;;+5491123456781\n\
        \n\
        Bea Paz;bea@acme.com\n\
        too;many;cells;in;this row\n";
    let text = stdout(target.run(content, &arguments));
    assert!(text.starts_with("4 rows read = 1 new + 1 exact "), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = written.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        lines[0],
        "Nombre,Correo,Nota,Teléfono,verdict,score,reasons,contact_ids,duplicate_of,group"
    );
    assert!(lines[1].starts_with("Bea Paz,bea@acme.com,x,,new,0."), "{}", lines[1]);
    assert!(lines[1].ends_with(",,,,2"), "{}", lines[1]);
    assert!(
        lines[2].starts_with("Ana Etcheverry,,,'+5491123456781,exact,0.9"),
        "{}",
        lines[2]
    );
    assert!(lines[2].ends_with(&format!(",{ana},,")), "{}", lines[2]);
    assert!(
        lines[3].starts_with("Bea Paz,bea@acme.com,,,duplicate_in_file,0.9"),
        "{}",
        lines[3]
    );
    assert!(lines[3].ends_with(",,2,2"), "{}", lines[3]);
    assert!(
        lines[4].starts_with("too,many,cells,in,invalid,0.0000,\"the row has 5 cells, but the header has 4\","),
        "{}",
        lines[4]
    );
    assert_eq!(lines.len(), 5);

    let error = error_of(target.run(content, &arguments));
    assert!(error.contains("already exists"), "{error}");
    stdout(target.run(content, &[&arguments[..], &["--force"]].concat()));
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "no draft is left");
}

#[test]
fn every_format_of_an_import_can_be_checked() {
    let mut target = CheckTarget::new();
    target.add("Ana Muñoz", "+5491123456781", "");
    let directory = tempfile::tempdir().unwrap();
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana Muñoz\r\nTEL:+5491123456781\r\nEND:VCARD\r\n";
    let book = workbook(&[(
        "Contacts",
        &[&*texts(&["name", "phone"]), &*texts(&["Ana Muñoz", "+5491123456781"])],
    )]);
    let windows = b"name;phone\nAna Mu\xf1oz;+5491123456781\n";
    for (content, header, cells) in [
        (
            card.as_bytes(),
            "FN,N,NICKNAME,ORG,TEL,EMAIL",
            "Ana Muñoz,,,,'+5491123456781,",
        ),
        (&book, "name,phone", "Ana Muñoz,'+5491123456781"),
        (windows, "name,phone", "Ana Muñoz,'+5491123456781"),
    ] {
        let path = directory.path().join("out.csv");
        let output = stdout(target.run(content, &["--force", "--output", path.to_str().unwrap()]));
        assert!(output.starts_with("1 row read = 0 new + 1 exact"), "{output}");
        let written = fs::read_to_string(&path).unwrap();
        let start = format!("\u{feff}{header},verdict,score,reasons,contact_ids,duplicate_of,group\n{cells},exact,");
        assert!(written.starts_with(&start), "{written}");
    }
    let arguments = ["check", "-", "--client", "Acme"];
    let output = stdout(run(command_on(&target.database, &arguments), card));
    assert!(output.starts_with("1 row read = 0 new + 1 exact"), "{output}");
}

#[test]
fn verdicts_do_not_depend_on_the_order_of_the_contacts() {
    let rows: Vec<String> = (0..200)
        .map(|number: u32| {
            let names = ["Ana Gil", "Luis Paz", "Zoe Quispe"];
            let name = names[number as usize % 3];
            format!("{name}|+54911{:08}|p{}@acme.com", 23_000_000 + number / 2, number / 3)
        })
        .collect();
    let mut results: Vec<Vec<Value>> = Vec::new();
    for reverse in [false, true, false] {
        let mut target = CheckTarget::new();
        let mut order: Vec<&String> = rows.iter().collect();
        if reverse {
            order.reverse();
        }
        for row in order {
            let cells: Vec<&str> = row.split('|').collect();
            target.add_contact(&Contact {
                name: Some(cells[0]),
                phone: Some(cells[1]),
                email: Some(cells[2]),
                external_user_id: Some(row),
                ..Contact::default()
            });
        }
        let file: String = (0..100)
            .map(|number| {
                let phone = 23_000_000 + number;
                format!("Ana Gil {},+54911{phone},p{}@acme.com\n", number % 7, number * 2)
            })
            .collect();
        let mut lines = target.check(format!("name,phone,email\n{file}"));
        for line in &mut lines {
            // The ids differ between the databases.
            let mut contacts: Vec<String> = line["contactIds"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| {
                    let sql = format!(
                        "SELECT external_user_id FROM contacts WHERE id = {}",
                        id.to_string().replace('"', "'")
                    );
                    ask(&mut target.connection, &sql)
                })
                .collect();
            contacts.sort();
            line["contactIds"] = contacts.into();
        }
        results.push(lines);
    }
    assert_eq!(results[0], results[2]);
    for (one, other) in results[0].iter().zip(&results[1]) {
        for member in ["line", "verdict", "score", "contactIds", "duplicateOf"] {
            assert_eq!(one[member], other[member], "{one} {other}");
        }
    }
    assert!(
        verdicts(&results[0]).contains(&"conflict"),
        "the rows are of several kinds"
    );
}

#[test]
fn a_check_of_an_empty_client_finds_the_duplicates_within_the_file() {
    let target = CheckTarget::new();
    let lines = target.check_with(FAKE_1000, &COLUMNS);
    assert_eq!(lines.len(), 1_000);
    let count = |verdict: &str| verdicts(&lines).iter().filter(|other| **other == verdict).count();
    assert_eq!(count("invalid"), 122, "as many as an import rejects");
    assert!(count("duplicate_in_file") > 500, "{}", count("duplicate_in_file"));
    assert_eq!(count("exact") + count("likely"), 0);
    let invalid = lines.iter().find(|line| line["verdict"] == "invalid").unwrap();
    assert_eq!(
        reasons(invalid),
        "column email: an external id, a phone with digits, or an email is needed"
    );
}

#[test]
fn wrong_arguments_are_refused_with_the_remedy() {
    let target = CheckTarget::new();
    for threshold in ["0", "1.5", "-1", "NaN", "half"] {
        let error = error_of(target.run("phone\n1\n", &[&format!("--threshold={threshold}")]));
        assert!(error.contains("write a probability above 0 and up to 1"), "{error}");
    }
    let error = error_of(target.run("phone\n1\n", &["--force"]));
    assert!(error.contains("--output"), "{error}");
    let error = error_of(target.run("nothing\n1\n", &[]));
    assert!(error.contains("can't be checked"), "{error}");
    let output = run(
        command_on(&target.database, &["check", "/nowhere.csv", "--client", "Acme"]),
        "",
    );
    assert!(error_of(output).contains("can't be opened"));
    let file = file("phone\n+5491123456781\n");
    let path = file.path().to_str().unwrap();
    let output = run(command_on(&target.database, &["check", path, "--client", "Nobody"]), "");
    assert!(output.stderr.contains("there is no client"), "{}", output.stderr);
}

#[test]
fn a_reader_that_stops_early_ends_the_check_quietly() {
    let target = CheckTarget::new();
    let file = file(generate_file(3_000));
    let path = file.path().to_str().unwrap();
    let command = command_on(&target.database, &["check", path, "--client", "Acme", "--json"]);
    let (status, errors) = run_unread(command);
    assert_eq!(status, Some(0), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn progress_is_drawn_on_a_terminal() {
    let target = CheckTarget::new();
    let file = file(generate_file(20_000));
    let arguments = format!("check {} --client Acme", file.path().display());
    let (status, output) = on_terminal(&target.database, &arguments);
    assert_eq!(status, Some(0), "{output}");
    assert!(output.contains(" % "), "{output}");
    assert!(output.contains("20000 rows read = "), "{output}");
}
