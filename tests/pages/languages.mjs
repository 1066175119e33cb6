// English, Spanish and Portuguese.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TEXTS } from '../../src/web/texts.js';
import './contacts.mjs';
import { inspect, scenario, search, shows, texts } from './support.mjs';

for (const [locale, language, placeholder, count, fact] of [
  ['en-GB', 'en', 'Name, phone, email or ID', '2 contacts', 'Window open'],
  ['es-AR', 'es', 'Nombre, teléfono, email o ID', '2 contactos', 'Ventana abierta'],
  ['pt-BR', 'pt', 'Nome, telefone, e-mail ou ID', '2 contatos', 'Janela aberta'],
  ['fr-FR', 'en', 'Name, phone, email or ID', '2 contacts', 'Window open'],
]) {
  scenario(`a browser in ${locale} shows the page in ${language}`, { locale }, async (page) => {
    assert.equal(await page.locator('html').getAttribute('lang'), language);
    assert.equal(await page.locator('#box').getAttribute('placeholder'), placeholder);
    await search(page, '5550123');
    await shows(page.locator('#count'), count);
    await shows(page.locator('.window').first(), new RegExp(fact));
    await page.locator('.open').first().click();
    await shows(page.locator('.pane h3').first(), TEXTS[language].reach);
    await page.locator('.others a').waitFor();
    await inspect(page);
  });
}

scenario('the time of the last message follows the language', { locale: 'es-AR' }, async (page) => {
  await search(page, '5550123');
  assert.deepEqual(await texts(page.locator('.result time')), ['hace 3 h', 'hace 3 días']);
});

test('every language has the same texts with the same places for values', () => {
  const shape = (value) => {
    if (typeof value === 'string') return [...new Set(value.match(/\{\w+\}/g) ?? [])].sort().join();
    if (Array.isArray(value)) return value.length;
    return Object.keys(value);
  };
  const shapes = (language) =>
    Object.fromEntries(Object.entries(TEXTS[language]).map(([name, value]) => [name, shape(value)]));
  assert.deepEqual(shapes('es'), shapes('en'));
  assert.deepEqual(shapes('pt'), shapes('en'));
  assert.ok(Object.keys(TEXTS.en).length > 50);
  for (const [name, value] of Object.entries(TEXTS.en)) {
    assert.ok(value.length !== 0, name);
  }
});
