//! Single contacts: find by either id, edit, delete, upsert, and list by latest message.

mod attributes;
mod candidate;
mod details;
mod edit;
mod list_ids;
mod recent;
pub(super) mod row;
mod statements;
mod upsert;

pub use self::details::{ContactDetails, find_details, find_uuid};
pub use self::edit::{EditRefusal, Find, delete_contact, edit_contact};
pub use self::recent::{PAGE, Page, PagePosition, recent_contacts};
pub use self::row::{ContactRow, find_contact};
pub use self::statements::statements;
pub use self::upsert::{UpsertOutcome, Upserted, upsert_contact, upsert_contacts};
