# Repeats a call that was refused for a moment, after the seconds in Retry-After. Exits with 22 on an error.
call() {
  curl --silent --show-error --fail-with-body --max-time 5 --retry 4 -H "X-API-Key: $KEY" "$@"
}

call --get "$BASE/api/v1/contact-lookup/" --data-urlencode "phone=+5492235961983"

call --get "$BASE/api/public/contacts/search" --data-urlencode "email=@example.com"

call "$BASE/api/public/customer/upsert/info" -d '{
  "channel": "whatsapp", "contact_phone_number": "+5491123456789", "contact_name": "Ana", "contact_email": "ana@example.com"}'
