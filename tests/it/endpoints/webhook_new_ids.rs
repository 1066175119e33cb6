//! `POST /webhooks/whatsapp/{token}`: persons who change their number, and with it their user id.

use serde_json::{Value, json};

use crate::support::Contact;
use crate::support::new_ids::{
    EARLIER, NEW, NOT_FOUND, OLD, WINDOW_OPEN, changed_number, hidden_number, id, ids, notice, text,
};
use crate::support::webhook::{SECRET, WebhookApp, delivery, live, sign};

#[test]
fn a_person_who_changes_the_number_stays_one_contact_and_the_old_number_finds_no_contact() {
    let webhook = WebhookApp::start();
    webhook.deliver_all("user_changed_number");
    assert_eq!(ids(&webhook), [id(Some(NEW), Some("AR.2002"))]);
    assert_eq!(webhook.lookup(OLD), NOT_FOUND);
    assert_eq!(webhook.lookup(NEW), WINDOW_OPEN);
}

#[test]
fn a_notice_of_a_new_number_is_no_message_and_creates_no_contact() {
    let webhook = WebhookApp::start();
    webhook.deliver_live(&changed_number());
    assert_eq!(ids(&webhook), []);
    webhook.app.add(Contact {
        phone: Some(OLD),
        last_message_at: "now() - interval '30 hours'",
        last_inbound_at: "now() - interval '30 hours'",
        ..Contact::default()
    });
    let before = webhook.contacts();
    webhook.deliver_live(&changed_number());
    assert_eq!(ids(&webhook), [id(Some(NEW), Some("AR.2002"))]);
    assert_eq!(webhook.lookup(NEW), (true, true, false), "the window stays closed");
    let after = webhook.contacts();
    assert_eq!(
        (&after[0].last_message, &after[0].last_inbound, after[0].is_chat_read),
        (&before[0].last_message, &before[0].last_inbound, before[0].is_chat_read)
    );
}

#[test]
fn every_version_of_the_notice_is_understood() {
    for system in [
        json!({"type": "user_changed_number", "body": "x", "wa_id": "5491100040002"}),
        json!({"type": "user_changed_number", "body": "x", "new_wa_id": 5491100040002_i64}),
        json!({"type": "customer_changed_number", "body": "x", "new_wa_id": "5491100040002"}),
        json!({"type": "customer_changed_number", "body": "x", "wa_id": "5491100040002", "customer": "5491100040001"}),
    ] {
        let webhook = WebhookApp::start();
        webhook.deliver_live(&text(Some("5491100040001"), None, 5000));
        for _ in 0..2 {
            webhook.deliver_live(&notice(system.clone()));
            assert_eq!(ids(&webhook), [id(Some(NEW), None)], "{system}");
        }
        assert_eq!(webhook.lookup(OLD), NOT_FOUND, "{system}");
        assert_eq!(webhook.lookup(NEW), WINDOW_OPEN, "{system}");
        webhook.deliver_live(&text(Some("5491100040002"), None, 3000));
        assert_eq!(webhook.contacts().len(), 1, "{system}");
    }
    for useless in [
        json!({"type": "user_changed_number", "body": "x"}),
        json!({"type": "user_changed_number", "wa_id": 7.5}),
        json!({"type": "user_changed_user_id", "user_id": ""}),
        json!([]),
        Value::Null,
    ] {
        let webhook = WebhookApp::start();
        webhook.deliver_live(&text(Some("5491100040001"), None, 5000));
        let before = webhook.contacts();
        webhook.deliver_live(&notice(useless.clone()));
        assert_eq!(webhook.contacts(), before, "{useless}");
    }
}

#[test]
fn after_a_new_user_id_without_a_number_the_old_number_finds_no_contact() {
    let webhook = WebhookApp::start();
    webhook.deliver_live(&text(Some("5491100040001"), Some("AR.1001"), 5000));
    let system =
        json!({"type": "user_changed_user_id", "body": "x", "user_id": "AR.2002", "previous_user_id": "AR.1001"});
    let message = json!({"id": "wamid.1", "timestamp": "@now-4000", "type": "system", "from_user_id": "AR.2002",
        "system": system});
    let notice = delivery("messages", "messages", json!([message]));
    for _ in 0..2 {
        webhook.deliver_live(&notice);
        assert_eq!(ids(&webhook), [id(None, Some("AR.2002"))]);
        assert_eq!(webhook.lookup(OLD), NOT_FOUND);
    }
    webhook.deliver_live(&text(None, Some("AR.2002"), 3000));
    assert_eq!(ids(&webhook), [id(None, Some("AR.2002"))], "no double");
    webhook.deliver_live(&text(Some("5491100040002"), Some("AR.2002"), 2000));
    assert_eq!(ids(&webhook), [id(Some(NEW), Some("AR.2002"))]);
    assert_eq!((webhook.lookup(OLD), webhook.lookup(NEW)), (NOT_FOUND, WINDOW_OPEN));
}

#[test]
fn every_contact_of_the_channel_on_the_old_number_moves_and_no_other() {
    let webhook = WebhookApp::start();
    for (external_user_id, platform) in [
        (Some("crm-42"), "whatsapp"),
        (Some("AR.1001"), "whatsapp"),
        (None, "whatsapp"),
        (None, "sms"),
    ] {
        webhook.app.add(Contact {
            phone: Some(OLD),
            external_user_id,
            platform,
            created_at: EARLIER,
            ..Contact::default()
        });
    }
    webhook.deliver_live(&changed_number());
    let expected = [
        id(Some(NEW), Some("crm-42")),
        id(Some(NEW), Some("AR.2002")),
        id(Some(NEW), None),
        id(Some(OLD), None),
    ];
    assert_eq!(
        ids(&webhook),
        expected,
        "WhatsApp's notice does not move an SMS contact"
    );
}

#[test]
fn a_repeated_notice_does_not_move_the_new_owner_of_the_old_number() {
    let webhook = WebhookApp::start();
    webhook.deliver_all("user_changed_number");
    webhook.deliver_live(&text(Some("5491100040001"), Some("AR.3003"), 1000));
    webhook.deliver_live(&changed_number());
    let expected = [id(Some(NEW), Some("AR.2002")), id(Some(OLD), Some("AR.3003"))];
    assert_eq!(ids(&webhook), expected);
}

#[test]
fn a_repeated_notice_does_not_move_a_new_owner_of_the_old_number_who_has_not_written_yet() {
    for (external_user_id, last_message_at) in [
        (None, "null"),
        (Some("crm-42"), "null"),
        (Some("AR.3003"), "now() - interval '5 minutes'"),
    ] {
        let webhook = WebhookApp::start();
        webhook.deliver_all("user_changed_number");
        webhook.app.add(Contact {
            phone: Some(OLD),
            external_user_id,
            created_at: "now() - interval '10 minutes'",
            last_message_at,
            ..Contact::default()
        });
        for notice in [changed_number(), hidden_number(Some("AR.1001"))] {
            webhook.deliver_live(&notice);
            assert_eq!(ids(&webhook)[1], id(Some(OLD), external_user_id));
        }
    }
    // A contact whose last message is older than the notice belongs to the former owner, however late the contact was
    // created.
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some(OLD),
        external_user_id: Some("crm-42"),
        last_message_at: "now() - interval '2 hours'",
        ..Contact::default()
    });
    webhook.deliver_live(&changed_number());
    assert_eq!(ids(&webhook), [id(Some(NEW), Some("crm-42"))]);
}

#[test]
fn after_a_notice_that_hides_the_new_number_the_old_number_finds_no_contact() {
    for first in [Some("AR.1001"), None] {
        let webhook = WebhookApp::start();
        for external_user_id in [first, Some("crm-42"), Some("AR.1000")] {
            webhook.app.add(Contact {
                phone: Some(OLD),
                external_user_id,
                created_at: EARLIER,
                ..Contact::default()
            });
        }
        for _ in 0..2 {
            webhook.deliver_live(&hidden_number(Some("AR.1001")));
            let expected = [
                id(None, Some("AR.2002")),
                id(None, Some("crm-42")),
                id(None, Some("AR.1000")),
            ];
            assert_eq!(ids(&webhook), expected, "{first:?}");
            assert_eq!(webhook.lookup(OLD), NOT_FOUND, "{first:?}");
        }
    }
}

#[test]
fn after_a_notice_that_hides_the_new_number_the_old_one_finds_no_contact_even_without_an_external_id() {
    let webhook = WebhookApp::start();
    let app = &webhook.app;
    let known = |external_user_id, email, name| {
        app.add(Contact {
            name: Some(name),
            phone: Some(OLD),
            external_user_id,
            email,
            created_at: EARLIER,
            last_message_at: "now() - interval '2 hours'",
            last_inbound_at: "now() - interval '2 hours'",
            ..Contact::default()
        })
    };
    known(Some("AR.1001"), None, "Ana");
    known(None, None, "Ana M.");
    // The same line in another notation.
    app.add(Contact {
        name: Some("Ana Maria"),
        phone: Some("+541100040001"),
        email: Some("ana@x.com"),
        created_at: EARLIER,
        ..Contact::default()
    });
    let digits = OLD.replace('+', "");
    for _ in 0..2 {
        webhook.deliver_live(&hidden_number(Some("AR.1001")));
        let expected = [
            id(None, Some("AR.2002")),
            id(Some(&digits), None),
            id(Some("541100040001"), None),
        ];
        assert_eq!(ids(&webhook), expected);
        assert_eq!(webhook.lookup(OLD), NOT_FOUND);
        assert_eq!(webhook.lookup("11 0004-0001"), NOT_FOUND);
    }
    let found = app.get(&format!("/api/public/contacts/search?phone={digits}")).json();
    assert_eq!(found[0]["name"], "Ana M.", "a search still finds the digits");
    // The number's new owner is a contact of its own.
    webhook.deliver_live(&text(Some("5491100040001"), None, 1000));
    let owner = ids(&webhook).pop();
    assert_eq!(owner, Some(id(Some(OLD), None)));
    assert_eq!(webhook.contacts().len(), 4);
    assert_eq!(webhook.lookup(OLD), WINDOW_OPEN);
}

#[test]
fn a_notice_without_a_former_user_id_gives_the_new_user_id_to_the_only_contact_on_the_old_number() {
    let with_number = notice(json!({"type": "user_changed_number", "wa_id": "5491100040002", "user_id": "AR.2002"}));
    let without_number = hidden_number(None);
    for (notice, phone) in [(&with_number, Some(NEW)), (&without_number, None)] {
        // The external ids on the old number, before and after the notice.
        for (before, after) in [
            (vec!["AR.1001"], vec!["AR.2002"]),
            (vec!["crm-42"], vec!["crm-42"]),
            (vec!["AR.1001", "AR.1002"], vec!["AR.1001", "AR.1002"]),
        ] {
            let webhook = WebhookApp::start();
            for external_user_id in &before {
                webhook.app.add(Contact {
                    phone: Some(OLD),
                    external_user_id: Some(external_user_id),
                    created_at: EARLIER,
                    ..Contact::default()
                });
            }
            let expected: Vec<_> = after.iter().map(|external_id| id(phone, Some(external_id))).collect();
            for _ in 0..2 {
                webhook.deliver_live(notice);
                assert_eq!(ids(&webhook), expected, "{before:?}");
                assert_eq!(webhook.lookup(OLD), NOT_FOUND, "{before:?}");
            }
        }
    }
}

#[test]
fn a_new_number_that_has_a_contact_already_merges_nothing_and_the_old_number_is_free() {
    // The contacts on the new number (external id, email), the notice, and the resulting ids in order of age.
    let with_id = changed_number();
    let without_id = notice(json!({"type": "user_changed_number", "wa_id": "5491100040002"}));
    let cases = [
        (
            (None, None),
            &with_id,
            [id(Some(NEW), Some("AR.2002")), id(Some(NEW), None)],
        ),
        (
            (Some("AR.2002"), None),
            &with_id,
            [id(Some(NEW), None), id(Some(NEW), Some("AR.2002"))],
        ),
        (
            (Some("crm-42"), None),
            &without_id,
            [id(Some(NEW), None), id(Some(NEW), Some("crm-42"))],
        ),
        ((None, None), &without_id, [id(Some(NEW), None), id(Some(NEW), None)]),
        (
            (None, Some("ana@example.com")),
            &without_id,
            [id(Some(NEW), None), id(Some(NEW), None)],
        ),
    ];
    for ((external_user_id, email), notice, expected) in cases {
        let webhook = WebhookApp::start();
        webhook.app.add(Contact {
            name: Some("Ana"),
            phone: Some(OLD),
            email,
            last_message_at: "now() - interval '2 hours'",
            last_inbound_at: "now() - interval '2 hours'",
            ..Contact::default()
        });
        let other = webhook.app.add(Contact {
            name: Some("Eva"),
            phone: Some(NEW),
            external_user_id,
            email,
            ..Contact::default()
        });
        for _ in 0..2 {
            webhook.deliver_live(notice);
            assert_eq!(ids(&webhook), expected);
            assert_eq!(webhook.lookup(OLD), NOT_FOUND);
        }
        let names: Vec<_> = webhook.contacts().into_iter().map(|row| row.name).collect();
        assert_eq!(names, [Some("Ana".to_owned()), Some("Eva".to_owned())]);
        webhook.deliver_live(&text(Some("5491100040002"), None, 3000));
        assert_eq!(
            webhook.contacts().len(),
            2,
            "a message from the new number creates no third contact"
        );
        if expected == [id(Some(NEW), None), id(Some(NEW), None)] {
            let count = format!(
                "SELECT count(*) AS count FROM contacts WHERE id = '{}' AND last_inbound_at IS NOT NULL",
                other.id
            );
            assert_eq!(
                webhook.app.database.count(&count),
                1,
                "the number identifies its earlier contact"
            );
        }
    }
}

#[test]
fn a_person_gets_the_new_number_even_if_other_contacts_have_that_number_and_the_persons_email() {
    let webhook = WebhookApp::start();
    for (phone, email) in [
        (Some(OLD), "ana@example.com"),
        (Some(NEW), "eva@example.com"),
        (None, "Ana@Example.com"),
    ] {
        webhook.app.add(Contact {
            phone,
            email: Some(email),
            created_at: EARLIER,
            ..Contact::default()
        });
    }
    webhook.deliver_live(&notice(
        json!({"type": "user_changed_number", "wa_id": "5491100040002"}),
    ));
    assert_eq!(
        ids(&webhook),
        [id(Some(NEW), None), id(Some(NEW), None), id(None, None)]
    );
    assert_eq!(webhook.lookup(OLD), NOT_FOUND);
    let emails = "SELECT count(*) AS count FROM contacts WHERE lower(email) = 'ana@example.com'";
    assert_eq!(
        webhook.app.database.count(emails),
        1,
        "the email stays with the contact that it identifies"
    );
}

#[test]
fn a_message_from_a_new_number_with_a_known_user_id_gives_the_contact_that_number_in_any_order() {
    let old = text(Some("5491100040001"), Some("AR.1001"), 5000);
    let new = text(Some("5491100040002"), Some("AR.1001"), 3000);
    for order in [vec![&old, &new], vec![&new, &old], vec![&old, &new, &old, &new]] {
        let webhook = WebhookApp::start();
        for delivery in order {
            webhook.deliver_live(delivery);
        }
        assert_eq!(ids(&webhook), [id(Some(NEW), Some("AR.1001"))]);
        assert_eq!((webhook.lookup(OLD), webhook.lookup(NEW)), (NOT_FOUND, WINDOW_OPEN));
    }
    // In one delivery, with a message from the old number's new owner in between.
    let webhook = WebhookApp::start();
    let message = |delivery: &Value| delivery["entry"][0]["changes"][0]["value"]["messages"][0].clone();
    let owner = text(Some("5491100040001"), Some("AR.3003"), 2000);
    let messages = json!([message(&old), message(&new), message(&owner)]);
    webhook.deliver_live(&delivery("messages", "messages", messages));
    assert_eq!(
        ids(&webhook),
        [id(Some(NEW), Some("AR.1001")), id(Some(OLD), Some("AR.3003"))]
    );
}

#[test]
fn neither_an_unresolved_number_nor_another_notation_of_the_same_line_replaces_the_stored_number() {
    let webhook = WebhookApp::start();
    webhook.app.add(Contact {
        phone: Some("+541100040001"),
        external_user_id: Some("AR.1001"),
        ..Contact::default()
    });
    for from in ["5491100040001", "22395"] {
        webhook.deliver_live(&text(Some(from), Some("AR.1001"), 3000));
        assert_eq!(ids(&webhook), [id(Some("+541100040001"), Some("AR.1001"))], "{from}");
    }
}

#[test]
fn concurrent_notices_and_messages_leave_one_contact() {
    let webhook = WebhookApp::start();
    // Meta retries a delivery that was answered with 503.
    let deliver = |delivery: &Value| {
        let body = live(delivery);
        let signature = sign(SECRET, body.as_bytes());
        while webhook
            .post(&[("X-Hub-Signature-256", &signature)], body.as_bytes())
            .status
            != 200
        {}
    };
    deliver(&text(Some("5491100040001"), Some("AR.1001"), 5000));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| deliver(&changed_number()));
        }
    });
    assert_eq!(ids(&webhook), [id(Some(NEW), Some("AR.2002"))]);
    std::thread::scope(|scope| {
        for age in 0..6 {
            let deliver = &deliver;
            scope.spawn(move || deliver(&text(Some("5491100040002"), Some("AR.2002"), 3000 + age)));
            scope.spawn(move || deliver(&changed_number()));
        }
    });
    assert_eq!(ids(&webhook), [id(Some(NEW), Some("AR.2002"))]);
}
