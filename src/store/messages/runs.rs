//! Which messages of a batch can be recorded together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::domain::message::{Message, Person, Target};

/// The most messages that are recorded together: contacts stay locked for as long as it takes, and who writes to one of
/// them waits.
pub const TOGETHER_MAX: usize = 100;

/// Cuts a batch into runs. Within a run no message changes whom another one means.
///
/// A message may say which external id or which phone somebody has that is known by the other alone. So it isn't in one
/// run with messages that name its external id or a reading of its phone, unless they name the very same person. Nor is
/// one that may make a contact, where either has a phone with several readings: the new contact may have the preferred
/// one, and the contact that had the other is meant no more.
pub(super) fn runs(messages: &[Message]) -> impl Iterator<Item = &[Message]> {
    let mut rest = messages;
    std::iter::from_fn(move || {
        let mut names = Names::default();
        let end = rest
            .iter()
            .take(TOGETHER_MAX)
            .take_while(|message| names.admit(message))
            .count();
        let (run, after) = rest.split_at(end);
        rest = after;
        (!run.is_empty()).then_some(run)
    })
}

/// What the messages of a run call their persons.
#[derive(Default)]
struct Names<'a>(HashMap<Name<'a>, Named<'a>>);

#[derive(PartialEq, Eq, Hash)]
enum Name<'a> {
    ExternalId(&'a str, &'a str),
    Line(&'a str, &'a str),
}

struct Named<'a> {
    /// `None` where several persons have the name.
    person: Option<&'a Person>,
    effect: Effect,
}

/// What some messages together may do to each other.
#[derive(Clone, Copy)]
struct Effect {
    can_identify: bool,
    can_create: bool,
    has_readings: bool,
}

impl Effect {
    fn new(message: &Message, person: &Person) -> Self {
        Self {
            can_identify: message.can_identify(),
            can_create: message.new_contact.is_some(),
            has_readings: person.phone.as_ref().is_some_and(|phone| phone.readings.len() > 1),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            can_identify: self.can_identify || other.can_identify,
            can_create: self.can_create || other.can_create,
            has_readings: self.has_readings || other.has_readings,
        }
    }

    /// Whether one of them may change whom another one means.
    fn can_redirect(self) -> bool {
        self.can_identify || (self.can_create && self.has_readings)
    }
}

impl<'a> Names<'a> {
    /// Takes the message into the run, or says that it has to wait for the next. The first is always taken.
    fn admit(&mut self, message: &'a Message) -> bool {
        let Target::Person(person) = &message.target else {
            // The integer id decides alone, whatever is said of anybody.
            return true;
        };
        let effect = Effect::new(message, person);
        let is_apart = |named: &Named| named.person != Some(person) && named.effect.with(effect).can_redirect();
        if names(person).any(|name| self.0.get(&name).is_some_and(is_apart)) {
            return false;
        }
        for name in names(person) {
            match self.0.entry(name) {
                Entry::Vacant(vacant) => {
                    let person = Some(person);
                    vacant.insert(Named { person, effect });
                }
                Entry::Occupied(mut named) => {
                    let named = named.get_mut();
                    named.person = named.person.filter(|named| *named == person);
                    named.effect = named.effect.with(effect);
                }
            }
        }
        true
    }
}

fn names(person: &Person) -> impl Iterator<Item = Name<'_>> {
    let platform = person.platform.as_str();
    let external_id = person.external_user_id.iter();
    let readings = person.phone.iter().flat_map(|phone| &phone.readings);
    external_id
        .map(move |id| Name::ExternalId(platform, id))
        .chain(readings.map(move |reading| Name::Line(platform, &reading.key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{Direction, NewContact, Phone};
    use crate::domain::phone::Region;

    /// `phone/external id`, either of which may be blank, and `!` where the message makes contacts.
    fn message(text: &str) -> Message {
        let (person, is_new) = text.strip_suffix('!').map_or((text, false), |person| (person, true));
        let (phone, external_id) = person.split_once('/').unwrap();
        let person = Person {
            platform: "whatsapp".to_owned(),
            external_user_id: (!external_id.is_empty()).then(|| external_id.to_owned()),
            phone: Phone::read(phone, Region::DEFAULT),
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
        runs(&messages).map(<[Message]>::len).collect()
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
    fn a_message_that_shares_an_id_or_a_line_with_an_identifying_one_starts_a_run() {
        assert_eq!(lengths(&["+56911111111/a!", "+56911111111/"]), [1, 1]);
        assert_eq!(lengths(&["+56911111111/", "+56911111111/a!"]), [1, 1]);
        assert_eq!(lengths(&["/a", "+56911111111/a!", "+56911111111/"]), [1, 1, 1]);
        assert_eq!(lengths(&["+5491123456789/a!", "+541123456789/"]), [1, 1]);
    }

    #[test]
    fn messages_that_identify_nobody_share_a_run() {
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
    fn a_new_contact_whose_phone_has_several_readings_starts_a_run() {
        assert_eq!(lengths(&["2975678901/", "+542975678901/!"]), [1, 1]);
        assert_eq!(lengths(&["2975678901/!", "+2975678901/"]), [1, 1]);
        assert_eq!(lengths(&["2975678901/", "+542975678901/", "+2975678901/!"]), [2, 1]);
        assert_eq!(lengths(&["2975678901/!", "2975678901/!", "+542235961983/!"]), [3]);
    }

    #[test]
    fn a_run_has_at_most_a_hundred_messages() {
        let many: Vec<String> = (0..250).map(|n| format!("+569{:08}/!", 11_111_111 + n)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(lengths(&many), [100, 100, 50]);
        assert_eq!(lengths(&[]), [0_usize; 0]);
    }
}
