// Calls the server. Every failure becomes a `Failure` of one kind, which the page explains.

import { currentKey } from './key.js';
import { setServerTime } from './language.js';

/** After this time without an answer, the network counts as broken. The server answers or gives up much earlier. */
const PATIENCE = 30_000;

/** The kinds of failures by status. */
const KINDS = {
  400: 'refused',
  401: 'keyUnknown',
  403: 'scopeMissing',
  414: 'refused',
  429: 'tooMany',
  502: 'unavailable',
  503: 'unavailable',
  504: 'tooSlow',
};

/** Why a call failed. */
export class Failure extends Error {
  constructor(kind, { status, retryAfter = 0, requestId = '' } = {}) {
    super(kind);
    this.kind = kind;
    /** The status of the answer, if there was one. */
    this.status = status;
    /** The seconds after which the server allows another try. */
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }
}

/** The answer to `GET path` with these parameters. Addresses are relative, so a proxy can serve the page in a folder. */
export async function get(path, { parameters = {}, signal, key = currentKey() } = {}) {
  const query = new URLSearchParams(parameters).toString();
  const response = await send(`${path}${query && '?'}${query}`, { headers: { 'X-API-Key': key } }, signal);
  setServerTime(response.headers.get('Date'));
  if (!response.ok) {
    throw new Failure(KINDS[response.status] ?? 'failed', {
      status: response.status,
      retryAfter: Number(response.headers.get('Retry-After')) || 0,
      requestId: response.headers.get('X-Request-Id') ?? '',
    });
  }
  return response.json();
}

/** The demo's key, or `null` if the server does not give it to this page. */
export async function askForDemoKey() {
  try {
    // A POST, because browsers then add the header `Origin`, by which the server recognises its own page.
    const response = await send('page/demo-key', { method: 'POST' });
    return response.ok ? (await response.json()).key : null;
  } catch {
    return null;
  }
}

async function send(path, options, signal) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal?.addEventListener('abort', abort);
  const timer = setTimeout(abort, PATIENCE);
  try {
    return await fetch(path, { ...options, cache: 'no-store', signal: controller.signal });
  } catch {
    // `fetch` says no more than that it failed.
    throw new Failure('offline');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** One page of the contacts that match the text. */
export function searchContacts(q, cursor, signal) {
  return get('api/v1/search', { parameters: cursor ? { q, cursor } : { q }, signal });
}

/** All that the server knows of a contact. */
export function readContact(id, signal) {
  return get(`api/v1/contacts/${encodeURIComponent(id)}`, { signal });
}

/** What the lookup says of a phone number. */
export function lookUp(phone, signal) {
  return get('api/v1/contact-lookup/', { parameters: { phone }, signal });
}

/** Throws a `Failure` unless the server accepts the key for searches. No contact has the id 0, so 404 is acceptance. */
export async function checkKey(key) {
  try {
    await get('api/v1/contacts/0', { key });
  } catch (failure) {
    if (failure.status !== 404) throw failure;
  }
}
