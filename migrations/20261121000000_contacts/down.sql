DROP TABLE contacts;
DROP TABLE contact_lists;
DROP TABLE api_keys;
DROP TABLE clients;
