// Takes the picture of the search page for README.md. script/screenshot runs this file.
//
//     PAGE=http://127.0.0.1:8080/ node screenshot.mjs FILE

import { startBrowser } from './browser.mjs';

const browser = await startBrowser();
const page = await browser.newPage({
  viewport: { width: 1200, height: 720 },
  deviceScaleFactor: 1.5,
  locale: 'en-US',
  colorScheme: 'light',
  reducedMotion: 'reduce',
});
await page.goto(process.env.PAGE);
await page.locator('#box').fill('juan peres');
await page.locator('.result .open').first().click();
await page.locator('.pane .window').waitFor();
await page.locator('.pane section', { hasText: 'Loading' }).waitFor({ state: 'detached' });
await page.screenshot({ path: process.argv[2] });
await browser.close();
