import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/**
 * A walk through one of the five documents that Posthorn was asked for from, line by line. Every line
 * belongs to exactly one stop:
 *
 *   says       it claims something, and a test here shows it
 *   elsewhere  another test shows it; its file and title are looked up, so that it cannot vanish
 *   later      a part that is not built yet will show it, with the reason
 *   prose      headings, code that another stop runs, sentences that claim nothing
 *
 * When a part is built, its `later` becomes `says` or `elsewhere`. `end` prints the table and checks that
 * no line was passed over.
 */
export type Lines = readonly [from: number, to: number];

export interface Shown {
  /** From the root of the repository. */
  readonly file: string;
  /** A part of its title. */
  readonly test: string;
}

interface Stop {
  readonly lines: Lines;
  readonly kind: 'says' | 'elsewhere' | 'later' | 'prose';
  readonly what: string;
  readonly where: string;
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

export class Walk {
  readonly #name: string;
  readonly #lineCount: number;
  readonly #stops: Stop[] = [];

  constructor(name: string, lineCount: number) {
    this.#name = name;
    this.#lineCount = lineCount;
  }

  says(lines: Lines, what: string, run: () => unknown): void {
    this.#stops.push({ lines, kind: 'says', what, where: 'here' });
    test(`${label(lines)}: ${what}`, async () => {
      await run();
    });
  }

  elsewhere(lines: Lines, what: string, shown: Shown): void {
    this.#stops.push({ lines, kind: 'elsewhere', what, where: `${shown.file}: ${shown.test}` });
    test(`${label(lines)}: ${what} (elsewhere)`, () => {
      const path = ROOT + shown.file;
      expect(existsSync(path), `${shown.file} is there`).toBe(true);
      expect(readFileSync(path, 'utf8')).toContain(shown.test);
    });
  }

  later(lines: Lines, what: string, reason: string): void {
    this.#stops.push({ lines, kind: 'later', what, where: reason });
  }

  prose(lines: Lines, what: string): void {
    this.#stops.push({ lines, kind: 'prose', what, where: '' });
  }

  end(): void {
    test(`all ${this.#lineCount} lines were walked, in order and once`, () => {
      let next = 1;
      for (const { lines, what } of this.#stops) {
        expect(lines[0], `"${what}" begins where the stop before ended`).toBe(next);
        expect(lines[1]).toBeGreaterThanOrEqual(lines[0]);
        next = lines[1] + 1;
      }
      expect(next - 1).toBe(this.#lineCount);
      for (const { kind, where, what } of this.#stops) {
        if (kind === 'later') expect(where.length, `a reason for "${what}"`).toBeGreaterThan(20);
      }
      this.#print();
    });
  }

  #print(): void {
    const shown = this.#stops.filter(({ kind }) => kind !== 'prose');
    const count = (kind: Stop['kind']) => this.#stops.filter((stop) => stop.kind === kind).length;
    const head = `${this.#name}: ${count('says')} shown here, ${count('elsewhere')} elsewhere, ${count('later')} later`;
    const rows = shown
      .filter(({ kind }) => kind !== 'says')
      .map(
        ({ lines, kind, what, where }) =>
          `  ${label(lines).padEnd(14)}${kind.padEnd(11)}${what}\n${' '.repeat(27)}${where}`,
      );
    process.stdout.write(`${[head, ...rows].join('\n')}\n`);
  }
}

function label([from, to]: Lines): string {
  return from === to ? `line ${from}` : `lines ${from}-${to}`;
}
