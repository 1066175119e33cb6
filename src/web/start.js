// The page: its parts, its states, its keys, and its address.

import { searchContacts } from './api.js';
import { CheckView } from './check.js';
import { showDetails } from './details.js';
import { element, icon } from './elements.js';
import { currentKey, forgetKey, hasDemoKey, listenToTabs } from './key.js';
import { findKey, keyForm } from './key_form.js';
import { language, list, text } from './language.js';
import { forgetFailures, isPassing, problemCard } from './problem.js';
import { contactAddress, refreshTimes, resultItem } from './results.js';
import { Search } from './search.js';
import { EXAMPLES } from './texts.js';

/** The pause between two updates of the times, in milliseconds. */
const REFRESH = 20_000;

/** Screens on which the details cover the results. */
const narrow = matchMedia('(max-width: 59.99rem)');

document.documentElement.lang = language;

// The parts.

const box = element('input', {
  id: 'box',
  type: 'search',
  autocomplete: 'off',
  autocapitalize: 'off',
  spellcheck: false,
  placeholder: text('placeholder'),
  enterKeyHint: 'search',
  maxLength: 256,
  'aria-label': text('search'),
  'aria-keyshortcuts': '/',
});
const clear = element(
  'button',
  { type: 'button', className: 'clear', title: text('clear'), 'aria-label': text('clear'), hidden: true },
  icon('clear'),
);
const slash = element('kbd', { className: 'slash', 'aria-hidden': 'true' }, '/');
const progress = element('div', { className: 'progress', 'aria-hidden': 'true' });
const searchForm = element(
  'form',
  { className: 'search', role: 'search' },
  icon('search'),
  box,
  clear,
  slash,
  progress,
);
const keyButton = element(
  'button',
  { type: 'button', className: 'key-button', title: text('keyForget'), 'aria-label': text('keyForget'), hidden: true },
  icon('key'),
  element('span', {}, text('keyForget')),
);
const logo = element('img', { src: new URL('icon.svg', import.meta.url).href, alt: '', width: 28, height: 28 });
const demo = element('span', { className: 'badge', hidden: true }, text('demo'));
const brand = element('div', { className: 'brand' }, logo, element('h1', {}, document.title), demo);
const searchLink = element('a', { href: '#/' }, text('navSearch'));
const checkLink = element('a', { href: '#/check' }, text('navCheck'));
const views = element('nav', { className: 'views', 'aria-label': text('navigation') }, searchLink, checkLink);
const top = element('header', { className: 'top' }, brand, views, searchForm, keyButton);
const count = element('p', { id: 'count', role: 'status' });
const said = element('p', { id: 'said', role: 'status' });
const problem = element('div', { id: 'problem', role: 'alert' });
const found = element('ol', { id: 'results', 'aria-label': text('resultsList'), hidden: true });
const more = element('button', { type: 'button', className: 'more', hidden: true }, text('showMore'));
const other = element('div', { id: 'other' });
const searchView = element('div', {}, count, problem, found, more, other);
const checkView = new CheckView({ useOtherKey: askForKey });
const results = element('div', { className: 'results' }, searchView, checkView.root);
const pane = element('section', { className: 'pane', 'aria-labelledby': 'details-title', hidden: true });
const idlePane = element('aside', { className: 'idle-pane', 'aria-label': text('keyboard') }, keyboardHelp());
const main = element('main', {}, results, pane, idlePane);

document.body.replaceChildren(top, main, said);

// The states of the search.

const search = new Search(searchContacts, {
  idle() {
    setLoading(false);
    count.textContent = '';
    problem.replaceChildren();
    showContacts([]);
    other.replaceChildren(idleCard());
  },
  loading() {
    setLoading(true);
  },
  found(answer, query) {
    setLoading(false);
    forgetFailures();
    problem.replaceChildren();
    showContacts(answer.results);
    other.replaceChildren(...(answer.results.length === 0 ? [noResultCard(query)] : []));
    showCount(answer);
  },
  more(answer) {
    setLoading(false);
    forgetFailures();
    problem.replaceChildren();
    const items = answer.results.map(remember);
    found.append(...items);
    showCount(answer);
    items[0]?.querySelector('.open').focus();
  },
  failed(failure, again) {
    setLoading(false);
    if (failure.kind === 'keyUnknown') return askForKey(failure);
    // The earlier results stay only while the page tries again by itself, or if the next page of them has failed.
    if (!search.isCurrent && !isPassing(failure)) showContacts([]);
    if (!search.isCurrent) count.textContent = '';
    problem.replaceChildren(problemCard(failure, { again, useOtherKey: () => askForKey() }));
    other.replaceChildren();
  },
});

/** The names of the contacts in the list, by id. */
const names = new Map();

function remember(contact) {
  names.set(contact.id, contact.name);
  const item = resultItem(contact);
  markOpen(item, openId());
  return item;
}

function showContacts(contacts) {
  names.clear();
  found.replaceChildren(...contacts.map(remember));
  found.hidden = contacts.length === 0;
  more.hidden = true;
  scrollTo({ top: 0 });
}

function showCount({ nextCursor }) {
  const n = found.childElementCount;
  more.hidden = nextCursor === null;
  if (n === 0) count.textContent = text('noResult');
  else count.textContent = text(nextCursor === null ? 'results' : 'resultsAndMore', { n });
}

function setLoading(isLoading) {
  progress.classList.toggle('is-running', isLoading);
  found.setAttribute('aria-busy', String(isLoading));
}

function idleCard() {
  const example = (words, index) =>
    element(
      'li',
      {},
      element('button', { type: 'button', className: 'example', onclick: () => typeIn(words) }, words),
      element('span', {}, list('idleExamples')[index]),
    );
  return element(
    'div',
    { className: 'card idle' },
    element('h2', {}, text('idleTitle')),
    element('ul', {}, EXAMPLES.map(example)),
    element('p', { className: 'muted' }, text('idleWords')),
  );
}

function noResultCard(query) {
  const tips = [...list('tryTips')];
  if (/(^|\s)(name|phone|email):/i.test(query)) tips.unshift(text('tryField'));
  return element(
    'div',
    { className: 'card' },
    element('h2', {}, text('tryTitle')),
    element(
      'ul',
      { className: 'tips' },
      tips.map((tip) => element('li', {}, tip)),
    ),
  );
}

function keyboardHelp() {
  const row = (keys, name) =>
    element(
      'div',
      {},
      element(
        'dt',
        {},
        keys.map((key) => element('kbd', {}, key)),
      ),
      element('dd', {}, text(name)),
    );
  return [
    element('p', {}, text('detailsIdle')),
    element(
      'dl',
      { className: 'keyboard' },
      row(['/'], 'keyboardSearch'),
      row(['↑', '↓'], 'keyboardMove'),
      row(['Enter'], 'keyboardOpen'),
      row(['Esc'], 'keyboardClose'),
    ),
  ];
}

// Typing.

function typeIn(words) {
  box.value = words;
  box.focus();
  typed();
}

function typed() {
  clear.hidden = box.value === '';
  slash.hidden = box.value !== '';
  search.type(box.value);
}

// While an input method composes a character, the box holds a piece of it.
box.addEventListener('input', (event) => !event.isComposing && typed());
box.addEventListener('compositionend', typed);
clear.addEventListener('click', () => typeIn(''));
more.addEventListener('click', () => search.more());
searchForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const first = found.querySelector('.open');
  if (search.isCurrent && first) first.click();
  else search.start();
});

// The key.

/** Forgets the key, and asks for another one. */
function askForKey(failure) {
  forgetKey();
  showKeyForm(failure);
}

function showKeyForm(failure) {
  closeDetails();
  search.reset();
  // The verdicts are about the contacts of the key's client.
  checkView.reset();
  setLoading(false);
  searchView.hidden = false;
  checkView.root.hidden = true;
  views.hidden = true;
  demo.hidden = true;
  keyButton.hidden = true;
  searchForm.hidden = true;
  idlePane.hidden = true;
  count.textContent = '';
  problem.replaceChildren();
  showContacts([]);
  other.replaceChildren(keyForm(failure, begin));
  document.getElementById('key').focus();
}

/** Starts with a key. The text of an earlier key is searched again. */
function begin() {
  demo.hidden = !hasDemoKey();
  keyButton.hidden = false;
  views.hidden = false;
  idlePane.hidden = false;
  other.replaceChildren(idleCard());
  typed();
  route();
  if (!openId()) focusView();
}

keyButton.addEventListener('click', () => {
  box.value = '';
  askForKey();
});

// The views. The part of the address behind `#` chooses one. The details of a contact lie beside either view.

let isChecking = false;

/** Shows what the address says. */
function route() {
  if (!currentKey()) return;
  if (!openId()) isChecking = location.hash === '#/check';
  searchView.hidden = isChecking;
  searchForm.hidden = isChecking;
  checkView.root.hidden = !isChecking;
  for (const [link, isCurrent] of [
    [searchLink, !isChecking],
    [checkLink, isChecking],
  ]) {
    if (isCurrent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  showOpenContact();
}

/** Moves the focus to the first control of the view. */
function focusView() {
  if (isChecking) checkView.focus();
  else box.focus();
}

// The details. The part of the address behind `#` holds the id. Browsers never send that part to a server.

let detailsController;

/** The link that has opened the details. */
let opener;

/** The id in the address. */
function openId() {
  return /^#\/contacts\/([\w-]+)$/.exec(location.hash)?.[1];
}

function openContact(id) {
  opener = document.activeElement;
  // Going through several contacts leaves one step in the history.
  if (openId()) history.replaceState(history.state, '', contactAddress(id));
  else history.pushState({ isOpenedHere: true }, '', contactAddress(id));
  showOpenContact();
}

function leaveContact() {
  if (history.state?.isOpenedHere) history.back();
  else {
    history.replaceState(null, '', isChecking ? '#/check' : location.pathname + location.search);
    showOpenContact();
  }
}

function showOpenContact() {
  const id = openId();
  if (!currentKey()) return;
  if (!id) return closeDetails();
  detailsController?.abort();
  detailsController = new AbortController();
  pane.hidden = false;
  idlePane.hidden = true;
  coverResults();
  markAllOpen(id);
  pane.scrollTop = 0;
  showDetails(pane, id, {
    name: names.get(id),
    signal: detailsController.signal,
    close: leaveContact,
    useOtherKey: askForKey,
  });
}

function closeDetails() {
  detailsController?.abort();
  if (pane.hidden) return;
  const last = found.querySelector('.is-open .open');
  pane.hidden = true;
  pane.replaceChildren();
  idlePane.hidden = false;
  coverResults();
  markAllOpen(undefined);
  if (last) last.focus();
  else if (isChecking && opener?.isConnected) opener.focus();
  else focusView();
}

/** On a narrow screen the details cover the rest, which then takes no focus. */
function coverResults() {
  const isCovered = narrow.matches && !pane.hidden;
  searchForm.inert = isCovered;
  views.inert = isCovered;
  keyButton.inert = isCovered;
  results.inert = isCovered;
  document.body.classList.toggle('is-covered', isCovered);
}

function markAllOpen(id) {
  for (const item of found.children) markOpen(item, id);
}

function markOpen(item, id) {
  const isOpen = id !== undefined && item.id === `contact-${id}`;
  item.classList.toggle('is-open', isOpen);
  const link = item.querySelector('.open');
  if (isOpen) link.setAttribute('aria-current', 'true');
  else link.removeAttribute('aria-current');
}

narrow.addEventListener('change', coverResults);
addEventListener('popstate', route);
document.addEventListener('click', (event) => {
  const isControl = event.target.closest('a, button');
  const entry = event.target.closest('.result');
  // A click anywhere on an entry opens it, unless the user has selected a piece of its text.
  if (entry && !isControl && getSelection().isCollapsed) openContact(entry.id.slice('contact-'.length));
  const link = event.target.closest('a[href^="#/contacts/"]');
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain) return;
  event.preventDefault();
  openContact(link.getAttribute('href').slice('#/contacts/'.length));
});

// The keyboard.

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.matches('input, textarea');
  if (event.key === '/' && !isTyping && !views.hidden && !views.inert) {
    event.preventDefault();
    if (isChecking) {
      history.pushState(null, '', '#/');
      route();
    }
    box.focus();
    box.select();
  } else if (event.key === 'Escape') {
    event.preventDefault();
    if (!pane.hidden) leaveContact();
    else if (!searchForm.hidden) typeIn('');
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    move(event, event.key === 'ArrowDown' ? 1 : -1);
  }
});

/** Moves the focus from the box into the list, through it, and back. */
function move(event, step) {
  const links = [...found.querySelectorAll('.open')];
  const at = links.indexOf(event.target.closest('.result')?.querySelector('.open'));
  if (event.target !== box && at < 0) return;
  if (event.target === box && step < 0) return;
  event.preventDefault();
  const next = links[at + step];
  if (next) {
    next.focus();
    next.closest('.result').scrollIntoView({ block: 'nearest' });
  } else if (step < 0) {
    box.focus();
  } else if (!more.hidden) {
    more.focus();
  }
}

// The start.

setInterval(refreshTimes, REFRESH);
listenToTabs(() => askForKey());
if (await findKey(begin)) begin();
else showKeyForm();
