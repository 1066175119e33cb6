//! Authorization: every path and method, with every kind of key.

use chrono::TimeDelta;
use contact_search::domain::key::Scope;
use contact_search::http::{Access, endpoints};
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, add_key, revoke};

const LOOKUP: Access = Access::Key(Scope::Lookup);
const SEARCH: Access = Access::Key(Scope::Search);
const WRITE: Access = Access::Key(Scope::Write);

/// The shape of an API's errors.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Shape {
    Spanish,
    Public,
    Problem,
}

use Shape::{Problem, Public, Spanish};

/// The agreed access of every operation. A new operation must be added here, or
/// `every_operation_requires_the_agreed_access` fails.
const AGREED: [(&str, &str, Access, Shape); 22] = [
    ("/api/v1/contact-lookup/", "GET", LOOKUP, Spanish),
    ("/api/v1/contact-lookup/batch", "POST", LOOKUP, Spanish),
    ("/api/v1/search", "GET", SEARCH, Problem),
    ("/api/v1/normalize", "GET", LOOKUP, Problem),
    ("/api/public/contacts/search", "GET", SEARCH, Public),
    ("/api/public/contacts", "GET", SEARCH, Public),
    ("/api/public/contact/{id}/info", "GET", SEARCH, Public),
    ("/api/public/contact/{id}", "PATCH", WRITE, Public),
    ("/api/public/contact/{id}", "DELETE", WRITE, Public),
    ("/api/public/customer/upsert/info", "POST", WRITE, Public),
    ("/api/v1/contacts/", "POST", WRITE, Problem),
    ("/api/v1/contacts/check", "POST", SEARCH, Problem),
    ("/api/v1/contacts/{id}", "GET", SEARCH, Problem),
    ("/api/v1/contacts/{id}", "PATCH", WRITE, Problem),
    ("/api/v1/contacts/{id}", "DELETE", WRITE, Problem),
    ("/api/v1/messages/", "POST", WRITE, Problem),
    ("/webhooks/whatsapp/{token}", "GET", Access::Webhook, Problem),
    ("/webhooks/whatsapp/{token}", "POST", Access::Webhook, Problem),
    ("/openapi.json", "GET", Access::Public, Problem),
    ("/errors", "GET", Access::Public, Problem),
    ("/healthz", "GET", Access::Public, Problem),
    ("/readyz", "GET", Access::Public, Problem),
];

#[test]
fn every_operation_requires_the_agreed_access() {
    let endpoints = endpoints();
    let actual: Vec<(&str, &str, Access)> = endpoints
        .iter()
        .flat_map(|endpoint| {
            let of = |operation: &contact_search::http::Operation| operation.access;
            let operations = endpoint.operations.iter();
            operations.map(move |operation| (endpoint.path, operation.method.as_str(), of(operation)))
        })
        .collect();
    assert_eq!(actual, AGREED.map(|(path, method, access, _)| (path, method, access)));
}

/// The kind of key that a request sends.
enum Sent {
    Missing,
    Unknown,
    Ended,
    Good(Scope),
}

/// Every kind of key, with the values of the header.
fn every_kind(app: &TestApp) -> Vec<(Sent, Vec<String>)> {
    let mut connection = app.database.connect();
    let mut add = |scopes: &[Scope], lifetime| add_key(&mut connection, app.client, scopes, lifetime);
    let expired = add(&Scope::ALL, Some(TimeDelta::seconds(-1)));
    let revoked = add(&Scope::ALL, None);
    let good = Scope::ALL.map(|scope| (Sent::Good(scope), vec![add(&[scope], None)]));
    revoke(&mut connection, &revoked);
    let all = app.key.clone();
    let mut kinds = vec![
        (Sent::Missing, vec![]),
        (Sent::Missing, vec![String::new()]),
        (Sent::Missing, vec!["  ".to_owned()]),
        (Sent::Unknown, vec!["mindo_000000000000000000000000".to_owned()]),
        (Sent::Unknown, vec![all.to_uppercase()]),
        (Sent::Unknown, vec!["short".to_owned()]),
        (Sent::Unknown, vec![format!("{all} {all}")]),
        (Sent::Unknown, vec!["clé-clé-clé-clé-clé".to_owned()]),
        (Sent::Unknown, vec!["x".repeat(257)]),
        (Sent::Unknown, vec![format!("' OR key_hash <> '{all}")]),
        (Sent::Unknown, vec![all.clone(), all.clone()]),
        (Sent::Unknown, vec![all, String::new()]),
        (Sent::Ended, vec![expired]),
        (Sent::Ended, vec![revoked]),
    ];
    kinds.extend(good);
    kinds
}

/// The status, the code and the body of a refusal by an operation that needs `scope`, as the contract states them.
fn refusal(shape: Shape, scope: Scope, sent: &Sent) -> (u16, &'static str, Value) {
    let (spanish, status, reason) = match sent {
        Sent::Missing => (
            "Este endpoint requiere autenticacion con API Key (header X-API-Key)",
            401,
            "Unauthorized",
        ),
        Sent::Unknown => ("API Key invalida", 401, "Unauthorized"),
        Sent::Ended => ("API Key expirada", 401, "Unauthorized"),
        Sent::Good(_) => ("API Key no tiene acceso a este recurso", 403, "Forbidden"),
    };
    // Unknown and ended keys have one code and, except for the lookup, one text.
    let (code, english) = match sent {
        Sent::Missing => (
            "key-missing",
            "Send a valid API key in the X-API-Key header, once.".to_owned(),
        ),
        Sent::Unknown | Sent::Ended => (
            "key-invalid",
            "Send a valid API key in the X-API-Key header, once.".to_owned(),
        ),
        Sent::Good(own) => (
            "scope-missing",
            format!("Use an API key with the scope '{scope}'. This key has '{own}'."),
        ),
    };
    let body = match shape {
        Spanish => json!({ "error": spanish }),
        Public => json!({ "statusCode": status, "message": english, "error": reason }),
        Problem => json!({
            "type": format!("/errors#{code}"), "title": reason, "status": status, "detail": english, "code": code,
        }),
    };
    (status, code, body)
}

#[test]
fn every_operation_answers_every_kind_of_key_as_agreed() {
    let app = TestApp::start();
    let kinds = every_kind(&app);
    for (path, method, access, shape) in AGREED {
        // The path parameters do not exist in the database, so that an admitted request changes nothing.
        let target = path
            .replace("{id}", "0198c0de-0000-7000-8000-000000000000")
            .replace("{token}", &"0".repeat(32));
        let with_other_slash = target
            .strip_suffix('/')
            .map_or_else(|| format!("{target}/"), str::to_owned);
        let methods = if method == "GET" {
            &["GET", "HEAD"][..]
        } else {
            &[method]
        };
        for (target, method) in [&target, &with_other_slash]
            .into_iter()
            .flat_map(|target| methods.iter().map(move |method| (target, *method)))
        {
            for (sent, values) in &kinds {
                let headers: Vec<(&str, &str)> = values.iter().map(|value| ("X-API-Key", value.as_str())).collect();
                let answer = app.server.send(method, target, &headers);
                let place = format!("{method} {target} with {values:?}: {answer:?}");
                match (access, sent) {
                    (Access::Public, _) => assert_eq!(answer.status, 200, "{place}"),
                    // The token in the path is the only credential. An unknown token is an unknown path.
                    (Access::Webhook, _) => assert_eq!(answer.status, 404, "{place}"),
                    // The request has no parameters, or its id is unknown.
                    (Access::Key(scope), Sent::Good(own)) if scope == *own => {
                        assert!([400, 404].contains(&answer.status), "{place}");
                    }
                    (Access::Key(scope), sent) => {
                        let (status, code, body) = refusal(shape, scope, sent);
                        let sent_code = answer.header("x-error-code");
                        assert_eq!((answer.status, sent_code), (status, Some(code)), "{place}");
                        check_body(&answer, method, &body, shape, &place);
                    }
                }
            }
        }
    }
}

fn check_body(answer: &Answer, method: &str, body: &Value, shape: Shape, place: &str) {
    let media_type = if shape == Problem {
        "application/problem+json"
    } else {
        "application/json"
    };
    assert_eq!(answer.header("content-type"), Some(media_type), "{place}");
    if method == "HEAD" {
        assert_eq!(answer.body, "", "{place}");
    } else {
        assert_eq!(answer.json(), *body, "{place}");
    }
}
