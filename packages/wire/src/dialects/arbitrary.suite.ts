import fc from 'fast-check';
import type { RenderInput, WireEvent, WireTenant } from '../message.ts';
import { PLAIN } from './golden.suite.ts';

/** Events as producers may send them, for properties that must hold of every dialect. */

const NUMBERS = ['0', '-0', '1.0', '1e400', '12345678901234567890', '0.1', '-1.50E+7'];
const SPACES = ['', ' ', '\n', '\t ', '\r\n'];

const space = fc.constantFrom(...SPACES);
const stringText = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u00e9\\/"', '"\\ud800"', '"<&>\u2028"', '"__proto__"', '""'),
);
const scalarText = fc.oneof(
  fc.constantFrom(...NUMBERS, 'true', 'false', 'null'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  stringText,
);

/** JSON as text: spelled, spaced and ordered in ways that parsing and printing would not keep. */
const { value: jsonText } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalarText,
    tie('object'),
    fc
      .tuple(space, fc.array(tie('value'), { maxLength: 3 }))
      .map(([gap, items]) => `[${gap}${items.join(`${gap},`)}]`),
  ),
  object: fc
    .tuple(space, fc.array(fc.tuple(stringText, tie('value')), { maxLength: 4 }))
    .map(([gap, members]) => {
      const byName = new Map(members.map((member) => [JSON.parse(member[0]) as string, member]));
      const written = [...byName.values()].map(([name, one]) => `${name}${gap}:${one}`);
      return `{${gap}${written.join(',')}}`;
    }),
}));

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,12}$/);
const type = fc.oneof(
  word,
  fc.tuple(word, word).map(([module, name]) => `${module}:${name}`),
  fc.constantFrom(
    'PostSignIn',
    'PostRegister',
    'User.Created',
    'User.Data.Updated',
    'Role.Scopes.Updated',
    'Identifier.Lockout',
    'Grant.LimitExceeded',
    'mfa/setup/verify',
    'document_update',
  ),
);
const value = fc.jsonValue({ maxDepth: 2 });
const text = fc.string({ maxLength: 12 });
/** Names that formats show, with values of the right and of wrong kinds. */
const context = fc.record(
  {
    name: text,
    organization: text,
    clientIp: fc.oneof(text, value),
    requestUri: text,
    method: text,
    timezone: fc.constantFrom('+08:00', 'Asia/Shanghai', 'Nowhere/Land', 'Z'),
    response: text,
    statusCode: fc.oneof(fc.integer(), value),
    sessionId: fc.oneof(text, value),
    userAgent: text,
    userId: fc.oneof(text, value),
    application: value,
    path: text,
    params: value,
    organizationId: text,
    addedUserIds: fc.array(text),
    module: fc.oneof(word, text, fc.constantFrom('0:', 'a:b', ':')),
    communityId: text,
    event_id: fc.uuid(),
    resource_id: fc.uuid(),
    createdAt: fc.oneof(fc.constant('2026-03-17T14:30:00.123456+00:00'), value),
    timestamp: fc.oneof(fc.constant('2026-03-17T14:30:00.123456789+00:00'), value),
    other: value,
  },
  { requiredKeys: [] },
);
const actor = fc.record(
  { id: fc.oneof(text, fc.integer()), name: text, profileId: text, roles: value, userIp: text },
  { requiredKeys: [] },
);

export const anyEvent: fc.Arbitrary<WireEvent> = fc
  .record({
    type,
    occurredAt: fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2200, 0) }),
    meta: fc.record({ subject: fc.oneof(text, fc.uuid()), actor, context }, { requiredKeys: [] }),
    data: fc.oneof(jsonText, fc.constant('')),
  })
  .map(({ type, occurredAt, meta, data }) => ({
    id: 'evt_06cj8h2f7s5t9v1x3z5b7d9f0g',
    type,
    tenant: 'default',
    occurredAt,
    meta: JSON.stringify(meta),
    data: new TextEncoder().encode(data),
  }));

export const anyTenant: fc.Arbitrary<WireTenant> = fc.record({
  id: fc.constantFrom('default', 'acme'),
  alias: fc.option(word),
  parent: fc.option(fc.record({ id: fc.constant('root'), alias: fc.option(word) })),
});

export const anyInput: fc.Arbitrary<RenderInput> = fc
  .record({ event: anyEvent, tenant: anyTenant, alias: fc.option(word) })
  .map(({ event, tenant, alias }) => ({
    event,
    tenant,
    endpoint: { ...PLAIN, id: 'ep_1', alias },
  }));
