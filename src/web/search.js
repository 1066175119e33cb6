// Searches while the user types. It waits for a short pause, aborts a search when a newer one starts, and never shows
// an answer that is older than the last text.

/** The pause in typing after which a search starts, in milliseconds. */
const PAUSE = 150;

export class Search {
  #load;
  #show;
  #query = '';
  #cursor = null;
  #timer;
  #controller;
  /** The number of the newest request. Only its answer counts. */
  #newest = 0;
  /** Whether the answer to the current text is shown. */
  isCurrent = false;

  /**
   * `load(query, cursor, signal)` loads a page of results. `show` has a function for each state: `idle()`,
   * `loading()`, `found(answer, query)`, `more(answer)`, and `failed(failure, again)`.
   */
  constructor(load, show) {
    this.#load = load;
    this.#show = show;
  }

  get query() {
    return this.#query;
  }

  /** The text has changed. */
  type(text) {
    // The server refuses a NUL character, which a paste can bring.
    const query = text.replaceAll('\0', '').trim();
    if (query === this.#query) return;
    this.stop();
    this.#query = query;
    this.isCurrent = false;
    if (query === '') return this.#show.idle();
    this.#show.loading();
    this.#timer = setTimeout(() => this.start(), PAUSE);
  }

  /** Searches at once. */
  start() {
    if (this.#query === '') return;
    this.stop();
    this.#show.loading();
    const { signal, number, query } = this.#begin();
    this.#load(query, null, signal).then(
      (answer) => {
        if (number !== this.#newest) return;
        this.isCurrent = true;
        this.#cursor = answer.nextCursor;
        this.#show.found(answer, query);
      },
      (failure) => number === this.#newest && this.#show.failed(failure, () => this.start()),
    );
  }

  /** Loads the next page. */
  more() {
    if (!this.#cursor || !this.isCurrent) return;
    this.stop();
    this.#show.loading();
    const { signal, number, query } = this.#begin();
    this.#load(query, this.#cursor, signal).then(
      (answer) => {
        if (number !== this.#newest) return;
        this.#cursor = answer.nextCursor;
        this.#show.more(answer);
      },
      (failure) => number === this.#newest && this.#show.failed(failure, () => this.more()),
    );
  }

  /** Forgets the text, so that the same text is searched again. */
  reset() {
    this.stop();
    this.#query = '';
    this.isCurrent = false;
  }

  /** Aborts what runs or waits. Its answer does not count any more. */
  stop() {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#newest += 1;
  }

  #begin() {
    this.#controller = new AbortController();
    this.#newest += 1;
    return { signal: this.#controller.signal, number: this.#newest, query: this.#query };
  }
}
