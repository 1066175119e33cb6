npx openapi-typescript "$BASE/openapi.json" --output contact-search.ts
