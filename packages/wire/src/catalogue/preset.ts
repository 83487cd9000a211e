import type { DialectName } from '../message.ts';

/** Catalogues that a tenant can load: the events of a system, as its users know them. */

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Preset {
  /** Also the dialect whose system it describes. */
  readonly name: PresetName;
  readonly label: string;
  readonly description: string;
  /** In the order in which the system offers them. */
  readonly eventTypes: readonly PresetEvent[];
}

export type PresetName = Extract<DialectName, 'casdoor' | 'ferriskey' | 'cand' | 'logto' | 'caisy'>;

export interface PresetEvent {
  readonly name: string;
  readonly group: string;
  readonly label: string;
  readonly description: string;
  /** JSON Schema 2020-12 of `data`; null = its form is not known, or it may be anything. */
  readonly schema: JsonObject | null;
  /** What to post, so that the dialect sends what the system sends. */
  readonly example: PresetExample;
  readonly archived: boolean;
}

/** An event as it is posted, without its type. */
export interface PresetExample {
  readonly data: unknown;
  readonly subject?: string;
  readonly actor?: JsonObject;
  readonly context?: JsonObject;
}

export type About = Omit<PresetEvent, 'name' | 'archived'>;

export function presetEvent(name: string, about: About): PresetEvent {
  return { name, ...about, archived: false };
}
