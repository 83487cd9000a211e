import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { EndpointId, EventSample } from '../../core/model.ts';
import type { UpsertEntry, Upserted } from '../../delivery/registry/endpoint-upsert.ts';
import { currentSecret } from '../../delivery/registry/endpoints.ts';
import type { Preview, PreviewOf, Tested, TestRun } from '../../delivery/tester.ts';
import { ownEndpoint, type Principal } from '../auth.ts';
import { bytesToApi, fromIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import { maskHead } from '../mask.ts';
import type { HttpDeps } from '../ports.ts';
import { timingsToApi } from './deliveries.ts';
import {
  type Address,
  endpointFromApi,
  endpointToApi,
  patchOf,
  readEndpoint,
  requireAdmin,
} from './endpoints.ts';

type Ids =
  | 'putEndpoints'
  | 'duplicateEndpoint'
  | 'testEndpoint'
  | 'testUnsavedEndpoint'
  | 'previewEndpoint'
  | 'previewUnsavedEndpoint';

/** Of an answer to a test; the whole of it is in no log. */
const BODY_BYTES_MAX = 16_384;

type Changes = Omit<api.EndpointPatch, 'version'>;
type Unsaved = api.Body<api.Operations['createEndpoint']>;

export function endpointToolRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { registry, configStore, config, tester } = deps;

  /** A stored endpoint as it would be with changes that are not saved. */
  async function changed(address: Address, changes: Changes | undefined, principal: Principal) {
    const { value } = await readEndpoint(configStore, address);
    requireAdmin(principal, value.scope);
    if (!changes) return value;
    requireAdmin(principal, changes.scope ?? value.scope);
    const line = config.lineage(address.tenant);
    return registry.endpoints.changed(value, patchOf(changes, value), line);
  }

  function unsaved(tenant: string, fields: Unsaved, principal: Principal) {
    requireAdmin(principal, fields.scope);
    const { secret, ...rest } = fields;
    return registry.endpoints.draft(tenant, endpointFromApi(rest, undefined), secret);
  }

  return {
    async putEndpoints({ params, body, principal }) {
      const entries = body.endpoints.map((one) => entryOf(one, principal));
      const done = await registry.endpointUpserts.upsert(params.tenant, entries, body.dryRun);
      return upsertedToApi(done, body.dryRun);
    },

    async duplicateEndpoint({ params, body, principal }) {
      const { secret, ...changes } = body;
      const { value } = await readEndpoint(configStore, params);
      requireAdmin(principal, value.scope);
      requireAdmin(principal, changes.scope ?? 'tenant');
      const address = { tenant: params.tenant, id: params.endpoint };
      const copy = await registry.endpoints.duplicate(
        address,
        (original) => patchOf(changes, original),
        secret,
      );
      return { ...endpointToApi(copy), secret: currentSecret(copy.value) };
    },

    async testEndpoint({ params, body, principal }) {
      checkBot(principal, params.endpoint, body);
      const endpoint = await changed(params, body.endpoint, principal);
      return testToApi(await tester.test(endpoint, body.types));
    },

    async testUnsavedEndpoint({ params, body, principal }) {
      const endpoint = await unsaved(params.tenant, body.endpoint, principal);
      return testToApi(await tester.test(endpoint, body.types));
    },

    async previewEndpoint({ params, body, principal }) {
      const { endpoint: changes, ...of } = body;
      const endpoint = await changed(params, changes, principal);
      return previewToApi(await tester.preview(endpoint, previewOf(of)), 'endpoint');
    },

    async previewUnsavedEndpoint({ params, body, principal }) {
      const { endpoint: fields, ...of } = body;
      const endpoint = await unsaved(params.tenant, fields, principal);
      const key = fields.secret === undefined ? 'throw-away' : 'endpoint';
      return previewToApi(await tester.preview(endpoint, previewOf(of)), key);
    },
  };
}

/** A bot tests what it was granted, as it was granted. */
function checkBot(
  principal: Principal,
  endpoint: EndpointId,
  body: api.Body<api.Operations['testEndpoint']>,
): void {
  const own = ownEndpoint(principal);
  if (own === undefined) return;
  if (own !== endpoint) throw new AppError('not_found', 'There is no such endpoint.');
  if (body.endpoint === undefined && body.types === undefined) return;
  throw new AppError('forbidden', 'A bot token tests the endpoint as it is: send {}.');
}

function entryOf(
  input: api.Body<api.Operations['putEndpoints']>['endpoints'][number],
  principal: Principal,
): UpsertEntry {
  const { id, secret, ...fields } = input;
  requireAdmin(principal, fields.scope);
  return {
    id,
    name: fields.name,
    secret,
    settings(current) {
      requireAdmin(principal, current?.scope ?? 'tenant');
      return endpointFromApi(fields, current);
    },
  };
}

function upsertedToApi(upserted: readonly Upserted[], dryRun: boolean): api.UpsertedEndpoints {
  const count = (change: Upserted['change']) =>
    upserted.filter((one) => one.change === change).length;
  return {
    dryRun,
    created: count('created'),
    updated: count('updated'),
    unchanged: count('unchanged'),
    items: upserted.map(({ change, fields, before, after }) => {
      const isNew = change === 'created';
      return {
        change,
        name: after.value.name,
        fields: [...fields],
        before: before ? endpointToApi(before) : null,
        after: isNew && dryRun ? null : endpointToApi(after),
        secret: isNew && !dryRun ? currentSecret(after.value) : null,
      };
    }),
  };
}

function previewOf(of: Omit<api.Body<api.Operations['previewEndpoint']>, 'endpoint'>): PreviewOf {
  if (of.event !== undefined) return { event: of.event };
  const { type, data, subject, actor, context, occurredAt } = of;
  const said = [data, subject, actor, context].some((value) => value !== undefined);
  const sample: EventSample = { data: data ?? null, subject, actor, context };
  return {
    type,
    sample: said ? sample : undefined,
    occurredAt: occurredAt === undefined ? undefined : fromIso(occurredAt),
  };
}

function previewToApi({ event, url, method, head, body }: Preview, key: 'endpoint' | 'throw-away') {
  return { type: event.type, method, url, head: maskHead(head), body: bytesToApi(body), key };
}

function testToApi({ tested, omitted }: TestRun): api.EndpointTest {
  return { items: tested.map(testedToApi), omitted };
}

function testedToApi({ type, url, method, body, exchange }: Tested) {
  const { outcome, timings, requestHead, remoteAddress } = exchange;
  const broken = outcome.kind === 'fault';
  const { status } = outcome;
  return {
    type,
    ok: !broken && outcome.status >= 200 && outcome.status < 300,
    status: status ?? null,
    fault: broken ? outcome.fault : null,
    detail: broken ? outcome.detail : '',
    durationMs: timings.totalMs,
    timings: timingsToApi(timings),
    remoteAddress: remoteAddress ?? null,
    request: { method, url, head: maskHead(requestHead), body: bytesToApi(body) },
    response: responseToApi(outcome),
  };
}

function responseToApi(outcome: Tested['exchange']['outcome']) {
  if (outcome.head === undefined) return null;
  const body = outcome.body ?? new Uint8Array();
  const cut = body.length > BODY_BYTES_MAX;
  return {
    head: maskHead(outcome.head),
    body: bytesToApi(body.subarray(0, BODY_BYTES_MAX)),
    truncated: cut || (outcome.kind === 'response' && outcome.truncated),
  };
}
