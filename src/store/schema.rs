// @generated automatically by Diesel CLI.

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        client_id -> Uuid,
        key_hash -> Bytea,
        label -> Text,
        display -> Text,
        scopes -> Array<Nullable<Text>>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        rate_limit -> Nullable<Int4>,
    }
}

diesel::table! {
    clients (id) {
        id -> Uuid,
        name -> Text,
        default_region -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    contact_lists (client_id, id) {
        client_id -> Uuid,
        id -> Int8,
        name -> Text,
    }
}

diesel::table! {
    contact_period_border (is_only) {
        is_only -> Bool,
        border -> Int4,
        fence -> Nullable<Int8>,
    }
}

diesel::table! {
    contact_texts (id, client_id) {
        client_id -> Uuid,
        id -> Uuid,
        last_message_at -> Nullable<Timestamptz>,
        gram_prefix -> Text,
        phone -> Nullable<Text>,
        email_lower -> Nullable<Text>,
        name_words -> Nullable<Text>,
    }
}

diesel::table! {
    contact_words (word, client_id, id) {
        client_id -> Uuid,
        word -> Text,
        id -> Int8,
        is_name -> Bool,
        is_leaving -> Bool,
        fence -> Nullable<Int8>,
    }
}

diesel::table! {
    contact_words_left (client_id, id) {
        client_id -> Uuid,
        id -> Int8,
        word -> Text,
    }
}

diesel::table! {
    contacts (client_id, id) {
        client_id -> Uuid,
        id -> Uuid,
        serial_id -> Int8,
        contact_list_id -> Int8,
        name -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_key -> Nullable<Text>,
        phone_as_given -> Nullable<Text>,
        email -> Nullable<Text>,
        platform -> Text,
        external_user_id -> Nullable<Text>,
        source -> Nullable<Text>,
        chat_status -> Text,
        blocked -> Bool,
        is_chat_read -> Bool,
        ai_customer_id -> Nullable<Uuid>,
        default_stage_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_message_at -> Nullable<Timestamptz>,
        last_inbound_at -> Nullable<Timestamptz>,
        email_lower -> Nullable<Text>,
        phone_extension -> Nullable<Text>,
        phone_identifies -> Bool,
        ids_since -> Nullable<Timestamptz>,
        former_line -> Nullable<Text>,
        former_external_user_id -> Nullable<Text>,
        name_words -> Nullable<Text>,
    }
}

diesel::table! {
    contacts_newest (client_id, id) {
        client_id -> Uuid,
        id -> Uuid,
        last_message_at -> Timestamptz,
        phone -> Nullable<Text>,
        email_lower -> Nullable<Text>,
        name_words -> Nullable<Text>,
    }
}

diesel::table! {
    contacts_newest_border (is_only) {
        is_only -> Bool,
        since -> Timestamptz,
    }
}

diesel::table! {
    credential_version (is_only) {
        is_only -> Bool,
        version -> Uuid,
    }
}

diesel::table! {
    schema_requirement (is_only) {
        is_only -> Bool,
        oldest_program -> Text,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Uuid,
        client_id -> Uuid,
        token_hash -> Bytea,
        app_secret -> Text,
        created_at -> Timestamptz,
        token_end -> Nullable<Text>,
        last_delivery_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(api_keys -> clients (client_id));
diesel::joinable!(contact_lists -> clients (client_id));
diesel::joinable!(contact_words -> clients (client_id));
diesel::joinable!(contact_words_left -> clients (client_id));
diesel::joinable!(webhooks -> clients (client_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    clients,
    contact_lists,
    contact_period_border,
    contact_texts,
    contact_words,
    contact_words_left,
    contacts,
    contacts_newest,
    contacts_newest_border,
    credential_version,
    schema_requirement,
    webhooks,
);
