//! The codes of errors: in the header of every shape, in problem documents, and on the page `/errors`.

use contact_search::http::ErrorCode;
use serde_json::json;
use strum::VariantArray;

use crate::support::TestApp;

#[test]
fn a_program_distinguishes_the_errors_of_one_status_in_every_shape() {
    let app = TestApp::start();
    for (target, code) in [
        ("/api/v1/contact-lookup/", "phone-missing"),
        ("/api/v1/contact-lookup/?phone=%zz", "parameter-invalid"),
        ("/api/v1/contact-lookup/?phone=1&phone=2", "parameter-repeated"),
        ("/api/public/contacts/search?phone=x", "phone-or-email-missing"),
        ("/api/public/contacts/search?email=%00", "parameter-invalid"),
        ("/api/public/contacts", "parameter-missing"),
        ("/api/public/contacts?days=0", "parameter-invalid"),
        ("/api/public/contacts?days=1&cursor=x", "cursor-invalid"),
        ("/api/public/contact/7/info", "contact-unknown"),
        ("/api/nothing", "path-unknown"),
    ] {
        assert_eq!(app.get(target).header("x-error-code"), Some(code), "{target}");
    }
    let long = format!("/api/public/contacts/search?email={}", "a".repeat(257));
    assert_eq!(app.get(&long).header("x-error-code"), Some("parameter-too-long"));
}

#[test]
fn a_problem_document_has_the_code_and_the_member_at_fault() {
    let app = TestApp::start();
    let message = |members: serde_json::Value| app.send("POST", "/api/v1/messages/", &members);
    let direction = message(json!({ "platform": "whatsapp", "phone": "+5491123456789", "direction": "sideways" }));
    let body = direction.json();
    assert_eq!(
        (&body["type"], &body["code"], &body["param"]),
        (
            &json!("/errors#member-invalid"),
            &json!("member-invalid"),
            &json!("direction")
        ),
        "{body}"
    );
    assert_eq!(direction.header("x-error-code"), Some("member-invalid"));
    let missing = message(json!({ "phone": "+5491123456789", "direction": "inbound" })).json();
    assert_eq!(
        (&missing["code"], &missing["param"]),
        (&json!("member-missing"), &json!("platform"))
    );
    // No single member is at fault.
    let number = message(json!(7)).json();
    assert_eq!((&number["code"], number.get("param")), (&json!("body-invalid"), None));
}

#[test]
fn the_page_of_error_codes_has_an_anchor_for_each_code_and_runs_nothing() {
    let app = TestApp::start();
    let page = app.server.get("/errors", None);
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for code in ErrorCode::VARIANTS {
        assert!(
            page.body.contains(&format!("<h2 id=\"{}\">", code.name())),
            "{}",
            code.name()
        );
    }
    assert!(
        page.body.contains("Send <code>?phone=…</code>."),
        "a text in backticks is code"
    );
}
