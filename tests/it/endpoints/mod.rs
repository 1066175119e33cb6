//! One file per HTTP endpoint. A large endpoint has one file per subject.

mod contact;
mod contact_batch;
mod contact_identity;
mod contact_upsert;
mod lookup;
mod lookup_batch;
mod lookup_coalescer;
mod message_batcher;
mod message_order;
mod messages;
mod recent_contacts;
mod search;
mod specification;
mod vendor_samples;
mod webhook;
mod webhook_deliveries;
