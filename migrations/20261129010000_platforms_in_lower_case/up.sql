-- Platforms are written trimmed and in lower case. A contact of `WhatsApp` moves to `whatsapp`, where later writes look
-- for it. A contact keeps its platform if another contact of these channels has the same identity, because only a
-- person can decide which of the two is right. This statement finds such contacts:
-- SELECT client_id, id, platform FROM contacts WHERE platform <> lower(btrim(platform));
UPDATE contacts
SET platform = moved.platform
FROM (
    SELECT client_id, id, lower(btrim(platform)) AS platform,
           count(*) OVER (
               PARTITION BY client_id, lower(btrim(platform)), external_user_id,
                   CASE WHEN external_user_id IS NULL AND phone_identifies THEN phone END,
                   CASE WHEN external_user_id IS NULL AND phone_identifies AND phone IS NOT NULL
                       THEN coalesce(phone_extension, '') END,
                   CASE WHEN external_user_id IS NULL AND (phone IS NULL OR NOT phone_identifies)
                       THEN lower(email) END
           ) AS same_identity
    FROM contacts
    WHERE lower(btrim(platform)) IN (
        SELECT lower(btrim(platform)) FROM contacts WHERE platform <> lower(btrim(platform)))
) AS moved
WHERE contacts.client_id = moved.client_id AND contacts.id = moved.id AND contacts.platform <> moved.platform
    AND same_identity = 1 AND moved.platform <> '';
