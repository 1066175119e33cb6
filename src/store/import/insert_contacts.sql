-- Makes the new contacts, in the order of the rows, so that the serial ids follow the file. $1: client, $2: default
-- list, $3: default source, $4: default chat status.
INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, phone_extension,
    phone_identifies, email, platform, external_user_id, source, chat_status, blocked, is_chat_read, default_stage_id,
    ai_customer_id, created_at, last_message_at, last_inbound_at)
SELECT $1::uuid, first.id, coalesce(lists.id, $2), merged.name, merged.phone, merged.phone_key,
    merged.phone_as_given, merged.phone_extension, coalesce(merged.phone_worth > 0, true), merged.email,
    groups.platform, merged.external_user_id,
    coalesce(merged.source, $3::text), coalesce(merged.chat_status, $4),
    coalesce(merged.blocked, false), coalesce(merged.is_chat_read, true), merged.default_stage_id,
    merged.ai_customer_id, groups.created_at, merged.last_message_at, merged.last_inbound_at
FROM import_contacts merged
JOIN import_groups groups ON groups.first_row = merged.entity
JOIN import_rows first ON first.row = merged.entity
LEFT JOIN contact_lists lists ON lists.client_id = $1 AND lists.name = merged.contact_list
WHERE contact_id IS NULL
ORDER BY merged.entity;
