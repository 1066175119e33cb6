//! Endpoints that keep contacts current: batches of contacts, messages, WhatsApp's webhook.

mod batch_result;
pub mod contact_batch;
pub mod messages;
mod whatsapp_delivery;
pub mod whatsapp_webhook;
