openapi-python-client generate --url "$BASE/openapi.json" --meta none --output-path contact_search_client
