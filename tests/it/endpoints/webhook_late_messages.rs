//! `POST /webhooks/whatsapp/{token}`: messages and notices that arrive after the person has changed the number, and
//! deliveries that arrive twice.

use serde_json::{Value, json};

use crate::support::Contact;
use crate::support::new_ids::{
    EARLIER, NEW, NOT_FOUND, OLD, WINDOW_OPEN, changed_number, hidden_number, id, ids, notice, text,
};
use crate::support::webhook::{WebhookApp, delivery, live};

#[test]
fn a_late_message_from_before_the_change_does_not_bring_the_old_number_back() {
    let number = |ids: Value| {
        let mut system = json!({"type": "user_changed_number", "body": "x", "wa_id": "5491100040002"});
        system.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
        notice(system)
    };
    let moved = text(Some("5491100040002"), Some("AR.1001"), 4000);
    // The first message's user id, the change, the ids after it, and the user ids of late messages from the old number.
    for (user_id, change, expected, late) in [
        (
            None,
            number(json!({})),
            id(Some(NEW), None),
            vec![None, Some("AR.1001")],
        ),
        (
            Some("AR.1001"),
            number(json!({})),
            id(Some(NEW), Some("AR.1001")),
            vec![Some("AR.1001"), None],
        ),
        (
            Some("AR.1001"),
            changed_number(),
            id(Some(NEW), Some("AR.2002")),
            vec![Some("AR.1001"), None],
        ),
        (
            Some("AR.1001"),
            number(json!({"user_id": "AR.2002"})),
            id(Some(NEW), Some("AR.2002")),
            vec![Some("AR.1001"), None],
        ),
        (
            Some("AR.1001"),
            hidden_number(Some("AR.1001")),
            id(None, Some("AR.2002")),
            vec![Some("AR.1001"), None],
        ),
        (
            Some("AR.1001"),
            moved,
            id(Some(NEW), Some("AR.1001")),
            vec![Some("AR.1001"), None],
        ),
    ] {
        let webhook = WebhookApp::start();
        webhook.deliver_live(&text(Some("5491100040001"), user_id, 5000));
        webhook.deliver_live(&change);
        assert_eq!(ids(&webhook), std::slice::from_ref(&expected), "{change}");
        for (age, user_id) in (4500..).zip(late) {
            webhook.deliver_live(&text(Some("5491100040001"), user_id, age));
            assert_eq!(ids(&webhook), std::slice::from_ref(&expected), "{user_id:?} {change}");
            assert_eq!(webhook.lookup(OLD), NOT_FOUND, "{user_id:?} {change}");
        }
    }
}

#[test]
fn a_late_message_from_before_the_change_counts_for_its_person_and_not_for_the_new_owner() {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some(OLD),
        created_at: EARLIER,
        ..Contact::default()
    });
    webhook.deliver_live(&notice(
        json!({"type": "user_changed_number", "wa_id": "5491100040002"}),
    ));
    webhook.app.add(Contact {
        phone: Some(OLD),
        ..Contact::default()
    });
    assert_eq!(webhook.lookup(NEW), (true, false, false));
    webhook.deliver_live(&text(Some("5491100040001"), None, 4500));
    assert_eq!(webhook.lookup(NEW), WINDOW_OPEN);
    assert_eq!(
        webhook.lookup(OLD),
        (true, false, false),
        "the new owner has not written"
    );
    webhook.deliver_live(&text(Some("5491100040001"), None, 1000));
    assert_eq!(webhook.lookup(OLD), WINDOW_OPEN);
    assert_eq!(ids(&webhook), [id(Some(NEW), None), id(Some(OLD), None)]);
}

#[test]
fn a_repeated_delivery_of_a_change_and_the_messages_around_it_changes_nothing() {
    let message = |delivery: &Value| delivery["entry"][0]["changes"][0]["value"]["messages"][0].clone();
    for (user_ids, change) in [
        (
            [None, None],
            notice(json!({"type": "user_changed_number", "wa_id": "5491100040002"})),
        ),
        ([Some("AR.1001"), Some("AR.2002")], changed_number()),
        (
            [Some("AR.1001"), Some("AR.2002")],
            notice(json!({"type": "user_changed_number", "wa_id": "5491100040002", "user_id": "AR.2002"})),
        ),
        ([Some("AR.1001"), Some("AR.2002")], hidden_number(Some("AR.1001"))),
    ] {
        let webhook = WebhookApp::start();
        let messages = [
            text(Some("5491100040001"), user_ids[0], 5000),
            change,
            text(Some("5491100040002"), user_ids[1], 3000),
        ];
        let delivery = delivery("messages", "messages", messages.iter().map(message).collect());
        let body = live(&delivery);
        webhook.deliver(body.as_bytes());
        let before = webhook.contacts();
        assert_eq!(ids(&webhook), [id(Some(NEW), user_ids[1])], "{body}");
        webhook.deliver(body.as_bytes());
        assert_eq!(webhook.contacts(), before, "{body}");
    }
}

#[test]
fn a_message_from_the_old_number_after_the_change_is_from_its_new_owner() {
    for (user_ids, change) in [
        (
            [None, None],
            notice(json!({"type": "user_changed_number", "wa_id": "5491100040002"})),
        ),
        ([Some("AR.1001"), Some("AR.2002")], changed_number()),
        ([Some("AR.1001"), Some("AR.2002")], hidden_number(Some("AR.1001"))),
    ] {
        for owner in [None, Some("AR.3003")] {
            let webhook = WebhookApp::start();
            webhook.deliver_live(&text(Some("5491100040001"), user_ids[0], 5000));
            webhook.deliver_live(&change);
            let person = ids(&webhook).remove(0);
            webhook.deliver_live(&text(Some("5491100040001"), owner, 3900));
            assert_eq!(ids(&webhook), [person, id(Some(OLD), owner)], "{change}");
        }
    }
}

/// A delivery of the notice of a new number that names no user ids, sent `age` seconds ago.
fn change(from: &str, to: &str, age: u32) -> Value {
    let message = json!({"from": from, "id": format!("wamid.{age}"), "timestamp": format!("@now-{age}"),
        "type": "system", "system": {"type": "user_changed_number", "wa_id": to}});
    delivery("messages", "messages", json!([message]))
}

#[test]
fn a_repeated_notice_does_not_move_a_person_who_has_moved_on() {
    let (old, new, newest) = ("5491100040001", "5491100040002", "5491100040003");
    for (user_id, last, expected) in [
        (None, old, OLD),
        (Some("AR.1001"), old, OLD),
        (Some("AR.1001"), newest, "+5491100040003"),
    ] {
        let webhook = WebhookApp::start();
        webhook.deliver_live(&text(Some(old), user_id, 5000));
        let first = live(&change(old, new, 4000));
        webhook.deliver(first.as_bytes());
        webhook.deliver_live(&change(new, last, 3000));
        webhook.deliver(first.as_bytes());
        assert_eq!(ids(&webhook), [id(Some(expected), user_id)]);
    }
}

#[test]
fn a_late_message_counts_for_the_person_who_had_the_number_when_it_was_sent() {
    let (old, new, newest) = ("5491100040001", "5491100040002", "5491100040003");
    for late in [[4500, 3200], [3200, 4500]] {
        let webhook = WebhookApp::start();
        webhook.deliver_live(&text(Some(old), None, 5000));
        webhook.deliver_live(&change(old, new, 4000));
        webhook.deliver_live(&text(Some(old), None, 3500));
        webhook.deliver_live(&change(old, newest, 3000));
        for age in late {
            webhook.deliver_live(&text(Some(old), None, age));
        }
        let expected = [id(Some(NEW), None), id(Some("+5491100040003"), None)];
        assert_eq!(ids(&webhook), expected);
        let later = "SELECT count(*) AS count FROM contacts
                     WHERE phone = '+5491100040002' AND last_inbound_at < now() - interval '4400 seconds'
                        OR phone = '+5491100040003' AND last_inbound_at > now() - interval '3400 seconds'";
        assert_eq!(webhook.app.database.count(later), 2, "{:?}", webhook.contacts());
    }
}
