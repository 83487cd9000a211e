// @ts-check
/** Z: the reconciliation itself. Each planted lie must be found, and a true story must pass. */
import { randomBytes } from 'node:crypto';
import { expect } from '../lib/check.js';
import { reconcile } from '../lib/reconcile.js';
import { keyOf, sign } from '../lib/signature.js';

/** @typedef {import('../lib/check.js').Programme} Programme */
/** @typedef {import('../lib/reconcile.js').Ledgers} Ledgers */

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const BODY = Buffer.from('{"type":"z.a","timestamp":"2026-01-01T00:00:00Z","data":{"n":1}}');
const AT = 1_000_000;

/** @param {Partial<import('../lib/reconcile.js').Received>} [change] */
function request(change = {}) {
  const signature = sign(keyOf(SECRET), { id: 'evt_1', timestamp: '1', body: BODY });
  const head = `POST /ok/0 HTTP/1.1\r\nwebhook-id: evt_1\r\nwebhook-timestamp: 1\r\nwebhook-signature: ${signature}\r\n\r\n`;
  const body = BODY.toString('base64');
  return { at: AT, path: '/ok/0', id: 'evt_1', head, body, status: 200, answeredAt: AT, ...change };
}

/** One event, one endpoint, one attempt, all in order; `change` plants the lie. @param {(ledgers: any) => void} change */
function story(change) {
  const pair = { event: 'evt_1', endpoint: 'ep_1', run: 0 };
  const ledgers = {
    acknowledged: [
      { id: 'p1', event: 'evt_1', type: 'z.a', data: '{"n":1}', at: AT, tries: 1, deliveries: 1 },
    ],
    received: [request()],
    platform: {
      events: [{ id: 'evt_1', type: 'z.a' }],
      deliveries: [{ ...pair, state: 'succeeded' }],
      attempts: [{ ...pair, n: 1, status: 200, afterCrash: false }],
    },
    endpoints: [{ id: 'ep_1', path: '/ok/0', types: ['z.a'], secret: SECRET }],
    kills: [],
  };
  change(ledgers);
  return reconcile(ledgers).counts;
}

/** @type {Record<string, (ledgers: any) => void>} */
const LIES = {
  lost: (l) => {
    l.received = [];
    l.platform.attempts = [];
    l.platform.deliveries = [];
  },
  duplicate: (l) => {
    l.received.push(request({ at: AT + 10 }));
    l.platform.attempts.push(l.platform.attempts[0]);
    l.kills = [AT + 5000];
  },
  unlogged: (l) => {
    l.platform.attempts = [];
  },
  unmarked: (l) => {
    l.received.push(request({ at: AT + 1500 }));
    l.kills = [AT + 500];
  },
  phantom: (l) => {
    l.received = [request({ status: 500 })];
  },
  altered: (l) => {
    const body = Buffer.from(BODY.toString().replace('1', '2')).toString('base64');
    l.received = [request({ body })];
  },
  stuck: (l) => {
    l.platform.deliveries[0].state = 'pending';
  },
  misrouted: (l) => {
    l.received.push(request({ path: '/ok/9' }));
  },
};

/** @type {readonly Programme[]} */
export const programmes = [
  {
    id: 'Z',
    title: 'the reconciliation finds every planted lie and no other',
    async run() {
      const honest = Object.entries(story(() => {})).filter(([, count]) => count > 0);
      expect(honest.length === 0, `an honest story was called ${JSON.stringify(honest)}`);
      const excused = story((l) => {
        l.received.push(request({ at: AT + 1500 }));
        l.platform.attempts[0].afterCrash = true;
        l.kills = [AT + 500];
      });
      const excess = Object.entries(excused).filter(([, count]) => count > 0);
      expect(
        excess.length === 0,
        `a send explained by a kill was called ${JSON.stringify(excess)}`,
      );
      for (const [name, lie] of Object.entries(LIES)) {
        const counts = story(lie);
        expect((counts[name] ?? 0) > 0, `${name} was not found: ${JSON.stringify(counts)}`);
      }
      return `${Object.keys(LIES).length} lies`;
    },
  },
];
