import {
  ApiError,
  type Client,
  createClient,
  type Endpoint,
  EndpointCreate,
  EventTypesInput,
  MASK,
  PortalInput,
  type Tenant,
} from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { failure, NO_KEY } from '../send.ts';
import { withoutDefaults } from './differences.ts';
import { DEFAULT_SETTINGS } from './manifest.ts';
import { compare, stableNames } from './names.ts';
import { escapeReferences, References } from './references.ts';
import { everyTenant, oneCall, readState, type TenantState } from './state.ts';
import { yamlOf } from './yaml-file.ts';

export interface DumpInput {
  /** undefined = all. */
  readonly tenant: string | undefined;
  readonly secrets: boolean;
  readonly url: string;
  readonly key: string | undefined;
}

const TYPE = EventTypesInput.shape.eventTypes.element.parse({ name: 'x' });
const ENDPOINT = EndpointCreate.parse({ url: 'x' });
const PORTAL = PortalInput.parse({});

/** Writes what a server has as a file for `apply`. 1 = refused or not reached. */
export async function dump(input: DumpInput, output: Output): Promise<ExitCode> {
  const { url, key, tenant, secrets } = input;
  if (key === undefined) {
    output.note(NO_KEY);
    return EXIT.usage;
  }
  const client = createClient({ baseUrl: url, key });
  const references = new References();
  try {
    const tenants =
      tenant === undefined
        ? parentsFirst(await everyTenant(client))
        : [await client.getTenant({ tenant }, oneCall())];
    const entries: object[] = [];
    for (const [done, one] of tenants.entries()) {
      output.progress({ done, total: tenants.length, what: 'tenants' });
      entries.push(await entryOf(await readState(client, one), { client, secrets, references }));
    }
    const content = { tenants: entries };
    output.data(content, `${references.comment()}${yamlOf(content).trimEnd()}`);
    const { size } = references;
    if (size > 0)
      output.note(`Values of headers are left out (${size}): the file names variables for them.`);
    return EXIT.ok;
  } catch (error) {
    output.note(failure(error, url));
    if (tenant === undefined && error instanceof ApiError && error.code === 'forbidden') {
      output.note('Only an admin key sees every tenant: name one with --tenant.');
    }
    return EXIT.failed;
  }
}

function parentsFirst(tenants: readonly Tenant[]): Tenant[] {
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  const depthOf = ({ parent }: Tenant): number => {
    const found = parent === null ? undefined : byId.get(parent);
    return found ? depthOf(found) + 1 : 0;
  };
  return tenants.toSorted((a, b) => depthOf(a) - depthOf(b) || compare(a.id, b.id));
}

interface Dumping {
  readonly client: Client;
  readonly secrets: boolean;
  readonly references: References;
}

/** The name is always said, so that `apply` takes the settings as meant. */
async function entryOf(state: TenantState, dumping: Dumping): Promise<object> {
  const { id, name, alias, parent, defaults, portal, metadata } = state.tenant;
  const settings = {
    alias,
    parent,
    defaults: withoutDefaults(defaults, DEFAULT_SETTINGS.defaults),
    portal,
    metadata: sorted(metadata),
  };
  const said = withoutDefaults(settings, { ...DEFAULT_SETTINGS, defaults: {} });
  const looks = portal ? { portal: withoutDefaults(portal, PORTAL) } : {};
  const endpoints: object[] = [];
  const names = [...stableNames(state.endpoints)].sort(([a], [b]) => compare(a, b));
  for (const [called, endpoint] of names) {
    endpoints.push(await endpointOf(called, endpoint, dumping));
  }
  const eventTypes = state.eventTypes
    .toSorted((a, b) => compare(a.name, b.name))
    .map((type) => ({ name: type.name, ...withoutDefaults(picked(type, TYPE), TYPE) }));
  return { id, name, ...said, ...looks, eventTypes, endpoints };
}

async function endpointOf(name: string, endpoint: Endpoint, dumping: Dumping): Promise<object> {
  const { client, secrets, references } = dumping;
  const { tenant, id } = endpoint;
  const known = secrets
    ? await client.getEndpointSecret({ tenant, endpoint: id }, oneCall())
    : undefined;
  const headers = (known?.headers ?? endpoint.headers).map((header) => {
    if (known || header.value !== MASK) {
      return { name: header.name, value: escapeReferences(header.value) };
    }
    const about = `header ${header.name} of the endpoint ${JSON.stringify(name)} of ${tenant}`;
    return { name: header.name, value: references.add([tenant, name, header.name], about) };
  });
  const { name: _name, url: _url, ...settings } = picked(endpoint, ENDPOINT);
  const told = { ...settings, headers, metadata: sorted(endpoint.metadata) };
  return {
    name,
    url: escapeReferences(endpoint.url),
    ...(known ? { secret: escapeReferences(known.secret) } : {}),
    ...withoutDefaults(told, ENDPOINT),
  };
}

/** The members that a file may have, in its order. */
function picked(from: object, like: object): Record<string, unknown> {
  const all = from as Record<string, unknown>;
  return Object.fromEntries(Object.keys(like).map((key) => [key, all[key]]));
}

function sorted(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => compare(a, b)));
}
