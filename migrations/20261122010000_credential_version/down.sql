DROP TRIGGER clients_credential_version ON clients;
DROP TRIGGER api_keys_credential_version ON api_keys;
DROP FUNCTION credential_version_change();
DROP TABLE credential_version;
