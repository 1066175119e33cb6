// The details of a contact, and the link to them.

import assert from 'node:assert/strict';
import { ids } from './contacts.mjs';
import { call, hasFocus, inspect, listen, scenario, search, servers, shows, texts } from './support.mjs';

const title = (page) => page.locator('#details-title');

/** The value beside a name in the details. */
function value(page, name) {
  return page
    .locator('.pane dl > div')
    .filter({ has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) })
    .locator('dd');
}

scenario('the details have everything that the server knows of the contact', {}, async (page) => {
  await search(page, 'maria gonzalez');
  await page.locator('.open').click();
  await shows(title(page), 'María González');
  await shows(value(page, 'Phone'), '+5492235550123');
  assert.deepEqual(await texts(page.locator('.labels .badge')), ['WhatsApp', 'Attended']);
  await shows(value(page, 'Email'), 'maria.gonzalez@example.com');
  await shows(value(page, 'Last message'), /^3 h ago/);
  await shows(value(page, 'Last reply'), /^4 h ago/);
  await shows(value(page, 'List'), 'VIP');
  await shows(value(page, 'Source'), 'organic');
  await shows(value(page, 'Read'), 'Yes');
  await shows(value(page, 'Blocked'), 'No');
  await shows(value(page, 'Created'), /^just now|min ago/);
  await shows(value(page, 'ID'), ids.maria.id);
  await shows(value(page, 'Number'), String(ids.maria.contactId));
  await shows(value(page, 'External ID'), 'None');
  const known = Object.keys(await call('GET', `api/v1/contacts/${ids.maria.id}`));
  assert.equal(known.length, 17, 'a new member of the contact needs a place in the details');
  await shows(value(page, 'WhatsApp window'), /^Window open, (19 h \d+|20 h 0) min left$/);
  await shows(value(page, 'Replied'), 'Yes, 4 h ago');
  await shows(value(page, 'Contact'), 'This contact');
  await inspect(page);
});

scenario('the details lead to the other channels of the number', {}, async (page) => {
  await search(page, 'maria gonzalez');
  await page.locator('.open').click();
  const other = page.locator('.others a');
  await shows(other, 'Instagram · Mari');
  await other.click();
  await shows(title(page), 'Mari');
  await shows(value(page, 'Contact'), 'María González');
  await shows(page.locator('.others a'), 'WhatsApp · María González');
  await page.goBack();
  await page.locator('.pane').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('#box').inputValue(), 'maria gonzalez');
});

scenario('a contact without a phone says so', { path: `#/contacts/${ids.nobody.id}` }, async (page) => {
  await shows(title(page), 'No name');
  await shows(page.locator('.pane section p').nth(0), 'The contact has no phone to look up.');
  await shows(page.locator('.pane section p').nth(1), 'The contact has no phone to compare.');
  await inspect(page);
});

scenario('a key without the scope lookup shows the rest', { key: servers.searchKey }, async (page) => {
  await search(page, 'maria gonzalez');
  await page.locator('.open').click();
  await shows(page.locator('.pane section p'), 'This key lacks the scope lookup, so the page can’t ask the lookup.');
  await shows(page.locator('.others a'), 'Instagram · Mari');
});

scenario('a part of the details that fails can be loaded again', {}, async (page) => {
  await page.route(/contact-lookup/, (route) => route.fulfill({ status: 503 }), { times: 1 });
  await search(page, 'maria gonzalez');
  await page.locator('.open').click();
  await shows(page.locator('.pane section p'), /^This part could not be loaded/);
  await page.locator('.pane').getByRole('button', { name: 'Try again' }).click();
  await shows(value(page, 'Contact'), 'This contact');
});

scenario(
  'the link to a contact holds its id and never the key',
  { permissions: ['clipboard-read', 'clipboard-write'] },
  async (page, context) => {
    await search(page, 'maria gonzalez');
    await page.locator('.open').click();
    await shows(title(page), 'María González');
    const says = await listen(page);
    await page.getByRole('button', { name: 'Copy link' }).click();
    await says('Copied');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, `${servers.main}#/contacts/${ids.maria.id}`);
    const colleague = await context.newPage();
    await colleague.goto(link);
    await shows(title(colleague), 'María González');
    await hasFocus(title(colleague));
    assert.ok(!colleague.url().includes(servers.key));
  },
);

scenario(
  'a link to an unknown contact says so',
  { path: '#/contacts/0198c0de-0000-7000-8000-000000000000' },
  async (page) => {
    await shows(title(page), 'There is no contact with this ID');
    await inspect(page);
    await page.locator('.pane').getByRole('button', { name: 'Close' }).click();
    await hasFocus(page.locator('#box'));
    assert.equal(new URL(page.url()).hash, '');
  },
);

scenario(
  'at 360 pixels the details cover the results, and Back leads to them',
  { viewport: { width: 360, height: 740 }, hasTouch: true },
  async (page) => {
    await search(page, 'maria gonzalez');
    await page.locator('.open').click();
    await shows(title(page), 'María González');
    const { width, height } = await page.locator('.pane').boundingBox();
    assert.deepEqual([width, height], [360, 740]);
    assert.ok(await page.locator('.search').evaluate((form) => form.inert));
    await page.getByRole('button', { name: 'Back' }).click();
    await page.locator('.pane').waitFor({ state: 'hidden' });
    await hasFocus(page.locator('.open'));
    assert.ok(!(await page.locator('.search').evaluate((form) => form.inert)));
    for (const button of await page.locator('button:visible').all()) {
      const box = await button.boundingBox();
      assert.ok(box.width >= 40 && box.height >= 40, `${await button.textContent()}: ${JSON.stringify(box)}`);
    }
  },
);
