//! Import: Excel workbooks.

use contact_search::transfer::import::{Import, ImportOptions};

use crate::support::import::{ImportTarget, counts, skipping};
use crate::support::workbook::{archive, texts, workbook};

const TOO_LARGE: &str =
    "the workbook is larger than 64 MiB, or its content than 256 MiB: save it as “CSV UTF-8”, which can have any size";

#[test]
fn the_first_sheet_with_a_usable_header_is_read() {
    let file = include_bytes!("../../data/exports/workbook.xlsx");
    let mut target = ImportTarget::new();
    let report = target.import(file).unwrap();
    assert_eq!(
        report.to_string(),
        "3 rows read = 3 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected\n\
         of 2 sheets, only “Contactos” was read"
    );
    assert_eq!(
        target.contacts("name phone email created_at::date last_message_at blocked"),
        format!(
            "Ana Muñoz +5491123456781 ana@ej.com 2024-01-05 2025-03-28 14:22:00+00 true\n\
             Bea Paz +541143215001 - {} - false\nCid +541143215002 cid@ej.com 2024-01-06 - false",
            target.ask("SELECT current_date")
        )
    );
    let before = target.dump();
    let again = target.import(file).unwrap();
    assert_eq!((again.created, again.updated), (0, 0));
    assert_eq!(target.dump(), before);
    let import = Import::open(&file[..], ImportOptions::default()).unwrap();
    assert_eq!(
        import.mapping().to_string().lines().next(),
        Some("  name             from Nombre, Apellido")
    );
}

#[test]
fn a_workbook_without_a_usable_header_is_refused_with_the_columns_of_its_first_sheet() {
    let rows = texts(&["Nombre", "Nota"]);
    let file = workbook(&[("a", &[]), ("b", &[&rows]), ("c", &["<c><v>1</v></c>"])]);
    let error = ImportTarget::new().refuse(&file).to_string();
    assert!(error.ends_with("the columns are Nombre, Nota"), "{error}");
    let error = ImportTarget::new().refuse(workbook(&[("a", &[])])).to_string();
    assert_eq!(error, "the file is empty: its first line must name the columns");
}

#[test]
fn an_export_of_a_known_program_can_be_a_workbook() {
    let header = texts(&[
        "Record ID",
        "First Name",
        "Last Name",
        "Email",
        "Phone Number",
        "Mobile Phone Number",
    ]);
    let row = texts(&["1", "Ana", "Gil", "ana@ej.com"]) + "<c><v>1143215001</v></c><c><v>5.491123456781E12</v></c>";
    let mut target = ImportTarget::new();
    let report = target.import(workbook(&[("hubspot", &[&header, &row])])).unwrap();
    assert_eq!((report.created, report.further_phones), (2, 1), "{report}");
    assert_eq!(target.contacts("phone"), "+5491123456781\n+541143215001");
}

#[test]
fn rows_are_named_by_their_numbers() {
    let header = texts(&["email", "blocked"]);
    let rows = [
        &header,
        "",
        &texts(&["a@ej.com", "no"]),
        &texts(&["b@ej.com", "perhaps"]),
    ];
    let file = workbook(&[("x", &rows)]);
    let mut target = ImportTarget::new();
    let report = target.import_with(&file[..], &[], &skipping()).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 0, 1]);
    let mut rejections = Vec::new();
    let import = Import::open(&file[..], skipping()).unwrap();
    import
        .run(&mut target.connection, &target.client, &mut |event| {
            if let contact_search::transfer::import::Event::Rejected(rejection) = event {
                rejections.push(rejection.to_string());
            }
        })
        .unwrap();
    assert_eq!(rejections, ["line 4, column blocked: it is neither true nor false"]);
}

#[test]
fn values_that_a_spreadsheet_computes_are_read_as_texts() {
    let header = texts(&["external_id", "phone", "name"]);
    let rows = [
        &*header,
        "<c><v>1</v></c><c><f>A1*2</f><v>5491123456781</v></c><c t=\"str\"><f>x</f><v>Ana</v></c>",
        "<c><v>2</v></c><c t=\"e\"><v>#N/A</v></c><c t=\"e\"><v>#REF!</v></c>",
        "<c r=\"A4\"><v>3</v></c><c r=\"C4\" t=\"inlineStr\"><is><r><t>Ce</t></r><r><t>s</t></r></is></c>",
    ];
    let mut target = ImportTarget::new();
    target.import(workbook(&[("x", &rows)])).unwrap();
    assert_eq!(
        target.contacts("external_user_id phone name"),
        "1 +5491123456781 Ana\n2 - -\n3 - Ces"
    );
}

#[test]
fn a_file_that_is_no_workbook_is_refused() {
    let refuse = |file: Vec<u8>| ImportTarget::new().refuse(file).to_string();
    assert_eq!(
        refuse(archive(&[("content.xml", b"<office:document/>")])),
        "the file is an archive and no workbook in the format .xlsx: save its table as .xlsx, or as “CSV UTF-8”"
    );
    let damaged = "the workbook is damaged: open it and save it again, or save it as “CSV UTF-8”";
    let mut cut = workbook(&[("x", &[&texts(&["email"])])]);
    cut.truncate(cut.len() / 2);
    for file in [
        cut,
        archive(&[("xl/workbook.xml", b"<workbook>")]),
        // A reader would reserve memory for as many texts.
        archive(&[
            ("xl/workbook.xml", b"<workbook/>"),
            ("xl/sharedStrings.xml", b"<sst uniqueCount=\"99999999999999\"></sst>"),
        ]),
        workbook(&[("x", &[&texts(&["email"]), "<c r=\"ZZZZZZZZ2\"><v>1</v></c>"])]),
    ] {
        assert_eq!(refuse(file), damaged);
    }
    let header = texts(&["email"]);
    let file = workbook(&[("x", &[&header, "<c t=\"s\"><v>9</v></c>", "<c t=\"s\"><v>x</v></c>"])]);
    let error = refuse(file);
    assert!(error.contains("is damaged"), "{error}");
}

#[test]
fn a_workbook_that_is_too_large_is_refused() {
    // Two parts of 130 MiB are about 1 MiB in the archive.
    let blanks = vec![b' '; 130 * 1024 * 1024];
    let bomb = archive(&[
        ("xl/workbook.xml", b"<workbook/>"),
        ("a.xml", &blanks),
        ("b.bin", &blanks),
    ]);
    assert!(bomb.len() < 4 * 1024 * 1024, "{}", bomb.len());
    assert_eq!(ImportTarget::new().refuse(bomb).to_string(), TOO_LARGE);
    let mut long = b"PK\x03\x04".to_vec();
    long.resize(64 * 1024 * 1024 + 1, 0);
    assert_eq!(ImportTarget::new().refuse(long).to_string(), TOO_LARGE);
}

#[test]
fn a_row_that_is_too_long_is_refused() {
    let header = texts(&["email", "name"]);
    let row = texts(&["a@ej.com", &"x".repeat(1024 * 1024)]);
    let file = workbook(&[("x", &[&header, &row])]);
    assert_eq!(
        ImportTarget::new().refuse(file).to_string(),
        "line 2: the row is longer than 1 MiB"
    );
}

/// The XML of cells at these places with these texts.
fn placed(cells: &[(&str, &str)]) -> String {
    cells
        .iter()
        .map(|(place, text)| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"))
        .collect()
}

#[test]
fn cells_in_another_order_than_their_columns_are_read() {
    let header = placed(&[("A1", "name"), ("B1", "phone"), ("C1", "email")]);
    let first = placed(&[
        ("C2", "ana@ej.com"),
        ("A2", "Ana"),
        ("B2", "11 4321-5001"),
        ("A2", "Eva"),
    ]);
    let second = placed(&[("B3", "11 4321-5002"), ("A3", "Bea")]);
    let mut target = ImportTarget::new();
    target.import(workbook(&[("a", &[&header, &first, &second])])).unwrap();
    assert_eq!(
        target.contacts("name phone email"),
        "Ana +541143215001 ana@ej.com\nBea +541143215002 -"
    );
}

#[test]
fn rows_in_another_order_than_their_numbers_are_refused() {
    let header = placed(&[("A1", "name"), ("B1", "phone")]);
    let [third, second] = [
        placed(&[("A3", "Ana"), ("B3", "11 4321-5001")]),
        placed(&[("A2", "Bea"), ("B2", "11 4321-5002")]),
    ];
    let error = ImportTarget::new().refuse(workbook(&[("a", &[&header, &third, &second])]));
    assert_eq!(
        error.to_string(),
        "the sheet is damaged after row 3: open the workbook and save it again, or save it as “CSV UTF-8”"
    );
}
