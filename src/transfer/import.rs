//! Imports a delimited file into a client's contacts: all of it or nothing.
//!
//! [`Import::open`] reads the header, [`Import::mapping`] shows the recognised columns, [`Import::run`] imports.

use std::cell::RefCell;
use std::io::Read;

pub use super::decoder::Encoding;
pub use super::file_options::FileOptions;
use super::file_options::PlatformError;
use super::header::{HeaderError, Mapping};
pub use super::lines::Lines;
use super::lines::row_number;
use super::lookalikes::Lookalike;
use super::read_error::ReadError;
pub use super::report::{ImportReport, JudgedReport};
pub use super::row::Rejection;
use super::row::RowOptions;
use super::rows::{PROGRESS_EVERY, Rows};
pub use super::table::ReadSheet;
use super::verdict_counts::VerdictCounts;
use crate::domain::client::NAME_MAX;
use crate::domain::contact::Attribute;
use crate::domain::duplicates::Verdict;
use crate::store::check::CheckRules;
use crate::store::clients::Client;
use crate::store::import::{self, Merged, Rules, Staging};
pub use crate::store::judged_import::OnDuplicate;
use crate::store::judged_import::{JudgeRules, Judged, Refusal, import_judged};
use crate::store::{PgConnection, StoreError};

/// The source of new contacts if the file has no source column. If it has one, a blank cell means no source.
const SOURCE: &str = "csv_import";

/// Options for a whole file.
#[derive(Clone, Default, Debug)]
pub struct ImportOptions {
    /// How to read the file.
    pub file: FileOptions,
    /// The contact list for rows without one, created if it does not exist. `None` leaves existing contacts in their
    /// list, and puts new ones into the client's default list.
    pub list: Option<String>,
    /// Whether a row matches only the contact that has exactly the row's identity. For files that
    /// `export` wrote.
    pub exact: bool,
    /// Whether the verdicts of a check decide what is written, and what then happens to duplicates. If so, `exact` only
    /// decides how cells are read.
    pub on_duplicate: Option<OnDuplicate>,
    /// The least probability at which two records are likely the same person. `None` means that of the model. Has no
    /// effect without `on_duplicate`.
    pub threshold: Option<f64>,
    /// Whether to skip rows that can't be imported, instead of importing nothing.
    pub skip_bad_rows: bool,
    /// Whether to leave out an optional cell that can't be read, instead of rejecting its row.
    pub skip_bad_cells: bool,
}

/// A step of an import. Events are sent as they happen, because the rejected rows of a file may not fit into memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// This many bytes of the file have been read.
    Read(u64),
    /// A row can't be imported. Rejections come in the order of lines.
    Rejected(Rejection),
    /// A cell can't be read, and is left out of its row.
    CellLeftOut(Rejection),
    /// The import is refused, because of rejected rows or of verdicts. This ignored column may be the reason.
    Lookalike(Lookalike),
    /// The rows are being judged, and this many contacts have been read.
    Judging(u64),
    /// The file has been read, and its rows are being merged with the existing contacts.
    Merging,
    /// The transaction is committed.
    Done,
}

/// Why a file was not imported. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error("the list's name must have 1 to {NAME_MAX} characters")]
    ListName,
    /// Each rejected row was sent as an [`Event::Rejected`].
    #[error(
        "{rejected} of {read} rows can't be imported, so nothing was written: correct {them}, or skip {them} with \
         --skip-bad-rows",
        them = if *rejected == 1 { "it" } else { "them" }
    )]
    Rejected { read: u64, rejected: u64 },
    #[error(
        "{} of {read} rows are duplicates or conflicts, so nothing was written: {judged}; `contact-search check` \
         shows why",
        judged.duplicates.count + judged.conflicts.count
    )]
    NotNew { read: u64, judged: Box<JudgedReport> },
    /// Two rows give different contacts one identity, or a row gives its contact that of another contact.
    #[error(
        "nothing was written, because contacts would get the phone, the email or the external id that identifies another \
         contact: {lines}. Leave {} out, or correct {}",
        if lines.count == 1 { "this line" } else { "these lines" },
        if lines.count == 1 { "it" } else { "them" }
    )]
    Collisions {
        read: u64,
        verdicts: VerdictCounts,
        lines: Lines,
    },
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
    rows: Rows<R>,
    options: ImportOptions,
}

impl<R: Read> Import<R> {
    /// Checks the options and reads the header: all checks that need no database.
    ///
    /// # Errors
    /// [`ImportError::ListName`], [`ImportError::Platform`], [`ImportError::Read`] and [`ImportError::Header`].
    pub fn open(source: R, options: ImportOptions) -> Result<Self, ImportError> {
        let list = options.list.as_deref();
        if list.is_some_and(|name| name.trim().is_empty() || name.chars().count() > NAME_MAX) {
            return Err(ImportError::ListName);
        }
        let rows = Rows::open::<ImportError>(source, &options.file)?;
        Ok(Self { rows, options })
    }

    /// The columns recognised in the header.
    pub fn mapping(&self) -> &Mapping {
        self.rows.mapping()
    }

    /// The sheet that is read, if the file is a workbook.
    pub fn sheet(&self) -> Option<&ReadSheet> {
        self.rows.sheet()
    }

    /// Imports the rows in one transaction. The file is read to its end even after a rejected row, so that `observe`
    /// gets all rejections.
    ///
    /// A row with a known identity updates its contact: blank cells leave values unchanged, and times only move
    /// forward. Within the file, the last row with a value wins.
    ///
    /// # Errors
    /// [`ImportError::Rejected`] if a row was rejected, unless bad rows are skipped. [`ImportError::NotNew`] and
    /// [`ImportError::Collisions`] only if verdicts decide what is written. [`ImportError::Read`] if the file
    /// is broken. [`ImportError::Contended`] and [`ImportError::Store`] if the database fails.
    pub fn run(
        mut self,
        connection: &mut PgConnection,
        client: &Client,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ImportReport, ImportError> {
        let mut counts = Counts::default();
        let default_source = self.mapping().columns(Attribute::Source).is_empty().then_some(SOURCE);
        let (merged, judged) = match self.options.on_duplicate {
            None => {
                let rules = Rules {
                    default_source,
                    exact: self.options.exact,
                };
                let merged = import::import(connection, client.id, rules, |staging| {
                    self.stage(staging, client, &mut counts, observe)?;
                    observe(Event::Merging);
                    Ok::<_, ImportError>(())
                })?;
                (merged, None)
            }
            Some(on_duplicate) => {
                let (merged, judged) =
                    self.run_judged(connection, client, on_duplicate, default_source, &mut counts, observe)?;
                (merged, Some(judged))
            }
        };
        let rows_left_out = judged.as_ref().map_or(0, |judged| judged.rows_left_out);
        observe(Event::Done);
        let contacts = merged.created + merged.updated + merged.unchanged;
        Ok(ImportReport {
            read: counts.read,
            judged,
            created: merged.created,
            updated: merged.updated,
            unchanged: merged.unchanged,
            further_phones: counts.further_phones,
            merged: counts.read - counts.rejected + counts.further_phones - rows_left_out - contacts,
            rejected: counts.rejected,
            cells_left_out: counts.cells_left_out,
            phones_unresolved: counts.phones_unresolved,
            phones_kept: merged.phones_kept.into(),
            phones_replaced: merged.phones_replaced.into(),
            several_phones: counts.several_phones,
            several_emails: counts.several_emails,
            doubtful: merged.doubtful,
            lookalikes: counts.lookalikes,
            encoding: self.rows.encoding(),
            sheet: self.rows.sheet().cloned(),
        })
    }

    /// Imports the rows by their verdicts.
    fn run_judged(
        &mut self,
        connection: &mut PgConnection,
        client: &Client,
        on_duplicate: OnDuplicate,
        default_source: Option<&str>,
        counts: &mut Counts,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(Merged, JudgedReport), ImportError> {
        let rules = JudgeRules {
            on_duplicate,
            check: CheckRules::with_threshold(self.options.threshold),
            default_source,
        };
        let observe = RefCell::new(observe);
        let outcome = import_judged(
            connection,
            client.id,
            rules,
            |staging| Ok::<_, JudgedError>(self.stage(staging, client, counts, &mut **observe.borrow_mut())?),
            &mut |contacts| observe.borrow_mut()(Event::Judging(contacts)),
        );
        if let Err(JudgedError::Refused(_)) = &outcome {
            send_lookalikes(counts, &mut **observe.borrow_mut());
        }
        let counted = |verdicts: Vec<(Verdict, u64)>| {
            let mut counted = VerdictCounts::default();
            for (verdict, lines) in verdicts {
                counted.add(verdict, lines);
            }
            counted.add(Verdict::Invalid, counts.rejected);
            counted
        };
        match outcome {
            Ok(Judged {
                merged,
                verdicts,
                left_out,
            }) => Ok((merged, JudgedReport::new(on_duplicate, counted(verdicts), left_out))),
            Err(JudgedError::Import(error)) => Err(error),
            Err(JudgedError::Refused(Refusal::NotNew { verdicts, left_out })) => Err(ImportError::NotNew {
                read: counts.read,
                judged: Box::new(JudgedReport::new(on_duplicate, counted(verdicts), left_out)),
            }),
            Err(JudgedError::Refused(Refusal::Collisions { verdicts, rows })) => Err(ImportError::Collisions {
                read: counts.read,
                verdicts: counted(verdicts),
                lines: rows.into(),
            }),
        }
    }

    fn stage(
        &mut self,
        staging: &mut Staging<'_>,
        client: &Client,
        counts: &mut Counts,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), ImportError> {
        let Self { rows, options } = self;
        let row_options = RowOptions {
            client: client.id,
            region: options.file.region.unwrap_or(client.default_region),
            list: options.list.as_deref(),
            platform: options.file.platform.as_deref(),
            exact: options.exact,
            skip_bad_cells: options.skip_bad_cells,
            now: staging.now(),
        };
        counts.lookalikes = rows.for_each(row_options, |read| {
            let line = read.line;
            counts.read += 1;
            match read.parsed {
                Err(rejection) => {
                    counts.rejected += 1;
                    observe(Event::Rejected(rejection));
                }
                Ok(row) => {
                    for (times, lines) in [
                        (row.phones_unresolved, &mut counts.phones_unresolved),
                        (row.has_several_phones.into(), &mut counts.several_phones),
                        (row.has_several_emails.into(), &mut counts.several_emails),
                    ] {
                        (0..times).for_each(|_| lines.push(line));
                    }
                    for cell in row.left_out {
                        counts.cells_left_out += 1;
                        observe(Event::CellLeftOut(cell));
                    }
                    counts.further_phones += row.contacts.len() as u64 - 1;
                    if counts.rejected == 0 || options.skip_bad_rows {
                        for (index, contact) in row.contacts.into_iter().enumerate() {
                            staging.push_numbered(row_number(line, index), row.person, contact)?;
                        }
                    }
                }
            }
            if counts.read.is_multiple_of(PROGRESS_EVERY) {
                observe(Event::Read(read.position));
            }
            Ok::<_, ImportError>(())
        })?;
        observe(Event::Read(rows.position()));
        if counts.rejected > 0 && !self.options.skip_bad_rows {
            send_lookalikes(counts, observe);
            return Err(ImportError::Rejected {
                read: counts.read,
                rejected: counts.rejected,
            });
        }
        Ok(())
    }
}

fn send_lookalikes(counts: &mut Counts, observe: &mut dyn FnMut(Event)) {
    for lookalike in counts.lookalikes.drain(..) {
        observe(Event::Lookalike(lookalike));
    }
}

/// Why an import by verdicts failed. The refusal lacks what the reader of the file has counted.
enum JudgedError {
    Import(ImportError),
    Refused(Refusal),
}

impl From<ImportError> for JudgedError {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<StoreError> for JudgedError {
    fn from(error: StoreError) -> Self {
        Self::Import(error.into())
    }
}

impl From<Refusal> for JudgedError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Counters while the file is read.
#[derive(Default)]
struct Counts {
    read: u64,
    rejected: u64,
    further_phones: u64,
    cells_left_out: u64,
    phones_unresolved: Lines,
    several_phones: Lines,
    several_emails: Lines,
    lookalikes: Vec<Lookalike>,
}
