-- Writes the merged values to existing contacts that really change. $1: client.
-- Where the rows give no value, the contact keeps its value as of this statement, not the value that the pass read.
UPDATE contacts SET (
    external_user_id, contact_list_id, phone, phone_key, phone_as_given, phone_extension, phone_identifies, email, name,
    source, chat_status, blocked, is_chat_read, default_stage_id, ai_customer_id, last_message_at, last_inbound_at
) = (
    coalesce(contacts.external_user_id, merged.external_user_id), coalesce(lists.id, contacts.contact_list_id),
    coalesce(merged.phone, contacts.phone), coalesce(merged.phone_key, contacts.phone_key),
    coalesce(merged.phone_as_given, contacts.phone_as_given),
    CASE WHEN merged.phone IS NULL THEN contacts.phone_extension ELSE merged.phone_extension END,
    CASE WHEN merged.phone IS NULL THEN contacts.phone_identifies ELSE merged.phone_worth > 0 END,
    coalesce(merged.email, contacts.email),
    coalesce(merged.name, contacts.name), coalesce(merged.source, contacts.source),
    coalesce(merged.chat_status, contacts.chat_status), coalesce(merged.blocked, contacts.blocked),
    coalesce(merged.is_chat_read, contacts.is_chat_read),
    coalesce(merged.default_stage_id, contacts.default_stage_id),
    coalesce(merged.ai_customer_id, contacts.ai_customer_id),
    greatest(merged.last_message_at, contacts.last_message_at),
    greatest(merged.last_inbound_at, contacts.last_inbound_at)
), updated_at = now()
FROM import_contacts merged
JOIN import_groups groups ON groups.first_row = merged.entity
LEFT JOIN contact_lists lists ON lists.client_id = $1 AND lists.name = merged.contact_list
WHERE contacts.client_id = $1 AND contacts.id = contact_id AND (
    contacts.external_user_id, contacts.contact_list_id, contacts.phone, contacts.phone_key,
    contacts.phone_as_given, contacts.phone_extension, contacts.phone_identifies, contacts.email, contacts.name,
    contacts.source, contacts.chat_status, contacts.blocked, contacts.is_chat_read, contacts.default_stage_id,
    contacts.ai_customer_id, contacts.last_message_at, contacts.last_inbound_at
) IS DISTINCT FROM (
    coalesce(contacts.external_user_id, merged.external_user_id), coalesce(lists.id, contacts.contact_list_id),
    coalesce(merged.phone, contacts.phone), coalesce(merged.phone_key, contacts.phone_key),
    coalesce(merged.phone_as_given, contacts.phone_as_given),
    CASE WHEN merged.phone IS NULL THEN contacts.phone_extension ELSE merged.phone_extension END,
    CASE WHEN merged.phone IS NULL THEN contacts.phone_identifies ELSE merged.phone_worth > 0 END,
    coalesce(merged.email, contacts.email),
    coalesce(merged.name, contacts.name), coalesce(merged.source, contacts.source),
    coalesce(merged.chat_status, contacts.chat_status), coalesce(merged.blocked, contacts.blocked),
    coalesce(merged.is_chat_read, contacts.is_chat_read),
    coalesce(merged.default_stage_id, contacts.default_stage_id),
    coalesce(merged.ai_customer_id, contacts.ai_customer_id),
    greatest(merged.last_message_at, contacts.last_message_at),
    greatest(merged.last_inbound_at, contacts.last_inbound_at)
);
