//! Error texts in English, for the search's API and for our own endpoints.
//!
//! A text says what to change. It never repeats the input, SQL, or the words of a library.

use super::api_error::{ApiError, BodyFault, Expected, ParameterFault};
use crate::http::request::limits::{TARGET_MAX, VALUE_MAX};
use crate::store::migrations::MigrationError;

impl BodyFault {
    /// An English sentence without any text of the input.
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
                    Expected::Email => "an email: an '@' between other characters",
                    Expected::PhoneNotHidden => "a phone number: a WhatsApp id that ends in @lid has none",
                    Expected::PersonsId => "a person's id, and no WhatsApp group, broadcast or channel",
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
            BodyFault::NoIdentity { names } => format!("The contact is not identified. Give {names}."),
            BodyFault::IdentifiesNobody { name } => {
                format!("The member '{name}' identifies nobody. Correct it, or also give an external id or an email.")
            }
            BodyFault::WorsePhone { name } => {
                format!(
                    "The member '{name}' is not a valid number, and the contact's own is better. Correct it, or set it \
                     to null first."
                )
            }
            BodyFault::NoChange { names } => {
                format!(
                    "The body changes nothing. Give at least one of '{}'.",
                    names.join("', '")
                )
            }
            BodyFault::IdentityLost => {
                "The contact would lose its last identity. Keep its phone or its email.".to_owned()
            }
        }
    }
}

impl ApiError {
    /// An English sentence.
    pub(super) fn english(&self) -> String {
        match self {
            ApiError::NotFound => "There is nothing at this path. Check the address.".to_owned(),
            ApiError::MethodNotAllowed { allow } => format!("This path answers {allow} only."),
            // The same text for every refused key, so that it does not tell which keys existed.
            ApiError::KeyMissing | ApiError::KeyUnknown | ApiError::KeyEnded => {
                "Send a valid API key in the X-API-Key header, once.".to_owned()
            }
            ApiError::ScopeMissing { needed, has } => {
                let has: Vec<&str> = has.iter().map(|scope| scope.name()).collect();
                let has = has.join("' and '");
                format!("Use an API key with the scope '{needed}'. This key has '{has}'.")
            }
            ApiError::TooMany { seconds } => {
                format!("This API key has made more requests than its limit allows. Try again in {seconds} s.")
            }
            ApiError::SignatureWrong => {
                "Sign the body with the app secret and send the signature in the X-Hub-Signature-256 header.".to_owned()
            }
            ApiError::HandshakeRefused => {
                "Send hub.mode=subscribe, and as hub.verify_token the token at the end of the address.".to_owned()
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
                ParameterFault::TooLong => {
                    format!("The parameter '{name}' is longer than {VALUE_MAX} bytes. Shorten it.")
                }
                ParameterFault::Repeated => format!("The parameter '{name}' appears more than once. Send it once."),
                ParameterFault::NotBetween(min, max) => {
                    format!("The parameter '{name}' should be a whole number from {min} to {max}.")
                }
                ParameterFault::TooManyWords(max) => {
                    format!("The parameter '{name}' has more than {max} words. Send fewer.")
                }
                ParameterFault::NotRegion => {
                    format!("The parameter '{name}' should be an ISO 3166 code of two letters such as AR.")
                }
                ParameterFault::NotProbability => {
                    format!("The parameter '{name}' should be a number above 0 and up to 1, such as 0.8.")
                }
                ParameterFault::Cursor => {
                    format!(
                        "The parameter '{name}' is not a cursor of this server. Copy it unchanged from the previous answer."
                    )
                }
            },
            ApiError::OriginRefused => {
                "Pages of this origin may not do this. The server's operator allows them with --cors-origin.".to_owned()
            }
            ApiError::OriginMethodRefused { allowed } => {
                format!(
                    "The method in Access-Control-Request-Method is refused. Pages of other origins may use {allowed}."
                )
            }
            ApiError::OriginHeaderRefused { allowed } => {
                format!(
                    "A header in Access-Control-Request-Headers is refused. Pages of other origins may send {allowed}."
                )
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
            ApiError::File { fault } => format!("The file can't be checked: {fault}."),
            ApiError::BodyTooLarge { max } => {
                format!("The body is larger than {} MiB. Send less at once.", max >> 20)
            }
            ApiError::TargetTooLong => format!("The address is longer than {TARGET_MAX} bytes. Shorten it."),
            ApiError::Busy => "The server has no capacity left. Try again in a second.".to_owned(),
            ApiError::NoDatabase(_) => "The server can't reach its database. Try again in a second.".to_owned(),
            ApiError::ReadOnly(_) => "The database takes no writes now. Try again in a second.".to_owned(),
            ApiError::SchemaUnfit(MigrationError::Behind(_)) => {
                "The database lacks migrations of this server. Run `contact-search migrate`.".to_owned()
            }
            ApiError::SchemaUnfit(MigrationError::Foreign) => {
                "The database belongs to another program. Give contact-search a database of its own.".to_owned()
            }
            ApiError::SchemaUnfit(_) => {
                "This server is too old for the database's schema. Use the newer contact-search.".to_owned()
            }
            ApiError::TooLate => "The answer took too long. Try again, or ask for something more specific.".to_owned(),
            ApiError::CheckTooLate => {
                "The check did not end in time. Run `contact-search check`, which has no limit.".to_owned()
            }
            ApiError::Internal(_) => "Something went wrong".to_owned(),
        }
    }
}
