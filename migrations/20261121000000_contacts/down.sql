DROP TABLE contacts;
DROP TABLE contact_lists;
DROP TABLE api_keys;
DROP TABLE clients;
-- The extensions stay: others in the same database may use them.
