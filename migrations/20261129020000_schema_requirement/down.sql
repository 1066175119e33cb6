DROP TABLE schema_requirement;
