//! Every way in which a request can fail.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use crate::domain::key::Scope;
use crate::store::StoreError;
use crate::store::contacts::EditRefusal;
use crate::store::migrations::MigrationError;

/// Every way in which a request can fail. Each has one [`ErrorCode`](super::ErrorCode), and with it one status.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("no such path")]
    NotFound,
    #[error("no such method here")]
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: String,
    },
    #[error("no key")]
    KeyMissing,
    #[error("an unknown key")]
    KeyUnknown,
    #[error("an expired or revoked key")]
    KeyEnded,
    #[error("a key without the scope")]
    ScopeMissing {
        needed: Scope,
        /// The scopes of the key.
        has: Vec<Scope>,
    },
    #[error("more requests than the key's limit")]
    TooMany {
        /// Seconds until the key may make one more request.
        seconds: u64,
    },
    #[error("a delivery with a missing or wrong signature")]
    SignatureWrong,
    #[error("a handshake with a wrong mode or token")]
    HandshakeRefused,
    #[error("a page of another origin")]
    OriginRefused,
    #[error("a method that pages of other origins may not use")]
    OriginMethodRefused {
        /// The methods that they may use.
        allowed: String,
    },
    #[error("a header that pages of other origins may not send")]
    OriginHeaderRefused {
        /// The headers that they may send.
        allowed: String,
    },
    #[error("a bad parameter")]
    Parameter {
        /// The parameter's documented name, not the caller's text.
        name: &'static str,
        fault: ParameterFault,
    },
    #[error("neither parameter given")]
    NothingToSearch,
    #[error("no such contact")]
    NoContact,
    #[error("another contact has that identity")]
    IdentityTaken,
    #[error("a bad body")]
    Body(BodyFault),
    /// A file that can't be read as a table of contacts.
    #[error("an unreadable file")]
    File {
        /// A clause without a capital letter and a full stop. It can have names of columns.
        fault: String,
    },
    #[error("the body is too large")]
    BodyTooLarge {
        /// The largest size, in bytes.
        max: usize,
    },
    #[error("the request target is too long")]
    TargetTooLong,
    #[error("no capacity")]
    Busy,
    #[error("no database")]
    NoDatabase(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A write to a database that takes only reads: a standby, or a database whose disk is full.
    #[error("the database takes no writes")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server is not ready, because it can't run on the database's schema.
    #[error("not ready")]
    SchemaUnfit(#[source] MigrationError),
    #[error("too late")]
    TooLate,
    /// A check of contacts that did not end in time, because the client has too many.
    #[error("an unfinished check of contacts")]
    CheckTooLate,
    #[error("something went wrong")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The fault of a query parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterFault {
    /// Absent, empty or blank.
    Missing,
    /// A `%` without two hexadecimal digits after it.
    Escape,
    /// Bytes that are not UTF-8.
    Encoding,
    /// A NUL character.
    Nul,
    /// More than [`VALUE_MAX`](crate::http::request::limits::VALUE_MAX) bytes.
    TooLong,
    /// The query has the parameter more than once.
    Repeated,
    /// Not a whole number between these bounds, inclusive.
    NotBetween(i64, i64),
    /// More than so many words.
    TooManyWords(usize),
    /// Not the code of a region.
    NotRegion,
    /// Not a probability above 0.
    NotProbability,
    /// Not a cursor of this server.
    Cursor,
}

/// The fault of a JSON body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BodyFault {
    /// The body ended before its announced length.
    Broken,
    /// The place of the first syntax error, counted from 1.
    NotJson { line: usize, column: usize },
    /// A value of another type in place of an object.
    NotObject,
    /// A member of another type than expected.
    Member { name: &'static str, expected: Expected },
    /// A required member is absent.
    Missing { name: &'static str },
    /// A text with a NUL character, which PostgreSQL cannot store.
    Nul { name: &'static str },
    /// A text with more than `max` characters.
    TooLong { name: &'static str, max: usize },
    /// A time more than five minutes ahead of the database's clock.
    Future { name: &'static str },
    /// An array with more than `max` items.
    TooMany { name: &'static str, max: usize },
    /// An array has an item that is not a text, is blank, is longer than `max` bytes, or has a NUL character.
    Item {
        name: &'static str,
        /// Counted from 0.
        index: usize,
        max: usize,
    },
    /// A time before the year 1.
    TooEarly { name: &'static str },
    /// All members that can identify the contact are absent.
    NoIdentity { names: &'static str },
    /// A phone that identifies nobody, such as `0`, and no other identity.
    IdentifiesNobody { name: &'static str },
    /// A change of a phone to one that is not as good as the contact's own.
    WorsePhone { name: &'static str },
    /// A change without any member that can be changed.
    NoChange { names: &'static [&'static str] },
    /// A change that would leave the contact without an identity.
    IdentityLost,
}

/// The expected type of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    Text,
    /// A text with a digit.
    Phone,
    /// A number that can identify a person.
    PersonsPhone,
    /// A text with an `@` between other characters.
    Email,
    /// A phone number, and not the WhatsApp id of a person who hides the number.
    PhoneNotHidden,
    /// An external id that is not a WhatsApp group's, broadcast's or channel's.
    PersonsId,
    Flag,
    Integer,
    Time,
    Uuid,
    Array,
    /// What these words describe, such as the allowed values.
    OneOf(&'static str),
}

impl ApiError {
    /// A copy of this error for each caller of shared work. `None` if the error may concern only
    /// one of the callers.
    pub fn shared(&self) -> Option<ApiError> {
        match self {
            ApiError::Busy => Some(ApiError::Busy),
            ApiError::TooLate => Some(ApiError::TooLate),
            ApiError::NoDatabase(cause) => Some(ApiError::NoDatabase(cause.to_string().into())),
            ApiError::ReadOnly(cause) => Some(ApiError::ReadOnly(cause.to_string().into())),
            _ => None,
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code().text().status
    }

    /// Leaves the body empty. The outermost middleware writes it, since its shape depends on the path.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<BodyFault> for ApiError {
    fn from(fault: BodyFault) -> Self {
        ApiError::Body(fault)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::NodeAway(_) | StoreError::Refused(_) => {
                ApiError::NoDatabase(Box::new(error))
            }
            StoreError::ReadOnly(_) | StoreError::DiskFull(_) => ApiError::ReadOnly(Box::new(error)),
            StoreError::Exhausted | StoreError::Contended | StoreError::Locked(_) | StoreError::RecoveryConflict(_) => {
                ApiError::Busy
            }
            StoreError::TimedOut(_) | StoreError::Late => ApiError::TooLate,
            StoreError::Exists(_) | StoreError::Statement(_) => ApiError::Internal(Box::new(error)),
        }
    }
}

impl From<EditRefusal> for ApiError {
    fn from(refusal: EditRefusal) -> Self {
        match refusal {
            EditRefusal::NotFound => ApiError::NoContact,
            EditRefusal::NoIdentity => BodyFault::IdentityLost.into(),
            // Every API that changes a contact calls the member `phone`.
            EditRefusal::WorsePhone => BodyFault::WorsePhone { name: "phone" }.into(),
            EditRefusal::Taken => ApiError::IdentityTaken,
        }
    }
}
