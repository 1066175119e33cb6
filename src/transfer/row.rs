//! Parses the rows of a file.

use chrono::{DateTime, Utc};

use super::header::Mapping;
use super::reader::Record;
use super::{times, values};
use crate::domain::contact::{Attribute, ContactDraft, ContactError, ContactFields, DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Region, StoredPhone};
use crate::domain::visible::trim_unseen;

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

/// Parses rows into contacts.
pub(super) struct RowParser<'a> {
    pub mapping: &'a Mapping,
    pub region: Region,
    /// The contact list for rows without one.
    pub list: Option<&'a str>,
    /// The platform for rows without one.
    pub platform: Option<&'a str>,
    /// Whether a wrong cell of an optional attribute is left out, instead of rejecting its row.
    pub skip_bad_cells: bool,
    /// Whether a phone or email cell can hold several values, of which the first is taken.
    pub splits_cells: bool,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// A row that can be imported.
pub(super) struct Row {
    pub draft: ContactDraft,
    /// Whether its phone is a valid number, or it has none.
    pub phone_resolved: bool,
    pub has_several_phones: bool,
    pub has_several_emails: bool,
    /// The wrong cells that were left out.
    pub left_out: Vec<Rejection>,
}

/// Why a row can't be imported.
struct Fault {
    /// The attribute that is wrong. `None` if the contact has no identity.
    attribute: Option<Attribute>,
    reason: String,
}

impl From<ContactError> for Fault {
    fn from(error: ContactError) -> Self {
        Self {
            attribute: error.attribute(),
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
        let fields = loop {
            let fault = match self.fields(record, &skipped).and_then(|fields| {
                let phone = fields.phone.clone();
                let draft = ContactDraft::new(fields, self.now)?;
                // A WhatsApp id without a number has become the external id.
                let is_id = draft.given().phone.is_none() && phone.as_ref().is_some_and(|phone| phone.phone.is_some());
                let phone_resolved = is_id || phone.is_none_or(|phone| phone.resolved);
                Ok((draft, phone_resolved))
            }) {
                Ok(fields) => break fields,
                Err(fault) => fault,
            };
            match fault.attribute {
                Some(attribute) if self.skip_bad_cells && is_optional(attribute) && !skipped.contains(&attribute) => {
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
        let (draft, phone_resolved) = fields;
        let has_several = |attribute| {
            let cell = self.cell(record, attribute);
            self.splits_cells
                && !skipped.contains(&attribute)
                && cell.is_some_and(|text| values::values_in(text).nth(1).is_some())
        };
        Ok(Row {
            has_several_phones: has_several(Attribute::Phone),
            has_several_emails: has_several(Attribute::Email),
            draft,
            phone_resolved,
            left_out,
        })
    }

    /// The cell of an attribute other than the name.
    fn cell<'r>(&self, record: &Record<'r>, attribute: Attribute) -> Option<&'r str> {
        self.read(record, self.mapping.column(record, attribute)?)
    }

    /// The cell in a column. In an exact import, a cell of invisible characters is a value, because an export wrote it.
    fn read<'r>(&self, record: &Record<'r>, column: usize) -> Option<&'r str> {
        match self.splits_cells {
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
            Some(text) if self.splits_cells => values::values_in(text).next(),
            cell => cell,
        };
        let fault = |attribute, reason: &str| Fault {
            attribute: Some(attribute),
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
        let platform = text(Attribute::Platform).or_else(|| self.platform.map(str::to_owned));
        let platform = platform.map(|platform| platform_name(&platform));
        let stored = |phone| StoredPhone::read(phone, self.region, platform.as_deref().unwrap_or(DEFAULT_PLATFORM));
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
            contact_list: text(Attribute::ContactList).or_else(|| self.list.map(str::to_owned)),
            external_user_id: text(Attribute::ExternalUserId),
            default_stage_id: uuid(Attribute::DefaultStageId)?,
            ai_customer_id: uuid(Attribute::AiCustomerId)?,
        })
    }

    /// The non-blank parts of the name, joined by one blank.
    fn name(&self, record: &Record<'_>) -> Option<String> {
        let columns = self.mapping.columns(Attribute::Name);
        let parts: Vec<&str> = columns.iter().filter_map(|column| self.read(record, *column)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    fn reject(&self, record: &Record<'_>, fault: Fault) -> Rejection {
        let identities = [Attribute::ExternalUserId, Attribute::Phone, Attribute::Email];
        let column = match fault.attribute {
            Some(Attribute::Name) => self.mapping.names(&[Attribute::Name]),
            Some(attribute) => {
                let column = self.mapping.column(record, attribute);
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
