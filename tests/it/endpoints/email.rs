//! Every kind of write cleans emails, treats placeholders as blank, and refuses texts that are no email.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::command::{command_on, error_of, run};
use crate::support::contact_api::{UPSERT, batch, count, edit, refusal, stored, upsert};
use crate::support::import::{ImportTarget, counts};

const PLACEHOLDERS: [&str; 12] = [
    "-",
    "N/A",
    "n/a",
    "null",
    "None",
    "sin correo",
    "Sin correo.",
    "no tiene",
    "NO TIENE",
    "não tem",
    "s/d",
    "\u{200B}",
];

const NO_EMAILS: [&str; 5] = ["ana", "ana at example.com", "@example.com", "ana@", "www.example.com"];

#[test]
fn an_email_that_identifies_nobody_is_no_identity_in_any_way_to_write() {
    let app = TestApp::start();
    for email in PLACEHOLDERS {
        let answer = app.send("POST", UPSERT, &json!({"channel": "other", "contact_email": email}));
        assert_eq!(answer.status, 400, "{email}");
        assert!(
            refusal(&answer).starts_with("The contact is not identified."),
            "{}",
            answer.body
        );
        let results = batch(&app, json!([{"email": email}]));
        let error = results[0]["error"].as_str().unwrap_or_default();
        assert!(error.starts_with("The contact is not identified."), "{email}: {error}");
    }
    assert_eq!(count(&app), 0);
    let mut target = ImportTarget::new();
    let rejections = target.rejections("nombre;telefono;correo\nAna;-;N/A\nBea;s/n;N/A\nCarla;;N/A\n");
    let lines: Vec<u64> = rejections.iter().map(|rejection| rejection.line).collect();
    assert_eq!(lines, [2, 3, 4]);
}

#[test]
fn placeholder_emails_beside_another_identity_count_as_blank() {
    let app = TestApp::start();
    for (number, email) in PLACEHOLDERS.into_iter().enumerate() {
        let contact = upsert(
            &app,
            json!({"channel": "other", "external_user_id": number.to_string(), "contact_email": email}),
        );
        assert_eq!(contact["email"], Value::Null, "{email}");
    }
    assert_eq!(
        count(&app),
        PLACEHOLDERS.len() as i64,
        "the contacts stay different people"
    );
    // An upsert with a placeholder keeps the stored email. A PATCH with a placeholder clears it, as a blank does.
    let body =
        |email: &str| json!({"channel": "sms", "contact_phone_number": "+5491124024856", "contact_email": email});
    upsert(&app, body("ana@example.com"));
    let contact = upsert(&app, body("sin correo"));
    assert_eq!(contact["email"], "ana@example.com");
    let id = contact["id"].as_str().unwrap();
    assert_eq!(
        edit(&app, id, json!({"email": "no tiene"})).json()["email"],
        Value::Null
    );
    let mut target = ImportTarget::new();
    let report = target
        .import("telefono,correo\n+5491124024856,N/A\n+5491124024857,-\n")
        .unwrap();
    assert_eq!(counts(&report), [2, 0, 0, 0, 0]);
    assert_eq!(target.contacts("email"), "-\n-");
}

#[test]
fn a_text_without_an_at_sign_between_other_characters_is_refused_in_every_way_to_write() {
    let app = TestApp::start();
    let id = upsert(&app, json!({"channel": "other", "external_user_id": "1"}))["id"].clone();
    let sentence = |name| format!("The member '{name}' should be an email: an '@' between other characters.");
    for email in NO_EMAILS {
        let answer = app.send(
            "POST",
            UPSERT,
            &json!({"channel": "other", "external_user_id": "1", "contact_email": email}),
        );
        assert_eq!(
            (answer.status, refusal(&answer)),
            (400, sentence("contact_email")),
            "{email}"
        );
        let answer = edit(&app, id.as_str().unwrap(), json!({"email": email}));
        assert_eq!((answer.status, refusal(&answer)), (400, sentence("email")), "{email}");
        let results = batch(&app, json!([{"externalUserId": "1", "email": email}]));
        assert_eq!(results[0]["error"], json!(sentence("email")), "{email}");
        let mut target = ImportTarget::new();
        let [rejection] = &target.rejections(&format!("external_user_id,correo\n1,{email}\n"))[..] else {
            panic!("one row is refused");
        };
        assert_eq!((rejection.line, rejection.column.as_deref()), (2, Some("correo")));
        assert_eq!(
            rejection.reason,
            "it is no email: an '@' between other characters is needed"
        );
        let file = format!("telefono,correo\n+5491124024856,{email}\n");
        let printed = error_of(run(import(&target), &file));
        assert!(!printed.contains(email), "{printed}");
    }
    assert_eq!(stored(&app, "email"), "-");
}

fn import(target: &ImportTarget) -> std::process::Command {
    command_on(&target.database, &["import", "-", "--client", "Acme"])
}

#[test]
fn invisible_characters_and_pasted_notations_make_no_second_contact_of_one_email() {
    let app = TestApp::start();
    let same = [
        "ana.perez@example.com",
        "\u{FEFF}ana.perez@example.com",
        "ana.perez@example.com\u{200B}",
        "ana\u{AD}.perez@exam\u{2060}ple.com",
        "Ana Perez <ana.perez@example.com>",
        "mailto:ana.perez@example.com?subject=x",
        "ana.perez@example.com;",
        "email: ana.perez@example.com",
        "ANA.PEREZ@example.com",
    ];
    for email in same {
        upsert(&app, json!({"channel": "other", "contact_email": email}));
        batch(&app, json!([{"platform": "other", "email": email}]));
        assert_eq!(count(&app), 1, "{email:?}");
    }
    upsert(
        &app,
        json!({"channel": "other", "contact_email": "jos\u{e9}@example.com"}),
    );
    upsert(
        &app,
        json!({"channel": "other", "contact_email": "jose\u{301}@example.com"}),
    );
    assert_eq!(count(&app), 2);
    let mut target = ImportTarget::new();
    let file = format!(
        "correo\n\"{}\"\n",
        same.map(|email| email.replace('"', "\"\"")).join("\"\n\"")
    );
    assert_eq!(target.import(file).unwrap().created, 1);
    assert_eq!(target.contacts("email"), "ANA.PEREZ@example.com");
}
