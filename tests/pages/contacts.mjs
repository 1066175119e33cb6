// The contacts of the tests.

import assert from 'node:assert/strict';
import { call } from './support.mjs';

const MINUTE = 60_000;

/** The time so many minutes ago. */
function minutesAgo(minutes) {
  return new Date(Date.now() - minutes * MINUTE).toISOString();
}

/** Names that would run a script if they became markup. */
export const MARKUP = '<img src=x onerror="window.isHacked = true">';
export const SCRIPT = '<script>window.isHacked = true</script>';

const contacts = {
  maria: {
    name: 'María González',
    phone: '+5492235550123',
    email: 'maria.gonzalez@example.com',
    platform: 'whatsapp',
    chatStatus: 'ATTENDED',
    isChatRead: true,
    contactList: 'VIP',
    source: 'organic',
    lastInboundAt: minutesAgo(4 * 60),
    lastMessageAt: minutesAgo(3 * 60 + 10),
  },
  mariaOnInstagram: {
    name: 'Mari',
    phone: '+5492235550123',
    platform: 'instagram',
    externalUserId: 'insta-4711',
    chatStatus: 'CLOSED',
    lastMessageAt: minutesAgo(3 * 24 * 60 + 10),
  },
  juan: {
    name: 'Juan Pérez',
    phone: '+5491123456789',
    platform: 'sms',
    chatStatus: 'UNATTENDED',
    blocked: true,
  },
  long: {
    name: `Longest ${'Wolfeschlegelsteinhausen'.repeat(20)}`,
    email: `${'w'.repeat(200)}@example.com`,
    platform: 'constructor',
  },
  nobody: { email: 'nameless@example.org', platform: 'webchat', externalUserId: 'web-99' },
  hostile: {
    name: MARKUP,
    platform: 'webchat',
    externalUserId: SCRIPT,
    source: MARKUP,
    contactList: SCRIPT,
    chatStatus: '<b>OPEN</b>',
  },
};
const many = Array.from({ length: 25 }, (_, index) => ({
  name: `Zulema ${index + 1}`,
  platform: 'webchat',
  externalUserId: `zulema-${index + 1}`,
  lastMessageAt: minutesAgo(60 + index),
}));

const { results } = await call('POST', 'api/v1/contacts/', { contacts: [...Object.values(contacts), ...many] });
assert.deepEqual(
  results.filter((result) => result.error),
  [],
);

/** The ids of the contacts, by name. */
export const ids = Object.fromEntries(Object.keys(contacts).map((name, index) => [name, results[index]]));
