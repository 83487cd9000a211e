import { expect, test } from 'vitest';
import { coversType, isAdminScope, parseScopes, patternsOf, scopeOfType } from './scopes.ts';

test('a scope of a resource covers its types, and one of a type that type alone', () => {
  const covers = (scope: string, ...types: string[]) =>
    types.map((type) => coversType(scope, type));
  expect(
    covers('webhook:MOIM:product', 'MOIM:product.created', 'MOIM:products.sold', 'product.created'),
  ).toEqual([true, false, false]);
  expect(covers('webhook:user.created', 'user.created', 'user.created.late')).toEqual([
    true,
    false,
  ]);
  expect(covers('webhook:user', 'user', 'user.created', 'userx')).toEqual([true, true, false]);
  expect(covers('webhook:MOIM', 'MOIM:product.created')).toEqual([false]);
});

test.each(['webhook:*', 'webhook:', 'webhook:MOIM:', 'WEBHOOK:x', 'member:x', 'webhook:a b'])(
  '%s lets nobody hear anything',
  (scope) => {
    expect(patternsOf(scope)).toEqual([]);
  },
);

test('the catalogue’s types name their scopes', () => {
  expect(['MOIM:product.created', 'user.password.changed', 'signup'].map(scopeOfType)).toEqual([
    'webhook:MOIM:product',
    'webhook:user',
    'webhook:signup',
  ]);
});

test('scopes are parsed as RFC 6749 writes them, each once', () => {
  expect(parseScopes('b a b')).toEqual(['b', 'a']);
  for (const wrong of ['', ' a', 'a  b', 'a\tb', 'a"', 'a\\', 'ä', 'x'.repeat(201)]) {
    expect(parseScopes(wrong)).toBeUndefined();
  }
});

test('events, and acting for a tenant, are for admins to agree to', () => {
  expect(['webhook:x', 'Webhook:x', 'bot:x', 'member:x'].map(isAdminScope)).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
