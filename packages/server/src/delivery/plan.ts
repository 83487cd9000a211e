import {
  type Dialect,
  decodeMeta,
  dialects,
  importSecret,
  SignatureError,
  type SigningKey,
  type WireTenant,
} from '@posthorn/wire';
import type { Exchange, Fault, OutboundRequest } from '../core/exchange.ts';
import { dialectOf, inherited } from '../core/inherit.ts';
import { LANE_CONCURRENCY, type LaneLimits } from '../core/lane-state.ts';
import type {
  Endpoint,
  Header,
  Ms,
  RetryPolicy,
  StoredEvent,
  Tenant,
  TenantId,
} from '../core/model.ts';
import { spansTenants } from '../core/routing.ts';
import { DEFAULT_RETRY } from '../core/settle.ts';
import type { ConfigView } from '../store/config-view.ts';
import type { AttemptRecord, Due, SentBody } from '../store/store.ts';
import type { AttemptSpan } from './attempt-spans.ts';

export const TIMEOUT_MS = 15_000;

/** What sending to an endpoint needs, worked out once per version of its configuration. */
export interface Plan {
  readonly endpoint: Endpoint;
  readonly url: URL;
  readonly dialect: Dialect;
  /** The tenant of an event as formats show it; of an endpoint of several tenants each event has its own. */
  readonly tenantOf: (id: TenantId) => WireTenant;
  readonly keys: readonly { readonly key: SigningKey; readonly expiresAt: Ms | null }[];
  /** Why the secrets are no keys of the dialect, which a tenant's new default can cause. */
  readonly unfit: string | undefined;
  readonly policy: RetryPolicy;
  readonly timeoutMs: Ms;
  readonly limits: LaneLimits;
  readonly secretHeads: boolean;
}

export function planFor(endpoint: Endpoint, view: ConfigView): Plan {
  const line = view.lineage(endpoint.tenant);
  const dialect = dialects[dialectOf(endpoint, line)];
  return {
    endpoint,
    url: new URL(endpoint.url),
    dialect,
    tenantOf: tenantsOf(endpoint, view),
    ...keysOf(endpoint, dialect),
    policy: inherited(endpoint.retryPolicy, 'retryPolicy', line) ?? DEFAULT_RETRY,
    timeoutMs: inherited(endpoint.timeoutMs, 'timeoutMs', line) ?? TIMEOUT_MS,
    limits: {
      maxConcurrency:
        inherited(endpoint.maxConcurrency, 'maxConcurrency', line) ?? LANE_CONCURRENCY,
      rate: inherited(endpoint.rateLimit, 'rateLimit', line) ?? undefined,
      fifo: endpoint.ordering !== 'none',
    },
    secretHeads: endpoint.headers.length > 0,
  };
}

function keysOf(endpoint: Endpoint, { name, traits }: Dialect): Pick<Plan, 'keys' | 'unfit'> {
  const kind = traits.secret(endpoint.custom);
  try {
    const keys = endpoint.secrets.map(({ value, expiresAt }) => ({
      key: importSecret(kind, value),
      expiresAt,
    }));
    return { keys, unfit: undefined };
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    const unfit = `The secret does not fit the dialect ${name} (${error.message}): rotate it.`;
    return { keys: [], unfit };
  }
}

function tenantsOf(endpoint: Endpoint, view: ConfigView): (id: TenantId) => WireTenant {
  if (spansTenants(endpoint)) return (id) => wireTenant(view.tenant(id), id, view);
  const own = wireTenant(view.tenant(endpoint.tenant), endpoint.tenant, view);
  return () => own;
}

function wireTenant(tenant: Tenant | undefined, id: TenantId, view: ConfigView): WireTenant {
  const parent = tenant?.parent ? view.tenant(tenant.parent) : undefined;
  return {
    id,
    alias: tenant?.alias ?? null,
    parent: parent ? { id: parent.id, alias: parent.alias } : null,
  };
}

export interface Rendered {
  readonly request: OutboundRequest;
  readonly secretHeads: boolean;
}

/** A run with an id of its own is another event to its receiver, also where formats show the id. */
export function sentAs(event: StoredEvent, { run, ownId }: Due): StoredEvent {
  return ownId ? { ...event, id: `${event.id}_${run}` } : event;
}

export interface Rendering {
  readonly event: StoredEvent;
  /** The body that the first attempt of the run sent. */
  readonly frozen: Uint8Array | undefined;
  readonly now: Ms;
  /** Its headers stand behind those of the endpoint and the event. */
  readonly span?: Pick<AttemptSpan, 'headers'> | undefined;
}

/** The exact request of one attempt. */
export function render(plan: Plan, what: Rendering): Rendered {
  const { event, now } = what;
  const { endpoint, dialect } = plan;
  if (plan.unfit !== undefined) throw new Error(plan.unfit);
  const tenant = plan.tenantOf(event.tenant);
  const body = what.frozen ?? dialect.body({ event, endpoint, tenant });
  const keys = plan.keys.filter((k) => k.expiresAt === null || k.expiresAt > now).map((k) => k.key);
  const brought = event.meta.includes('"headers"')
    ? (decodeMeta(event.meta).headers ?? NONE)
    : NONE;
  const headers = dialect.headers({
    event,
    endpoint,
    tenant,
    body,
    webhookId: event.id,
    timestampS: Math.floor(now / 1000),
    keys,
    extra: withNew(
      brought.length === 0 ? endpoint.headers : [...endpoint.headers, ...brought],
      what.span?.headers ?? NONE,
    ),
  });
  const { method } = endpoint;
  const { lowerCase } = dialect.traits;
  const request = { url: plan.url, method, headers, lowerCase, body, timeoutMs: plan.timeoutMs };
  return { request, secretHeads: plan.secretHeads || brought.length > 0 };
}

const NONE: readonly Header[] = [];

/** `more`, unless one of them is among `known` under whatever case. */
function withNew(known: readonly Header[], more: readonly Header[]): readonly Header[] {
  if (more.length === 0) return known;
  const names = new Set(known.map(({ name }) => name.toLowerCase()));
  return more.some(({ name }) => names.has(name)) ? known : [...known, ...more];
}

export interface Attempted {
  readonly event: StoredEvent;
  readonly row: Due;
  readonly plan: Plan;
  readonly startedAt: Ms;
  readonly request: OutboundRequest | undefined;
  readonly exchange: Exchange;
  readonly frozen: boolean;
  readonly secretHeads: boolean;
  readonly afterCrash: boolean;
}

const EMPTY = new Uint8Array();
const SAME: SentBody = { kind: 'same' };

/** One exchange as the log keeps it. */
export function recordOf(attempted: Attempted): AttemptRecord {
  const { exchange, event, plan, row, request } = attempted;
  const { outcome } = exchange;
  const broken = outcome.kind === 'fault';
  return {
    tenant: event.tenant,
    type: event.type,
    endpoint: plan.endpoint.id,
    n: row.attempt + 1,
    startedAt: attempted.startedAt,
    timings: exchange.timings,
    status: outcome.status,
    fault: broken ? outcome.fault : undefined,
    detail: broken ? outcome.detail : '',
    remoteAddress: exchange.remoteAddress,
    method: plan.endpoint.method,
    url: plan.endpoint.url,
    requestHead: exchange.requestHead,
    body: attempted.frozen || !request ? SAME : splice(request.body, event.data),
    responseHead: outcome.head ?? EMPTY,
    responseBody: outcome.body ?? EMPTY,
    responseTruncated: !broken && outcome.truncated,
    secretHeads: attempted.secretHeads,
    afterCrash: attempted.afterCrash,
  };
}

/** Most bodies hold the event's data as it was posted: only what stands around it is kept again. */
export function splice(body: Uint8Array, data: Uint8Array): SentBody {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const at = data.length === 0 ? -1 : bytes.indexOf(data);
  if (at < 0) return { kind: 'full', bytes: body };
  return {
    kind: 'around',
    before: body.subarray(0, at),
    after: body.subarray(at + data.length),
  };
}

/** Stands in for an exchange that never began. */
export function noExchange(fault: Fault, detail: string): Exchange {
  return {
    outcome: { kind: 'fault', fault, detail, status: undefined, head: undefined, body: undefined },
    requestHead: new Uint8Array(),
    remoteAddress: undefined,
    timings: {
      dnsMs: undefined,
      connectMs: undefined,
      tlsMs: undefined,
      firstByteMs: undefined,
      totalMs: 0,
    },
  };
}

/** Stands in for an event that retention removed under a row, so that the end can be logged. */
export function lostEvent(due: Due, plan: Plan | undefined): StoredEvent {
  return {
    id: due.event,
    slot: due.slot,
    tenant: plan?.endpoint.tenant ?? '',
    type: 'unknown',
    occurredAt: due.dueAt,
    createdAt: due.dueAt,
    meta: '',
    data: new Uint8Array(),
  };
}
