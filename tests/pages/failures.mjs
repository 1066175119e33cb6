// What the page shows if the server can't answer.

import assert from 'node:assert/strict';
import './contacts.mjs';
import { inspect, scenario, search, servers, shows, texts, type } from './support.mjs';

const heading = (page) => page.locator('#problem h2');

scenario('no result comes with advice', {}, async (page) => {
  await search(page, 'qqqqqqqqqq');
  await shows(page.locator('#count'), 'No contact found');
  assert.equal(await page.locator('.tips li').count(), 3);
  await inspect(page);
  await search(page, 'phone: qqqqqqqqqq');
  await shows(page.locator('.tips li').first(), 'Remove name:, phone: or email: to search everywhere.');
});

scenario('without a network the results stay, and the search goes on by itself', {}, async (page, context) => {
  await search(page, 'maria gonzalez');
  await context.setOffline(true);
  await type(page, 'juan');
  await shows(heading(page), 'No connection to the server');
  assert.deepEqual(await texts(page.locator('.open')), ['María González']);
  await shows(page.locator('#problem .muted'), /^Next try in \d+ s\.$/);
  await inspect(page);
  await context.setOffline(false);
  await shows(page.locator('.open'), 'Juan Pérez');
  assert.equal(await page.locator('#problem').textContent(), '');
});

scenario(
  'an unknown key leads to the form, and the text is searched with the next key',
  { key: 'mindo_thisKeyIsNotKnownAtAll' },
  async (page) => {
    await type(page, 'juan');
    await shows(page.locator('#key-problem'), /^The server does not accept this key/);
    await inspect(page);
    await page.locator('#key').fill(servers.key);
    await page.getByRole('button', { name: 'Use this key' }).click();
    await shows(page.locator('.open'), 'Juan Pérez');
  },
);

scenario('a key without the scope search can be replaced', { key: servers.lookupKey }, async (page) => {
  await type(page, 'juan');
  await shows(heading(page), 'This key may not search');
  await inspect(page);
  await page.getByRole('button', { name: 'Use another key' }).click();
  await page.locator('#key').fill(servers.key);
  await page.getByRole('button', { name: 'Use this key' }).click();
  await shows(page.locator('.open'), 'Juan Pérez');
});

scenario('a key over its limit waits as long as the server asks', { key: servers.limitedKey }, async (page) => {
  await search(page, 'maria gonzalez');
  await type(page, 'juan');
  await shows(heading(page), 'Too many requests with this key');
  await shows(page.locator('#problem .muted'), /^Next try in ([2-5]\d|60) s\.$/);
  assert.deepEqual(await texts(page.locator('.open')), ['María González']);
  await inspect(page);
});

scenario('a server without its database says so', { server: servers.broken }, async (page) => {
  await type(page, 'juan');
  await shows(heading(page), 'The server can’t answer now');
  await inspect(page);
});

for (const status of [502, 503]) {
  scenario(`after an outage with the status ${status} the page searches again by itself`, {}, async (page) => {
    let isOut = true;
    await page.route(/search\?/, (route) =>
      isOut ? route.fulfill({ status, headers: { 'Retry-After': '1' } }) : route.continue(),
    );
    await type(page, 'juan');
    await shows(heading(page), 'The server can’t answer now');
    isOut = false;
    await shows(page.locator('.open'), 'Juan Pérez');
    assert.equal(await page.locator('#problem').textContent(), '');
  });
}

scenario('a text that the server refuses is explained', {}, async (page) => {
  await type(page, 'one two three four five six seven eight nine ten eleven');
  await shows(heading(page), 'The server can’t search for this');
  await inspect(page);
});

for (const [status, title] of [
  [404, 'The server has a defect'],
  [500, 'The server has a defect'],
  [504, 'The answer took too long'],
]) {
  scenario(`the status ${status} is explained, and the text can be searched again`, {}, async (page) => {
    const headers = { 'X-Request-Id': 'request-4711' };
    await page.route(/search\?/, (route) => route.fulfill({ status, headers }), { times: 1 });
    await type(page, 'juan');
    await shows(heading(page), title);
    if (status === 500) await shows(page.locator('#problem p').first(), /request-4711$/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await shows(page.locator('.open'), 'Juan Pérez');
  });
}
