//! Parses the rows of a file.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::header::Mapping;
use super::person::person_id;
use super::reader::Record;
use super::{times, values};
use crate::domain::client::ClientId;
use crate::domain::contact::{Attribute, ContactDraft, ContactError, ContactFields, DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Region, StoredPhone};
use crate::domain::visible::trim_unseen;

/// The longest name of a platform, in characters.
pub(super) const PLATFORM_MAX: usize = 64;

/// The most phones of a row. Each becomes a contact.
pub(super) const PHONES_MAX: usize = 100;

/// A row, or a cell of a row, that can't be imported. It names the place and the reason, never the contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// The line in which the row begins. The first line of the file is 1.
    pub line: u64,
    /// The column or columns, as named in the header, escaped for messages. `None` if the row as a whole is wrong.
    pub column: Option<String>,
    pub reason: String,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

/// How to read the rows of a file as contacts.
pub(super) struct RowOptions<'a> {
    pub client: ClientId,
    pub region: Region,
    /// The contact list for rows without one.
    pub list: Option<&'a str>,
    /// The platform for rows without one.
    pub platform: Option<&'a str>,
    /// Whether `export` wrote the file. Then each cell has one value, even if the value contains separators. The export
    /// of another program has several.
    pub exact: bool,
    /// Whether a wrong cell of an optional attribute is left out, instead of rejecting its row.
    pub skip_bad_cells: bool,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// Parses rows into contacts.
pub(super) struct RowParser<'a> {
    pub mapping: &'a Mapping,
    pub options: &'a RowOptions<'a>,
}

/// A row that can be imported.
pub(super) struct Row {
    /// One contact, or one for each phone of a person.
    pub contacts: Vec<ContactDraft>,
    /// Identifies the person of several contacts.
    pub person: Option<Uuid>,
    /// The number of phones that are not valid numbers.
    pub phones_unresolved: usize,
    /// Whether only the first of several phones was taken.
    pub has_several_phones: bool,
    pub has_several_emails: bool,
    /// The wrong cells that were left out.
    pub left_out: Vec<Rejection>,
}

/// The contacts of a row, each with whether its phone is a valid number or missing, and the phones that were left out.
type Contacts = (Vec<(ContactDraft, bool)>, Vec<Rejection>);

/// Why a row can't be imported.
struct Fault {
    /// The attribute that is wrong. `None` if the contact has no identity.
    attribute: Option<Attribute>,
    /// The column that is wrong. `None` means the first one of the attribute with a value.
    column: Option<usize>,
    reason: String,
}

impl From<ContactError> for Fault {
    fn from(error: ContactError) -> Self {
        Self {
            attribute: error.attribute(),
            column: None,
            reason: error.to_string(),
        }
    }
}

/// Whether a contact is the same without the attribute. An email is optional only if the row has another identity.
/// [`RowParser::parse`] checks that.
fn is_optional(attribute: Attribute) -> bool {
    !matches!(
        attribute,
        Attribute::ExternalUserId | Attribute::Phone | Attribute::Platform
    )
}

impl RowParser<'_> {
    /// Parses a row.
    ///
    /// # Errors
    /// The first fault of the row.
    pub(super) fn parse(&self, record: &Record<'_>) -> Result<Row, Rejection> {
        let width = self.mapping.width();
        if (width..record.len()).any(|index| record.get(index).is_some()) {
            return Err(Rejection {
                line: record.line,
                column: None,
                reason: format!("the row has {} cells, but the header has {width}", record.len()),
            });
        }
        let mut skipped = Vec::new();
        let mut left_out = Vec::new();
        let (contacts, phones_left_out) = loop {
            let fault = match self.contacts(record, &skipped) {
                Ok(contacts) => break contacts,
                Err(fault) => fault,
            };
            match fault.attribute {
                Some(attribute)
                    if self.options.skip_bad_cells && is_optional(attribute) && !skipped.contains(&attribute) =>
                {
                    skipped.push(attribute);
                    left_out.push(self.reject(record, fault));
                }
                // Without its email the row has no identity. So the row is rejected for the fault in its email.
                None if skipped.contains(&Attribute::Email) => {
                    let email = skipped.iter().position(|attribute| *attribute == Attribute::Email);
                    return Err(left_out.swap_remove(email.unwrap_or_default()));
                }
                _ => return Err(self.reject(record, fault)),
            }
        };
        left_out.extend(phones_left_out);
        let has_several = |attribute| !skipped.contains(&attribute) && self.has_several(record, attribute);
        let phones = || {
            contacts
                .iter()
                .filter_map(|(contact, _)| contact.given().phone.as_ref())
        };
        Ok(Row {
            person: (contacts.len() > 1).then(|| person_id(self.options.client, phones())),
            phones_unresolved: contacts.iter().filter(|(_, is_resolved)| !is_resolved).count(),
            has_several_phones: !self.mapping.has_all_phones() && has_several(Attribute::Phone),
            has_several_emails: has_several(Attribute::Email),
            contacts: contacts.into_iter().map(|(contact, _)| contact).collect(),
            left_out,
        })
    }

    /// The contacts of the row without the `skipped` attributes. Phones that identify nobody are left out beside
    /// others, because they would make no contact.
    fn contacts(&self, record: &Record<'_>, skipped: &[Attribute]) -> Result<Contacts, Fault> {
        let fields = self.fields(record, skipped)?;
        if !self.mapping.has_all_phones() {
            return Ok((vec![self.contact(fields)?], Vec::new()));
        }
        let phones = self.phones(record, fields.platform.as_deref().unwrap_or(DEFAULT_PLATFORM))?;
        let (identifying, others): (Vec<_>, Vec<_>) = phones.into_iter().partition(|(_, phone)| phone.identifies);
        if identifying.is_empty() {
            let phone = others.into_iter().next().map(|(_, phone)| phone);
            return Ok((vec![self.contact(ContactFields { phone, ..fields })?], Vec::new()));
        }
        let contacts = identifying.into_iter().map(|(_, phone)| {
            let phone = Some(phone);
            self.contact(ContactFields {
                phone,
                ..fields.clone()
            })
        });
        let left_out = others.into_iter().map(|(column, _)| Rejection {
            line: record.line,
            column: Some(self.mapping.name(column)),
            reason: "the phone identifies nobody".into(),
        });
        Ok((contacts.collect::<Result<_, _>>()?, left_out.collect()))
    }

    /// The contact with these fields, and whether its phone is a valid number or missing.
    fn contact(&self, fields: ContactFields) -> Result<(ContactDraft, bool), Fault> {
        let (is_resolved, has_number) = match &fields.phone {
            None => (true, false),
            Some(phone) => (phone.resolved, phone.phone.is_some()),
        };
        let draft = ContactDraft::new(fields, self.options.now)?;
        // A WhatsApp id without a number has become the external id.
        let is_id = has_number && draft.given().phone.is_none();
        Ok((draft, is_resolved || is_id))
    }

    /// All phones of the row on different lines, each with its column.
    fn phones(&self, record: &Record<'_>, platform: &str) -> Result<Vec<(usize, StoredPhone)>, Fault> {
        let line = |phone: &StoredPhone| (phone.key.clone(), phone.extension.clone());
        let mut phones: Vec<(usize, StoredPhone)> = Vec::new();
        for column in self.mapping.filled_columns(record, Attribute::Phone) {
            for text in self.values(record, column) {
                let phone = StoredPhone::read(text, self.options.region, platform);
                if phones.iter().any(|(_, other)| line(other) == line(&phone)) {
                    continue;
                }
                if phones.len() == PHONES_MAX {
                    return Err(Fault {
                        attribute: Some(Attribute::Phone),
                        column: Some(column),
                        reason: format!("the row has more than {PHONES_MAX} phones"),
                    });
                }
                phones.push((column, phone));
            }
        }
        Ok(phones)
    }

    /// The values in a cell of phones or emails.
    fn values<'r>(&self, record: &Record<'r>, column: usize) -> Vec<&'r str> {
        match self.read(record, column) {
            Some(cell) if self.splits_cells() => values::values_in(cell).collect(),
            cell => cell.into_iter().collect(),
        }
    }

    /// Whether the row has several values of the attribute. In the export of a known program, they can be in several
    /// columns.
    fn has_several(&self, record: &Record<'_>, attribute: Attribute) -> bool {
        let columns: Vec<usize> = match self.mapping.program() {
            Some(_) => self.mapping.filled_columns(record, attribute).collect(),
            None => self.mapping.column(record, attribute).into_iter().collect(),
        };
        let values: Vec<&str> = columns.iter().flat_map(|column| self.values(record, *column)).collect();
        values.iter().any(|value| !value.eq_ignore_ascii_case(values[0]))
    }

    /// The cell of an attribute other than the name.
    fn cell<'r>(&self, record: &Record<'r>, attribute: Attribute) -> Option<&'r str> {
        self.read(record, self.mapping.column(record, attribute)?)
    }

    /// Whether a phone or email cell can hold several values.
    fn splits_cells(&self) -> bool {
        !self.options.exact || self.mapping.program().is_some()
    }

    /// The cell in a column. In an exact import, a cell of invisible characters is a value, because an export wrote it.
    fn read<'r>(&self, record: &Record<'r>, column: usize) -> Option<&'r str> {
        match self.splits_cells() {
            true => record.get(column),
            false => record.get_exact(column),
        }
    }

    /// The row's fields without the `skipped` attributes.
    fn fields(&self, record: &Record<'_>, skipped: &[Attribute]) -> Result<ContactFields, Fault> {
        let cell = |attribute: Attribute| {
            let is_read = !skipped.contains(&attribute);
            is_read.then(|| self.cell(record, attribute)).flatten()
        };
        let text = |attribute| cell(attribute).map(str::to_owned);
        let one = |attribute| match cell(attribute) {
            Some(text) if self.splits_cells() => values::values_in(text).next(),
            cell => cell,
        };
        let fault = |attribute, reason: &str| Fault {
            attribute: Some(attribute),
            column: None,
            reason: reason.into(),
        };
        let boolean = |attribute| match cell(attribute) {
            None => Ok(None),
            Some(text) => match values::boolean(trim_unseen(text)) {
                None => Err(fault(attribute, "it is neither true nor false")),
                some => Ok(some),
            },
        };
        let time = |attribute| match cell(attribute) {
            None => Ok(None),
            Some(text) => match times::time(trim_unseen(text)) {
                None => {
                    let reason = "the time can't be read: write it as 2024-12-31 or 2024-12-31T23:59:59Z";
                    Err(fault(attribute, reason))
                }
                some => Ok(some),
            },
        };
        let uuid = |attribute| match cell(attribute) {
            None => Ok(None),
            Some(text) => match values::uuid(trim_unseen(text)) {
                None => {
                    let reason = "it is not a UUID: write it as 0198c0de-0000-7000-8000-000000000000";
                    Err(fault(attribute, reason))
                }
                some => Ok(some),
            },
        };
        let platform = text(Attribute::Platform).or_else(|| self.options.platform.map(str::to_owned));
        let platform = platform.map(|platform| platform_name(&platform));
        let stored = |phone| {
            StoredPhone::read(
                phone,
                self.options.region,
                platform.as_deref().unwrap_or(DEFAULT_PLATFORM),
            )
        };
        Ok(ContactFields {
            name: (!skipped.contains(&Attribute::Name))
                .then(|| self.name(record))
                .flatten(),
            phone: one(Attribute::Phone).map(stored),
            email: one(Attribute::Email).map(str::to_owned),
            platform,
            source: text(Attribute::Source),
            chat_status: text(Attribute::ChatStatus),
            blocked: boolean(Attribute::Blocked)?,
            is_chat_read: boolean(Attribute::IsChatRead)?,
            created_at: time(Attribute::CreatedAt)?,
            last_message_at: time(Attribute::LastMessageAt)?,
            last_inbound_at: time(Attribute::LastInboundAt)?,
            contact_list: text(Attribute::ContactList).or_else(|| self.options.list.map(str::to_owned)),
            external_user_id: text(Attribute::ExternalUserId),
            default_stage_id: uuid(Attribute::DefaultStageId)?,
            ai_customer_id: uuid(Attribute::AiCustomerId)?,
        })
    }

    /// The non-blank parts of the name, joined by one blank.
    fn name(&self, record: &Record<'_>) -> Option<String> {
        let columns = self.mapping.name_columns(record);
        let parts: Vec<&str> = columns.iter().filter_map(|column| self.read(record, *column)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    fn reject(&self, record: &Record<'_>, fault: Fault) -> Rejection {
        let identities = [Attribute::ExternalUserId, Attribute::Phone, Attribute::Email];
        let column = match fault.attribute {
            Some(Attribute::Name) => self.mapping.names(&[Attribute::Name]),
            Some(attribute) => {
                let column = fault.column.or_else(|| self.mapping.column(record, attribute));
                column.map(|column| self.mapping.name(column)).unwrap_or_default()
            }
            None => self.mapping.names(&identities),
        };
        Rejection {
            line: record.line,
            column: Some(column),
            reason: fault.reason,
        }
    }
}
