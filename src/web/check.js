// The view that checks a file before its import: chooses a file, shows the progress, and shows the verdicts.

import { checkFile, Failure } from './api.js';
import { element, icon, plain } from './elements.js';
import { amount, percent, text } from './language.js';
import { forgetFailures, problemCard } from './problem.js';
import { badge, contactAddress, contactName } from './results.js';

/** The rows that the page shows at once. More would make it slow. */
const ROWS_PER_PAGE = 100;

/** The links to contacts that a row has at most. The download has all of them. */
const LINKS_MAX = 5;

/** The verdicts by the name that the server sends, and their texts. */
const VERDICTS = {
  new: 'verdictNew',
  exact: 'verdictExact',
  likely: 'verdictLikely',
  conflict: 'verdictConflict',
  duplicate_in_file: 'verdictDuplicate',
  invalid: 'verdictInvalid',
};

/** The share of the progress bar that the reading of the file fills. The rest belongs to the rows. */
const READING = 0.2;

export class CheckView {
  #useOtherKey;
  #file = null;
  #controller = null;
  #result = null;
  #filter = null;
  #first = 0;
  #download = null;

  #title = element('h2', { id: 'check-title', tabIndex: -1 }, text('checkTitle'));
  #status = element('p', { className: 'check-status', role: 'status' });
  #problem = element('div', { role: 'alert' });
  #input = element('input', {
    type: 'file',
    id: 'check-file',
    className: 'unseen-file',
    tabIndex: -1,
    'aria-hidden': 'true',
    accept: '.csv,.tsv,.txt,.vcf,.xlsx,text/csv,text/vcard',
  });
  #choose = element(
    'button',
    { type: 'button', className: 'primary', onclick: () => this.#input.click() },
    icon('file'),
    element('span', {}, text('checkChoose')),
  );
  #drop = element('span', { className: 'muted check-drop' }, text('checkDrop'));
  #cancel = element(
    'button',
    { type: 'button', hidden: true, onclick: () => this.reset({ isFocused: true }) },
    text('checkCancel'),
  );
  #filled = element('span', { className: 'bar-filled' });
  #bar = element(
    'div',
    {
      className: 'bar',
      role: 'progressbar',
      hidden: true,
      'aria-label': text('checkProgress'),
      'aria-valuemin': '0',
      'aria-valuemax': '100',
    },
    this.#filled,
  );
  #outcome = element('div', { className: 'check-outcome' });
  #explanation = element(
    'div',
    { className: 'check-explanation' },
    element('p', {}, text('checkText')),
    element('p', { className: 'muted' }, text('checkFormats'), ' ', text('checkStored')),
  );
  #saved = element('span', { hidden: true });
  #card = element(
    'div',
    { className: 'card check-card' },
    this.#title,
    this.#explanation,
    this.#bar,
    this.#status,
    element(
      'div',
      { className: 'check-choose' },
      this.#saved,
      this.#choose,
      this.#input,
      this.#drop,
      this.#cancel,
    ),
  );

  /** The element of the view. */
  root = element(
    'section',
    { className: 'check', 'aria-labelledby': 'check-title', hidden: true },
    this.#card,
    this.#problem,
    this.#outcome,
  );

  /** `useOtherKey(failure)` asks for another key. */
  constructor({ useOtherKey }) {
    this.#useOtherKey = useOtherKey;
    this.#input.addEventListener('change', () => {
      const [file] = this.#input.files;
      // The same file can be chosen again after a correction.
      this.#input.value = '';
      if (file) this.#start(file);
    });
    this.#listenToDrops();
  }

  /** Moves the focus to the view. */
  focus() {
    this.#choose.focus();
  }

  /** Forgets the file and its verdicts. */
  reset({ isFocused = false } = {}) {
    this.#controller?.abort();
    this.#controller = null;
    this.#file = null;
    this.#forget();
    this.#setRunning(false);
    this.#status.textContent = '';
    if (isFocused) this.#choose.focus();
  }

  /** A file that is dropped beside the view would replace the page. */
  #listenToDrops() {
    const isShown = () => !this.root.hidden;
    addEventListener('dragover', (event) => {
      if (!isShown()) return;
      event.preventDefault();
      this.#card.classList.add('is-target');
    });
    addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) this.#card.classList.remove('is-target');
    });
    addEventListener('drop', (event) => {
      if (!isShown()) return;
      event.preventDefault();
      this.#card.classList.remove('is-target');
      const [file] = event.dataTransfer.files;
      if (file) this.#start(file);
    });
  }

  #forget() {
    if (this.#download) URL.revokeObjectURL(this.#download);
    this.#download = null;
    this.#result = null;
    this.#filter = null;
    this.#first = 0;
    this.#problem.replaceChildren();
    this.#outcome.replaceChildren();
    this.#saved.hidden = true;
    this.#saved.replaceChildren();
  }

  #setRunning(isRunning) {
    this.#bar.hidden = !isRunning;
    this.#cancel.hidden = !isRunning;
    this.#drop.hidden = isRunning;
    this.#explanation.hidden = this.#file !== null;
    this.#choose.classList.toggle('primary', this.#file === null);
    this.#choose.querySelector('span').textContent = text(this.#file ? 'checkOther' : 'checkChoose');
    if (isRunning) this.#show(null);
  }

  /** Shows a share of the progress. `null` means that it is not known. */
  #show(share) {
    this.#bar.classList.toggle('is-unknown', share === null);
    if (share === null) {
      this.#bar.removeAttribute('aria-valuenow');
      this.#filled.style.width = '';
    } else {
      const value = Math.round(share * 100);
      this.#bar.setAttribute('aria-valuenow', String(value));
      this.#filled.style.width = `${value}%`;
    }
  }

  /** Checks a file. Stops the check of another one. */
  async #start(file) {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.#file = file;
    this.#forget();
    this.#setRunning(true);
    this.#status.textContent = text('checkSending', { file: file.name });
    const result = { rows: [], counts: {}, csv: [], columns: '', notes: '', groups: 0 };
    try {
      await assertReadable(file);
      await checkFile(
        file,
        (part) => this.#controller === controller && this.#take(part, result),
        controller.signal,
      );
      if (this.#controller !== controller) return;
      forgetFailures();
      this.#finish(result);
    } catch (failure) {
      if (this.#controller !== controller) return;
      this.#fail(failure, file);
    }
  }

  #fail(failure, file) {
    this.#setRunning(false);
    this.#status.textContent = '';
    if (!(failure instanceof Failure)) throw failure;
    if (failure.kind === 'keyUnknown') return this.#useOtherKey(failure);
    const again = () => this.#start(file);
    this.#problem.replaceChildren(problemCard(failure, { again, useOtherKey: () => this.#useOtherKey() }));
  }

  #take(part, result) {
    if (part.file) {
      result.columns = part.file.columns;
      result.csv.push(part.file.csv);
    } else if (part.read) {
      const share = part.read.bytes / Math.max(part.read.of, 1);
      this.#show(READING * share);
      this.#status.textContent = text('checkReading', { share: percent(share) });
    } else if (part.contacts !== undefined) {
      this.#show(null);
      this.#status.textContent = text('checkComparing', { n: part.contacts });
    } else if (part.rows) {
      for (const row of part.rows.rows) {
        result.rows.push(row);
        result.counts[row.verdict] = (result.counts[row.verdict] ?? 0) + 1;
      }
      // The browser keeps the parts of a blob outside the memory of scripts.
      result.csv.push(new Blob([part.rows.csv]));
      const n = result.rows.length;
      this.#show(READING + ((1 - READING) * n) / part.rows.of);
      this.#status.textContent = text('checkReceiving', { n, of: amount(part.rows.of) });
    } else if (part.done) {
      result.groups = part.done.groups;
      result.notes = part.done.notes;
    }
  }

  #finish(result) {
    this.#result = result;
    this.#setRunning(false);
    const { groups } = result;
    const rows = text('checkDone', { n: result.rows.length, file: this.#file.name });
    this.#status.textContent = groups > 0 ? `${rows} · ${text('checkGroups', { n: groups })}` : rows;
    this.#download = URL.createObjectURL(new Blob(result.csv, { type: 'text/csv' }));
    const name = `${this.#file.name.replace(/\.[^.]*$/, '')}-checked.csv`;
    this.#list = element('div', { className: 'check-list' });
    this.#outcome.replaceChildren(
      element(
        'div',
        { className: 'filters', role: 'group', 'aria-label': text('checkFilter') },
        this.#filterButton(null, 'checkAll', result.rows.length),
        Object.entries(VERDICTS).map(([verdict, label]) =>
          this.#filterButton(verdict, label, result.counts[verdict] ?? 0),
        ),
      ),
      this.#list,
      // The server writes these sentences in English.
      element(
        'details',
        { className: 'check-columns' },
        element('summary', {}, text('checkColumns')),
        element('pre', { lang: 'en' }, [result.columns, result.notes].filter(Boolean).join('\n')),
      ),
    );
    this.#saved.hidden = false;
    this.#saved.replaceChildren(
      element(
        'a',
        { className: 'download', href: this.#download, download: name },
        icon('download'),
        element('span', {}, text('checkDownload')),
      ),
    );
    this.#showRows();
  }

  #list;

  #filterButton(verdict, label, n) {
    const button = element(
      'button',
      {
        type: 'button',
        className: `filter ${verdict ?? ''}`,
        disabled: n === 0 && verdict !== null,
        'aria-pressed': String(verdict === this.#filter),
      },
      element('span', {}, text(label)),
      ' ',
      element('strong', {}, amount(n)),
    );
    button.addEventListener('click', () => {
      this.#filter = verdict;
      this.#first = 0;
      for (const other of this.#outcome.querySelectorAll('.filter')) {
        other.setAttribute('aria-pressed', String(other === button));
      }
      this.#showRows();
    });
    return button;
  }

  /** Shows one page of the rows that have the chosen verdict. */
  #showRows() {
    const filter = this.#filter;
    const rows = filter === null ? this.#result.rows : this.#result.rows.filter((row) => row.verdict === filter);
    const from = this.#first;
    const shown = rows.slice(from, from + ROWS_PER_PAGE);
    if (shown.length === 0) {
      this.#list.replaceChildren(element('p', { className: 'muted' }, text('checkNoRows')));
      return;
    }
    const range = text('checkRange', {
      from: amount(from + 1),
      to: amount(from + shown.length),
      of: amount(rows.length),
    });
    const turn = (label, first) => {
      const isPossible = first >= 0 && first < rows.length;
      const button = element('button', { type: 'button', disabled: !isPossible }, text(label));
      button.addEventListener('click', () => {
        this.#first = first;
        this.#showRows();
        this.#list.querySelector('.check-range').focus();
      });
      return button;
    };
    const pages = rows.length <= ROWS_PER_PAGE
      ? null
      : element(
          'div',
          { className: 'check-pages' },
          turn('checkPrevious', from - ROWS_PER_PAGE),
          turn('checkNext', from + ROWS_PER_PAGE),
        );
    this.#list.replaceChildren(
      element('p', { className: 'muted check-range', tabIndex: -1 }, range),
      element('ol', { className: 'checked-rows', 'aria-label': text('checkRowsList') }, shown.map(rowItem)),
      ...(pages ? [pages] : []),
    );
  }
}

/** Fails if the browser can't read the file, such as a folder. The upload itself would only say that it failed. */
async function assertReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Failure('fileGone');
  }
}

/** A row and its verdict. */
function rowItem(row) {
  const { verdict, score, reasons, contactIds, duplicateOf } = row;
  const values = [row.phone, row.email].filter(Boolean);
  return element(
    'li',
    { className: 'checked-row' },
    element(
      'div',
      { className: 'checked-head' },
      element('span', { className: 'checked-name' }, contactName(row.name)),
      badge(`verdict ${verdict}`, Object.hasOwn(VERDICTS, verdict) ? text(VERDICTS[verdict]) : verdict),
      element('span', { className: 'spacer' }),
      element('span', { className: 'muted' }, text('checkLine', { line: amount(row.line) })),
    ),
    values.length > 0
      ? element('div', { className: 'checked-values' }, values.map((value) => element('span', {}, plain(value))))
      : null,
    // The server writes the reasons in English.
    reasons.length > 0
      ? element(
          'ul',
          { className: 'checked-reasons', lang: 'en' },
          reasons.map((reason) => element('li', {}, plain(reason))),
        )
      : null,
    element(
      'div',
      { className: 'checked-links' },
      score >= 0.005 ? element('span', { className: 'muted' }, text('checkScore', { share: percent(score) })) : null,
      contactLinks(contactIds),
      duplicateOf === null ? null : element('span', {}, text('checkSameAs', { line: amount(duplicateOf) })),
    ),
  );
}

function contactLinks(ids) {
  const link = (id, label) => element('a', { href: contactAddress(id) }, label);
  if (ids.length === 0) return null;
  if (ids.length === 1) return link(ids[0], text('checkContact'));
  const shown = ids.slice(0, LINKS_MAX).map((id, at) => link(id, text('checkContactOf', { n: at + 1 })));
  const more = ids.length - shown.length;
  return [
    element('span', {}, text('checkContacts')),
    ...shown,
    more > 0 ? element('span', { className: 'muted' }, text('checkMoreContacts', { n: more })) : null,
  ];
}
