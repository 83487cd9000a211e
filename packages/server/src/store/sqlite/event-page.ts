import type { LogQuery, Page } from '../store.ts';
import { cursorRow, type EventColumns } from './rows.ts';

export type ReadEvent<T> = (
  event: EventColumns,
  at: { readonly inside: string | undefined; readonly limit: number },
) => Page<T>;

/**
 * A page of what events have, event by event. A cursor is the event under way and, behind a point, the
 * place inside it.
 */
export class EventPage<T> {
  readonly items: T[] = [];
  /** Events with keys before it come next. */
  readonly before: number | undefined;
  readonly #limit: number;
  #inside: string | undefined;

  constructor({ cursor, limit }: Pick<LogQuery, 'cursor' | 'limit'>) {
    const [under, ...rest] = (cursor ?? '').split('.');
    const place = cursorRow(cursor === undefined ? undefined : under);
    this.#limit = limit;
    this.#inside = rest.length > 0 ? rest.join('.') : undefined;
    // The event under way is read again.
    this.before = place !== undefined && this.#inside !== undefined ? place + 1 : place;
  }

  /** Adds what these have, as far as there is room. Returns the next cursor; undefined = there is room left. */
  fill(events: readonly EventColumns[], read: ReadEvent<T>): string | undefined {
    for (const event of events) {
      const limit = this.#limit - this.items.length;
      const page = read(event, { inside: this.#inside, limit });
      this.#inside = undefined;
      this.items.push(...page.items);
      if (page.next !== undefined) return `${event.seq}.${page.next}`;
      if (this.items.length === this.#limit) return String(event.seq);
    }
    return undefined;
  }
}
