import os

from contact_search_client import AuthenticatedClient
from contact_search_client.api.contacts import upsert_contact
from contact_search_client.api.lookup import look_up_contact
from contact_search_client.api.search import search_contacts
from contact_search_client.models import ContactUpsert, PublicContact

api = AuthenticatedClient(
    base_url=os.environ["BASE"], token=os.environ["KEY"], prefix="", auth_header_name="X-API-Key"
)

lookup = look_up_contact.sync(client=api, phone="+5492235961983")
print(lookup.contact.full_name)

found = search_contacts.sync(client=api, email="@example.com")
print(len(found), "contacts")

contact = ContactUpsert(channel="whatsapp", contact_phone_number="+5491123456789", contact_name="Ana")
written = upsert_contact.sync(client=api, body=contact)
if not isinstance(written, PublicContact):
    raise RuntimeError(written.message)
print(written.name, written.phone)
