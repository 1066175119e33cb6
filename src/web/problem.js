// The card that explains a failure, and tries again if that can help.

import { element, icon } from './elements.js';
import { text } from './language.js';

/** Failures that end by themselves. */
const PASSING = ['offline', 'tooMany', 'unavailable'];

/** Failures after which the same call fails again. */
const FINAL = ['refused', 'fileUnreadable', 'tooLarge', 'fileGone'];

/** The longest pause between two tries, in seconds. */
const PAUSE_MAX = 30;

/** Whether the failure ends by itself. */
export function isPassing(failure) {
  return PASSING.includes(failure.kind);
}

/** How many tries in a row have failed. */
let failures = 0;

/** The last try has succeeded. */
export function forgetFailures() {
  failures = 0;
}

/** The card for a failure. `again` repeats the call. `useOtherKey` asks for another key. */
export function problemCard(failure, { again, useOtherKey }) {
  const { kind, requestId, retryAfter, detail } = failure;
  const countdown = element('p', { className: 'muted', 'aria-hidden': 'true' });
  const buttons = element('div', { className: 'buttons' });
  if (kind === 'scopeMissing') {
    buttons.append(element('button', { type: 'button', onclick: useOtherKey }, text('keyOther')));
  } else if (!FINAL.includes(kind)) {
    buttons.append(element('button', { type: 'button', onclick: again }, text('tryAgain')));
  }
  const card = element(
    'div',
    { className: 'card problem' },
    icon('warning'),
    element(
      'div',
      {},
      element('h2', {}, text(kind)),
      element('p', {}, text(`${kind}Text`, { id: requestId, detail })),
      isPassing(failure) ? countdown : null,
      buttons,
    ),
  );
  if (isPassing(failure)) {
    failures += 1;
    let seconds = Math.max(retryAfter, Math.min(2 ** (failures - 1), PAUSE_MAX));
    const tick = () => {
      countdown.textContent = text('nextTry', { n: seconds });
      if (seconds <= 0) end(true);
      seconds -= 1;
    };
    const timer = setInterval(() => (card.isConnected ? tick() : end(false)), 1000);
    const online = () => end(true);
    const end = (isDue) => {
      clearInterval(timer);
      removeEventListener('online', online);
      if (isDue && card.isConnected) again();
    };
    if (kind === 'offline') addEventListener('online', online);
    tick();
  }
  return card;
}
