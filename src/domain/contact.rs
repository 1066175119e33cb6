//! The fields of a contact, and the checks before they are written.

use std::fmt;

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use super::client::NAME_MAX;
use super::email;
use super::phone::whatsapp_id::{external_id, hidden_number_id, is_group_or_channel, is_hidden_number};
use super::phone::{Region, StoredPhone};

/// The platform of a contact if none is given.
pub const DEFAULT_PLATFORM: &str = "other";

/// The name of a platform as it is stored: without surrounding blanks and in lower case.
pub fn platform_name(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The chat status of a new contact if none is given.
pub const DEFAULT_CHAT_STATUS: &str = "UNATTENDED";

/// How far a time may be ahead of the database's clock.
pub const FUTURE_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// A field of a contact that a file or a request can set.
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
    DefaultStageId,
    AiCustomerId,
}

impl Attribute {
    /// Every attribute, in display order.
    pub const ALL: [Attribute; 15] = [
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
        Attribute::DefaultStageId,
        Attribute::AiCustomerId,
    ];

    /// The name in files and on the command line, such as `last_message_at`.
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
            Attribute::DefaultStageId => "default_stage_id",
            Attribute::AiCustomerId => "ai_customer_id",
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The worth of a phone. No upsert, edit or import replaces a phone by one of less worth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PhoneWorth {
    /// A placeholder or a damaged number, such as `0` or `5.49112E+12`.
    IdentifiesNobody,
    /// A phone that identifies a contact and is not a valid number.
    Unresolved,
    /// A valid number.
    Resolved,
}

impl PhoneWorth {
    pub fn of(phone: &StoredPhone) -> Self {
        match (phone.identifies, phone.resolved) {
            (false, _) => Self::IdentifiesNobody,
            (true, false) => Self::Unresolved,
            (true, true) => Self::Resolved,
        }
    }

    /// The worth of a phone as a contact stores it. `identifies` is the contact's `phone_identifies`.
    pub fn of_stored(phone: &str, identifies: bool) -> Self {
        if !identifies {
            return Self::IdentifiesNobody;
        }
        // The stored form of a valid number is E.164, and its `+` makes the region irrelevant.
        match Self::of(&StoredPhone::read(phone, Region::DEFAULT, DEFAULT_PLATFORM)) {
            Self::Resolved if !phone.starts_with('+') => Self::Unresolved,
            worth => worth,
        }
    }

    /// Whether a contact keeps its phone `own`, because it is worth more than the given one. `identifies` is the
    /// contact's `phone_identifies`.
    pub fn is_kept(own: Option<&str>, identifies: bool, given: &StoredPhone) -> bool {
        let given = Self::of(given);
        // No phone is worth more than a valid number, so the stored phone is read only if the given one is not valid.
        given < Self::Resolved && own.is_some_and(|own| Self::of_stored(own, identifies) > given)
    }
}

/// Fields for one contact, not yet checked. `None` leaves the stored value unchanged.
#[derive(Clone, Default, Debug)]
pub struct ContactFields {
    pub name: Option<String>,
    /// A phone without digits counts as not given.
    pub phone: Option<StoredPhone>,
    /// A placeholder such as `n/a` counts as not given.
    pub email: Option<String>,
    /// [`DEFAULT_PLATFORM`] if `None`.
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
    /// The pipeline stage.
    pub default_stage_id: Option<Uuid>,
    /// The search API's `ai_customer_id`.
    pub ai_customer_id: Option<Uuid>,
}

/// Checked fields for one contact: it has an identity, its texts fit, and no time is in the future.
#[derive(Clone, Debug)]
pub struct ContactDraft {
    given: ContactFields,
    platform: String,
}

impl ContactDraft {
    /// Checks the fields. `now` is the database's clock.
    ///
    /// The later of `last_message_at` and `last_inbound_at` becomes `last_message_at`, because an inbound message is a
    /// message. Times are truncated to microseconds, the precision of the database. The platform's name is trimmed and
    /// lower-cased. WhatsApp's id of a person with a hidden number (`…@lid`) in place of a phone becomes the external
    /// id, unless another one is given. The digits of such an id are no phone number.
    ///
    /// # Errors
    /// A [`ContactError`] for the first failed check.
    pub fn new(mut given: ContactFields, now: DateTime<Utc>) -> Result<Self, ContactError> {
        given.platform = given.platform.map(|platform| platform_name(&platform));
        refuse_group(Attribute::ExternalUserId, given.external_user_id.as_deref())?;
        refuse_group(Attribute::Phone, given.phone.as_ref().map(|phone| &*phone.as_given))?;
        given.external_user_id = given.external_user_id.map(external_id);
        let hidden = given.phone.as_ref().and_then(|phone| hidden_number_id(&phone.as_given));
        if let Some(hidden) = hidden {
            given.phone = None;
            given.external_user_id.get_or_insert(hidden);
        }
        given.phone = given.phone.filter(|phone| phone.phone.is_some());
        given.email = given.email.and_then(email::stored);
        check_texts([
            (Attribute::ExternalUserId, given.external_user_id.as_ref()),
            (Attribute::Email, given.email.as_ref()),
            (Attribute::Name, given.name.as_ref()),
            (Attribute::Platform, given.platform.as_ref()),
            (Attribute::Source, given.source.as_ref()),
            (Attribute::ChatStatus, given.chat_status.as_ref()),
            (Attribute::ContactList, given.contact_list.as_ref()),
            (Attribute::Phone, given.phone.as_ref().map(|phone| &phone.as_given)),
        ])?;
        let times = [
            (Attribute::CreatedAt, &mut given.created_at),
            (Attribute::LastMessageAt, &mut given.last_message_at),
            (Attribute::LastInboundAt, &mut given.last_inbound_at),
        ];
        for (attribute, time) in times {
            if let Some(time) = time {
                check_time(attribute, *time, now)?;
                *time = time.trunc_subsecs(6);
            }
        }
        if given.external_user_id.is_none() && given.email.is_none() {
            match &given.phone {
                None => return Err(ContactError::NoIdentity),
                Some(phone) if !phone.identifies => return Err(ContactError::PhoneIdentifiesNobody),
                Some(_) => {}
            }
        }
        given.last_message_at = given.last_message_at.max(given.last_inbound_at);
        let platform = given.platform.clone().unwrap_or_else(|| DEFAULT_PLATFORM.into());
        Ok(Self { given, platform })
    }

    pub fn given(&self) -> &ContactFields {
        &self.given
    }

    /// The platform of the contact.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// The platform, and the given fields.
    pub fn into_parts(self) -> (String, ContactFields) {
        (self.platform, self.given)
    }
}

/// Changes to a contact, not yet checked. `None` leaves a field unchanged. `Some(None)` clears it, if the field is
/// optional.
#[derive(Clone, Default, Debug)]
pub struct Changes {
    pub name: Option<Option<String>>,
    /// As given: its reading depends on the contact's platform.
    pub phone: Option<Option<String>>,
    /// A placeholder such as `n/a` clears the email.
    pub email: Option<Option<String>>,
    pub default_stage_id: Option<Option<Uuid>>,
    pub chat_status: Option<String>,
    pub blocked: Option<bool>,
    pub is_chat_read: Option<bool>,
    pub contact_list: Option<String>,
}

/// Checked changes to a contact: its texts fit, and a phone has digits.
#[derive(Clone, Debug)]
pub struct ContactEdit {
    changes: Changes,
    region: Region,
}

impl ContactEdit {
    /// Checks the changes. `region` is the client's region, whose rules apply to a phone without a calling code.
    ///
    /// # Errors
    /// A [`ContactError`] for the first failed check.
    pub fn new(mut changes: Changes, region: Region) -> Result<Self, ContactError> {
        changes.email = changes.email.map(|email| email.and_then(email::stored));
        let phone = changes.phone.iter().flatten().next();
        if let Some(phone) = phone {
            refuse_group(Attribute::Phone, Some(phone))?;
            if is_hidden_number(phone.trim()) {
                return Err(ContactError::HiddenNumber);
            }
            if StoredPhone::read(phone, region, DEFAULT_PLATFORM).phone.is_none() {
                return Err(ContactError::NoDigits);
            }
        }
        check_texts([
            (Attribute::Name, changes.name.iter().flatten().next()),
            (Attribute::Phone, phone),
            (Attribute::Email, changes.email.iter().flatten().next()),
            (Attribute::ChatStatus, changes.chat_status.as_ref()),
            (Attribute::ContactList, changes.contact_list.as_ref()),
        ])?;
        Ok(Self { changes, region })
    }

    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The change of the phone, which is read as a phone on `platform`. `None` leaves the phone unchanged.
    pub fn phone(&self, platform: &str) -> Option<Option<StoredPhone>> {
        let phone = self.changes.phone.as_ref()?.as_ref();
        Some(phone.map(|phone| StoredPhone::read(phone, self.region, platform)))
    }
}

/// Refuses the WhatsApp id of a group, a newsletter or a broadcast.
fn refuse_group(attribute: Attribute, id: Option<&str>) -> Result<(), ContactError> {
    match id {
        Some(id) if is_group_or_channel(id.trim()) => Err(ContactError::NoPerson { attribute }),
        _ => Ok(()),
    }
}

fn check_texts<const N: usize>(texts: [(Attribute, Option<&String>); N]) -> Result<(), ContactError> {
    texts
        .into_iter()
        .filter_map(|(attribute, text)| Some((attribute, text?)))
        .try_for_each(|(attribute, text)| check_text(attribute, text))
}

fn check_text(attribute: Attribute, text: &str) -> Result<(), ContactError> {
    let max = longest(attribute);
    if text.is_empty() {
        return Err(ContactError::Empty { attribute });
    }
    if text.contains('\0') {
        return Err(ContactError::Nul { attribute });
    }
    // A text never has more characters than bytes, so most texts need no counting.
    if text.len() > max && text.chars().count() > max {
        return Err(ContactError::TooLong { attribute, max });
    }
    if attribute == Attribute::Email && !email::is_email(text) {
        return Err(ContactError::NoEmail);
    }
    Ok(())
}

/// The maximum length of a text attribute, in characters.
const fn longest(attribute: Attribute) -> usize {
    match attribute {
        Attribute::Name => 512,
        Attribute::Email => 320,
        Attribute::Phone | Attribute::ExternalUserId => 256,
        Attribute::ContactList => NAME_MAX,
        _ => 64,
    }
}

fn check_time(attribute: Attribute, time: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), ContactError> {
    if time > now + FUTURE_TOLERANCE {
        return Err(ContactError::Future { attribute });
    }
    if time.year() < 1 {
        return Err(ContactError::TooEarly { attribute });
    }
    Ok(())
}

/// Why a contact's fields are refused. The message never repeats the given values.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContactError {
    #[error("an external id, a phone with digits, or an email is needed")]
    NoIdentity,
    #[error("the phone identifies nobody: correct it, or give an external id or an email")]
    PhoneIdentifiesNobody,
    #[error("it is the WhatsApp id of a group, a newsletter or a broadcast, and not of a person")]
    NoPerson { attribute: Attribute },
    #[error("it is a WhatsApp id without a phone number")]
    HiddenNumber,
    #[error("it has no digit")]
    NoDigits,
    #[error("it is no email: an '@' between other characters is needed")]
    NoEmail,
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

impl ContactError {
    /// The attribute that is wrong, or `None` if it is the contact as a whole.
    pub fn attribute(&self) -> Option<Attribute> {
        match *self {
            ContactError::NoIdentity => None,
            ContactError::PhoneIdentifiesNobody | ContactError::HiddenNumber | ContactError::NoDigits => {
                Some(Attribute::Phone)
            }
            ContactError::NoEmail => Some(Attribute::Email),
            ContactError::NoPerson { attribute }
            | ContactError::Empty { attribute }
            | ContactError::Nul { attribute }
            | ContactError::TooLong { attribute, .. }
            | ContactError::Future { attribute }
            | ContactError::TooEarly { attribute } => Some(attribute),
        }
    }
}

#[cfg(test)]
#[path = "tests/contact.rs"]
mod tests;
