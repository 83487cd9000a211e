import type * as api from '@posthorn/api';
import { fromDocument, toJsonSchema, toOpenApi } from '../../core/catalogue/documents.ts';
import { AppError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json-schema.ts';
import type { EventType, TenantId } from '../../core/model.ts';
import { PRESETS } from '../../delivery/catalogue/presets.ts';
import type { EventTypeEntry, MergedType } from '../../delivery/registry/event-types.ts';
import { type EventTypeHead, eventTypeId } from '../../store/catalogue-index.ts';
import type { Versioned } from '../../store/config-writer.ts';
import type { ConfigStore } from '../../store/store.ts';
import { toIso } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import type { ConfigView, HttpDeps } from '../ports.ts';

type Ids =
  | 'listEventTypes'
  | 'getEventType'
  | 'putEventType'
  | 'updateEventType'
  | 'deleteEventType'
  | 'putEventTypes'
  | 'listPresets'
  | 'loadPreset'
  | 'importCatalogue'
  | 'exportCatalogue';

const CHUNK = 50;
/** A page ends early rather than being larger than about this. */
const PAGE_BYTES_MAX = 1_048_576;
const PROBLEMS_MAX = 20;

export function eventTypeRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { registry, config, configStore } = deps;
  const { eventTypes } = registry;

  return {
    async listEventTypes({ params: { tenant }, query }) {
      const heads = visible(config, tenant).filter((head) => fits(head, tenant, query));
      return readPage(configStore, { heads, tenant, ...query });
    },

    async getEventType({ params: { tenant, type } }) {
      const head = config.catalogue.find(config.lineage(tenant), type);
      const [found] = head ? await read(configStore, [head]) : [];
      if (!found) throw new AppError('not_found', 'There is no such event type.');
      return toApi(found, tenant);
    },

    async putEventType({ params: { tenant, type: name }, body }) {
      const { version, ...settings } = body;
      return toApi(await eventTypes.put({ tenant, name, version }, settings), tenant);
    },

    async updateEventType({ params: { tenant, type: name }, body }) {
      const { version, ...patch } = body;
      // JSON holds no undefined: what is left out is not in the object at all.
      const fields = patch as Partial<EventTypeEntry>;
      return toApi(await eventTypes.update({ tenant, name, version }, fields), tenant);
    },

    async deleteEventType({ params: { tenant, type: name } }) {
      await eventTypes.delete({ tenant, name });
      return undefined;
    },

    async putEventTypes({ params: { tenant }, body }) {
      const { eventTypes: entries, ...options } = body;
      return merged(await eventTypes.merge(tenant, entries, options), options.dryRun);
    },

    listPresets: () => ({
      items: PRESETS.map((preset) => ({ ...preset, eventTypes: preset.eventTypes.length })),
    }),

    async loadPreset({ params, body }) {
      const preset = PRESETS.find(({ name }) => name === params.preset);
      if (!preset) throw new AppError('not_found', 'There is no such preset.');
      return merged(await eventTypes.merge(params.tenant, preset.eventTypes, body), body.dryRun);
    },

    async importCatalogue({ params: { tenant }, body }) {
      const { document, ...options } = body;
      const entries = entriesOf(document);
      return merged(await eventTypes.merge(tenant, entries, options), options.dryRun);
    },

    async exportCatalogue({ params: { tenant }, query }) {
      const heads = visible(config, tenant);
      const entries = (await readAll(configStore, heads)).map(({ value }) => value);
      const version = String(Math.max(0, ...heads.map((head) => head.version)));
      const info = { title: config.tenant(tenant)?.name || tenant, version };
      const document =
        query.format === 'openapi' ? toOpenApi(entries, info) : toJsonSchema(entries, info);
      return new Reply(200, JSON.stringify(document));
    },
  };
}

function visible(config: ConfigView, tenant: TenantId): EventTypeHead[] {
  return config.catalogue.all(config.lineage(tenant));
}

interface Filter {
  readonly group?: string | undefined;
  readonly archived?: 'true' | 'false' | undefined;
  readonly inherited?: 'true' | 'false' | undefined;
}

function fits(head: EventTypeHead, tenant: TenantId, filter: Filter): boolean {
  const { group, archived, inherited } = filter;
  return (
    (group === undefined || head.group === group) &&
    (archived === undefined || String(head.archived) === archived) &&
    (inherited === undefined || String(head.tenant !== tenant) === inherited)
  );
}

interface PageOf {
  readonly heads: readonly EventTypeHead[];
  readonly tenant: TenantId;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

async function readPage(store: ConfigStore, { heads, tenant, limit, cursor }: PageOf) {
  const rest = cursor === undefined ? heads : heads.filter(({ name }) => name > cursor);
  const items: api.CatalogueType[] = [];
  let at = 0;
  let bytes = 0;
  while (at < Math.min(limit, rest.length) && bytes < PAGE_BYTES_MAX) {
    const chunk = rest.slice(at, Math.min(at + CHUNK, limit));
    const found = (await read(store, chunk)).map((one) => toApi(one, tenant));
    items.push(...found);
    bytes += JSON.stringify(found).length;
    at += chunk.length;
  }
  const last = rest[at - 1]?.name ?? null;
  return { items, next: at < rest.length ? last : null };
}

async function readAll(
  store: ConfigStore,
  heads: readonly EventTypeHead[],
): Promise<Versioned<EventType>[]> {
  const all: Versioned<EventType>[] = [];
  for (let at = 0; at < heads.length; at += CHUNK) {
    all.push(...(await read(store, heads.slice(at, at + CHUNK))));
  }
  return all;
}

/** In the order of the heads, without what has gone meanwhile. */
async function read(
  store: ConfigStore,
  heads: readonly EventTypeHead[],
): Promise<Versioned<EventType>[]> {
  const ids = heads.map(({ tenant, name }) => eventTypeId(tenant, name));
  const items = await store.readMany('event-type', ids);
  const byId = new Map(items.map((item) => [item.id, item]));
  return ids.flatMap((id) => {
    const item = byId.get(id);
    return item ? [{ value: item.value as EventType, version: item.version }] : [];
  });
}

/** Throws `invalid_request` with all that could not be read. */
function entriesOf(document: JsonObject): EventTypeEntry[] {
  const { entries, problems } = fromDocument(document);
  const [first] = problems;
  if (!first) return entries;
  const place = first.path === '' ? '' : ` (at ${first.path})`;
  const errors = problems.slice(0, PROBLEMS_MAX).map(({ path, message }) => ({
    path: `document${path}`,
    message,
  }));
  throw new AppError('invalid_request', `${first.message}${place}`, { details: { errors } });
}

function merged(items: readonly MergedType[], dryRun: boolean): api.MergedCatalogue {
  const count = (change: MergedType['change']) =>
    items.filter((item) => item.change === change).length;
  return {
    dryRun,
    added: count('added'),
    changed: count('changed'),
    kept: count('kept'),
    unchanged: count('unchanged'),
    items: items.map(({ name, change, fields }) => ({ name, change, fields: [...fields] })),
  };
}

function toApi({ value, version }: Versioned<EventType>, tenant: TenantId): api.CatalogueType {
  const { name, group, label, description, schema, example, archived } = value;
  return {
    name,
    tenant: value.tenant,
    inherited: value.tenant !== tenant,
    group,
    label,
    description,
    schema: schema && { ...schema },
    example: example && exampleToApi(example),
    archived,
    version,
    createdAt: toIso(value.createdAt),
    updatedAt: toIso(value.updatedAt),
  };
}

function exampleToApi({ data, subject, actor, context }: NonNullable<EventType['example']>) {
  return {
    data,
    ...(subject === undefined ? {} : { subject }),
    ...(actor === undefined ? {} : { actor: { ...actor } }),
    ...(context === undefined ? {} : { context: { ...context } }),
  };
}
