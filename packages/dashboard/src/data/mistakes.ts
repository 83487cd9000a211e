import { ApiError } from '@posthorn/api/browser';

/** What the server said, by the field it is about. */
export function mistakesOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof ApiError)) return {};
  const { errors = [], field, detail } = error.problem ?? {};
  const named = errors.map(({ path, message }) => [path, message]);
  return Object.fromEntries(field === undefined ? named : [...named, [field, detail]]);
}
