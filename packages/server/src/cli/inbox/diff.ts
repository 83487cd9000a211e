import type { WholeCapture } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { captureId, type InboxAccess, type OpenedInbox, UsageError, withInbox } from './open.ts';

/** `posthorn diff`: what differs between two captures. Exit 0 = nothing, 1 = something, as diff has it. */

export interface DiffInput extends InboxAccess {
  readonly a: string;
  /** undefined = the last one before it of the same type that was answered with success. */
  readonly b: string | undefined;
}

export interface Difference {
  readonly part: 'request' | 'header' | 'body';
  /** Header name, or path in the JSON body. */
  readonly at: string;
  /** undefined = it is not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export function diff(input: DiffInput, output: Output): Promise<ExitCode> {
  return withInbox(input, output, async (opened) => {
    const get = (id: string) => opened.api.getCapture({ ...opened.place, capture: captureId(id) });
    const one = await get(input.a);
    const [before, after] =
      input.b === undefined ? [await lastGood(opened, one), one] : [one, await get(input.b)];
    const found = differences(before, after);
    const head = `${before.id} -> ${after.id}`;
    const text = found.length === 0 ? `${head}: no difference` : [head, ...found.flatMap(linesOf)];
    const value = { before: before.id, after: after.id, differences: found };
    output.data(value, [text].flat().join('\n'));
    return found.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

async function lastGood({ api, place }: OpenedInbox, of: WholeCapture): Promise<WholeCapture> {
  const type = of.type === null ? `path:"${of.path}"` : `type:"${of.type}"`;
  const q = `${type} status<400 seq<${of.seq}`;
  const [good] = (await api.listCaptures({ ...place, q, limit: 1 })).items;
  if (!good) throw new UsageError('No earlier capture of its kind was answered with success.');
  return api.getCapture({ ...place, capture: good.id });
}

/** Signatures, ids and times differ always; who compares wants to see the rest first. */
export function differences(before: WholeCapture, after: WholeCapture): Difference[] {
  const found: Difference[] = [];
  const add = (part: Difference['part'], at: string, values: Pair) => {
    const [b, a] = values;
    if (b !== a) found.push({ part, at, before: b, after: a });
  };
  add('request', 'method', [before.method, after.method]);
  add('request', 'path', [before.path, after.path]);
  const names = new Set([...namesOf(before), ...namesOf(after)]);
  for (const name of names) add('header', name, [valuesOf(before, name), valuesOf(after, name)]);
  const [left, right] = [jsonOf(before), jsonOf(after)];
  if (left !== undefined && right !== undefined) {
    compare('', [left, right], (at, values) => add('body', at, values));
  } else add('body', '', [before.body?.text, after.body?.text]);
  return found;
}

type Pair = readonly [string | undefined, string | undefined];

function namesOf({ headers }: WholeCapture): string[] {
  return headers.map(({ name }) => name.toLowerCase());
}

function valuesOf({ headers }: WholeCapture, name: string): string | undefined {
  const values = headers.filter((header) => header.name.toLowerCase() === name);
  return values.length === 0 ? undefined : values.map(({ value }) => value).join(', ');
}

function jsonOf({ body }: WholeCapture): unknown {
  if (body?.encoding !== 'utf8') return undefined;
  try {
    return JSON.parse(body.text);
  } catch {
    return undefined;
  }
}

/** Nested as deep as JSON.parse allows: lists by place, objects by name. */
function compare(
  at: string,
  [before, after]: readonly [unknown, unknown],
  add: (at: string, values: Pair) => void,
): void {
  if (!isNested(before) || !isNested(after) || Array.isArray(before) !== Array.isArray(after)) {
    add(at, [print(before), print(after)]);
    return;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compare(at === '' ? name : `${at}.${name}`, [member(before, name), member(after, name)], add);
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function member(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function print(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function linesOf({ part, at, before, after }: Difference): string[] {
  const name = at === '' ? part : `${part} ${at}`;
  return [
    ...(before === undefined ? [] : [`- ${name}: ${before}`]),
    ...(after === undefined ? [] : [`+ ${name}: ${after}`]),
  ];
}
