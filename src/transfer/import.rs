//! Imports a delimited file into a client's contacts: all of it or nothing.
//!
//! [`Import::open`] reads the header, [`Import::mapping`] shows the recognised columns, [`Import::run`] imports.

use std::fmt;
use std::io::Read;

use super::header::{ColumnChoice, HeaderError, Mapping};
use super::reader::{ReadError, Record, Records};
use super::values;
use crate::domain::client::NAME_MAX;
use crate::domain::contact::{Attribute, ContactDraft, ContactError, ContactFields, DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Region, StoredPhone};
use crate::store::clients::Client;
use crate::store::import::{self, Rules, Staging};
use crate::store::{PgConnection, StoreError};

/// The interval between progress events, in records.
const PROGRESS_EVERY: u64 = 1000;

/// The source of new contacts if the file has no source column. If it has one, a blank cell means no source.
const SOURCE: &str = "csv_import";

/// Options for a whole file.
#[derive(Clone, Default, Debug)]
pub struct ImportOptions {
    /// Columns chosen by the user. They override the names in the header.
    pub columns: Vec<ColumnChoice>,
    /// The region for phones without a calling code. `None` means the client's default region.
    pub region: Option<Region>,
    /// The contact list for rows without one, created if it does not exist. `None` leaves existing contacts in their
    /// list, and puts new ones into the client's default list.
    pub list: Option<String>,
    /// The platform for rows without one. `None` means `other`.
    pub platform: Option<String>,
    /// Whether a row matches only the contact that has exactly the row's identity. For files that
    /// `export` wrote.
    pub exact: bool,
    /// Whether to skip rows that can't be imported, instead of importing nothing.
    pub skip_bad_rows: bool,
}

/// A step of an import. Events are sent as they happen, because the rejected rows of a file may not fit into memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// This many bytes of the file have been read.
    Read(u64),
    /// A row can't be imported. Rejections come in the order of lines.
    Rejected(Rejection),
    /// The file has been read, and its rows are being merged with the existing contacts.
    Merging,
    /// The transaction is committed.
    Done,
}

/// A row that can't be imported. It names the place and the reason, never the contents of the row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// The line in which the row begins. The first line of the file is 1.
    pub line: u64,
    /// The column or columns, as named in the header. `None` if the row as a whole is wrong.
    pub column: Option<String>,
    pub reason: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

/// The result of an import. Every row is counted once. Blank rows are not counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportReport {
    /// `created + updated + unchanged + merged + rejected`.
    pub read: u64,
    /// New contacts.
    pub created: u64,
    /// Existing contacts that have changed.
    pub updated: u64,
    /// Existing contacts that already had the values of the file.
    pub unchanged: u64,
    /// Further rows about the same contact, merged with the contact's first row.
    pub merged: u64,
    pub rejected: u64,
    /// Phones of imported rows that are not valid numbers. They are stored as written. A phone
    /// without digits is also counted here, but it is stored as blank.
    pub phones_unresolved: u64,
    /// Rows with the same invalid phone as another row or an existing contact, but with another
    /// email. Only that phone joined them.
    pub doubtful: u64,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            read,
            created,
            updated,
            unchanged,
            merged,
            rejected,
            phones_unresolved,
            doubtful,
        } = self;
        write!(
            f,
            "{read} rows read = {created} created + {updated} updated + {unchanged} unchanged \
             + {merged} merged within the file + {rejected} rejected"
        )?;
        match phones_unresolved {
            0 => {}
            1 => write!(f, "\n1 phone is not a valid number")?,
            count => write!(f, "\n{count} phones are not valid numbers")?,
        }
        if *doubtful > 0 {
            let rows = if *doubtful == 1 { "row shares" } else { "rows share" };
            write!(
                f,
                "\n{doubtful} {rows} such a phone with a contact that has another email: contacts with the same phone \
                 were merged, so check the phone column (a spreadsheet may have damaged it)"
            )?;
        }
        Ok(())
    }
}

/// Why a file was not imported. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("the {0} must have 1 to {1} characters")]
    Length(&'static str, usize),
    /// Each rejected row was sent as an [`Event::Rejected`].
    #[error(
        "{rejected} of {read} rows can't be imported, so nothing was written: correct them, or skip them with \
         --skip-bad-rows"
    )]
    Rejected { read: u64, rejected: u64 },
    #[error("other programs kept writing the same contacts, so nothing was written: run the import again")]
    Contended(#[source] StoreError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(_) | StoreError::Contended => ImportError::Contended(error),
            error => ImportError::Store(error),
        }
    }
}

/// A file whose header has been read and understood.
pub struct Import<R> {
    records: Records<R>,
    mapping: Mapping,
    options: ImportOptions,
}

impl<R: Read> Import<R> {
    /// Checks the options and reads the header: all checks that need no database.
    ///
    /// # Errors
    /// [`ImportError::Length`], [`ImportError::Read`] and [`ImportError::Header`].
    pub fn open(source: R, options: ImportOptions) -> Result<Self, ImportError> {
        check_length("list's name", &options.list, NAME_MAX)?;
        check_length("platform", &options.platform, 64)?;
        let mut records = Records::open(source)?;
        let record = records.next()?.ok_or(ReadError::Empty)?;
        let header = (0..record.len()).map(|index| record.get(index).unwrap_or_default().to_owned());
        let mapping = Mapping::new(header.collect(), &options.columns)?;
        Ok(Self {
            records,
            mapping,
            options,
        })
    }

    /// The columns recognised in the header.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Imports the rows in one transaction. The file is read to its end even after a rejected row, so that `observe`
    /// gets all rejections.
    ///
    /// A row with a known identity updates its contact: blank cells leave values unchanged, and times only move
    /// forward. Within the file, the last row with a value wins.
    ///
    /// # Errors
    /// [`ImportError::Rejected`] if a row was rejected, unless bad rows are skipped. [`ImportError::Read`] if the file
    /// is broken. [`ImportError::Contended`] and [`ImportError::Store`] if the database fails.
    pub fn run(
        mut self,
        connection: &mut PgConnection,
        client: &Client,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ImportReport, ImportError> {
        let mut counts = Counts::default();
        let default_source = self.mapping.columns(Attribute::Source).is_empty().then_some(SOURCE);
        let rules = Rules {
            default_source,
            exact: self.options.exact,
        };
        let merged = import::import(connection, client.id, rules, |staging| {
            self.stage(staging, client, &mut counts, observe)?;
            observe(Event::Merging);
            Ok::<_, ImportError>(())
        })?;
        observe(Event::Done);
        let contacts = merged.created + merged.updated + merged.unchanged;
        Ok(ImportReport {
            read: counts.read,
            created: merged.created,
            updated: merged.updated,
            unchanged: merged.unchanged,
            merged: counts.read - counts.rejected - contacts,
            rejected: counts.rejected,
            phones_unresolved: counts.phones_unresolved,
            doubtful: merged.doubtful,
        })
    }

    fn stage(
        &mut self,
        staging: &mut Staging<'_>,
        client: &Client,
        counts: &mut Counts,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), ImportError> {
        let parser = RowParser {
            mapping: &self.mapping,
            region: self.options.region.unwrap_or(client.default_region),
            options: &self.options,
        };
        let now = staging.now();
        while let Some(record) = self.records.next()? {
            if record.is_blank() {
                continue;
            }
            counts.read += 1;
            let draft = parser.parse(&record).and_then(|fields| {
                let resolved = fields.phone.as_ref().is_none_or(|phone| phone.resolved);
                let draft = ContactDraft::new(fields, now).map_err(|error| parser.reject_contact(&record, &error))?;
                Ok((draft, resolved))
            });
            match draft {
                Err(rejection) => {
                    counts.rejected += 1;
                    observe(Event::Rejected(rejection));
                }
                Ok((draft, resolved)) => {
                    counts.phones_unresolved += u64::from(!resolved);
                    if counts.rejected == 0 || self.options.skip_bad_rows {
                        staging.push_numbered(record.line, draft)?;
                    }
                }
            }
            if counts.read.is_multiple_of(PROGRESS_EVERY) {
                observe(Event::Read(self.records.position()));
            }
        }
        observe(Event::Read(self.records.position()));
        if counts.rejected > 0 && !self.options.skip_bad_rows {
            return Err(ImportError::Rejected {
                read: counts.read,
                rejected: counts.rejected,
            });
        }
        Ok(())
    }
}

fn check_length(what: &'static str, text: &Option<String>, max: usize) -> Result<(), ImportError> {
    match text {
        Some(text) if text.trim().is_empty() || text.chars().count() > max => Err(ImportError::Length(what, max)),
        _ => Ok(()),
    }
}

/// Counters while the file is read.
#[derive(Default)]
struct Counts {
    read: u64,
    rejected: u64,
    phones_unresolved: u64,
}

/// Parses rows into contact fields.
struct RowParser<'a> {
    mapping: &'a Mapping,
    region: Region,
    options: &'a ImportOptions,
}

impl RowParser<'_> {
    fn parse(&self, record: &Record<'_>) -> Result<ContactFields, Rejection> {
        let width = self.mapping.width();
        if record.len() != width {
            return Err(Rejection {
                line: record.line,
                column: None,
                reason: format!("the row has {} cells, but the header has {width}", record.len()),
            });
        }
        let cell = |attribute: Attribute| {
            let column = self.mapping.columns(attribute).first()?;
            record.get(*column)
        };
        let text = |attribute| cell(attribute).map(str::to_owned);
        let boolean = |attribute| match cell(attribute) {
            None => Ok(None),
            Some(text) => match values::boolean(text) {
                None => Err(self.reject(record, &[attribute], "it is neither true nor false")),
                some => Ok(some),
            },
        };
        let time = |attribute| match cell(attribute) {
            None => Ok(None),
            Some(text) => match values::time(text) {
                None => {
                    let reason = "the time can't be read: write it as 2024-12-31 or 2024-12-31T23:59:59Z";
                    Err(self.reject(record, &[attribute], reason))
                }
                some => Ok(some),
            },
        };
        let uuid = |attribute| match cell(attribute) {
            None => Ok(None),
            Some(text) => match values::uuid(text) {
                None => {
                    let reason = "it is not a UUID: write it as 0198c0de-0000-7000-8000-000000000000";
                    Err(self.reject(record, &[attribute], reason))
                }
                some => Ok(some),
            },
        };
        let platform = text(Attribute::Platform).or_else(|| self.options.platform.clone());
        let platform = platform.map(|platform| platform_name(&platform));
        let stored = |phone| StoredPhone::read(phone, self.region, platform.as_deref().unwrap_or(DEFAULT_PLATFORM));
        Ok(ContactFields {
            name: self.name(record),
            phone: cell(Attribute::Phone).map(stored),
            email: text(Attribute::Email),
            platform,
            source: text(Attribute::Source),
            chat_status: text(Attribute::ChatStatus),
            blocked: boolean(Attribute::Blocked)?,
            is_chat_read: boolean(Attribute::IsChatRead)?,
            created_at: time(Attribute::CreatedAt)?,
            last_message_at: time(Attribute::LastMessageAt)?,
            last_inbound_at: time(Attribute::LastInboundAt)?,
            contact_list: text(Attribute::ContactList).or_else(|| self.options.list.clone()),
            external_user_id: text(Attribute::ExternalUserId),
            default_stage_id: uuid(Attribute::DefaultStageId)?,
            ai_customer_id: uuid(Attribute::AiCustomerId)?,
        })
    }

    /// The non-blank parts of the name, joined by one blank.
    fn name(&self, record: &Record<'_>) -> Option<String> {
        let columns = self.mapping.columns(Attribute::Name);
        let parts: Vec<&str> = columns.iter().filter_map(|column| record.get(*column)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    fn reject_contact(&self, record: &Record<'_>, error: &ContactError) -> Rejection {
        let identities = [Attribute::ExternalUserId, Attribute::Phone, Attribute::Email];
        match error.attribute() {
            Some(attribute) => self.reject(record, &[attribute], &error.to_string()),
            None => self.reject(record, &identities, &error.to_string()),
        }
    }

    fn reject(&self, record: &Record<'_>, attributes: &[Attribute], reason: &str) -> Rejection {
        Rejection {
            line: record.line,
            column: Some(self.mapping.names(attributes)),
            reason: reason.into(),
        }
    }
}
