// The two documented reads as they are usually written: Node.js with Fastify and pg, ILIKE on columns with trigram
// indexes, and the planner's choice. The benchmark compares this server with contact-search on the same contacts.
// It reads phones as they are written, so it has no match keys.
//
// DATABASE_URL is the database, and CLIENT the client whose contacts it returns. KEY is the only API key.

import { createHash, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

const { DATABASE_URL, CLIENT, KEY } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 16 });

const COLUMNS = `id, serial_id, name, phone, email, platform, source, contact_list_id, blocked, is_chat_read, created_at,
  last_message_at, last_inbound_at`;
// node-postgres prepares a statement that has a name, once for each connection.
const LOOKUP = {
  name: 'lookup',
  text: `SELECT ${COLUMNS} FROM peer.contacts WHERE client_id = $1 AND phone = $2
         ORDER BY last_message_at DESC NULLS LAST LIMIT 1`,
};
const matching = (condition) => `SELECT ${COLUMNS} FROM peer.contacts WHERE client_id = $1 AND (${condition})
  ORDER BY last_message_at DESC NULLS LAST LIMIT 50`;
const BY_PHONE = { name: 'phone', text: matching('phone ILIKE $2') };
const BY_EMAIL = { name: 'email', text: matching('email ILIKE $2') };
const BY_EITHER = { name: 'either', text: matching('phone ILIKE $2 OR email ILIKE $3') };

const SESSION_WINDOW = 24 * 60 * 60 * 1000;

const hash = (key) => createHash('sha256').update(key).digest();
const known = hash(KEY);

// A pattern that finds the text anywhere. Its wildcards count as plain characters.
const anywhere = (text) => `%${text.replace(/[\\%_]/g, '\\$&')}%`;

const app = Fastify();

app.addHook('onRequest', async (request, reply) => {
  const key = request.headers['x-api-key'];
  if (typeof key !== 'string' || !timingSafeEqual(hash(key), known)) {
    return reply.code(401).send({ error: 'unauthorized' });
  }
});

app.get('/api/v1/contact-lookup/', async (request) => {
  const { rows } = await pool.query({ ...LOOKUP, values: [CLIENT, request.query.phone] });
  const contact = rows[0];
  if (!contact) return { found: false };
  const expires = contact.last_inbound_at && new Date(contact.last_inbound_at.getTime() + SESSION_WINDOW);
  return {
    found: true,
    contact: {
      id: contact.serial_id,
      full_name: contact.name,
      phone: contact.phone,
      email: contact.email,
      contact_list_id: contact.contact_list_id,
      source: contact.source,
      created_at: contact.created_at,
    },
    has_replied: contact.last_inbound_at !== null,
    last_reply_at: contact.last_inbound_at,
    session_window_active: expires > Date.now(),
    session_expires_at: expires,
  };
});

app.get('/api/public/contacts/search', async (request) => {
  const { phone, email } = request.query;
  const values = [phone && anywhere(phone.replace(/[^0-9]/g, '')), email && anywhere(email)].filter(Boolean);
  const statement = phone && email ? BY_EITHER : phone ? BY_PHONE : BY_EMAIL;
  const { rows } = await pool.query({ ...statement, values: [CLIENT, ...values] });
  return rows;
});

const address = await app.listen({ host: '127.0.0.1', port: 0 });
console.log(`The peer answers on ${address}`);
