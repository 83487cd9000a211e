import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { createVerifier, schemes } from '@posthorn/wire';
import { conformance, createTestKit } from '@posthorn/wire/testkit';
import { describe, expect, test } from 'vitest';

/** The suite under other test runners than Vitest, which runs it in conformance.test.ts. */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('node:test', () => {
  const file = fileURLToPath(new URL('./node-test-suite.js', import.meta.url));
  // Without Vitest's flags and variables: a process of its own, on what is built.
  const { PATH } = process.env;
  const output = execFileSync(process.execPath, ['--test', '--test-reporter=tap', file], {
    env: { PATH },
    encoding: 'utf8',
  });
  expect(/^# fail (\d+)$/m.exec(output)?.[1]).toBe('0');
  expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(40);
});

describe('Jest, which is too heavy to be installed for this', () => {
  // What Jest gives: `describe` that calls its body at once and must return nothing, `test` that takes
  // a name and a function without parameters (one with a parameter would have to call `done`).
  test('its globals are called as it wants them', async () => {
    const tests: { name: string; body: () => Promise<void> }[] = [];
    const globals = {
      describe: (_: string, body: () => unknown) => expect(body()).toBeUndefined(),
      test: (name: string, body: () => Promise<void>) => tests.push({ name, body }),
    };
    conformance({ mount: () => Promise.reject(new Error('no server')) }).register('x', globals);
    expect(tests.length).toBeGreaterThan(40);
    expect(new Set(tests.map(({ name }) => name)).size).toBe(tests.length);
    for (const { body } of tests) expect(body).toHaveLength(0);
    await expect(tests[0]?.body()).rejects.toThrow('no server');
  });

  // Its sandbox is another realm: bytes and promises made there are no instance of our classes.
  test('bytes and promises of its sandbox are taken', async () => {
    const scheme = schemes.standard();
    const { raw, headers } = await createTestKit({ scheme, secret: SECRET })
      .event('user.created', {})
      .parts();
    const context = vm.createContext({ list: [...raw], SECRET });
    const foreign = vm.runInContext('Uint8Array.from(list)', context) as Uint8Array;
    expect(foreign instanceof Uint8Array).toBe(false);
    const secrets = vm.runInContext('() => Promise.resolve(SECRET)', context) as () => string;
    const verifier = createVerifier({ scheme, secrets });
    for (const body of [foreign, foreign.buffer as ArrayBuffer]) {
      expect((await verifier.verify(body, headers)).scheme).toBe('standard');
    }
  });
});
