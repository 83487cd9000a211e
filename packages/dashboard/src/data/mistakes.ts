import { ApiError } from '@posthorn/api/browser';

/** By field; what is wrong with it. */
export type Mistakes = Readonly<Record<string, string>>;

/** What the server said, by the field it is about. */
export function mistakesOf(error: unknown): Mistakes {
  if (!(error instanceof ApiError)) return {};
  const { errors = [], field, detail } = error.problem ?? {};
  const named = errors.map(({ path, message }) => [path, message]);
  return Object.fromEntries(field === undefined ? named : [...named, [field, detail]]);
}

/** Of a field, or of anything below it: `headers.2.name` belongs to `headers`. */
export function mistakeOf(mistakes: Mistakes, field: string): string | undefined {
  if (mistakes[field] !== undefined) return mistakes[field];
  const below = Object.keys(mistakes).find((path) => path.startsWith(`${field}.`));
  return below === undefined ? undefined : mistakes[below];
}
