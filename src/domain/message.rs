//! Messages: how a message changes the contact that sent or received it.
//!
//! Messages are not stored. A contact keeps the time of its last message, the time of its last inbound message, and
//! whether its chat is unread and unattended. Messages may arrive repeatedly and in any order: the same set of messages
//! always results in the same contact. There are two exceptions. If a person changes ids twice, the contact remembers
//! only the last change. And a message that names new ids can arrive before the notice of the change.

use chrono::{DateTime, Datelike, Utc};

use super::contact::FUTURE_TOLERANCE;
use super::phone::whatsapp_id::{external_id, hidden_number_id, is_group_or_channel, is_hidden_number};
use super::phone::{self, Reading, Region, StoredPhone};
use super::window;

/// The chat status of a contact with an unattended inbound message.
pub const UNATTENDED: &str = super::contact::DEFAULT_CHAT_STATUS;

/// Who sent the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The contact.
    Inbound,
    /// The client, or one of its programs.
    Outbound,
}

/// The parts of a message that matter for its contact.
#[derive(Clone, Debug)]
pub struct Message {
    pub target: Target,
    pub content: Content,
    sent_at: DateTime<Utc>,
    /// The new contact, if the target is unknown. Without it, a message for an unknown contact is not recorded.
    pub new_contact: Option<NewContact>,
    completes: bool,
}

/// The content of a message, as far as it matters for the contact.
#[derive(Clone, Debug)]
pub enum Content {
    /// A message or a call between the contact and the client.
    Sent(Direction),
    /// A report about an earlier message, such as `delivered`. It only names the ids of its recipient.
    Report,
    /// A notice that the person has new ids. The target has the former ids.
    NewIds(NewIds),
}

/// The ids that replace a person's former ids. At least one of both is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewIds {
    pub external_user_id: Option<String>,
    /// The new number; `None` if the person does not share it.
    pub phone: Option<Phone>,
}

/// The contact that a message is about.
#[derive(Clone, Debug)]
pub enum Target {
    /// By the integer id.
    Contact(i64),
    Person(Person),
}

/// A person on a platform, found by external id, or else by phone. At least one of both is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    pub platform: String,
    pub external_user_id: Option<String>,
    pub phone: Option<Phone>,
}

/// A phone to look up, and to store if the contact is new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phone {
    /// The preferred reading comes first.
    pub readings: Vec<Reading>,
    pub stored: StoredPhone,
}

/// The fields of a new contact apart from its identity.
#[derive(Clone, Debug)]
pub struct NewContact {
    pub name: Option<String>,
    pub source: &'static str,
}

impl Phone {
    /// Reads the phone of a person on `platform`. Returns `None` for a text without digits.
    ///
    /// A phone on one of WhatsApp's platforms has one reading: the international one if that is valid, and otherwise
    /// the national one in `region`. A contact on this platform stores the same reading. Two readings would let a
    /// message reach the contact of another person.
    pub fn read(text: &str, region: Region, platform: &str) -> Option<Self> {
        if window::is_whatsapp(platform) {
            return Self::read_on_whatsapp(text, region, platform);
        }
        let readings = phone::readings(text.trim(), region);
        (!readings.is_empty()).then(|| Self {
            readings,
            stored: StoredPhone::read(text, region, platform),
        })
    }

    /// Reads a WhatsApp id: digits that begin with the calling code, without `+`.
    pub fn read_whatsapp_id(id: &str, region: Region) -> Option<Self> {
        Self::read(id, region, window::PLATFORM)
    }

    fn read_on_whatsapp(text: &str, region: Region, platform: &str) -> Option<Self> {
        // Bare digits are a WhatsApp id that lost its suffix.
        let is_bare = text.trim().chars().all(char::is_numeric);
        let stored = if is_bare {
            StoredPhone {
                as_given: text.to_owned(),
                ..StoredPhone::read(&format!("{}@c.us", text.trim()), region, platform)
            }
        } else {
            StoredPhone::read(text, region, platform)
        };
        let reading = Reading {
            phone: stored.phone.clone()?,
            key: stored.key.clone()?,
            extension: stored.extension.clone(),
            resolved: stored.resolved,
        };
        let readings = vec![reading];
        Some(Self { readings, stored })
    }

    /// Whether the number can identify a person. A `0`, which people type into a form that requires
    /// a phone, cannot. The id of a WhatsApp group cannot either. The number need not be valid,
    /// because short codes send messages too.
    pub fn identifies_a_person(&self) -> bool {
        self.stored.identifies && !self.is_group_or_channel() && !is_hidden_number(self.stored.as_given.trim())
    }

    /// Whether the phone is the id of a WhatsApp group, a broadcast or a channel.
    pub fn is_group_or_channel(&self) -> bool {
        is_group_or_channel(self.stored.as_given.trim())
    }
}

impl Person {
    /// The person with an external id, a phone or both; `None` with neither of them. WhatsApp's id of a person with a
    /// hidden number (`…@lid`) in place of a phone is the external id, unless another one is given.
    pub fn read(
        platform: String,
        external_user_id: Option<String>,
        phone: Option<&str>,
        region: Region,
    ) -> Option<Self> {
        let hidden = phone.and_then(hidden_number_id);
        let phone = phone
            .filter(|_| hidden.is_none())
            .and_then(|phone| Phone::read(phone, region, &platform));
        let external_user_id = external_user_id.map(external_id).or(hidden);
        (external_user_id.is_some() || phone.is_some()).then_some(Self {
            platform,
            external_user_id,
            phone,
        })
    }

    /// The phone, if it can identify the person. A message gives a contact only such a phone.
    pub fn identifying_phone(&self) -> Option<&Phone> {
        self.phone.as_ref().filter(|phone| phone.identifies_a_person())
    }

    /// The readings by which the person can be found. A phone that identifies nobody has none.
    pub fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.identifying_phone().into_iter().flat_map(|phone| &phone.readings)
    }

    /// Whether the external id is that of a WhatsApp group, a broadcast or a channel.
    pub fn is_group_or_channel(&self) -> bool {
        self.external_user_id.as_deref().is_some_and(is_group_or_channel)
    }
}

/// The time of the message is before the year 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the time is before the year 1")]
pub struct TooEarly;

impl Message {
    /// Whether the message can attach an external id to a contact.
    pub fn can_attach_external_id(&self) -> bool {
        let has_external_id = |person: &Person| person.external_user_id.is_some();
        self.completes() && matches!(&self.target, Target::Person(person) if has_external_id(person))
    }

    /// Whether the message fills in the ids that a known contact lacks.
    pub fn completes(&self) -> bool {
        self.completes || self.new_contact.is_some()
    }

    /// Makes the message fill in the ids that a known contact lacks, even if the message has no `new_contact`.
    pub fn completing(self) -> Self {
        Self {
            completes: true,
            ..self
        }
    }

    /// The direction of a message or a call. `None` for a report or a notice.
    pub fn direction(&self) -> Option<Direction> {
        match self.content {
            Content::Sent(direction) => Some(direction),
            Content::Report | Content::NewIds(_) => None,
        }
    }

    /// The time at which the message was sent.
    pub fn sent_at(&self) -> DateTime<Utc> {
        self.sent_at
    }

    /// A message or a call.
    ///
    /// # Errors
    /// [`TooEarly`] if `sent_at` is before the year 1.
    pub fn new(
        target: Target,
        direction: Direction,
        sent_at: DateTime<Utc>,
        new_contact: Option<NewContact>,
    ) -> Result<Self, TooEarly> {
        let message = Self::with_content(target, Content::Sent(direction), sent_at)?;
        Ok(Self { new_contact, ..message })
    }

    /// A message that creates no contact.
    ///
    /// # Errors
    /// [`TooEarly`] if `sent_at` is before the year 1.
    pub fn with_content(target: Target, content: Content, sent_at: DateTime<Utc>) -> Result<Self, TooEarly> {
        // PostgreSQL stores microseconds. A more precise time would be later than its own stored value.
        let sent_at = DateTime::from_timestamp_micros(sent_at.timestamp_micros())
            .filter(|at| at.year() >= 1)
            .ok_or(TooEarly)?;
        Ok(Self {
            target,
            content,
            sent_at,
            new_contact: None,
            completes: false,
        })
    }

    /// Whether `sent_at` is later than `now` by more than [`FUTURE_TOLERANCE`]. `now` is the
    /// database's clock.
    pub fn is_ahead(&self, now: DateTime<Utc>) -> bool {
        self.sent_at > now + FUTURE_TOLERANCE
    }
}

/// A contact's summary of its messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Activity {
    pub last_message_at: Option<DateTime<Utc>>,
    pub last_inbound_at: Option<DateTime<Utc>>,
    pub is_chat_read: bool,
    pub chat_status: String,
}

impl Default for Activity {
    /// The summary of a contact without messages: nothing is unread.
    fn default() -> Self {
        Self {
            last_message_at: None,
            last_inbound_at: None,
            is_chat_read: true,
            chat_status: UNATTENDED.to_owned(),
        }
    }
}

impl Activity {
    /// Applies a message. Times only move forward. A new inbound message makes the chat unread and unattended. A report
    /// or a notice changes nothing.
    ///
    /// "New" means later than every *inbound* message so far. If it meant later than every message,
    /// a question and its answer would leave the chat unread in one order of arrival and read in
    /// the other. For the same reason an answer does not mark the chat as read. A caller that knows that the
    /// chat is read sets the contact's `is_chat_read`.
    pub fn add(&mut self, message: &Message) {
        let Some(direction) = message.direction() else {
            return;
        };
        let sent_at = Some(message.sent_at);
        if direction == Direction::Inbound && sent_at > self.last_inbound_at {
            self.last_inbound_at = sent_at;
            self.is_chat_read = false;
            self.chat_status = UNATTENDED.to_owned();
        }
        self.last_message_at = self.last_message_at.max(sent_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(direction: Direction, sent_at: &str) -> Message {
        Message::new(Target::Contact(1), direction, sent_at.parse().unwrap(), None).unwrap()
    }

    fn attended(last_message_at: &str, last_inbound_at: &str) -> Activity {
        Activity {
            last_message_at: Some(last_message_at.parse().unwrap()),
            last_inbound_at: Some(last_inbound_at.parse().unwrap()),
            is_chat_read: true,
            chat_status: "ATTENDED".to_owned(),
        }
    }

    #[test]
    fn an_inbound_message_later_than_every_inbound_one_is_unread() {
        let mut activity = attended("2025-03-28T15:00:00Z", "2025-03-28T14:00:00Z");
        activity.add(&message(Direction::Inbound, "2025-03-28T14:30:00Z"));
        let expected = Activity {
            is_chat_read: false,
            chat_status: UNATTENDED.to_owned(),
            ..attended("2025-03-28T15:00:00Z", "2025-03-28T14:30:00Z")
        };
        assert_eq!(activity, expected);
    }

    #[test]
    fn a_repeated_or_older_message_changes_nothing() {
        let known = attended("2025-03-28T15:00:00Z", "2025-03-28T14:00:00Z");
        for (direction, sent_at) in [
            (Direction::Inbound, "2025-03-28T14:00:00Z"),
            (Direction::Inbound, "2025-03-28T13:00:00Z"),
            (Direction::Outbound, "2025-03-28T15:00:00Z"),
            (Direction::Outbound, "2025-03-28T14:30:00Z"),
        ] {
            let mut activity = known.clone();
            activity.add(&message(direction, sent_at));
            assert_eq!(activity, known, "{direction:?} {sent_at}");
        }
    }

    #[test]
    fn times_are_truncated_to_microseconds() {
        let known = attended("2025-03-28T14:00:00.123456Z", "2025-03-28T14:00:00.123456Z");
        let mut activity = known.clone();
        activity.add(&message(Direction::Inbound, "2025-03-28T14:00:00.123456789Z"));
        assert_eq!(activity, known);
        let year_zero = "0000-12-31T23:59:59Z".parse().unwrap();
        assert!(Message::new(Target::Contact(1), Direction::Inbound, year_zero, None).is_err());
    }

    #[test]
    fn a_message_may_be_at_most_five_minutes_ahead() {
        let now = "2025-03-28T14:00:00Z".parse().unwrap();
        assert!(!message(Direction::Inbound, "2025-03-28T14:05:00Z").is_ahead(now));
        assert!(message(Direction::Inbound, "2025-03-28T14:05:00.000001Z").is_ahead(now));
    }

    #[test]
    fn a_whatsapp_id_begins_with_its_calling_code() {
        let phone = Phone::read_whatsapp_id("16505551234", Region::DEFAULT).unwrap();
        assert_eq!(phone.stored.phone.as_deref(), Some("+16505551234"));
        assert_eq!(phone.stored.as_given, "16505551234");
        assert_eq!(phone.readings[0].phone, "+16505551234");
    }

    #[test]
    fn a_whatsapp_id_that_is_valid_internationally_is_no_national_number() {
        // (client's region, WhatsApp id, its only reading)
        for (region, id, expected) in [
            ("BR", "51987654321", "+51987654321"),
            ("MX", "6591234567", "+6591234567"),
            ("US", "2482292460", "+2482292460"),
            ("IT", "380945557350", "+380945557350"),
            ("DE", "34612345678", "+34612345678"),
            ("AR", "2975678901", "+2975678901"),
            // The digits are no valid international number.
            ("AR", "2235961983", "+542235961983"),
        ] {
            let region: Region = region.parse().unwrap();
            for text in [
                id.to_owned(),
                format!(" {id} "),
                format!("{id}@s.whatsapp.net"),
                format!("{id}:7@c.us"),
            ] {
                let phone = Phone::read(&text, region, "whatsapp").unwrap();
                let readings: Vec<&str> = phone.readings.iter().map(|reading| reading.phone.as_str()).collect();
                assert_eq!(readings, [expected], "{region:?} {text}");
                assert_eq!(phone.stored.phone.as_deref(), Some(expected), "{region:?} {text}");
                assert_eq!(phone.stored.as_given, text);
            }
            assert_eq!(
                Phone::read(&format!("+{expected}"), region, "whatsapp")
                    .unwrap()
                    .readings
                    .len(),
                1
            );
        }
        let sms = Phone::read("51987654321", "BR".parse().unwrap(), "sms").unwrap();
        assert_eq!(sms.readings.len(), 2, "on other platforms bare digits stay ambiguous");
    }

    #[test]
    fn a_placeholder_or_a_group_id_does_not_identify_a_person() {
        let identifies_a_person = |text: &str| {
            let on = |platform| {
                Phone::read(text, Region::DEFAULT, platform)
                    .unwrap()
                    .identifies_a_person()
            };
            assert_eq!(on("whatsapp"), on("sms"), "{text}");
            on("sms")
        };
        for text in [
            "5491123456789",
            "5491123456789@c.us",
            "5491123456789:7@S.WhatsApp.net",
            "611",
            "22395",
            "15 2345-6789",
        ] {
            assert!(identifies_a_person(text), "{text}");
        }
        for text in [
            "0",
            "00",
            "000000000000",
            "99",
            "000-0000",
            "120363025246125486@g.us",
            "5491123456789-1612345678@G.us",
            "5491123456789@broadcast",
            "120363144038483540@newsletter",
            "98765432101234@lid",
        ] {
            assert!(!identifies_a_person(text), "{text}");
        }
    }

    #[test]
    fn a_person_with_a_hidden_number_has_one_external_id_in_every_notation() {
        let person = |external_user_id: Option<&str>, phone: Option<&str>| {
            let platform = window::PLATFORM.to_owned();
            Person::read(platform, external_user_id.map(str::to_owned), phone, Region::DEFAULT)
        };
        let expected = person(Some("33333333333333@lid"), None);
        for text in ["33333333333333:4@lid", "+33333333333333@lid", "jid: 33333333333333@LID"] {
            assert_eq!(person(Some(text), None), expected, "{text}");
            assert_eq!(person(None, Some(text)), expected, "{text}");
        }
        let nobody = person(None, Some("33333333333333a@lid")).unwrap();
        assert_eq!(
            (nobody.external_user_id.as_deref(), nobody.readings().count()),
            (None, 0)
        );
    }

    proptest! {
        #[test]
        fn any_order_of_messages_results_in_the_same_contact(
            messages in proptest::collection::vec((any::<bool>(), 0_i64..9), 0..9).prop_flat_map(|messages| {
                (Just(messages.clone()), Just(messages).prop_shuffle())
            })
        ) {
            let apply = |messages: Vec<(bool, i64)>| {
                let mut activity = attended("1970-01-01T00:00:05Z", "1970-01-01T00:00:03Z");
                for (is_inbound, second) in messages {
                    let direction = if is_inbound { Direction::Inbound } else { Direction::Outbound };
                    let sent_at = DateTime::from_timestamp(second, 0).unwrap();
                    activity.add(&Message::new(Target::Contact(1), direction, sent_at, None).unwrap());
                }
                activity
            };
            prop_assert_eq!(apply(messages.0), apply(messages.1));
        }
    }
}
