// The key: the form that asks for it, where it is kept, and the key of the demo.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ids } from './contacts.mjs';
import { hasFocus, inspect, KEPT, scenario, search, servers, shows, visit } from './support.mjs';

const field = (page) => page.getByRole('textbox', { name: 'API key' });

async function enter(page, key, isKept = false) {
  await field(page).fill(key);
  if (isKept) await page.getByLabel('Keep the key for this browser session').check();
  await page.getByRole('button', { name: 'Use this key' }).click();
}

/** Every place outside of the page's memory where a script can keep a text. */
function stored(page) {
  return page.evaluate(() =>
    JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href, history.state]),
  );
}

scenario('the page asks for the key, and explains a wrong one', { key: null, alone: true }, async (page) => {
  await hasFocus(field(page));
  assert.equal(await field(page).getAttribute('type'), 'password');
  assert.ok(await page.locator('#box').isHidden());
  await inspect(page);
  for (const wrong of ['mindo_thisKeyIsNotKnownAtAll', 'not a key', 'clé']) {
    await enter(page, wrong);
    await shows(page.locator('#key-problem'), /^The server does not accept this key/);
    await page.locator('#key-problem').evaluate((problem) => problem.replaceChildren());
  }
  await enter(page, servers.lookupKey);
  await shows(page.locator('#key-problem'), /^This key may not search/);
  await enter(page, `  ${servers.key} `);
  await hasFocus(page.locator('#box'));
});

scenario(
  'a server without its database can check no key',
  { server: servers.broken, key: null, alone: true },
  async (page) => {
    await enter(page, servers.key);
    await shows(page.locator('#key-problem'), /^The server can’t answer now/);
  },
);

scenario('without the tick the key is only in memory', { key: null, alone: true }, async (page) => {
  await enter(page, servers.key);
  await search(page, 'juan');
  assert.ok(!(await stored(page)).includes(servers.key));
  await page.reload();
  await hasFocus(field(page));
});

scenario('with the tick the key lasts for the browser session', { key: null, alone: true }, async (page, context) => {
  await enter(page, servers.key, true);
  await search(page, 'juan');
  assert.equal(await page.evaluate((kept) => sessionStorage.getItem(kept), KEPT), servers.key);
  const places = JSON.parse(await stored(page));
  assert.ok(!JSON.stringify(places.slice(1)).includes(servers.key));
  await page.reload();
  await search(page, 'juan');

  // A new tab gets the key of the first one.
  const second = await context.newPage();
  await second.goto(`${servers.main}#/contacts/${ids.maria.id}`);
  await shows(second.locator('#details-title'), 'María González');

  // Forgetting reaches both.
  await page.getByRole('button', { name: 'Forget the key' }).click();
  await hasFocus(field(page));
  await field(second).waitFor();
  for (const tab of [page, second]) {
    assert.ok(!(await stored(tab)).includes(servers.key));
    await tab.reload();
    await field(tab).waitFor();
  }
});

scenario(
  'a key that another tab sends late ends the question, but not after the user has forgotten the key',
  { key: null, alone: true },
  async (page, context) => {
    await hasFocus(field(page));
    const sender = await context.newPage();
    await sender.goto(`${servers.main}errors`);
    const send = () =>
      sender.evaluate(([name, key]) => new BroadcastChannel(name).postMessage({ key }), [KEPT, servers.key]);
    await send();
    await search(page, 'juan');
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await hasFocus(field(page));
    await page.evaluate((name) => {
      new BroadcastChannel(name).onmessage = ({ data }) => {
        window.lastSent = data.key;
      };
    }, KEPT);
    await send();
    await page.waitForFunction((key) => window.lastSent === key, servers.key);
    assert.ok(await field(page).isVisible());
    assert.ok(!(await stored(page)).includes(servers.key));
  },
);

scenario('a forgotten key leaves no contact on the screen', { key: null, alone: true }, async (page) => {
  await enter(page, servers.key);
  await search(page, 'juan');
  await page.locator('.open').click();
  await shows(page.locator('#details-title'), 'Juan Pérez');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Forget the key' }).click();
  await field(page).waitFor();
  assert.ok(!(await page.locator('body').textContent()).includes('Juan'));
  await enter(page, servers.key);
  assert.equal(await page.locator('#box').inputValue(), '');
});

scenario(
  'a link to a contact opens it after the key',
  { key: null, alone: true, path: `#/contacts/${ids.maria.id}` },
  async (page) => {
    await enter(page, servers.key);
    await shows(page.locator('#details-title'), 'María González');
  },
);

for (const host of ['127.0.0.1', 'localhost']) {
  const server = servers.demo.replace('127.0.0.1', host);
  scenario(`the page of the demo is ready to use on ${host}`, { server, key: null, alone: true }, async (page) => {
    await hasFocus(page.locator('#box'));
    await shows(page.locator('.top .badge'), 'Demo');
    await search(page, 'john doe');
    await shows(page.locator('.open').first(), 'John Doe');
    assert.ok(!(await stored(page)).includes(servers.demoKey));
    await inspect(page);
  });
}

scenario(
  'a name that resolves to this machine gets no key of the demo',
  { server: servers.demo.replace('127.0.0.1', 'evil.example'), key: null, alone: true },
  async (page) => {
    await hasFocus(field(page));
    assert.ok(!(await page.content()).includes(servers.demoKey));
  },
);

test('behind a proxy the page works below any path, and gets no key of the demo', async (context) => {
  const proxy = createServer(async (request, response) => {
    const { origin, 'x-api-key': key = '' } = request.headers;
    const headers = { 'X-API-Key': key, 'X-Forwarded-For': '203.0.113.9', ...(origin && { origin }) };
    const target = servers.demo + request.url.replace('/below/this/', '');
    const answer = await fetch(target, { method: request.method, headers });
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') });
    response.end(await answer.text());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  context.after(() => proxy.close());
  await visit(
    `http://127.0.0.1:${proxy.address().port}/below/this/`,
    async (page) => {
      await enter(page, servers.demoKey);
      await search(page, 'john doe');
      await page.locator('.open').first().click();
      await shows(page.locator('#details-title'), 'John Doe');
      assert.match(page.url(), /\/below\/this\/#\/contacts\/[\w-]+$/);
    },
    { key: null, alone: true, owner: 'proxy' },
  );
});

scenario(
  'a page of another origin gets no key of the demo, and can’t show the page in a frame',
  { server: null, key: null, alone: true },
  async (page) => {
    await page.route('http://other.example/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<p>other</p>' }),
    );
    await page.goto('http://other.example/');
    const outcome = await page.evaluate(async (server) => {
      const ask = (mode) =>
        fetch(`${server}page/demo-key`, { method: 'POST', mode }).then(
          (answer) => answer.text(),
          () => 'refused',
        );
      return [await ask('cors'), await ask('no-cors')];
    }, servers.demo);
    // Without CORS a page can send the request, and read nothing of its answer.
    assert.equal(outcome[0], 'refused');
    assert.ok(['', 'refused'].includes(outcome[1]), outcome[1]);
    await page.evaluate((server) => {
      const frame = document.createElement('iframe');
      frame.src = server;
      document.body.append(frame);
      return new Promise((resolve) => frame.addEventListener('load', resolve));
    }, servers.demo);
    assert.equal(await page.frameLocator('iframe').locator('#box').count(), 0);
  },
);
