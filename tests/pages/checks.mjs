// The view that checks a file.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { TEXTS } from '../../src/web/texts.js';
import { ids, MARKUP } from './contacts.mjs';
import { hasFocus, inspect, scenario, servers, shows, texts } from './support.mjs';

const path = '#/check';
const FILE = `Full name,Phone,Email,Note
María González,+54 9 223 555-0123,,=1+1
${MARKUP.replace(/"/g, "'")},+5491166660000,x@example.com,
Somebody Else,+5491123456789,,
Bea Nuñez,,bea@example.com,
Bea Nuñez,,BEA@example.com,
Broken,no phone,,
`;

/** Chooses a file with this content. */
async function choose(page, content = FILE, name = 'people.csv') {
  await page.locator('#check-file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content) });
}

async function check(page, content, name) {
  await choose(page, content, name);
  await page.locator('.checked-rows').waitFor();
}

const status = (page) => page.locator('.check-status');
const heading = (page) => page.locator('.check [role=alert] h2');
const badges = (page) => texts(page.locator('.checked-row .badge'));
const filters = (page) => texts(page.locator('.filter'));

/** The contents of the downloaded file. */
async function download(page) {
  const [saved] = await Promise.all([page.waitForEvent('download'), page.locator('.download').click()]);
  return [saved.suggestedFilename(), await readFile(await saved.path(), 'utf8')];
}

scenario('each row of a file has its verdict, its reasons and a link to the contact', { path }, async (page) => {
  await inspect(page);
  await check(page);
  await shows(status(page), '6 rows in people.csv · 1 group of rows that are one person');
  assert.deepEqual(await badges(page), [
    'Already a contact',
    'Probably a contact',
    'Conflict',
    'New',
    'Twice in the file',
    'Can’t be read',
  ]);
  assert.deepEqual(await filters(page), [
    'All 6',
    'New 1',
    'Already a contact 1',
    'Probably a contact 1',
    'Conflict 1',
    'Twice in the file 1',
    'Can’t be read 1',
  ]);
  const rows = page.locator('.checked-row');
  await shows(rows.nth(0).locator('.checked-reasons li').first(), /^the phone is the same/);
  await shows(rows.nth(4).locator('.checked-links'), /Same person as line 5$/);
  await shows(rows.nth(5).locator('.checked-reasons'), /^column Phone, Email:/);
  assert.equal(await rows.nth(1).locator('.checked-name').textContent(), MARKUP.replace(/"/g, "'"));
  assert.equal(await page.evaluate(() => window.isHacked), undefined);
  await inspect(page);
});

scenario('the verdicts filter the rows', { path }, async (page) => {
  await check(page);
  const conflict = page.getByRole('button', { name: 'Conflict 1' });
  await conflict.click();
  assert.equal(await conflict.getAttribute('aria-pressed'), 'true');
  assert.deepEqual(await texts(page.locator('.checked-name')), ['Somebody Else']);
  await page.getByRole('button', { name: 'All 6' }).click();
  assert.equal(await conflict.getAttribute('aria-pressed'), 'false');
  assert.equal(await page.locator('.checked-row').count(), 6);
});

scenario('the link opens the contact beside the rows, and closing it returns to the link', { path }, async (page) => {
  await check(page);
  const link = page.locator('.checked-row a').first();
  await link.focus();
  await page.keyboard.press('Enter');
  await shows(page.locator('#details-title'), 'María González');
  assert.ok(page.url().endsWith(`#/contacts/${ids.maria.id}`));
  await page.keyboard.press('Escape');
  await page.locator('.pane').waitFor({ state: 'hidden' });
  await hasFocus(link);
  assert.equal(await page.locator('.checked-row').count(), 6);
  // The other view keeps its own state, and so does this one.
  await page.keyboard.press('/');
  await hasFocus(page.locator('#box'));
  await page.getByRole('link', { name: 'Check a file' }).click();
  assert.equal(await page.locator('.checked-row').count(), 6);
});

scenario('the download has the columns of the file and the verdicts, safe for spreadsheets', { path }, async (page) => {
  await check(page);
  const [name, text] = await download(page);
  assert.equal(name, 'people-checked.csv');
  const lines = text.split('\n');
  assert.equal(
    lines[0],
    '\uFEFFFull name,Phone,Email,Note,verdict,score,reasons,contact_ids,duplicate_of,group',
  );
  assert.ok(lines[1].startsWith("María González,'+54 9 223 555-0123,,'=1+1,exact,"), lines[1]);
  assert.ok(lines[1].includes(ids.maria.id));
  assert.ok(lines[5].endsWith(',5,5'), lines[5]);
  assert.equal(lines.length, 8);
});

scenario('a file with thousands of rows is shown in pages', { path }, async (page) => {
  const rows = Array.from({ length: 2_345 }, (_, at) => `Wanda W${at},wanda${at}@example.com`);
  await check(page, `name,email\n${rows.join('\n')}\n`);
  const range = page.locator('.check-range');
  await shows(range, 'Rows 1 to 100 of 2,345');
  assert.equal(await page.locator('.checked-row').count(), 100);
  await page.getByRole('button', { name: 'Next rows' }).click();
  await shows(range, 'Rows 101 to 200 of 2,345');
  await hasFocus(range);
  assert.ok(await page.getByRole('button', { name: 'Next rows' }).isEnabled());
  await page.getByRole('button', { name: 'Previous rows' }).click();
  assert.ok(await page.getByRole('button', { name: 'Previous rows' }).isDisabled());
  const [, text] = await download(page);
  assert.equal(text.trimEnd().split('\n').length, 2_346);
});

scenario('vCards are read, too, and a dropped file is checked', { path }, async (page) => {
  const card = 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:María González\r\nTEL:+5492235550123\r\nEND:VCARD\r\n';
  const data = await page.evaluateHandle((card) => {
    const data = new DataTransfer();
    data.items.add(new File([card], 'phone.vcf'));
    return data;
  }, card);
  await page.dispatchEvent('.check-card', 'dragover', { dataTransfer: data });
  await page.locator('.is-target').waitFor();
  await page.dispatchEvent('.check-card', 'drop', { dataTransfer: data });
  await shows(status(page), '1 row in phone.vcf');
  assert.deepEqual(await badges(page), ['Already a contact']);
});

scenario('the progress is shown, and Cancel ends the check', { path }, async (page) => {
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  await page.route(/page\/check$/, async (route) => {
    await released;
    await route.continue().catch(() => {});
  });
  await choose(page);
  const bar = page.getByRole('progressbar', { name: 'Progress of the check' });
  await bar.waitFor();
  await shows(status(page), 'Sending people.csv…');
  await inspect(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await bar.waitFor({ state: 'hidden' });
  await hasFocus(page.getByRole('button', { name: 'Choose a file' }));
  release();
  assert.equal(await page.locator('.checked-row').count(), 0);
});

scenario('the verdicts of an earlier file never replace those of a later one', { path }, async (page) => {
  const held = [];
  await page.route(/page\/check$/, async (route) => {
    if (held.length === 0) {
      await new Promise((resolve) => held.push(resolve));
    }
    await route.continue().catch(() => {});
  });
  await choose(page, FILE, 'first.csv');
  await shows(status(page), 'Sending first.csv…');
  await check(page, 'name,email\nWanda,wanda@example.com\n', 'second.csv');
  held[0]();
  await page.waitForTimeout(300);
  await shows(status(page), '1 row in second.csv');
});

scenario('a file without known columns, and one that is too large, are explained', { path }, async (page) => {
  await choose(page, 'foo,bar\n1,2\n');
  await shows(heading(page), 'The file can’t be read as contacts');
  await shows(page.locator('.check .problem p').first(), /the columns are foo, bar\.$/);
  await inspect(page);
  await choose(page, `name,email\n"${'x'.repeat(17 * 1024 * 1024)}`);
  await shows(heading(page), 'The file is too large');
  await choose(page, 'name,email\nAna,ana@example.com\n"Open,quote\n');
  await shows(heading(page), 'The file can’t be read as contacts');
  await check(page);
  assert.equal(await heading(page).count(), 0);
});

for (const [name, options, title] of [
  ['a key without the scope search', { key: servers.lookupKey }, 'This key may not search'],
  ['a server without its database', { server: servers.broken }, 'The server can’t answer now'],
]) {
  scenario(`${name} is explained`, { path, ...options }, async (page) => {
    await choose(page);
    await shows(heading(page), title);
    await inspect(page);
  });
}

scenario('an unknown key leads to the form', { path, key: 'mindo_thisKeyIsNotKnownAtAll' }, async (page) => {
  await choose(page);
  await shows(page.locator('#key-problem'), /^The server does not accept this key/);
  await page.locator('#key').fill(servers.key);
  await page.getByRole('button', { name: 'Use this key' }).click();
  await hasFocus(page.getByRole('button', { name: 'Choose a file' }));
  await check(page);
});

for (const [status, title] of [
  [429, 'Too many requests with this key'],
  [503, 'The server can’t answer now'],
]) {
  scenario(`after the status ${status} the page waits and checks the file again`, { path }, async (page) => {
    let tries = 0;
    await page.route(/page\/check$/, (route) => {
      tries += 1;
      return tries === 1 ? route.fulfill({ status, headers: { 'Retry-After': '1' } }) : route.continue();
    });
    await choose(page);
    await shows(heading(page), title);
    await page.locator('.checked-rows').waitFor();
    assert.equal(tries, 2);
  });
}

scenario('without a network the page waits, and half an answer is no result', { path }, async (page, context) => {
  await context.setOffline(true);
  await choose(page);
  await shows(heading(page), 'No connection to the server');
  await page.route(/page\/check$/, (route) => route.fulfill({ status: 200, body: '{"read":{"bytes":1,"of":2}}\n' }), {
    times: 1,
  });
  await context.setOffline(false);
  await page.locator('.checked-rows').waitFor();
});

scenario('a check that the server gives up is explained', { path }, async (page) => {
  const error = { status: 503, code: 'check-unfinished', detail: 'Too many contacts.' };
  await page.route(/page\/check$/, (route) => route.fulfill({ status: 200, body: `\n${JSON.stringify({ error })}\n` }));
  await choose(page);
  await shows(heading(page), 'The check took too long');
});

for (const [locale, language] of [
  ['es-AR', 'es'],
  ['pt-BR', 'pt'],
]) {
  scenario(`a file is checked in ${language}`, { path, locale }, async (page) => {
    const known = TEXTS[language];
    await shows(page.locator('#check-title'), known.checkTitle);
    await inspect(page);
    await check(page);
    assert.deepEqual(await badges(page), [
      known.verdictExact,
      known.verdictLikely,
      known.verdictConflict,
      known.verdictNew,
      known.verdictDuplicate,
      known.verdictInvalid,
    ]);
    await inspect(page);
  });
}
