import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json-schema.ts';
import type { EventType, Ms, TenantId } from '../../core/model.ts';
import { eventTypeId } from '../../store/catalogue-index.ts';
import {
  type ConfigWriter,
  everyItem,
  invalid,
  notFound,
  type Versioned,
} from '../../store/config-writer.ts';
import type { ConfigChange, ConfigItem, ConfigStore } from '../../store/store.ts';

/** What people may say of an event type. */
export type EventTypeSettings = Pick<
  EventType,
  'group' | 'label' | 'description' | 'schema' | 'example' | 'archived'
>;
export interface EventTypeEntry extends EventTypeSettings {
  readonly name: string;
}

export interface EventTypeAddress {
  readonly tenant: TenantId;
  readonly name: string;
  /** The version the caller saw; undefined = whatever is there. */
  readonly version?: number | undefined;
}

export interface MergeOptions {
  /** What becomes of types that are there and say something else. */
  readonly existing: 'keep' | 'replace';
  /** Only tells what would change. */
  readonly dryRun: boolean;
}

export interface MergedType {
  readonly name: string;
  /** `kept`: it says something else, and was left as it is. */
  readonly change: 'added' | 'changed' | 'kept' | 'unchanged';
  /** What differs. */
  readonly fields: readonly (keyof EventTypeSettings)[];
}

export interface EventTypesOptions {
  readonly store: ConfigStore;
  readonly now: () => Ms;
  /** Why a schema may not be saved, as a part of a sentence; undefined = it may. */
  readonly schemaRefusal: (schema: JsonObject, owner: TenantId) => Promise<string | undefined>;
}

const TYPES_PER_TENANT_MAX = 2000;
const EXAMPLE_BYTES_MAX = 65_536;
const PROBLEMS_MAX = 20;
const FIELDS = ['group', 'label', 'description', 'schema', 'example', 'archived'] as const;

export class EventTypes {
  readonly #options: EventTypesOptions;
  readonly #writer: ConfigWriter;

  constructor(options: EventTypesOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** Creates or replaces. Rejects `not_found` when there is no such tenant. */
  async put(address: EventTypeAddress, settings: EventTypeSettings): Promise<Versioned<EventType>> {
    const { tenant, name } = address;
    await this.#writer.read('tenant', tenant);
    const known = await this.#options.store.read('event-type', eventTypeId(tenant, name));
    if (!known && (await this.#own(tenant)).length >= TYPES_PER_TENANT_MAX) throw tooMany();
    await this.#check(settings, tenant);
    return this.#write(address, () => settings);
  }

  /** `patch`: the fields to replace. Rejects `not_found` also for a type that is only inherited. */
  async update(
    address: EventTypeAddress,
    patch: Partial<EventTypeSettings>,
  ): Promise<Versioned<EventType>> {
    await this.#check(patch, address.tenant);
    return this.#write(address, (current) => {
      if (!current) throw notFound('event-type');
      return { ...settingsOf(current), ...patch };
    });
  }

  #write(
    { tenant, name, version }: EventTypeAddress,
    change: (current: EventType | undefined) => EventTypeSettings,
  ): Promise<Versioned<EventType>> {
    return this.#writer.write<EventType>({
      kind: 'event-type',
      id: eventTypeId(tenant, name),
      version,
      next: (current) => {
        const settings = change(current);
        const same = current && isDeepStrictEqual(settingsOf(current), settingsOf(settings));
        return {
          tenant,
          value: same ? current : this.#made(tenant, { name, ...settings }, current),
        };
      },
    });
  }

  async delete({ tenant, name, version }: EventTypeAddress): Promise<void> {
    await this.#writer.write<EventType>({
      kind: 'event-type',
      id: eventTypeId(tenant, name),
      version,
      next: (current) => {
        if (!current) throw notFound('event-type');
        return { tenant, value: null };
      },
    });
  }

  /** Many at once, all or none. Asked again, it changes nothing. Names must not repeat. */
  async merge(
    tenant: TenantId,
    entries: readonly EventTypeEntry[],
    options: MergeOptions,
  ): Promise<MergedType[]> {
    await this.#writer.read('tenant', tenant);
    checkNames(entries);
    await this.#checkAll(entries, tenant);
    return this.#writer.writeAll(async () => {
      const own = new Map((await this.#own(tenant)).map((item) => [item.id, item]));
      const changes: ConfigChange[] = [];
      const result = entries.map((entry): MergedType => {
        const { name } = entry;
        const item = own.get(eventTypeId(tenant, name));
        const current = item?.value as EventType | undefined;
        const fields = current ? differing(current, entry) : FIELDS;
        if (fields.length === 0) return { name, change: 'unchanged', fields };
        if (current && options.existing === 'keep') return { name, change: 'kept', fields };
        changes.push(this.#changeTo(tenant, entry, item));
        return { name, change: current ? 'changed' : 'added', fields };
      });
      const added = result.filter(({ change }) => change === 'added').length;
      if (own.size + added > TYPES_PER_TENANT_MAX) throw tooMany();
      return { changes: options.dryRun ? [] : changes, result };
    });
  }

  async #own(tenant: TenantId): Promise<ConfigItem[]> {
    const items: ConfigItem[] = [];
    for await (const item of everyItem(this.#options.store, 'event-type', tenant)) items.push(item);
    return items;
  }

  #changeTo(tenant: TenantId, entry: EventTypeEntry, item: ConfigItem | undefined): ConfigChange {
    const current = item?.value as EventType | undefined;
    return {
      kind: 'event-type',
      id: eventTypeId(tenant, entry.name),
      tenant,
      value: this.#made(tenant, entry, current),
      expected: item?.version ?? 0,
    };
  }

  #made(tenant: TenantId, entry: EventTypeEntry, before: EventType | undefined): EventType {
    const now = this.#options.now();
    return {
      tenant,
      name: entry.name,
      ...settingsOf(entry),
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    };
  }

  /** Says all that is wrong, as one looks through a document once. */
  async #checkAll(entries: readonly EventTypeEntry[], tenant: TenantId): Promise<void> {
    const errors: { path: string; message: string }[] = [];
    for (const entry of entries) {
      const problem = await this.#problemOf(entry, tenant);
      if (!problem) continue;
      errors.push({ path: `${entry.name}.${problem.field}`, message: problem.message });
      if (errors.length === PROBLEMS_MAX) break;
    }
    const [first] = errors;
    if (!first) return;
    const detail = `${first.path}: ${first.message}.`;
    throw new AppError('invalid_request', detail, { details: { errors } });
  }

  async #check(entry: Partial<EventTypeSettings>, tenant: TenantId): Promise<void> {
    const problem = await this.#problemOf(entry, tenant);
    if (problem) throw invalid(problem.field, problem.message);
  }

  async #problemOf(
    { schema, example }: Partial<EventTypeSettings>,
    tenant: TenantId,
  ): Promise<{ field: 'schema' | 'example'; message: string } | undefined> {
    if (example && Buffer.byteLength(JSON.stringify(example)) > EXAMPLE_BYTES_MAX) {
      return { field: 'example', message: `has more than ${EXAMPLE_BYTES_MAX} bytes` };
    }
    const refusal = schema ? await this.#options.schemaRefusal(schema, tenant) : undefined;
    return refusal === undefined ? undefined : { field: 'schema', message: refusal };
  }
}

function checkNames(entries: readonly EventTypeEntry[]): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) throw invalid('eventTypes', `${name} is there twice`);
    names.add(name);
  }
}

function differing(current: EventType, entry: EventTypeEntry): (keyof EventTypeSettings)[] {
  const now = settingsOf(current);
  const wanted = settingsOf(entry);
  return FIELDS.filter((field) => !isDeepStrictEqual(now[field], wanted[field]));
}

/** In the form that is stored: what is undefined is left out of an example. */
function settingsOf(from: EventTypeSettings): EventTypeSettings {
  const { group, label, description, schema, example, archived } = from;
  return { group, label, description, schema, example: plain(example), archived };
}

function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function tooMany(): AppError {
  const message = `A tenant has at most ${TYPES_PER_TENANT_MAX} event types: delete some, or put them into a parent tenant.`;
  return new AppError('conflict', message);
}
