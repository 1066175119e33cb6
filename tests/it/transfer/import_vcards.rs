//! Import: vCards of every version.

use std::io::{self, Read};

use contact_search::transfer::import::{Import, ImportOptions};

use crate::support::import::{ImportTarget, counts, skipping};

/// Imports the cards twice. Returns the contacts and the summary of the first import.
fn import_twice(file: &[u8]) -> (String, String) {
    let mut target = ImportTarget::new();
    let report = target.import(file).unwrap();
    let contacts = target.contacts("name phone email");
    let before = target.dump();
    let again = target.import(file).unwrap();
    assert_eq!((again.created, again.updated), (0, 0), "{again}");
    assert_eq!(target.dump(), before, "the second import changes nothing");
    (contacts, report.to_string())
}

#[test]
fn cards_of_android_in_version_2_1_are_read() {
    let (contacts, summary) = import_twice(include_bytes!("../../data/exports/android_2.1.vcf"));
    assert_eq!(
        contacts,
        "Ana María Muñoz +5491123456781 ana@ej.com\n\
         Ana María Muñoz +541143215001 ana@ej.com\n\
         Ana María Muñoz +541143215002 ana@ej.com\n\
         Bea Paz 123 -\n\
         Bea Paz +541123456782 -\n\
         Élvira de la Concepción Ruiz +541143215003 -"
    );
    assert!(
        summary.starts_with("3 rows read + 3 further phones = 6 created "),
        "{summary}"
    );
    assert!(
        summary.contains("\n1 row has several emails, of which the first was taken: line 1"),
        "{summary}"
    );
}

#[test]
fn cards_of_icloud_in_version_3_0_are_read() {
    let (contacts, _) = import_twice(include_bytes!("../../data/exports/icloud_3.0.vcf"));
    assert_eq!(
        contacts,
        "Dr. Ana María Gil, Jr. +5491123456781 ana@ej.com\n\
         Dr. Ana María Gil, Jr. +541143215001 ana@ej.com\n\
         Ñandú S.A. - info@nandu.example"
    );
}

#[test]
fn cards_in_version_4_0_are_read() {
    let file = include_bytes!("../../data/exports/vcard_4.0.vcf");
    let (contacts, _) = import_twice(file);
    assert_eq!(
        contacts,
        "Ana Gil +5491123456781 ana@ej.com\nAna Gil +541143215001 ana@ej.com\nBea Paz - bea@ej.com"
    );
    let mut target = ImportTarget::new();
    target.import(file).unwrap();
    assert_eq!(target.contacts("phone_extension"), "-\n102\n-");
    assert_eq!(
        target.ask("SELECT count(DISTINCT ai_customer_id) || ' ' || count(ai_customer_id) FROM contacts"),
        "1 2",
        "the phones of a person share an id"
    );
    assert_eq!(
        target.contacts("external_user_id"),
        "-\n-\n-",
        "a UID is no external id"
    );
}

#[test]
fn the_table_of_columns_names_the_properties() {
    let import = Import::open(
        &b"\xef\xbb\xbf\r\nbegin:vcard\r\nend:vcard\r\n"[..],
        ImportOptions::default(),
    )
    .unwrap();
    assert_eq!(
        import.mapping().to_string(),
        "  read as vCards: each phone becomes a contact\n  \
         name             from FN; or else N; or else NICKNAME; or else ORG\n  \
         phone            from TEL\n  email            from EMAIL\n"
    );
}

#[test]
fn cards_in_other_encodings_are_read() {
    let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ñandú Muñoz\r\nTEL:11 2345-6781\r\nEND:VCARD\r\n";
    let windows_1252: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    let utf_16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for file in [windows_1252, utf_16] {
        assert_eq!(import_twice(&file).0, "Ñandú Muñoz +541123456781 -");
    }
}

#[test]
fn broken_cards_are_refused_with_their_line() {
    let open = "the vCard that begins here has no line END:VCARD before the next one";
    let broken_value = |line| {
        format!(
            "line {line}: the value of the vCard is no text in its character set, or holds a NUL byte: correct the line, \
             or remove it"
        )
    };
    for (file, expected) in [
        ("BEGIN:VCARD\nTEL:1\n", format!("line 1: {open}")),
        (
            "BEGIN:VCARD\nEND:VCARD\n\nBEGIN:VCARD\nTEL:11 2345-6781\nBEGIN:VCARD\nEND:VCARD\n",
            format!("line 4: {open}"),
        ),
        (
            "BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:a=00\nEND:VCARD\n",
            broken_value(2),
        ),
        (
            "BEGIN:VCARD\nTEL:1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Mu=F1oz\nEND:VCARD\n",
            broken_value(3),
        ),
    ] {
        assert_eq!(ImportTarget::new().refuse(file).to_string(), expected);
    }
    let mut target = ImportTarget::new();
    let rejections = target.rejections("BEGIN:VCARD\nEND:VCARD\nBEGIN:VCARD\nFN:Ana\nEND:VCARD\n");
    assert_eq!(
        rejections[0].to_string(),
        "line 3, column TEL, EMAIL: an external id, a phone with digits, or an email is needed"
    );
    let rejections = target.rejections("BEGIN:VCARD\nFN:Ana\nEMAIL:nobody\nEND:VCARD\n");
    assert_eq!(
        rejections[0].to_string(),
        "line 1, column EMAIL: it is no email: an '@' between other characters is needed"
    );
}

#[test]
fn the_card_of_an_agent_is_no_contact() {
    let file = "BEGIN:VCARD\nVERSION:2.1\nFN:Ana\nAGENT:\nBEGIN:VCARD\nFN:Leo\nTEL:11 2345-6782\nEND:VCARD\n\
                TEL:11 2345-6781\nEND:VCARD\n";
    assert_eq!(import_twice(file.as_bytes()).0, "Ana +541123456781 -");
}

#[test]
fn a_photo_of_any_size_is_skipped() {
    let photo = |line_end: &'static [u8]| io::repeat(b'x').take(20_000_000).chain(line_end);
    let file = b"BEGIN:VCARD\nPHOTO;ENCODING=b:"
        .chain(photo(b"\nTEL:11 2345-6781\nFN:"))
        .chain(&b"\nEND:VCARD\n"[..]);
    let mut target = ImportTarget::new();
    let report = target.import_with(file, &[], &ImportOptions::default()).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 0, 0], "{report}");
    // A name of that size is refused.
    let file = b"BEGIN:VCARD\nFN:".chain(photo(b"\nEND:VCARD\n"));
    let error = target.import_with(file, &[], &skipping()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2: the names, phones and emails of the vCard are longer than 1 MiB, or one of them than 64 KiB"
    );
}
