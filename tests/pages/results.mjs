// The list of results: highlights, facts, copy buttons, further pages, and hostile names.

import assert from 'node:assert/strict';
import { ids, MARKUP, SCRIPT } from './contacts.mjs';
import { hasFocus, inspect, listen, scenario, search, servers, shows, texts } from './support.mjs';

/** The entry of a contact. */
function entry(page, name) {
  return page.locator(`#contact-${ids[name].id}`);
}

scenario('an entry marks what matches in the name, the phone and the email', {}, async (page) => {
  await search(page, 'MARIA gonz 550123');
  const maria = entry(page, 'maria');
  assert.deepEqual(await texts(maria.locator('.open mark')), ['María', 'Gonz']);
  assert.deepEqual(await texts(maria.locator('.value mark')), ['550123', 'maria', 'gonz']);
  assert.equal(await maria.locator('.open').textContent(), 'María González');
  await shows(page.locator('#count'), '1 contact');
  await inspect(page);
});

scenario('an entry says if it is only similar to a word', {}, async (page) => {
  await search(page, 'maria gonzales');
  const maria = entry(page, 'maria');
  assert.deepEqual(await texts(maria.locator('.open mark.similar')), ['González']);
  await shows(maria.locator('.reason'), 'Similar to “gonzales”');
  await inspect(page);
});

scenario('an entry says if its number is another notation of the typed one', {}, async (page) => {
  await search(page, '0223 15-555-0123');
  await shows(entry(page, 'maria').locator('.reason'), /Same number as/);
});

scenario('an entry shows an external id that matches', {}, async (page) => {
  await search(page, 'insta-47');
  const value = entry(page, 'mariaOnInstagram').locator('.value', { hasText: 'External ID' });
  assert.deepEqual(await texts(value.locator('mark')), ['insta-47']);
  await shows(value.locator('.value-text'), 'insta-4711');
});

scenario('an entry has the channel, the chat status, the reply, the window and the last message', {}, async (page) => {
  await search(page, '5550123');
  const facts = (name) => texts(entry(page, name).locator('.facts li'));
  const [channel, status, replied, window] = await facts('maria');
  assert.deepEqual([channel, status, replied], ['WhatsApp', 'Attended', 'Replied']);
  assert.match(window, /^Window open, (19 h \d+|20 h 0) min left$/);
  const time = entry(page, 'maria').locator('time');
  assert.equal(await time.textContent(), '3 h ago');
  assert.match(await time.getAttribute('title'), /^\w+day, \w+ \d+, \d{4} at \d+:\d\d:\d\d\s[AP]M$/);
  assert.equal(await entry(page, 'mariaOnInstagram').locator('time').textContent(), '3 days ago');

  await search(page, 'juan');
  assert.deepEqual(await facts('juan'), ['SMS', 'Unattended', 'Never replied', 'Window closed']);
  await shows(entry(page, 'juan').locator('.badge'), 'Blocked');
  await shows(entry(page, 'juan').locator('.result-head'), /No message yet/);

  await search(page, 'nameless');
  await shows(entry(page, 'nobody').locator('.open'), 'No name');
  await inspect(page);
});

scenario('a very long name takes two lines in the list and all lines in the details', {}, async (page) => {
  await search(page, 'longest');
  const { height } = await entry(page, 'long').locator('.open').boundingBox();
  assert.ok(height < 60, `${height}`);
  await shows(entry(page, 'long').locator('.facts li').first(), 'constructor');
  await inspect(page);
  await page.locator('.open').click();
  await shows(page.locator('#details-title'), /^Longest (Wolfeschlegelsteinhausen){20}$/);
  await inspect(page);
});

scenario('a click anywhere on an entry opens it, but not the end of a selection', {}, async (page) => {
  await search(page, 'maria gonzalez');
  const email = entry(page, 'maria').locator('.value-text').last();
  const { x, y, width, height } = await email.boundingBox();
  await page.mouse.move(x + 5, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width - 30, y + height / 2);
  await page.mouse.up();
  assert.match(await page.evaluate(() => String(getSelection())), /gonzalez@exam/);
  assert.ok(await page.locator('.pane').isHidden());
  await page.evaluate(() => getSelection().removeAllRanges());
  await entry(page, 'maria').locator('time').click();
  await shows(page.locator('#details-title'), 'María González');
});

scenario('the times go on while the page is open', { server: null, alone: true }, async (page) => {
  await page.clock.install();
  await page.goto(servers.main);
  await search(page, 'maria gonzalez');
  await shows(entry(page, 'maria').locator('.window'), /^Window open/);
  await page.clock.fastForward('21:00:00');
  await shows(entry(page, 'maria').locator('.window'), 'Window closed');
  await shows(entry(page, 'maria').locator('time'), '1 day ago');
});

for (const [title, clipboard] of [
  ['with the clipboard of HTTPS', true],
  ['on plain HTTP, where browsers have no clipboard', false],
]) {
  scenario(
    `the phone, the email and the id can be copied ${title}`,
    { permissions: clipboard ? ['clipboard-read', 'clipboard-write'] : [] },
    async (page) => {
      if (!clipboard) await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
      const says = await listen(page);
      await search(page, 'maria gonzalez');
      for (const [name, value] of [
        ['Copy the phone +5492235550123', '+5492235550123'],
        ['Copy the email maria.gonzalez@example.com', 'maria.gonzalez@example.com'],
        [`Copy the ID ${ids.maria.id}`, ids.maria.id],
      ]) {
        await page.getByRole('button', { name, exact: true }).click();
        await says('Copied');
        await search(page, 'juan');
        await page.locator('#box').fill('');
        await page.locator('#box').press('Control+V');
        assert.equal(await page.locator('#box').inputValue(), value);
        await search(page, 'maria gonzalez');
      }
      assert.equal(await page.locator('textarea').count(), 0);
    },
  );
}

scenario('further contacts come with a button, and the focus goes to the first of them', {}, async (page) => {
  await search(page, 'zulema');
  await shows(page.locator('#count'), 'The first 20 contacts');
  await inspect(page);
  await page.getByRole('button', { name: 'Show more' }).click();
  await shows(page.locator('#count'), '25 contacts');
  await hasFocus(page.locator('.result:nth-child(21) .open'));
  const names = await texts(page.locator('.open'));
  assert.deepEqual(
    names,
    Array.from({ length: 25 }, (_, index) => `Zulema ${index + 1}`),
  );
  assert.ok(await page.getByRole('button', { name: 'Show more' }).isHidden());
});

scenario('if the next page fails, the first one stays, and the page can be asked for again', {}, async (page) => {
  await search(page, 'zulema');
  await page.route(/cursor=/, (route) => route.fulfill({ status: 500 }), { times: 1 });
  await page.getByRole('button', { name: 'Show more' }).click();
  await shows(page.locator('.problem h2'), 'The server has a defect');
  assert.equal(await page.locator('.result').count(), 20);
  await page.getByRole('button', { name: 'Try again' }).click();
  await shows(page.locator('#count'), '25 contacts');
});

scenario('nothing that a contact is called becomes markup', {}, async (page) => {
  await search(page, 'onerror');
  await shows(page.locator('.open'), MARKUP);
  await page.locator('.open').click();
  await shows(page.locator('#details-title'), MARKUP);
  await shows(page.locator('.pane dd', { hasText: SCRIPT }).first(), SCRIPT);
  await shows(page.locator('.labels .badge', { hasText: 'OPEN' }), '<b>OPEN</b>');
  await search(page, SCRIPT);
  const made = 'main img, main script, main b, .pane b, [onerror]';
  assert.equal(await page.locator(made).count(), 0);
  assert.equal(await page.evaluate(() => window.isHacked), undefined);
  await inspect(page);
});

scenario('the browser itself refuses to make markup of a text', {}, async (page, _, faults) => {
  const refusal = await page.locator('h1').evaluate((title) => {
    try {
      title.innerHTML = '<i>markup</i>';
      return null;
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refusal, 'TypeError');
  assert.match(faults.pop(), /TrustedHTML/);
});
