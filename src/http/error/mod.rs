//! What an API answers when it can't answer what was asked: one enum, three shapes, two languages.
//!
//! An error's text says what to change and never repeats the input, SQL, or a library's words.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::store::StoreError;

/// Every way in which a request can fail; each has one status.
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
    #[error("a key that nobody has")]
    KeyUnknown,
    #[error("an expired or revoked key")]
    KeyEnded,
    #[error("a key without the scope")]
    ScopeMissing,
    #[error("more requests than the key's limit")]
    TooMany {
        /// After so many one more is answered.
        seconds: u64,
    },
    #[error("a delivery that isn't signed as it should be")]
    SignatureWrong,
    #[error("a handshake that asks for nothing or has another token")]
    HandshakeRefused,
    #[error("a page of another origin")]
    OriginRefused,
    #[error("a bad parameter")]
    Parameter {
        /// The parameter's name, which is ours and not the caller's.
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
    #[error("the body is too large")]
    BodyTooLarge {
        /// The most bytes that it may have.
        max: usize,
    },
    #[error("the request target is too long")]
    TargetTooLong,
    #[error("no capacity")]
    Busy,
    #[error("no database")]
    NoDatabase(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("too late")]
    TooLate,
    #[error("something went wrong")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with a query parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterFault {
    /// Absent, empty or blank.
    Missing,
    /// A `%` without two hexadecimal digits after it.
    Escape,
    /// Bytes that are no UTF-8.
    Encoding,
    /// A NUL character.
    Nul,
    /// More than [`super::request::query::VALUE_MAX`] bytes.
    TooLong,
    /// More than once in the query.
    Repeated,
    /// No whole number from the first to the second.
    NotBetween(i64, i64),
    /// None of ours.
    Cursor,
}

/// What is wrong with a JSON body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BodyFault {
    /// It ended before its announced length.
    Broken,
    /// Where it stops being JSON, counted from 1.
    NotJson { line: usize, column: usize },
    /// What should be an object is something else.
    NotObject,
    /// A member of another type than it should have.
    Member { name: &'static str, expected: Expected },
    /// A member that has to be there.
    Missing { name: &'static str },
    /// A text with a NUL character, which no database takes.
    Nul { name: &'static str },
    /// A text with more characters than it may have.
    TooLong { name: &'static str, max: usize },
    /// A time more than five minutes ahead of the database's clock.
    Future { name: &'static str },
    /// An array with more items than a call may have.
    TooMany { name: &'static str, max: usize },
    /// An item of an array that should be a text, and is none, blank, longer than so many bytes, or has a NUL.
    Item {
        name: &'static str,
        /// Counted from 0.
        index: usize,
        max: usize,
    },
    /// A time before the year 1.
    TooEarly { name: &'static str },
    /// None of the members that say who is meant.
    NoIdentity { names: &'static str },
    /// A change of nothing that can be changed.
    NoChange { names: &'static [&'static str] },
    /// A change after which nothing would say who the contact is.
    IdentityLost,
}

/// What a member should have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    Text,
    /// A text with a digit.
    Phone,
    /// A number by which a person can be known.
    PersonsPhone,
    Flag,
    Integer,
    Time,
    Uuid,
    Array,
    /// One of these words.
    OneOf(&'static str),
}

impl BodyFault {
    /// An English sentence; ours, none of the input's words in it.
    pub fn english(&self) -> String {
        match self {
            BodyFault::Broken => "The body ended too early. Send it whole.".to_owned(),
            BodyFault::NotJson { line, column } => {
                format!("The body is not JSON at line {line}, column {column}. Send JSON in UTF-8.")
            }
            BodyFault::NotObject => "An object was expected. Send {…}.".to_owned(),
            BodyFault::Member { name, expected } => {
                let expected = match expected {
                    Expected::Text => "a text",
                    Expected::Phone => "a phone number with digits",
                    Expected::PersonsPhone => {
                        "a person's phone number: three digits or more, and no WhatsApp group, broadcast or channel"
                    }
                    Expected::Flag => "true or false",
                    Expected::Integer => "a whole number",
                    Expected::Time => "an RFC 3339 time such as 2025-03-28T14:22:00Z",
                    Expected::Uuid => "a UUID",
                    Expected::Array => "an array",
                    Expected::OneOf(words) => words,
                };
                format!("The member '{name}' should be {expected}.")
            }
            BodyFault::Missing { name } => format!("Give the member '{name}'."),
            BodyFault::Nul { name } => format!("The member '{name}' has a NUL character. Leave it out."),
            BodyFault::TooLong { name, max } => {
                format!("The member '{name}' is longer than {max} characters. Shorten it.")
            }
            BodyFault::Future { name } => {
                format!("The time '{name}' is more than five minutes ahead. Check the sender's clock.")
            }
            BodyFault::TooMany { name, max } => format!("'{name}' has more than {max} items. Send fewer at once."),
            BodyFault::Item { name, index, max } => {
                format!(
                    "'{name}[{index}]' should be a text of 1 to {max} bytes, not blank and without a NUL character."
                )
            }
            BodyFault::TooEarly { name } => format!("The time '{name}' is before the year 1. Correct it."),
            BodyFault::NoIdentity { names } => format!("It isn't said who is meant. Give {names}."),
            BodyFault::NoChange { names } => {
                format!(
                    "It isn't said what to change. Give at least one of '{}'.",
                    names.join("', '")
                )
            }
            BodyFault::IdentityLost => {
                "Nothing would be left that says who the contact is. Keep its phone or its email.".to_owned()
            }
        }
    }
}

/// The shape of an error's body, which goes by the path: each API has its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorShape {
    /// `{"error":"…"}` in Spanish.
    Lookup,
    /// `{"statusCode":…,"message":"…","error":"…"}` in English.
    Public,
    /// RFC 9457's `application/problem+json` in English.
    Problem,
}

/// The body of [`ErrorShape::Lookup`].
#[derive(Serialize, JsonSchema)]
pub struct LookupError {
    /// A Spanish sentence.
    error: String,
}

/// The body of [`ErrorShape::Public`].
#[derive(Serialize, JsonSchema)]
pub struct PublicError {
    #[serde(rename = "statusCode")]
    status_code: u16,
    /// An English sentence that says what to change.
    message: String,
    /// The status's reason phrase.
    error: &'static str,
}

/// The body of [`ErrorShape::Problem`], as RFC 9457 has it.
#[derive(Serialize, JsonSchema)]
pub struct Problem {
    r#type: &'static str,
    /// The status's reason phrase.
    title: &'static str,
    status: u16,
    /// An English sentence that says what to change.
    detail: String,
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
    /// What the error of work for several callers is to each of them, whose time is over with it where it came too late;
    /// `None` where it may be about one of them alone.
    pub fn of_others(&self) -> Option<ApiError> {
        match self {
            ApiError::Busy => Some(ApiError::Busy),
            ApiError::TooLate => Some(ApiError::TooLate),
            ApiError::NoDatabase(cause) => Some(ApiError::NoDatabase(cause.to_string().into())),
            _ => None,
        }
    }

    /// The whole answer in a shape; nothing of the cause is in it.
    pub fn render(&self, shape: ErrorShape) -> HttpResponse {
        let status = self.status_code();
        let reason = status.canonical_reason().unwrap_or_default();
        let mut response = HttpResponse::build(status);
        match self {
            ApiError::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            ApiError::Busy | ApiError::NoDatabase(_) => {
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
                    r#type: "about:blank",
                    title: reason,
                    status: status.as_u16(),
                    detail: self.english(),
                })
            }
        }
    }

    fn english(&self) -> String {
        match self {
            ApiError::NotFound => "There is nothing at this path. Check the address.".to_owned(),
            ApiError::MethodNotAllowed { allow } => format!("This path answers {allow} only."),
            // One and the same for every key that isn't accepted, so that nobody learns which keys once were.
            ApiError::KeyMissing | ApiError::KeyUnknown | ApiError::KeyEnded => {
                "Send a valid API key in the X-API-Key header, once.".to_owned()
            }
            ApiError::ScopeMissing => {
                "This API key has no access to this resource. Use a key that has the scope for it.".to_owned()
            }
            ApiError::TooMany { seconds } => {
                format!("This API key has made more requests than its limit allows. Try again in {seconds} s.")
            }
            ApiError::SignatureWrong => {
                "Send the body's signature by the app secret in the X-Hub-Signature-256 header.".to_owned()
            }
            ApiError::HandshakeRefused => {
                "Send hub.mode=subscribe and, as hub.verify_token, the token that the address ends with.".to_owned()
            }
            ApiError::Parameter { name, fault } => match fault {
                ParameterFault::Missing => format!("Give the parameter '{name}'."),
                ParameterFault::Escape => {
                    format!(
                        "The parameter '{name}' has a '%' without two hexadecimal digits. Write a literal '%' as %25."
                    )
                }
                ParameterFault::Encoding => format!("The parameter '{name}' is not UTF-8. Encode it as UTF-8."),
                ParameterFault::Nul => format!("The parameter '{name}' has a NUL character. Leave it out."),
                ParameterFault::TooLong => format!("The parameter '{name}' is longer than 256 bytes. Shorten it."),
                ParameterFault::Repeated => format!("The parameter '{name}' is there more than once. Send it once."),
                ParameterFault::NotBetween(min, max) => {
                    format!("The parameter '{name}' should be a whole number from {min} to {max}.")
                }
                ParameterFault::Cursor => {
                    format!("The parameter '{name}' is not one of ours. Take it from the header Link as it is.")
                }
            },
            ApiError::OriginRefused => {
                "Pages of this origin may not do this. The server's operator allows them with --cors-origin.".to_owned()
            }
            ApiError::NothingToSearch => {
                "Give at least one of the parameters 'phone' (with a digit in it) and 'email'.".to_owned()
            }
            ApiError::NoContact => "There is no such contact.".to_owned(),
            ApiError::IdentityTaken => {
                "Another contact of the channel has this phone or email already. Change or delete that one first."
                    .to_owned()
            }
            ApiError::Body(fault) => fault.english(),
            ApiError::BodyTooLarge { max } => {
                format!("The body is larger than {} MiB. Send less at once.", max >> 20)
            }
            ApiError::TargetTooLong => "The address is longer than 8192 bytes. Shorten it.".to_owned(),
            ApiError::Busy => "The server has no capacity left. Try again in a second.".to_owned(),
            ApiError::NoDatabase(_) => "The server can't reach its database. Try again in a second.".to_owned(),
            ApiError::TooLate => "The answer took too long. Try again, or ask for something more specific.".to_owned(),
            ApiError::Internal(_) => "Something went wrong".to_owned(),
        }
    }

    /// The lookup's language; what its vendor documents, letter by letter, accents left out as there.
    fn spanish(&self) -> String {
        match self {
            ApiError::NotFound => "No hay nada en esta ruta. Revise la direccion".to_owned(),
            ApiError::MethodNotAllowed { allow } => format!("Esta ruta solo acepta {allow}"),
            ApiError::KeyMissing => "Este endpoint requiere autenticacion con API Key (header X-API-Key)".to_owned(),
            ApiError::KeyUnknown => "API Key invalida".to_owned(),
            ApiError::KeyEnded => "API Key expirada".to_owned(),
            ApiError::ScopeMissing => "API Key no tiene acceso a este recurso".to_owned(),
            ApiError::TooMany { seconds } => {
                format!("API Key supero su limite de solicitudes. Reintente en {seconds} s")
            }
            ApiError::SignatureWrong => "La firma del cuerpo falta o no corresponde".to_owned(),
            ApiError::HandshakeRefused => "La verificacion no corresponde".to_owned(),
            ApiError::Parameter { name, fault } => match fault {
                ParameterFault::Missing => format!("El parametro '{name}' es requerido"),
                ParameterFault::Escape => {
                    format!("El parametro '{name}' tiene un '%' sin dos digitos hexadecimales. Escriba '%' como %25")
                }
                ParameterFault::Encoding => format!("El parametro '{name}' no es UTF-8"),
                ParameterFault::Nul => format!("El parametro '{name}' tiene un caracter NUL"),
                ParameterFault::TooLong => format!("El parametro '{name}' supera los 256 bytes"),
                ParameterFault::Repeated => format!("El parametro '{name}' esta repetido. Envielo una sola vez"),
                ParameterFault::NotBetween(min, max) => {
                    format!("El parametro '{name}' debe ser un numero entero de {min} a {max}")
                }
                ParameterFault::Cursor => format!("El parametro '{name}' no es valido"),
            },
            ApiError::OriginRefused => "Las paginas de este origen no tienen acceso".to_owned(),
            ApiError::NothingToSearch => "Indique al menos un parametro".to_owned(),
            ApiError::NoContact => "No existe ese contacto".to_owned(),
            ApiError::IdentityTaken => "Otro contacto del canal ya tiene ese telefono o email".to_owned(),
            ApiError::Body(fault) => match fault {
                BodyFault::Broken => "El cuerpo llego incompleto".to_owned(),
                BodyFault::NotJson { line, column } => {
                    format!("El cuerpo no es JSON en la linea {line}, columna {column}")
                }
                BodyFault::NotObject => "El cuerpo debe ser un objeto".to_owned(),
                BodyFault::Member { name, .. } => format!("El campo '{name}' no tiene el tipo esperado"),
                BodyFault::Missing { name } => format!("El campo '{name}' es requerido"),
                BodyFault::Nul { name } => format!("El campo '{name}' tiene un caracter NUL"),
                BodyFault::TooLong { name, max } => format!("El campo '{name}' supera los {max} caracteres"),
                BodyFault::Future { name } => format!("El campo '{name}' es una fecha futura"),
                BodyFault::TooMany { name, max } => format!("El campo '{name}' supera los {max} elementos"),
                BodyFault::Item { name, index, max } => {
                    format!("El campo '{name}[{index}]' debe ser un texto de 1 a {max} bytes, no vacio y sin NUL")
                }
                BodyFault::TooEarly { name } => format!("El campo '{name}' es anterior al ano 1"),
                BodyFault::NoIdentity { names } => format!("Falta indicar el contacto: {names}"),
                BodyFault::NoChange { names } => format!("Falta indicar que cambiar: {}", names.join(", ")),
                BodyFault::IdentityLost => "El contacto quedaria sin telefono ni email".to_owned(),
            },
            ApiError::BodyTooLarge { max } => format!("El cuerpo supera los {} MiB", max >> 20),
            ApiError::TargetTooLong => "La direccion supera los 8192 bytes".to_owned(),
            ApiError::Busy => "El servidor no tiene capacidad. Reintente en un segundo".to_owned(),
            ApiError::NoDatabase(_) => "El servidor no alcanza su base de datos. Reintente en un segundo".to_owned(),
            ApiError::TooLate => "La respuesta demoro demasiado. Reintente".to_owned(),
            ApiError::Internal(_) => "Algo salio mal".to_owned(),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            ApiError::NotFound | ApiError::NoContact => StatusCode::NOT_FOUND,
            ApiError::IdentityTaken => StatusCode::CONFLICT,
            ApiError::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            ApiError::KeyMissing | ApiError::KeyUnknown | ApiError::KeyEnded | ApiError::SignatureWrong => {
                StatusCode::UNAUTHORIZED
            }
            ApiError::ScopeMissing | ApiError::HandshakeRefused => StatusCode::FORBIDDEN,
            ApiError::OriginRefused | ApiError::Parameter { .. } | ApiError::NothingToSearch | ApiError::Body(_) => {
                StatusCode::BAD_REQUEST
            }
            ApiError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::TargetTooLong => StatusCode::URI_TOO_LONG,
            ApiError::Busy | ApiError::NoDatabase(_) => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::TooLate => StatusCode::GATEWAY_TIMEOUT,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Without a body: the frame around every request knows the path, and with it the shape.
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
            StoreError::Unavailable(_) | StoreError::Refused(_) | StoreError::DiskFull(_) => {
                ApiError::NoDatabase(Box::new(error))
            }
            StoreError::Exhausted | StoreError::Contended | StoreError::Locked(_) => ApiError::Busy,
            StoreError::TimedOut(_) | StoreError::Late => ApiError::TooLate,
            StoreError::Exists(_) | StoreError::Statement(_) => ApiError::Internal(Box::new(error)),
        }
    }
}
