//! The code of each error: what a program compares, since texts may change.

use actix_web::http::StatusCode;
use strum::{IntoStaticStr, VariantArray};

use super::api_error::{ApiError, BodyFault, ParameterFault};

/// A kind of error. Its code is its name in kebab case, such as `phone-missing`. A code never changes and never gets
/// another meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ErrorCode {
    // In the order of `docs/errors.md`: by status.
    PhoneMissing,
    ParameterMissing,
    PhoneOrEmailMissing,
    ParameterInvalid,
    ParameterTooLong,
    ParameterRepeated,
    CursorInvalid,
    BodyIncomplete,
    BodyInvalid,
    FileUnreadable,
    MemberMissing,
    MemberInvalid,
    MemberTooLong,
    TimeOutOfRange,
    TooManyItems,
    IdentityMissing,
    IdentifiesNobody,
    WorsePhone,
    ChangeMissing,
    IdentityLost,
    OriginRefused,
    OriginMethodRefused,
    OriginHeaderRefused,
    KeyMissing,
    KeyInvalid,
    SignatureInvalid,
    ScopeMissing,
    HandshakeRefused,
    PathUnknown,
    ContactUnknown,
    MethodNotAllowed,
    IdentityTaken,
    BodyTooLarge,
    AddressTooLong,
    RateLimitExceeded,
    InternalError,
    ServerBusy,
    DatabaseUnavailable,
    DatabaseReadOnly,
    SchemaUnfit,
    CheckUnfinished,
    DeadlineExceeded,
}

/// The documentation of a code.
pub struct ErrorText {
    pub status: StatusCode,
    /// What is the matter.
    pub meaning: &'static str,
    /// What the caller or the operator can do.
    pub remedy: &'static str,
}

impl ErrorCode {
    /// The code in the header `X-Error-Code` and in a problem document.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The documentation of this code, for `docs/errors.md` and `/errors`.
    pub fn text(self) -> ErrorText {
        let (status, meaning, remedy) = match self {
            ErrorCode::PhoneMissing => (
                StatusCode::BAD_REQUEST,
                "The parameter `phone` is missing or blank.",
                "Send `?phone=…`. If you have no phone, don't call.",
            ),
            ErrorCode::ParameterMissing => (
                StatusCode::BAD_REQUEST,
                "A required parameter is missing or blank.",
                "Send the parameter that the text names.",
            ),
            ErrorCode::PhoneOrEmailMissing => (
                StatusCode::BAD_REQUEST,
                "The search has neither a `phone` with a digit nor an `email`.",
                "Send at least one of them. Don't call before the user has typed something.",
            ),
            ErrorCode::ParameterInvalid => (
                StatusCode::BAD_REQUEST,
                "A parameter is no valid UTF-8, has a NUL character or a broken escape, or is not one of the accepted \
                 values.",
                "Encode values with your language's URL functions, such as `encodeURIComponent`. The text names the \
                 accepted values.",
            ),
            ErrorCode::ParameterTooLong => (
                StatusCode::BAD_REQUEST,
                "A parameter has more than 256 bytes.",
                "Shorten it. No phone or email is that long.",
            ),
            ErrorCode::ParameterRepeated => (
                StatusCode::BAD_REQUEST,
                "A parameter appears more than once.",
                "Send it once.",
            ),
            ErrorCode::CursorInvalid => (
                StatusCode::BAD_REQUEST,
                "The cursor is not one of this server's.",
                "Follow the address in the header `Link` unchanged, or start at the first page.",
            ),
            ErrorCode::BodyIncomplete => (
                StatusCode::BAD_REQUEST,
                "The body ended before its announced length.",
                "Send it again. If it happens often, look at the proxies in between.",
            ),
            ErrorCode::BodyInvalid => (
                StatusCode::BAD_REQUEST,
                "The body is not JSON, or not the object or array that the path expects.",
                "Build the body with a JSON library. The text names the line and the column.",
            ),
            ErrorCode::FileUnreadable => (
                StatusCode::BAD_REQUEST,
                "The search page was given a file that can't be read as a table of contacts.",
                "Correct the file as the text says, or choose its columns with the options of `contact-search check`.",
            ),
            ErrorCode::MemberMissing => (
                StatusCode::BAD_REQUEST,
                "A required member of the body is missing.",
                "Send the member that the text names.",
            ),
            ErrorCode::MemberInvalid => (
                StatusCode::BAD_REQUEST,
                "A member of the body has the wrong type or an unusable value.",
                "Send what the text asks for.",
            ),
            ErrorCode::MemberTooLong => (
                StatusCode::BAD_REQUEST,
                "A text in the body is too long.",
                "Shorten it.",
            ),
            ErrorCode::TimeOutOfRange => (
                StatusCode::BAD_REQUEST,
                "A time is before the year 1, or more than five minutes ahead of the database's clock.",
                "Check the sender's clock and time zone.",
            ),
            ErrorCode::TooManyItems => (
                StatusCode::BAD_REQUEST,
                "A list in the body has too many items.",
                "Send several calls. The text names the limit.",
            ),
            ErrorCode::IdentityMissing => (
                StatusCode::BAD_REQUEST,
                "The body has nothing that identifies the contact.",
                "Send an external id, a phone or an email, as the text says.",
            ),
            ErrorCode::IdentifiesNobody => (
                StatusCode::BAD_REQUEST,
                "The phone is a placeholder or damaged, such as `000-0000` or `5,49112E+12`, and nothing else \
                 identifies the contact.",
                "Correct the phone at its source, or also send an external id or an email.",
            ),
            ErrorCode::WorsePhone => (
                StatusCode::BAD_REQUEST,
                "The new phone is not valid, and the contact's own phone is better.",
                "Correct the phone. To replace the contact's own phone anyway, first set it to `null`.",
            ),
            ErrorCode::ChangeMissing => (
                StatusCode::BAD_REQUEST,
                "The body has no member that can be changed.",
                "Send at least one of the members that the text names.",
            ),
            ErrorCode::IdentityLost => (
                StatusCode::BAD_REQUEST,
                "The change would leave the contact without a phone, an email and an external id.",
                "Keep one of them, or delete the contact.",
            ),
            ErrorCode::OriginRefused => (
                StatusCode::BAD_REQUEST,
                "A page of this origin may not call the server.",
                "The operator allows the origin with `--cors-origin`.",
            ),
            ErrorCode::OriginMethodRefused => (
                StatusCode::BAD_REQUEST,
                "A page of another origin may not use this method.",
                "Use one of the methods that the text names.",
            ),
            ErrorCode::OriginHeaderRefused => (
                StatusCode::BAD_REQUEST,
                "A page of another origin may not send this header.",
                "Send only the headers that the text names.",
            ),
            ErrorCode::KeyMissing => (
                StatusCode::UNAUTHORIZED,
                "The request has no API key.",
                "Send it in the header `X-API-Key`. Proxies may remove headers.",
            ),
            ErrorCode::KeyInvalid => (
                StatusCode::UNAUTHORIZED,
                "The key is unknown, malformed, sent twice, expired or revoked.",
                "Copy the key again, without quotes or blanks. The operator sees all keys with `contact-search key \
                 list`.",
            ),
            ErrorCode::SignatureInvalid => (
                StatusCode::UNAUTHORIZED,
                "The signature of a webhook's delivery is missing or wrong.",
                "Give `contact-search webhook create` the app secret of the same Meta app.",
            ),
            ErrorCode::ScopeMissing => (
                StatusCode::FORBIDDEN,
                "The key lacks the scope that the operation needs.",
                "Use another key, or `contact-search key create --scope …`.",
            ),
            ErrorCode::HandshakeRefused => (
                StatusCode::FORBIDDEN,
                "The webhook's handshake has another mode or verify token.",
                "Enter the verify token that `contact-search webhook create` printed.",
            ),
            ErrorCode::PathUnknown => (
                StatusCode::NOT_FOUND,
                "The server has nothing at this path.",
                "Compare the address with `/openapi.json`. A webhook's address ends in its token.",
            ),
            ErrorCode::ContactUnknown => (
                StatusCode::NOT_FOUND,
                "The client has no contact with this id.",
                "Look the contact up again. It may have been deleted or merged.",
            ),
            ErrorCode::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "The path does not have this method.",
                "Use a method that the header `Allow` names.",
            ),
            ErrorCode::IdentityTaken => (
                StatusCode::CONFLICT,
                "Another contact of the channel has this phone or email.",
                "Change or delete that contact first.",
            ),
            ErrorCode::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is larger than the path accepts.",
                "Send fewer items in each call. The text names the limit.",
            ),
            ErrorCode::AddressTooLong => (
                StatusCode::URI_TOO_LONG,
                "The address has more than 8 KiB.",
                "Shorten the parameters, or use a batch call.",
            ),
            ErrorCode::RateLimitExceeded => (
                StatusCode::TOO_MANY_REQUESTS,
                "The key has made more requests than its limit allows.",
                "Wait as many seconds as the header `Retry-After` says.",
            ),
            ErrorCode::InternalError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The server has a defect.",
                "Give the operator the `X-Request-Id`. The log has the cause.",
            ),
            ErrorCode::ServerBusy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server has no capacity left.",
                "Try again after `Retry-After`, then more slowly. The operator looks at the lanes in `/metrics`.",
            ),
            ErrorCode::DatabaseUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server can't reach its database.",
                "Try again after `Retry-After`. The operator looks at the log and at PostgreSQL.",
            ),
            ErrorCode::DatabaseReadOnly => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database takes no writes: it is a standby, is set to read-only, or its disk is full.",
                "Try again later. Reads are answered.",
            ),
            ErrorCode::SchemaUnfit => (
                StatusCode::SERVICE_UNAVAILABLE,
                "`/readyz`: the program and the database's schema don't fit.",
                "The text says what to run: a newer program, or `contact-search migrate`.",
            ),
            ErrorCode::CheckUnfinished => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The client has too many contacts to compare with in one call, or the server is too busy.",
                "Use `contact-search check`, which has no limit. If other calls succeed, try again after `Retry-After`.",
            ),
            ErrorCode::DeadlineExceeded => (
                StatusCode::GATEWAY_TIMEOUT,
                "The answer took too long.",
                "Try again, or search for something more specific. An unfinished write was rolled back.",
            ),
        };
        ErrorText {
            status,
            meaning,
            remedy,
        }
    }
}

impl ApiError {
    /// The code of this error. Unknown and ended keys have one code, so that it does not tell which keys existed.
    pub fn code(&self) -> ErrorCode {
        match self {
            ApiError::NotFound => ErrorCode::PathUnknown,
            ApiError::MethodNotAllowed { .. } => ErrorCode::MethodNotAllowed,
            ApiError::KeyMissing => ErrorCode::KeyMissing,
            ApiError::KeyUnknown | ApiError::KeyEnded => ErrorCode::KeyInvalid,
            ApiError::ScopeMissing { .. } => ErrorCode::ScopeMissing,
            ApiError::TooMany { .. } => ErrorCode::RateLimitExceeded,
            ApiError::SignatureWrong => ErrorCode::SignatureInvalid,
            ApiError::HandshakeRefused => ErrorCode::HandshakeRefused,
            ApiError::OriginRefused => ErrorCode::OriginRefused,
            ApiError::OriginMethodRefused { .. } => ErrorCode::OriginMethodRefused,
            ApiError::OriginHeaderRefused { .. } => ErrorCode::OriginHeaderRefused,
            ApiError::Parameter { name, fault } => match fault {
                ParameterFault::Missing if *name == "phone" => ErrorCode::PhoneMissing,
                ParameterFault::Missing => ErrorCode::ParameterMissing,
                ParameterFault::Escape
                | ParameterFault::Encoding
                | ParameterFault::Nul
                | ParameterFault::NotBetween(..)
                | ParameterFault::TooManyWords(_)
                | ParameterFault::NotRegion
                | ParameterFault::NotProbability => ErrorCode::ParameterInvalid,
                ParameterFault::TooLong => ErrorCode::ParameterTooLong,
                ParameterFault::Repeated => ErrorCode::ParameterRepeated,
                ParameterFault::Cursor => ErrorCode::CursorInvalid,
            },
            ApiError::NothingToSearch => ErrorCode::PhoneOrEmailMissing,
            ApiError::NoContact => ErrorCode::ContactUnknown,
            ApiError::IdentityTaken => ErrorCode::IdentityTaken,
            ApiError::Body(fault) => match fault {
                BodyFault::Broken => ErrorCode::BodyIncomplete,
                BodyFault::NotJson { .. } | BodyFault::NotObject => ErrorCode::BodyInvalid,
                BodyFault::Missing { .. } => ErrorCode::MemberMissing,
                BodyFault::Member { .. } | BodyFault::Nul { .. } | BodyFault::Item { .. } => ErrorCode::MemberInvalid,
                BodyFault::TooLong { .. } => ErrorCode::MemberTooLong,
                BodyFault::Future { .. } | BodyFault::TooEarly { .. } => ErrorCode::TimeOutOfRange,
                BodyFault::TooMany { .. } => ErrorCode::TooManyItems,
                BodyFault::NoIdentity { .. } => ErrorCode::IdentityMissing,
                BodyFault::IdentifiesNobody { .. } => ErrorCode::IdentifiesNobody,
                BodyFault::WorsePhone { .. } => ErrorCode::WorsePhone,
                BodyFault::NoChange { .. } => ErrorCode::ChangeMissing,
                BodyFault::IdentityLost => ErrorCode::IdentityLost,
            },
            ApiError::File { .. } => ErrorCode::FileUnreadable,
            ApiError::BodyTooLarge { .. } => ErrorCode::BodyTooLarge,
            ApiError::TargetTooLong => ErrorCode::AddressTooLong,
            ApiError::Busy => ErrorCode::ServerBusy,
            ApiError::NoDatabase(_) => ErrorCode::DatabaseUnavailable,
            ApiError::ReadOnly(_) => ErrorCode::DatabaseReadOnly,
            ApiError::SchemaUnfit(_) => ErrorCode::SchemaUnfit,
            ApiError::TooLate => ErrorCode::DeadlineExceeded,
            ApiError::CheckTooLate => ErrorCode::CheckUnfinished,
            ApiError::Internal(_) => ErrorCode::InternalError,
        }
    }

    /// The documented name of the parameter or the member that is at fault. It is never the caller's text.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            ApiError::Parameter { name, .. } => Some(name),
            ApiError::Body(fault) => match fault {
                BodyFault::Member { name, .. }
                | BodyFault::Missing { name }
                | BodyFault::Nul { name }
                | BodyFault::TooLong { name, .. }
                | BodyFault::Future { name }
                | BodyFault::TooMany { name, .. }
                | BodyFault::Item { name, .. }
                | BodyFault::TooEarly { name }
                | BodyFault::IdentifiesNobody { name }
                | BodyFault::WorsePhone { name } => Some(name),
                BodyFault::Broken
                | BodyFault::NotJson { .. }
                | BodyFault::NotObject
                | BodyFault::NoIdentity { .. }
                | BodyFault::NoChange { .. }
                | BodyFault::IdentityLost => None,
            },
            _ => None,
        }
    }
}
