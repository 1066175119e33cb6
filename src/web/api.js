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

/** The kinds of failures of a check, which differ from those of a search. */
const CHECK_KINDS = { 400: 'fileUnreadable', 413: 'tooLarge', 504: 'checkSlow' };

/** The time for the upload of a file. The server gives up after two minutes. */
const UPLOAD_PATIENCE = 150_000;

/** Why a call failed. */
export class Failure extends Error {
  constructor(kind, facts = {}) {
    const { status, retryAfter = 0, requestId = '', detail = '' } = facts;
    super(kind);
    this.kind = kind;
    /** The status of the answer, if there was one. */
    this.status = status;
    /** The seconds after which the server allows another try. */
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    /** The English sentence of the server, if the page shows it. */
    this.detail = detail;
  }
}

/** The answer to `GET path` with these parameters. Addresses are relative, so a proxy can serve the page in a folder. */
export async function get(path, { parameters = {}, signal, key = currentKey() } = {}) {
  const query = new URLSearchParams(parameters).toString();
  const response = await send(`${path}${query && '?'}${query}`, { headers: { 'X-API-Key': key } }, signal);
  setServerTime(response.headers.get('Date'));
  if (!response.ok) throw failureOf(response, KINDS);
  return response.json();
}

function failureOf(response, kinds, detail) {
  return new Failure(kinds[response.status] ?? 'failed', {
    status: response.status,
    retryAfter: Number(response.headers.get('Retry-After')) || 0,
    requestId: response.headers.get('X-Request-Id') ?? '',
    detail,
  });
}

/**
 * Checks a file. Calls `take` with each part of the answer, an object with one member: `file`, `read`, `contacts`,
 * `rows` and at last `done`.
 */
export async function checkFile(file, take, signal) {
  const kinds = { ...KINDS, ...CHECK_KINDS };
  const headers = { 'X-API-Key': currentKey(), 'Content-Type': 'application/octet-stream' };
  const response = await send('page/check', { method: 'POST', headers, body: file }, signal, UPLOAD_PATIENCE);
  setServerTime(response.headers.get('Date'));
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw failureOf(response, kinds, problem.detail);
  }
  let isDone = false;
  for await (const line of lines(response.body, signal)) {
    const part = parsed(line);
    if (part.error) {
      const { status, code, detail } = part.error;
      const kind = code === 'check-unfinished' ? 'checkSlow' : (kinds[status] ?? 'failed');
      throw new Failure(kind, { status, detail, requestId: response.headers.get('X-Request-Id') ?? '' });
    }
    isDone = part.done !== undefined;
    take(part);
  }
  if (!isDone) throw new Failure('offline');
}

/** The part on a line. A proxy can cut an answer in the middle of one. */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    throw new Failure('offline');
  }
}

/** The lines of a body that are not blank, while they arrive. The server sends one at least every two seconds. */
async function* lines(body, signal) {
  const reader = body.getReader();
  const stop = () => reader.cancel().catch(() => {});
  const decoder = new TextDecoder();
  signal.addEventListener('abort', stop);
  try {
    let rest = '';
    for (;;) {
      const timer = setTimeout(stop, PATIENCE);
      const { done, value } = await reader
        .read()
        .catch(() => {
          throw new Failure('offline');
        })
        .finally(() => clearTimeout(timer));
      if (done) return;
      const pieces = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = pieces.pop();
      yield* pieces.filter((piece) => piece !== '');
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
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

async function send(path, options, signal, patience = PATIENCE) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal?.addEventListener('abort', abort);
  const timer = setTimeout(abort, patience);
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
