import { readFileSync } from 'node:fs';
import { createReceiver, DIALECT_NAMES, schemes } from '@posthorn/wire';
import { presets } from '@posthorn/wire/catalogue';
import * as caisy from '@posthorn/wire/events/caisy';
import * as cand from '@posthorn/wire/events/cand';
import * as casdoor from '@posthorn/wire/events/casdoor';
import * as ferriskey from '@posthorn/wire/events/ferriskey';
import * as logto from '@posthorn/wire/events/logto';
import { createTestKit } from '@posthorn/wire/testkit';
import { generateTypes } from '@posthorn/wire/typegen';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { renderEvents } from '../../../scripts/events.js';

/** The five systems' events as a receiver uses them: typed, checked, and sent as those systems send. */

const SECRET = '0123456789abcdef0123456789abcdef';
const systems = {
  casdoor: { events: casdoor.events, scheme: schemes.casdoor() },
  ferriskey: { events: ferriskey.events, scheme: schemes.ferriskey() },
  cand: { events: cand.events, scheme: schemes.cand() },
  logto: { events: logto.events, scheme: schemes.logto() },
  caisy: { events: caisy.events, scheme: schemes.caisy() },
} as const;

test('every system with a catalogue has its types', () => {
  expect(Object.keys(systems).sort()).toEqual(Object.keys(presets).sort());
  for (const name of Object.keys(systems)) expect(DIALECT_NAMES).toContain(name);
});

describe.each(Object.values(presets))('$name', (preset) => {
  const { events, scheme } = systems[preset.name];

  test('the types are what the catalogue says (node scripts/events.js writes them anew)', () => {
    const file = new URL(`../src/events/${preset.name}.ts`, import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(renderEvents(generateTypes, preset));
  });

  test('every example arrives, fits its schema, and reaches its handler', async () => {
    const url = `http://receiver.test/${SECRET}`;
    const kit = createTestKit({ scheme, secret: SECRET, url });
    const seen: string[] = [];
    const problems: string[] = [];
    const receiver = createReceiver({ scheme, secrets: SECRET, events: events as never })
      .onAny(({ type }: { type: string }) => seen.push(type))
      .onError(({ message }) => problems.push(message));
    for (const { name, example } of preset.eventTypes) {
      await kit.event(name, example.data).send(receiver);
    }
    expect(problems).toEqual([]);
    expect(seen).toEqual(preset.eventTypes.map(({ name }) => name));
  });
});

test('payloads are typed by their name', () => {
  const options = { scheme: schemes.logto(), secrets: SECRET, events: logto.events };
  createReceiver(options)
    .on('User.Created', ({ payload }) => expectTypeOf(payload.id).toBeString())
    .on('Organization.*', ({ type }) => expectTypeOf(type).toExtend<`Organization.${string}`>())
    // @ts-expect-error: Logto has no such event
    .on('User.Createt', () => undefined);
  const community = { scheme: schemes.cand(), secrets: SECRET, events: cand.events };
  createReceiver(community).on('MOIM:product.voted', ({ payload }) =>
    expectTypeOf(payload.voted).toBeBoolean(),
  );
});

test('a payload that is not what the system sends is refused', async () => {
  const scheme = schemes.ferriskey();
  const codes: string[] = [];
  const receiver = createReceiver({ scheme, secrets: SECRET, events: ferriskey.events }).onError(
    ({ code }) => codes.push(code),
  );
  const kit = createTestKit({ scheme, secret: SECRET });
  expect((await kit.event('user.created', { id: 7 }).send(receiver)).status).toBe(422);
  expect(codes).toEqual(['schema_mismatch']);
});
