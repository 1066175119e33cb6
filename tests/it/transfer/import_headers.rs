//! Import: the headers of other products' exports, and columns that the import does not recognise.

use contact_search::transfer::import::ImportOptions;

use crate::support::import::{ImportTarget, counts};

/// Imports a header and one row, and returns the name, phone and email of the contact. `values` has pairs of a column
/// and its cell. The other cells are empty.
fn contact(header: &str, values: &[(&str, &str)]) -> String {
    let cells = header.split(',').map(|column| {
        let value = values.iter().find(|(named, _)| *named == column);
        value.map_or("", |(_, value)| *value)
    });
    let file = format!("{header}\n{}\n", cells.collect::<Vec<_>>().join(","));
    let mut target = ImportTarget::new();
    let report = target.import(&file).unwrap_or_else(|error| panic!("{header}: {error}"));
    assert_eq!(counts(&report), [1, 0, 0, 0, 0], "{header}: {report}");
    target.contacts("name phone email")
}

/// What the message about several columns says to do.
fn choice(field: &str) -> String {
    format!(
        "choose one with --column {field}=COLUMN, or several with --column {field}=COLUMN,COLUMN, which takes the first \
         one with a value"
    )
}

const PHONE: &str = "+54 9 11 2345-6789";
const EMAIL: &str = "ana@example.com";
const ANA: &str = "Ana Gil +5491123456789 ana@example.com";

#[test]
fn headers_of_other_products_are_known_in_three_languages() {
    for (header, [first, last, phone, email]) in [
        // Outlook
        (
            "First Name,Middle Name,Last Name,Title,Suffix,Web Page,Birthday,Notes,E-mail Address,E-mail 2 Address,\
             E-mail 3 Address,Primary Phone,Home Phone,Home Phone 2,Mobile Phone,Pager,Home Fax,Company Main Phone,\
             Business Phone,Business Phone 2,Business Fax,Assistant's Phone,Company,Other Phone,Other Fax,Callback,\
             Car Phone,ISDN,Radio Phone,TTY/TDD Phone,Telex",
            ["First Name", "Last Name", "Mobile Phone", "E-mail Address"],
        ),
        (
            "Nombre,Apellidos,Teléfono del trabajo,Teléfono particular,Teléfono móvil,Dirección de correo electrónico,\
             Dirección de correo electrónico 2,Organización",
            [
                "Nombre",
                "Apellidos",
                "Teléfono móvil",
                "Dirección de correo electrónico",
            ],
        ),
        (
            "Nome,Sobrenome,Telefone comercial,Telefone residencial,Telefone celular,Endereço de email,Endereço de email 2",
            ["Nome", "Sobrenome", "Telefone celular", "Endereço de email"],
        ),
        (
            "Nome próprio,Apelido,Telemóvel,Endereço de correio eletrónico",
            ["Nome próprio", "Apelido", "Telemóvel", "Endereço de correio eletrónico"],
        ),
        // Google Contacts
        (
            "First Name,Middle Name,Last Name,Nickname,Organization Name,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,\
             E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value",
            ["First Name", "Last Name", "Phone 1 - Value", "E-mail 1 - Value"],
        ),
        // Thunderbird
        (
            "First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Screen Name,Work Phone,Home Phone,\
             Fax Number,Pager Number,Mobile Number,Notes,",
            ["Display Name", "Nickname", "Mobile Number", "Primary Email"],
        ),
        // HubSpot
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,WhatsApp Phone Number,Contact owner",
            ["First Name", "Last Name", "WhatsApp Phone Number", "Email"],
        ),
        // Salesforce
        (
            "Salutation,First Name,Last Name,Account Name,Phone,Mobile,Home Phone,Other Phone,Asst. Phone,Fax,Email,\
             Email Opt Out,Lead Source",
            ["First Name", "Last Name", "Mobile", "Email"],
        ),
        // Zoho
        (
            "Record Id,First Name,Last Name,Email,Secondary Email,Phone,Mobile,Home Phone,Other Phone,Asst Phone",
            ["First Name", "Last Name", "Phone", "Email"],
        ),
        // Pipedrive
        (
            "Person - First name,Person - Last name,Person - Email - Work,Person - Email - Home,Person - Email - Other,\
             Person - Phone - Mobile,Person - Phone - Work,Person - Owner",
            [
                "Person - First name",
                "Person - Last name",
                "Person - Phone - Mobile",
                "Person - Email - Work",
            ],
        ),
    ] {
        let values = [(first, "Ana"), (last, "Gil"), (phone, PHONE), (email, EMAIL)];
        let expected = if first == "Display Name" {
            ANA.replacen("Ana Gil", "Ana", 1)
        } else {
            ANA.to_owned()
        };
        assert_eq!(contact(header, &values), expected, "{header}");
    }
    for (header, [name, phone, email]) in [
        // Google Forms
        (
            "Marca temporal,Dirección de correo electrónico,Nombre y apellido,Número de WhatsApp",
            [
                "Nombre y apellido",
                "Número de WhatsApp",
                "Dirección de correo electrónico",
            ],
        ),
        (
            "Carimbo de data/hora,Endereço de e-mail,Nome e sobrenome,Número de telefone (com DDD)",
            ["Nome e sobrenome", "Número de telefone (com DDD)", "Endereço de e-mail"],
        ),
        (
            "Timestamp,Email Address,Full name,Phone number",
            ["Full name", "Phone number", "Email Address"],
        ),
        (
            "Marca temporal,Nombre completo,¿Cuál es tu correo electrónico?,Teléfono (con código de área)",
            [
                "Nombre completo",
                "Teléfono (con código de área)",
                "¿Cuál es tu correo electrónico?",
            ],
        ),
        // Google Contacts, iCloud and Pipedrive
        (
            "Name,Given Name,Family Name,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value",
            ["Name", "Phone 1 - Value", "E-mail 1 - Value"],
        ),
        (
            "Full Name,mobilePhone,emailAddress",
            ["Full Name", "mobilePhone", "emailAddress"],
        ),
        (
            "Person - Name,Person - Email,Person - Phone,Organization - Name",
            ["Person - Name", "Person - Phone", "Person - Email"],
        ),
    ] {
        let values = [(name, "Ana Gil"), (phone, PHONE), (email, EMAIL)];
        assert_eq!(contact(header, &values), ANA, "{header}");
    }
}

#[test]
fn the_outlook_export_in_spanish_keeps_its_emails() {
    let mut target = ImportTarget::new();
    let file = "Nombre,Apellidos,Teléfono móvil,Dirección de correo electrónico\n\
                Ana,Gil,+54 9 11 2345-6789,ana@ej.com\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(target.contacts("name phone email"), "Ana Gil +5491123456789 ana@ej.com");
}

#[test]
fn the_thunderbird_export_keeps_its_emails() {
    let mut target = ImportTarget::new();
    let file = "First Name,Last Name,Display Name,Primary Email,Secondary Email,Work Phone,Home Phone,Mobile Number,Notes,\n\
                Ana,Gil,Ana Gil,ana@ej.com,,,,11 2345-6789,,\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(target.contacts("name phone email"), "Ana Gil +541123456789 ana@ej.com");
}

#[test]
fn a_file_with_values_in_two_columns_of_one_field_is_refused_until_the_user_chooses_a_column() {
    let mut target = ImportTarget::new();
    for (file, columns, field) in [
        (
            "Email,Phone Number,Mobile Phone Number,WhatsApp Phone Number\na@x.com,+5491123456781,,+5491123456782\n",
            "Phone Number, Mobile Phone Number, WhatsApp Phone Number",
            "phone",
        ),
        (
            "Email,Home Phone,Mobile Phone\na@x.com,+5491123456781,\nb@x.com,,+5491123456782\n",
            "Home Phone, Mobile Phone",
            "phone",
        ),
        ("Email,Work Email\na@x.com,b@x.com\n", "Email, Work Email", "email"),
        (
            "Correo,Correo electrónico\na@x.com,b@x.com\n",
            "Correo, Correo electrónico",
            "email",
        ),
    ] {
        assert_eq!(
            target.refuse(file).to_string(),
            format!("the columns {columns} could all be {field}: {}", choice(field))
        );
    }
    // The first value of the second column comes long after the first rows.
    let rows = "a@x.com,,+5491123456781\n".repeat(4000);
    let file = format!("Email,Home Phone,Mobile Phone\n{rows}b@x.com,+5491123456782,\n");
    assert_eq!(
        target.refuse(&file).to_string(),
        format!(
            "the columns Home Phone, Mobile Phone could all be phone: {}",
            choice("phone")
        )
    );
    let options = ImportOptions::default();
    let report = target
        .import_with(file.as_bytes(), &["phone=Mobile Phone"], &options)
        .unwrap();
    assert_eq!(report.created, 2, "{report}");
    assert!(
        report.to_string().ends_with(
            "\nHome Phone looks like a phone column, ignored: to take it, choose it with --column phone=COLUMN; 1 row has \
             no other phone: line 4002"
        ),
        "{report}"
    );
}

#[test]
fn a_row_with_its_only_phone_or_email_in_a_second_column_stops_the_import() {
    let mut target = ImportTarget::new();
    for (file, found) in [
        (
            "Nombre,Email,Telefono,Telefono 2\nAna,ana@x.com,11 2345-6781,11 2345-6782\nBea,bea@x.com,,11 2345-6783\n",
            "line 3 has its only phone in Telefono 2, not in Telefono",
        ),
        (
            "Email,Phone 2,Phone 1,Phone 3\na@x.com,,+5491123456781,\nb@x.com,,-,+5491123456782\n",
            "line 3 has its only phone in Phone 3, not in Phone 1",
        ),
        (
            "First Name,E-mail Address,E-mail 2 Address,Mobile Phone\nAna,a@x.com,b@x.com,\nBea,n/a,c@x.com,11 2345-6781\n",
            "line 3 has its only email in E-mail 2 Address, not in E-mail Address",
        ),
        (
            "First Name,Primary Email,Secondary Email,Mobile Number\nAna,,a@x.com,11 2345-6781\nBea,b@x.com,,\n",
            "line 2 has its only email in Secondary Email, not in Primary Email",
        ),
    ] {
        let field = if found.contains("phone") { "phone" } else { "email" };
        assert_eq!(target.refuse(file).to_string(), format!("{found}: {}", choice(field)));
    }
}

#[test]
fn of_several_chosen_columns_each_row_takes_its_first_phone_and_email() {
    let mut target = ImportTarget::new();
    let file = "First Name,E-mail Address,E-mail 2 Address,Home Phone,Business Phone,Mobile Phone\n\
                Ana,a@x.com,a2@x.com,11 4321-5001,,+5491123456781\n\
                Bea,-,b2@x.com,,11 4321-5002,\n\
                Cid,c@x.com,,11 4321-5003,11 4321-5004,0\n\
                Dan,,,,,11 4321-500\n\
                Eva,e@x.com,,,,-\n";
    let columns = [
        "phone=Mobile Phone,Business Phone,Home Phone",
        "email=E-mail Address, E-mail 2 Address",
    ];
    let report = target
        .import_with(file.as_bytes(), &columns, &ImportOptions::default())
        .unwrap();
    assert_eq!(counts(&report), [5, 0, 0, 0, 0], "{report}");
    assert_eq!(
        target.contacts("name phone email"),
        "Ana +5491123456781 a@x.com\nBea +541143215002 b2@x.com\nCid +541143215004 c@x.com\nDan 114321500 -\n\
         Eva - e@x.com"
    );
    // A wrong value in a further column makes its row wrong, too.
    let file = "Email,Email 2,Phone\n,nobody,11 4321-5005\n";
    let error = target.import_with(file.as_bytes(), &["email=Email,Email 2"], &ImportOptions::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "1 of 1 rows can't be imported, so nothing was written: correct it, or skip it with --skip-bad-rows"
    );
}

#[test]
fn columns_without_any_value_do_not_stop_the_import() {
    let mut target = ImportTarget::new();
    let file = "First Name,E-mail Address,Home Phone,Mobile Phone,Home Phone 2\nAna,a@x.com,,,\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    let file = "First Name,E-mail Address,Home Phone,Mobile Phone,Home Phone 2\nBea,b@x.com,,,11 4321-5001\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(target.contacts("phone email"), "- a@x.com\n+541143215001 b@x.com");
    // The first values come long after the first rows.
    let rows = "Ana,a@x.com,,,\n".repeat(6000);
    for (row, expected) in [
        (
            "Bea,b@x.com,,11 4321-5001,\n",
            "the columns Home Phone, Mobile Phone could all be phone",
        ),
        (
            "Bea,b@x.com,,,11 4321-5001\n",
            "line 6002 has its only phone in Home Phone 2, not in Home Phone",
        ),
    ] {
        let file = format!("First Name,E-mail Address,Home Phone,Mobile Phone,Home Phone 2\n{rows}{row}");
        assert_eq!(
            target.refuse(file).to_string(),
            format!("{expected}: {}", choice("phone"))
        );
    }
}

#[test]
fn a_numbered_second_email_or_phone_column_is_ignored_and_named_in_the_summary() {
    let mut target = ImportTarget::new();
    let file = "First Name,E-mail Address,E-mail 2 Address,E-mail 3 Address,Home Phone 2\n\
                Ana,ana@x.com,ana@y.com,-,\nBea,bea@x.com,,,\nCid,cid@x.com,,,+54 9 11 2345-6789\n";
    let report = target.import(file).unwrap();
    assert_eq!(
        report.to_string(),
        "3 rows read = 3 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected\n\
         E-mail 2 Address looks like an email column, ignored: to take it, choose it with --column email=COLUMN"
    );
    assert_eq!(
        target.contacts("phone email"),
        "- ana@x.com\n- bea@x.com\n+5491123456789 cid@x.com"
    );
}

#[test]
fn a_value_that_stands_only_in_an_ignored_column_is_reported_with_its_line() {
    let mut target = ImportTarget::new();
    let mut file = "First Name,E-mail Address,E-mail 2 Address,Mobile Phone,Assistant's Phone\n\
                    Ana,ana@x.com,ana@y.com,11 2345-6781,\nBea,,bea@y.com,,11 2345-6782\n\
                    Cid,cid@x.com,cid@y.com,-,11 2345-6783\nDan,dan@x.com,see note,11 2345-6784,11 2345-6785\n"
        .to_owned();
    for row in 6..=2000 {
        file += &format!("R{row},r{row}@x.com,,,11 2345-6783\n");
    }
    let options = ImportOptions {
        skip_bad_rows: true,
        ..ImportOptions::default()
    };
    let report = target
        .import_with(file.as_bytes(), &["email=E-mail Address"], &options)
        .unwrap();
    assert_eq!(
        report.to_string().lines().skip(1).collect::<Vec<_>>(),
        [
            "1 phone is not a valid number: line 4",
            "E-mail 2 Address looks like an email column, ignored: to take it, choose it with --column email=COLUMN; 1 row \
             has no other email: line 3",
            "Assistant's Phone looks like a phone column, ignored: to take it, choose it with --column phone=COLUMN; 1997 \
             rows have no other phone: lines 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 \
             and 1977 more",
        ]
    );
}

#[test]
fn an_ignored_column_that_looks_like_an_email_or_phone_column_is_named_in_the_summary() {
    let mut target = ImportTarget::new();
    let file = "external_id,Contacto en casa,Alternativa,Nacimiento,DNI,Nota,\n\
                1,011 2345-6789,ana@x.com,2001-02-03,30.123.456,escribir a ana@x.com,a@x.com\n\
                2,,-,29/10/2015,30123457,,b@x.com\n\
                3,011 4123-4567,bea@x.com,2001/02/03 10:11,30123458,,\n";
    let report = target.import(file).unwrap().to_string();
    let summary: Vec<&str> = report.lines().skip(1).collect();
    assert_eq!(
        summary,
        [
            "Contacto en casa looks like a phone column, ignored: to take it, choose it with --column phone=COLUMN; 2 rows \
             have no other phone: lines 2 and 4",
            "Alternativa looks like an email column, ignored: to take it, choose it with --column email=COLUMN; 2 rows \
             have no other email: lines 2 and 4",
            "column 7, which has no name, looks like an email column, ignored: to take it, choose it with --column \
             email=COLUMN; 2 rows have no other email: lines 2 and 3",
        ]
    );
    // Values that an import would clean or split look like emails and phones, too.
    for (value, kind) in [
        ("Ana Gil <ana@x.com>", Some("an email")),
        ("mailto:ana@x.com", Some("an email")),
        ("ana@x.com (casa)", Some("an email")),
        ("ana@x.com ::: bea@x.com", Some("an email")),
        ("011 2345-6789 ::: 011 2345-6780", Some("a phone")),
        ("Cel: 11 2345-6789 (WhatsApp)", Some("a phone")),
        ("5491123456789@s.whatsapp.net", Some("a phone")),
        ("120363025246125486@g.us", None),
        ("escribir a ana@x.com", None),
        ("@ana", None),
        ("https://x.com/@ana", None),
        ("4500012345", None),
        ("20-12345678-9", None),
    ] {
        let report = target
            .import(format!("external_id,Dato\n1,{value}\n2,\n"))
            .unwrap()
            .to_string();
        match kind {
            Some(kind) => assert!(
                report.contains(&format!("\nDato looks like {kind} column")),
                "{value}: {report}"
            ),
            None => assert!(!report.contains("looks like"), "{value}: {report}"),
        }
    }
}
