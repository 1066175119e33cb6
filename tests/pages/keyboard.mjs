// The page without a mouse.

import assert from 'node:assert/strict';
import { ids } from './contacts.mjs';
import { hasFocus, inspect, scenario, search, shows } from './support.mjs';

const box = (page) => page.locator('#box');
const open = (page, number) => page.locator(`.result:nth-child(${number}) .open`);

scenario('a contact is found, opened and closed with the keyboard alone', {}, async (page) => {
  await hasFocus(box(page));
  await page.keyboard.type('5550123');
  await shows(page.locator('#count'), '2 contacts');
  await page.keyboard.press('ArrowDown');
  await hasFocus(open(page, 1));
  await page.keyboard.press('ArrowDown');
  await hasFocus(open(page, 2));
  await page.keyboard.press('ArrowDown');
  await hasFocus(open(page, 2));
  await inspect(page);
  await page.keyboard.press('Enter');
  await shows(page.locator('#details-title'), 'Mari');
  await hasFocus(page.locator('#details-title'));
  await page.keyboard.press('Escape');
  await page.locator('.pane').waitFor({ state: 'hidden' });
  await hasFocus(open(page, 2));
  await page.keyboard.press('ArrowUp');
  await hasFocus(open(page, 1));
  await page.keyboard.press('ArrowUp');
  await hasFocus(box(page));
  await page.keyboard.press('Escape');
  assert.equal(await box(page).inputValue(), '');
  assert.equal(await page.locator('.result').count(), 0);
  await hasFocus(box(page));
});

scenario('a slash goes to the box, and is a letter inside of it', {}, async (page) => {
  await search(page, 'maria');
  await page.locator('.copy').first().focus();
  await page.keyboard.press('/');
  await hasFocus(box(page));
  await page.keyboard.type('juan/');
  assert.equal(await box(page).inputValue(), 'juan/', 'the earlier text was selected, so typing replaces it');
});

scenario('Enter in the box opens the first contact', {}, async (page) => {
  await search(page, 'maria gonzalez');
  await shows(page.locator('.open'), 'María González');
  await box(page).press('Enter');
  await shows(page.locator('#details-title'), 'María González');
  assert.equal(new URL(page.url()).hash, `#/contacts/${ids.maria.id}`);
});

scenario('arrows reach the button for more, and Tab reaches the copy buttons', {}, async (page) => {
  await search(page, 'zulema');
  await open(page, 20).focus();
  await page.keyboard.press('ArrowDown');
  await hasFocus(page.getByRole('button', { name: 'Show more' }));
  await search(page, 'maria gonzalez');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await hasFocus(page.getByRole('button', { name: 'Copy the phone +5492235550123' }));
  await page.keyboard.press('ArrowUp');
  await hasFocus(box(page));
});

scenario('the focus is visible on every control', {}, async (page) => {
  await search(page, 'maria gonzalez');
  const seen = new Set();
  for (let count = 0; count < 12; count += 1) {
    const outline = await page.evaluate(() => {
      const focused = document.activeElement;
      // The ring of a contact is around its whole entry.
      const pseudo = focused.matches('.open') ? '::after' : null;
      const { outlineStyle, outlineWidth } = getComputedStyle(focused, pseudo);
      return { name: focused.className || focused.id, style: outlineStyle, width: Number.parseFloat(outlineWidth) };
    });
    if (seen.has(outline.name) && outline.name === '') break;
    if (outline.name !== '') assert.ok(outline.style === 'solid' && outline.width >= 2, JSON.stringify(outline));
    seen.add(outline.name);
    await page.keyboard.press('Tab');
  }
  assert.ok(
    ['box', 'clear', 'key-button', 'open', 'copy'].every((name) => seen.has(name)),
    [...seen].join(),
  );
});

scenario('a screen reader hears the number of contacts', {}, async (page) => {
  const status = page.getByRole('status').first();
  await search(page, '5550123');
  await shows(status, '2 contacts');
  await search(page, 'juan');
  await shows(status, '1 contact');
  await search(page, 'qqqqqqqqqq');
  await shows(status, 'No contact found');
});
