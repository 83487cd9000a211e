import type { EndpointRow, EventRow } from './types.ts';

/** What the activity log shows, as it stands in the address. */
export const VIEWS = ['attempts', 'waiting', 'events'] as const;
export type View = (typeof VIEWS)[number];
export const OUTCOMES = ['succeeded', 'failed', 'pending', 'cancelled'] as const;
export type OutcomeFilter = (typeof OUTCOMES)[number];

export interface ActivitySearch {
  /** Words that all occur in it. */
  readonly q?: string;
  readonly view?: Exclude<View, 'attempts'>;
  readonly state?: OutcomeFilter;
  readonly endpoint?: EndpointRow['id'];
  readonly type?: string;
  /** A status, or a class such as `5xx`. */
  readonly status?: string;
  readonly subject?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Anybody may have written the address: what is not understood is left out. */
export function parseActivity(search: Record<string, unknown>): ActivitySearch {
  const text = (name: string): string | undefined => {
    const value = search[name];
    return typeof value === 'string' && value !== '' && value.length <= 200 ? value : undefined;
  };
  const one = <T extends string>(name: string, of: readonly T[]): T | undefined =>
    of.find((known) => known === search[name]);
  const moment = (name: string): string | undefined => {
    const value = text(name);
    return value !== undefined && !Number.isNaN(Date.parse(value)) ? value : undefined;
  };
  const view = one('view', VIEWS);
  const endpoint = text('endpoint');
  // An address may hold 500 as a number.
  const status = String(search['status'] ?? '');
  return withoutGaps({
    q: text('q'),
    view: view === 'attempts' ? undefined : view,
    state: one('state', OUTCOMES),
    endpoint: isEndpointId(endpoint) ? endpoint : undefined,
    type: text('type'),
    status: /^[1-5](?:\d\d|xx)$/.test(status) ? status : undefined,
    subject: text('subject'),
    from: moment('from'),
    to: moment('to'),
  });
}

/** Which event the one to be posted is made of. */
export function parseCompose(search: Record<string, unknown>): { from?: EventRow['id'] } {
  const { from } = search;
  return typeof from === 'string' && from.startsWith('evt_')
    ? { from: from as EventRow['id'] }
    : {};
}

/** What the captures of an inbox are searched for. */
export function parseInbox(search: Record<string, unknown>): { q?: string } {
  const { q } = search;
  return typeof q === 'string' && q !== '' ? { q: q.slice(0, 1000) } : {};
}

function isEndpointId(text: string | undefined): text is EndpointRow['id'] {
  return text?.startsWith('ep_') === true;
}

type Filled<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** The same without members that are undefined. */
export function withoutGaps<T extends object>(object: T): Filled<T> {
  const filled = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(filled) as Filled<T>;
}

export interface NewWebhookSearch {
  /** What it listens to at first. */
  readonly types?: readonly string[];
}

export function parseNewWebhook({ types }: Record<string, unknown>): NewWebhookSearch {
  if (!Array.isArray(types)) return {};
  return { types: types.filter((type) => typeof type === 'string') };
}
