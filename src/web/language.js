// The user's language: chooses the texts, and writes times and numbers.

import { CHANNELS, STATUSES, TEXTS } from './texts.js';

/** The first language of the browser that the page has, or else English. */
export const language =
  navigator.languages.map((name) => name.toLowerCase().split('-')[0]).find((name) => name in TEXTS) ?? 'en';

const texts = TEXTS[language];

/** The browser's own variant of the language, such as `es-AR`, for dates and numbers. */
const locale = navigator.languages.find((name) => name.toLowerCase().split('-')[0] === language) ?? language;
const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);
const percentage = new Intl.NumberFormat(locale, { style: 'percent' });
const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' });
const minute = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });

/** The text of this name. `{n}` and other names in braces are replaced by values. `n` chooses the plural form. */
export function text(name, values = {}) {
  const found = texts[name];
  // Some languages have more forms than these texts, such as one for millions.
  const form = typeof found === 'string' ? found : (found[plural.select(values.n)] ?? found.other);
  return form.replace(/\{(\w+)\}/g, (_, key) => (key === 'n' ? number.format(values.n) : values[key]));
}

/** The texts of a list. */
export function list(name) {
  return texts[name];
}

/** A number with the separators of the language. */
export function amount(value) {
  return number.format(value);
}

/** A share of 1 as a percentage without decimals. */
export function percent(share) {
  return percentage.format(share);
}

/** The name of a channel. A channel without a name in the texts is shown as it is stored. */
export function channel(platform) {
  return named(CHANNELS, platform);
}

/** The name of a chat status. */
export function status(name) {
  return named(STATUSES, name);
}

/** The stored value may be any text, `constructor` too. */
function named(names, stored) {
  const name = Object.hasOwn(names, stored) ? names[stored] : stored;
  return typeof name === 'string' ? name : name[language];
}

/** How far the server's clock is ahead of the browser's, in milliseconds. */
let ahead = 0;

/** Takes the server's time from the header `Date` of an answer. */
export function setServerTime(header) {
  const time = Date.parse(header);
  if (!Number.isNaN(time)) ahead = time - Date.now();
}

/** The server's time. The session window ends by it, even if the browser's clock is wrong. */
export function now() {
  return Date.now() + ahead;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The age after which `ago` writes the date. */
const OLD = 30 * DAY;

/** Whether `ago` writes the date of this time. */
export function isOld(time) {
  return now() - Date.parse(time) >= OLD;
}

/** How long ago a time was: `3 h ago`. Older than 30 days: the date. */
export function ago(time) {
  const age = now() - Date.parse(time);
  if (age < MINUTE) return text('justNow');
  if (age < HOUR) return text('minutesAgo', { n: Math.floor(age / MINUTE) });
  if (age < DAY) return text('hoursAgo', { n: Math.floor(age / HOUR) });
  if (age < OLD) return text('daysAgo', { n: Math.floor(age / DAY) });
  return day.format(new Date(time));
}

/** The time with weekday and seconds. */
export function exactTime(time) {
  return exact.format(new Date(time));
}

/** The time in one line. */
export function shortTime(time) {
  return minute.format(new Date(time));
}

/** The time until the window closes: `5 h 12 min`. `null` if it has closed. */
export function left(expires) {
  const rest = Date.parse(expires) - now();
  if (rest <= 0) return null;
  const minutes = Math.ceil(rest / MINUTE);
  const hours = Math.floor(minutes / 60);
  const key = hours === 0 ? 'minutes' : 'hoursAndMinutes';
  return text(key, { hours: number.format(hours), minutes: number.format(minutes % 60) });
}
