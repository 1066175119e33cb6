import createClient from "openapi-fetch";
import type { paths } from "./contact-search.js";

const { BASE, KEY } = process.env;
const api = createClient<paths>({ baseUrl: BASE!, headers: { "X-API-Key": KEY! } });

const lookup = await api.GET("/api/v1/contact-lookup", { params: { query: { phone: "+5492235961983" } } });
if (lookup.error) throw new Error(lookup.error.error);
console.log(lookup.data.contact?.fullName);

const found = await api.GET("/api/public/contacts/search", { params: { query: { email: "@example.com" } } });
if (found.error) throw new Error(found.error.message);
console.log(found.data.length, "contacts");

const written = await api.POST("/api/public/customer/upsert/info", {
  body: { channel: "whatsapp", contact_phone_number: "+5491123456789", contact_name: "Ana" },
});
if (written.error) throw new Error(`${written.response.headers.get("X-Error-Code")}: ${written.error.message}`);
console.log(written.data.name, written.data.phone);
