import type { EndpointRow } from './types.ts';

/** What the activity log shows, as it stands in the address. */
export const VIEWS = ['attempts', 'waiting', 'events'] as const;
export type View = (typeof VIEWS)[number];
export const OUTCOMES = ['succeeded', 'failed', 'pending', 'cancelled'] as const;
export type OutcomeFilter = (typeof OUTCOMES)[number];

export interface ActivitySearch {
  readonly view?: Exclude<View, 'attempts'>;
  readonly state?: OutcomeFilter;
  readonly endpoint?: EndpointRow['id'];
  readonly type?: string;
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
  return withoutGaps({
    view: view === 'attempts' ? undefined : view,
    state: one('state', OUTCOMES),
    endpoint: isEndpointId(endpoint) ? endpoint : undefined,
    type: text('type'),
    from: moment('from'),
    to: moment('to'),
  });
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
