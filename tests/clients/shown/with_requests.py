import os

import requests
from urllib3.util import Retry

BASE = os.environ["BASE"]
api = requests.Session()
api.headers["X-API-Key"] = os.environ["KEY"]
# Repeats a call that was refused for a moment, after the seconds in Retry-After. Writes may be repeated too.
retry = Retry(total=4, backoff_factor=0.5, status_forcelist=[429, 503], allowed_methods=None, raise_on_status=False)
api.mount(BASE, requests.adapters.HTTPAdapter(max_retries=retry))


def call(method, path, **arguments):
    response = api.request(method, BASE + path, timeout=5, **arguments)
    if not response.ok:
        raise RuntimeError(f"{response.headers.get('X-Error-Code')}: {response.text}")
    return response.json()


lookup = call("GET", "/api/v1/contact-lookup/", params={"phone": "+5492235961983"})
print(lookup["contact"]["fullName"])

found = call("GET", "/api/public/contacts/search", params={"email": "@example.com"})
print(len(found), "contacts")

contact = {"channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Ana"}
written = call("POST", "/api/public/customer/upsert/info", json=contact)
print(written["name"], written["phone"])
