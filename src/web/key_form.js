// Finds a key, or asks the user for one.

import { askForDemoKey, checkKey } from './api.js';
import { element, icon } from './elements.js';
import { useKeptKey, useKey, useKeyOfOtherTabs } from './key.js';
import { text } from './language.js';

/**
 * Finds a key without the user: one that was kept, the demo's, or one that another tab keeps. Returns whether it did.
 * Calls `onLateKey` if another tab answers later.
 */
export async function findKey(onLateKey) {
  if (useKeptKey()) return true;
  const hasDemo = document.querySelector('meta[name=demo]').content === 'yes';
  const demoKey = hasDemo ? await askForDemoKey() : null;
  if (demoKey) useKey(demoKey, { isOfDemo: true });
  return demoKey !== null || useKeyOfOtherTabs(onLateKey);
}

/** The form that asks for the key. `failure` says why the last key did not do. Calls `done` with an accepted key. */
export function keyForm(failure, done) {
  const input = element('input', {
    id: 'key',
    type: 'password',
    autocomplete: 'off',
    spellcheck: false,
    required: true,
    'aria-describedby': 'key-problem key-text',
  });
  const keep = element('input', { id: 'keep', type: 'checkbox' });
  const button = element('button', { className: 'primary', type: 'submit' }, text('keyUse'));
  const problem = element('div', { id: 'key-problem', className: 'key-problem', role: 'alert' });
  const show = ({ kind, requestId }) => {
    const explanation = text(`${kind}Text`, { id: requestId });
    problem.replaceChildren(icon('warning'), element('p', {}, element('strong', {}, text(kind)), explanation));
    input.setAttribute('aria-invalid', 'true');
    input.focus();
    input.select();
  };
  const submit = async (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    // A pasted key can have blanks around it. A key is visible ASCII, and nothing else fits into a header.
    const chosen = input.value.trim();
    if (!/^[\x21-\x7e]+$/.test(chosen)) return show({ kind: 'keyUnknown' });
    button.setAttribute('aria-disabled', 'true');
    button.textContent = text('keyChecking');
    try {
      await checkKey(chosen);
      useKey(chosen, { isKept: keep.checked });
      done();
    } catch (refusal) {
      show(refusal);
    } finally {
      button.removeAttribute('aria-disabled');
      button.textContent = text('keyUse');
    }
  };
  const form = element(
    'form',
    { className: 'card key-form', onsubmit: submit, 'aria-labelledby': 'key-title' },
    element('h2', { id: 'key-title' }, text('keyTitle')),
    element('label', { className: 'key-label', htmlFor: 'key' }, text('keyLabel')),
    input,
    problem,
    element('label', { className: 'tick' }, keep, element('span', {}, text('keyKeep'))),
    button,
    element('p', { id: 'key-text', className: 'muted' }, text('keyText')),
  );
  if (failure) show(failure);
  return form;
}
