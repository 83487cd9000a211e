import {
  type Body,
  EndpointCreate,
  EventTypesInput,
  type Operations,
  TenantId,
  TenantInput,
} from '@posthorn/api';
import { z } from 'zod';
import { nearest } from '../../config-values.ts';
import { isRecord, resolveEndpoint, type Variables } from './references.ts';
import { FileError, type Path, type Problem, parseYamlFile } from './yaml-file.ts';

/** What a file of `posthorn apply` says. Keys are never in it, nor what became of an endpoint. */

const Settings = TenantInput.omit({ version: true });
const Type = EventTypesInput.shape.eventTypes.element;
const NamedEndpoint = EndpointCreate.extend({
  name: z.string().min(1, 'is needed to find the endpoint again').max(200),
});
const Entry = Settings.extend({
  id: TenantId,
  eventTypes: z.array(Type).optional(),
  endpoints: z.array(NamedEndpoint).optional(),
});
const Content = z.strictObject({ tenants: z.array(Entry) });

export type TenantSettings = Omit<Body<Operations['putTenant']>, 'version'>;
/** Of a tenant of which nothing is said. */
export const DEFAULT_SETTINGS: TenantSettings = Settings.parse({});
export type TypeEntry = z.infer<typeof Type>;
export type EndpointEntry = z.infer<typeof NamedEndpoint>;

export interface Listed<T> {
  readonly path: Path;
  readonly value: T;
}
export interface ListedEndpoint extends Listed<EndpointEntry> {
  /** Fields that refer to variables: what they are is never shown. */
  readonly secrets: ReadonlySet<string>;
}

export interface ManifestTenant {
  readonly path: Path;
  readonly id: string;
  /** undefined = not said, and left as they are. */
  readonly settings: TenantSettings | undefined;
  readonly eventTypes: readonly Listed<TypeEntry>[] | undefined;
  readonly endpoints: readonly ListedEndpoint[] | undefined;
}

export interface Manifest {
  /** Parents before their children. */
  readonly tenants: readonly ManifestTenant[];
  sentence(problem: Problem): string;
}

const SETTINGS = Object.keys(Settings.shape);
const LISTS = ['eventTypes', 'endpoints'];

/** Throws `FileError` with all that is wrong. */
export function parseManifest(text: string, name: string, variables: Variables): Manifest {
  const file = parseYamlFile(text, name);
  const problems: Problem[] = [];
  const { content, secrets } = resolved(file.content, variables, problems);
  const parsed = Content.safeParse(content);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(problemsOf));
  const refuse = () => new FileError(problems.map((problem) => file.sentence(problem)));
  if (!parsed.success || problems.length > 0) throw refuse();
  const raw = (content as { tenants: object[] }).tenants;
  const tenants = parsed.data.tenants.map((entry, index): ManifestTenant => {
    const { id, eventTypes, endpoints, ...settings } = entry;
    const path = ['tenants', index];
    return {
      path,
      id,
      settings: SETTINGS.some((key) => Object.hasOwn(raw[index] ?? {}, key)) ? settings : undefined,
      eventTypes: eventTypes?.map((value, i) => ({ path: [...path, 'eventTypes', i], value })),
      endpoints: endpoints?.map((value, i) => {
        const at = [...path, 'endpoints', i];
        return { path: at, value, secrets: secrets.get(at.join('.')) ?? new Set() };
      }),
    };
  });
  problems.push(...repeated(tenants));
  const ordered = parentsFirst(tenants, problems);
  if (problems.length > 0) throw refuse();
  return { tenants: ordered, sentence: (problem) => file.sentence(problem) };
}

/** The content with its references resolved, wherever its form allows. */
function resolved(content: unknown, variables: Variables, problems: Problem[]) {
  const secrets = new Map<string, ReadonlySet<string>>();
  if (!isRecord(content) || !Array.isArray(content['tenants'])) return { content, secrets };
  const tenants = content['tenants'].map((tenant: unknown, t) => {
    if (!isRecord(tenant) || !Array.isArray(tenant['endpoints'])) return tenant;
    const endpoints = tenant['endpoints'].map((endpoint: unknown, e) => {
      if (!isRecord(endpoint)) return endpoint;
      const path = ['tenants', t, 'endpoints', e];
      const found = resolveEndpoint(endpoint, variables);
      problems.push(...found.problems.map((one) => ({ ...one, path: [...path, ...one.path] })));
      secrets.set(path.join('.'), found.secrets);
      return found.resolved;
    });
    return { ...tenant, endpoints };
  });
  return { content: { ...content, tenants }, secrets };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const meant = nearest(key, knownAt(path));
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      return { path: [...path, key], message: `is not a known field${hint}` };
    });
  }
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ path, message: missing ? 'is missing' : issue.message }];
}

/** Fields that something may have; empty where it would be too much to say. */
function knownAt(path: Path): string[] {
  const [, , list] = path;
  if (path.length === 0) return ['tenants'];
  if (path.length === 2) return ['id', ...SETTINGS, ...LISTS];
  if (path.length !== 4) return [];
  return Object.keys(list === 'endpoints' ? NamedEndpoint.shape : Type.shape);
}

/** Names by which something is found again are there once. */
function repeated(tenants: readonly ManifestTenant[]): Problem[] {
  const twice = (of: string, listed: readonly { path: Path; name: string }[]): Problem[] => {
    const seen = new Set<string>();
    return listed.flatMap(({ path, name }) => {
      if (!seen.has(name)) {
        seen.add(name);
        return [];
      }
      return [{ path, message: `${of} ${name} is there twice` }];
    });
  };
  const named = (listed: readonly Listed<{ readonly name: string }>[] | undefined) =>
    (listed ?? []).map(({ path, value }) => ({ path, name: value.name }));
  return [
    ...twice(
      'the tenant',
      tenants.map(({ path, id }) => ({ path, name: id })),
    ),
    ...tenants.flatMap((tenant) => [
      ...twice('the event type', named(tenant.eventTypes)),
      ...twice('an endpoint called', named(tenant.endpoints)),
    ]),
  ];
}

function parentsFirst(
  tenants: readonly ManifestTenant[],
  problems: Problem[],
): readonly ManifestTenant[] {
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  const ordered = new Set<ManifestTenant>();
  for (const tenant of tenants) {
    const line: ManifestTenant[] = [];
    for (let at: ManifestTenant | undefined = tenant; at && !ordered.has(at); ) {
      if (line.includes(at)) {
        problems.push({
          path: [...tenant.path, 'parent'],
          message: 'a tenant cannot be its own ancestor',
        });
        break;
      }
      line.push(at);
      const parent: string | null = at.settings?.parent ?? null;
      at = parent === null ? undefined : byId.get(parent);
    }
    for (const one of line.reverse()) ordered.add(one);
  }
  return [...ordered];
}
