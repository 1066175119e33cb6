//! Import: exports of other programs, which are recognised by their headers and read completely.

use contact_search::transfer::import::{Event, Import, ImportOptions};

use crate::support::import::{ImportTarget, counts};

/// A contact per line: its name, phone and email, and the first name of the first contact with its `ai_customer_id`.
const CONTACTS: &str = "
    SELECT string_agg(concat_ws(' | ', coalesce(name, '-'), coalesce(phone, '-'), coalesce(email, '-'),
                                CASE WHEN ai_customer_id IS NOT NULL THEN 'as ' || first END),
                      E'\n' ORDER BY serial_id)
    FROM (SELECT *, first_value(split_part(name, ' ', 1) || ' ' || right(phone, 4))
                        OVER (PARTITION BY client_id, ai_customer_id ORDER BY serial_id) AS first
          FROM contacts) AS contacts";

/// Imports an export of the program, twice. Returns the summary of the first import.
fn import_twice(program: &str, file: &[u8], expected: &str) -> String {
    let program = format!("an export of {program}");
    let import = Import::open(file, ImportOptions::default()).unwrap_or_else(|error| panic!("{program}: {error}"));
    assert_eq!(import.mapping().program(), Some(program.as_str()));
    let mut target = ImportTarget::new();
    let report = target.import(file).unwrap_or_else(|error| panic!("{program}: {error}"));
    assert_eq!(target.ask(CONTACTS), expected, "{program}");
    let before = target.dump();
    let again = target.import(file).unwrap();
    assert_eq!((again.created, again.updated), (0, 0), "{program}: {again}");
    assert_eq!(target.dump(), before, "{program}: the second import changes nothing");
    report.to_string()
}

#[test]
fn google_contacts_are_read_with_all_their_phones() {
    let summary = import_twice(
        "Google Contacts",
        include_bytes!("../../data/exports/google_contacts.csv"),
        "Ana María Gil | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana María Gil | +541143215001 | ana@ej.com | as Ana 6781\n\
         Ana María Gil | +541143215002 | ana@ej.com | as Ana 6781\n\
         Bea | +541123456782 | -\n\
         Ñandú S.A. | - | info@nandu.example",
    );
    assert_eq!(
        summary,
        "3 rows read + 2 further phones = 5 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected\n\
         1 row has several emails, of which the first was taken: line 2"
    );
    import_twice(
        "Google Contacts",
        include_bytes!("../../data/exports/google_contacts_2023.csv"),
        "Ana María Gil | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana María Gil | +5491123456783 | ana@ej.com | as Ana 6781\n\
         Bea Paz | +541143215001 | -",
    );
}

#[test]
fn outlook_exports_are_read_in_three_languages() {
    let summary = import_twice(
        "Outlook",
        include_bytes!("../../data/exports/outlook.csv"),
        "Ana María Gil | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana María Gil | +541143215001 | ana@ej.com | as Ana 6781\n\
         Ana María Gil | +541143215002 | ana@ej.com | as Ana 6781\n\
         Bea Paz | +541143215003 | bea@ej.com",
    );
    assert_eq!(
        summary,
        "2 rows read + 2 further phones = 4 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected\n\
         1 row has several emails, of which the first was taken: line 2\n\
         the file was read as windows-1252, which is not UTF-8"
    );
    import_twice(
        "Outlook",
        include_bytes!("../../data/exports/outlook_es.csv"),
        "Ana María Muñoz | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana María Muñoz | +541143215001 | ana@ej.com | as Ana 6781\n\
         Ana María Muñoz | +541143215002 | ana@ej.com | as Ana 6781\n\
         Ñandú S.A. | +541143215003 | -",
    );
    import_twice(
        "Outlook",
        include_bytes!("../../data/exports/outlook_pt.csv"),
        "João da Conceição | +5511987654321 | joao@ej.com.br | as João 4321\n\
         João da Conceição | +551133334444 | joao@ej.com.br | as João 4321\n\
         Pão Ltda | +551133334445 | -",
    );
}

#[test]
fn exports_of_hubspot_salesforce_and_mailchimp_are_read() {
    let summary = import_twice(
        "HubSpot",
        include_bytes!("../../data/exports/hubspot.csv"),
        "Ana Gil | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana Gil | +541143215001 | ana@ej.com | as Ana 6781\n\
         Bea Paz | +541143215002 | bea@ej.com",
    );
    assert!(
        summary.contains("\n1 row has several emails, of which the first was taken: line 2"),
        "{summary}"
    );
    import_twice(
        "Salesforce",
        include_bytes!("../../data/exports/salesforce_report.csv"),
        "Ana Gil | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana Gil | +541143215001 | ana@ej.com | as Ana 6781\n\
         Bea Paz | - | bea@ej.com",
    );
    import_twice(
        "Salesforce",
        include_bytes!("../../data/exports/salesforce_data_export.csv"),
        "Ana María Gil | +5491123456781 | ana@ej.com | as Ana 6781\n\
         Ana María Gil | +541143215001 | ana@ej.com | as Ana 6781",
    );
    import_twice(
        "Mailchimp",
        include_bytes!("../../data/exports/mailchimp.csv"),
        "Ana Gil | +541143215001 | ana@ej.com\n- | - | bea@ej.com",
    );
}

#[test]
fn the_table_of_columns_names_the_program() {
    let import = Import::open(
        &include_bytes!("../../data/exports/mailchimp.csv")[..],
        ImportOptions::default(),
    )
    .unwrap();
    assert_eq!(
        import.mapping().to_string().lines().take(4).collect::<Vec<_>>(),
        [
            "  read as an export of Mailchimp: each phone becomes a contact",
            "  name             from First Name, Last Name",
            "  phone            from Phone Number",
            "  email            from Email Address",
        ]
    );
}

const HEADER: &str = "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number";

#[test]
fn the_users_choice_of_a_phone_column_overrides_the_known_program() {
    let mut target = ImportTarget::new();
    let file = format!("{HEADER}\n1,Ana,Gil,ana@ej.com,011 4321-5001,+5491123456781\n");
    let options = ImportOptions::default();
    let report = target
        .import_with(file.as_bytes(), &["phone=Phone Number"], &options)
        .unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 0, 0], "{report}");
    assert_eq!(target.ask(CONTACTS), "Ana Gil | +541143215001 | ana@ej.com");
}

#[test]
fn phones_of_a_person_that_make_no_contact_of_their_own_are_left_out() {
    let mut target = ImportTarget::new();
    // The same line twice, a placeholder, and a damaged number.
    let file = format!(
        "{HEADER},WhatsApp Phone Number\n1,Ana,Gil,ana@ej.com,11 2345-6781,+5491123456781,-\n\
         2,Bea,Paz,bea@ej.com,\"5,49112E+12\",+5491123456782,\n3,Cid,Sosa,cid@ej.com,\"5,49112E+12\",,0\n"
    );
    let mut left_out = Vec::new();
    let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
    let report = import.run(&mut target.connection, &target.client, &mut |event| {
        if let Event::CellLeftOut(cell) = event {
            left_out.push(cell.to_string());
        }
    });
    assert_eq!(left_out, ["line 3, column Phone Number: the phone identifies nobody"]);
    assert_eq!(counts(&report.unwrap()), [3, 0, 0, 0, 0]);
    assert_eq!(
        target.ask(CONTACTS),
        "Ana Gil | +5491123456781 | ana@ej.com\nBea Paz | +5491123456782 | bea@ej.com\n\
         Cid Sosa | 54911212 | cid@ej.com"
    );
}

#[test]
fn a_row_with_more_than_100_phones_is_rejected() {
    let mut target = ImportTarget::new();
    let phones: Vec<String> = (0..101).map(|index| format!("11 4321-5{index:03}")).collect();
    let rejections = target.rejections(&format!("{HEADER}\n1,Ana,Gil,,{},\n", phones.join(" ::: ")));
    assert_eq!(
        rejections[0].to_string(),
        "line 2, column Phone Number: the row has more than 100 phones"
    );
}

#[test]
fn lines_in_the_summary_are_those_of_the_file() {
    let mut target = ImportTarget::new();
    target
        .import("external_id,phone\nc-1,+5491123456781\nc-2,+5491123456782\n")
        .unwrap();
    let file = "external_id,phone\nc-1,5491\n\nc-2,5492\n";
    let report = target.import(file).unwrap();
    assert_eq!(report.phones_kept.first, [2, 4], "{report}");
    let file = format!("{HEADER}\n\n1,Ana,Gil,,1234,1235\n");
    let report = target.import(&file).unwrap();
    assert_eq!(report.further_phones, 1);
    assert!(
        report.to_string().contains("\n2 phones are not valid numbers: line 3"),
        "{report}"
    );
}

#[test]
fn a_new_phone_of_a_known_person_gets_the_ai_customer_id_of_the_person() {
    let id = "0198c0de-0000-7000-8000-00000000000b";
    for (name, shares) in [("Ana Gil", true), ("Leo Paz", false)] {
        let mut target = ImportTarget::new();
        let known = format!("name,phone,ai_customer_id\n{name},+5491123456781,{id}\n");
        target.import(&known).unwrap();
        let file = format!("{HEADER}\n1,Ana,Gil,,011 4321-5001,+5491123456781\n");
        assert_eq!(counts(&target.import(&file).unwrap())[0], 1);
        let ids = target.contacts("ai_customer_id");
        let (first, second) = ids.split_once('\n').unwrap();
        assert_eq!(first, id, "an id that a contact has stays");
        assert_eq!(second == id, shares, "another name on a phone is another person");
        let before = target.dump();
        target.import(&file).unwrap();
        assert_eq!(target.dump(), before);
    }
}
