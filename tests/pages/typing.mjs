// Typing: when a search starts, what it aborts, and what stays on the screen.

import assert from 'node:assert/strict';
import './contacts.mjs';
import { hold, inspect, scenario, search, shows, texts, type } from './support.mjs';

/** The texts that the page has searched for. */
function searchesOf(page) {
  const searches = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname === '/api/v1/search') searches.push(url.searchParams.get('q'));
  });
  return searches;
}

scenario('with nothing typed the page says what can be typed, and an example can be tried', {}, async (page) => {
  await shows(page.locator('h2'), 'Type what you have');
  await inspect(page);
  await page.locator('.example').first().click();
  assert.equal(await page.locator('#box').inputValue(), 'maria gonzales');
  await shows(page.locator('#count'), /contact/);
});

scenario('a search starts 150 ms after the last letter', { alone: true }, async (page) => {
  const searches = searchesOf(page);
  await page.locator('.example').first().waitFor();
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 3_600_000);
  const box = page.locator('#box');
  await box.pressSequentially('mari');
  await page.clock.runFor(149);
  await box.press('a');
  await page.clock.runFor(149);
  assert.deepEqual(searches, []);
  const answer = page.waitForResponse(/search\?/);
  await page.clock.runFor(1);
  await answer;
  assert.deepEqual(searches, ['maria']);
});

scenario('blanks around the text start no further search', {}, async (page) => {
  const searches = searchesOf(page);
  await search(page, 'maria');
  await type(page, ' maria  ');
  await search(page, 'juan');
  assert.deepEqual(searches, ['maria', 'juan']);
});

scenario('Enter does not wait for the pause', { alone: true }, async (page) => {
  await page.locator('.example').first().waitFor();
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 3_600_000);
  await type(page, 'juan');
  const answer = page.waitForResponse(/search\?q=juan/);
  await page.locator('#box').press('Enter');
  await answer;
  await shows(page.locator('.open'), 'Juan Pérez');
});

scenario('the results stay while the next ones load', {}, async (page) => {
  await search(page, 'maria');
  const shown = await texts(page.locator('.open'));
  assert.ok(shown.includes('María González'));
  const release = await hold(page, 'juan');
  const request = page.waitForRequest(/search\?q=juan/);
  await type(page, 'juan');
  await request;
  await page.locator('.progress.is-running').waitFor({ state: 'attached' });
  assert.deepEqual(await texts(page.locator('.open')), shown);
  assert.equal(await page.locator('#results').getAttribute('aria-busy'), 'true');
  release();
  await shows(page.locator('.open'), 'Juan Pérez');
  assert.equal(await page.locator('#results').getAttribute('aria-busy'), 'false');
});

scenario('a newer search aborts the running one, whose answer never shows', {}, async (page) => {
  const release = await hold(page, 'maria');
  const request = page.waitForRequest(/search\?q=maria/);
  await type(page, 'maria');
  await request;
  const aborted = page.waitForEvent('requestfailed', (failed) => failed.url().includes('q=maria'));
  await type(page, 'juan');
  assert.equal((await aborted).failure().errorText, 'net::ERR_ABORTED');
  await shows(page.locator('.open'), 'Juan Pérez');
  release();
  await shows(page.locator('#count'), '1 contact');
  assert.deepEqual(await texts(page.locator('.open')), ['Juan Pérez']);
});

scenario('an old answer never overwrites a newer one, even if it can no longer be aborted', {}, async (page) => {
  // The first answer is ready when the second search starts, but the page has not seen it yet.
  await page.evaluate(() => {
    const { fetch } = window;
    const held = [];
    window.releaseHeld = () => held.forEach((release) => release());
    window.fetch = async (address, options) => {
      const isHeld = String(address).includes('q=maria');
      const answer = await fetch(address, isHeld ? { ...options, signal: undefined } : options);
      if (isHeld) await new Promise((release) => held.push(release));
      return answer;
    };
  });
  const first = page.waitForResponse(/search\?q=maria/);
  await type(page, 'maria');
  await first;
  await search(page, 'juan');
  await shows(page.locator('.open'), 'Juan Pérez');
  await page.evaluate(() => window.releaseHeld());
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
  assert.deepEqual(await texts(page.locator('.open')), ['Juan Pérez']);
  await shows(page.locator('#count'), '1 contact');
});

scenario('an emptied box shows no contact, even if an answer is under way', {}, async (page) => {
  const release = await hold(page, 'maria');
  const request = page.waitForRequest(/search\?q=maria/);
  await type(page, 'maria');
  await request;
  await page.getByRole('button', { name: 'Clear the search' }).click();
  release();
  await shows(page.locator('h2'), 'Type what you have');
  assert.equal(await page.locator('.result').count(), 0);
  assert.equal(await page.locator('#box').inputValue(), '');
});
