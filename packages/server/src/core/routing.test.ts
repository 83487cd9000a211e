import { matchesPattern } from '@posthorn/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Endpoint } from './model.ts';
import { crc32, laneOf, RoutingIndex, slotOf } from './routing.ts';

function endpoint(id: string, over: Partial<Endpoint> = {}): Endpoint {
  return {
    id: `ep_${id}`,
    tenant: 'default',
    eventTypes: [],
    channels: [],
    scope: 'tenant',
    enabled: true,
    ...over,
  } as Endpoint;
}
function index(...endpoints: Endpoint[]): RoutingIndex {
  const routing = new RoutingIndex();
  for (const e of endpoints) routing.set(e.id, e);
  return routing;
}
const routed = (routing: RoutingIndex, type: string, tenant = 'default', channels?: string[]) =>
  routing.route(tenant, type, channels).map((e) => e.id);

test('an endpoint gets exact types, wildcards, or everything, and each event once', () => {
  const routing = index(
    endpoint('a', { eventTypes: ['user.created', 'user.*'] }),
    endpoint('b', { eventTypes: ['user.deleted'] }),
    endpoint('c'),
  );
  expect(routed(routing, 'user.created').sort()).toEqual(['ep_a', 'ep_c']);
  expect(routed(routing, 'order.paid')).toEqual(['ep_c']);
});

test('a disabled endpoint is not matched, and one that changed is matched anew', () => {
  const routing = index(endpoint('a', { eventTypes: ['x'] }));
  routing.set('ep_a', endpoint('a', { eventTypes: ['y'] }));
  expect(routed(routing, 'x')).toEqual([]);
  expect(routed(routing, 'y')).toEqual(['ep_a']);
  routing.set('ep_a', endpoint('a', { eventTypes: ['y'], enabled: false }));
  expect(routed(routing, 'y')).toEqual([]);
  routing.set('ep_a', undefined);
  expect(routed(routing, 'y')).toEqual([]);
});

test('tenants do not meet, except in an endpoint of all tenants', () => {
  const routing = index(endpoint('a'), endpoint('all', { tenant: 'ops', scope: 'all' }));
  expect(routed(routing, 'x', 'other')).toEqual(['ep_all']);
  expect(routed(routing, 'x')).toEqual(['ep_a', 'ep_all']);
});

test('an endpoint of a tenant and those below it hears their events and no others', () => {
  const parents: Record<string, string> = { child: 'parent', grandchild: 'child', other: 'root' };
  const routing = new RoutingIndex((tenant) => {
    const line = [{ id: tenant }];
    for (let at = parents[tenant]; at !== undefined; at = parents[at]) line.push({ id: at });
    return line;
  });
  const below = endpoint('below', { tenant: 'parent', scope: 'below' });
  routing.set(below.id, below);
  for (const tenant of ['parent', 'child', 'grandchild']) {
    expect(routed(routing, 'x', tenant)).toEqual(['ep_below']);
  }
  expect(routed(routing, 'x', 'other')).toEqual([]);
  parents['other'] = 'grandchild';
  routing.tenantsChanged();
  expect(routed(routing, 'x', 'other')).toEqual(['ep_below']);
  routing.set(below.id, undefined);
  expect(routed(routing, 'x', 'child')).toEqual([]);
});

test('an endpoint with channels gets only events of one of them', () => {
  const routing = index(endpoint('a', { channels: ['eu', 'us'] }));
  expect(routed(routing, 'x')).toEqual([]);
  expect(routed(routing, 'x', 'default', ['us', 'asia'])).toEqual(['ep_a']);
});

test('patterns agree with their regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (p, t) => {
      const source = p.replaceAll('.', '\\.').replaceAll('*', '.*');
      expect(matchesPattern(p, t)).toBe(new RegExp(`^${source}$`).test(t));
    }),
    { numRuns: 2000 },
  );
});

test('slots are CRC-32 and never change', () => {
  expect(crc32('123456789')).toBe(0xcbf43926);
  expect(slotOf('default')).toBe(crc32('default') & 255);
});

test('keys of one endpoint spread over its lanes, the same key always to the same', () => {
  const e = { number: 7, ordering: 'key' as const };
  const lanes = new Set(Array.from({ length: 200 }, (_, i) => laneOf(e, `key-${i}`)));
  expect(lanes.size).toBe(16);
  expect([...lanes].every((lane) => lane >= 112 && lane < 128)).toBe(true);
  expect(laneOf(e, 'k')).toBe(laneOf(e, 'k'));
  expect(laneOf({ number: 7, ordering: 'none' }, 'k')).toBe(112);
});

test('events about ourselves go only to who names their family', () => {
  const routing = index(
    endpoint('exact', { eventTypes: ['endpoint.created'] }),
    endpoint('family', { eventTypes: ['user.*', 'endpoint.*'] }),
    endpoint('everything', { eventTypes: [] }),
    endpoint('star', { eventTypes: ['*', '*.created', 'e*'] }),
    endpoint('channel', { eventTypes: ['endpoint.*'], channels: ['a'] }),
    endpoint('foreign', { eventTypes: ['endpoint.*'], tenant: 'other' }),
    endpoint('operator', { eventTypes: ['endpoint.*'], tenant: 'other', scope: 'all' }),
  );
  const told = routing.routeOwn('default', 'endpoint.created').map((e) => e.id);
  expect(told.sort()).toEqual(['ep_exact', 'ep_family', 'ep_operator']);
});
