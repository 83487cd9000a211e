/**
 * The rows of an endless list, newest first: what came live at one end, older pages at the other, so
 * that adding is cheap at both and nothing is copied. React reads it through `subscribe` and `version`.
 *
 *     newest ◀─ live (pushed) ─┬─ older (pushed) ─▶ oldest
 */
export interface RowPage<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  /** Of a search: what came later was not looked at yet; null = all was. */
  readonly searchedTo?: string | null | undefined;
}

export interface RowLogOptions<T> {
  readonly idOf: (row: T) => string;
  readonly fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<RowPage<T>>;
  /** false = a new row may have its place anywhere among the others. */
  readonly newestFirst?: boolean;
}

export type RowLogState = 'loading' | 'ready' | 'failed';

/** More rows than this are nobody's reading; the list then asks for a narrower time. */
export const ROWS_MAX = 200_000;
/** Live rows that wait while the reader is elsewhere; beyond it they are fetched again when wanted. */
const HELD_MAX = 5000;
/** Ids by which a live row is recognised as one that is here already. */
const RECENT_MAX = 2000;

export class RowLog<T> {
  readonly #options: RowLogOptions<T>;
  readonly #listeners = new Set<() => void>();
  readonly #abort = new AbortController();
  #live: T[] = [];
  #older: T[] = [];
  #held: T[] = [];
  /** Ids of the newest rows. */
  #recent = new Set<string>();
  #cursor: string | null | undefined;
  #loading = false;
  #holding = false;
  #overflowed = false;
  #empty = false;

  version = 0;
  /** How far a search has looked; undefined = at all there is. */
  searchedTo: string | undefined;
  state: RowLogState = 'loading';
  error: unknown;

  constructor(options: RowLogOptions<T>) {
    this.#options = options;
  }

  get count(): number {
    return this.#live.length + this.#older.length;
  }

  /** Rows that came while the list was held. */
  get held(): number {
    return this.#held.length;
  }

  /** Rows came that were not kept: taking the held ones reads the list anew. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  get atEnd(): boolean {
    return this.#cursor === null;
  }

  /** It was read to its end, and nothing is there: said on while it is read again. */
  get isEmpty(): boolean {
    return this.#empty && this.count === 0;
  }

  get isFull(): boolean {
    return this.count >= ROWS_MAX;
  }

  get isLoadingMore(): boolean {
    return this.#loading;
  }

  row(index: number): T | undefined {
    const live = this.#live.length;
    return index < live ? this.#live[live - 1 - index] : this.#older[index - live];
  }

  indexOf(id: string): number {
    const { idOf } = this.#options;
    for (let index = 0; index < this.count; index++) {
      const row = this.row(index);
      if (row !== undefined && idOf(row) === id) return index;
    }
    return -1;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getVersion = (): number => this.version;

  /** Reads the newest page and forgets what was there. */
  async reload(): Promise<void> {
    this.#cursor = undefined;
    await this.more();
  }

  /** The next older page, one at a time. */
  async more(): Promise<void> {
    if (this.#loading || this.#cursor === null || this.isFull) return;
    this.#loading = true;
    const first = this.#cursor === undefined;
    this.#changed();
    try {
      const page = await this.#options.fetchPage(this.#cursor, this.#abort.signal);
      if (first) {
        this.#clear();
        this.#searched(page);
      }
      this.#append(page);
      this.state = 'ready';
      this.error = undefined;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.state = 'failed';
      this.error = error;
    } finally {
      this.#loading = false;
      this.#changed();
    }
  }

  /** Rows that are newer than all others, oldest of them first; known ones are left out. */
  prepend(rows: readonly T[]): void {
    const fresh = rows.filter((row) => !this.#recent.has(this.#options.idOf(row)));
    if (fresh.length === 0 || this.#cursor === undefined) return;
    for (const row of fresh) this.#remember(row);
    if (!this.#holding) this.#live.push(...fresh);
    else if (this.#held.length + fresh.length <= HELD_MAX) this.#held.push(...fresh);
    else this.#overflowed = true;
    this.#changed();
  }

  /**
   * Looks what is newer than the newest row. When nothing of the newest page is known, so much came
   * meanwhile that the list is read anew.
   */
  async refresh(): Promise<void> {
    if (this.state !== 'ready' || this.#loading) return;
    if (this.#options.newestFirst === false) {
      // Whoever reads further down is not thrown back to the top.
      if (!this.#holding) await this.reload();
      return;
    }
    try {
      const page = await this.#options.fetchPage(undefined, this.#abort.signal);
      const { items } = page;
      this.#searched(page);
      const known = items.findIndex((row) => this.#recent.has(this.#options.idOf(row)));
      if (known < 0 && this.count > 0) await this.reload();
      else this.prepend(items.slice(0, known < 0 ? items.length : known).toReversed());
    } catch {
      // The next look, or the reader, will meet the same and say it.
    }
  }

  /** While held, new rows wait: nothing moves under the reader. */
  hold(holding: boolean): void {
    if (this.#holding === holding) return;
    this.#holding = holding;
    if (!holding) this.take();
  }

  /** Shows what waited. */
  take(): void {
    if (this.#overflowed) {
      void this.reload();
      return;
    }
    if (this.#held.length === 0) return;
    this.#live.push(...this.#held);
    this.#held = [];
    this.#changed();
  }

  /** Replaces the row of the same id where it stands; false = it is not here. */
  replace(row: T): boolean {
    const index = this.indexOf(this.#options.idOf(row));
    if (index < 0) return false;
    const live = this.#live.length;
    if (index < live) this.#live[live - 1 - index] = row;
    else this.#older[index - live] = row;
    this.#changed();
    return true;
  }

  close(): void {
    this.#abort.abort();
  }

  #searched({ searchedTo = null }: RowPage<T>): void {
    if (this.searchedTo === (searchedTo ?? undefined)) return;
    this.searchedTo = searchedTo ?? undefined;
    this.#changed();
  }

  #clear(): void {
    this.#live = [];
    this.#older = [];
    this.#held = [];
    this.#overflowed = false;
    this.#recent = new Set();
  }

  #append({ items, next }: RowPage<T>): void {
    for (const row of items) {
      // What came live while this page was on its way may be in it too.
      if (this.#recent.has(this.#options.idOf(row)) && this.#older.length < RECENT_MAX) continue;
      this.#older.push(row);
      if (this.#older.length < RECENT_MAX) this.#remember(row);
    }
    this.#cursor = next;
    this.#empty = this.count === 0 && next === null;
  }

  #remember(row: T): void {
    this.#recent.add(this.#options.idOf(row));
    if (this.#recent.size <= RECENT_MAX * 2) return;
    for (const oldest of this.#recent) {
      this.#recent.delete(oldest);
      return;
    }
  }

  #changed(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}
