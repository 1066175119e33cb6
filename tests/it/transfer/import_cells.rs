//! Import: rows of another width than the header, cells with several values, and cells that are left out.

use contact_search::transfer::import::{Event, FileOptions, Import, ImportOptions, ImportReport};

use crate::support::import::{ImportTarget, counts, skipping};

fn skipping_cells() -> ImportOptions {
    ImportOptions {
        skip_bad_cells: true,
        ..ImportOptions::default()
    }
}

/// Imports the file, and returns the report and the messages about rows and cells.
fn import(target: &mut ImportTarget, file: &str, options: ImportOptions) -> (ImportReport, Vec<String>) {
    let mut messages = Vec::new();
    let import = Import::open(file.as_bytes(), options).unwrap();
    let report = import.run(&mut target.connection, &target.client, &mut |event| match event {
        Event::Rejected(rejection) => messages.push(format!("rejected: {rejection}")),
        Event::CellLeftOut(cell) => messages.push(format!("left out: {cell}")),
        _ => {}
    });
    (report.unwrap(), messages)
}

#[test]
fn a_row_that_differs_from_the_header_by_blank_cells_only_is_accepted() {
    let mut target = ImportTarget::new();
    let file = "firstname,email,note\nJulia,julia@ej.com,\nGregorio,gregorio@ej.com\nCarmen,carmen@ej.com,hola\n\
                Ana,ana@ej.com,,, ,\nBea,bea@ej.com,hola,\n";
    assert_eq!(counts(&target.import(file).unwrap()), [5, 0, 0, 0, 0]);
    assert_eq!(
        target.contacts("name email"),
        "Julia julia@ej.com\nGregorio gregorio@ej.com\nCarmen carmen@ej.com\nAna ana@ej.com\nBea bea@ej.com"
    );
    let rejections = target.rejections("name,email\nAna,ana@ej.com,\nBea,bea@ej.com,,x\n");
    assert_eq!(rejections.len(), 1);
    assert_eq!(
        rejections[0].to_string(),
        "line 3: the row has 4 cells, but the header has 2"
    );
}

#[test]
fn blank_lines_mean_nothing_wherever_they_are() {
    let mut target = ImportTarget::new();
    for file in [
        "\n \n,,,\nname,email\n\n,\n  \t \nAna,ana@ej.com\n,,,,,,\n \n",
        "sep=;,\r\n;;\r\nname;email\r\n;;;;\r\nAna;ana@ej.com\r\n",
    ] {
        let report = target.import(file).unwrap();
        assert_eq!(report.read, 1, "{file:?}");
        assert_eq!(target.contacts("name email"), "Ana ana@ej.com", "{file:?}");
    }
}

#[test]
fn the_rows_decide_the_delimiter_of_a_file_with_semicolons_and_commas_in_its_header() {
    let file = "nombre;telefono;correo;dirección (calle, número, piso, depto)\nAna;11 2345-6789;ana@ej.com;Calle 1\n";
    for delimiter in [None, Some(b';')] {
        let mut target = ImportTarget::new();
        let options = ImportOptions {
            file: FileOptions {
                delimiter,
                ..FileOptions::default()
            },
            ..ImportOptions::default()
        };
        let report = target.import_with(file.as_bytes(), &[], &options).unwrap();
        assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
        assert_eq!(target.contacts("name phone email"), "Ana +541123456789 ana@ej.com");
    }
}

#[test]
fn a_padded_separator_line_works() {
    for first in [
        "sep=;",
        "sep=;,,,",
        "\"sep=;\"",
        "\"sep=;\",,",
        "sep=;;;;",
        "SEP=; ",
        " sep=;",
    ] {
        let mut target = ImportTarget::new();
        let file = format!("{first}\r\nnombre;correo;nota, larga\r\nAna;ana@ej.com;x\r\nBea;-;\r\n");
        let mut report = |file: &str| target.import_with(file.as_bytes(), &[], &skipping()).unwrap();
        assert_eq!(report(&file).created, report(&file).unchanged, "{first}");
        assert_eq!(
            target.ask("SELECT name FROM contacts WHERE email = 'ana@ej.com'"),
            "Ana",
            "{first}"
        );
        let rejections = target.rejections(&format!("{first}\nnombre;correo\nAna;\n"));
        assert_eq!(rejections[0].line, 3, "{first}");
        let rejections = target.rejections(&format!("\n{first}\nnombre;correo\nAna;\n"));
        assert_eq!(rejections[0].line, 4, "{first} after an empty line");
    }
}

#[test]
fn times_with_one_possible_reading_are_read() {
    let mut target = ImportTarget::new();
    let file = "email,created_at\na@ej.com,2024-01-05 10:11:12 UTC\nb@ej.com,2024-01-05T10:11:12.000+0000\n\
                c@ej.com,2024-01-05T10:11Z\nd@ej.com,2024/01/05\ne@ej.com,2016-12-31T23:59:60Z\n\
                f@ej.com,2016-12-31 23:59:60.25\ng@ej.com,05 Jan 2024\nh@ej.com,\"January 5, 2024\"\n\
                i@ej.com,5 de enero de 2024 10:11\nj@ej.com,2024-01-05T10Z\nk@ej.com,2024-01-05T10:11:12[UTC]\n\
                l@ej.com,2024-01-05T10:11:12+00:00[Europe/London]\n";
    assert_eq!(counts(&target.import(file).unwrap()), [12, 0, 0, 0, 0]);
    assert_eq!(
        target.contacts("created_at"),
        "2024-01-05 10:11:12+00\n2024-01-05 10:11:12+00\n2024-01-05 10:11:00+00\n2024-01-05 00:00:00+00\n\
         2017-01-01 00:00:00+00\n2017-01-01 00:00:00.25+00\n2024-01-05 00:00:00+00\n2024-01-05 00:00:00+00\n\
         2024-01-05 10:11:00+00\n2024-01-05 10:00:00+00\n2024-01-05 10:11:12+00\n2024-01-05 10:11:12+00"
    );
}

#[test]
fn si_is_true_in_any_unicode_normalisation() {
    let mut target = ImportTarget::new();
    let file = "email,blocked\na@ej.com,S\u{ed}\nb@ej.com,Si\u{301}\nc@ej.com,SI\u{301}\nd@ej.com,na\u{303}o\n";
    assert_eq!(counts(&target.import(file).unwrap()), [4, 0, 0, 0, 0]);
    assert_eq!(target.contacts("blocked"), "true\ntrue\ntrue\nfalse");
}

#[test]
fn of_several_values_in_a_cell_the_first_is_taken_and_the_line_named() {
    let mut target = ImportTarget::new();
    let file = "Name,E-mail 1 - Value,Phone 1 - Value\n\
                Ana Gil,ana@ej.com ::: ana@trabajo.com,011 2345-6789 ::: 011 2345-6780\n\
                Bea,bea@ej.com,011 2345-6781\nCid,\"cid@ej.com; cid@trabajo.com\",\n";
    let report = target.import(file).unwrap();
    assert_eq!(
        report.to_string(),
        "3 rows read = 3 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected\n\
         1 row has several phones, of which the first was taken: line 2\n\
         2 rows have several emails, of which the first was taken: lines 2 and 4"
    );
    assert_eq!(
        target.contacts("phone email"),
        "+541123456789 ana@ej.com\n+541123456781 bea@ej.com\n- cid@ej.com"
    );
}

#[test]
fn of_several_emails_with_names_or_words_between_them_the_first_is_taken_and_the_line_named() {
    for (cell, first) in [
        ("\"<m@ej.com>, <n@ej.com>\"", "m@ej.com"),
        ("\"Ana <o@ej.com>, Leo <p@ej.com>\"", "o@ej.com"),
        ("a@ej.com / b@ej.com", "a@ej.com"),
        ("c@ej.com y d@ej.com", "c@ej.com"),
        ("i@ej.com or j@ej.com", "i@ej.com"),
        ("s@ej.com & t@ej.com", "s@ej.com"),
        ("q@ej.com - r@ej.com", "q@ej.com"),
    ] {
        let mut target = ImportTarget::new();
        let report = target.import(format!("name,email\nAna,{cell}\n")).unwrap();
        assert!(
            report
                .to_string()
                .contains("\n1 row has several emails, of which the first was taken: line 2"),
            "{cell}: {report}"
        );
        assert_eq!(target.contacts("email"), first, "{cell}");
    }
}

#[test]
fn a_cell_of_invisible_characters_is_blank() {
    let mut target = ImportTarget::new();
    target.import("name,email\nAna Gil,ana@ej.com\n").unwrap();
    let file = "name,email,created_at\n\u{200b},ana@ej.com\nBea,bea@ej.com,\u{200e}2024-01-05\u{feff},\u{2060}\u{ad}\n\
                \u{200b},\u{200f}\n";
    let report = target.import(file).unwrap();
    assert_eq!((report.read, report.created, report.unchanged), (2, 1, 1));
    assert_eq!(target.contacts("name email"), "Ana Gil ana@ej.com\nBea bea@ej.com");
    // An exact import stores the cell unchanged, so that it restores an exported value.
    let exact = ImportOptions {
        exact: true,
        ..ImportOptions::default()
    };
    target
        .import_with("name,email\n\u{200e},bea@ej.com\n".as_bytes(), &[], &exact)
        .unwrap();
    assert_eq!(target.contacts("name"), "Ana Gil\n\u{200e}");
}

#[test]
fn an_exact_import_takes_the_whole_cell() {
    let mut target = ImportTarget::new();
    let exact = ImportOptions {
        exact: true,
        ..ImportOptions::default()
    };
    let file = "email,external_id\n\"a@x.com,b@x.com\",1\na@x.com ::: b@x.com,2\n";
    let report = target.import_with(file.as_bytes(), &[], &exact).unwrap();
    assert_eq!((report.created, report.several_emails.count), (2, 0));
    assert_eq!(target.contacts("email"), "a@x.com,b@x.com\na@x.com ::: b@x.com");
}

#[test]
fn kept_and_replaced_phones_are_reported_with_their_lines() {
    let mut target = ImportTarget::new();
    let file = "id externo;nombre;telefono;correo\nC1;Eva Sosa;+54 9 11 2345-6705;eva@ej.com\n\
                C2;Leo Paz;+54 9 11 2345-6706;leo@ej.com\nC3;Mía Gil;+54 9 11 2345-6707;mia@ej.com\n";
    target.import(file).unwrap();
    let file = "id externo;nombre;telefono;correo\nC1;Eva Sosa;5,49112E+12;eva@ej.com\n\
                C2;Leo Paz;+54 9 11 2345-6799;leo@ej.com\nC3;Mía Gil;5,49112E+12;mia@ej.com\n";
    let report = target.import(file).unwrap();
    let text = report.to_string();
    assert!(
        text.contains("\n2 phones were not written, because their contacts have better ones: lines 2 and 4"),
        "{text}"
    );
    assert!(
        text.contains("\n1 phone replaced another number of its contact: line 3"),
        "{text}"
    );
    assert_eq!(
        target.contacts("phone"),
        "+5491123456705\n+5491123456799\n+5491123456707"
    );
}

#[test]
fn unresolved_phones_are_reported_with_their_lines() {
    let mut target = ImportTarget::new();
    let file = "phone,email\n+5491155550001,a@ej.com\n1234,b@ej.com\n+5491155550002,c@ej.com\n\n1235,d@ej.com\n";
    let report = target.import(file).unwrap().to_string();
    assert!(
        report.contains("\n2 phones are not valid numbers: lines 3 and 6"),
        "{report}"
    );
    let rows: String = (0..25).map(|row| format!("12{row:02},e{row}@ej.com\n")).collect();
    let report = target.import(format!("phone,email\n{rows}")).unwrap().to_string();
    assert!(
        report.contains("\n25 phones are not valid numbers: lines 2, 3, 4, ") && report.contains(", 21 and 5 more"),
        "{report}"
    );
}

#[test]
fn a_bad_optional_cell_is_left_out_and_reported_if_the_user_says_so() {
    let mut target = ImportTarget::new();
    let long = "x".repeat(513);
    let file = format!(
        "name,email,phone,created_at,blocked,stage_id\nAna,ana@ej.com,,31/12/2024,maybe,\n{long},bea@ej.com,,,yes,7\n\
         Cid,cid@ej.com,,2999-01-01,,\nDan,dan@ej.com,,2024-01-05,,\nEva,,,31/12/2024,,\n"
    );
    assert_eq!(target.rejections(&file).len(), 4);
    let options = ImportOptions {
        skip_bad_rows: true,
        ..skipping_cells()
    };
    let (report, messages) = import(&mut target, &file, options);
    let time = "the time can't be read: write it as 2024-12-31 or 2024-12-31T23:59:59Z";
    assert_eq!(
        messages,
        [
            "left out: line 2, column blocked: it is neither true nor false".to_owned(),
            format!("left out: line 2, column created_at: {time}"),
            "left out: line 3, column stage_id: it is not a UUID: write it as 0198c0de-0000-7000-8000-000000000000"
                .to_owned(),
            "left out: line 3, column name: it has more than 512 characters".to_owned(),
            "left out: line 4, column created_at: the time is in the future".to_owned(),
            "rejected: line 6, column phone, email: an external id, a phone with digits, or an email is needed"
                .to_owned(),
        ]
    );
    assert_eq!(counts(&report), [4, 0, 0, 0, 1]);
    assert!(
        report.to_string().contains("\n5 cells were left out of their rows"),
        "{report}"
    );
    assert_eq!(
        target.contacts("name email blocked"),
        "Ana ana@ej.com false\n- bea@ej.com true\nCid cid@ej.com false\nDan dan@ej.com false"
    );
}

#[test]
fn a_bad_cell_that_the_contact_needs_is_never_left_out() {
    let mut target = ImportTarget::new();
    let long = "1".repeat(257);
    for (header, row) in [
        ("external_id,email", format!("{long},a@ej.com")),
        ("phone,email", format!("{long},a@ej.com")),
        ("platform,email", format!("{long},a@ej.com")),
        ("email,name", format!("{}@ej.com,Ana", "x".repeat(320))),
    ] {
        let file = format!("{header}\n{row}\n");
        let error = target
            .import_with(file.as_bytes(), &[], &skipping_cells())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("1 of 1 rows can't be imported"), "{header}: {error}");
    }
    assert_eq!(target.contacts("email"), "");
    // With another identity the email is optional.
    let file = format!("email,phone\n{}@ej.com,+5491155550001\n", "x".repeat(320));
    let (report, messages) = import(&mut target, &file, skipping_cells());
    assert_eq!((report.created, messages.len()), (1, 1));
    assert_eq!(target.contacts("phone email"), "+5491155550001 -");
}
