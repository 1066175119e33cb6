//! The invariant of `contacts_newest`.

/// Counts the differences between `contacts` and `contacts_newest`, for last messages at or after the border. A
/// difference is a contact that `contacts_newest` lacks or has with other values, or a row of `contacts_newest` without
/// a contact.
pub const DIFFERENCES: &str = "
    WITH wanted AS (
        SELECT client_id, id, last_message_at, phone, lower(email) AS email_lower,
               contact_name_words(name, external_user_id) AS name_words
        FROM contacts, contacts_newest_border
        WHERE last_message_at >= since
    ), newest AS (
        SELECT contacts_newest.* FROM contacts_newest, contacts_newest_border WHERE last_message_at >= since
    )
    SELECT count(*) AS count FROM wanted FULL JOIN newest USING (client_id, id)
    WHERE (wanted.last_message_at, wanted.phone, wanted.email_lower, wanted.name_words)
          IS DISTINCT FROM (newest.last_message_at, newest.phone, newest.email_lower, newest.name_words)";
