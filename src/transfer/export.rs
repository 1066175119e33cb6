//! Writes a client's contacts as CSV, either for `import` or for a spreadsheet.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use uuid::Uuid;

use super::csv::{escape_for_spreadsheet, push_record};
use crate::domain::contact::{Attribute, FUTURE_TOLERANCE};
use crate::domain::counted::counted;
use crate::domain::phone::whatsapp_id::{is_group_or_channel, is_hidden_number};
use crate::domain::phone::{Region, StoredPhone};
use crate::store::clients::Client;
use crate::store::export::{self, ExportedRow};
use crate::store::{PgConnection, StoreError};

/// The consumer of an exported file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// `import`, which reads every cell unchanged.
    Import,
    /// A spreadsheet. Some cells begin with an apostrophe, so that it shows them as text.
    Spreadsheet,
}

/// The result of an export, and how many contacts `import` would change.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct ExportReport {
    pub contacts: u64,
    /// Contacts that `import` without `--exact` would merge with another contact.
    pub doubles: u64,
    /// Contacts that an import would not restore exactly: with blanks around a text, with a phone that was read in
    /// another region, or with a time that import refuses.
    pub changed: u64,
}

impl fmt::Display for ExportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exported", counted(self.contacts, "contact", "contacts"))?;
        if self.doubles > 0 {
            write!(
                f,
                "\n{} phone or email with another contact on the same platform: import would merge them, but import \
                 --exact keeps them apart",
                counted(self.doubles, "contact shares its", "contacts share their")
            )?;
        }
        if self.changed > 0 {
            write!(
                f,
                "\n{} would change in an import, which trims blanks, reads phones in one region, and refuses future times",
                counted(self.changed, "contact", "contacts")
            )?;
        }
        Ok(())
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it can't be written")]
    Write(#[from] io::Error),
}

/// Writes a header and all contacts of a client, the oldest first, from one snapshot of the database.
///
/// # Errors
/// [`ExportError::Write`] if `out` can't be written. The file is then incomplete.
pub fn export(
    connection: &mut PgConnection,
    client: &Client,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<ExportReport, ExportError> {
    let mut report = ExportReport::default();
    let mut csv = csv_core::Writer::new();
    let mut line = Vec::new();
    if format == ExportFormat::Spreadsheet {
        // Without a byte order mark Excel does not read the file as UTF-8.
        line.extend_from_slice("\u{FEFF}".as_bytes());
    }
    push_record(
        &mut csv,
        &mut line,
        Attribute::ALL.map(|attribute| Some(attribute.name().into())),
    );
    out.write_all(&line)?;
    export::read_all(connection, client.id, |row| {
        let phone = phone_cell(&row, client.default_region);
        report.contacts += 1;
        report.doubles += u64::from(row.has_double);
        report.changed += u64::from(!survives_import(&row, phone.as_deref(), client.default_region));
        let cells = Attribute::ALL.map(|attribute| {
            let cell = cell(&row, phone.as_deref(), attribute);
            match format {
                ExportFormat::Spreadsheet if is_text(attribute) => {
                    cell.map(|text| escape_for_spreadsheet(&text).into())
                }
                _ => cell,
            }
        });
        line.clear();
        push_record(&mut csv, &mut line, cells);
        Ok::<_, ExportError>(out.write_all(&line)?)
    })?;
    out.flush()?;
    Ok(report)
}

/// The cell that `import` reads as the attribute.
fn cell<'r>(row: &'r ExportedRow, phone: Option<&'r str>, attribute: Attribute) -> Option<Cow<'r, str>> {
    let text = |text: &'r Option<String>| text.as_deref().map(Cow::from);
    let flag = |flag| Some(if flag { "true" } else { "false" }.into());
    let uuid = |uuid: Option<Uuid>| uuid.map(|uuid| Cow::from(uuid.to_string()));
    let time = |time: DateTime<Utc>| Cow::from(time.to_rfc3339_opts(SecondsFormat::Micros, true));
    match attribute {
        Attribute::Name => text(&row.name),
        Attribute::Phone => phone.map(Cow::from),
        Attribute::Email => text(&row.email),
        Attribute::Platform => Some(row.platform.as_str().into()),
        Attribute::Source => text(&row.source),
        Attribute::ChatStatus => Some(row.chat_status.as_str().into()),
        Attribute::Blocked => flag(row.blocked),
        Attribute::IsChatRead => flag(row.is_chat_read),
        Attribute::CreatedAt => Some(time(row.created_at)),
        Attribute::LastMessageAt => row.last_message_at.map(time),
        Attribute::LastInboundAt => row.last_inbound_at.map(time),
        Attribute::ContactList => Some(row.contact_list.as_str().into()),
        Attribute::ExternalUserId => text(&row.external_user_id),
        Attribute::DefaultStageId => uuid(row.default_stage_id),
        Attribute::AiCustomerId => uuid(row.ai_customer_id),
    }
}

/// The phone as given, if parsing it in the client's region yields the stored number, and if it is not the id of a
/// hidden number, a group or a channel. Otherwise the stored number with its extension. The parsed number differs from
/// the stored one for contacts whose phone was read in another region or by an earlier version, or was written by other
/// programs.
fn phone_cell(row: &ExportedRow, region: Region) -> Option<Cow<'_, str>> {
    let is_same = |text: &&str| is_stored(row, &StoredPhone::read(text.trim(), region, &row.platform));
    let is_id = |text: &&str| is_hidden_number(text.trim()) || is_group_or_channel(text.trim());
    let as_given = row
        .phone_as_given
        .as_deref()
        .filter(|text| is_same(text) && !is_id(text));
    let stored = || match (&row.phone, &row.phone_extension) {
        (Some(phone), Some(extension)) => Some(format!("{phone};ext={extension}").into()),
        (phone, _) => phone.as_deref().map(Cow::from),
    };
    as_given.map(Cow::from).or_else(stored)
}

/// Whether the contact's stored phone equals the phone that was read.
fn is_stored(row: &ExportedRow, read: &StoredPhone) -> bool {
    (&read.phone, &read.key, &read.extension) == (&row.phone, &row.phone_key, &row.phone_extension)
        && read.identifies == row.phone_identifies
}

/// Whether an exact import of this record restores the same contact. The importing client is empty,
/// and `region` is its default region.
fn survives_import(row: &ExportedRow, phone: Option<&str>, region: Region) -> bool {
    let phone_survives = match phone {
        Some(cell) => {
            let read = StoredPhone::read(cell.trim(), region, &row.platform);
            row.phone.is_some() && is_stored(row, &read) && row.phone_as_given.as_ref() == Some(&read.as_given)
        }
        None => row.phone_as_given.is_none(),
    };
    let texts = [&row.name, &row.email, &row.source, &row.external_user_id];
    let mut texts = texts
        .into_iter()
        .flatten()
        .chain([&row.platform, &row.chat_status, &row.contact_list]);
    // RFC 3339 has no years before 1 or after 9999.
    let is_time = |time: &DateTime<Utc>| (1..=9999).contains(&time.year()) && *time <= row.now + FUTURE_TOLERANCE;
    let mut times = [Some(row.created_at), row.last_message_at, row.last_inbound_at]
        .into_iter()
        .flatten();
    phone_survives && texts.all(|text| !text.is_empty() && text.trim() == text) && times.all(|time| is_time(&time))
}

/// Whether a person wrote the cell's text. The other cells contain no formulas, and may be read as numbers or times.
fn is_text(attribute: Attribute) -> bool {
    use Attribute::*;
    !matches!(
        attribute,
        Blocked | IsChatRead | CreatedAt | LastMessageAt | LastInboundAt | DefaultStageId | AiCustomerId
    )
}
