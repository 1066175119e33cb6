// The browser of the tests and of the screenshot.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** Starts the `chromium` on PATH, with further arguments. */
export function startBrowser(...more) {
  const programs = process.env.PATH.split(':').map((folder) => `${folder}/chromium`);
  return chromium.launch({
    executablePath: programs.find(existsSync),
    // A container may not allow the sandbox. The browser opens only pages of this machine.
    chromiumSandbox: false,
    args: [
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...more,
    ],
  });
}
