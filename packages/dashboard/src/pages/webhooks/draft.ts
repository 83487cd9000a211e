import type { Mistakes } from '../../data/mistakes.ts';
import type { EndpointRow } from '../../data/types.ts';
import { form } from '../../strings/webhook-form.ts';
import { type FilterDraft, filterDraftOf, filterOf, NO_FILTER } from './filter-draft.ts';
import { NO_LIMITS, type SendingDraft, sendingDraftOf, sendingOf } from './sending-draft.ts';

/** A webhook as it stands in the form: what is typed is text until it is sent. */
export interface Draft extends SendingDraft {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly method: EndpointRow['method'];
  readonly enabled: boolean;
  readonly allEvents: boolean;
  readonly eventTypes: readonly string[];
  readonly channels: readonly string[];
  readonly filter: FilterDraft;
  readonly dialect: EndpointRow['dialect'];
  readonly contentType: string | null;
  readonly fields: readonly string[];
  readonly actor: 'none' | 'all' | 'some';
  readonly actorFields: readonly string[];
  readonly custom: EndpointRow['custom'];
  readonly standardHeaders: boolean;
  readonly alias: string;
  readonly headers: readonly DraftHeader[];
  readonly ordering: EndpointRow['ordering'];
  readonly scope: EndpointRow['scope'];
  readonly metadata: string;
  /** Of a new one; empty: made by the server. */
  readonly secret: string;
}

/** `key` tells rows apart while they move. */
export interface DraftHeader {
  readonly key: number;
  readonly name: string;
  readonly value: string;
}

export const EMPTY: Draft = {
  name: '',
  description: '',
  url: '',
  method: 'POST',
  enabled: true,
  allEvents: true,
  eventTypes: [],
  channels: [],
  filter: NO_FILTER,
  dialect: null,
  contentType: null,
  fields: [],
  actor: 'none',
  actorFields: [],
  custom: null,
  standardHeaders: false,
  alias: '',
  headers: [],
  ...NO_LIMITS,
  ordering: 'none',
  scope: 'tenant',
  metadata: '',
  secret: '',
};

export function draftOf(endpoint: EndpointRow): Draft {
  const { actorFields, alias, metadata } = endpoint;
  return {
    ...endpoint,
    ...sendingDraftOf(endpoint),
    allEvents: endpoint.eventTypes.length === 0,
    filter: filterDraftOf(endpoint.filter),
    actor: actorFields === null ? 'none' : actorFields.length === 0 ? 'all' : 'some',
    actorFields: actorFields ?? [],
    alias: alias ?? '',
    headers: endpoint.headers.map((header, key) => ({ ...header, key })),
    metadata: Object.entries(metadata)
      .map(([key, value]) => `${key} = ${value}`)
      .join('\n'),
    secret: '',
  };
}

/** A draft as the API takes it, or what cannot be understood. */
export function settingsOf(draft: Draft) {
  const mistakes: Record<string, string> = {};
  const settings = {
    name: draft.name.trim(),
    description: draft.description.trim(),
    url: draft.url.trim(),
    method: draft.method,
    enabled: draft.enabled,
    eventTypes: draft.allEvents ? [] : [...draft.eventTypes],
    channels: [...draft.channels],
    filter: filterOf(draft.filter, mistakes),
    dialect: draft.dialect,
    contentType: draft.contentType,
    fields: [...draft.fields],
    actorFields:
      draft.actor === 'none' ? null : draft.actor === 'all' ? [] : [...draft.actorFields],
    custom: draft.dialect === 'custom' ? draft.custom : null,
    standardHeaders: draft.standardHeaders,
    alias: draft.alias.trim() === '' ? null : draft.alias.trim(),
    headers: draft.headers.map(({ name, value }) => ({ name: name.trim(), value })),
    ...sendingOf(draft, mistakes),
    ordering: draft.ordering,
    scope: draft.scope,
    metadata: metadataOf(draft.metadata, mistakes),
    ...(draft.secret.trim() === '' ? {} : { secret: draft.secret.trim() }),
  };
  return { settings, mistakes: mistakes as Mistakes };
}

function metadataOf(text: string, mistakes: Record<string, string>): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const entries = lines.map((line) => /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(line));
  if (entries.includes(null)) mistakes['metadata'] = form.invalid.metadata;
  return Object.fromEntries(entries.flatMap((entry) => (entry ? [[entry[1], entry[2]]] : [])));
}
