//! `/api/v1/contact-lookup…`: the lookup's vendor documents these paths, with errors in Spanish.

mod answer;
pub mod contact_lookup;
pub mod contact_lookup_batch;
