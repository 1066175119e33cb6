"""Calls every kind of operation with the generated Python client, and checks the values of the answers.

    BASE=http://127.0.0.1:8080 KEY=… python3 calls.py
"""

import os
from datetime import datetime, timezone

from contact_search_client import AuthenticatedClient
from contact_search_client.api.contacts import (
    delete_contact,
    edit_contact,
    show_contact,
    upsert_contact,
    upsert_contacts,
)
from contact_search_client.api.lookup import look_up_contact, look_up_contacts
from contact_search_client.api.messages import record_messages
from contact_search_client.api.search import list_recent_contacts, search_contacts
from contact_search_client.models import (
    BatchResponse,
    BatchResult,
    BatchResultStatus as Status,
    ContactBatchRequest,
    ContactChange,
    ContactItem,
    ContactLookupBatchRequest,
    ContactUpsert,
    Message,
    MessageDirection,
    PublicContact,
    PublicError,
)

api = AuthenticatedClient(
    base_url=os.environ["BASE"], token=os.environ["KEY"], prefix="", auth_header_name="X-API-Key"
)
PHONE = "+5491150020001"
NOW = datetime.now(timezone.utc)

# 1. Create a contact, and use its UUID below.
contact = upsert_contact.sync(
    client=api,
    body=ContactUpsert(
        channel="whatsapp", contact_phone_number=PHONE, contact_name="Pilar", contact_email="pilar@example.com"
    ),
)
assert isinstance(contact, PublicContact), contact
assert (contact.name, contact.phone, contact.blocked) == ("Pilar", PHONE, False), contact

# 2. Look it up. It has not replied yet.
lookup = look_up_contact.sync(client=api, phone="011 15-5002-0001")
assert (lookup.found, lookup.has_replied, lookup.session_expires_at) == (True, False, None), lookup
assert lookup.contact.full_name == "Pilar", lookup

# 3. Record one message from it.
message = Message(platform="whatsapp", phone=PHONE, direction=MessageDirection.INBOUND, sent_at=NOW)
recorded = record_messages.sync(client=api, body=message)
assert isinstance(recorded, BatchResult), recorded
assert recorded.status == Status.UPDATED, recorded

# 4. Record many messages: the same one, one to an unknown number, and one without a recipient.
unknown = Message(platform="whatsapp", phone="+5491150029999", direction=MessageDirection.OUTBOUND, sent_at=NOW)
nobody = Message(direction=MessageDirection.OUTBOUND, sent_at=NOW)
many = record_messages.sync(client=api, body=[message, unknown, nobody])
assert isinstance(many, BatchResponse), many
assert [result.status for result in many.results] == [Status.UNCHANGED, Status.NOT_FOUND, Status.ERROR], many
assert "'phone'" in many.results[2].error, many

# 5. Look up two numbers. The message has opened the session window.
lookups = look_up_contacts.sync(client=api, body=ContactLookupBatchRequest(phones=[PHONE, "+5491150029999"]))
assert [result.session_window_active for result in lookups.results] == [True, False], lookups
assert lookups.results[0].phone == PHONE, lookups

# 6. Write two contacts at once: the same one, and one that nothing identifies.
items = [ContactItem(platform="whatsapp", phone=PHONE, source="python"), ContactItem(name="Nobody")]
batch = upsert_contacts.sync(client=api, body=ContactBatchRequest(contacts=items))
assert [result.status for result in batch.results] == [Status.UPDATED, Status.ERROR], batch
assert (batch.results[0].id, batch.results[0].contact_id) == (contact.id, lookup.contact.id), batch

# 7. Search it by a piece of its email.
found = search_contacts.sync(client=api, email="PILAR@")
assert [one.id for one in found] == [contact.id], found

# 8. Change it.
change = ContactChange(chat_status="ATTENDED", is_chat_read=True, name=None)
changed = edit_contact.sync(contact.id, client=api, body=change)
assert (changed.name, changed.chat_status, changed.is_chat_read) == (None, "ATTENDED", True), changed

# 9. Find it first among the contacts with recent messages.
recent = list_recent_contacts.sync(client=api, days=1)
assert recent[0].id == contact.id, recent[0]

# 10. Delete it. Then nobody has this id any more, and the error has a type and a code.
assert delete_contact.sync_detailed(contact.id, client=api).status_code == 204
gone = show_contact.sync_detailed(contact.id, client=api)
assert isinstance(gone.parsed, PublicError), gone
assert (gone.parsed.status_code, gone.parsed.error) == (404, "Not Found"), gone
assert gone.headers["X-Error-Code"] == "contact-unknown", gone

print("Python: 10 calls as specified")
