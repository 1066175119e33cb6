//! The search of people by one text, in RFC 9457's error shape.

pub mod contact_query;
pub mod found_contact;
