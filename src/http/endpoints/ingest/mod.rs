//! Our own endpoints, most of which keep contacts current: batches, their check, single contacts, messages, WhatsApp's
//! webhook, and the explanation of a phone number.

mod batch_result;
pub mod contact_batch;
pub mod contact_by_id;
pub mod contact_check;
mod contact_item;
mod contact_json;
pub mod messages;
pub mod normalization;
pub mod normalization_json;
mod whatsapp_delivery;
pub mod whatsapp_webhook;
