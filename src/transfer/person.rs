//! Joins the contacts of one person.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::domain::client::ClientId;
use crate::domain::phone::StoredPhone;

/// The `ai_customer_id` of a person with several phones. It depends on the client and on the set of phones alone, so
/// that the same file gives the same id at every import, and two clients never share one.
pub(super) fn person_id<'p>(client: ClientId, phones: impl Iterator<Item = &'p StoredPhone>) -> Uuid {
    let mut lines: Vec<_> = phones.map(|phone| (&phone.phone, &phone.extension)).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new_with_prefix(client.as_uuid().as_bytes());
    for (phone, extension) in lines {
        for part in [phone, extension] {
            hash.update(part.as_deref().unwrap_or_default());
            // No digit, so that no other phones give the same bytes.
            hash.update(b";");
        }
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::Region;

    #[test]
    fn the_id_depends_on_the_set_of_phones_and_on_the_client() {
        let id = |client: u128, phones: &[&str]| {
            let phones: Vec<StoredPhone> = phones
                .iter()
                .map(|phone| StoredPhone::read(phone, Region::DEFAULT, "other"))
                .collect();
            person_id(ClientId::new(Uuid::from_u128(client)), phones.iter())
        };
        let expected = id(1, &["+5491123456789", "+541143215001"]);
        assert_eq!(expected.get_version_num(), 8);
        assert_eq!(id(1, &["+54 11 4321-5001", "+54 9 11 2345-6789"]), expected);
        for other in [
            id(2, &["+5491123456789", "+541143215001"]),
            id(1, &["+5491123456789"]),
            id(1, &["+5491123456789", "+541143215001 int. 5"]),
            id(1, &["+5491123456789", "+541143215002"]),
        ] {
            assert_ne!(other, expected);
        }
    }
}
