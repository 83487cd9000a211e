import { expect, test } from 'vitest';
import { timeOfId } from './id-time.ts';

test('an id tells when it was made', () => {
  expect(timeOfId('evt_01hf7yat007z40r1vm2hs9qx0e')).toBe(1_700_000_000_000);
});
