// Where the API key is kept: in a variable, and if the user wishes, in `sessionStorage`, which the browser empties when
// the tab is closed. The key is never in an address, a cookie or `localStorage`.

const NAME = 'contact-search-key';

/** How long a new tab waits for the key of another tab, in milliseconds. */
const OTHER_TABS = 100;

let key = null;
let isDemo = false;

/** Takes the key that another tab sends. `null` if this tab has not asked for one. */
let receive = null;

// A link to a contact opens in a new tab, which has a `sessionStorage` of its own. So the tabs of this page ask each
// other for the key. Only tabs with a kept key answer. No other origin can read the channel.
const tabs = 'BroadcastChannel' in globalThis ? new BroadcastChannel(NAME) : null;

/** The key, or `null`. */
export function currentKey() {
  return key;
}

/** Whether the key is that of the demo. */
export function hasDemoKey() {
  return isDemo;
}

/** Takes a key. `isKept` keeps it for the browser session. */
export function useKey(chosen, { isKept = false, isOfDemo = false } = {}) {
  key = chosen;
  isDemo = isOfDemo;
  receive = null;
  storage((kept) => (isKept ? kept.setItem(NAME, chosen) : kept.removeItem(NAME)));
}

/** Takes the key that this tab keeps. Returns whether there is one. */
export function useKeptKey() {
  key = storage((kept) => kept.getItem(NAME));
  return key !== null;
}

/** Takes the key that another tab keeps. Returns whether one came in time. Calls `onLateKey` when one comes later. */
export async function useKeyOfOtherTabs(onLateKey) {
  if (!tabs) return false;
  return new Promise((resolve) => {
    let isLate = false;
    receive = (found) => {
      useKey(found, { isKept: true });
      if (isLate) onLateKey();
      else resolve(true);
    };
    tabs.postMessage('ask');
    setTimeout(() => {
      isLate = true;
      resolve(false);
    }, OTHER_TABS);
  });
}

/** Forgets the key, in all tabs that keep it. */
export function forgetKey() {
  forget();
  tabs?.postMessage('forget');
}

/** Answers the other tabs. Calls `onForgotten` when another tab has forgotten the key. */
export function listenToTabs(onForgotten) {
  tabs?.addEventListener('message', ({ data }) => {
    if (data.key) receive?.(data.key);
    const kept = storage((kept) => kept.getItem(NAME));
    if (!kept) return;
    if (data === 'ask') tabs.postMessage({ key: kept });
    if (data === 'forget') {
      forget();
      onForgotten();
    }
  });
}

function forget() {
  key = null;
  isDemo = false;
  receive = null;
  storage((kept) => kept.removeItem(NAME));
}

/** Does something with `sessionStorage`, which a browser can be set to refuse. */
function storage(use) {
  try {
    return use(sessionStorage);
  } catch {
    return null;
  }
}
