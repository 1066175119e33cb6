-- Makes the new contacts, in the order of the rows, so that the serial ids follow the file. $1: client, $2: default
-- list, $3: default source, $4: default chat status.
INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, email, platform,
    external_user_id, source, chat_status, blocked, is_chat_read, default_stage_id, ai_customer_id, created_at,
    last_message_at, last_inbound_at)
SELECT $1::uuid, first.id, coalesce(lists.id, $2), said.name, said.phone, said.phone_key, said.phone_as_given, said.email,
    groups.platform, said.external_user_id, coalesce(said.source, $3::text), coalesce(said.chat_status, $4),
    coalesce(said.blocked, false), coalesce(said.is_chat_read, true), said.default_stage_id,
    said.ai_customer_id, groups.created_at, said.last_message_at, said.last_inbound_at
FROM import_contacts said
JOIN import_groups groups ON groups.first_row = said.entity
JOIN import_rows first ON first.row = said.entity
LEFT JOIN contact_lists lists ON lists.client_id = $1 AND lists.name = said.contact_list
WHERE contact_id IS NULL
ORDER BY said.entity;
