import { z } from 'zod';
import {
  API_PREFIX,
  EventType,
  None,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
  Version,
} from './common.ts';
import type { Operation } from './operation.ts';

/** The catalogue: what types of events there are, and what they look like. */

const JsonObject = z.record(z.string(), z.unknown());

export const EventExample = z
  .strictObject({
    data: z.unknown(),
    subject: z.string().max(256).optional(),
    actor: z.record(z.string().max(128), z.unknown()).optional(),
    context: z.record(z.string().max(128), z.unknown()).optional(),
  })
  .meta({ id: 'EventExample', description: 'An event as it might be posted, without its type.' });

const fields = {
  group: z.string().max(100).meta({ description: 'Types of one group are shown together.' }),
  label: z.string().max(200).meta({ description: 'The type in words.' }),
  description: z.string().max(4000),
  schema: JsonObject.nullable().meta({
    description:
      'JSON Schema of data, 2020-12 or draft-07; null = data may be anything. At most 64 KiB and 32 ' +
      'levels. Nothing is fetched: references lead to $defs. Patterns are RE2: no look-ahead. ' +
      '`format` is a note.',
  }),
  example: EventExample.nullable().meta({ description: 'At most 64 KiB.' }),
  archived: z.boolean().meta({
    description: 'No longer to be posted; with validation it is warned of, or refused.',
  }),
};

const settings = {
  group: fields.group.default(''),
  label: fields.label.default(''),
  description: fields.description.default(''),
  schema: fields.schema.default(null),
  example: fields.example.default(null),
  archived: fields.archived.default(false),
};

export const EventTypeInput = z
  .strictObject({ ...settings, version: Version.optional() })
  .meta({ id: 'EventTypeInput', description: 'What is left out takes its default.' });

export const EventTypePatch = z
  .strictObject(fields)
  .partial()
  .extend({ version: Version.optional() })
  .meta({ id: 'EventTypePatch', description: 'Fields left out stay; a field given is replaced.' });

export const CatalogueType = z
  .strictObject({
    name: EventType,
    tenant: TenantId.meta({ description: 'Whose it is: this tenant, or one of its parents.' }),
    inherited: z.boolean().meta({ description: "true: a parent's; PUT it here to override it." }),
    ...fields,
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'EventType' });
export type CatalogueType = z.infer<typeof CatalogueType>;

export const EventTypePage = z
  .strictObject({
    items: z.array(CatalogueType).max(200),
    next: z.string().nullable().meta({ description: 'Cursor of the next page; null = the end.' }),
  })
  .meta({ id: 'EventTypePage' });

const Flag = z.enum(['true', 'false']);

export const EventTypeQuery = z.strictObject({
  ...pageQuery,
  group: z.string().max(100).optional(),
  archived: Flag.optional().meta({ description: 'Only those that are, or are not, archived.' }),
  inherited: Flag.optional().meta({
    description: "Only parents' types, or only the tenant's own.",
  }),
});
export const EventTypeParams = z.strictObject({ tenant: TenantId, type: EventType });

export const EVENT_TYPES_PER_REQUEST_MAX = 500;

const merging = {
  dryRun: z.boolean().default(false).meta({ description: 'true: only tells what would change.' }),
};
const Existing = z.enum(['keep', 'replace']).meta({
  description: 'What becomes of a type that is there and says something else.',
});

export const EventTypesInput = z
  .strictObject({
    eventTypes: z
      .array(z.strictObject({ name: EventType, ...settings }))
      .max(EVENT_TYPES_PER_REQUEST_MAX),
    existing: Existing.default('replace'),
    ...merging,
  })
  .meta({ id: 'EventTypesInput' });

export const MergedCatalogue = z
  .strictObject({
    dryRun: z.boolean(),
    added: z.int(),
    changed: z.int(),
    kept: z.int().meta({ description: 'Say something else, and were left as they are.' }),
    unchanged: z.int(),
    items: z.array(
      z.strictObject({
        name: EventType,
        change: z.enum(['added', 'changed', 'kept', 'unchanged']),
        fields: z.array(z.string()).meta({ description: 'What differs.' }),
      }),
    ),
  })
  .meta({ id: 'MergedCatalogue', description: 'What became of each type, or would.' });
export type MergedCatalogue = z.infer<typeof MergedCatalogue>;

export const PresetName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is not the name of a preset');
export const PresetParams = z.strictObject({ tenant: TenantId, preset: PresetName });
export const PresetInput = z
  .strictObject({ existing: Existing.default('keep'), ...merging })
  .meta({ id: 'PresetInput' });
const Preset = z
  .strictObject({
    name: PresetName,
    label: z.string(),
    description: z.string(),
    eventTypes: z.int().meta({ description: 'How many it has.' }),
  })
  .meta({ id: 'Preset' });
export const PresetList = z.strictObject({ items: z.array(Preset) }).meta({ id: 'PresetList' });

export const CatalogueImport = z
  .strictObject({
    document: JsonObject.meta({
      description:
        'An OpenAPI document with webhooks, or a JSON Schema with one definition for each type.',
    }),
    existing: Existing.default('replace'),
    ...merging,
  })
  .meta({ id: 'CatalogueImport' });

export const ExportQuery = z.strictObject({
  format: z.enum(['openapi', 'json-schema']).default('openapi'),
});

const EVENT_TYPES = `${TENANT}/event-types` as const;
const EVENT_TYPE = `${EVENT_TYPES}/{type}` as const;
const CATALOGUE = `${TENANT}/catalogue` as const;

/** Of requests that carry many schemas. */
const LARGE = { bytesMax: 4_194_304, valuesMax: 200_000 };

export const eventTypeOperations = {
  listEventTypes: {
    method: 'GET',
    path: EVENT_TYPES,
    scope: 'read',
    tag: 'Catalogue',
    summary: 'List event types by name, those of parent tenants included',
    params: TenantParams,
    query: EventTypeQuery,
    responses: { 200: { description: 'A page of event types.', body: EventTypePage } },
  },
  getEventType: {
    method: 'GET',
    path: EVENT_TYPE,
    scope: 'read',
    tag: 'Catalogue',
    summary: 'Get an event type',
    params: EventTypeParams,
    query: None,
    responses: { 200: { description: 'The event type.', body: CatalogueType } },
  },
  putEventType: {
    method: 'PUT',
    path: EVENT_TYPE,
    scope: 'write',
    tag: 'Catalogue',
    summary: 'Create or replace an event type',
    params: EventTypeParams,
    query: None,
    body: EventTypeInput,
    responses: { 200: { description: 'The event type as it is now.', body: CatalogueType } },
    problems: ['conflict'],
  },
  updateEventType: {
    method: 'PATCH',
    path: EVENT_TYPE,
    scope: 'write',
    tag: 'Catalogue',
    summary: 'Change fields of an event type',
    params: EventTypeParams,
    query: None,
    body: EventTypePatch,
    responses: { 200: { description: 'The event type as it is now.', body: CatalogueType } },
    problems: ['conflict'],
  },
  deleteEventType: {
    method: 'DELETE',
    path: EVENT_TYPE,
    scope: 'write',
    tag: 'Catalogue',
    summary: 'Delete an event type; events of it stay',
    params: EventTypeParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
  putEventTypes: {
    method: 'PUT',
    path: EVENT_TYPES,
    scope: 'write',
    tag: 'Catalogue',
    summary: 'Create or replace up to 500 event types, all or none',
    params: TenantParams,
    query: None,
    body: EventTypesInput,
    bodyLimits: LARGE,
    responses: { 200: { description: 'What became of each.', body: MergedCatalogue } },
    problems: ['conflict'],
  },
  listPresets: {
    method: 'GET',
    path: `${API_PREFIX}/presets`,
    scope: 'read',
    tag: 'Catalogue',
    summary: 'List the catalogues that can be loaded',
    params: None,
    query: None,
    responses: { 200: { description: 'The presets.', body: PresetList } },
  },
  loadPreset: {
    method: 'POST',
    path: `${CATALOGUE}/presets/{preset}`,
    scope: 'write',
    tag: 'Catalogue',
    summary: 'Load a preset; loaded again it changes nothing',
    params: PresetParams,
    query: None,
    body: PresetInput.prefault({}),
    responses: { 200: { description: 'What became of each type.', body: MergedCatalogue } },
    problems: ['conflict'],
  },
  importCatalogue: {
    method: 'POST',
    path: `${CATALOGUE}/import`,
    scope: 'write',
    tag: 'Catalogue',
    summary: 'Take event types from an OpenAPI or JSON Schema document, all or none',
    params: TenantParams,
    query: None,
    body: CatalogueImport,
    bodyLimits: LARGE,
    responses: { 200: { description: 'What became of each type.', body: MergedCatalogue } },
    problems: ['conflict'],
  },
  exportCatalogue: {
    method: 'GET',
    path: `${CATALOGUE}/export`,
    scope: 'read',
    tag: 'Catalogue',
    summary: 'The catalogue as an OpenAPI 3.1 document with webhooks, or as a JSON Schema',
    params: TenantParams,
    query: ExportQuery,
    responses: { 200: { description: 'The document.', body: JsonObject } },
  },
} as const satisfies Record<string, Operation>;
