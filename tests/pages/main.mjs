// The tests of the search page in a real browser. tests/it/endpoints/page_in_browser.rs starts the servers and runs
// this file.

await import('./typing.mjs');
await import('./results.mjs');
await import('./keyboard.mjs');
await import('./details.mjs');
await import('./failures.mjs');
await import('./keys.mjs');
await import('./checks.mjs');
await import('./languages.mjs');
