//! Our own endpoints, most of which keep contacts current: batches, single contacts, messages, WhatsApp's webhook.

pub mod contact_batch;
pub mod contact_by_id;
mod contact_json;
pub mod messages;
mod whatsapp_delivery;
pub mod whatsapp_webhook;
