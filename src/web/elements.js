// Makes elements. A text only ever becomes a text node or an attribute, so no value can become markup.

const SVG = 'http://www.w3.org/2000/svg';

/** The drawings of the icons, on a grid of 24. */
const ICONS = {
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13ZM15.2 15.2 20 20',
  clear: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  done: 'M5 12.5l4.5 4.5L19 7',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2',
  back: 'M19 12H5m6-6-6 6 6 6',
  key: 'M8 11.5a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM11 12.5 19.5 4M16 7.5l3 3',
  file: 'M6 3h8l5 5v13H6zM14 3v5h5M9 14l2.2 2.2L15.5 12',
  download: 'M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 20h14',
  warning: 'M12 4 2.8 20h18.4L12 4Zm0 6v4.5m0 2.7v.01',
};

/** An element with properties, or attributes for names with a hyphen and `role`, and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name.includes('-') || name === 'role') made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ''));
  return made;
}

/** An icon. Screen readers skip it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/** The value with its matched ranges marked. Ranges are in UTF-16 code units, as JavaScript counts. */
export function highlighted(value, entries) {
  const ranges = entries
    .flatMap((entry) => entry.highlights.map(({ start, end }) => ({ start, end, isSimilar: entry.kind === 'similar' })))
    .sort((one, other) => one.start - other.start || other.end - one.end);
  const parts = [];
  let at = 0;
  for (const { start, end, isSimilar } of ranges) {
    // Ranges of several words can overlap.
    const from = Math.max(start, at);
    const to = Math.min(end, value.length);
    if (from >= to) continue;
    parts.push(...breakable(value.slice(at, from)));
    parts.push(element('mark', { className: isSimilar ? 'similar' : '' }, breakable(value.slice(from, to))));
    at = to;
  }
  parts.push(...breakable(value.slice(at)));
  // A name can contain direction marks. `bdi` keeps them from changing the order of the text around it.
  return element('bdi', {}, parts);
}

/** The value as the page shows it elsewhere. */
export function plain(value) {
  return highlighted(value, []);
}

/** Pieces of a text, with a place for a line break before the `@` of an email. */
function breakable(value) {
  return value.split(/(?=@)/).flatMap((piece, index) => (index === 0 ? [piece] : [element('wbr'), piece]));
}

/** Puts a text on the clipboard. Returns whether that worked. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have `navigator.clipboard` only on HTTPS and on this machine.
    const area = element('textarea', { value: text, className: 'unseen', readOnly: true, 'aria-hidden': 'true' });
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return isCopied;
  }
}
