//! Checks a file before its import: compares its rows with the client's contacts and with each other. Writes nothing.
//!
//! [`Check::open`] reads the header, [`Check::mapping`] shows the recognised columns, [`Check::run`] judges the rows.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read};

use super::checked_file::{RowPerson, input_cells};
use super::decoder::Encoding;
use super::file_options::{FileOptions, PlatformError};
use super::header::{HeaderError, Mapping};
use super::header_error::ColumnAdvice;
use super::lookalikes::Lookalike;
use super::read_error::ReadError;
use super::report::write_notes;
use super::row::RowOptions;
use super::rows::{PROGRESS_EVERY, Rows};
use super::table::ReadSheet;
use super::verdict_counts::VerdictCounts;
use crate::domain::client::ClientId;
use crate::domain::counted::counted;
use crate::domain::phone::Region;
use crate::store::check::{self, CheckEvent, CheckRules, CheckStaging, CheckedLine};
use crate::store::{PgConnection, StoreError};

/// Options for a whole file.
#[derive(Clone, Default, Debug)]
pub struct CheckOptions {
    /// How to read the file.
    pub file: FileOptions,
    /// The least probability at which two records are likely the same person. `None` means that of the model.
    pub threshold: Option<f64>,
    /// Whether each checked line must have the cells of the file, for a [`super::CheckedFile`].
    pub keep_cells: bool,
    /// Whether each row is also reported with its person, as [`CheckStep::Row`].
    pub show_people: bool,
}

/// A step of a check.
#[derive(Clone, PartialEq, Debug)]
pub enum CheckStep {
    /// This many bytes of the file have been read.
    Read(u64),
    /// The next row has been read. It is about this person.
    Row(RowPerson),
    /// This many contacts have been read.
    Contacts(u64),
    /// The verdict about the next line. `of` is the number of lines.
    Line { line: CheckedLine, of: u64 },
}

/// Why a file was not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file has more than {0} rows: check it with `contact-search check`, which has no limit")]
    TooManyRows(usize),
    #[error("the output file can't be written")]
    File(#[from] io::Error),
    #[error("standard output can't be written")]
    Output(#[source] io::Error),
}

/// The result of a check.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CheckReport {
    /// Rows that are not blank: the sum of the counts of the six verdicts.
    pub read: u64,
    pub verdicts: VerdictCounts,
    /// Groups of rows that are one person.
    pub groups: u64,
    /// Ignored columns that look like phone or email columns.
    pub lookalikes: Vec<Lookalike>,
    /// The encoding of the file, unless it is UTF-8.
    pub encoding: Option<Encoding>,
    /// The sheet that was read, if the file is a workbook.
    pub sheet: Option<ReadSheet>,
}

impl CheckReport {
    /// What the user should know about how the file was read: one line per note.
    pub fn notes(&self, advice: ColumnAdvice) -> String {
        struct Notes<'r>(&'r CheckReport, ColumnAdvice);
        impl fmt::Display for Notes<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(report, advice) = self;
                write_notes(f, *advice, &report.lookalikes, report.encoding, report.sheet.as_ref())
            }
        }
        Notes(self, advice).to_string().trim_start().to_owned()
    }

    fn count(&mut self, line: &CheckedLine) {
        self.verdicts.add(line.verdict, 1);
        self.groups += u64::from(line.group == Some(line.line));
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            read,
            verdicts,
            groups,
            lookalikes,
            encoding,
            sheet,
        } = self;
        write!(f, "{} read = {verdicts}", counted(*read, "row", "rows"))?;
        match groups {
            0 => {}
            1 => write!(f, "\n1 group of rows that are one person")?,
            groups => write!(f, "\n{groups} groups of rows that are one person each")?,
        }
        write_notes(f, ColumnAdvice::Option, lookalikes, *encoding, sheet.as_ref())
    }
}

/// A file whose header has been read and understood.
pub struct Check<R> {
    rows: Rows<R>,
    options: CheckOptions,
}

impl<R: Read> Check<R> {
    /// Checks the options and reads the header: all checks that need no database.
    ///
    /// # Errors
    /// [`CheckError::Platform`], [`CheckError::Read`] and [`CheckError::Header`].
    pub fn open(source: R, options: CheckOptions) -> Result<Self, CheckError> {
        let rows = Rows::open::<CheckError>(source, &options.file)?;
        Ok(Self { rows, options })
    }

    /// The columns recognised in the header.
    pub fn mapping(&self) -> &Mapping {
        self.rows.mapping()
    }

    /// The names of all columns.
    pub fn header(&self) -> &[String] {
        self.rows.header()
    }

    /// The sheet that is read, if the file is a workbook.
    pub fn sheet(&self) -> Option<&ReadSheet> {
        self.rows.sheet()
    }

    /// Judges each row. `default_region` is that of the client. Calls `observe` with the verdicts in the order of the lines.
    ///
    /// # Errors
    /// Those of `observe`. [`CheckError::Read`] if the file is broken. [`CheckError::Store`] if the database fails.
    pub fn run(
        mut self,
        connection: &mut PgConnection,
        client: ClientId,
        default_region: Region,
        observe: &mut dyn FnMut(CheckStep) -> Result<(), CheckError>,
    ) -> Result<CheckReport, CheckError> {
        let mut report = CheckReport::default();
        let mut verdicts = CheckReport::default();
        let rules = CheckRules::with_threshold(self.options.threshold);
        let steps = RefCell::new((&mut report, observe));
        check::check(
            connection,
            client,
            rules,
            |staging| {
                let (report, observe) = &mut *steps.borrow_mut();
                self.stage(staging, (client, default_region), report, observe)
            },
            &mut |event| {
                let (report, observe) = &mut *steps.borrow_mut();
                match event {
                    CheckEvent::Contacts(contacts) => observe(CheckStep::Contacts(contacts)),
                    CheckEvent::Line(line) => {
                        verdicts.count(&line);
                        observe(CheckStep::Line { line, of: report.read })
                    }
                }
            },
        )?;
        Ok(CheckReport {
            read: report.read,
            lookalikes: report.lookalikes,
            encoding: self.rows.encoding(),
            sheet: self.rows.sheet().cloned(),
            ..verdicts
        })
    }

    fn stage(
        &mut self,
        staging: &mut CheckStaging<'_>,
        (client, default_region): (ClientId, Region),
        report: &mut CheckReport,
        observe: &mut dyn FnMut(CheckStep) -> Result<(), CheckError>,
    ) -> Result<(), CheckError> {
        let Self { rows, options } = self;
        let width = rows.header().len();
        let row_options = RowOptions {
            client,
            region: options.file.region.unwrap_or(default_region),
            list: None,
            platform: options.file.platform.as_deref(),
            exact: false,
            skip_bad_cells: false,
            now: staging.now(),
        };
        report.lookalikes = rows.for_each(row_options, |read| {
            report.read += 1;
            if options.show_people {
                observe(CheckStep::Row(RowPerson::of(read.mapping, read.record)))?;
            }
            let cells = options.keep_cells.then(|| input_cells(read.record, width));
            match read.parsed {
                Ok(row) => staging.push(read.line, row.contacts, cells)?,
                Err(rejection) => {
                    let fault = match &rejection.column {
                        Some(column) => format!("column {column}: {}", rejection.reason),
                        None => rejection.reason,
                    };
                    staging.push_invalid(read.line, fault, cells)?;
                }
            }
            if report.read.is_multiple_of(PROGRESS_EVERY) {
                observe(CheckStep::Read(read.position))?;
            }
            Ok::<_, CheckError>(())
        })?;
        observe(CheckStep::Read(rows.position()))
    }
}
