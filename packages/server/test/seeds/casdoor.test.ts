import { presets } from '@posthorn/wire/catalogue';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  eventually,
  type Product,
  startProduct,
  startReceiver,
  startTarget,
  type Target,
} from '../product.ts';
import { Walk } from './walk.ts';

/** The document of Casdoor, "Webhooks Overview", 95 lines. */

const tenant = 'default';
let product: Product;
let target: Target;
beforeAll(async () => {
  [product, target] = await Promise.all([startProduct(), startTarget()]);
  await product.api.loadPreset({ tenant, preset: 'casdoor' });
});
afterAll(async () => {
  await product.stop();
  await target.close();
});

/** What its example receiver does, corrected: it reads JSON whatever the content type says. */
async function startExample() {
  const received: Record<string, unknown>[] = [];
  const receiver = await startReceiver(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    if (req.method !== 'POST' || req.url !== '/webhook') return void res.writeHead(404).end();
    received.push(JSON.parse(body));
    res.writeHead(200).end('Webhook received');
  });
  return { ...receiver, received };
}

async function withEndpoint<T>(
  settings: Omit<Parameters<Product['api']['createEndpoint']>[0]['body'], 'url'>,
  use: (next: () => Promise<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const { id: endpoint } = await product.api.createEndpoint({
    tenant,
    body: { url: `${target.url}/webhook`, dialect: 'casdoor', ...settings },
  });
  const before = target.requests.length;
  let n = 0;
  try {
    return await use(async () => {
      n += 1;
      const request = await target.request(before + n);
      return JSON.parse(request.body.toString());
    });
  } finally {
    await product.api.deleteEndpoint({ tenant, endpoint });
  }
}

const publish = (type: string, more: object = {}) =>
  product.api.publishEvents({ tenant, body: { type, data: { username: 'johndoe' }, ...more } });

describe('casdoor', () => {
  const walk = new Walk('casdoor', 95);
  walk.prose([1, 6], 'headings');

  walk.says(
    [7, 7],
    'an HTTP POST with a JSON payload to a configured endpoint, at once',
    async () => {
      await withEndpoint({}, async (next) => {
        const postedAt = performance.now();
        await publish('login');
        expect((await next())['action']).toBe('login');
        // "Real-time": Casdoor itself looks every 30 seconds.
        expect(performance.now() - postedAt).toBeLessThan(5000);
        const request = target.requests.at(-1);
        expect(request?.method).toBe('POST');
        expect(request?.headers).toContainEqual(['Content-Type', 'application/json']);
      });
    },
  );

  walk.prose([8, 12], 'headings');
  walk.says([13, 14], 'the request goes to the URL, with the details of the event', async () => {
    await withEndpoint({}, async (next) => {
      await publish('signup', { actor: { name: 'johndoe' }, context: { clientIp: '203.0.113.7' } });
      const body = await next();
      expect(target.requests.at(-1)?.target).toBe('/webhook');
      expect(body).toMatchObject({ action: 'signup', user: 'johndoe', clientIp: '203.0.113.7' });
      expect(JSON.parse(body['object'] ?? '')).toEqual({ username: 'johndoe' });
    });
  });
  walk.says([15, 15], 'an application acts on the type', async () => {
    const example = await startExample();
    const body = { url: `${example.url}/webhook`, dialect: 'casdoor' } as const;
    const { id: endpoint } = await product.api.createEndpoint({ tenant, body });
    const done: string[] = [];
    const actions: Record<string, () => void> = { logout: () => done.push('session ended') };
    await publish('logout');
    await eventually(() => example.received.length === 1, 'it arrives');
    for (const { action } of example.received) actions[String(action)]?.();
    expect(done).toEqual(['session ended']);
    await product.api.deleteEndpoint({ tenant, endpoint });
    await example.close();
  });
  walk.prose([16, 18], 'heading');

  walk.says([19, 19], 'the event is stored in the field `action`', async () => {
    await withEndpoint({}, async (next) => {
      await publish('mfa/setup/verify');
      expect((await next())['action']).toBe('mfa/setup/verify');
    });
  });
  walk.prose([20, 21], 'head of the table');
  const events: [number, string][] = [
    [22, 'signup'],
    [23, 'login'],
    [24, 'logout'],
    // The document says "update"; the action is called update-user.
    [25, 'update-user'],
  ];
  for (const [line, type] of events) {
    walk.says([line, line], `${type} is offered, and told to who selected it alone`, async () => {
      const known = await product.api.getEventType({ tenant, type });
      expect(known.description.length).toBeGreaterThan(20);
      await withEndpoint({ eventTypes: [type] }, async (next) => {
        await publish('verify-code');
        await publish(type);
        expect((await next())['action']).toBe(type);
      });
    });
  }
  walk.prose([26, 30], 'headings');

  walk.elsewhere([31, 37], 'a page with the webhooks, and a button that adds one', {
    file: 'packages/dashboard/test/webhooks.browser.ts',
    test: 'a webhook made in the form gets a signed request with everything that was filled in',
  });
  walk.says([38, 40], 'URL, events and custom headers are what a webhook is made of', async () => {
    const headers = [{ name: 'casdoor-secret', value: 's3cret' }];
    await withEndpoint({ eventTypes: ['signup', 'login'], headers }, async (next) => {
      await publish('logout');
      await publish('login');
      expect((await next())['action']).toBe('login');
      expect(target.requests.at(-1)?.headers).toContainEqual(['Casdoor-Secret', 's3cret']);
    });
  });
  walk.says(
    [41, 44],
    'once saved it is sent to: the very next event, without a restart',
    async () => {
      const before = target.requests.length;
      await publish('login');
      await withEndpoint({}, async (next) => {
        await publish('login', { context: { name: 'the-next-one' } });
        expect((await next())['name']).toBe('the-next-one');
      });
      expect(target.requests.length).toBe(before + 1);
    },
  );
  walk.prose([45, 48], 'heading');

  walk.says([49, 57], 'the documented payload, byte for byte but its line breaks', async () => {
    await withEndpoint({ dialect: 'casdoor-docs' }, async () => {
      const before = target.requests.length;
      const user = { id: '12345', username: 'johndoe', email: 'johndoe@example.com' };
      await publish('login', { occurredAt: '2024-03-03T08:00:00Z', data: { user } });
      const { body } = await target.request(before + 1);
      expect(body.toString()).toBe(
        '{"event":"login","timestamp":1709452800,"user":{"id":"12345","username":"johndoe","email":"johndoe@example.com"}}',
      );
    });
  });
  walk.prose([58, 64], 'headings');

  walk.says(
    [65, 74],
    'an instant URL: made, used as webhook URL, shows what came (as Beeceptor and Webhook.site)',
    async () => {
      const tool = await startProduct();
      const inbox = await tool.api.createInbox({ tenant, body: { name: 'casdoor-test-endpoint' } });
      const { id: endpoint } = await product.api.createEndpoint({
        tenant,
        body: { url: inbox.url, dialect: 'casdoor' },
      });
      await publish('login');
      const capture = await eventually(async () => {
        const { items } = await tool.api.listCaptures({ tenant, inbox: inbox.id });
        return items[0] && tool.api.getCapture({ tenant, inbox: inbox.id, capture: items[0].id });
      }, 'it is captured');
      expect(capture).toMatchObject({ method: 'POST' });
      expect(JSON.stringify(capture)).toContain('Go-http-client/1.1');
      await product.api.deleteEndpoint({ tenant, endpoint });
      await tool.stop();
    },
  );
  walk.prose([75, 78], 'heading');

  walk.says(
    [79, 90],
    "the example's receiver takes what comes and answers 200 Webhook received",
    async () => {
      const example = await startExample();
      const contentType = 'application/x-www-form-urlencoded';
      const body = { url: `${example.url}/webhook`, dialect: 'casdoor', contentType } as const;
      const { id: endpoint } = await product.api.createEndpoint({ tenant, body });
      await publish('login');
      await eventually(() => example.received.length === 1, 'it arrives');
      const attempt = await eventually(async () => {
        const { items } = await product.api.listAttempts({ tenant, endpoint });
        return items[0] && product.api.getAttempt({ tenant, attempt: items[0].id });
      }, 'logged');
      expect(attempt).toMatchObject({
        status: 200,
        response: { body: { text: 'Webhook received' } },
      });
      await product.api.deleteEndpoint({ tenant, endpoint });
      await example.close();
    },
  );
  walk.prose([91, 92], 'heading');

  walk.says(
    [93, 93],
    'syncing users, notifying, updating other systems: all 146 actions can be told',
    async () => {
      const { items } = await product.api.listPresets();
      expect(items.find(({ name }) => name === 'casdoor')?.eventTypes).toBeDefined();
      expect(presets.casdoor.eventTypes).toHaveLength(146);
    },
  );
  walk.prose([94, 94], 'empty');
  walk.elsewhere([95, 95], 'always validate what comes in', {
    file: 'packages/server/test/receivers.test.ts',
    test: 'express-casdoor.js',
  });
  walk.end();
});
