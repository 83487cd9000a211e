import type { Value } from './database.ts';

/** Terms that must all hold; `?` stands for each value in turn. */
export class Where {
  readonly values: Value[] = [];
  readonly #terms: string[] = [];

  add(term: string, ...values: Value[]): this {
    let at = this.values.length;
    this.#terms.push(
      term.replaceAll('?', () => {
        at += 1;
        return `$${at}`;
      }),
    );
    this.values.push(...values);
    return this;
  }

  /** The place of one more value, outside of the terms. */
  value(value: Value): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  get isEmpty(): boolean {
    return this.#terms.length === 0;
  }

  get sql(): string {
    return this.#terms.length === 0 ? 'true' : this.#terms.join(' and ');
  }
}

/** A pattern of event types, in the words of LIKE. */
export function likeOf(pattern: string): string {
  return pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
