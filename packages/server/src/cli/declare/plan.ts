import {
  type Client,
  type Endpoint,
  MASK,
  spellOut,
  type Tenant,
  type UpsertedEndpoints,
} from '@posthorn/api';
import { asked, inChunks } from './chunks.ts';
import { changedDialects } from './dialects.ts';
import { differences, hidden } from './differences.ts';
import {
  DEFAULT_SETTINGS,
  type ListedEndpoint,
  type Manifest,
  type ManifestTenant,
  type TenantSettings,
} from './manifest.ts';
import { stableNames } from './names.ts';
import { oneCall, readState, readTenant, type TenantState } from './state.ts';
import type { Deletion, EndpointStep, Plan, TenantPlan, TenantStep, TypeStep } from './steps.ts';
import { FileError } from './yaml-file.ts';

/** Finds out what has to change on a server so that it has what a file says. Changes nothing. */

export interface PlanOptions {
  readonly client: Client;
  /** Deletes what a list of the file does not have. */
  readonly prune: boolean;
}

/** Rejects with `FileError` for what the server would refuse. */
export async function makePlan(manifest: Manifest, options: PlanOptions): Promise<Plan> {
  const { client, prune } = options;
  const states = new Map<string, TenantState>();
  for (const { id } of manifest.tenants) {
    const tenant = await readTenant(client, id);
    if (tenant) states.set(id, await readState(client, tenant));
  }
  const settings = manifest.tenants.map((entry) => tenantStep(entry, states.get(entry.id)));
  const steps = settings.filter((step) => step !== undefined);
  const dialects = await changedDialects(manifest, states, { client, steps });
  const plan: TenantPlan[] = [];
  for (const [i, entry] of manifest.tenants.entries()) {
    const at: Planned = { manifest, entry, state: states.get(entry.id), client };
    const gone = unlisted(at);
    plan.push({
      settings: settings[i],
      eventTypes: await typeSteps(at),
      endpoints: await endpointSteps(at, dialects.get(entry.id)),
      deletions: prune ? gone : [],
      left: prune ? 0 : gone.length,
    });
  }
  return plan;
}

/** What is planned for one tenant. */
interface Planned {
  readonly manifest: Manifest;
  readonly entry: ManifestTenant;
  /** undefined = the tenant is new. */
  readonly state: TenantState | undefined;
  readonly client: Client;
}

// ---- tenants -------------------------------------------------------------------------------------

function tenantStep(
  { path, id, settings }: ManifestTenant,
  state: TenantState | undefined,
): TenantStep | undefined {
  const step = { kind: 'tenant', path, tenant: id, name: id, fields: [] } as const;
  if (!state) {
    const made = settings ?? DEFAULT_SETTINGS;
    return { ...step, change: 'create', settings: made, version: undefined };
  }
  if (!settings) return undefined;
  const fields = differences(settingsOf(state.tenant), asKept(settings), '');
  const change = fields.length === 0 ? 'unchanged' : 'update';
  return { ...step, change, fields, settings, version: state.tenant.version };
}

function settingsOf({ alias, name, parent, defaults, portal, metadata }: Tenant) {
  return { alias, name, parent, defaults, portal, metadata };
}

/** In the form in which the server shows it. */
function asKept({ defaults, ...settings }: TenantSettings) {
  const { retryPolicy } = defaults;
  return {
    ...settings,
    defaults: { ...defaults, retryPolicy: retryPolicy && spellOut(retryPolicy) },
  };
}

// ---- event types ---------------------------------------------------------------------------------

async function typeSteps(planned: Planned): Promise<TypeStep[]> {
  const { manifest, entry, state, client } = planned;
  const listed = entry.eventTypes ?? [];
  const step = { kind: 'event-type', tenant: entry.id } as const;
  if (!state) {
    return listed.map((one) => {
      return { ...step, ...one, name: one.value.name, change: 'create', fields: [] };
    });
  }
  const known = new Map(state.eventTypes.map((type) => [type.name, type]));
  const steps: TypeStep[] = [];
  for (const chunk of inChunks('eventTypes', listed)) {
    const body = { eventTypes: chunk.map(({ value }) => value), dryRun: true };
    const { items } = await asked({ list: 'eventTypes', listed: chunk, manifest }, () =>
      client.putEventTypes({ tenant: entry.id, body }, oneCall()),
    );
    for (const [i, one] of chunk.entries()) {
      const { name } = one.value;
      const current = known.get(name);
      const names = current ? (items[i]?.fields ?? []) : [];
      const fields = names.flatMap((field) =>
        differences(memberOf(current, field), memberOf(one.value, field), field),
      );
      const change = !current ? 'create' : names.length > 0 ? 'update' : 'unchanged';
      steps.push({ ...step, ...one, name, change, fields });
    }
  }
  return steps;
}

// ---- endpoints -----------------------------------------------------------------------------------

async function endpointSteps(
  planned: Planned,
  dialect: Endpoint['dialect'] | undefined,
): Promise<EndpointStep[]> {
  const { manifest, entry, state, client } = planned;
  const listed = entry.endpoints ?? [];
  const known = stableNames(state?.endpoints ?? []);
  refuseMasks(listed, known, manifest);
  const step = { kind: 'endpoint', tenant: entry.id } as const;
  if (!state) {
    return listed.map((one) => {
      const { name } = one.value;
      return { ...step, ...one, name, id: undefined, change: 'create', fields: [] };
    });
  }
  const steps: EndpointStep[] = [];
  for (const chunk of inChunks('endpoints', listed)) {
    const endpoints = chunk.map(({ value }) => {
      const id = known.get(value.name)?.id;
      // Judged as what it will inherit once the file is applied.
      const asked = dialect === undefined || value.dialect !== null ? value : { ...value, dialect };
      return id === undefined ? asked : { ...asked, id };
    });
    const body = { endpoints, dryRun: true };
    const { items } = await asked({ list: 'endpoints', listed: chunk, manifest }, () =>
      client.putEndpoints({ tenant: entry.id, body }, oneCall()),
    );
    for (const [i, one] of chunk.entries()) {
      const { name } = one.value;
      const id = known.get(name)?.id;
      const fields = id === undefined ? [] : endpointFields(one, items[i]);
      const change = id === undefined ? 'create' : fields.length > 0 ? 'update' : 'unchanged';
      steps.push({ ...step, ...one, name, id, change, fields });
    }
  }
  return steps;
}

type Upserted = UpsertedEndpoints['items'][number];

function endpointFields({ value, secrets }: ListedEndpoint, item: Upserted | undefined) {
  const { before = null, after = null, fields = [] } = item ?? {};
  const dialect = differences(before?.dialect, value.dialect, 'dialect');
  const others = fields.filter((field) => field !== 'dialect');
  return [
    ...dialect,
    ...others.flatMap((field) => {
      if (field === 'secret' || secrets.has(field)) return [hidden(field)];
      const found = differences(memberOf(before, field), memberOf(after, field), field);
      // Values that the server masks look the same on both sides.
      return found.length > 0 ? found : [hidden(field)];
    }),
  ];
}

/** A mask keeps what is stored, so it needs something stored. */
function refuseMasks(
  listed: readonly ListedEndpoint[],
  known: ReadonlyMap<string, Endpoint>,
  manifest: Manifest,
): void {
  const problems = listed.flatMap(({ path, value }) => {
    if (known.has(value.name)) return [];
    return value.headers.flatMap((header, i) => {
      if (header.value !== MASK) return [];
      const message = `${MASK} keeps what is stored, but the endpoint is new: write the value`;
      return [manifest.sentence({ path: [...path, 'headers', i, 'value'], message })];
    });
  });
  if (problems.length > 0) throw new FileError(problems);
}

// ---- what is not in the file ---------------------------------------------------------------------

/** Of the lists that the file has; what it does not list at all is not its business. */
function unlisted({ entry, state }: Planned): Deletion[] {
  if (!state) return [];
  const gone = { tenant: entry.id, change: 'delete', fields: [] } as const;
  const types = new Set(entry.eventTypes?.map(({ value }) => value.name));
  const endpoints = new Set(entry.endpoints?.map(({ value }) => value.name));
  return [
    ...(entry.eventTypes ? state.eventTypes : [])
      .filter(({ name }) => !types.has(name))
      .map(({ name }): Deletion => ({ ...gone, kind: 'event-type', name })),
    ...(entry.endpoints ? [...stableNames(state.endpoints)] : [])
      .filter(([name]) => !endpoints.has(name))
      .map(([name, { id }]): Deletion => ({ ...gone, kind: 'endpoint', name, id })),
  ];
}

function memberOf(value: object | null | undefined, member: string): unknown {
  return value && Object.hasOwn(value, member)
    ? (value as Record<string, unknown>)[member]
    : undefined;
}
