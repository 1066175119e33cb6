//! The body of an error. Each API documents a shape of its own, and the path decides which one is sent.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;

use super::api_error::ApiError;

/// The header with the [`ErrorCode`](super::ErrorCode). Every error has it, because the vendors document bodies without
/// a code.
pub const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");

/// The shape of an error's body. The path decides it, since each API documents its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorShape {
    /// `{"error":"…"}` in Spanish.
    Lookup,
    /// `{"statusCode":…,"message":"…","error":"…"}` in English.
    Public,
    /// RFC 9457's `application/problem+json` in English.
    Problem,
}

/// An error of the lookup. The header `X-Error-Code` has its code.
#[derive(Serialize, JsonSchema)]
pub struct LookupError {
    /// A Spanish sentence that says what is wrong.
    error: String,
}

/// An error of the routes under `/api/public/`. The header `X-Error-Code` has its code.
#[derive(Serialize, JsonSchema)]
pub struct PublicError {
    /// The status of the answer.
    #[serde(rename = "statusCode")]
    status_code: u16,
    /// An English sentence that says what to change.
    message: String,
    /// The status in words, such as `Bad Request`.
    error: &'static str,
}

/// A problem document (RFC 9457).
#[derive(Serialize, JsonSchema)]
pub struct Problem {
    /// The address of the code's description on this server: `/errors#` and the code.
    r#type: String,
    /// The status in words, such as `Bad Request`.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// An English sentence that says what to change.
    detail: String,
    /// The code of the error, for programs to compare. The header `X-Error-Code` has it too.
    code: &'static str,
    /// The parameter or the member of the body that is at fault. Absent if no single one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    param: Option<&'static str>,
}

/// The body of an error in one of the shapes.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ErrorBody {
    Lookup(LookupError),
    Public(PublicError),
    Problem(Problem),
}

impl ErrorShape {
    /// The media type of the body.
    pub fn media_type(self) -> &'static str {
        match self {
            ErrorShape::Lookup | ErrorShape::Public => "application/json",
            ErrorShape::Problem => "application/problem+json",
        }
    }

    /// The shape of the errors of a path.
    pub fn of_path(path: &str) -> Self {
        if path.starts_with("/api/v1/contact-lookup") {
            ErrorShape::Lookup
        } else if path == "/api/public" || path.starts_with("/api/public/") {
            ErrorShape::Public
        } else {
            ErrorShape::Problem
        }
    }
}

impl ApiError {
    /// The complete answer in this shape, without any text of the cause.
    pub fn render(&self, shape: ErrorShape) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((ERROR_CODE, HeaderValue::from_static(self.code().name())));
        if let ApiError::MethodNotAllowed { allow } = self {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response.insert_header((header::CONTENT_TYPE, shape.media_type()));
        response.json(self.body(shape))
    }

    /// The seconds after which the caller may try again, for the header `Retry-After`.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            ApiError::Busy | ApiError::NoDatabase(_) | ApiError::ReadOnly(_) | ApiError::SchemaUnfit(_) => Some(1),
            ApiError::CheckTooLate => Some(10),
            ApiError::TooMany { seconds } => Some(*seconds),
            _ => None,
        }
    }

    /// The body in this shape.
    pub fn body(&self, shape: ErrorShape) -> ErrorBody {
        let status = self.status_code();
        let reason = status.canonical_reason().unwrap_or_default();
        match shape {
            ErrorShape::Lookup => ErrorBody::Lookup(LookupError { error: self.spanish() }),
            ErrorShape::Public => ErrorBody::Public(PublicError {
                status_code: status.as_u16(),
                message: self.english(),
                error: reason,
            }),
            ErrorShape::Problem => {
                let code = self.code().name();
                ErrorBody::Problem(Problem {
                    r#type: format!("/errors#{code}"),
                    title: reason,
                    status: status.as_u16(),
                    detail: self.english(),
                    code,
                    param: self.param(),
                })
            }
        }
    }
}
