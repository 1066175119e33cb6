//! Import: file formats, headers, and columns.

use contact_search::domain::client::DEFAULT_LIST;
use contact_search::transfer::import::{FileOptions, Import, ImportError, ImportOptions};

use crate::support::import::{FAKE_1000, ImportTarget, choices, counts};

#[test]
fn the_mapping_of_columns_is_known_before_a_row_is_read() {
    let options = ImportOptions {
        file: FileOptions {
            columns: choices(&["name=first_name,surname", "external_user_id=unique_id"]),
            ..FileOptions::default()
        },
        ..ImportOptions::default()
    };
    let import = Import::open(FAKE_1000, options).unwrap();
    assert_eq!(
        import.mapping().to_string(),
        "  name             from first_name, surname\n  email            from email\n  \
         external_user_id from unique_id\n  ignored: dob, city, cluster\n"
    );
}

#[test]
fn every_column_is_stored() {
    let mut target = ImportTarget::new();
    let file = "name;phone;email;platform;source;chat_status;blocked;is_chat_read;created_at;last_message_at;\
                last_inbound_at;contact_list;external_user_id;stage_id;ai_customer_id\n\
                Ana;+5491155550001;Ana@Example.com;whatsapp;ads;CLOSED;sí;no;2024-01-02;2024-03-04 05:06;\
                2024-03-04T05:07:08.5-03:00;VIP;x-1;0198C0DE-0000-7000-8000-00000000000A;0198c0de-0000-7000-8000-00000000000b\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    let columns = "name phone phone_key email platform source chat_status blocked is_chat_read created_at \
                   last_message_at last_inbound_at external_user_id default_stage_id ai_customer_id";
    let row = target.contacts(columns);
    assert!(row.starts_with("Ana +5491155550001 "), "{row}");
    assert!(
        row.ends_with(
            "Ana@Example.com whatsapp ads CLOSED true false 2024-01-02 00:00:00+00 2024-03-04 08:07:08.5+00 \
             2024-03-04 08:07:08.5+00 x-1 \
             0198c0de-0000-7000-8000-00000000000a 0198c0de-0000-7000-8000-00000000000b"
        ),
        "{row}"
    );
    assert_eq!(
        target.ask("SELECT string_agg(name, ',' ORDER BY id) FROM contact_lists"),
        format!("{DEFAULT_LIST},VIP")
    );
    assert_eq!(
        target.ask("SELECT l.name FROM contacts c JOIN contact_lists l ON (l.client_id, l.id) = (c.client_id, c.contact_list_id)"),
        "VIP"
    );
}

#[test]
fn missing_columns_get_their_defaults() {
    let mut target = ImportTarget::new();
    target.import("email,name\na@example.com,\n").unwrap();
    assert_eq!(
        target.contacts("name phone platform source chat_status blocked is_chat_read last_message_at"),
        "- - other csv_import UNATTENDED false true -"
    );
    assert_eq!(
        target.ask("SELECT l.name FROM contacts c JOIN contact_lists l ON (l.client_id, l.id) = (c.client_id, c.contact_list_id)"),
        DEFAULT_LIST
    );
    assert_eq!(
        target.ask("SELECT created_at = updated_at AND created_at > now() - interval '1 minute' FROM contacts"),
        "true"
    );
}

#[test]
fn a_blank_source_cell_means_no_source_instead_of_the_default() {
    let mut target = ImportTarget::new();
    let file = "email,source\na@example.com,\nb@example.com,ads\n";
    target.import(file).unwrap();
    assert_eq!(target.contacts("email source"), "a@example.com -\nb@example.com ads");
    let report = target
        .import("email,source\na@example.com,shop\nb@example.com,\n")
        .unwrap();
    assert_eq!(counts(&report), [0, 1, 1, 0, 0]);
    assert_eq!(
        target.contacts("email source"),
        "a@example.com shop\nb@example.com ads",
        "a known contact keeps its value"
    );
}

#[test]
fn options_fill_blank_cells() {
    let mut target = ImportTarget::new();
    let options = ImportOptions {
        list: Some("Fair".into()),
        file: FileOptions {
            platform: Some("sms".into()),
            ..FileOptions::default()
        },
        ..ImportOptions::default()
    };
    let file = "email,platform,contact_list\na@example.com,,\nb@example.com,webchat,VIP\n";
    target.import_with(file.as_bytes(), &[], &options).unwrap();
    assert_eq!(
        target.ask(
            "SELECT string_agg(email || ' ' || platform || ' ' || l.name, ', ' ORDER BY serial_id)
             FROM contacts c JOIN contact_lists l ON (l.client_id, l.id) = (c.client_id, c.contact_list_id)"
        ),
        "a@example.com sms Fair, b@example.com webchat VIP"
    );
    for options in [
        ImportOptions {
            list: Some(" ".into()),
            ..ImportOptions::default()
        },
        ImportOptions {
            file: FileOptions {
                platform: Some("x".repeat(65)),
                ..FileOptions::default()
            },
            ..ImportOptions::default()
        },
    ] {
        let error = target
            .import_with("email\na@example.com".as_bytes(), &[], &options)
            .unwrap_err();
        assert!(
            matches!(error, ImportError::ListName | ImportError::Platform(_)),
            "{error}"
        );
    }
}

#[test]
fn files_may_have_any_delimiter_line_end_and_byte_order_mark() {
    for file in [
        "name,email\nÑandú,a@example.com\nB,b@example.com",
        "name;email\r\nÑandú;a@example.com\r\n\r\nB;b@example.com\r\n",
        "\u{feff}name\temail\nÑandú\ta@example.com\nB\tb@example.com\n\t\n",
        "\u{feff}\"name\",\"email\"\r\n\"Ñandú\",\"a@example.com\"\r\n B , b@example.com \r\n,\r\n",
    ] {
        let mut target = ImportTarget::new();
        assert_eq!(counts(&target.import(file).unwrap()), [2, 0, 0, 0, 0], "{file:?}");
        assert_eq!(
            target.contacts("name email"),
            "Ñandú a@example.com\nB b@example.com",
            "{file:?}"
        );
    }
}

#[test]
fn quoted_cells_may_contain_quotes_and_line_breaks() {
    let mut target = ImportTarget::new();
    target
        .import("name,email\n\"Ana\n\"\"la, 1ª\"\"\",a@example.com\n")
        .unwrap();
    assert_eq!(target.contacts("name"), "Ana\n\"la, 1ª\"");
}

#[test]
fn spreadsheet_formulas_stay_text() {
    let mut target = ImportTarget::new();
    let file = "name,email,source\n=cmd|'/c calc'!A1,+a@example.com,@SUM(1)\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(
        target.contacts("name email source"),
        "=cmd|'/c calc'!A1 +a@example.com @SUM(1)"
    );
}

#[test]
fn escape_sequences_of_the_copy_command_stay_text() {
    let mut target = ImportTarget::new();
    target
        .import("name,email\n\"\\N \\. \t \\\\\",a@example.com\n")
        .unwrap();
    assert_eq!(target.contacts("name"), "\\N \\. \t \\\\");
}

#[test]
fn a_file_with_only_a_header_imports_nothing() {
    let mut target = ImportTarget::new();
    let report = target.import("phone,email\n").unwrap();
    assert_eq!(counts(&report), [0; 5]);
    assert_eq!(
        report.to_string(),
        "0 rows read = 0 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected"
    );
}

#[test]
fn files_may_have_any_usual_encoding_and_the_summary_names_it() {
    let text = "nombre;correo;teléfono\nÑandú Muñoz;a@example.com;11 2345-6789\n";
    let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
    let marked = format!("\u{feff}{text}");
    let windows_1252: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    for (file, encoding) in [
        (text.as_bytes().to_vec(), None),
        (windows_1252, Some("windows-1252")),
        (utf_16(text, u16::to_le_bytes), Some("UTF-16LE")),
        (utf_16(&marked, u16::to_le_bytes), Some("UTF-16LE")),
        (utf_16(&marked, u16::to_be_bytes), Some("UTF-16BE")),
    ] {
        let mut target = ImportTarget::new();
        let report = target.import(file).unwrap();
        assert_eq!(report.encoding.map(|encoding| encoding.name()), encoding);
        let named = encoding.map(|encoding| format!("\nthe file was read as {encoding}, which is not UTF-8"));
        let summary = "1 row read = 1 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected";
        assert_eq!(report.to_string(), format!("{summary}{}", named.unwrap_or_default()));
        assert_eq!(
            target.contacts("name phone"),
            "Ñandú Muñoz +541123456789",
            "{encoding:?}"
        );
    }
}

#[test]
fn the_user_can_name_the_encoding() {
    // “Muñoz” as old Macs write it.
    let file = b"name,email\nMu\x96oz,a@example.com\n";
    let mut target = ImportTarget::new();
    assert_eq!(
        target.refuse(file).to_string(),
        "line 2: the text is not UTF-8 and may be macintosh: save the file as “CSV UTF-8”, or name its encoding, as in \
         --encoding macintosh"
    );
    let options = ImportOptions {
        file: FileOptions {
            encoding: Some("macintosh".parse().unwrap()),
            ..FileOptions::default()
        },
        ..ImportOptions::default()
    };
    target.import_with(&file[..], &[], &options).unwrap();
    assert_eq!(target.contacts("name"), "Muñoz");
}

#[test]
fn an_unreadable_file_is_refused_with_the_line_and_what_to_do() {
    for (file, expected) in [
        (Vec::new(), "the file is empty: its first line must name the columns"),
        (
            b"PK\x03\x04\x14\0".to_vec(),
            "the workbook is damaged: open it and save it again, or save it as “CSV UTF-8”",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(),
            "the file is a workbook in the old format of Excel (.xls) or has a password: save it as .xlsx without a \
             password, or as “CSV UTF-8”",
        ),
        (
            b"email,name\na@example.com,Mar\xc3\xada\nb@example.com,Mu\xf1oz\n".to_vec(),
            "line 3: the text is not UTF-8: save the file as “CSV UTF-8”",
        ),
        (
            b"email,name\na@example.com,\"A\n\0\"\n".to_vec(),
            "line 3: the text holds a NUL byte: save the file as “CSV UTF-8”",
        ),
        (
            b"email,name\na@example.com,A\nb@example.com,\"B\nc@example.com,C\n".to_vec(),
            "line 3: a quote opens in the record that begins here and is never closed",
        ),
    ] {
        assert_eq!(ImportTarget::new().refuse(file).to_string(), expected);
    }
}

#[test]
fn an_unusable_header_is_refused() {
    let mut target = ImportTarget::new();
    for (file, expected) in [
        (
            "name,dob\nA,1\n",
            "no column is recognised as phone, email or external_user_id",
        ),
        (
            "a@example.com,+5491155550001\n",
            "line 1 seems to contain a contact: the first line must name the columns",
        ),
        ("email,email\na,b\n", "the file has several columns “email”"),
        (
            "mobile,whatsapp\n1,2\n",
            "the columns mobile, whatsapp could all be phone",
        ),
    ] {
        let error = target.refuse(file).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = target
        .import_with("email\n".as_bytes(), &["phone=cell"], &ImportOptions::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file has no column “cell”: its columns are email"
    );
}
