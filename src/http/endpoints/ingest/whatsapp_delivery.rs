//! Reads the messages out of a delivery of WhatsApp's webhook.

use chrono::DateTime;
use serde_json::value::RawValue;

use crate::domain::message::{Direction, Message, NewContact, Person, Phone, Target};
use crate::domain::phone::{Region, whatsapp_id};
use crate::domain::window::PLATFORM;
use crate::http::request::body::Members;

/// The source of a contact that a delivery creates.
const SOURCE: &str = "whatsapp_sync";

/// Types of `messages` that no person wrote: a changed number, an opened chat.
const NOT_WRITTEN: [&str; 2] = ["system", "request_welcome"];

/// The messages of a delivery. They are in `entry[].changes[].value` of each change whose `field`
/// is `messages`.
pub fn read_delivery(delivery: &RawValue, region: Region) -> Vec<Message> {
    let delivery = object(Some(delivery));
    if text(&delivery, "object").as_deref() != Some("whatsapp_business_account") {
        return Vec::new();
    }
    objects(&delivery, "entry")
        .iter()
        .flat_map(|entry| objects(entry, "changes"))
        .filter(|change| text(change, "field").as_deref() == Some("messages"))
        .flat_map(|change| Change::new(&object(change.value("value"))).read(region))
        .collect()
}

/// A change: its received and sent messages, and the profiles of their senders and recipients.
struct Change<'a> {
    profiles: Vec<Profile>,
    messages: Vec<Members<'a>>,
    statuses: Vec<Members<'a>>,
}

impl<'a> Change<'a> {
    fn new(value: &Members<'a>) -> Self {
        Self {
            profiles: objects(value, "contacts").iter().map(Profile::read).collect(),
            messages: objects(value, "messages"),
            statuses: objects(value, "statuses"),
        }
    }

    fn read(&self, region: Region) -> Vec<Message> {
        let received = self
            .messages
            .iter()
            .filter_map(|message| self.read_received(message, region));
        let sent = self.statuses.iter().filter_map(|status| self.read_sent(status, region));
        received.chain(sent).collect()
    }

    /// Reads a message of `messages`: `from`, `timestamp`, `type`. An unknown sender becomes a contact with the name of its
    /// profile. A message in a group opens no window with its sender, so it is skipped.
    fn read_received(&self, message: &Members<'_>, region: Region) -> Option<Message> {
        let kind = text(message, "type");
        if kind.is_some_and(|kind| NOT_WRITTEN.contains(&&*kind)) || message.value("group_id").is_some() {
            return None;
        }
        let ids = Ids::read(message, "from", "from_user_id");
        let profile = self.find_profile(&ids);
        let new_contact = NewContact {
            name: profile.and_then(|profile| profile.name.clone()),
            source: SOURCE,
        };
        let person = ids.or_profile(profile).person(region)?;
        read_message(person, Direction::Inbound, message, Some(new_contact))
    }

    /// Reads a message of `statuses`: `recipient_id`, `timestamp`, `status`. Only the status `sent` has the time of the
    /// message. `delivered` and `read` arrive seconds or days later, and `failed` means that nothing was sent.
    /// Recording those would give the contact a last message later than its real one. An unknown recipient does not
    /// become a contact.
    fn read_sent(&self, status: &Members<'_>, region: Region) -> Option<Message> {
        let is_sent = text(status, "status").as_deref() == Some("sent");
        if !is_sent || text(status, "recipient_type").as_deref() == Some("group") {
            return None;
        }
        let ids = Ids::read(status, "recipient_id", "recipient_user_id");
        let profile = self.find_profile(&ids);
        let person = ids.or_profile(profile).person(region)?;
        read_message(person, Direction::Outbound, status, None)
    }

    /// The profile of the sender or the recipient. If a change has exactly one profile and one message, they belong
    /// together even if their ids differ. According to Meta's documentation a WhatsApp id need not be the phone number.
    fn find_profile(&self, ids: &Ids) -> Option<&Profile> {
        let is_same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let is_single = self.profiles.len() == 1 && self.messages.len() + self.statuses.len() == 1;
        self.profiles.iter().find(|Profile { ids: theirs, .. }| {
            is_single || is_same(&theirs.user, &ids.user) || is_same(&theirs.whatsapp, &ids.whatsapp)
        })
    }
}

/// An object of `contacts`.
struct Profile {
    ids: Ids,
    name: Option<String>,
}

impl Profile {
    fn read(contact: &Members<'_>) -> Self {
        Self {
            ids: Ids::read(contact, "wa_id", "user_id"),
            name: short_text(&object(contact.value("profile")), "name", 512),
        }
    }
}

/// The ids of a person. A person with a username may have no phone number, and an older delivery has no user id.
struct Ids {
    /// The WhatsApp id, usually the phone number.
    whatsapp: Option<String>,
    /// The business-scoped user id.
    user: Option<String>,
}

impl Ids {
    fn read(members: &Members<'_>, whatsapp: &'static str, user: &'static str) -> Self {
        let [whatsapp, user] = [whatsapp, user].map(|name| short_text(members, name, 256));
        Self { whatsapp, user }
    }

    /// Fills missing ids from the profile.
    fn or_profile(self, profile: Option<&Profile>) -> Self {
        let Some(Profile { ids: theirs, .. }) = profile else {
            return self;
        };
        Self {
            whatsapp: self.whatsapp.or_else(|| theirs.whatsapp.clone()),
            user: self.user.or_else(|| theirs.user.clone()),
        }
    }

    /// The person that the ids identify, if any. Its external id is the user id, or else a WhatsApp id that is not a
    /// number. Its phone is a WhatsApp id that is a number.
    fn person(self, region: Region) -> Option<Person> {
        let is_number = |id: &String| id.bytes().all(|byte| byte.is_ascii_digit());
        let (number, other) = match self.whatsapp {
            Some(id) if is_number(&id) => (Some(id), None),
            other => (None, other),
        };
        if other.as_deref().is_some_and(whatsapp_id::is_group_or_channel) {
            return None;
        }
        let external_user_id = self.user.or(other);
        let phone = number.and_then(|id| Phone::read_whatsapp_id(&id, region));
        let phone = phone.filter(Phone::identifies_a_person);
        (external_user_id.is_some() || phone.is_some()).then(|| Person {
            platform: PLATFORM.to_owned(),
            external_user_id,
            phone,
        })
    }
}

fn read_message(
    person: Person,
    direction: Direction,
    item: &Members<'_>,
    new_contact: Option<NewContact>,
) -> Option<Message> {
    // Unix seconds; Meta documents them as text.
    let seconds = match text(item, "timestamp") {
        Some(text) => text.parse().ok()?,
        None => item.integer("timestamp").ok()??,
    };
    let sent_at = DateTime::from_timestamp(seconds, 0)?;
    Message::new(Target::Person(person), direction, sent_at, new_contact).ok()
}

/// The objects of an array. A value of another type counts as an empty array, and an item of another type as an empty
/// object.
fn objects<'a>(members: &Members<'a>, name: &'static str) -> Vec<Members<'a>> {
    let items = members.array(name).ok().flatten().unwrap_or_default();
    items.into_iter().map(|item| object(Some(item))).collect()
}

/// An object. A value of another type counts as an empty object.
fn object(value: Option<&RawValue>) -> Members<'_> {
    value.and_then(|value| Members::new(value).ok()).unwrap_or_default()
}

/// A text of at most `max` characters. A longer one, or a value of another type, counts as absent.
fn short_text(members: &Members<'_>, name: &'static str, max: usize) -> Option<String> {
    text(members, name).filter(|text| text.chars().count() <= max)
}

/// A text of any length.
fn text(members: &Members<'_>, name: &'static str) -> Option<String> {
    members.text(name).ok().flatten()
}
