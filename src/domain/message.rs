//! Messages: what one changes of the contact that sent or got it.
//!
//! Messages themselves are not kept, only the time of the latest, the time of the latest inbound one, and whether
//! somebody has still to read and answer. A message may be told twice and in any order: the same messages always leave
//! the same contact.

use chrono::{DateTime, Datelike, Utc};

use super::contact::FUTURE_TOLERANCE;
use super::phone::whatsapp_id::{is_group_or_channel, is_hidden_number};
use super::phone::{self, Reading, Region, StoredPhone};

/// The chat status of a contact whose inbound message nobody has attended to yet.
pub const UNATTENDED: &str = super::contact::DEFAULT_CHAT_STATUS;

/// Who sent the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The contact.
    Inbound,
    /// The client, or a program of its.
    Outbound,
}

/// A message, as far as its contact is concerned.
#[derive(Clone, Debug)]
pub struct Message {
    pub target: Target,
    pub direction: Direction,
    sent_at: DateTime<Utc>,
    /// What makes the contact where there is none; without it a message to or from nobody is not found.
    pub new_contact: Option<NewContact>,
}

/// The contact that a message is about.
#[derive(Clone, Debug)]
pub enum Target {
    /// By the integer id.
    Contact(i64),
    Person(Person),
}

/// Somebody on a channel: whoever has the external id, else the phone. At least one of both is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    pub platform: String,
    pub external_user_id: Option<String>,
    pub phone: Option<Phone>,
}

/// A number that is asked for, and that a new contact gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phone {
    /// The preferred one first.
    pub readings: Vec<Reading>,
    pub stored: StoredPhone,
}

/// What a new contact has besides its identity.
#[derive(Clone, Debug)]
pub struct NewContact {
    pub name: Option<String>,
    pub source: &'static str,
}

impl Phone {
    /// `None` for a text without any digit.
    pub fn read(text: &str, region: Region) -> Option<Self> {
        let readings = phone::readings(text.trim(), region);
        (!readings.is_empty()).then(|| Self {
            readings,
            stored: StoredPhone::read(text, region),
        })
    }

    /// A WhatsApp id: digits, of which the first are the calling code though no `+` says so.
    pub fn read_whatsapp_id(id: &str, region: Region) -> Option<Self> {
        let mut phone = Self::read(&format!("{id}@c.us"), region)?;
        phone.stored.as_given = id.to_owned();
        Some(phone)
    }

    /// Whether a person can be known by it: not the `0` of a form that wants a number, nor a WhatsApp id of something
    /// else. Whether the number is valid is another question: short codes write too.
    pub fn identifies_a_person(&self) -> bool {
        let digits = self.stored.key.as_ref().map_or(0, String::len);
        digits >= DIGITS_MIN && !is_group_or_channel(&self.stored.as_given) && !is_hidden_number(&self.stored.as_given)
    }
}

/// The fewest digits of a number. libphonenumber's shortest has two after a calling code of one, and the shortest short
/// codes have three.
const DIGITS_MIN: usize = 3;

/// The time is before the year 1, which no message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the time is before the year 1")]
pub struct TooEarly;

impl Message {
    /// Whether the message may say of a contact that is known by its phone alone, or of a new one, which external id is
    /// its.
    pub fn can_identify(&self) -> bool {
        let has_external_id = |person: &Person| person.external_user_id.is_some();
        self.new_contact.is_some() && matches!(&self.target, Target::Person(person) if has_external_id(person))
    }

    /// # Errors
    /// [`TooEarly`].
    pub fn new(
        target: Target,
        direction: Direction,
        sent_at: DateTime<Utc>,
        new_contact: Option<NewContact>,
    ) -> Result<Self, TooEarly> {
        // PostgreSQL keeps microseconds: a time with more would be later than itself once it is stored.
        let sent_at = DateTime::from_timestamp_micros(sent_at.timestamp_micros())
            .filter(|at| at.year() >= 1)
            .ok_or(TooEarly)?;
        Ok(Self {
            target,
            direction,
            sent_at,
            new_contact,
        })
    }

    /// Whether the message says that it was sent later than it can have been; `now` is the database's clock.
    pub fn is_ahead(&self, now: DateTime<Utc>) -> bool {
        self.sent_at > now + FUTURE_TOLERANCE
    }
}

/// What a contact keeps of its messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Activity {
    pub last_message_at: Option<DateTime<Utc>>,
    pub last_inbound_at: Option<DateTime<Utc>>,
    pub is_chat_read: bool,
    pub chat_status: String,
}

impl Default for Activity {
    /// Of a contact without messages: there is nothing to read.
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
    /// Adds a message: times only move forward, and a new inbound one is to be read and attended to.
    ///
    /// "New" is later than every *inbound* one before, whatever was sent in between. Were it later than every message,
    /// a question and its answer would leave an unread chat when told in that order, and a read one when told in the
    /// other. So the answer doesn't mark the chat as read either: who read it says so.
    pub fn add(&mut self, message: &Message) {
        let sent_at = Some(message.sent_at);
        if message.direction == Direction::Inbound && sent_at > self.last_inbound_at {
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
    fn an_inbound_message_later_than_every_inbound_one_is_to_be_read() {
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
    fn what_is_known_or_older_changes_nothing() {
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
    fn times_have_what_the_database_keeps_of_them() {
        let known = attended("2025-03-28T14:00:00.123456Z", "2025-03-28T14:00:00.123456Z");
        let mut activity = known.clone();
        activity.add(&message(Direction::Inbound, "2025-03-28T14:00:00.123456789Z"));
        assert_eq!(activity, known);
        let year_zero = "0000-12-31T23:59:59Z".parse().unwrap();
        assert!(Message::new(Target::Contact(1), Direction::Inbound, year_zero, None).is_err());
    }

    #[test]
    fn five_minutes_ahead_is_the_last_time_that_is_taken() {
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
    fn a_placeholder_and_the_id_of_a_group_are_nobodys_phone() {
        let identifies_a_person = |text: &str| Phone::read(text, Region::DEFAULT).unwrap().identifies_a_person();
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
            "120363025246125486@g.us",
            "5491123456789-1612345678@G.us",
            "5491123456789@broadcast",
            "120363144038483540@newsletter",
            "98765432101234@lid",
        ] {
            assert!(!identifies_a_person(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_order_leaves_the_same_contact(
            told in proptest::collection::vec((any::<bool>(), 0_i64..9), 0..9).prop_flat_map(|told| {
                (Just(told.clone()), Just(told).prop_shuffle())
            })
        ) {
            let end = |told: Vec<(bool, i64)>| {
                let mut activity = attended("1970-01-01T00:00:05Z", "1970-01-01T00:00:03Z");
                for (is_inbound, second) in told {
                    let direction = if is_inbound { Direction::Inbound } else { Direction::Outbound };
                    let sent_at = DateTime::from_timestamp(second, 0).unwrap();
                    activity.add(&Message::new(Target::Contact(1), direction, sent_at, None).unwrap());
                }
                activity
            };
            prop_assert_eq!(end(told.0), end(told.1));
        }
    }
}
