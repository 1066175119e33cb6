// Calls every kind of operation with the generated TypeScript client, and checks the values of the answers.
//
//     BASE=http://127.0.0.1:8080 KEY=… node calls.js

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./contact-search.js";

const { BASE, KEY } = process.env;
assert(BASE && KEY, "set BASE and KEY");
const api = createClient<paths>({ baseUrl: BASE, headers: { "X-API-Key": KEY } });
const phone = "+5491150010001";
const now = new Date().toISOString();

// 1. Create a contact, and use its UUID below.
const upsert = await api.POST("/api/public/customer/upsert/info", {
  body: { channel: "whatsapp", contact_phone_number: phone, contact_name: "Tamara", contact_email: "tamara@example.com" },
});
assert(upsert.data, JSON.stringify(upsert.error));
assert.deepEqual([upsert.data.name, upsert.data.phone, upsert.data.blocked], ["Tamara", phone, false]);
const { id } = upsert.data;

// 2. Look it up. It has not replied yet.
const lookup = await api.GET("/api/v1/contact-lookup", { params: { query: { phone: "011 15-5001-0001" } } });
assert.equal(lookup.data?.contact?.fullName, "Tamara");
assert.deepEqual([lookup.data.found, lookup.data.hasReplied, lookup.data.sessionExpiresAt], [true, false, null]);

// 3. Record one message from it.
const message = { platform: "whatsapp", phone, direction: "inbound", sentAt: now } as const;
const recorded = await api.POST("/api/v1/messages", { body: message });
assert(recorded.data && "status" in recorded.data, "one message has one result");
assert.equal(recorded.data.status, "updated");

// 4. Record many messages: the same one, one from an unknown number, and one without a person.
const many = await api.POST("/api/v1/messages", {
  body: [message, { ...message, phone: "+5491150019999" }, { direction: "outbound", sentAt: now }],
});
assert(many.data && "results" in many.data, "an array has an array of results");
assert.deepEqual(many.data.results.map((result) => result.status), ["unchanged", "not_found", "error"]);
assert.match(many.data.results[2]?.error ?? "", /'phone'/);

// 5. Look up two numbers. The message has opened the session window.
const lookups = await api.POST("/api/v1/contact-lookup/batch", { body: { phones: [phone, "+5491150019999"] } });
assert.deepEqual(lookups.data?.results.map((result) => result.sessionWindowActive), [true, false]);
assert.equal(lookups.data.results[0]?.phone, phone);

// 6. Write two contacts at once: the same one, and one that nothing identifies.
const batch = await api.POST("/api/v1/contacts", {
  body: { contacts: [{ platform: "whatsapp", phone, source: "typescript" }, { name: "Nobody" }] },
});
assert.deepEqual(batch.data?.results.map((result) => result.status), ["updated", "error"]);
assert.deepEqual([batch.data.results[0]?.id, batch.data.results[0]?.contactId], [id, lookup.data.contact.id]);

// 7. Search it by a piece of its email.
const found = await api.GET("/api/public/contacts/search", { params: { query: { email: "TAMARA@" } } });
assert.deepEqual(found.data?.map((contact) => contact.id), [id]);

// 8. Change it.
const changed = await api.PATCH("/api/public/contact/{id}", {
  params: { path: { id } },
  body: { chat_status: "ATTENDED", is_chat_read: true, name: null },
});
assert.deepEqual([changed.data?.name, changed.data?.chat_status, changed.data?.is_chat_read], [null, "ATTENDED", true]);

// 9. Find it first among the contacts with recent messages.
const recent = await api.GET("/api/public/contacts", { params: { query: { days: 1 } } });
assert.equal(recent.data?.[0]?.id, id);

// 10. Delete it. Then nobody has this id any more, and the error has a type and a code.
const deleted = await api.DELETE("/api/public/contact/{id}", { params: { path: { id } } });
assert.equal(deleted.response.status, 204);
const gone = await api.GET("/api/public/contact/{id}/info", { params: { path: { id } } });
assert.deepEqual([gone.error?.statusCode, gone.error?.error], [404, "Not Found"]);
assert.equal(gone.response.headers.get("X-Error-Code"), "contact-unknown");

console.log("TypeScript: 10 calls as specified");
