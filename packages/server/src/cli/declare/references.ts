import { MASK } from '@posthorn/api';
import type { Path, Problem } from './yaml-file.ts';

/** `${NAME}` in a file stands for a variable, so that secrets are not in the file. */

export type Variables = Readonly<Record<string, string | undefined>>;

/** `$${` is a literal `${`; the second group catches what was begun and is no name. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/** The text with its variables, which ones, and whether something was begun that is no reference. */
export function resolveReferences(
  text: string,
  variables: Variables,
): { readonly text: string; readonly names: readonly string[]; readonly malformed: boolean } {
  const names: string[] = [];
  let malformed = false;
  const resolved = text.replace(REFERENCE, (found, name: string | undefined) => {
    if (found === '$${') return '${';
    if (name === undefined) {
      malformed = true;
      return found;
    }
    names.push(name);
    return setTo(name, variables) ?? found;
  });
  return { text: resolved, names, malformed };
}

/** Compose files and CI write `X=` for "not set". */
function setTo(name: string, variables: Variables): string | undefined {
  return (Object.hasOwn(variables, name) ? variables[name] : undefined) || undefined;
}

/** The inverse, for text that must come out as it is. */
export function escapeReferences(text: string): string {
  return text.replaceAll('${', () => '$${');
}

/** Variables in place of values that a file does not hold. */
export class References {
  readonly #about = new Map<string, string>();

  get size(): number {
    return this.#about.size;
  }

  /** `words` make the name; `about`: what it stands for, in one line. */
  add(words: readonly string[], about: string): string {
    const name = words
      .join('_')
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_')
      .replace(/^(?=\d)/, '_');
    let free = name;
    for (let number = 2; this.#about.has(free); number++) free = `${name}_${number}`;
    this.#about.set(free, about);
    return `\${${free}}`;
  }

  comment(): string {
    if (this.size === 0) return '';
    const lines = [...this.#about].map(([name, about]) => `#   ${name}: ${about}\n`);
    return `# Variables that this file needs, in the environment or in .env:\n${lines.join('')}`;
  }
}

/** What else can be done about a variable that is not set. */
const INSTEAD: Readonly<Record<string, string>> = {
  secret: ', or leave it out to keep what is stored',
  headers: `, or write ${MASK} to keep what is stored`,
};

/** Resolves what an endpoint may refer to: secret, url and the values of headers. */
export function resolveEndpoint(
  endpoint: Record<string, unknown>,
  variables: Variables,
): {
  readonly resolved: unknown;
  /** Fields that hold what must not be shown. */
  readonly secrets: ReadonlySet<string>;
  readonly problems: readonly Problem[];
} {
  const secrets = new Set<string>();
  const problems: Problem[] = [];
  const resolve = (value: unknown, field: string, path: Path): unknown => {
    if (typeof value !== 'string') return value;
    const { text, names, malformed } = resolveReferences(value, variables);
    if (names.length > 0) secrets.add(field);
    for (const name of names.filter((one) => !setTo(one, variables))) {
      const message = `the variable ${name} is not set: set it${INSTEAD[field] ?? ''}`;
      problems.push({ path, message });
    }
    if (malformed) {
      const message = `a reference is a name in \${…}; write $\${ for the characters themselves`;
      problems.push({ path, message });
    }
    return text;
  };
  const resolved = { ...endpoint };
  for (const field of ['secret', 'url']) {
    if (Object.hasOwn(endpoint, field)) resolved[field] = resolve(endpoint[field], field, [field]);
  }
  const { headers } = endpoint;
  if (Array.isArray(headers)) {
    resolved['headers'] = headers.map((header: unknown, index) => {
      if (!isRecord(header) || !Object.hasOwn(header, 'value')) return header;
      const path = ['headers', index, 'value'];
      return { ...header, value: resolve(header['value'], 'headers', path) };
    });
  }
  return { resolved, secrets, problems };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
