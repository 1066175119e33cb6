// The details of one contact: all that the server knows of it, what the lookup says, and the other channels of its
// number.

import { lookUp, readContact, searchContacts } from './api.js';
import { element, icon, plain } from './elements.js';
import { ago, channel, exactTime, isOld, shortTime, status, text } from './language.js';
import { problemCard } from './problem.js';
import { badge, contactAddress, contactName, copy, copyable, sessionWindow, timeAgo } from './results.js';

/**
 * Fills the pane with the details of a contact. `name` is the name if it is known already. `close` closes the pane,
 * `useOtherKey` asks for another key.
 */
export async function showDetails(pane, id, { name, signal, close, useOtherKey }) {
  const again = () => showDetails(pane, id, { name, signal, close, useOtherKey });
  const title = element(
    'h2',
    { id: 'details-title', tabIndex: -1 },
    name === undefined ? text('loading') : contactName(name),
  );
  const body = element('div', { className: 'details-body' });
  pane.replaceChildren(toolbar(id, close), title, body);
  title.focus();
  let contact;
  try {
    contact = await readContact(id, signal);
  } catch (failure) {
    if (signal.aborted) return;
    if (failure.status !== 404) {
      if (failure.kind === 'keyUnknown') return useOtherKey(failure);
      title.replaceChildren(text('partFailed'));
      body.replaceChildren(problemCard(failure, { again, useOtherKey: () => useOtherKey() }));
      return;
    }
    title.replaceChildren(text('contactGone'));
    body.replaceChildren(element('p', {}, text('contactGoneText')));
    return;
  }
  if (signal.aborted) return;
  title.replaceChildren(contactName(contact.name));
  const lookup = section(text('lookup'), loading());
  const others = section(text('others'), loading());
  body.replaceChildren(...known(contact), lookup, others, ...record(contact));
  await Promise.all([
    fill(lookup, signal, () => lookupOf(contact, signal)),
    fill(others, signal, () => othersOf(contact, signal)),
  ]);
}

function toolbar(id, close) {
  const link = element('button', { type: 'button' }, icon('link'), element('span', {}, text('copyLink')));
  link.addEventListener('click', () => copy(link, new URL(contactAddress(id), location.href).href, 'link'));
  return element(
    'div',
    { className: 'toolbar' },
    element(
      'button',
      { type: 'button', className: 'back', onclick: close },
      icon('back'),
      element('span', {}, text('back')),
    ),
    element('span', { className: 'spacer' }),
    link,
    element(
      'button',
      { type: 'button', className: 'close', title: text('close'), 'aria-label': text('close'), onclick: close },
      icon('clear'),
    ),
  );
}

function section(title, ...content) {
  return element('section', {}, element('h3', {}, title), element('div', { className: 'section-body' }, content));
}

function loading() {
  return element('p', { className: 'muted' }, text('loading'));
}

/** Fills a section with what `load` makes, or says that it failed. */
async function fill(made, signal, load) {
  const body = made.querySelector('.section-body');
  try {
    const content = await load();
    if (!signal.aborted) body.replaceChildren(...[content].flat());
  } catch (failure) {
    if (signal.aborted) return;
    const again = element('button', { type: 'button' }, text('tryAgain'));
    again.addEventListener('click', () => {
      body.replaceChildren(loading());
      fill(made, signal, load);
    });
    body.replaceChildren(element('p', {}, text('partFailed'), ' ', text(failure.kind)), again);
  }
}

/** A list of names and values. A value of `null` shows as none. */
function facts(rows) {
  return element(
    'dl',
    {},
    rows.map(([name, value]) =>
      element(
        'div',
        {},
        element('dt', {}, name),
        element('dd', {}, value ?? element('span', { className: 'muted' }, text('none'))),
      ),
    ),
  );
}

/** A time, with its age if it is recent. */
function moment(time) {
  if (!time) return null;
  if (isOld(time)) return element('time', { dateTime: time, title: exactTime(time) }, shortTime(time));
  return element(
    'span',
    { className: 'moment' },
    timeAgo(time),
    ' ',
    element('span', { className: 'muted' }, shortTime(time)),
  );
}

function yesOrNo(value) {
  return text(value ? 'yes' : 'no');
}

function known(contact) {
  const { phone, email } = contact;
  const labels = [
    badge('', channel(contact.platform)),
    badge('', status(contact.chatStatus)),
    contact.blocked ? badge('blocked', text('blocked')) : null,
    contact.isChatRead ? null : badge('unread', text('unread')),
  ];
  return [
    element('p', { className: 'labels' }, labels),
    section(
      text('reach'),
      facts([
        [text('phone'), phone && copyable('copyPhone', phone, plain(phone))],
        [text('email'), email && copyable('copyEmail', email, plain(email))],
        [text('lastMessage'), moment(contact.lastMessageAt)],
        [text('lastInbound'), moment(contact.lastInboundAt)],
      ]),
    ),
  ];
}

function record(contact) {
  const id = (value) => value && copyable('copyId', String(value), element('code', {}, String(value)));
  return [
    section(
      text('record'),
      facts([
        [text('read'), yesOrNo(contact.isChatRead)],
        [text('blocked'), yesOrNo(contact.blocked)],
        [text('contactList'), contact.contactList && plain(contact.contactList)],
        [text('source'), contact.source && plain(contact.source)],
        [text('created'), moment(contact.createdAt)],
      ]),
    ),
    section(
      text('ids'),
      facts([
        [text('uuid'), id(contact.id)],
        [text('contactId'), id(contact.contactId)],
        [text('externalId'), id(contact.externalUserId)],
        [text('stageId'), id(contact.defaultStageId)],
        [text('aiCustomerId'), id(contact.aiCustomerId)],
      ]),
    ),
  ];
}

/** The text by which the lookup finds the contact: its phone, or the id of a person who hides the number. */
function numberOf(contact) {
  return contact.phone ?? (contact.externalUserId?.endsWith('@lid') ? contact.externalUserId : null);
}

/** What the lookup says of the contact's number. */
async function lookupOf(contact, signal) {
  const number = numberOf(contact);
  if (!number) return element('p', { className: 'muted' }, text('lookupNoPhone'));
  let answer;
  try {
    answer = await lookUp(number, signal);
  } catch (failure) {
    if (failure.kind === 'scopeMissing') return element('p', { className: 'muted' }, text('lookupNoScope'));
    throw failure;
  }
  if (!answer.found) return element('p', { className: 'muted' }, text('lookupNotFound'));
  const shown = answer.contact;
  const isThis = shown.id === contact.contactId;
  const link = isThis
    ? text('lookupThis')
    : element('a', { href: contactAddress(shown.id) }, contactName(shown.fullName));
  return facts([
    [text('lookupWindow'), sessionWindow(answer.sessionWindowActive ? answer.sessionExpiresAt : null)],
    [
      text('lookupReplied'),
      answer.hasReplied ? text('lookupRepliedAt', { ago: ago(answer.lastReplyAt) }) : text('notReplied'),
    ],
    [text('lookupContact'), link],
  ]);
}

/** The other contacts with the same number. */
async function othersOf(contact, signal) {
  if (!contact.phone) return element('p', { className: 'muted' }, text('othersNoPhone'));
  const { results } = await searchContacts(`phone:${contact.phone}`, null, signal);
  const isSameNumber = (entry) => entry.field === 'phone' && ['exact', 'equivalent'].includes(entry.kind);
  const others = results.filter((other) => other.id !== contact.id && other.matchedBy.some(isSameNumber));
  if (others.length === 0) return element('p', { className: 'muted' }, text('othersNone'));
  return element(
    'ul',
    { className: 'others' },
    others.map((other) =>
      element(
        'li',
        {},
        element('a', { href: contactAddress(other.id) }, channel(other.platform), ' · ', contactName(other.name)),
        other.last_message_at ? timeAgo(other.last_message_at) : null,
      ),
    ),
  );
}
