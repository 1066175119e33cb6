//! Search for people by one text. Errors are problem documents (RFC 9457).

pub mod contact_query;
pub mod found_contact;
