// The API reference at /docs in a real browser. tests/it/endpoints/reference_in_browser.rs starts the server and runs
// this file.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { chromium } from 'playwright-core';

/** The server's address without a slash at its end, and a key with every scope. */
const { SERVER, KEY } = process.env;

/** How long the browser waits for a condition, in milliseconds. It only ends tests that fail. */
const PATIENCE = 60_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // A container may not allow the sandbox. The tests open only pages of this machine.
  chromiumSandbox: false,
  args: [
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
});
after(() => browser.close());

const specification = await (await fetch(`${SERVER}/openapi.json`)).json();

/** The operations of the specification, with the ids that Swagger UI gives them. */
const operations = Object.entries(specification.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => method !== 'parameters')
    .map(([method, { tags, operationId, summary }]) => ({
      id: `operations-${tags[0]}-${operationId}`,
      link: `#/${tags[0]}/${operationId}`,
      method: method.toUpperCase(),
      path,
      summary,
    })),
);

/**
 * A test with a page of its own at /docs. Fails if a request goes to another origin, if a script throws, if the browser
 * reports a violation of the Content-Security-Policy, or if it logs an error that `expected` does not match.
 */
function scenario(name, options, run) {
  const { hash = '', expected = /^$/, before = () => {}, ...rest } = options;
  test(name, { timeout: 3 * PATIENCE }, async () => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...rest });
    context.setDefaultTimeout(PATIENCE);
    const faults = [];
    context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== SERVER && protocol !== 'data:') faults.push(`a request to ${request.url()}`);
    });
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !expected.test(message.text())) faults.push(message.text());
    });
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.stack));
    await page.exposeFunction('reportViolation', (text) => faults.push(text));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        window.reportViolation(`${violatedDirective}: ${blockedURI}`);
      });
    });
    try {
      await before(page);
      await page.goto(`${SERVER}/docs${hash}`);
      await run(page, context);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
    }
  });
}

/** The block of an operation. */
function block(page, operationId) {
  const { id } = operations.find((operation) => operation.id.endsWith(`-${operationId}`));
  return page.locator(`#${id}`);
}

async function open(page, operationId) {
  const operation = block(page, operationId);
  await operation.locator('.opblock-summary-control').click();
  await operation.locator('.opblock-body').waitFor();
  return operation;
}

/** Opens an operation, calls it as the page proposes, and returns the request and the shown status. */
async function tryOut(page, operationId, fill = async () => {}) {
  const operation = await open(page, operationId);
  await operation.locator('.try-out__btn').click();
  await fill(operation);
  const sent = page.waitForRequest((request) => new URL(request.url()).pathname.startsWith('/api/'));
  await operation.locator('.execute').click();
  const request = await sent;
  const status = operation.locator('.live-responses-table .response-col_status').last();
  return { request, operation, status: (await status.textContent()).trim() };
}

async function useKey(page) {
  await page.locator('.opblock').first().waitFor();
  await page.getByLabel('API key').fill(KEY);
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByText('The operations send this key until you close the page.').waitFor();
}

/** Checks that axe finds nothing, and that no width from 360 pixels scrolls sideways. */
async function inspect(page) {
  await page.evaluate(AXE);
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 360],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const describe = ({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`);
    const found = violations.flatMap(describe);
    assert.deepEqual(found, [], `${colorScheme} ${width}`);
  }
  for (const width of [360, 700, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    const needed = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(needed <= width, `the page scrolls sideways at ${width}: ${needed}`);
  }
}

scenario('the page shows every operation of the specification, and each one opens', {}, async (page) => {
  await page.locator('.opblock').first().waitFor();
  assert.ok(operations.length > 15, 'the operations are found');
  assert.equal(await page.locator('.opblock').count(), operations.length);
  for (const { id, method, path, summary } of operations) {
    const operation = page.locator(`#${id}`);
    const shown = operation.locator('.opblock-summary');
    assert.equal(await shown.locator('.opblock-summary-method').textContent(), method, id);
    assert.equal((await shown.locator('.opblock-summary-path').textContent()).replaceAll('\u200b', ''), path);
    assert.equal(await shown.locator('.opblock-summary-description').textContent(), summary);
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('.responses-table').waitFor();
    assert.ok(!(await operation.textContent()).includes('Could not render'), id);
    await operation.locator('.opblock-summary-control').click();
  }
  assert.equal(await page.locator('.errors-wrapper').count(), 0);
});

scenario('a call with a key is answered with 200, and nothing of the key is kept', {}, async (page, context) => {
  await useKey(page);
  const lookup = await tryOut(page, 'normalize_phone');
  assert.equal(lookup.status, '200');
  assert.equal(await lookup.request.headerValue('X-API-Key'), KEY);
  // The examples of optional parameters are not sent.
  assert.equal(new URL(lookup.request.url()).search, '?phone=0223%2015-596-1983');
  assert.equal(await lookup.request.headerValue('X-Request-Id'), null);
  assert.match(await lookup.operation.locator('.live-responses-table').textContent(), /argentina-mobile-15/);
  const batch = await tryOut(page, 'look_up_contacts');
  assert.equal(batch.status, '200');
  assert.equal(batch.request.method(), 'POST');
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, '']);
  assert.deepEqual(await context.cookies(), []);
  assert.ok(!page.url().includes(KEY));
});

scenario('a call without a key is answered with 401', { expected: /status of 401/ }, async (page) => {
  await page.locator('.opblock').first().waitFor();
  const { request, status } = await tryOut(page, 'normalize_phone');
  assert.equal(status, '401');
  assert.equal(await request.headerValue('X-API-Key'), null);
});

scenario('an empty field takes the key back', { expected: /status of 401/ }, async (page) => {
  await useKey(page);
  await page.getByLabel('API key').fill(' ');
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByText('The operations send no key.').waitFor();
  assert.equal((await tryOut(page, 'normalize_phone')).status, '401');
});

scenario('the closed page is accessible in light and dark, from 360 pixels', {}, async (page) => {
  await page.locator('.opblock').first().waitFor();
  await inspect(page);
});

scenario('an operation that was tried is accessible in light and dark, from 360 pixels', {}, async (page) => {
  await useKey(page);
  await tryOut(page, 'normalize_phone');
  await open(page, 'edit_contact_by_id').then((operation) => operation.locator('.try-out__btn').click());
  await inspect(page);
});

scenario(
  'an operation has an address of its own',
  {
    hash: '#/lookup/normalize_phone',
    // Swagger UI warns that the underscore of an address will no longer stand for a blank. No name here has a blank.
    expected: /escaping deep link whitespace/,
  },
  async (page) => {
    await block(page, 'normalize_phone').locator('.opblock-body').waitFor();
    await open(page, 'check_process');
    assert.ok(page.url().endsWith('#/server/check_process'), page.url());
  },
);

scenario('the keyboard opens an operation and tries it', {}, async (page) => {
  await useKey(page);
  await block(page, 'normalize_phone').locator('.opblock-summary-control').focus();
  await page.keyboard.press('Enter');
  await block(page, 'normalize_phone').locator('.try-out__btn').focus();
  await page.keyboard.press('Enter');
  await block(page, 'normalize_phone').locator('.execute').focus();
  await page.keyboard.press('Enter');
  await block(page, 'normalize_phone').locator('.live-responses-table').waitFor();
});

scenario(
  'a page whose specification is not answered says so',
  {
    expected: /ERR_FAILED/,
    before: (page) => page.route('**/openapi.json', (route) => route.abort()),
  },
  (page) => page.getByText('The specification could not be loaded.').waitFor(),
);

scenario('without scripts the page links to the specification', { javaScriptEnabled: false }, async (page) => {
  await page.getByText('This page needs JavaScript').waitFor();
});
