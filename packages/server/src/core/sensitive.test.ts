import { expect, test } from 'vitest';
import { isSensitiveHeader } from './sensitive.ts';

test.each(['Authorization', 'x-api-key', 'X-Auth', 'Set-Cookie', 'x-ferriskey-api-key'])(
  'the value of %s may be a password',
  (name) => expect(isSensitiveHeader(name)).toBe(true),
);

test.each(['x-ferriskey-timestamp', 'X-FerrisKey-Signature', 'webhook-signature', 'User-Agent'])(
  'the value of %s is shown',
  (name) => expect(isSensitiveHeader(name)).toBe(false),
);
