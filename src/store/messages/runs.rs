//! Splits a batch into runs of messages that can be recorded together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::domain::message::{Content, Message, Person, Target};

/// The most messages that are recorded in one transaction. Their contacts stay locked until it ends, and other writers
/// of them wait.
pub const BATCH_MAX: usize = 100;

/// The number of messages in the first run of a batch that has messages. Within a run no message changes which contact
/// another one resolves to.
///
/// A message that completes contacts and has an external id can attach the id to a contact that only has its phone, or
/// the phone to a contact that only has the id. So it never shares a run with messages that have its external id or a
/// reading of its phone, unless both name the same person.
///
/// A message that can make a contact and has no external id never shares a run with another person's message that has a
/// reading of its phone, if one of the two phones has several readings. Suppose that a known contact has the second
/// reading of such a phone, and that the new contact gets the first one. Then a message with the phone resolves to the
/// new contact, and no longer to the known one.
///
/// A notice of new ids is a run of its own.
pub(super) fn run_length(messages: &[Message]) -> usize {
    let is_notice = |message: &Message| matches!(message.content, Content::NewIds(_));
    if messages.first().is_some_and(is_notice) {
        return 1;
    }
    let mut run = IdsAndLines::default();
    messages
        .iter()
        .take(BATCH_MAX)
        .take_while(|message| !is_notice(message) && run.admit(message))
        .count()
}

/// The external ids and lines in the messages of a run, and the messages that share each of them.
#[derive(Default)]
struct IdsAndLines<'a>(HashMap<IdOrLine<'a>, Sharers<'a>>);

#[derive(PartialEq, Eq, Hash)]
enum IdOrLine<'a> {
    /// Platform and external id.
    ExternalId(&'a str, &'a str),
    /// Platform and match key.
    Line(&'a str, &'a str),
}

/// The messages of a run that share an external id or a line.
struct Sharers<'a> {
    /// The person of all these messages; `None` if they have several.
    person: Option<&'a Person>,
    effect: Effect,
}

/// How some messages can affect each other.
#[derive(Clone, Copy)]
struct Effect {
    can_attach_external_id: bool,
    can_create: bool,
    has_many_readings: bool,
}

impl Effect {
    fn new(message: &Message, person: &Person) -> Self {
        Self {
            can_attach_external_id: message.can_attach_external_id(),
            can_create: message.new_contact.is_some(),
            has_many_readings: person.phone.as_ref().is_some_and(|phone| phone.readings.len() > 1),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            can_attach_external_id: self.can_attach_external_id || other.can_attach_external_id,
            can_create: self.can_create || other.can_create,
            has_many_readings: self.has_many_readings || other.has_many_readings,
        }
    }

    /// Whether one of the messages can change which contact another one resolves to.
    fn can_redirect(self) -> bool {
        self.can_attach_external_id || (self.can_create && self.has_many_readings)
    }
}

impl<'a> IdsAndLines<'a> {
    /// Adds the message to the run; `false` if it must start the next run. The first message is always added.
    fn admit(&mut self, message: &'a Message) -> bool {
        let Target::Person(person) = &message.target else {
            // An integer id identifies the contact alone.
            return true;
        };
        let effect = Effect::new(message, person);
        let is_apart = |sharers: &Sharers| sharers.person != Some(person) && sharers.effect.with(effect).can_redirect();
        if ids_and_lines(person).any(|key| self.0.get(&key).is_some_and(is_apart)) {
            return false;
        }
        for key in ids_and_lines(person) {
            match self.0.entry(key) {
                Entry::Vacant(vacant) => {
                    let person = Some(person);
                    vacant.insert(Sharers { person, effect });
                }
                Entry::Occupied(mut sharers) => {
                    let sharers = sharers.get_mut();
                    sharers.person = sharers.person.filter(|sharer| *sharer == person);
                    sharers.effect = sharers.effect.with(effect);
                }
            }
        }
        true
    }
}

fn ids_and_lines(person: &Person) -> impl Iterator<Item = IdOrLine<'_>> {
    let platform = person.platform.as_str();
    let external_id = person.external_user_id.iter();
    let lines = person
        .readings()
        .map(move |reading| IdOrLine::Line(platform, &reading.key));
    external_id
        .map(move |id| IdOrLine::ExternalId(platform, id))
        .chain(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{Direction, NewContact, NewIds, Phone};
    use crate::domain::phone::Region;

    /// `phone/external id`, either of which may be blank, and `!` if the message can make a contact.
    fn message(text: &str) -> Message {
        let (person, is_new) = text.strip_suffix('!').map_or((text, false), |person| (person, true));
        let (phone, external_id) = person.split_once('/').unwrap();
        let person = Person {
            platform: "sms".to_owned(),
            external_user_id: (!external_id.is_empty()).then(|| external_id.to_owned()),
            phone: Phone::read(phone, Region::DEFAULT, "sms"),
        };
        let new_contact = is_new.then_some(NewContact {
            name: None,
            source: "test",
        });
        let sent_at = "2025-03-28T14:00:00Z".parse().unwrap();
        Message::new(Target::Person(person), Direction::Inbound, sent_at, new_contact).unwrap()
    }

    fn lengths(texts: &[&str]) -> Vec<usize> {
        let messages: Vec<Message> = texts.iter().map(|text| message(text)).collect();
        lengths_of(&messages)
    }

    fn lengths_of(mut messages: &[Message]) -> Vec<usize> {
        let mut lengths = Vec::new();
        while !messages.is_empty() {
            lengths.push(run_length(messages));
            messages = &messages[run_length(messages)..];
        }
        lengths
    }

    #[test]
    fn messages_of_different_people_are_recorded_together() {
        assert_eq!(
            lengths(&["+56911111111/a!", "+56922222222/b!", "+56933333333/!", "/d!"]),
            [4]
        );
    }

    #[test]
    fn the_same_person_again_stays_in_the_run() {
        assert_eq!(lengths(&["+56911111111/a!", "+56911111111/a!", "+56911111111/a"]), [3]);
    }

    #[test]
    fn a_message_that_shares_an_id_or_a_line_with_one_that_can_attach_an_id_starts_a_run() {
        assert_eq!(lengths(&["+56911111111/a!", "+56911111111/"]), [1, 1]);
        assert_eq!(lengths(&["+56911111111/", "+56911111111/a!"]), [1, 1]);
        assert_eq!(lengths(&["/a", "+56911111111/a!", "+56911111111/"]), [1, 1, 1]);
        assert_eq!(lengths(&["+5491123456789/a!", "+541123456789/"]), [1, 1]);
    }

    #[test]
    fn messages_that_cannot_attach_an_id_share_a_run() {
        assert_eq!(
            lengths(&["+5491123456789/!", "+541123456789/!", "+541123456789/x"]),
            [3]
        );
        assert_eq!(
            lengths(&["+5491123456789/!", "+541123456789/!", "+541123456789/x!"]),
            [2, 1]
        );
    }

    #[test]
    fn a_new_contact_and_another_persons_reading_of_its_phone_share_no_run() {
        assert_eq!(lengths(&["2975678901/", "+542975678901/!"]), [1, 1]);
        assert_eq!(lengths(&["2975678901/!", "+2975678901/"]), [1, 1]);
        assert_eq!(lengths(&["2975678901/", "+542975678901/", "+2975678901/!"]), [2, 1]);
        assert_eq!(lengths(&["2975678901/!", "2975678901/!", "+542235961983/!"]), [3]);
    }

    #[test]
    fn a_notice_of_new_ids_is_a_run_of_its_own() {
        let text = || message("+56911111111/");
        let notice = || {
            let new = NewIds {
                external_user_id: Some("b".to_owned()),
                phone: None,
            };
            let Message { target, .. } = message("+56922222222/a");
            Message::with_content(target, Content::NewIds(new), text().sent_at()).unwrap()
        };
        let messages = [text(), text(), notice(), notice(), text()];
        assert_eq!(lengths_of(&messages), [2, 1, 1, 1]);
    }

    #[test]
    fn a_run_has_at_most_a_hundred_messages() {
        let many: Vec<String> = (0..250).map(|n| format!("+569{:08}/!", 11_111_111 + n)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(lengths(&many), [100, 100, 50]);
        assert_eq!(lengths(&[]), [0_usize; 0]);
    }
}
