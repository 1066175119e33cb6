// The list of contacts that a search has found.

import { copyText, element, highlighted, icon } from './elements.js';
import { ago, channel, exactTime, left, status, text } from './language.js';

/** The address of a contact's details on this page. It holds the id alone. */
export function contactAddress(id) {
  return `#/contacts/${id}`;
}

/** An entry of the list. */
export function resultItem(contact) {
  const { id, matchedBy } = contact;
  const of = (field) => matchedBy.filter((entry) => entry.field === field);
  const external = of('externalUserId');
  const values = [
    contact.phone && copyable('copyPhone', contact.phone, highlighted(contact.phone, of('phone'))),
    contact.email && copyable('copyEmail', contact.email, highlighted(contact.email, of('email'))),
    external.length > 0 &&
      copyable('copyExternalId', external[0].value, highlighted(external[0].value, external), text('externalId')),
  ];
  return element(
    'li',
    { className: 'result', id: `contact-${id}` },
    element(
      'div',
      { className: 'result-head' },
      element('a', { className: 'open', href: contactAddress(id) }, contactName(contact.name, of('name'))),
      contact.blocked ? badge('blocked', text('blocked')) : null,
      element('span', { className: 'spacer' }),
      contact.last_message_at
        ? timeAgo(contact.last_message_at)
        : element('span', { className: 'muted' }, text('noMessage')),
    ),
    element('div', { className: 'result-values' }, values.filter(Boolean)),
    element(
      'ul',
      { className: 'facts' },
      [
        channel(contact.platform),
        status(contact.chat_status),
        text(contact.hasReplied ? 'replied' : 'notReplied'),
        sessionWindow(contact.sessionWindowActive ? contact.sessionExpiresAt : null),
        ...reasons(matchedBy),
      ].map((fact) => element('li', {}, fact)),
    ),
    copyButton('copyId', id, text('uuid')),
  );
}

/** Says why a contact is found whose values do not look like the text. */
function reasons(matchedBy) {
  const words = (kind) => [...new Set(matchedBy.filter((entry) => entry.kind === kind).map((entry) => entry.word))];
  const reason = (name) => (word) => element('span', { className: 'reason' }, text(name, { word }));
  return [...words('similar').map(reason('similarTo')), ...words('equivalent').map(reason('sameNumber'))];
}

/** The name of a contact, or a text in its place. */
export function contactName(name, entries = []) {
  return name ? highlighted(name, entries) : element('span', { className: 'no-name' }, text('noName'));
}

/** A label. */
export function badge(kind, label) {
  return element('span', { className: `badge ${kind}` }, label);
}

/** How long ago a time was. The exact time shows on hover. */
export function timeAgo(time) {
  return element('time', { className: 'ago', dateTime: time, title: exactTime(time) }, ago(time));
}

/** The session window: open, with the time left, or closed. */
export function sessionWindow(expires) {
  const made = element('span', { className: 'window' });
  made.dataset.expires = expires ?? '';
  fillWindow(made);
  return made;
}

function fillWindow(made) {
  const { expires } = made.dataset;
  const rest = expires ? left(expires) : null;
  made.classList.toggle('is-open', rest !== null);
  made.textContent = rest === null ? text('windowClosed') : text('windowOpen', { left: rest });
  if (rest === null) made.removeAttribute('title');
  else made.title = exactTime(expires);
}

/** Writes all times anew that depend on the present. */
export function refreshTimes() {
  for (const made of document.querySelectorAll('time.ago')) made.textContent = ago(made.dateTime);
  for (const made of document.querySelectorAll('.window')) fillWindow(made);
}

/** A value with its copy button. */
export function copyable(name, value, shown, label) {
  return element(
    'span',
    { className: 'value' },
    label ? element('span', { className: 'muted' }, label) : null,
    element('span', { className: 'value-text' }, shown),
    copyButton(name, value),
  );
}

/** A button that copies a value. `shown` is a text on the button. */
export function copyButton(name, value, shown) {
  const label = text(name, { value });
  const properties = { type: 'button', className: 'copy', title: label, 'aria-label': label };
  const button = element('button', properties, shown ? element('span', {}, shown) : null, icon('copy'));
  button.addEventListener('click', () => copy(button, value, 'copy'));
  return button;
}

/** Copies the value, and says so for two seconds. `drawing` is the icon of the button. */
export async function copy(button, value, drawing) {
  const isCopied = await copyText(value);
  document.getElementById('said').textContent = text(isCopied ? 'copied' : 'notCopied');
  button.classList.toggle('is-copied', isCopied);
  button.querySelector('svg').replaceWith(icon(isCopied ? 'done' : 'warning'));
  setTimeout(() => {
    button.classList.remove('is-copied');
    button.querySelector('svg').replaceWith(icon(drawing));
    document.getElementById('said').textContent = '';
  }, 2000);
}
