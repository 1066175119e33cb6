//! Reads the phone and the external id of a contact again, and compares the result of the current rules with the stored
//! values.

use super::contact::PhoneWorth;
use super::phone::whatsapp_id::{external_id, hidden_number_id, is_group_or_channel};
use super::phone::{Region, StoredPhone};

/// The values of a contact that its phone and its external id determine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownPhone {
    pub phone: Option<String>,
    pub key: Option<String>,
    pub extension: Option<String>,
    pub identifies: bool,
    /// A hidden number (`…@lid`) becomes the external id of a contact that has none.
    pub external_user_id: Option<String>,
}

impl KnownPhone {
    /// The match key and the extension, if the phone identifies the contact.
    pub fn line(&self) -> Option<String> {
        let key = self.key.as_ref().filter(|_| self.identifies)?;
        Some(with_extension(key, self.extension.as_deref()))
    }

    /// The contact's identity on its platform. `email` is its email in lower case. Equal texts are the same identity.
    pub fn identity(&self, email: Option<&str>) -> Option<String> {
        if let Some(id) = &self.external_user_id {
            return Some(format!("id {id}"));
        }
        if let Some(phone) = self.phone.as_ref().filter(|_| self.identifies) {
            return Some(format!("phone {}", with_extension(phone, self.extension.as_deref())));
        }
        email.map(|email| format!("email {email}"))
    }
}

fn with_extension(number: &str, extension: Option<&str>) -> String {
    extension.map_or_else(|| number.to_owned(), |extension| format!("{number};{extension}"))
}

/// The outcome of a second reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Same,
    /// The phone was read in another region than the client's. An import can choose the region.
    OtherRegion,
    /// The contact has a valid number, and the current rules read no valid number. The stored number stays.
    Worse,
    Differs(KnownPhone),
}

/// Reads the phone of a contact on `platform` again, from the text that was given, if that is stored. Reads the
/// external id again, too: an older version stored the id of a hidden number with its device (`98765432101234:4@lid`).
pub fn read_again(stored: &KnownPhone, as_given: Option<&str>, region: Region, platform: &str) -> Verdict {
    let verdict = as_given.map_or(Verdict::Same, |text| read_phone_again(stored, text, region, platform));
    let mut read = match &verdict {
        Verdict::Differs(read) => read.clone(),
        _ => stored.clone(),
    };
    read.external_user_id = read.external_user_id.map(external_id);
    if read == *stored {
        verdict
    } else {
        Verdict::Differs(read)
    }
}

fn read_phone_again(stored: &KnownPhone, as_given: &str, region: Region, platform: &str) -> Verdict {
    let text = as_given.trim();
    if let Some(hidden) = hidden_number_id(text) {
        let id = stored.external_user_id.clone();
        return verdict(
            stored,
            KnownPhone {
                phone: None,
                key: None,
                extension: None,
                identifies: true,
                external_user_id: id.or(Some(hidden)),
            },
        );
    }
    if is_group_or_channel(text) {
        // A write refuses the id of a group. A stored id stays, but no longer identifies its contact.
        let identifies = false;
        return verdict(
            stored,
            KnownPhone {
                identifies,
                ..stored.clone()
            },
        );
    }
    let read = |region| StoredPhone::read(as_given, region, platform);
    let new = read(region);
    let is_stored = |read: &StoredPhone| {
        (&read.phone, &read.key, &read.extension) == (&stored.phone, &stored.key, &stored.extension)
            // A contact can store a valid number that identifies nobody, because it identified another contact first.
            && (read.identifies == stored.identifies || read.resolved && !stored.identifies)
    };
    if is_stored(&new) {
        return Verdict::Same;
    }
    let number = stored.phone.as_deref();
    if number
        .into_iter()
        .flat_map(Region::all_of_number)
        .any(|other| is_stored(&read(other)))
    {
        return Verdict::OtherRegion;
    }
    let is_valid = |number| PhoneWorth::of_stored(number, stored.identifies) == PhoneWorth::Resolved;
    if number.is_some_and(is_valid) && PhoneWorth::of(&new) < PhoneWorth::Resolved {
        return Verdict::Worse;
    }
    verdict(
        stored,
        match new.phone {
            // The digits stay as they are, since the contact may have nothing else.
            None => KnownPhone {
                identifies: false,
                ..stored.clone()
            },
            phone => KnownPhone {
                phone,
                key: new.key,
                extension: new.extension,
                identifies: new.identifies,
                external_user_id: stored.external_user_id.clone(),
            },
        },
    )
}

fn verdict(stored: &KnownPhone, read: KnownPhone) -> Verdict {
    if *stored == read {
        Verdict::Same
    } else {
        Verdict::Differs(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str, region: &str, platform: &str) -> KnownPhone {
        let read = StoredPhone::read(text, region.parse().unwrap(), platform);
        KnownPhone {
            phone: read.phone,
            key: read.key,
            extension: read.extension,
            identifies: read.identifies,
            external_user_id: None,
        }
    }

    fn bare(digits: &str) -> KnownPhone {
        KnownPhone {
            phone: Some(digits.to_owned()),
            key: Some(digits.trim_start_matches('+').to_owned()),
            extension: None,
            identifies: true,
            external_user_id: None,
        }
    }

    #[test]
    fn a_phone_that_the_rules_read_as_stored_stays() {
        for text in ["011 15-2345-6789", "+1 202 555 0123", "123", "4123-4567"] {
            let stored = known(text, "AR", "other");
            assert_eq!(
                read_again(&stored, Some(text), Region::DEFAULT, "other"),
                Verdict::Same,
                "{text}"
            );
        }
    }

    #[test]
    fn a_valid_number_that_identifies_another_contact_is_no_conflict() {
        for text in ["5491123456789", "11 2345-6789 int. 5", "+1 202 555 0123"] {
            let taken = KnownPhone {
                identifies: false,
                ..known(text, "AR", "whatsapp")
            };
            let verdict = read_again(&taken, Some(text), Region::DEFAULT, "whatsapp");
            assert_eq!(verdict, Verdict::Same, "{text}");
        }
        let taken = KnownPhone {
            identifies: false,
            ..known("9 1234 5678", "CL", "other")
        };
        assert_eq!(
            read_again(&taken, Some("9 1234 5678"), Region::DEFAULT, "other"),
            Verdict::OtherRegion
        );
    }

    #[test]
    fn a_phone_of_another_region_stays() {
        let stored = known("9 1234 5678", "CL", "other");
        let verdict = read_again(&stored, Some("9 1234 5678"), Region::DEFAULT, "other");
        assert_eq!(verdict, Verdict::OtherRegion);
    }

    #[test]
    fn a_number_of_older_rules_is_read_again() {
        let text = "011 15-2345-6789";
        let expected = Verdict::Differs(known(text, "AR", "other"));
        for stored in ["0111523456789", "+12025550123"] {
            assert_eq!(
                read_again(&bare(stored), Some(text), Region::DEFAULT, "other"),
                expected
            );
        }
    }

    #[test]
    fn a_placeholder_loses_its_identity_and_keeps_its_digits() {
        for (text, digits) in [("0", "0"), ("5,49112E+12", "54911212"), ("1203-99@g.us", "120399")] {
            let expected = KnownPhone {
                identifies: false,
                ..bare(digits)
            };
            let verdict = read_again(&bare(digits), Some(text), Region::DEFAULT, "other");
            assert_eq!(verdict, Verdict::Differs(expected.clone()), "{text}");
            assert_eq!(
                read_again(&expected, Some(text), Region::DEFAULT, "other"),
                Verdict::Same
            );
        }
    }

    #[test]
    fn a_hidden_number_moves_to_the_external_id() {
        let text = "98765432101234@lid";
        let Verdict::Differs(mut after) = read_again(&bare("98765432101234"), Some(text), Region::DEFAULT, "whatsapp")
        else {
            panic!("it differs");
        };
        assert_eq!(
            (after.phone.as_deref(), after.external_user_id.as_deref()),
            (None, Some(text))
        );
        assert_eq!(
            read_again(&after, Some(text), Region::DEFAULT, "whatsapp"),
            Verdict::Same
        );
        after.external_user_id = Some("7".to_owned());
        assert_eq!(
            read_again(&after, Some(text), Region::DEFAULT, "whatsapp"),
            Verdict::Same
        );
    }

    #[test]
    fn a_valid_number_is_not_replaced_by_an_invalid_one() {
        let stored = bare("+5491123456789");
        assert_eq!(
            read_again(&stored, Some("15 2345-6789"), Region::DEFAULT, "other"),
            Verdict::Worse
        );
    }

    #[test]
    fn an_external_id_with_a_device_loses_it_whatever_becomes_of_the_phone() {
        let with_id = |known: KnownPhone, id: &str| KnownPhone {
            external_user_id: Some(id.to_owned()),
            ..known
        };
        let no_phone = KnownPhone {
            phone: None,
            key: None,
            ..bare("0")
        };
        for (known, text) in [
            (no_phone, None),
            (known("+1 202 555 0123", "AR", "whatsapp"), Some("+1 202 555 0123")),
            // The phone of another region, and a number that is better than the text.
            (known("9 1234 5678", "CL", "sms"), Some("9 1234 5678")),
            (bare("+5491123456789"), Some("15 2345-6789")),
        ] {
            let old = with_id(known.clone(), "jid: +98765432101234:4@LID");
            let expected = with_id(known, "98765432101234@lid");
            let verdict = read_again(&old, text, Region::DEFAULT, "sms");
            assert_eq!(verdict, Verdict::Differs(expected.clone()), "{text:?}");
            let verdict = read_again(&expected, text, Region::DEFAULT, "sms");
            assert!(!matches!(verdict, Verdict::Differs(_)), "{text:?}");
        }
    }

    #[test]
    fn the_identity_is_the_external_id_else_the_number_else_the_email() {
        let mut contact = KnownPhone {
            extension: Some("5".to_owned()),
            ..bare("+5491123456789")
        };
        let (key, number) = ("5491123456789;5", "phone +5491123456789;5");
        assert_eq!(contact.line().as_deref(), Some(key));
        assert_eq!(contact.identity(Some("a@x.com")).as_deref(), Some(number));
        contact.external_user_id = Some("7".to_owned());
        assert_eq!(
            (contact.line().as_deref(), contact.identity(None).as_deref()),
            (Some(key), Some("id 7"))
        );
        contact.external_user_id = None;
        contact.identifies = false;
        assert_eq!(contact.line(), None);
        assert_eq!(contact.identity(Some("a@x.com")).as_deref(), Some("email a@x.com"));
        assert_eq!(contact.identity(None), None);
    }
}
