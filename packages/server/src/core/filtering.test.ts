import { expect, test } from 'vitest';
import { applyFilters } from './filtering.ts';
import type { Endpoint } from './model.ts';

const endpoint = (name: string, filter: Endpoint['filter']) => ({ name, filter }) as Endpoint;
const bytes = (text: string) => new TextEncoder().encode(text);
const names = (endpoints: readonly Endpoint[]) => endpoints.map(({ name }) => name);
const plenty = () => ({ stepsLeft: 1_000_000 });

test('endpoints without a filter get everything, the others what passes', () => {
  const endpoints = [
    endpoint('all', null),
    endpoint('eur', { 'data.currency': 'EUR' }),
    endpoint('usd', { 'data.currency': 'USD' }),
    endpoint('admin', { 'actor.role': 'admin' }),
  ];
  const event = {
    type: 'order.paid',
    actor: { role: 'admin' },
    data: bytes('{"currency":"EUR"}'),
  };
  const { passed, undecided } = applyFilters(endpoints, event, plenty());
  expect(names(passed)).toEqual(['all', 'eur', 'admin']);
  expect(undecided).toEqual([]);
});

test('data that no filter looks at is not parsed', () => {
  const event = { type: 'a', data: bytes('no JSON at all') };
  const byType = [endpoint('a', { type: 'a' })];
  expect(names(applyFilters(byType, event, plenty()).passed)).toEqual(['a']);
  expect(() => applyFilters([endpoint('b', { 'data.x': 1 })], event, plenty())).toThrow(
    SyntaxError,
  );
});

test('data that was erased is absent', () => {
  const endpoints = [
    endpoint('a', { 'data.x': { exists: false } }),
    endpoint('b', { 'data.x': 1 }),
  ];
  const { passed } = applyFilters(endpoints, { type: 'a', data: new Uint8Array() }, plenty());
  expect(names(passed)).toEqual(['a']);
});

test('who cannot be answered for gets the event, and is named', () => {
  const text = 'x'.repeat(1000);
  const costly = { 'data.text': { contains: 'y' } };
  const endpoints = [
    endpoint('first', costly),
    endpoint('second', costly),
    endpoint('third', null),
  ];
  const event = { type: 'a', data: bytes(JSON.stringify({ text })) };
  const { passed, undecided } = applyFilters(endpoints, event, { stepsLeft: 1500 });
  expect(names(passed)).toEqual(['second', 'third']);
  expect(names(undecided)).toEqual(['second']);
});
