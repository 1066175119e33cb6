//! `POST /webhooks/whatsapp/{token}`: which events count as a message, a call, an echo or a report, and which events
//! change nothing.

use serde_json::{Value, json};

use crate::support::Contact;
use crate::support::webhook::{PHONE, Row, USER_ID, WebhookApp, delivery, payload, sheena};

const ANA: &str = "+5491100040001";

/// A delivery of one message from Ana, 30 seconds ago, with the given members.
fn from_ana(members: &Value) -> Value {
    let mut message = json!({"from": "5491100040001", "id": "wamid.1", "timestamp": "@now-30"});
    message
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    delivery("messages", "messages", json!([message]))
}

/// A server with a contact for Ana, whose last message is 30 hours old.
fn with_old_message() -> WebhookApp {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some(ANA),
        last_message_at: "now() - interval '30 hours'",
        last_inbound_at: "now() - interval '30 hours'",
        ..Contact::default()
    });
    webhook
}

#[test]
fn a_deleted_message_leaves_the_window_closed() {
    let webhook = WebhookApp::start();
    webhook.deliver_all("revoke");
    assert_eq!(webhook.lookup(ANA), (true, true, false));
    assert_eq!(webhook.contacts().len(), 1);
}

#[test]
fn a_revoke_an_edit_and_a_removed_reaction_are_no_messages() {
    let original = "wamid.HBgLMTY1MDM4Nzk0MzkVAgA=";
    for members in [
        json!({"type": "revoke", "revoke": {"original_message_id": original}}),
        json!({"type": "edit", "edit": {"original_message_id": original, "message": {"type": "text", "text": {"body": "x"}}}}),
        json!({"type": "reaction", "reaction": {"message_id": original}}),
        json!({"type": "reaction", "reaction": {"message_id": original, "emoji": ""}}),
        json!({"type": "reaction", "reaction": {"message_id": original, "emoji": null}}),
        json!({"type": "reaction"}),
        json!({"type": "system", "system": {"type": "user_identity_changed", "body": "x", "identity": "x"}}),
        json!({"type": "request_welcome"}),
    ] {
        let webhook = with_old_message();
        let before = webhook.contacts();
        webhook.deliver_live(&from_ana(&members));
        assert_eq!(webhook.contacts(), before, "{members}");
        let unknown = WebhookApp::start();
        unknown.deliver_live(&from_ana(&members));
        assert_eq!(unknown.contacts(), [], "{members}");
    }
    let webhook = with_old_message();
    webhook.deliver_live(&from_ana(
        &json!({"type": "reaction", "reaction": {"message_id": original, "emoji": "\u{1F44D}"}}),
    ));
    assert_eq!(webhook.lookup(ANA), (true, true, true), "a reaction is a message");
}

#[test]
fn a_call_from_the_person_opens_the_window() {
    let connect = json!({
        "id": "wacid.1", "from": "5491100040001", "to": "15550783881", "event": "connect", "timestamp": "@now-60",
        "direction": "USER_INITIATED", "session": {"sdp_type": "offer", "sdp": "v=0"},
    });
    let missed = json!({
        "id": "wacid.1", "from": "5491100040001", "to": "15550783881", "event": "terminate", "timestamp": "@now-30",
        "direction": "USER_INITIATED", "status": "FAILED",
    });
    let answered = json!({
        "id": "wacid.1", "from": "5491100040001", "to": "15550783881", "event": "terminate", "timestamp": "@now-30",
        "direction": "USER_INITIATED", "status": "COMPLETED", "start_time": "@now-55", "end_time": "@now-30", "duration": 25,
    });
    let count = |webhook: &WebhookApp, condition: &str| {
        let sql = format!("SELECT count(*) AS count FROM contacts WHERE {condition}");
        webhook.app.database.count(&sql)
    };
    for call in [&connect, &missed, &answered] {
        let webhook = with_old_message();
        webhook.deliver_live(&delivery("calls", "calls", json!([call])));
        assert_eq!(webhook.lookup(ANA), (true, true, true), "{call}");
        let unknown = WebhookApp::start();
        unknown.deliver_live(&delivery("calls", "calls", json!([call])));
        assert_eq!(unknown.lookup(ANA), (true, true, true), "{call}");
    }
    let webhook = with_old_message();
    for call in [&answered, &connect, &answered] {
        webhook.deliver_live(&delivery("calls", "calls", json!([call])));
    }
    assert_eq!(
        count(
            &webhook,
            "last_inbound_at BETWEEN now() - interval '70 s' AND now() - interval '50 s'"
        ),
        1,
        "the window begins with the call and not with its end"
    );
}

#[test]
fn a_call_to_the_person_opens_no_window() {
    let webhook = with_old_message();
    let before = webhook.contacts();
    for event in ["connect", "terminate"] {
        let call = json!({
            "id": "wacid.1", "from": "15550783881", "to": "5491100040001", "event": event, "timestamp": "@now-30",
            "direction": "BUSINESS_INITIATED",
        });
        webhook.deliver_live(&delivery("calls", "calls", json!([call])));
    }
    let ringing = json!({"id": "wacid.1", "timestamp": "@now-30", "type": "call", "status": "RINGING",
        "recipient_id": "5491100040001"});
    webhook.deliver_live(&delivery("calls", "statuses", json!([ringing])));
    assert_eq!(webhook.contacts(), before);
}

#[test]
fn a_message_sent_with_whatsapps_app_is_an_outbound_message() {
    let webhook = with_old_message();
    webhook.deliver_all("message_echo");
    assert_eq!(webhook.lookup(ANA), (true, true, false));
    let moved = "SELECT count(*) AS count FROM contacts
                 WHERE last_message_at > now() - interval '1 minute' AND last_inbound_at < now() - interval '29 hours'";
    assert_eq!(webhook.app.database.count(moved), 1);

    let unknown = WebhookApp::start();
    unknown.deliver_all("message_echo");
    assert_eq!(unknown.contacts(), [], "a recipient alone becomes no contact");
}

#[test]
fn an_echo_of_a_deleted_message_or_to_a_group_is_no_message() {
    let webhook = with_old_message();
    let before = webhook.contacts();
    for (to, members) in [
        (
            "5491100040001",
            json!({"type": "revoke", "revoke": {"original_message_id": "wamid.1"}}),
        ),
        (
            "5491100040001",
            json!({"type": "edit", "edit": {"original_message_id": "wamid.1"}}),
        ),
        (
            "5491100040001",
            json!({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": ""}}),
        ),
        (
            "5491100040001",
            json!({"type": "text", "group_id": "120363025246125486"}),
        ),
        ("120363025246125486@g.us", json!({"type": "text"})),
    ] {
        let mut echo = json!({"from": "15550783881", "to": to, "id": "wamid.E", "timestamp": "@now-40"});
        echo.as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        webhook.deliver_live(&delivery("smb_message_echoes", "message_echoes", json!([echo])));
        assert_eq!(webhook.contacts(), before, "{to} {members}");
    }
}

#[test]
fn a_status_that_names_phone_and_user_id_links_them() {
    for kind in ["sent", "delivered", "read", "failed"] {
        let status = json!({"id": "wamid.1", "status": kind, "timestamp": "1739321030",
            "recipient_id": "16505551234", "recipient_user_id": USER_ID});
        let status = delivery("messages", "statuses", json!([status]));
        let last_message = (kind == "sent").then(|| "1739321030".to_owned());
        let linked = Row {
            name: None,
            source: None,
            external_user_id: Some(USER_ID.to_owned()),
            last_inbound: None,
            is_chat_read: true,
            last_message,
            ..sheena()
        };
        for known in [
            Contact {
                phone: Some(PHONE),
                ..Contact::default()
            },
            Contact {
                external_user_id: Some(USER_ID),
                ..Contact::default()
            },
        ] {
            let webhook = WebhookApp::start();
            webhook.app.add(known);
            webhook.deliver_live(&status);
            webhook.deliver_live(&status);
            assert_eq!(webhook.contacts(), std::slice::from_ref(&linked), "{kind}");
            webhook.deliver(&payload("text_without_phone"));
            assert_eq!(
                webhook.contacts().len(),
                1,
                "a message with the user id alone finds the contact"
            );
            assert!(webhook.lookup(PHONE).1);
        }
        let unknown = WebhookApp::start();
        unknown.deliver_live(&status);
        assert_eq!(unknown.contacts(), [], "{kind}: a recipient alone becomes no contact");
    }
}

#[test]
fn a_status_gives_no_user_id_to_the_contact_of_another_person() {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some(PHONE),
        external_user_id: Some("US.1"),
        ..Contact::default()
    });
    let before = webhook.contacts();
    let status = json!({"id": "wamid.1", "status": "delivered", "timestamp": "1739321030",
        "recipient_id": "16505551234", "recipient_user_id": USER_ID});
    webhook.deliver_live(&delivery("messages", "statuses", json!([status])));
    assert_eq!(webhook.contacts(), before);
}
