const { BASE, KEY } = process.env;

async function call(method, path, { query, body } = {}) {
  const url = `${BASE}${path}?${new URLSearchParams(query)}`;
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, {
      method,
      headers: { "X-API-Key": KEY },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(5000),
    });
    if (response.ok) return response.json();
    const error = `${response.headers.get("X-Error-Code")}: ${await response.text()}`;
    // Only a call that was refused for a moment has a Retry-After. Writes may be repeated too.
    const seconds = response.headers.get("Retry-After");
    if (seconds === null || attempt === 5) throw new Error(error);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

const lookup = await call("GET", "/api/v1/contact-lookup/", { query: { phone: "+5492235961983" } });
console.log(lookup.contact.fullName);

const found = await call("GET", "/api/public/contacts/search", { query: { email: "@example.com" } });
console.log(found.length, "contacts");

const contact = { channel: "whatsapp", contact_phone_number: "+5491123456789", contact_name: "Ana" };
const written = await call("POST", "/api/public/customer/upsert/info", { body: contact });
console.log(written.name, written.phone);
