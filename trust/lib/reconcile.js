// @ts-check
/**
 * The seven zeros: three ledgers that know nothing of each other must tell the same story. Producer =
 * what got 202. Receivers = every request that came. Platform = its own lists, asked when all is quiet.
 */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './check.js';
import { keyOf, verifies } from './signature.js';

/**
 * @typedef {{ id: string, path: string, types: readonly string[], secret: string }} Endpoint
 * @typedef {{ id: string, event: string, type: string, data: string, at: number, tries: number, deliveries: number }} Acknowledged
 * @typedef {{ at: number, path: string, id: string, head: string, body: string, status: number | undefined, answeredAt: number | undefined }} Received
 * @typedef {{ events: any[], deliveries: any[], attempts: any[] }} Platform
 *
 * @typedef {object} Ledgers
 * @property {readonly Acknowledged[]} acknowledged
 * @property {readonly Received[]} received
 * @property {Platform} platform
 * @property {readonly Endpoint[]} endpoints
 * @property {readonly number[]} kills when the server was killed; empty = a run without faults
 * @property {boolean} [lossy] the database crashed: it lost its last outcomes, which no node can know of
 */

/** A send is explained by a kill that came before its answer could be committed. */
const KILL_WINDOW_MS = 1000;
/** A busy receiver reads what a process wrote some time after that process died. */
const READ_LATER_MS = 250;
const EXAMPLES_MAX = 3;

/** @template T @param {string} file @returns {T[]} */
export function readLines(file) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** @param {string} file @returns {Received[]} */
export function readReceived(file) {
  /** @type {Map<number, Received>} */
  const requests = new Map();
  for (const line of /** @type {any[]} */ (readLines(file))) {
    if (line.k === 'req')
      requests.set(line.s, { ...line, status: undefined, answeredAt: undefined });
    else Object.assign(requests.get(line.s) ?? {}, { status: line.status, answeredAt: line.at });
  }
  return [...requests.values()];
}

/** Waits until nothing is pending. @param {import('./api.js').Api} api */
export async function quiescence(api, timeoutMs = 60_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { items, next } = await api.get('/deliveries?state=pending&limit=5');
    if (items.length === 0 && next === null) return;
    if (Date.now() > deadline) {
      throw new Failure(
        `STUCK: deliveries still pending after ${timeoutMs} ms, e.g. ${JSON.stringify(items[0])}`,
      );
    }
    await sleep(100);
  }
}

/** @param {import('./api.js').Api} api @returns {Promise<Platform>} */
export async function platformLedger(api) {
  const events = await api.list('/events');
  const deliveries = await api.list('/deliveries');
  return { events, deliveries, attempts: await api.list('/attempts') };
}

/** What was found, as counts and a few examples of each. */
class Findings {
  /** @type {Record<string, number>} */
  counts = {
    lost: 0,
    duplicate: 0,
    unlogged: 0,
    unmarked: 0,
    phantom: 0,
    altered: 0,
    stuck: 0,
    misrouted: 0,
  };
  explained = { duplicate: 0, unlogged: 0 };
  /** @type {string[]} */
  examples = [];

  /** @param {string} name @param {string} text */
  add(name, text) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    if ((this.counts[name] ?? 0) <= EXAMPLES_MAX)
      this.examples.push(`${name.toUpperCase()}: ${text}`);
  }

  /** Throws when a zero is not zero. */
  assertZero() {
    const wrong = Object.entries(this.counts).filter(([, count]) => count > 0);
    if (wrong.length === 0) return;
    throw new Failure(
      `${wrong.map(([name, count]) => `${name} ${count}`).join(', ')}\n${this.examples.join('\n')}`,
    );
  }
}

/** @template T @param {readonly T[]} items @param {(item: T) => string} keyOfItem @returns {Map<string, T[]>} */
function groupBy(items, keyOfItem) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOfItem(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** @param {number | undefined} status */
const isSuccess = (status) => status !== undefined && status >= 200 && status < 300;

/** @param {Ledgers} ledgers */
export function reconcile(ledgers) {
  const findings = new Findings();
  const { platform, endpoints } = ledgers;
  const received = groupBy(ledgers.received, ({ id, path }) => `${id} ${path}`);
  const deliveries = groupBy(platform.deliveries, (d) => `${d.event} ${d.endpoint}`);
  const attempts = groupBy(platform.attempts, (a) => `${a.event} ${a.endpoint}`);
  checkProducer({ ledgers, received, deliveries, findings });
  checkRequests(ledgers, findings);
  for (const endpoint of endpoints) {
    for (const { id: event } of platform.events) {
      checkPair({
        what: `${event} at ${endpoint.path}`,
        requests: received.get(`${event} ${endpoint.path}`) ?? [],
        attempts: attempts.get(`${event} ${endpoint.id}`) ?? [],
        deliveries: deliveries.get(`${event} ${endpoint.id}`) ?? [],
        kills: ledgers.kills,
        lossy: ledgers.lossy === true,
        findings,
      });
    }
  }
  return findings;
}

/**
 * Lost, and one id = one event.
 * @param {{ ledgers: Ledgers, received: Map<string, Received[]>, deliveries: Map<string, any[]>, findings: Findings }} input
 */
function checkProducer({ ledgers, received, deliveries, findings }) {
  const { acknowledged, endpoints, platform } = ledgers;
  const stored = new Map(platform.events.map((event) => [event.id, event]));
  const eventOfId = new Map();
  for (const { id, event, type, deliveries: promised } of acknowledged) {
    const subscribed = endpoints.filter(({ types }) => types.includes(type));
    if (!stored.has(event))
      findings.add('lost', `${event} was acknowledged and is not in the list of events`);
    if ((eventOfId.get(id) ?? event) !== event)
      findings.add('duplicate', `${id} became ${event} and ${eventOfId.get(id)}`);
    eventOfId.set(id, event);
    if (promised !== subscribed.length) {
      findings.add(
        'lost',
        `${event} (${type}) was promised ${promised} deliveries, ${subscribed.length} endpoints subscribed`,
      );
    }
    for (const endpoint of subscribed) {
      const requests = received.get(`${event} ${endpoint.path}`) ?? [];
      const ended = (deliveries.get(`${event} ${endpoint.id}`) ?? []).some(
        ({ state }) => state === 'failed' || state === 'cancelled',
      );
      if (!ended && !requests.some(({ status }) => isSuccess(status))) {
        findings.add(
          'lost',
          `${event} (${type}) never got a 2xx at ${endpoint.path} and has not failed visibly`,
        );
      }
    }
  }
}

/** Altered and misrouted. @param {Ledgers} ledgers @param {Findings} findings */
function checkRequests({ received, endpoints, acknowledged, platform }, findings) {
  const byPath = new Map(
    endpoints.map((endpoint) => [endpoint.path, { ...endpoint, key: keyOf(endpoint.secret) }]),
  );
  const types = new Map(platform.events.map(({ id, type }) => [id, type]));
  const data = new Map(acknowledged.map((event) => [event.event, event.data]));
  /** @type {Map<string, string>} */
  const bodies = new Map();
  for (const { id, path, head, body } of received) {
    const endpoint = byPath.get(path);
    const type = types.get(id);
    if (endpoint === undefined || type === undefined || !endpoint.types.includes(type)) {
      findings.add('misrouted', `${id} (${type}) came to ${path}`);
      continue;
    }
    const bytes = Buffer.from(body, 'base64');
    const sent = data.get(id);
    if (!verifies(endpoint.key, { head: Buffer.from(head, 'latin1'), body: bytes })) {
      findings.add('altered', `${id} at ${path}: the signature does not verify`);
    } else if (sent !== undefined && !bytes.includes(`"data":${sent}`)) {
      findings.add(
        'altered',
        `${id} at ${path}: data is not what was posted: ${bytes.toString().slice(0, 300)}`,
      );
    } else if ((bodies.get(`${id} ${path}`) ?? body) !== body) {
      findings.add('altered', `${id} at ${path}: two sends of one delivery differ`);
    }
    bodies.set(`${id} ${path}`, body);
  }
}

/**
 * One delivery in three ledgers.
 * @param {{ what: string, requests: Received[], attempts: any[], deliveries: any[], kills: readonly number[], lossy: boolean, findings: Findings }} pair
 */
function checkPair({ what, requests, attempts, deliveries, kills, lossy, findings }) {
  const successes = requests.filter(({ status }) => isSuccess(status));
  for (const [i, { at, answeredAt = at }] of successes.entries()) {
    if (i === successes.length - 1) break;
    if (kills.some((kill) => kill >= at - READ_LATER_MS && kill <= answeredAt + KILL_WINDOW_MS))
      findings.explained.duplicate++;
    else
      findings.add(
        'duplicate',
        `${what}: 2xx at ${answeredAt}, sent again, and no kill within ${KILL_WINDOW_MS} ms`,
      );
  }
  const logged = attempts.filter(({ n }) => n > 0).length;
  const unlogged = requests.length - logged;
  if (unlogged > 0) {
    const struck = requests.filter(({ at, answeredAt = at }) =>
      kills.some((kill) => kill >= at - READ_LATER_MS && kill <= answeredAt + KILL_WINDOW_MS),
    );
    if (struck.length < unlogged)
      findings.add(
        'unlogged',
        `${what}: ${requests.length} requests, ${logged} attempts in the log`,
      );
    else findings.explained.unlogged += unlogged;
    if (!lossy && !attempts.some(({ afterCrash }) => afterCrash))
      findings.add(
        'unmarked',
        `${what}: a send is missing in the log and no attempt says afterCrash`,
      );
  }
  const claimed = attempts.filter(({ status }) => isSuccess(status)).length;
  if (claimed > successes.length)
    findings.add(
      'phantom',
      `${what}: ${claimed} attempts say 2xx, the receiver gave ${successes.length}`,
    );
  for (const { state, run } of deliveries) {
    if (state === 'pending') findings.add('stuck', `${what} (run ${run}) is still pending`);
    if (state === 'succeeded' && successes.length === 0)
      findings.add('phantom', `${what}: succeeded, and the receiver saw no such request`);
  }
}

/** One line for the report. @param {Findings} findings @param {Ledgers} ledgers */
export function summary(findings, ledgers) {
  const { explained } = findings;
  return (
    `${ledgers.acknowledged.length} acknowledged, ${ledgers.received.length} requests, ` +
    `${ledgers.platform.attempts.length} attempts, explained by a kill: ${explained.duplicate} duplicates, ${explained.unlogged} unlogged`
  );
}
