import { type CallLines, type Client, type ClientOptions, createClientOf, lineOf } from './call.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';

/**
 * A typed client of the whole contract. Parameters and query go in one object, the body as `body`:
 *
 *     const hooks = createClient({ baseUrl: 'http://127.0.0.1:4400', key: 'phk_…' });
 *     await hooks.publishEvents({ tenant: 'default', body: { type: 'user.created', data: { id: 1 } } });
 *     for await (const message of hooks.followLive({ tenant: 'default' })) console.log(message);
 *
 * Methods reject with `ApiError` when the server refuses, and with fetch's own error when it cannot
 * be reached. Nothing is retried but the live feed's connection.
 */
export function createClient(options: ClientOptions): Client {
  return createClientOf(contractLines(), options);
}

/** Every operation as `createClientOf` needs it: plain data, for builds that leave the schemas out. */
export function contractLines(): CallLines {
  const lines = Object.entries<Operation>(operations).map(([id, one]) => [id, lineOf(one)]);
  return Object.fromEntries(lines) as CallLines;
}
