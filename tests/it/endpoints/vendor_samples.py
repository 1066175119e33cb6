"""The examples of the two vendors' documentation, run against another base URL and key.

    python3 vendor_samples.py BASE_URL API_KEY

Prints the results, and fails if an answer is not as documented.
"""

import json
import sys
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

BASE_URL, API_KEY = sys.argv[1:]


def get(path, params, key=API_KEY):
    headers = {"X-API-Key": key} if key else {}
    try:
        with urlopen(Request(f"{BASE_URL}{path}?{urlencode(params)}", headers=headers), timeout=10) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


def look_up(phone):
    status, data = get("/api/v1/contact-lookup/", {"phone": phone})
    assert status == 200, (status, data)
    return data


def search(**params):
    status, data = get("/api/public/contacts/search", params)
    assert status == 200 and isinstance(data, list), (status, data)
    return data


# Contact lookup: the documented formats are equivalent.
for phone in ["+5492235961983", "5492235961983", "+54223155961983", "54223155961983", "+54 223 15-596-1983"]:
    data = look_up(phone)
    assert data["found"], phone
    assert data["contact"]["fullName"] == "Juan Perez", phone
    assert data["contact"]["phone"] == "+5492235961983", phone
print(f"Contact: {data['contact']['fullName']}")
print(f"Replied: {data['hasReplied']}")
print(f"Window active: {data['sessionWindowActive']}")

# Conditional follow-up.
decisions = []
for phone in ["5492235961983", "56912345678", "5491100000000"]:
    lookup = look_up(phone)
    if not lookup["found"]:
        decisions.append("check the number")
    elif lookup["hasReplied"]:
        decisions.append("already replied, skip")
    elif lookup["sessionWindowActive"]:
        decisions.append("free-text follow-up")
    else:
        decisions.append("follow-up template")
assert decisions == ["already replied, skip", "follow-up template", "check the number"], decisions

# The documented refusals.
status, data = get("/api/v1/contact-lookup/", {})
assert (status, data) == (400, {"error": "El parametro 'phone' es requerido"}), data
status, data = get("/api/v1/contact-lookup/", {"phone": "1"}, key=None)
needed = "Este endpoint requiere autenticacion con API Key (header X-API-Key)"
assert (status, data) == (401, {"error": needed}), data

# Search contacts: the documented terms find the documented contact.
for params in [
    {"phone": "12345678"},
    {"phone": "+569"},
    {"phone": "56912345"},
    {"phone": "+56912345678"},
    {"email": "JOHN@EXAMPLE.COM"},
    {"email": "@example.com"},
    {"email": "john"},
    {"phone": "56912345678", "email": "nobody@nowhere.example"},
]:
    found = search(**params)
    assert "John Doe" in [contact["name"] for contact in found], params
    assert len(found) <= 50
fields = [
    "id", "name", "phone", "email", "platform", "last_message_at", "chat_status", "created_at", "client_id",
    "ai_customer_id", "default_stage_id", "blocked", "is_chat_read",
]
assert list(found[0]) == fields, list(found[0])

# Encoded as by JavaScript's encodeURIComponent.
target = f"{BASE_URL}/api/public/contacts/search?email={quote('john@example.com', safe='')}"
with urlopen(Request(target, headers={"x-api-key": API_KEY}), timeout=10) as response:
    assert json.load(response)[0]["email"] == "john@example.com"

# Check before creating; search with a fallback.
assert not search(email="new.customer@nowhere.example")
assert (search(phone="5690000000000") or search(email="john@example.com"))[0]["name"] == "John Doe"
status, data = get("/api/public/contacts/search", {})
assert (status, data["statusCode"], data["error"]) == (400, 400, "Bad Request"), data
status, data = get("/api/public/contacts/search", {"email": "john"}, key="wrong")
assert (status, data["error"]) == (401, "Unauthorized"), data
print("as documented")
