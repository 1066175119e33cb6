//! What can be said about a contact, and what must hold before it is written.

use std::fmt;

use chrono::{DateTime, Datelike, Utc};

use super::client::NAME_MAX;
use super::phone::StoredPhone;
use super::window::FUTURE_TOLERANCE;

/// The channel of a contact for which none is named.
pub const DEFAULT_PLATFORM: &str = "other";

/// The chat status of a new contact for which none is given.
pub const DEFAULT_CHAT_STATUS: &str = "UNATTENDED";

/// What a file or a request can say about a contact.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Attribute {
    Name,
    Phone,
    Email,
    Platform,
    Source,
    ChatStatus,
    Blocked,
    IsChatRead,
    CreatedAt,
    LastMessageAt,
    LastInboundAt,
    ContactList,
    ExternalUserId,
}

impl Attribute {
    /// Every attribute, in the order in which they are shown.
    pub const ALL: [Attribute; 13] = [
        Attribute::Name,
        Attribute::Phone,
        Attribute::Email,
        Attribute::Platform,
        Attribute::Source,
        Attribute::ChatStatus,
        Attribute::Blocked,
        Attribute::IsChatRead,
        Attribute::CreatedAt,
        Attribute::LastMessageAt,
        Attribute::LastInboundAt,
        Attribute::ContactList,
        Attribute::ExternalUserId,
    ];

    /// Its name in files and on the command line, such as `last_message_at`.
    pub const fn name(self) -> &'static str {
        match self {
            Attribute::Name => "name",
            Attribute::Phone => "phone",
            Attribute::Email => "email",
            Attribute::Platform => "platform",
            Attribute::Source => "source",
            Attribute::ChatStatus => "chat_status",
            Attribute::Blocked => "blocked",
            Attribute::IsChatRead => "is_chat_read",
            Attribute::CreatedAt => "created_at",
            Attribute::LastMessageAt => "last_message_at",
            Attribute::LastInboundAt => "last_inbound_at",
            Attribute::ContactList => "contact_list",
            Attribute::ExternalUserId => "external_user_id",
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is said about one contact, unchecked; `None` says nothing and so leaves what is there.
#[derive(Clone, Default, Debug)]
pub struct Given {
    pub name: Option<String>,
    /// A number without any digit counts as not given.
    pub phone: Option<StoredPhone>,
    pub email: Option<String>,
    /// [`DEFAULT_PLATFORM`] where `None`.
    pub platform: Option<String>,
    pub source: Option<String>,
    pub chat_status: Option<String>,
    pub blocked: Option<bool>,
    pub is_chat_read: Option<bool>,
    pub created_at: Option<DateTime<Utc>>,
    pub last_message_at: Option<DateTime<Utc>>,
    pub last_inbound_at: Option<DateTime<Utc>>,
    pub contact_list: Option<String>,
    pub external_user_id: Option<String>,
}

/// What is said about one contact, checked: it has an identity, its texts fit, and no time is ahead.
#[derive(Clone, Debug)]
pub struct ContactDraft {
    given: Given,
    platform: String,
}

impl ContactDraft {
    /// Checks what is given; `now` is the database's clock.
    ///
    /// A contact's last message is at least as late as its last inbound one, so the later of both becomes
    /// its `last_message_at`.
    ///
    /// # Errors
    /// A [`Refusal`] for the first thing that doesn't hold.
    pub fn new(mut given: Given, now: DateTime<Utc>) -> Result<Self, Refusal> {
        given.phone = given.phone.filter(|phone| phone.phone.is_some());
        let texts = [
            (Attribute::ExternalUserId, &given.external_user_id, 256),
            (Attribute::Email, &given.email, 320),
            (Attribute::Name, &given.name, 512),
            (Attribute::Platform, &given.platform, 64),
            (Attribute::Source, &given.source, 64),
            (Attribute::ChatStatus, &given.chat_status, 64),
            (Attribute::ContactList, &given.contact_list, NAME_MAX),
        ];
        for (attribute, text, max) in texts {
            if let Some(text) = text {
                check_text(attribute, text, max)?;
            }
        }
        if let Some(phone) = &given.phone {
            check_text(Attribute::Phone, &phone.as_given, 256)?;
        }
        let times = [
            (Attribute::CreatedAt, given.created_at),
            (Attribute::LastMessageAt, given.last_message_at),
            (Attribute::LastInboundAt, given.last_inbound_at),
        ];
        for (attribute, time) in times {
            if let Some(time) = time {
                check_time(attribute, time, now)?;
            }
        }
        if given.external_user_id.is_none() && given.phone.is_none() && given.email.is_none() {
            return Err(Refusal::NoIdentity);
        }
        given.last_message_at = given.last_message_at.max(given.last_inbound_at);
        let platform = given.platform.clone().unwrap_or_else(|| DEFAULT_PLATFORM.into());
        Ok(Self { given, platform })
    }

    pub fn given(&self) -> &Given {
        &self.given
    }

    /// The channel that the contact is on, and what is given.
    pub fn into_parts(self) -> (String, Given) {
        (self.platform, self.given)
    }
}

fn check_text(attribute: Attribute, text: &str, max: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::Empty { attribute });
    }
    if text.contains('\0') {
        return Err(Refusal::Nul { attribute });
    }
    // No text has more characters than bytes, so most need no counting.
    if text.len() > max && text.chars().count() > max {
        return Err(Refusal::TooLong { attribute, max });
    }
    Ok(())
}

fn check_time(attribute: Attribute, time: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Refusal> {
    if time > now + FUTURE_TOLERANCE {
        return Err(Refusal::Future { attribute });
    }
    if time.year() < 1 {
        return Err(Refusal::TooEarly { attribute });
    }
    Ok(())
}

/// Why something given about a contact is not taken. Never repeats what was given.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("an external id, a phone with digits, or an email is needed")]
    NoIdentity,
    #[error("it is empty")]
    Empty { attribute: Attribute },
    #[error("it holds a NUL character")]
    Nul { attribute: Attribute },
    #[error("it has more than {max} characters")]
    TooLong { attribute: Attribute, max: usize },
    #[error("the time is in the future")]
    Future { attribute: Attribute },
    #[error("the time is before the year 1")]
    TooEarly { attribute: Attribute },
}

impl Refusal {
    /// Where the trouble is; `None` where it is in the contact as a whole.
    pub fn attribute(&self) -> Option<Attribute> {
        match *self {
            Refusal::NoIdentity => None,
            Refusal::Empty { attribute }
            | Refusal::Nul { attribute }
            | Refusal::TooLong { attribute, .. }
            | Refusal::Future { attribute }
            | Refusal::TooEarly { attribute } => Some(attribute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-03-28T14:22:00Z".parse().unwrap()
    }

    fn email() -> Given {
        Given {
            email: Some("ana@example.com".into()),
            ..Given::default()
        }
    }

    #[test]
    fn any_one_identity_is_enough() {
        assert!(ContactDraft::new(email(), now()).is_ok());
        let external = Given {
            external_user_id: Some("7".into()),
            ..Given::default()
        };
        assert!(ContactDraft::new(external, now()).is_ok());
    }

    #[test]
    fn a_phone_without_digits_is_no_identity() {
        let given = Given {
            phone: Some(StoredPhone {
                as_given: "none".into(),
                phone: None,
                key: None,
                resolved: false,
            }),
            ..Given::default()
        };
        assert_eq!(ContactDraft::new(given, now()).unwrap_err(), Refusal::NoIdentity);
    }

    #[test]
    fn texts_are_measured_in_characters() {
        let mut given = email();
        given.platform = Some("ñ".repeat(64));
        assert!(ContactDraft::new(given.clone(), now()).is_ok());
        given.platform = Some("ñ".repeat(65));
        assert_eq!(
            ContactDraft::new(given, now()).unwrap_err(),
            Refusal::TooLong {
                attribute: Attribute::Platform,
                max: 64
            }
        );
    }

    #[test]
    fn five_minutes_ahead_is_the_last_time_that_is_taken() {
        let mut given = email();
        given.created_at = Some(now() + FUTURE_TOLERANCE);
        assert!(ContactDraft::new(given.clone(), now()).is_ok());
        given.created_at = Some(now() + FUTURE_TOLERANCE + chrono::TimeDelta::microseconds(1));
        assert_eq!(
            ContactDraft::new(given, now()).unwrap_err(),
            Refusal::Future {
                attribute: Attribute::CreatedAt
            }
        );
    }

    #[test]
    fn an_inbound_message_is_a_message() {
        let mut given = email();
        given.last_inbound_at = Some(now());
        let draft = ContactDraft::new(given, now()).unwrap();
        assert_eq!(draft.given().last_message_at, Some(now()));
    }
}
