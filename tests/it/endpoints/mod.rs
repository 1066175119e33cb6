//! The HTTP endpoints. A file is about one endpoint, about one subject of a large endpoint, or about one subject that
//! several endpoints share.

mod contact;
mod contact_batch;
mod contact_by_id;
mod contact_check;
mod contact_identity;
mod contact_query;
mod contact_query_faults;
mod contact_query_model;
mod contact_query_pages;
mod contact_upsert;
mod demo_key;
mod email;
mod error_codes;
mod lookup;
mod lookup_batch;
mod lookup_coalescer;
mod message_batcher;
mod message_identity;
mod message_order;
mod messages;
mod normalize;
mod page;
mod page_in_browser;
mod recent_contacts;
mod reference;
mod reference_in_browser;
mod search;
mod search_faults;
mod specification;
mod vendor_samples;
mod webhook;
mod webhook_deliveries;
mod webhook_events;
mod webhook_late_messages;
mod webhook_new_ids;
