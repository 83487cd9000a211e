import { layOut } from './json-lines.ts';

/** Where two JSON texts differ, by the path of the value; values as they were written. */
export interface Difference {
  readonly path: string;
  /** undefined = it is not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** undefined = one of them is not JSON. */
export function diffJson(before: string, after: string): Difference[] | undefined {
  const [old, now] = [flatten(before), flatten(after)];
  if (!old || !now) return undefined;
  return diffEntries(old, now);
}

export function diffEntries(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Difference[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths]
    .map((path) => ({ path, before: before.get(path), after: after.get(path) }))
    .filter((one) => one.before !== one.after);
}

interface Level {
  readonly path: string;
  readonly object: boolean;
  next: number;
}

/** Every value that holds no other, empty containers among them, by its path. */
function flatten(json: string): Map<string, string> | undefined {
  const lines = layOut(json);
  if (!lines) return undefined;
  const values = new Map<string, string>();
  const levels: Level[] = [];
  for (const { tokens, closes } of lines) {
    const first = tokens[0];
    const isEnd = first?.kind === 'mark' && (first.text === '}' || first.text === ']');
    if (isEnd) {
      levels.pop();
      continue;
    }
    const path = pathOf(levels.at(-1), first?.kind === 'key' ? first.text : undefined);
    const value = tokens.filter(
      ({ kind, text }) => kind !== 'key' && text !== ': ' && text !== ',',
    );
    if (closes === undefined) values.set(path, value.map(({ text }) => text).join(''));
    else levels.push({ path, object: value[0]?.text === '{', next: 0 });
  }
  return values;
}

function pathOf(level: Level | undefined, key: string | undefined): string {
  if (!level) return '';
  const name = key === undefined ? `[${level.next++}]` : JSON.parse(key);
  if (key === undefined || level.path === '') return level.path + name;
  return `${level.path}.${name}`;
}
