-- Writes the merged values to existing contacts that really change. $1: client.
-- A value that the rows leave blank keeps the contact's value at the time of this statement, not at that of the pass.
UPDATE contacts SET (
    external_user_id, contact_list_id, phone, phone_key, phone_as_given, email, name, source, chat_status,
    blocked, is_chat_read, default_stage_id, ai_customer_id, last_message_at, last_inbound_at
) = (
    coalesce(contacts.external_user_id, said.external_user_id), coalesce(lists.id, contacts.contact_list_id),
    coalesce(said.phone, contacts.phone), coalesce(said.phone_key, contacts.phone_key),
    coalesce(said.phone_as_given, contacts.phone_as_given), coalesce(said.email, contacts.email),
    coalesce(said.name, contacts.name), coalesce(said.source, contacts.source),
    coalesce(said.chat_status, contacts.chat_status), coalesce(said.blocked, contacts.blocked),
    coalesce(said.is_chat_read, contacts.is_chat_read),
    coalesce(said.default_stage_id, contacts.default_stage_id),
    coalesce(said.ai_customer_id, contacts.ai_customer_id),
    greatest(said.last_message_at, contacts.last_message_at),
    greatest(said.last_inbound_at, contacts.last_inbound_at)
), updated_at = now()
FROM import_contacts said
JOIN import_groups groups ON groups.first_row = said.entity
LEFT JOIN contact_lists lists ON lists.client_id = $1 AND lists.name = said.contact_list
WHERE contacts.client_id = $1 AND contacts.id = contact_id AND (
    contacts.external_user_id, contacts.contact_list_id, contacts.phone, contacts.phone_key,
    contacts.phone_as_given, contacts.email, contacts.name, contacts.source, contacts.chat_status,
    contacts.blocked, contacts.is_chat_read, contacts.default_stage_id, contacts.ai_customer_id,
    contacts.last_message_at, contacts.last_inbound_at
) IS DISTINCT FROM (
    coalesce(contacts.external_user_id, said.external_user_id), coalesce(lists.id, contacts.contact_list_id),
    coalesce(said.phone, contacts.phone), coalesce(said.phone_key, contacts.phone_key),
    coalesce(said.phone_as_given, contacts.phone_as_given), coalesce(said.email, contacts.email),
    coalesce(said.name, contacts.name), coalesce(said.source, contacts.source),
    coalesce(said.chat_status, contacts.chat_status), coalesce(said.blocked, contacts.blocked),
    coalesce(said.is_chat_read, contacts.is_chat_read),
    coalesce(said.default_stage_id, contacts.default_stage_id),
    coalesce(said.ai_customer_id, contacts.ai_customer_id),
    greatest(said.last_message_at, contacts.last_message_at),
    greatest(said.last_inbound_at, contacts.last_inbound_at)
);
