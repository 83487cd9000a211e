import {
  ErrorCode,
  EVENT_STREAM,
  Fault,
  type Operation,
  operations,
  PROBLEM_STATUS,
  problemCodes,
} from '@posthorn/api';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { ERROR_STATUS } from '../core/errors.ts';
import { FAULTS } from '../core/exchange.ts';
import { ENDPOINT, type Harness, startServer } from './harness.suite.ts';
import { type RegistrarOptions, registerOperations } from './registrar.ts';

/** The contract and the core say the same; who may call what is matrix.test.ts. */

test('codes, their statuses and the faults are the ones of core', () => {
  expect(PROBLEM_STATUS).toEqual(ERROR_STATUS);
  expect([...ErrorCode.options].sort()).toEqual(Object.keys(ERROR_STATUS).sort());
  expect(Fault.options).toEqual([...FAULTS]);
});

const SAMPLES: Record<string, string> = {
  endpoint: ENDPOINT,
  event: 'evt_00000000000000000000000000',
  attempt: 'att_00000000000000000000000000',
  delivery: `evt_00000000000000000000000000.${ENDPOINT}.0`,
  key: 'key_00000000000000000000000000',
  job: 'job_00000000000000000000000000',
  inbox: 'inb_00000000000000000000000000',
  capture: 'cap_00000000000000000000000000',
  app: 'app_00000000000000000000000000',
  grant: 'grt_00000000000000000000000000',
  session: 'ses_00000000000000000000000000',
  type: 'user.created',
  preset: 'posthorn',
};

const guarded = Object.entries<Operation>(operations).filter(([, o]) => o.scope !== 'public');

async function call(server: Harness, operation: Operation, who: { tenant: string; key?: string }) {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === 'tenant' ? who.tenant : (SAMPLES[name] ?? ''),
  );
  const headers: Record<string, string> = {};
  if (who.key !== undefined) headers['authorization'] = `Bearer ${who.key}`;
  const init: RequestInit = { method: operation.method, headers };
  if (operation.body) {
    headers['content-type'] = 'application/json';
    init.body = '{}';
  }
  const response = await fetch(server.url + path, init);
  const text = response.headers.get('content-type')?.startsWith(EVENT_STREAM)
    ? await response.body?.cancel().then(() => '')
    : await response.text();
  // What differs from request to request by design.
  const body = text?.replace(/"requestId":"[^"]*"/, '');
  return { status: response.status, body };
}

async function twoTenants(): Promise<Harness> {
  const server = await startServer();
  await server.admin.putTenant({ tenant: 'mine', body: {} });
  await server.admin.putTenant({ tenant: 'theirs', body: {} });
  return server;
}

test.each(guarded)('%s answers only what the contract lists', async (_, operation) => {
  const server = await twoTenants();
  const { status } = await call(server, operation, { tenant: 'mine', key: server.adminKey });
  const listed = problemCodes(operation).map((code) => PROBLEM_STATUS[code] as number);
  expect([...listed, ...Object.keys(operation.responses).map(Number)]).toContain(status);
  expect(status).toBeLessThan(500);
});

test('a contract with an operation that nobody serves does not start', () => {
  const app = Fastify();
  const nothing = { handlers: {}, authenticator: {}, config: {} } as unknown as RegistrarOptions;
  expect(() => registerOperations(app, nothing)).toThrow('no handler for the operation');
});
