//! `POST /page/check`: checks a file that a user has chosen on the search page. The body is the file.
//!
//! The whole file is checked at once, with the reader and the engine of `contact-search check`. So the verdicts are
//! those of the command. Parts of a file that are checked one by one would not be compared with each other. They would
//! also get other scores, because the score of a name depends on all rows. For 12,000 rows and a million contacts,
//! parts of 1,000 rows missed 693 of 744 duplicates within the file, and took 6.7 times as long. The file is in memory
//! until it has been read, and its rows are in temporary tables until the check ends. Nothing is stored.
//!
//! The answer comes while the check runs. It is one JSON object per line, and blank lines that keep the connection
//! open. [`Part`] describes the objects.

use std::collections::VecDeque;
use std::io::{self, Cursor};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::domain::client::ClientId;
use crate::domain::phone::Region;
use crate::http::error::{ApiError, ErrorBody, ErrorShape, chain};
use crate::http::middleware::idle_connections::Connection;
use crate::http::request::body::{self, Payload};
use crate::http::request::context::Caller;
use crate::http::request::limits::FILE_MAX;
use crate::http::state::State;
use crate::store::check::CheckedLine;
use crate::store::{PgConnection, StoreError};
use crate::transfer::ColumnAdvice;
use crate::transfer::check::{Check, CheckError, CheckOptions, CheckReport, CheckStep};
use crate::transfer::{CheckedFile, RowPerson};

/// How long the upload of the file may take.
const UPLOAD_MAX: Duration = Duration::from_secs(120);

/// The most rows of a file. Those whose verdict is missing are in memory.
const ROWS_MAX: usize = 200_000;

/// How long a check may take, after the upload.
const CHECK_MAX: Duration = Duration::from_secs(15 * 60);

/// The rows that one part of the answer has.
const ROWS_PER_PART: usize = 1_000;

/// The parts that wait for a client that reads slowly.
const PARTS_WAITING: usize = 4;

/// How long a check waits for a client to take a part. Other clients wait for the check.
const TAKING_MAX: Duration = Duration::from_secs(30);

/// The pause after which a blank line keeps the connection open.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The least time between two parts about the progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// A part of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Part<'p> {
    /// The first part.
    File {
        /// How the columns were understood, in English.
        columns: String,
        /// The first line of the result as CSV.
        csv: &'p str,
    },
    /// Bytes of the file that have been read, of all of them.
    Read { bytes: u64, of: usize },
    /// Contacts of the client that have been read.
    Contacts(u64),
    /// The next rows, of all of them.
    Rows {
        rows: &'p [Row],
        of: u64,
        /// The rows of the result as CSV, safe for spreadsheets.
        csv: &'p str,
    },
    /// The last part of a complete answer.
    Done {
        read: u64,
        groups: u64,
        /// What the user should know about how the file was read, in English. One note per line.
        notes: String,
    },
    /// The last part of an answer that is not complete: a problem document.
    Error(ErrorBody),
}

/// A row of the file, and the verdict about it. The members are those of `contact-search check --json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    line: u64,
    verdict: String,
    score: f64,
    reasons: Vec<String>,
    contact_ids: Vec<Uuid>,
    duplicate_of: Option<u64>,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
}

impl Row {
    fn new(line: CheckedLine, person: RowPerson) -> Self {
        Self {
            line: line.line,
            verdict: line.verdict.to_string(),
            score: line.shown_score(),
            reasons: line.reasons,
            contact_ids: line.contact_ids,
            duplicate_of: line.duplicate_of,
            name: person.name,
            phone: person.phone,
            email: person.email,
        }
    }
}

/// Answers 200 with the verdicts, or with an error if the file's header can't be read.
pub async fn check_file(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let Caller { client, region, start } = caller;
    let upload = state.file_checks.take_upload_permit().await?;
    let file = body::read_whole(payload, FILE_MAX, start + UPLOAD_MAX).await?;
    // Only now, so that a slow upload does not keep other clients from their checks.
    let permit = state.file_checks.take_permit().await?;
    drop(upload);
    let options = CheckOptions {
        keep_cells: true,
        show_people: true,
        ..CheckOptions::default()
    };
    let size = file.len();
    // A workbook is unpacked here, which takes long.
    let opened = web::block(move || Check::open(Cursor::new(file), options)).await;
    let check = opened
        .map_err(|canceled| ApiError::Internal(Box::new(canceled)))?
        .map_err(error_of)?;
    let (parts, receiver) = mpsc::channel(PARTS_WAITING);
    let connect = state.file_checks.connector();
    let shared = state.clone();
    // The check ends by itself, because the channel closes when the client goes away.
    drop(web::block(move || {
        let _permit = permit;
        let mut answer = Answer::new(parts, size);
        let outcome = connect()
            .map_err(CheckError::from)
            .and_then(|mut connection| answer.run(check, &mut connection, client, region));
        if let Err(error) = outcome {
            let error = error_of(error);
            if !answer.parts.is_closed() {
                shared.metrics.count_failure(&error);
                if error.status_code().is_server_error() {
                    log::warn!("a check of a file failed: {}", chain(&error));
                }
                // The client may be gone.
                let _ = answer.send(&Part::Error(error.body(ErrorShape::Problem)));
            }
        }
    }));
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(parts_of(receiver, connection)))
}

fn error_of(error: CheckError) -> ApiError {
    match error {
        CheckError::Header(error) => ApiError::File {
            fault: error.message(ColumnAdvice::File),
        },
        CheckError::Read(_) | CheckError::Platform(_) | CheckError::TooManyRows(_) => ApiError::File {
            fault: error.to_string(),
        },
        CheckError::Store(StoreError::Late | StoreError::TimedOut(_)) => ApiError::CheckTooLate,
        CheckError::Store(error) => error.into(),
        CheckError::File(error) | CheckError::Output(error) => ApiError::Internal(Box::new(error)),
    }
}

/// The answer as a stream. A client that does not read stops it, and the server closes its connection after some time.
fn parts_of(
    receiver: Receiver<Bytes>,
    connection: Option<Arc<Connection>>,
) -> impl Stream<Item = Result<Bytes, io::Error>> {
    stream::unfold((receiver, connection), |(mut receiver, connection)| async move {
        let part = match timeout(PAUSE_MAX, receiver.recv()).await {
            Ok(part) => part?,
            Err(_) => Bytes::from_static(b"\n"),
        };
        if let Some(connection) = &connection {
            connection.touch();
        }
        Some((Ok(part), (receiver, connection)))
    })
}

/// Writes the answer while the check runs.
struct Answer {
    parts: Sender<Bytes>,
    size: usize,
    deadline: Instant,
    last_progress: Instant,
    /// The people of the rows whose verdict is missing, in the order of the rows.
    people: VecDeque<RowPerson>,
    rows: Vec<Row>,
}

impl Answer {
    fn new(parts: Sender<Bytes>, size: usize) -> Self {
        let now = Instant::now();
        Self {
            parts,
            size,
            deadline: now + CHECK_MAX,
            last_progress: now,
            people: VecDeque::new(),
            rows: Vec::new(),
        }
    }

    fn run(
        &mut self,
        check: Check<Cursor<Vec<u8>>>,
        connection: &mut PgConnection,
        client: ClientId,
        region: Region,
    ) -> Result<(), CheckError> {
        let mut csv = CheckedFile::begin(Vec::new(), check.header())?;
        self.send(&Part::File {
            columns: check.mapping().to_string(),
            csv: &take_text(&mut csv),
        })?;
        let report = check.run(connection, client, region, &mut |step| {
            if Instant::now() > self.deadline {
                return Err(StoreError::Late.into());
            }
            match step {
                CheckStep::Row(_) if self.people.len() == ROWS_MAX => return Err(CheckError::TooManyRows(ROWS_MAX)),
                CheckStep::Row(person) => self.people.push_back(person),
                CheckStep::Read(bytes) => self.send_progress(&Part::Read { bytes, of: self.size })?,
                CheckStep::Contacts(contacts) => self.send_progress(&Part::Contacts(contacts))?,
                CheckStep::Line { line, of } => {
                    csv.push(&line)?;
                    let person = self.people.pop_front().unwrap_or_default();
                    self.rows.push(Row::new(line, person));
                    if self.rows.len() == ROWS_PER_PART {
                        self.send_rows(of, &take_text(&mut csv))?;
                    }
                }
            }
            Ok(())
        })?;
        if !self.rows.is_empty() {
            self.send_rows(report.read, &take_text(&mut csv))?;
        }
        let CheckReport { read, groups, .. } = report;
        let notes = report.notes(ColumnAdvice::File);
        self.send(&Part::Done { read, groups, notes })
    }

    fn send_rows(&mut self, of: u64, csv: &str) -> Result<(), CheckError> {
        let rows = mem::take(&mut self.rows);
        self.send(&Part::Rows { rows: &rows, of, csv })
    }

    fn send_progress(&mut self, part: &Part<'_>) -> Result<(), CheckError> {
        if self.last_progress.elapsed() < PROGRESS_EVERY {
            return Ok(());
        }
        self.last_progress = Instant::now();
        self.send(part)
    }

    /// Fails if the client has gone away, or takes nothing for [`TAKING_MAX`].
    fn send(&self, part: &Part<'_>) -> Result<(), CheckError> {
        let mut line = serde_json::to_vec(part).map_err(io::Error::from)?;
        line.push(b'\n');
        let limit = self.deadline.min(Instant::now() + TAKING_MAX);
        let sent = Handle::current().block_on(timeout_at(limit, self.parts.send(line.into())));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CheckError::Output(io::ErrorKind::BrokenPipe.into())),
            Err(_) => Err(CheckError::Output(io::ErrorKind::TimedOut.into())),
        }
    }
}

/// Takes what has been written so far. The cells of a file are text, and so is its CSV.
fn take_text(csv: &mut CheckedFile<Vec<u8>>) -> String {
    String::from_utf8_lossy(&mem::take(csv.out())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_ends_if_the_client_takes_nothing() {
        let sent = actix_web::rt::System::new().block_on(async {
            let (parts, receiver) = mpsc::channel(1);
            let sent = web::block(move || {
                let mut answer = Answer::new(parts, 0);
                answer.deadline = Instant::now() + Duration::from_millis(20);
                [(); 2].map(|()| answer.send(&Part::Contacts(1)))
            });
            let sent = sent.await.unwrap();
            drop(receiver);
            sent
        });
        assert!(sent[0].is_ok());
        assert!(matches!(&sent[1], Err(CheckError::Output(error)) if error.kind() == io::ErrorKind::TimedOut));
    }
}
