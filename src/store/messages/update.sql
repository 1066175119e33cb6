-- Writes locked contacts. $1: client.
-- The arrays have one element for each contact. $2: id, $3: name, $4: external id, $5: phone, $6: match key, $7: phone
-- as given, $8: extension, $9: phone identifies somebody, $10: latest message, $11: latest inbound message,
-- $12: chat is read, $13: chat status, $14: present ids since, $15: former line, $16: former external id.
UPDATE contacts
SET name = changed.name, external_user_id = changed.external_user_id, phone = changed.phone,
    phone_key = changed.phone_key, phone_as_given = changed.phone_as_given, phone_extension = changed.phone_extension,
    phone_identifies = changed.phone_identifies, last_message_at = changed.last_message_at,
    last_inbound_at = changed.last_inbound_at, is_chat_read = changed.is_chat_read, chat_status = changed.chat_status,
    ids_since = changed.ids_since, former_line = changed.former_line,
    former_external_user_id = changed.former_external_user_id, updated_at = now()
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[],
            $10::timestamptz[], $11::timestamptz[], $12::boolean[], $13::text[], $14::timestamptz[], $15::text[],
            $16::text[])
    AS changed (id, name, external_user_id, phone, phone_key, phone_as_given, phone_extension, phone_identifies,
             last_message_at, last_inbound_at, is_chat_read, chat_status, ids_since, former_line,
             former_external_user_id)
WHERE contacts.client_id = $1 AND contacts.id = changed.id;
