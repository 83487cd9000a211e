/**
 * Filters say which events an endpoint is owed, beyond their type: conditions on the fields of the
 * event and of its data. A filter is plain JSON, so the server, receivers and a browser evaluate the
 * same one. There are no regular expressions, and no condition looks at a character twice: what a
 * filter costs is known before it is stored, whatever events come.
 */

export type Scalar = string | number | boolean | null;

/**
 * Exactly one of: `all` or `any` of several filters, `not` of one, or conditions by path, all of which
 * must hold. A path is `type`, `subject`, or leads into `actor`, `context` or `data`: `data.items.0.id`.
 * A dot that belongs to a name is written `\.`.
 */
export type Filter =
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly [path: string]: Condition };

/** A value that must be there, or operators that must all hold. */
export type Condition = Scalar | Operators;

export interface Operators {
  readonly eq?: Scalar;
  /** Also true where there is nothing. */
  readonly ne?: Scalar;
  readonly in?: readonly Scalar[];
  /** Numbers with numbers, texts with texts (by UTF-16 code units); anything else is false. */
  readonly gt?: number | string;
  readonly gte?: number | string;
  readonly lt?: number | string;
  readonly lte?: number | string;
  /** null exists. */
  readonly exists?: boolean;
  readonly prefix?: string;
  readonly suffix?: string;
  /** A part of a text, or an element of a list. */
  readonly contains?: Scalar;
  readonly all?: readonly Condition[];
  readonly any?: readonly Condition[];
  readonly not?: Condition;
}

/** What a filter looks at. `data` is the value that JSON.parse makes. */
export interface FilterSubject {
  readonly type: string;
  readonly subject?: string | undefined;
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  readonly data?: unknown;
}

/** A filter that cannot be used: the message says where, what is wrong and what to write instead. */
export class FilterError extends Error {
  readonly code: 'invalid' | 'too_costly';
  /** The place in the filter, dotted; `''` = the filter itself. */
  readonly path: string;

  constructor(code: FilterError['code'], path: string, message: string) {
    super(message);
    this.name = 'FilterError';
    this.code = code;
    this.path = path;
  }
}

export const FILTER_DEPTH_MAX = 8;
export const FILTER_CONDITIONS_MAX = 100;
export const FILTER_TEXT_CHARS_MAX = 1024;
const PATH_CHARS_MAX = 256;
const LIST_MAX = 100;

const ROOTS = ['type', 'subject', 'actor', 'context', 'data'];
const LEAF_ROOTS = ['type', 'subject'];
const GROUPS = ['all', 'any', 'not'];

// ---- reading ------------------------------------------------------------------------------------

/** Counts the conditions of the filter that is being read. */
interface Reading {
  conditions: number;
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

/**
 * A filter of what was sent as JSON. Throws `FilterError`.
 *
 * @example parseFilter({ 'data.total': { gte: 100 }, 'actor.role': 'admin' })
 */
export function parseFilter(value: unknown): Filter {
  return readFilter({ conditions: 0 }, value, { path: '', depth: 1 });
}

function readFilter(reading: Reading, value: unknown, place: Place): Filter {
  const members = readMembers(
    value,
    place,
    'a filter is an object such as {"data.total": {"gt": 100}}',
  );
  const [group] = members.find(([name]) => GROUPS.includes(name)) ?? [];
  if (group === undefined) {
    return Object.fromEntries(
      members.map(([path, condition]) => {
        checkPath(path, place);
        return [path, readCondition(reading, condition, inside(place, path))];
      }),
    );
  }
  if (members.length > 1) {
    throw invalid(place, `"${group}" stands alone: put the rest into it, or all of it into "all"`);
  }
  const [[, content]] = members as [[string, unknown]];
  const within = inside(place, group);
  if (group === 'not') return { not: readFilter(reading, content, within) };
  const items = readItems(content, within).map((item, i) =>
    readFilter(reading, item, { ...within, path: `${within.path}.${i}` }),
  );
  return group === 'all' ? { all: items } : { any: items };
}

function checkPath(path: string, place: Place): void {
  const segments = splitPath(path);
  const [root = ''] = segments;
  if (path.length > PATH_CHARS_MAX) throw invalid(place, `a path is longer than ${PATH_CHARS_MAX}`);
  if (!ROOTS.includes(root)) {
    throw invalid(
      place,
      `${JSON.stringify(path)} leads nowhere: paths begin with ${ROOTS.join(', ')}`,
    );
  }
  if (segments.length > 1 && LEAF_ROOTS.includes(root)) {
    throw invalid(place, `${JSON.stringify(path)} leads nowhere: ${root} is a text`);
  }
}

function readCondition(reading: Reading, value: unknown, place: Place): Condition {
  if (isScalar(value)) {
    count(reading, place);
    return readScalar(value, place);
  }
  const members = readMembers(
    value,
    place,
    'a condition is a value, or operators such as {"gt": 100}',
  );
  return Object.fromEntries(
    members.map(([operator, operand]) => [
      operator,
      readOperand(reading, { operator, operand }, inside(place, operator)),
    ]),
  );
}

function readOperand(
  reading: Reading,
  { operator, operand }: { readonly operator: string; readonly operand: unknown },
  place: Place,
): unknown {
  switch (operator) {
    case 'all':
    case 'any':
      return readItems(operand, place).map((item, i) =>
        readCondition(reading, item, { ...place, path: `${place.path}.${i}` }),
      );
    case 'not':
      return readCondition(reading, operand, place);
    default:
      count(reading, place);
      return readTest(operator, operand, place);
  }
}

function readTest(operator: string, operand: unknown, place: Place): unknown {
  switch (operator) {
    case 'eq':
    case 'ne':
    case 'contains':
      return readScalar(operand, place);
    case 'in':
      return readItems(operand, place).map((item) => readScalar(item, place));
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      if (typeof operand === 'number' || typeof operand === 'string')
        return readScalar(operand, place);
      throw invalid(place, 'must be a number or a text');
    case 'prefix':
    case 'suffix':
      if (typeof operand === 'string') return readScalar(operand, place);
      throw invalid(place, 'must be a text');
    case 'exists':
      if (typeof operand === 'boolean') return operand;
      throw invalid(place, 'must be true or false');
    default: {
      const known = 'eq ne in gt gte lt lte exists prefix suffix contains all any not';
      throw invalid(place, `is no operator: use ${known.replaceAll(' ', ', ')}`);
    }
  }
}

function readMembers(value: unknown, place: Place, expected: string): [string, unknown][] {
  if (place.depth > FILTER_DEPTH_MAX) {
    throw invalid(place, `is nested deeper than ${FILTER_DEPTH_MAX} levels: flatten it`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(place, expected);
  }
  const members = Object.entries(value);
  if (members.length === 0) throw invalid(place, 'is empty: use null for no filter at all');
  if (members.length > FILTER_CONDITIONS_MAX) throw tooMany(place);
  return members;
}

function readItems(value: unknown, place: Place): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(place, 'must be a list');
  if (value.length === 0) throw invalid(place, 'is an empty list: leave it out');
  if (value.length > LIST_MAX) throw invalid(place, `has more than ${LIST_MAX} items`);
  return value;
}

function readScalar(value: unknown, place: Place): Scalar {
  if (!isScalar(value)) throw invalid(place, 'must be a text, a number, true, false or null');
  if (typeof value === 'string' && value.length > FILTER_TEXT_CHARS_MAX) {
    throw invalid(place, `is a text longer than ${FILTER_TEXT_CHARS_MAX} characters`);
  }
  return value;
}

function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

function count(reading: Reading, place: Place): void {
  reading.conditions += 1;
  if (reading.conditions > FILTER_CONDITIONS_MAX) throw tooMany(place);
}

function tooMany(place: Place): FilterError {
  return invalid(
    place,
    `makes more than ${FILTER_CONDITIONS_MAX} conditions: use "in" for many values`,
  );
}

function inside({ path, depth }: Place, name: string): Place {
  return { path: path === '' ? name : `${path}.${name}`, depth: depth + 1 };
}

function invalid({ path }: Place, problem: string): FilterError {
  return new FilterError('invalid', path, `${path === '' ? 'the filter' : path}: ${problem}`);
}

// ---- matching -----------------------------------------------------------------------------------

/** What evaluating may still cost. A step is a character, a list's element or a condition looked at. */
export interface FilterMeter {
  stepsLeft: number;
}

/**
 * true = the event passes. With a meter it throws `FilterError` (`too_costly`) when the steps run out,
 * and several filters can share one.
 */
export function matchesFilter(
  filter: Filter,
  subject: FilterSubject,
  meter: FilterMeter = { stepsLeft: Number.POSITIVE_INFINITY },
): boolean {
  for (const name of Object.keys(filter)) {
    const content = (filter as Readonly<Record<string, unknown>>)[name];
    if (!holds(name, content, { subject, meter })) return false;
  }
  return true;
}

interface Evaluation {
  readonly subject: FilterSubject;
  readonly meter: FilterMeter;
}

function holds(name: string, content: unknown, { subject, meter }: Evaluation): boolean {
  const passes = (filter: Filter) => matchesFilter(filter, subject, meter);
  switch (name) {
    case 'all':
      return (content as readonly Filter[]).every(passes);
    case 'any':
      return (content as readonly Filter[]).some(passes);
    case 'not':
      return !passes(content as Filter);
    default:
      return meets(valueAt(subject, name, meter), content as Condition, meter);
  }
}

function meets(value: unknown, condition: Condition, meter: FilterMeter): boolean {
  if (typeof condition !== 'object' || condition === null) {
    spend(meter, 1);
    return value === condition;
  }
  for (const operator of Object.keys(condition) as (keyof Operators)[]) {
    if (!passesTest(value, operator, { operand: condition[operator], meter })) return false;
  }
  return true;
}

function passesTest(
  value: unknown,
  operator: keyof Operators,
  { operand, meter }: { readonly operand: unknown; readonly meter: FilterMeter },
): boolean {
  spend(meter, 1);
  switch (operator) {
    case 'eq':
      return value === operand;
    case 'ne':
      return value !== operand;
    case 'in':
      return (operand as readonly Scalar[]).some((one) => one === value);
    case 'gt':
      return order(value, operand) === 1;
    case 'gte':
      return (order(value, operand) ?? -1) >= 0;
    case 'lt':
      return order(value, operand) === -1;
    case 'lte':
      return (order(value, operand) ?? 1) <= 0;
    case 'exists':
      return (value !== undefined) === operand;
    case 'prefix':
      return typeof value === 'string' && value.startsWith(operand as string);
    case 'suffix':
      return typeof value === 'string' && value.endsWith(operand as string);
    case 'contains':
      return contains(value, operand as Scalar, meter);
    case 'all':
      return (operand as readonly Condition[]).every((one) => meets(value, one, meter));
    case 'any':
      return (operand as readonly Condition[]).some((one) => meets(value, one, meter));
    case 'not':
      return !meets(value, operand as Condition, meter);
  }
}

/** undefined = they are not both numbers or both texts. */
function order(value: unknown, operand: unknown): -1 | 0 | 1 | undefined {
  const numbers = typeof value === 'number' && typeof operand === 'number';
  const texts = typeof value === 'string' && typeof operand === 'string';
  if (!numbers && !texts) return undefined;
  if (value === operand) return 0;
  return value < operand ? -1 : 1;
}

function contains(value: unknown, operand: Scalar, meter: FilterMeter): boolean {
  if (typeof value === 'string') {
    return typeof operand === 'string' && containsText(value, operand, meter);
  }
  if (!Array.isArray(value)) return false;
  spend(meter, value.length);
  return value.includes(operand);
}

/**
 * Knuth, Morris and Pratt: each character of the text is looked at once, however the two repeat
 * themselves. A search of the runtime's own may look at it as often as the part is long.
 */
function containsText(text: string, part: string, meter: FilterMeter): boolean {
  if (part === '') return true;
  if (part.length > text.length) return false;
  spend(meter, text.length + part.length);
  const borders = bordersOf(part);
  let matched = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    while (matched > 0 && code !== part.charCodeAt(matched)) matched = borders[matched - 1] ?? 0;
    if (code === part.charCodeAt(matched)) matched += 1;
    if (matched === part.length) return true;
  }
  return false;
}

/** For each prefix of the part, how much of its start is also its end. */
function bordersOf(part: string): Uint16Array {
  const borders = new Uint16Array(part.length);
  let length = 0;
  for (let at = 1; at < part.length; at += 1) {
    const code = part.charCodeAt(at);
    while (length > 0 && code !== part.charCodeAt(length)) length = borders[length - 1] ?? 0;
    if (code === part.charCodeAt(length)) length += 1;
    borders[at] = length;
  }
  return borders;
}

/** undefined = there is nothing. Only what an object itself has is found, and elements by their index. */
function valueAt(subject: FilterSubject, path: string, meter: FilterMeter): unknown {
  spend(meter, path.length);
  let value: unknown = subject;
  for (const segment of splitPath(path)) {
    if (Array.isArray(value)) {
      value = /^(?:0|[1-9][0-9]{0,8})$/.test(segment) ? value[Number(segment)] : undefined;
    } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, segment)) {
      value = (value as Readonly<Record<string, unknown>>)[segment];
    } else {
      return undefined;
    }
  }
  return value;
}

/** `a.b\.c` leads to the member `b.c` of `a`. */
function splitPath(path: string): string[] {
  if (!path.includes('\\')) return path.split('.');
  const parts = path.match(/\\[.\\]|\.|[^.]/gs) ?? [];
  const segments = [''];
  for (const part of parts) {
    if (part === '.') segments.push('');
    else segments.push(`${segments.pop()}${part.length === 2 ? part.slice(1) : part}`);
  }
  return segments;
}

function spend(meter: FilterMeter, steps: number): void {
  meter.stepsLeft -= steps;
  if (meter.stepsLeft >= 0) return;
  throw new FilterError('too_costly', '', 'evaluating the filter costs more than is allowed');
}

/** true = the filter looks into `data`, so that it must be parsed. */
export function looksAtData(filter: Filter): boolean {
  return Object.entries(filter).some(([name, content]) => {
    if (name === 'not') return looksAtData(content as Filter);
    if (name === 'all' || name === 'any') return (content as readonly Filter[]).some(looksAtData);
    return splitPath(name)[0] === 'data';
  });
}
