//! Contacts that a test inserts directly, subject only to the constraints of the schema.

use contact_search::domain::client::{ClientId, DEFAULT_LIST};
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::{PgConnection, clients};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// The values of a contact. Times are SQL expressions such as `now() - interval '1 hour'`.
#[derive(Clone, Copy)]
pub struct Contact<'a> {
    pub name: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub email: Option<&'a str>,
    pub platform: &'a str,
    pub external_user_id: Option<&'a str>,
    pub source: Option<&'a str>,
    pub list: &'a str,
    pub blocked: bool,
    pub created_at: &'a str,
    pub last_message_at: &'a str,
    pub last_inbound_at: &'a str,
}

impl Default for Contact<'_> {
    fn default() -> Self {
        Self {
            name: None,
            phone: None,
            email: None,
            platform: "whatsapp",
            external_user_id: None,
            source: None,
            list: DEFAULT_LIST,
            blocked: false,
            created_at: "now()",
            last_message_at: "null",
            last_inbound_at: "null",
        }
    }
}

/// Both ids of an inserted contact.
#[derive(Clone, PartialEq, Eq, Debug, QueryableByName)]
pub struct Added {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = BigInt)]
    pub serial_id: i64,
}

impl Contact<'_> {
    pub fn add(&self, connection: &mut PgConnection, client: ClientId) -> Added {
        let list = clients::ensure_list(connection, client, self.list).expect("a list can be created");
        let phone = self
            .phone
            .map(|phone| StoredPhone::read(phone, Region::DEFAULT, self.platform));
        let key = phone.as_ref().and_then(|phone| phone.key.as_deref());
        let stored = phone.as_ref().and_then(|phone| phone.phone.as_deref());
        let extension = phone.as_ref().and_then(|phone| phone.extension.as_deref());
        let identifies = phone.as_ref().is_none_or(|phone| phone.identifies);
        let sql = format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, phone_extension,
                                   phone_identifies, email, platform, external_user_id, source, blocked, created_at, last_message_at, last_inbound_at)
             VALUES ('{client}', gen_random_uuid(), {list}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                     {})
             RETURNING id::text, serial_id",
            literal(self.name),
            literal(stored),
            literal(key),
            literal(self.phone),
            literal(extension),
            identifies,
            literal(self.email),
            literal(Some(self.platform)),
            literal(self.external_user_id),
            literal(self.source),
            self.blocked,
            self.created_at,
            self.last_message_at,
            self.last_inbound_at,
        );
        diesel::sql_query(&sql)
            .get_result(connection)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// SQL that sets the last message of the contacts with this condition. `time` is an expression of their columns, and of
/// the border of the periods. Citus does not calculate with times and columns in the list of an `UPDATE`, where the planner
/// would put the expression without `OFFSET 0`.
pub fn set_last_message(time: &str, condition: &str) -> String {
    format!(
        "UPDATE contacts SET last_message_at = new.at
         FROM (SELECT client_id AS client, id AS contact, {time} AS at
               FROM contacts CROSS JOIN contact_period_border WHERE {condition} OFFSET 0) AS new
         WHERE (client_id, id) = (client, contact)"
    )
}

fn literal(text: Option<&str>) -> String {
    text.map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}
