//! `/webhooks/whatsapp/{token}`: Meta's handshake, signatures, tenants, and the log.

use contact_search::domain::phone::Region;
use contact_search::store::clients;

use crate::support::Contact;
use crate::support::webhook::{PHONE, SECRET, USER_ID, WebhookApp, add_webhook, payload, sign};

#[test]
fn the_handshake_returns_the_challenge_if_the_token_is_right() {
    let webhook = WebhookApp::start();
    let ask = |query: &str| webhook.app.server.get(&format!("{}?{query}", webhook.path), None);
    let token = &webhook.token;
    let answer = ask(&format!(
        "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
    ));
    assert_eq!((answer.status, answer.body.as_str()), (200, "1158201444"));
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    for query in [
        String::new(),
        "hub.mode=subscribe&hub.challenge=1".to_owned(),
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong".to_owned(),
        format!("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={token}"),
        format!("hub.challenge=1&hub.verify_token={token}"),
    ] {
        let answer = ask(&query);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (403, Some("application/problem+json")),
            "{query}"
        );
    }
    assert_eq!(ask(&format!("hub.mode=subscribe&hub.verify_token={token}")).status, 400);
    let unknown = webhook
        .app
        .server
        .get("/webhooks/whatsapp/00000000000000000000000000000000", None);
    assert_eq!(
        (unknown.status, unknown.header("content-type")),
        (404, Some("application/problem+json"))
    );
    let other = webhook.app.server.send("PUT", &webhook.path, &[]);
    assert_eq!((other.status, other.header("allow")), (405, Some("GET, HEAD, POST")));
}

#[test]
fn a_delivery_with_a_missing_or_wrong_signature_is_401_and_changes_nothing() {
    let webhook = WebhookApp::start();
    let body = payload("text");
    let right = sign(SECRET, &body);
    let of_another_body = sign(SECRET, &payload("unsupported"));
    let of_another_secret = sign("ffeeddccbbaa99887766554433221100", &body);
    let cases: [&[(&str, &str)]; 7] = [
        &[],
        &[("X-Hub-Signature-256", "")],
        &[("X-Hub-Signature-256", &right[7..])],
        &[("X-Hub-Signature-256", &right[..right.len() - 2])],
        &[("X-Hub-Signature-256", &of_another_body)],
        &[("X-Hub-Signature-256", &of_another_secret)],
        &[("X-Hub-Signature", &right), ("X-API-Key", &webhook.app.key)],
    ];
    for headers in cases {
        let answer = webhook.post(headers, &body);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (401, Some("application/problem+json")),
            "{headers:?}"
        );
    }
    assert_eq!(webhook.contacts(), []);
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    let signature = sign(SECRET, &large);
    assert_eq!(webhook.post(&[("X-Hub-Signature-256", &signature)], &large).status, 413);
    webhook.deliver(&large[1..]);
}

#[test]
fn a_webhook_changes_only_the_contacts_of_its_own_client() {
    let webhook = WebhookApp::start();
    let mut connection = webhook.app.database.connect();
    let other = clients::create_client(&mut connection, "Other", Region::DEFAULT).unwrap();
    let theirs = Contact {
        phone: Some(PHONE),
        external_user_id: Some(USER_ID),
        ..Contact::default()
    };
    theirs.add(&mut connection, other);
    add_webhook(&webhook.app, other, "another secret".replace(' ', "-").as_str());
    webhook.deliver(&payload("text_with_user_id"));
    webhook.deliver(&payload("status_sent"));
    let contacts = webhook.contacts();
    assert_eq!(contacts.len(), 2);
    assert_eq!(
        (&contacts[0].name, &contacts[0].last_message),
        (&None, &None),
        "the contact of the other client"
    );
    assert_eq!(contacts[1].last_message.as_deref(), Some("1739321030"));
    assert_eq!(
        webhook
            .app
            .get("/api/public/contacts/search?phone=6505551234")
            .ids()
            .len(),
        1
    );
}

#[test]
fn the_log_contains_no_token_secret_phone_or_name() {
    let webhook = WebhookApp::start();
    let query = format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={}", webhook.token);
    webhook.app.server.get(&format!("{}?{query}", webhook.path), None);
    webhook.app.server.get(&format!("{}/?{query}", webhook.path), None);
    webhook.app.server.get(&format!("{}/more", webhook.path), None);
    webhook.app.server.send("PUT", &webhook.path, &[]);
    webhook.post(&[], &payload("text"));
    webhook.deliver(&payload("text_with_user_id"));
    webhook.deliver(b"{\"from\": \"16505551234\"");
    let ahead = (chrono::Utc::now().timestamp() + 3_600).to_string();
    let text = String::from_utf8(payload("text")).unwrap();
    webhook.deliver(text.replace("1739321024", &ahead).as_bytes());
    // An error message of the database may quote values.
    webhook
        .app
        .sql("ALTER TABLE contacts ADD CONSTRAINT canary CHECK (name IS NULL OR phone IS NULL) NOT VALID");
    webhook.app.sql("UPDATE contacts SET name = NULL");
    let later = text.replace("1739321024", "1739329999");
    let signature = sign(SECRET, later.as_bytes());
    assert_eq!(
        webhook
            .post(&[("X-Hub-Signature-256", &signature)], later.as_bytes())
            .status,
        500
    );

    let start = std::time::Instant::now();
    let log = loop {
        let log = webhook.app.server.log.lock().unwrap().clone();
        if log.matches("answered").count() >= 9 {
            break log;
        }
        assert!(start.elapsed().as_secs() < 10, "{log}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert!(
        log.contains("route=/webhooks/whatsapp/{token}") && log.contains("status=500"),
        "{log}"
    );
    assert!(
        log.contains("is not JSON") && log.contains("ahead of the database's clock"),
        "{log}"
    );
    for secret in [&webhook.token, SECRET, "6505551234", "Sheena", USER_ID, &signature[7..]] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None, "{secret}");
    }
}
