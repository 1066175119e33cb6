// What the tests of the search page share: the browser, the servers, and checks that hold in every state.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { startBrowser } from './browser.mjs';

/** The servers that the Rust test has started, with their keys. */
export const servers = JSON.parse(process.env.SERVERS);

/** How long the browser waits for a condition, in milliseconds. It only ends tests that fail. */
const PATIENCE = 60_000;

// The argument makes an attacker's name resolve to this machine.
const browser = await startBrowser('--host-resolver-rules=MAP evil.example 127.0.0.1');
after(() => browser.close());

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The name under which the page keeps the key. */
export const KEPT = 'contact-search-key';

/** Browser contexts by their options. Tests with equal options share one, since a new one costs a quarter of a second. */
const contexts = new Map();

/** The context with these options. `owner` is the test that shares it with no other one. */
async function contextWith(options, owner) {
  const name = JSON.stringify([options, owner]);
  if (!contexts.has(name)) {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(PATIENCE);
    contexts.set(name, context);
  }
  return contexts.get(name);
}

/**
 * A test with a page of its own, which is at the server's address and holds the key. Fails if a script throws or if the
 * browser reports a violation of the Content-Security-Policy. `key` is the key that the page has kept, or `null`.
 * `alone` gives the test a browser context of its own, for a clock or a storage that no other test shares.
 */
export function scenario(name, options, run) {
  const { server = servers.main, path = '', ...rest } = options;
  test(name, { timeout: 3 * PATIENCE }, () => visit(server && server + path, run, { ...rest, owner: name }));
}

/** Runs a part of a test on a page at this address, with the options of `scenario`. */
export async function visit(address, run, options = {}) {
  const { key = servers.key, locale = 'en-US', alone = false, owner, ...rest } = options;
  const context = await contextWith({ locale, ...rest }, alone ? owner : null);
  const faults = [];
  const listen = (page) => {
    page.on('pageerror', (error) => faults.push(error.stack));
    page.on('console', (message) => {
      if (/Content.Security.Policy|Trusted/i.test(message.text())) faults.push(message.text());
    });
  };
  context.on('page', listen);
  const page = await context.newPage();
  try {
    if (key) {
      // The script also runs in the empty page before the first address, which has no storage.
      const keep = ([kept, key]) => location.protocol === 'http:' && sessionStorage.setItem(kept, key);
      await page.addInitScript(keep, [KEPT, key]);
    }
    if (address) await page.goto(address);
    await run(page, context, faults);
    assert.deepEqual(faults, []);
  } finally {
    await context.setOffline(false);
    context.off('page', listen);
    await Promise.all(context.pages().map((tab) => tab.close()));
  }
}

/** Types a text at once, as a paste does. */
export function type(page, text) {
  return page.locator('#box').fill(text);
}

/** Types a text and waits for its results. */
export async function search(page, text) {
  const answer = page.waitForResponse((response) => new URL(response.url()).searchParams.get('q') === text.trim());
  await type(page, text);
  await answer;
  await shows(page.locator('#count'), /./);
}

/** Waits until an element has a text. */
export async function shows(element, text) {
  const pattern = typeof text === 'string' ? new RegExp(`^${RegExp.escape?.(text) ?? escape(text)}$`) : text;
  await element.filter({ hasText: pattern }).first().waitFor();
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Records what the page says to screen readers after a copy. The returned function waits until it has said a text. */
export async function listen(page) {
  await page.locator('#said').evaluate((said) => {
    window.heard = [];
    new MutationObserver(() => window.heard.push(said.textContent)).observe(said, { childList: true });
  });
  return async (text) => {
    await page.waitForFunction((text) => window.heard.includes(text), text);
    await page.evaluate(() => {
      window.heard = [];
    });
  };
}

/** Waits until the element has the focus. */
export async function hasFocus(element) {
  await element.evaluate(
    (node) =>
      new Promise((resolve) => {
        const look = () => (node === document.activeElement ? resolve() : setTimeout(look, 10));
        look();
      }),
  );
}

/** The texts of all elements. */
export function texts(elements) {
  return elements.evaluateAll((nodes) => nodes.map((node) => node.textContent));
}

/**
 * Checks what holds in every state: axe finds nothing, in light on a wide screen and in dark on a narrow one, and no
 * width from 360 pixels scrolls sideways.
 */
export async function inspect(page) {
  await page.evaluate(AXE);
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 360],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    // Runs every rule, those of good practice too.
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`),
    );
    assert.deepEqual(found, [], `${colorScheme} ${width}`);
  }
  for (const width of [360, 700, 1280, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    const needed = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(needed <= width, `the page scrolls sideways at ${width}: ${needed}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Holds the answers for this text back until the returned function is called. */
export async function hold(page, text) {
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  await page.route(
    (url) => url.pathname.endsWith('/api/v1/search') && url.searchParams.get('q') === text,
    async (route) => {
      await released;
      // The page may have aborted the request.
      await route.continue().catch(() => {});
    },
  );
  return release;
}

/** Calls the API as a program does. */
export async function call(method, path, body) {
  const response = await fetch(servers.main + path, {
    method,
    headers: { 'X-API-Key': servers.key },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}
