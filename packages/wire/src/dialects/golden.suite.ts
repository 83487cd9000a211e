import { readFileSync } from 'node:fs';
import type { Header } from '../header.ts';
import type {
  DialectName,
  EventMeta,
  ParsedEvent,
  RenderInput,
  WireEndpoint,
  WireTenant,
} from '../message.ts';

/** `fixtures/<dialect>.json`: messages byte for byte, for tests of every package and for documents. */
export interface Golden {
  readonly name: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly tenant: string;
    readonly occurredAt: number;
    readonly meta: EventMeta | '';
    readonly data: string;
  };
  /** What differs from an endpoint that says nothing about its format. */
  readonly endpoint: Partial<WireEndpoint> & { readonly id: string };
  readonly tenant: WireTenant;
  readonly method: string;
  readonly extra: readonly (readonly [string, string])[];
  readonly webhookId: string;
  readonly timestampS: number;
  readonly secrets: readonly string[];
  readonly body: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly parsed: Omit<Partial<ParsedEvent>, 'data'> & { readonly data: string };
}

export const PLAIN: Omit<WireEndpoint, 'id'> = {
  alias: null,
  contentType: null,
  fields: [],
  actorFields: null,
  custom: null,
  standardHeaders: false,
};

export function readGolden(dialect: DialectName): readonly Golden[] {
  const file = new URL(`../../fixtures/${dialect}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as readonly Golden[];
}

export function inputOf({ event, endpoint, tenant }: Golden): RenderInput {
  const meta = event.meta === '' ? '' : JSON.stringify(event.meta);
  const data = new TextEncoder().encode(event.data);
  return { event: { ...event, meta, data }, endpoint: { ...PLAIN, ...endpoint }, tenant };
}

export function headersOf(pairs: Golden['headers']): Header[] {
  return pairs.map(([name, value]) => ({ name, value }));
}
