//! Reads the messages out of a delivery of WhatsApp's webhook.
//!
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference>

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use crate::domain::message::{Content, Direction, Message, NewContact, NewIds, Person, Phone, Target};
use crate::domain::phone::{Region, whatsapp_id};
use crate::domain::window::PLATFORM;
use crate::http::request::body::Members;

/// The source of a contact that a delivery creates.
const SOURCE: &str = "whatsapp_sync";

/// Types of `messages` that no person wrote: an opened chat, and changes of earlier messages.
const NOT_WRITTEN: [&str; 3] = ["request_welcome", "revoke", "edit"];

/// Types of system messages that give a person new ids. Older versions of the API send the last type.
const NEW_IDS: [&str; 3] = ["user_changed_number", "user_changed_user_id", "customer_changed_number"];

/// The messages of a delivery. They are in `entry[].changes[].value` of each change whose `field` is `messages`,
/// `calls` or `smb_message_echoes`.
pub fn read_delivery(delivery: &RawValue, region: Region) -> Vec<Message> {
    let delivery = object(Some(delivery));
    if text(&delivery, "object").as_deref() != Some("whatsapp_business_account") {
        return Vec::new();
    }
    objects(&delivery, "entry")
        .iter()
        .flat_map(|entry| objects(entry, "changes"))
        .flat_map(|change| {
            let field = text(&change, "field").unwrap_or_default();
            Change::new(&field, &object(change.value("value"))).read(region)
        })
        .collect()
}

/// A change: its messages and calls, and the profiles of their senders and recipients.
#[derive(Default)]
struct Change<'a> {
    profiles: Vec<Profile>,
    messages: Vec<Members<'a>>,
    statuses: Vec<Members<'a>>,
    calls: Vec<Members<'a>>,
    echoes: Vec<Members<'a>>,
}

impl<'a> Change<'a> {
    fn new(field: &str, value: &Members<'a>) -> Self {
        let profiles = objects(value, "contacts").iter().map(Profile::read).collect();
        let change = Self {
            profiles,
            ..Self::default()
        };
        match field {
            "messages" => Self {
                messages: objects(value, "messages"),
                statuses: objects(value, "statuses"),
                ..change
            },
            "calls" => Self {
                calls: objects(value, "calls"),
                ..change
            },
            "smb_message_echoes" => Self {
                echoes: objects(value, "message_echoes"),
                ..change
            },
            _ => change,
        }
    }

    fn read(&self, region: Region) -> Vec<Message> {
        let received = self
            .messages
            .iter()
            .filter_map(|message| self.read_received(message, region));
        let sent = self
            .statuses
            .iter()
            .filter_map(|status| self.read_status(status, region));
        let called = self.calls.iter().filter_map(|call| self.read_call(call, region));
        let echoed = self.echoes.iter().filter_map(|echo| self.read_echo(echo, region));
        received.chain(sent).chain(called).chain(echoed).collect()
    }

    /// Reads a message of `messages`: `from`, `timestamp`, `type`. An unknown sender becomes a contact with the name of its
    /// profile. A message in a group opens no window with its sender, so it is skipped.
    fn read_received(&self, message: &Members<'_>, region: Region) -> Option<Message> {
        if text(message, "type").as_deref() == Some("system") {
            return read_new_ids(message, region);
        }
        if !is_written(message) {
            return None;
        }
        self.read_inbound(message, read_time(message, "timestamp")?, region)
    }

    /// Reads a call of `calls`: `from`, `timestamp`, `direction`, `start_time`. A call by the person opens the window,
    /// even if nobody answers. In the event `terminate`, `timestamp` is the end of the call. If the call was answered,
    /// the event also has the call's start, in `start_time`.
    fn read_call(&self, call: &Members<'_>, region: Region) -> Option<Message> {
        if text(call, "direction").as_deref() != Some("USER_INITIATED") || call.value("group_id").is_some() {
            return None;
        }
        let called_at = read_time(call, "start_time").or_else(|| read_time(call, "timestamp"))?;
        self.read_inbound(call, called_at, region)
    }

    fn read_inbound(&self, item: &Members<'_>, sent_at: DateTime<Utc>, region: Region) -> Option<Message> {
        let ids = Ids::read(item, "from", "from_user_id");
        let profile = self.find_profile(&ids);
        let new_contact = NewContact {
            name: profile.and_then(|profile| profile.name.clone()),
            source: SOURCE,
        };
        let person = ids.or_profile(profile).person(region)?;
        Message::new(Target::Person(person), Direction::Inbound, sent_at, Some(new_contact)).ok()
    }

    /// Reads a message of `statuses`: `recipient_id`, `timestamp`, `status`. Only the status `sent` has the time of the
    /// message. `delivered` and `read` arrive seconds or days later, and `failed` means that nothing was sent.
    /// Recording those as messages would give the contact a last message later than its real one. So they become
    /// reports, which only name the two ids of their recipient. An unknown recipient does not become a contact.
    fn read_status(&self, status: &Members<'_>, region: Region) -> Option<Message> {
        if text(status, "recipient_type").as_deref() == Some("group") {
            return None;
        }
        let content = match text(status, "status").as_deref() {
            Some("sent") => Content::Sent(Direction::Outbound),
            _ => Content::Report,
        };
        let message = self.read_outbound(status, ["recipient_id", "recipient_user_id"], content, region)?;
        let names_both = |person: &Person| person.external_user_id.is_some() && person.phone.is_some();
        match (&message.content, &message.target) {
            (Content::Report, Target::Person(person)) if !names_both(person) => None,
            _ => Some(message),
        }
    }

    /// Reads a message that the client sent with WhatsApp's app: `to`, `timestamp`, `type`.
    fn read_echo(&self, echo: &Members<'_>, region: Region) -> Option<Message> {
        let content = Content::Sent(Direction::Outbound);
        is_written(echo).then(|| self.read_outbound(echo, ["to", "to_user_id"], content, region))?
    }

    fn read_outbound(
        &self,
        item: &Members<'_>,
        [whatsapp, user]: [&'static str; 2],
        content: Content,
        region: Region,
    ) -> Option<Message> {
        let ids = Ids::read(item, whatsapp, user);
        let profile = self.find_profile(&ids);
        let person = ids.or_profile(profile).person(region)?;
        let sent_at = read_time(item, "timestamp")?;
        let message = Message::with_content(Target::Person(person), content, sent_at).ok()?;
        Some(message.completing())
    }

    /// The profile of the sender or the recipient. If a change has exactly one profile and one message, they belong
    /// together even if their ids differ. According to Meta's documentation a WhatsApp id need not be the phone number.
    fn find_profile(&self, ids: &Ids) -> Option<&Profile> {
        let is_same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let items = [&self.messages, &self.statuses, &self.calls, &self.echoes];
        let is_single = self.profiles.len() == 1 && items.map(Vec::len).iter().sum::<usize>() == 1;
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
    /// number. Its phone is a WhatsApp id that is a number. [`Person::read`] takes the id of a hidden number in place
    /// of a phone.
    fn person(self, region: Region) -> Option<Person> {
        let (number, other) = match self.whatsapp {
            Some(id) if is_number(&id) => (Some(id), None),
            other => (None, other),
        };
        if other.as_deref().is_some_and(whatsapp_id::is_group_or_channel) {
            return None;
        }
        let hidden = other
            .as_deref()
            .filter(|id| whatsapp_id::hidden_number_id(id).is_some());
        let phone = number.as_deref().filter(|id| read_number(id, region).is_some());
        let external_user_id = self.user.or(other.clone().filter(|_| hidden.is_none()));
        Person::read(PLATFORM.to_owned(), external_user_id, phone.or(hidden), region)
    }
}

/// Whether the item is a message between the person and the client. A change of an earlier message, the removal of a
/// reaction and a message in a group do not count.
fn is_written(message: &Members<'_>) -> bool {
    let kind = text(message, "type").unwrap_or_default();
    let is_removed_reaction = || kind == "reaction" && text(&object(message.value("reaction")), "emoji").is_none();
    !NOT_WRITTEN.contains(&&*kind) && message.value("group_id").is_none() && !is_removed_reaction()
}

/// Reads a system message about a person's new ids.
///
/// The former WhatsApp id is `system.customer`, or else `from`. The former user id is `system.previous_user_id`, or
/// else `from_user_id`. The new ids are `system.wa_id` (`new_wa_id` in older versions) and `system.user_id`. WhatsApp
/// makes a new user id when the number changes. So a message with a new user id and no new number means that the person
/// hides the new number.
fn read_new_ids(message: &Members<'_>, region: Region) -> Option<Message> {
    let system = object(message.value("system"));
    let kind = text(&system, "type")?;
    if !NEW_IDS.contains(&&*kind) || message.value("group_id").is_some() {
        return None;
    }
    let new_number = ["wa_id", "new_wa_id"]
        .into_iter()
        .find_map(|name| number_text(&system, name));
    let new_phone = new_number
        .filter(|id| is_number(id))
        .and_then(|id| read_number(&id, region));
    let new_user = short_text(&system, "user_id", 256);
    if new_phone.is_none() && new_user.is_none() {
        return None;
    }
    let sender = short_text(message, "from_user_id", 256);
    let former = Ids {
        whatsapp: number_text(&system, "customer").or_else(|| number_text(message, "from")),
        user: short_text(&system, "previous_user_id", 256).or(sender.filter(|id| Some(id) != new_user.as_ref())),
    };
    let former = former.person(region)?;
    let new = NewIds {
        external_user_id: new_user,
        phone: new_phone,
    };
    let sent_at = read_time(message, "timestamp")?;
    Message::with_content(Target::Person(former), Content::NewIds(new), sent_at).ok()
}

/// Whether the WhatsApp id is a phone number.
fn is_number(id: &str) -> bool {
    let id = id.strip_prefix('+').unwrap_or(id);
    let id = ["@s.whatsapp.net", "@c.us"]
        .into_iter()
        .find_map(|suffix| id.strip_suffix(suffix))
        .unwrap_or(id);
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_number(id: &str, region: Region) -> Option<Phone> {
    Phone::read_whatsapp_id(id, region).filter(Phone::identifies_a_person)
}

/// Unix seconds; Meta documents them as text.
fn read_time(item: &Members<'_>, name: &'static str) -> Option<DateTime<Utc>> {
    let seconds = match text(item, name) {
        Some(text) => text.parse().ok()?,
        None => item.integer(name).ok()??,
    };
    DateTime::from_timestamp(seconds, 0)
}

/// A WhatsApp id. Older versions of the API write it as a JSON number.
fn number_text(members: &Members<'_>, name: &'static str) -> Option<String> {
    short_text(members, name, 256).or_else(|| Some(members.integer(name).ok()??.to_string()))
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
