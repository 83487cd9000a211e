import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * The package as a bundler for Workers or a browser takes it: what it weighs, that nothing of Node is
 * left in it, and that it verifies all the same, with WebCrypto.
 */

const KIB = 1024;
const here = fileURLToPath(new URL('.', import.meta.url));
const WEB = ['@posthorn/source', 'workerd', 'worker', 'browser', 'import', 'default'];

let directory: string;
// Inside the package, so that its own name resolves.
beforeAll(() => {
  directory = mkdtempSync(join(here, '../.bundle-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function bundle(name: string, source: string, conditionNames = WEB): Promise<string> {
  const input = join(directory, `${name}.ts`);
  writeFileSync(input, source);
  const { output } = await build({
    input,
    resolve: { conditionNames },
    platform: 'neutral',
    external: /^node:/,
    write: false,
    output: { format: 'esm', minify: true },
  });
  return output[0].code;
}

const weigh = (code: string): number => gzipSync(code, { level: 9 }).length;

const VERIFIER = `
import { createVerifier, schemes } from '@posthorn/wire';
export const verifier = (secrets) => createVerifier({ scheme: schemes.standard(), secrets });
`;

describe('weight, minified and gzipped', () => {
  test('verifier and standard scheme: at most 15 kB', async () => {
    const bytes = weigh(await bundle('verifier', VERIFIER));
    console.log(`verifier + standard: ${(bytes / KIB).toFixed(1)} KiB`);
    expect(bytes).toBeLessThan(15_000);
  });

  test('receiver, standard scheme and fetch adapter: at most 15 kB too', async () => {
    const source = `
import { createReceiver, schemes } from '@posthorn/wire';
import { fetchHandler } from '@posthorn/wire/fetch';
export default { fetch: fetchHandler(createReceiver({ scheme: schemes.standard(), secrets: [] })) };
`;
    const bytes = weigh(await bundle('receiver', source));
    console.log(`receiver + standard + fetch: ${(bytes / KIB).toFixed(1)} KiB`);
    expect(bytes).toBeLessThan(15_000);
  });

  test('a scheme that is not used is not there', async () => {
    const code = await bundle('verifier', VERIFIER);
    for (const foreign of ['stripe-signature', 'x-hub-signature', 'logto-signature', 'casdoor']) {
      expect(code.includes(foreign), foreign).toBe(false);
    }
  });

  test('importing the package for nothing leaves nothing', async () => {
    expect(await bundle('nothing', "import '@posthorn/wire';")).toBe('');
  });
});

describe('without node:crypto', () => {
  const EVERYTHING = `
export * from '@posthorn/wire';
export { fetchHandler } from '@posthorn/wire/fetch';
export { hono } from '@posthorn/wire/hono';
export { memory } from '@posthorn/wire/idempotency/memory';
export { createTestKit } from '@posthorn/wire/testkit';
`;
  type Wire = typeof import('@posthorn/wire') & {
    createTestKit: typeof import('@posthorn/wire/testkit').createTestKit;
    fetchHandler: typeof import('@posthorn/wire/fetch').fetchHandler;
  };

  async function load(): Promise<{ code: string; wire: Wire }> {
    const code = await bundle('everything', EVERYTHING);
    const file = join(directory, 'everything.mjs');
    writeFileSync(file, code);
    return { code, wire: (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Wire };
  }

  test('nothing of Node is in the bundle', async () => {
    const { code } = await load();
    // Compared as flags: a failure should not print the whole bundle.
    expect(/(from|import)\s*\(?\s*["'`]/.test(code)).toBe(false);
    expect(/\bBuffer[.(]|\bprocess\.|\brequire\(/.test(code)).toBe(false);
  });

  test('every vector has the result that it has with node:crypto', async () => {
    const { wire } = await load();
    const path = new URL('../fixtures/signature-vectors.json', import.meta.url);
    const { verify } = JSON.parse(readFileSync(path, 'utf8')) as { verify: Vector[] };
    const scheme = wire.schemes.standard({ prefixes: ['webhook'] });
    for (const vector of verify) {
      const { keys, nowS, toleranceS, bodyBase64 } = vector;
      if (keys.length === 0) continue;
      const verifier = wire.createVerifier({
        scheme,
        secrets: keys,
        toleranceS,
        now: () => nowS * 1000,
      });
      const result = await verifier.safeVerify(
        Buffer.from(bodyBase64, 'base64'),
        headersOf(vector),
      );
      const got = result.ok ? result.value.keyIndex : result.error.code;
      const expected =
        typeof vector.expect === 'number' ? vector.expect : CODES[vector.expect]?.(vector);
      expect(got, vector.name).toBe(expected);
    }
  });

  test('a Worker takes what is good, refuses what is forged, and signs', async () => {
    const { createReceiver, createTestKit, fetchHandler, generateSecret, schemes } = (await load())
      .wire;
    const secret = generateSecret('whsec');
    const scheme = schemes.anyOf(schemes.standard(), schemes.cand());
    const seen: string[] = [];
    const receiver = createReceiver({ scheme, secrets: secret })
      .on('user.*', ({ type }) => seen.push(type))
      .onError(() => undefined);
    const kit = createTestKit({ scheme, secret });
    const worker = { fetch: fetchHandler(receiver) };
    const event = kit.event('user.created', { id: 1 });
    expect((await event.send(worker)).status).toBe(200);
    expect((await event.tampered().send(worker)).status).toBe(401);
    expect((await event.send(worker)).status).toBe(200);
    expect(seen).toEqual(['user.created']);
  });

  test('verifySync and the sending side say that they need node:crypto', async () => {
    const { wire } = await load();
    const { generateSecret, createVerifier, importKey, schemes, sign } = wire;
    const secret = generateSecret('whsec');
    const scheme = schemes.standard();
    const raw = Buffer.from('{}');
    const headers = await scheme.sign({ raw, id: 'msg_1', at: new Date(), secret });
    const verifier = createVerifier({ scheme, secrets: secret });
    expect((await verifier.verify(raw, headers)).id).toBe('msg_1');
    expect(() => verifier.verifySync(raw, headers)).toThrow(/await verify/);
    const input = { id: 'msg_1', timestampS: 1, body: raw };
    expect(() => sign(importKey(secret), input)).toThrow(/only WebCrypto/);
  });
});

interface Vector {
  readonly name: string;
  readonly id: string | null;
  readonly timestamp: string | null;
  readonly signature: string | null;
  readonly bodyBase64: string;
  readonly keys: readonly string[];
  readonly nowS: number;
  readonly toleranceS: number;
  readonly expect: number | string;
}

function headersOf({ id, timestamp, signature }: Vector): Record<string, string> {
  const pairs = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  };
  return Object.fromEntries(
    Object.entries(pairs).filter((pair): pair is [string, string] => pair[1] !== null),
  );
}

/** What the core's reasons are called by the verifier. */
const CODES: Readonly<Record<string, (vector: Vector) => string>> = {
  missing_header: ({ timestamp }) => (timestamp === null ? 'timestamp_missing' : 'missing_header'),
  invalid_id: () => 'malformed_header',
  invalid_timestamp: () => 'malformed_header',
  too_old: () => 'timestamp_too_old',
  too_new: () => 'timestamp_in_future',
  no_signature: () => 'unsupported_version',
  mismatch: () => 'signature_mismatch',
};
