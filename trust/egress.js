// @ts-check
/**
 * A1–A17 from outside: whatever address a tenant writes, no byte reaches the canaries. Saving may refuse
 * it, or the attempt may; what counts is that the canaries hear nothing while the control does.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BLOCKS_4,
  BLOCKS_6,
  OUTSIDE_4,
  OUTSIDE_6,
  randomIn4,
  randomIn6,
  spellings,
} from './lib/addresses.js';
import {
  allRefused,
  allSaved,
  assertControl,
  Canaries,
  guarded,
  guardedEnv,
  unusedType,
} from './lib/canaries.js';
import { expect, waitFor } from './lib/check.js';
import { withNames } from './lib/names.js';
import { Stage } from './lib/stage.js';

/** @typedef {import('./lib/check.js').Programme} Programme */

/** @param {number} count @param {(i: number) => string} make */
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** @type {Programme} */
const ipv4 = {
  id: 'A1',
  title: 'every special IPv4 block is refused, its neighbours are not',
  run: ({ ci }) =>
    guarded(async (world) => {
      const { port } = world.canaries;
      const inside = BLOCKS_4.flatMap((block) => [
        randomIn4(block, 0),
        randomIn4(block, 1),
        ...times(ci ? 5 : 100, () => randomIn4(block)),
      ]);
      await allSaved(world, OUTSIDE_4);
      return allRefused(
        world,
        inside.map((address) => `http://${address}:${port}/`),
      );
    }),
};

/** @type {Programme} */
const ipv6 = {
  id: 'A2',
  title: 'only global unicast IPv6, without its special blocks',
  run: ({ ci }) =>
    guarded(async (world) => {
      const inside = BLOCKS_6.flatMap((block) => times(ci ? 8 : 200, () => randomIn6(block)));
      await allSaved(
        world,
        OUTSIDE_6.map((address) => `[${address}]`),
      );
      return allRefused(
        world,
        ['::', '::1', ...inside].map((address) => `http://[${address}]:${world.canaries.port}/`),
      );
    }),
};

/** @type {Programme} */
const embedded = {
  id: 'A3',
  title: 'IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4, Teredo) is judged as what it reaches',
  run: ({ ci }) =>
    guarded((world) => {
      const addresses = [
        '127.0.0.1',
        '127.9.9.9',
        ...BLOCKS_4.flatMap((block) => times(ci ? 2 : 20, () => randomIn4(block))),
      ];
      const urls = addresses
        .flatMap((address) => spellings(address))
        .map((address) => `http://[${address}]:${world.canaries.port}/`);
      return allRefused(world, urls);
    }),
};

/** @type {Programme} */
const numeric = {
  id: 'A4',
  title: 'numeric and Unicode spellings of 127.0.0.1',
  run: () =>
    guarded((world) => {
      const hosts = [
        '2130706433',
        '0x7f.1',
        '0x7f000001',
        '0177.0.0.1',
        '0177.1',
        '127.1',
        '127.0.1',
        '①②⑦.⓪.⓪.①',
        '127。0。0。1',
        '127.0.0.1.',
        '0',
        '0.0.0.0',
        '0x0',
        '017700000001',
        '１２７.0.0.1',
      ];
      return allRefused(
        world,
        hosts.flatMap((host) => [
          `http://${host}:${world.canaries.port}/`,
          `https://${host}:${world.canaries.port}/`,
        ]),
      );
    }),
};

/** @type {Programme} */
const mappedVerdict = {
  id: 'A5',
  title: 'an address and its mapped form get one verdict',
  run: ({ ci }) =>
    guarded(async ({ stage }) => {
      const save = async (/** @type {string} */ host) =>
        (
          await stage.api.request('POST', '/endpoints', {
            body: { name: 'a5', url: `https://${host}/`, eventTypes: [unusedType()] },
          })
        ).status;
      const addresses = [
        ...OUTSIDE_4.slice(0, 10),
        ...times(ci ? 40 : 500, () => randomIn4('0.0.0.0/0')),
      ];
      for (const address of addresses) {
        const [plain, mapped] = [await save(address), await save(`[::ffff:${address}]`)];
        expect(plain === mapped, `${address}: ${plain}, ::ffff:${address}: ${mapped}`);
      }
      return `${addresses.length} addresses`;
    }),
};

/** @type {Programme} */
const literalAtSend = {
  id: 'A6',
  title: 'the address is judged at each connection: saved while allowed, refused once it is not',
  async run() {
    const canaries = await Canaries.open();
    try {
      return await Stage.with({ ledger: false }, async (stage) => {
        const urls = [
          `http://127.0.0.1:${canaries.port}/`,
          `http://127.9.9.9:${canaries.port}/`,
          `http://[::1]:${canaries.port}/`,
          `http://localhost:${canaries.port}/`,
        ];
        const ids = [];
        for (const url of urls)
          ids.push(
            (await stage.api.endpoint(url, ['later.a'], { retryPolicy: { schedule: [] } })).id,
          );
        await stage.server.stop();
        await stage.start({ mode: 'serve', env: guardedEnv(stage) });
        await stage.api.event('later.a');
        for (const [i, id] of ids.entries()) {
          await stage.ended(id);
          const [attempt] = await stage.attempts(id);
          expect(
            attempt?.fault === 'forbidden',
            `${urls[i]}: ${attempt?.fault ?? attempt?.status}`,
          );
        }
        canaries.assertSilent();
        await assertControl(stage);
        return `${urls.length} URLs`;
      });
    } finally {
      canaries.close();
    }
  },
};

/** @type {Programme} */
const names = {
  id: 'A7',
  title: 'names that lead inside; one forbidden address among the answers forbids them all',
  run: () =>
    withNames(({ wrap, zone }) =>
      guarded(
        async (world) => {
          const { port } = world.canaries;
          zone.set('inside.test', { addresses: ['127.0.0.1'] });
          zone.set('far.test', { addresses: ['127.9.9.9'] });
          zone.set('six.test', { addresses: ['::1'] });
          zone.set('mapped.test', { addresses: ['0:0:0:0:0:ffff:7f00:1'] });
          zone.set('alias.test', { cname: 'inside.test' });
          const hosts = [
            'localhost',
            'a.localhost',
            'LOCALHOST.',
            'inside.test',
            'far.test',
            'six.test',
            'mapped.test',
          ];
          await allRefused(
            world,
            hosts.map((host) => `http://${host}:${port}/`),
          );
          // The control's port on two addresses: one allowed, one not.
          zone.set('mixed.test', { addresses: ['127.0.0.1', '127.9.9.9'] });
          const verdict = await world.attack(
            `http://mixed.test:${world.stage.receiverPort}/ok/mixed`,
          );
          expect(verdict === 'forbidden', `a mix of allowed and forbidden: ${verdict}`);
          const { requests } = await world.stage.stats('/ok/mixed');
          expect(requests === 0, 'a mix of allowed and forbidden was sent to');
          return `${hosts.length + 1} names`;
        },
        { wrap },
      ),
    ),
};

/** @type {Programme} */
const rebinding = {
  id: 'A8',
  title: 'a name that changes its address between question and connection',
  run: ({ ci }) =>
    withNames(({ wrap, zone }) =>
      guarded(
        async ({ stage }) => {
          const count = ci ? 100 : 1000;
          const trap = net.createServer((socket) =>
            socket.on('data', () => trapped++).on('error', () => {}),
          );
          let trapped = 0;
          trap.listen(stage.receiverPort, '127.9.9.9');
          await once(trap, 'listening');
          let turn = 0;
          zone.set('rebind.test', {
            addresses: () => [turn++ % 2 === 0 ? '127.0.0.1' : '127.9.9.9'],
          });
          const { id } = await stage.api.endpoint(
            `http://rebind.test:${stage.receiverPort}/close/rebind`,
            ['rebind.a'],
            { retryPolicy: { schedule: Array(30).fill(0.1) } },
          );
          for (let n = 0; n < count; n++) await stage.api.event('rebind.a', n);
          await stage.ended(id, 60_000);
          trap.close();
          expect(trapped === 0, `${trapped} requests reached the address that is not allowed`);
          const { requests } = await stage.stats('/close/rebind');
          return `${count} events, ${requests} to the allowed address, ${turn} questions`;
        },
        { wrap },
      ),
    ),
};

/** @type {Programme} */
const redirect = {
  id: 'A9',
  title: 'redirects of an allowed receiver to the inside',
  run: () =>
    guarded(async ({ canaries, stage, attack }) => {
      for (const host of ['127.0.0.1', '127.9.9.9', '[::1]']) {
        const target = encodeURIComponent(`http://${host}:${canaries.port}/`);
        const verdict = await attack(stage.url(`/to/${target}`));
        expect(verdict === 'status 307', `a redirect to ${host} ended as ${verdict}`);
      }
      await sleep(200);
    }),
};

/** @type {Programme} */
const schemes = {
  id: 'A10',
  title: 'schemes other than http and https; plain http unless it was allowed',
  run: () =>
    guarded(async (world) => {
      const { port } = world.canaries;
      const urls = [
        'file:///etc/passwd',
        `gopher://127.0.0.1:${port}/_x`,
        `ftp://127.0.0.1:${port}/`,
        'data:text/plain,x',
        'unix:/tmp/x',
        'http+unix://%2Ftmp%2Fx/',
        'javascript:alert(1)',
        `ws://127.0.0.1:${port}/`,
        `blob:http://127.0.0.1:${port}/x`,
        'about:blank',
        '//127.0.0.1/',
        '/x',
        '',
        ' ',
        'http://',
        'http:///x',
      ];
      await allRefused(world, urls);
      await world.stage.server.stop();
      await world.stage.start({
        mode: 'serve',
        env: { ...guardedEnv(world.stage), POSTHORN_EGRESS_HTTP: 'false' },
      });
      const plain = await world.attack('http://nobody.invalid/');
      expect(plain.startsWith('refused'), `plain http to a name: ${plain}`);
      return `${urls.length} URLs`;
    }),
};

/** @type {Programme} */
const confusion = {
  id: 'A11',
  title: 'userinfo, backslashes, tabs, fragments and other ways to say another host',
  run: () =>
    guarded((world) => {
      const { port } = world.canaries;
      const at = `127.0.0.1:${port}`;
      const urls = [
        `http://a@${at}/`,
        `http://a:b@${at}/`,
        `http://nobody.invalid@${at}/`,
        `http://nobody.invalid:80@${at}/`,
        `http://nobody.invalid\\@${at}/`,
        `http://${at}\\@nobody.invalid/`,
        `http://${at}#@nobody.invalid/`,
        `http://${at}?@nobody.invalid/`,
        `http:${at}/`,
        `http:/${at}/`,
        `http:\\\\${at}\\`,
        `http://127.0.0.1\t:${port}/`,
        `http://127.0.\n0.1:${port}/`,
        `\thttp://${at}/`,
        `http://${at}/\r\nX: y`,
        `http://127.0.0.1%00.nobody.invalid:${port}/`,
        `http://127.0.0.1%2enobody.invalid:${port}/`,
        `http://%31%32%37.0.0.1:${port}/`,
        `http://[::ffff:127.0.0.1%25lo]:${port}/`,
        `http://[::1%lo]:${port}/`,
        `http://[127.0.0.1]:${port}/`,
        `http://127.0.0.1:0${port}/`,
        `HTTP://${at}/`,
        `hTTp://LOCALHOST:${port}/`,
        `http://127.0.0.1 :${port}/`,
        `http://@${at}/`,
        `http://:@${at}/`,
        `http://${at}:80/`,
        `http://lOcAlHoSt.:${port}/`,
      ];
      return allRefused(world, urls);
    }),
};

/** @type {Programme} */
const idn = {
  id: 'A12',
  title: 'host names are kept and shown as ASCII',
  run: () =>
    guarded(async ({ stage }) => {
      const cases = [
        ['https://exa\u00admple.org/', 'example.org'],
        ['https://exa\u200bmple.org/', 'example.org'],
        ['https://m\u00fcnchen.example/', 'xn--mnchen-3ya.example'],
        ['https://\u0430pple.example/', 'xn--pple-43d.example'],
        ['https://EXAMPLE.ORG/', 'example.org'],
      ];
      for (const [url, host] of cases) {
        const { status, json } = await stage.api.request('POST', '/endpoints', {
          body: { name: 'idn', url, eventTypes: [unusedType()] },
        });
        if (status >= 400) continue;
        expect(json.url.startsWith(`https://${host}`), `${url} is kept as ${json.url}`);
      }
    }),
};

/** @type {Programme} */
const ports = {
  id: 'A13',
  title: 'ports that are nobody’s webhook, and our own',
  run: () =>
    guarded(async (world) => {
      const { stage } = world;
      const hosts = [0, 1, 22, 25, 111, 6379, 5432, 2375, 11_211].map(
        (port) => `http://127.0.0.1:${port}/`,
      );
      await allRefused(world, [
        ...hosts,
        'https://nobody.invalid:22/',
        'https://nobody.invalid:6379/',
        `http://127.0.0.1:${stage.port}/`,
      ]);
      await stage.server.stop();
      await stage.start({ mode: 'dev' });
      for (const host of ['127.0.0.1', 'localhost', '127.1', '[::ffff:127.0.0.1]', '0.0.0.0']) {
        const verdict = await world.attack(
          `http://${host}:${stage.port}/api/v1/tenants/default/events`,
        );
        expect(
          verdict.startsWith('refused') || verdict === 'forbidden',
          `in dev, our own port at ${host}: ${verdict}`,
        );
      }
      await stage.server.stop();
      await stage.start({ mode: 'serve', env: guardedEnv(stage) });
      return `${hosts.length + 8} URLs`;
    }),
};

/** @type {Programme} */
const proxyEnv = {
  id: 'A14',
  title: 'proxy variables in the environment change nothing',
  async run() {
    const canaries = await Canaries.open();
    try {
      const proxy = `http://127.0.0.1:${canaries.port}`;
      const env = {
        HTTP_PROXY: proxy,
        http_proxy: proxy,
        HTTPS_PROXY: proxy,
        https_proxy: proxy,
        ALL_PROXY: proxy,
        all_proxy: proxy,
        NODE_USE_ENV_PROXY: '1',
      };
      await Stage.with({ env, ledger: false }, async (stage) => {
        await assertControl(stage);
        canaries.assertSilent();
      });
    } finally {
      canaries.close();
    }
  },
};

/** @type {Programme} */
const reserved = {
  id: 'A15',
  title: 'headers that would change host, framing or signature are refused at save',
  run: () =>
    guarded(async ({ stage }) => {
      const names = [
        'Host',
        'hOST',
        'Content-Length',
        'Transfer-Encoding',
        'Connection',
        'Keep-Alive',
        'Proxy-Connection',
        'TE',
        'Trailer',
        'Upgrade',
        'Expect',
        'webhook-id',
        'Webhook-Timestamp',
        'WEBHOOK-SIGNATURE',
        'Host ',
        'X\r\nHost',
        'X:Y',
        '',
      ];
      const headers = names.map((name) => ({ name, value: 'x' }));
      headers.push(
        { name: 'X-A', value: 'a\r\nHost: b' },
        { name: 'X-A', value: 'a\nb' },
        { name: 'X-A', value: 'a\0b' },
        { name: 'X-A', value: 'a\u010ab' },
      );
      for (const header of headers) {
        const { status } = await stage.api.request('POST', '/endpoints', {
          body: {
            name: 'a15',
            url: stage.url('/ok/a15'),
            eventTypes: ['a15.a'],
            headers: [header],
          },
        });
        expect(status >= 400 && status < 500, `${JSON.stringify(header)} was answered ${status}`);
      }
      return `${headers.length} headers`;
    }),
};

/** @type {Programme} */
const otherPaths = {
  id: 'A16',
  title: 'no second way out: changing, copying, testing and previewing are judged like saving',
  run: () =>
    guarded(async ({ stage, canaries }) => {
      const { id } = await stage.api.endpoint(stage.url('/ok/a16'), ['a16.a'], {
        retryPolicy: { schedule: [] },
      });
      /** @type {[string, string, (url: string) => unknown][]} */
      const ways = [
        ['PATCH', `/endpoints/${id}`, (url) => ({ url })],
        ['PUT', '/endpoints', (url) => ({ endpoints: [{ name: 'a16', url }] })],
        ['POST', `/endpoints/${id}/duplicate`, (url) => ({ url })],
        ['POST', `/endpoints/${id}/test`, (url) => ({ endpoint: { url } })],
        ['POST', '/endpoints/test', (url) => ({ endpoint: { url } })],
        ['POST', `/endpoints/${id}/preview`, (url) => ({ endpoint: { url } })],
        ['POST', '/endpoints/preview', (url) => ({ endpoint: { url } })],
      ];
      for (const host of ['127.0.0.1', '127.9.9.9', '[::1]', '127.1']) {
        const url = `http://${host}:${canaries.port}/`;
        for (const [method, path, bodyOf] of ways) {
          const answer = await stage.api.request(method, path, { body: bodyOf(url) });
          const { status, json } = answer;
          expect(status === 422, `${method} ${path} of ${url} was answered ${status}`);
          expect(json.code === 'url_refused', `${method} ${path} of ${url}: ${json.code}`);
        }
      }
      // A name is judged when it is called; a test says what an attempt would, and no more.
      const body = { endpoint: { url: `http://localhost:${canaries.port}/` } };
      const { json } = await stage.api.request('POST', '/endpoints/test', { body });
      const said = json.items?.[0]?.fault ?? json.code;
      expect(/^(forbidden|url_refused)$/.test(said), `a test of localhost: ${said}`);
      const fine = { endpoint: { url: stage.url('/ok/tested') } };
      const tested = await stage.api.post('/endpoints/test', fine);
      expect(tested.items[0].ok === true, 'a test of an allowed address did not get there');
      await stage.api.event('a16.a');
      await stage.ended(id);
      const { requests } = await stage.stats('/ok/a16');
      expect(requests === 1, 'the endpoint lost its good URL');
      const { paths } = await stage.api.get('/openapi.json');
      const fetching = Object.keys(paths).filter((path) => /test|fetch|preview|proxy/.test(path));
      expect(fetching.length === 4, `tried 4 of ${fetching.join(' ')}`);
      return `${ways.length} ways`;
    }),
};

/** @type {Programme} */
const portScan = {
  id: 'A17',
  title: 'open, closed and unreachable inside look the same',
  async run() {
    const canaries = await Canaries.open();
    try {
      return await Stage.with({ ledger: false }, async (stage) => {
        const urls = [
          `http://127.0.0.1:${canaries.port}/`,
          'http://127.0.0.1:1026/',
          `http://127.9.9.9:${canaries.port}/`,
          `http://[::1]:${canaries.port}/`,
        ];
        const ids = [];
        for (const url of urls)
          ids.push(
            (await stage.api.endpoint(url, ['scan.a'], { retryPolicy: { schedule: [] } })).id,
          );
        await stage.server.stop();
        await stage.start({ mode: 'serve', env: guardedEnv(stage) });
        await stage.api.event('scan.a');
        const seen = new Set();
        for (const id of ids) {
          await stage.ended(id);
          const first = await waitFor('an attempt', async () => (await stage.attempts(id))[0]);
          const { fault, detail, remoteAddress, response } = await stage.api.get(
            `/attempts/${first.id}`,
          );
          seen.add(JSON.stringify({ fault, detail, remoteAddress, response }));
        }
        expect(seen.size === 1, `the attempts differ: ${[...seen].join(' ')}`);
        const refusals = new Set();
        for (const url of [...urls, 'http://10.1.2.3:8080/', 'http://169.254.169.254/']) {
          const { status, json } = await stage.api.request('POST', '/endpoints', {
            body: { name: 'scan', url, eventTypes: ['scan.b'] },
          });
          refusals.add(
            JSON.stringify([status, json?.code, String(json?.detail).replaceAll(url, '')]),
          );
        }
        expect(refusals.size === 1, `the refusals differ: ${[...refusals].join(' ')}`);
        canaries.assertSilent();
        return [...seen].join();
      });
    } finally {
      canaries.close();
    }
  },
};

/** @type {readonly Programme[]} */
export const programmes = [
  ipv4,
  ipv6,
  embedded,
  numeric,
  mappedVerdict,
  literalAtSend,
  names,
  rebinding,
  redirect,
  schemes,
  confusion,
  idn,
  ports,
  proxyEnv,
  reserved,
  otherPaths,
  portScan,
];
