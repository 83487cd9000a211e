// @ts-check
/** A32: schemas and texts made to be slow. They cost their own tenant, and nobody waits for them. */
import { performance } from 'node:perf_hooks';
import { Api } from './lib/api.js';
import { expect, quantile } from './lib/check.js';
import { ADMIN_KEY } from './lib/server.js';
import { healthLatencies, Stage } from './lib/stage.js';

/** @typedef {import('./lib/check.js').Programme} Programme */

/** Each level looks twice at the next: 2^30 steps for one value. */
function doubling() {
  /** @type {Record<string, unknown>} */
  const $defs = { d30: { type: 'string' } };
  for (let i = 0; i < 30; i++) {
    const next = { $ref: `#/$defs/d${i + 1}` };
    $defs[`d${i}`] = { anyOf: [next, next] };
  }
  return { $ref: '#/$defs/d0', $defs };
}

const NUMBERS = Array.from({ length: 80_000 }, (_, i) => ({ i }));
const TEXT = `${'x'.repeat(100_000)}!`;

/** Schemas that are saved, and data that they are slow with. @type {Record<string, { schema: unknown, data: unknown }>} */
const SLOW = {
  'anyOf of anyOf': { schema: doubling(), data: 1 },
  uniqueItems: { schema: { uniqueItems: true }, data: NUMBERS },
  'errors without end': {
    schema: { items: { allOf: Array.from({ length: 200 }, () => ({ type: 'string' })) } },
    data: NUMBERS.map(() => 1),
  },
  'a thousand patterns': {
    schema: { allOf: Array.from({ length: 1000 }, (_, i) => ({ pattern: `^(x|y${i})*$` })) },
    data: TEXT,
  },
};

/** Schemas that are refused when they are saved. @type {Record<string, unknown>} */
const REFUSED = {
  'a remote reference': { $ref: 'http://169.254.169.254/latest/meta-data' },
  'a pattern that multiplies': { pattern: '((a{100}){100}){100}' },
  'look-ahead': { pattern: '^(?=(x+)+$)' },
  'too large': { enum: ['x'.repeat(70_000)] },
  'too deep': JSON.parse(`${'{"not":'.repeat(40)}{}${'}'.repeat(40)}`),
  asynchronous: { $async: true },
};

const PATTERNS = ['^(x+)+$', '^(a|a)*$', '^([a-zA-Z]+)*$', '(.*)*y', '(x+x+)+y'];

/** @param {Stage} stage @param {string} tenant @param {string} validation */
async function addTenant(stage, tenant, validation) {
  const path = `/api/v1/tenants/${tenant}`;
  await stage.api.request('PUT', path, { body: { defaults: { validation } } });
  const api = new Api(stage.server.origin, ADMIN_KEY);
  api.tenant = path;
  return api;
}

/** @param {Api} api @param {string} type @param {unknown} schema */
function put(api, type, schema) {
  return api.request('PUT', `/event-types/${type}`, { body: { schema } });
}

/** How long publishing takes while something else happens. @param {Api} api @param {Promise<unknown>} during */
async function publishLatencies(api, during) {
  const latencies = [];
  let over = false;
  const end = () => {
    over = true;
  };
  void during.then(end, end);
  while (!over) {
    const started = performance.now();
    const { status, text } = await api.request('POST', '/events', {
      body: { type: 'good', data: { id: 'u_1' } },
    });
    expect(status === 202, `an honest event was answered ${status}: ${text}`);
    latencies.push(performance.now() - started);
  }
  return latencies;
}

/** @param {Api} hostile */
async function attack(hostile) {
  const spent = [];
  for (const [name, { schema, data }] of Object.entries(SLOW)) {
    const type = `slow.${name.replaceAll(' ', '-')}`;
    const saved = await put(hostile, type, schema);
    expect(saved.status === 200, `${name} was not saved: ${saved.text}`);
    for (let n = 0; n < 3; n++) {
      const started = performance.now();
      const { status, json } = await hostile.request('POST', '/events', { body: { type, data } });
      const took = performance.now() - started;
      expect(status === 422, `${name}: answered ${status}`);
      expect(took < 5000, `${name}: took ${took.toFixed(0)} ms`);
      if (n === 0) spent.push(`${name} ${json.reason} after ${took.toFixed(0)} ms`);
    }
  }
  return spent;
}

/** @type {Programme} */
const slowSchemas = {
  id: 'A32',
  title: 'schemas and texts made to be slow cost their own tenant; publishing beside them goes on',
  run: ({ ci, note }) =>
    Stage.with({ ledger: false }, async (stage) => {
      const hostile = await addTenant(stage, 'hostile', 'refuse');
      const plain = await addTenant(stage, 'plain', 'off');
      const honest = await addTenant(stage, 'honest', 'refuse');
      const schema = { type: 'object', properties: { id: { type: 'string', pattern: '^u_' } } };
      await put(honest, 'good', schema);
      for (const [name, bad] of Object.entries(REFUSED)) {
        const { status } = await put(hostile, 'bad', bad);
        expect(status === 400, `${name}: answered ${status}`);
      }
      for (const [i, pattern] of PATTERNS.entries()) {
        await put(hostile, `pattern${i}`, { pattern });
        const started = performance.now();
        await hostile.request('POST', '/events', { body: { type: `pattern${i}`, data: TEXT } });
        const took = performance.now() - started;
        expect(took < 500, `100 kB against ${pattern} took ${took.toFixed(0)} ms`);
      }
      const attacking = attack(hostile);
      const [spent, health, plainMs, honestMs] = await Promise.all([
        attacking,
        healthLatencies(stage.api, attacking),
        publishLatencies(plain, attacking),
        publishLatencies(honest, attacking),
      ]);
      for (const line of spent) note(line);
      const p99 = (/** @type {number[]} */ values) => quantile(values, 0.99);
      const bound = ci ? 500 : 150;
      expect(p99(health) <= bound, `health p99 ${p99(health).toFixed(0)} ms`);
      expect(p99(plainMs) <= bound, `publishing beside it p99 ${p99(plainMs).toFixed(0)} ms`);
      // Whoever validates too shares the thread: it waits for what is ended, once for each schema.
      const worst = Math.max(...honestMs);
      expect(worst <= (ci ? 8000 : 4000), `validated publishing took ${worst.toFixed(0)} ms`);
      const after = await hostile.request('POST', '/events', { body: { type: 'x', data: 1 } });
      expect(after.status === 422 && stage.server.alive, 'it does not go on');
      return `p99 of health ${p99(health).toFixed(0)} ms, of publishing ${p99(plainMs).toFixed(0)} ms; validated at worst ${worst.toFixed(0)} ms`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [slowSchemas];
