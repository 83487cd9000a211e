import { readFileSync } from 'node:fs';
import {
  DIALECT_NAMES,
  type DialectName,
  dialects,
  type EventMeta,
  importSecret,
  type WireEndpoint,
  type WireTenant,
} from '@posthorn/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Product, startProduct, startTarget, type Target } from './product.ts';

/**
 * Every golden message of `packages/wire/fixtures`, as the built product puts it on the wire: the
 * event is posted over HTTP, and what a socket receives is compared byte for byte.
 */

interface Golden {
  readonly name: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly occurredAt: number;
    readonly meta: EventMeta | '';
    readonly data: string;
  };
  readonly endpoint: Partial<WireEndpoint> & { readonly id: string };
  readonly tenant: WireTenant;
  readonly method: string;
  readonly extra: readonly (readonly [string, string])[];
  readonly secrets: readonly string[];
  readonly body: string;
}

const golden = (name: DialectName): readonly Golden[] =>
  JSON.parse(readFileSync(new URL(`../../wire/fixtures/${name}.json`, import.meta.url), 'utf8'));

let product: Product;
let target: Target;
beforeAll(async () => {
  [product, target] = await Promise.all([startProduct(), startTarget()]);
});
afterAll(async () => {
  await product.stop();
  await target.close();
});

/** The event as JSON whose data has the bytes of the fixture. */
function eventJson({ event }: Golden): string {
  const { subject, actor, context, headers } = event.meta === '' ? ({} as EventMeta) : event.meta;
  const occurredAt = new Date(event.occurredAt).toISOString();
  const rest = JSON.stringify({ type: event.type, occurredAt, subject, actor, context, headers });
  return event.data === '' ? rest : `${rest.slice(0, -1)},"data":${event.data}}`;
}

/** The endpoint of a golden message. What a dialect sets itself cannot be saved, so it is left out. */
async function setUp(name: DialectName, one: Golden) {
  const { api } = product;
  const { id: tenant, alias, parent } = one.tenant;
  if (parent) await api.putTenant({ tenant: parent.id, body: { alias: parent.alias } });
  await api.putTenant({ tenant, body: { alias, parent: parent?.id ?? null } });
  const { id: _, fields = [], actorFields = null, ...format } = one.endpoint;
  const custom = format.custom ?? null;
  const reserved = dialects[name].traits.reserved(custom);
  const headers = one.extra
    .filter(([header]) => !reserved.includes(header.toLowerCase()))
    .map(([header, value]) => ({ name: header, value }));
  const created = await api.createEndpoint({
    tenant,
    body: {
      ...format,
      custom,
      dialect: name,
      url: `${target.url}/hook?a=1`,
      method: one.method as 'POST',
      headers,
      fields: [...fields],
      actorFields: actorFields && [...actorFields],
      secret: one.secrets.at(-1) ?? '',
    },
  });
  const endpoint = created.id;
  for (const secret of one.secrets.slice(0, -1).reverse()) {
    await api.rotateEndpointSecret({ tenant, endpoint, body: { secret } });
  }
  return { tenant, endpoint };
}

describe.each(DIALECT_NAMES)('%s', (name) => {
  test.each(golden(name))('$name', async (one) => {
    const { api } = product;
    const { tenant, endpoint } = await setUp(name, one);
    const n = target.requests.length + 1;
    const response = await product.post(`tenants/${tenant}/events`, eventJson(one));
    const { id: event } = (await response.json()) as { id: `evt_${string}` };
    const arrived = await target.request(n);
    const attempt = await eventually(async () => {
      const { items } = await api.listAttempts({ tenant, event });
      return items[0] && api.getAttempt({ tenant, attempt: items[0].id });
    }, 'the attempt is logged');
    await api.deleteEndpoint({ tenant, endpoint });

    expect([arrived.method, arrived.target]).toEqual([one.method, '/hook?a=1']);
    expect(attempt.request.body.text).toBe(arrived.body.toString());

    // Two ids are the product's own here; a format that shows them shows others than the fixture.
    const own = { event: { ...one.event, id: event }, endpoint: { ...one.endpoint, id: endpoint } };
    expect(arrived.body.toString()).toBe(withIds(name, one, own));

    const [host, ...rest] = arrived.headers;
    const length = rest.at(-1);
    const framing = dialects[name].traits.lowerCase
      ? ['host', 'content-length']
      : ['Host', 'Content-Length'];
    expect([host?.[0], length?.[0]]).toEqual(framing);
    const kind = dialects[name].traits.secret(one.endpoint.custom ?? null);
    const sent = dialects[name].headers({
      ...inputOf({ ...one, ...own }),
      body: arrived.body,
      webhookId: event,
      timestampS: Math.floor(Date.parse(attempt.startedAt) / 1000),
      keys: one.secrets.map((secret) => importSecret(kind, secret)),
      extra: [
        ...one.extra.map(([header, value]) => ({ name: header, value })),
        ...(one.event.meta === '' ? [] : (one.event.meta.headers ?? [])),
      ],
    });
    expect(rest.slice(0, -1)).toEqual(sent.map((header) => [header.name, header.value]));
  });
});

function inputOf({ event, endpoint, tenant }: Pick<Golden, 'event' | 'endpoint' | 'tenant'>) {
  return {
    event: {
      ...event,
      tenant: tenant.id,
      meta: event.meta === '' ? '' : JSON.stringify(event.meta),
      data: new TextEncoder().encode(event.data),
    },
    endpoint: {
      alias: null,
      contentType: null,
      fields: [],
      actorFields: null,
      custom: null,
      standardHeaders: false,
      ...endpoint,
    },
    tenant,
  };
}

/** The fixture's body under other ids of event and endpoint. */
function withIds(name: DialectName, one: Golden, own: Pick<Golden, 'event' | 'endpoint'>): string {
  const body = (of: Pick<Golden, 'event' | 'endpoint' | 'tenant'>) =>
    new TextDecoder().decode(dialects[name].body(inputOf(of)));
  expect(body(one)).toBe(one.body);
  const renamed = body({ ...one, ...own });
  const ids = /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f-]{21}|"hookId":"[0-9a-z]{21}"/g;
  expect(renamed.replaceAll(ids, '')).toBe(one.body.replaceAll(ids, ''));
  return renamed;
}
