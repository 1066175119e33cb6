//! The checks of a contact's fields.

use super::*;

fn now() -> DateTime<Utc> {
    "2025-03-28T14:22:00Z".parse().unwrap()
}

fn email() -> ContactFields {
    ContactFields {
        email: Some("ana@example.com".into()),
        ..ContactFields::default()
    }
}

#[test]
fn one_identity_is_enough() {
    assert!(ContactDraft::new(email(), now()).is_ok());
    let external = ContactFields {
        external_user_id: Some("7".into()),
        ..ContactFields::default()
    };
    assert!(ContactDraft::new(external, now()).is_ok());
}

#[test]
fn a_phone_without_digits_does_not_identify_a_contact() {
    let given = ContactFields {
        phone: Some(StoredPhone {
            as_given: "none".into(),
            phone: None,
            key: None,
            extension: None,
            resolved: false,
            identifies: false,
        }),
        ..ContactFields::default()
    };
    assert_eq!(ContactDraft::new(given, now()).unwrap_err(), ContactError::NoIdentity);
}

fn with_phone(text: &str) -> ContactFields {
    ContactFields {
        phone: Some(StoredPhone::read(text, Region::DEFAULT, DEFAULT_PLATFORM)),
        ..ContactFields::default()
    }
}

#[test]
fn a_phone_that_identifies_nobody_needs_another_identity() {
    for phone in [
        "0",
        "12",
        "000-0000",
        "5.49112E+12",
        "5,49112E+12",
        "4123-4567/4123-4568",
    ] {
        let refusal = ContactDraft::new(with_phone(phone), now()).unwrap_err();
        assert_eq!(refusal, ContactError::PhoneIdentifiesNobody, "{phone}");
        let given = ContactFields {
            phone: with_phone(phone).phone,
            ..email()
        };
        let draft = ContactDraft::new(given, now()).unwrap();
        assert!(draft.given().phone.is_some(), "{phone}");
    }
}

#[test]
fn a_hidden_number_becomes_the_external_id_if_none_is_given() {
    for phone in [
        "98765432101234@lid",
        " 98765432101234:12@LID ",
        "98765432101234.0:3@lid",
        "+98765432101234@lid",
        "jid: 98765432101234@lid",
    ] {
        let draft = ContactDraft::new(with_phone(phone), now()).unwrap();
        assert_eq!(draft.given().external_user_id.as_deref(), Some("98765432101234@lid"));
        assert!(draft.given().phone.is_none());
    }
    let given = ContactFields {
        external_user_id: Some("7".into()),
        ..with_phone("98765432101234@lid")
    };
    let draft = ContactDraft::new(given, now()).unwrap();
    assert_eq!(draft.given().external_user_id.as_deref(), Some("7"));
    assert!(draft.given().phone.is_none());
    let refusal = ContactDraft::new(with_phone("jid 1a@lid"), now()).unwrap_err();
    assert_eq!(refusal, ContactError::PhoneIdentifiesNobody);
}

#[test]
fn the_external_id_of_a_hidden_number_is_stored_without_its_device() {
    for (id, stored) in [
        ("33333333333333:4@lid", "33333333333333@lid"),
        ("+33333333333333@LID", "33333333333333@lid"),
        ("crm:4", "crm:4"),
    ] {
        let given = ContactFields {
            external_user_id: Some(id.into()),
            ..ContactFields::default()
        };
        let draft = ContactDraft::new(given, now()).unwrap();
        assert_eq!(draft.given().external_user_id.as_deref(), Some(stored));
    }
}

#[test]
fn groups_newsletters_and_broadcasts_are_no_contacts() {
    for id in [
        "120363025246125486@g.us",
        " 120363144038483540@newsletter ",
        "status@Broadcast",
    ] {
        let attribute = Attribute::Phone;
        let given = ContactFields {
            external_user_id: Some("7".into()),
            ..with_phone(id)
        };
        assert_eq!(
            ContactDraft::new(given, now()).unwrap_err(),
            ContactError::NoPerson { attribute }
        );
        let attribute = Attribute::ExternalUserId;
        let given = ContactFields {
            external_user_id: Some(id.into()),
            ..email()
        };
        assert_eq!(
            ContactDraft::new(given, now()).unwrap_err(),
            ContactError::NoPerson { attribute }
        );
    }
}

#[test]
fn a_platform_is_trimmed_and_lower_cased() {
    let mut given = email();
    given.platform = Some(" WhatsApp ".into());
    assert_eq!(ContactDraft::new(given, now()).unwrap().platform(), "whatsapp");
}

#[test]
fn storing_a_phone_keeps_its_worth() {
    for phone in [
        "0",
        "5,49112E+12",
        "123",
        "4123-4567-12",
        "+54 9 11 2345-6789",
        "011 15-2345-6789",
        "+1234",
    ] {
        let read = with_phone(phone).phone.unwrap();
        let stored = PhoneWorth::of_stored(read.phone.as_deref().unwrap(), read.identifies);
        assert_eq!(stored, PhoneWorth::of(&read), "{phone}");
    }
}

#[test]
fn texts_are_measured_in_characters() {
    let mut given = email();
    given.platform = Some("ñ".repeat(64));
    assert!(ContactDraft::new(given.clone(), now()).is_ok());
    given.platform = Some("ñ".repeat(65));
    assert_eq!(
        ContactDraft::new(given, now()).unwrap_err(),
        ContactError::TooLong {
            attribute: Attribute::Platform,
            max: 64
        }
    );
}

#[test]
fn a_time_may_be_at_most_five_minutes_ahead() {
    let mut given = email();
    given.created_at = Some(now() + FUTURE_TOLERANCE);
    assert!(ContactDraft::new(given.clone(), now()).is_ok());
    given.created_at = Some(now() + FUTURE_TOLERANCE + TimeDelta::microseconds(1));
    assert_eq!(
        ContactDraft::new(given, now()).unwrap_err(),
        ContactError::Future {
            attribute: Attribute::CreatedAt
        }
    );
}

#[test]
fn times_are_truncated_to_microseconds() {
    let mut given = email();
    given.created_at = Some("2025-03-28T14:21:00.123456789Z".parse().unwrap());
    let draft = ContactDraft::new(given, now()).unwrap();
    let kept = "2025-03-28T14:21:00.123456Z".parse().unwrap();
    assert_eq!(draft.given().created_at, Some(kept));
}

#[test]
fn a_change_may_clear_a_phone_but_not_set_one_without_digits() {
    let phone = |text: &str| Some(Some(text.to_owned()));
    let change = |phone| {
        let changes = Changes {
            phone,
            ..Changes::default()
        };
        ContactEdit::new(changes, Region::DEFAULT)
    };
    assert!(change(Some(None)).is_ok());
    assert!(change(phone("+54 9 11 2345-6789")).is_ok());
    assert_eq!(change(phone("none")).unwrap_err(), ContactError::NoDigits);
    let attribute = Attribute::Phone;
    let long = "1".repeat(257);
    assert_eq!(
        change(phone(&long)).unwrap_err(),
        ContactError::TooLong { attribute, max: 256 }
    );
}

#[test]
fn an_email_is_cleaned_and_a_placeholder_counts_as_no_email() {
    let draft = |email: &str| {
        let given = ContactFields {
            email: Some(email.into()),
            external_user_id: Some("7".into()),
            ..ContactFields::default()
        };
        ContactDraft::new(given, now()).map(|draft| draft.given().email.clone())
    };
    assert_eq!(draft("Ana <ana@example.com>,"), Ok(Some("ana@example.com".to_owned())));
    assert_eq!(draft("N/A"), Ok(None));
    assert_eq!(draft("ana at example.com"), Err(ContactError::NoEmail));
    let edit = |email: &str| {
        let changes = Changes {
            email: Some(Some(email.into())),
            ..Changes::default()
        };
        ContactEdit::new(changes, Region::DEFAULT).map(|edit| edit.changes().email.clone())
    };
    assert_eq!(edit("<ana@example.com>"), Ok(Some(Some("ana@example.com".to_owned()))));
    assert_eq!(edit("no tiene"), Ok(Some(None)));
    assert_eq!(edit("@example.com"), Err(ContactError::NoEmail));
}

#[test]
fn an_inbound_message_counts_as_the_last_message() {
    let mut given = email();
    given.last_inbound_at = Some(now());
    let draft = ContactDraft::new(given, now()).unwrap();
    assert_eq!(draft.given().last_message_at, Some(now()));
}
