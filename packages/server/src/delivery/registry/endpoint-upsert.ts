import { AppError } from '../../core/errors.ts';
import type { Endpoint, EndpointId, Ms, Tenant, TenantId } from '../../core/model.ts';
import {
  type ConfigWriter,
  everyItem,
  invalid,
  type Versioned,
} from '../../store/config-writer.ts';
import type { ConfigChange, ConfigItem, ConfigStore, NewEvent } from '../../store/store.ts';
import { endpointChanges } from './endpoint-changes.ts';
import {
  currentSecret,
  type EndpointSettings,
  type Endpoints,
  type EndpointsOptions,
  refuseGranted,
} from './endpoints.ts';
import { readLine } from './format.ts';

export interface UpsertEntry {
  /** undefined = found by its name. */
  readonly id: EndpointId | undefined;
  readonly name: string;
  /** undefined = it stays, or one is made. */
  readonly secret: string | undefined;
  /** All of them; what is there is handed in, for headers that are sent back masked. */
  readonly settings: (current: Endpoint | undefined) => EndpointSettings;
}

export interface Upserted {
  readonly change: 'created' | 'updated' | 'unchanged';
  /** By the API's names. */
  readonly fields: readonly string[];
  readonly before: Versioned<Endpoint> | undefined;
  /** Of a dry run it has no version of its own yet. */
  readonly after: Versioned<Endpoint>;
}

export interface EndpointUpsertsOptions extends Pick<EndpointsOptions, 'now' | 'tell'> {
  readonly store: ConfigStore;
}

/** A changed secret leaves the old one signing beside it for as long as a rotation does by default. */
const OVERLAP_MS: Ms = 24 * 3_600_000;

/** Creates and replaces many endpoints at once, all or none; asked again it changes nothing. */
export class EndpointUpserts {
  readonly #options: EndpointUpsertsOptions;
  readonly #writer: ConfigWriter;
  readonly #endpoints: Endpoints;

  constructor(options: EndpointUpsertsOptions, writer: ConfigWriter, endpoints: Endpoints) {
    this.#options = options;
    this.#writer = writer;
    this.#endpoints = endpoints;
  }

  async upsert(
    tenant: TenantId,
    entries: readonly UpsertEntry[],
    dryRun: boolean,
  ): Promise<Upserted[]> {
    const line = await readLine(this.#writer, tenant);
    const upserted = await this.#writer.writeAll(async () => {
      const targets = targetsOf(entries, await this.#known(tenant));
      const result = entries.map((entry, i) =>
        at(i, () => this.#planned(entry, targets[i], { tenant, line })),
      );
      const written = dryRun ? [] : result.filter(({ change }) => change !== 'unchanged');
      const changes = written.map(changeOf);
      const events = written.flatMap((one) => this.#tell(one));
      return { changes, events, result };
    });
    return dryRun ? upserted : this.#withVersions(upserted);
  }

  #planned(
    entry: UpsertEntry,
    item: ConfigItem | undefined,
    of: { readonly tenant: TenantId; readonly line: readonly Tenant[] },
  ): Upserted {
    const { secret } = entry;
    if (!item) {
      const made = this.#endpoints.made({ ...of, settings: entry.settings(undefined), secret });
      return {
        change: 'created',
        fields: [],
        before: undefined,
        after: { value: made, version: 0 },
      };
    }
    const current = item.value as Endpoint;
    refuseGranted(current);
    const before = { value: current, version: item.version };
    const kept = secret === undefined || secret === currentSecret(current);
    // With the new settings, because the new secret may fit only the new dialect.
    const settings = entry.settings(current);
    const rotation = { secret, overlapMs: OVERLAP_MS };
    const rotated = kept
      ? current
      : this.#endpoints.rotated({ ...current, ...settings }, rotation, of.line);
    const patched = this.#endpoints.changed(
      { ...current, secrets: rotated.secrets },
      settings,
      of.line,
    );
    const fields = endpointChanges(current, patched);
    if (fields.length === 0) return { change: 'unchanged', fields, before, after: before };
    const value = { ...patched, updatedAt: this.#options.now() };
    return { change: 'updated', fields, before, after: { value, version: item.version } };
  }

  async #known(tenant: TenantId): Promise<ConfigItem[]> {
    const items: ConfigItem[] = [];
    for await (const item of everyItem(this.#options.store, 'endpoint', tenant)) items.push(item);
    return items;
  }

  #tell({ before, after }: Upserted): readonly NewEvent[] {
    const { tell, now } = this.#options;
    return tell(before?.value, after.value, now());
  }

  /** As they were stored, which gave them numbers and versions. */
  async #withVersions(upserted: readonly Upserted[]): Promise<Upserted[]> {
    const ids = upserted.map(({ after }) => after.value.id);
    const items = await this.#options.store.readMany('endpoint', ids);
    const byId = new Map(items.map((item) => [item.id, item]));
    return upserted.map((one) => {
      const item = byId.get(one.after.value.id);
      if (!item) return one;
      return { ...one, after: { value: item.value as Endpoint, version: item.version } };
    });
  }
}

/** Which endpoint each entry means; undefined = a new one. Throws `invalid_request`. */
function targetsOf(
  entries: readonly UpsertEntry[],
  known: readonly ConfigItem[],
): (ConfigItem | undefined)[] {
  const byId = new Map(known.map((item) => [item.id, item]));
  const byName = new Map<string, ConfigItem[]>();
  for (const item of known) {
    const { name } = item.value as Endpoint;
    byName.set(name, [...(byName.get(name) ?? []), item]);
  }
  const meant = new Set<string>();
  return entries.map(({ id, name }, i) => {
    const field = `endpoints.${i}`;
    if (id === undefined && name === '') {
      throw invalid(`${field}.name`, 'is needed to find the endpoint again; or give its id');
    }
    const found = id === undefined ? (byName.get(name) ?? []) : [byId.get(id)];
    if (found.length > 1) {
      throw invalid(`${field}.name`, `${found.length} endpoints are called that: give the id`);
    }
    const [item] = found;
    if (id !== undefined && !item) throw invalid(`${field}.id`, 'there is no such endpoint');
    const key = item?.id ?? `new ${name}`;
    if (meant.has(key)) throw invalid(field, 'means the same endpoint as one before it');
    meant.add(key);
    return item;
  });
}

/** Says in which entry something was refused. */
function at<T>(index: number, plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    throw inEntry(error, index);
  }
}

function inEntry(error: unknown, index: number): unknown {
  if (!(error instanceof AppError)) return error;
  const place = `endpoints.${index}`;
  const { field } = error.details ?? {};
  const details = { ...error.details, index, field: field ? `${place}.${field}` : place };
  return new AppError(error.code, `${place}.${error.message}`, { details, cause: error });
}

function changeOf({ before, after }: Upserted): ConfigChange {
  const { value } = after;
  return {
    kind: 'endpoint',
    id: value.id,
    tenant: value.tenant,
    value,
    expected: before?.version ?? 0,
  };
}
