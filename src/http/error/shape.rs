//! The body of an error. Each API documents a shape of its own, and the path decides which one is sent.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;

use super::api_error::ApiError;

/// The header with the [`ErrorCode`](super::ErrorCode). Every shape has it, since the vendors document the bodies of
/// theirs.
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

/// An error of the lookup.
#[derive(Serialize, JsonSchema)]
pub struct LookupError {
    /// A Spanish sentence.
    error: String,
}

/// An error of the search and of its related endpoints.
#[derive(Serialize, JsonSchema)]
pub struct PublicError {
    #[serde(rename = "statusCode")]
    status_code: u16,
    /// An English sentence that says what to change.
    message: String,
    /// The status's reason phrase.
    error: &'static str,
}

/// A problem document of RFC 9457.
#[derive(Serialize, JsonSchema)]
pub struct Problem {
    /// The description of the code on this server: `/errors#` and the code.
    r#type: String,
    /// The status's reason phrase.
    title: &'static str,
    status: u16,
    /// An English sentence that says what to change.
    detail: String,
    /// What programs compare. It is also in the header `X-Error-Code`.
    code: &'static str,
    /// The parameter or the member of the body that is at fault, if it is one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'static str>,
}

impl ErrorShape {
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
        let status = self.status_code();
        let reason = status.canonical_reason().unwrap_or_default();
        let code = self.code().name();
        let mut response = HttpResponse::build(status);
        response.insert_header((ERROR_CODE, HeaderValue::from_static(code)));
        match self {
            ApiError::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            ApiError::Busy | ApiError::NoDatabase(_) | ApiError::ReadOnly(_) | ApiError::SchemaUnfit(_) => {
                response.insert_header((header::RETRY_AFTER, HeaderValue::from_static("1")));
            }
            ApiError::TooMany { seconds } => {
                response.insert_header((header::RETRY_AFTER, *seconds));
            }
            _ => {}
        }
        match shape {
            ErrorShape::Lookup => response.json(LookupError { error: self.spanish() }),
            ErrorShape::Public => response.json(PublicError {
                status_code: status.as_u16(),
                message: self.english(),
                error: reason,
            }),
            ErrorShape::Problem => {
                response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
                response.json(Problem {
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
