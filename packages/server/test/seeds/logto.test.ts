import { createHmac, timingSafeEqual } from 'node:crypto';
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

/** The document of Logto, "Webhooks", 20 lines. */

const tenant = 'default';
let product: Product;
let target: Target;
beforeAll(async () => {
  [product, target] = await Promise.all([startProduct(), startTarget()]);
  await product.api.loadPreset({ tenant, preset: 'logto' });
});
afterAll(async () => {
  await product.stop();
  await target.close();
});

async function endpoint(more: object = {}) {
  const body = { url: `${target.url}/hook`, dialect: 'logto', ...more } as const;
  const created = await product.api.createEndpoint({ tenant, body });
  const remove = () => product.api.deleteEndpoint({ tenant, endpoint: created.id });
  return { ...created, remove };
}

/** The example of the catalogue, posted; what arrives. */
async function told(type: string, more: object = {}) {
  const example = presets.logto.eventTypes.find(({ name }) => name === type)?.example;
  const before = target.requests.length;
  await product.api.publishEvents({ tenant, body: { type, data: null, ...example, ...more } });
  const request = await target.request(before + 1);
  return { request, body: JSON.parse(request.body.toString()) };
}

describe('logto', () => {
  const walk = new Walk('logto', 20);
  walk.prose([1, 1], 'heading');
  walk.says(
    [2, 2],
    'user, role, permission, organization, its roles and permissions, interaction',
    async () => {
      const { items } = await product.api.listEventTypes({ tenant, limit: 100 });
      expect(items).toHaveLength(31);
      expect(new Set(items.map(({ group }) => group))).toEqual(
        new Set([
          'User',
          'Trusted device',
          'Organization',
          'Role',
          'Organization role',
          'Permission (Scope)',
          'Organization permission',
          'User interaction',
          'Security',
        ]),
      );
    },
  );
  walk.says(
    [3, 3],
    'a request to the endpoint URL with user id, username, email and the like',
    async () => {
      const { remove } = await endpoint();
      const { request, body } = await told('PostSignIn');
      expect([request.method, request.target]).toEqual(['POST', '/hook']);
      expect(request.headers).toContainEqual(['user-agent', 'Logto (https://logto.io/)']);
      expect(body).toMatchObject({
        userId: 'xz7nbya58wb7',
        user: { username: 'alice', primaryEmail: 'alice@example.com' },
      });
      expect(body.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(body.user.createdAt).toBeTypeOf('number');
      expect(Object.keys(body).at(-1)).toBe('hookId');
      await remove();
    },
  );
  walk.says([4, 4], 'more events can be added: the catalogue is its owner’s', async () => {
    const type = 'Invoice.Created';
    await product.api.putEventType({ tenant, type, body: { group: 'Billing' } });
    const { remove } = await endpoint({ eventTypes: [type] });
    expect((await told(type, { data: { id: 'i1' } })).body).toMatchObject({
      event: type,
      data: { id: 'i1' },
    });
    await remove();
  });
  walk.prose([5, 5], 'heading');
  walk.says([6, 6], 'no polling: it comes at once', async () => {
    const { remove } = await endpoint();
    const postedAt = performance.now();
    await told('User.Created');
    expect(performance.now() - postedAt).toBeLessThan(5000);
    await remove();
  });
  walk.prose([7, 7], 'introduces the list');
  walk.says(
    [8, 8],
    'an email: upon registration, and when somebody signs in from a new place',
    async () => {
      const { remove } = await endpoint({ eventTypes: ['PostRegister', 'PostSignInAdaptive*'] });
      expect((await told('PostRegister')).body.user.primaryEmail).toBe('alice@example.com');
      const { body } = await told('PostSignInAdaptiveMfaTriggered');
      expect(body.adaptiveMfaResult.triggeredRules[0].rule).toBe('new_country');
      await remove();
    },
  );
  walk.says([9, 9], 'a notification when users sign up', async () => {
    const { remove } = await endpoint({ eventTypes: ['PostRegister'] });
    await product.api.publishEvents({ tenant, body: { type: 'PostSignIn', data: {} } });
    expect((await told('PostRegister')).body.interactionEvent).toBe('Register');
    await remove();
  });
  walk.says([10, 10], 'access by domain of the email or by IP address', async () => {
    const filter = { 'context.userIp': { prefix: '203.0.113.' } };
    const { remove } = await endpoint({ filter });
    const other = { data: {}, context: { userIp: '198.51.100.1' } };
    await product.api.publishEvents({ tenant, body: { type: 'PostSignIn', ...other } });
    const { body } = await told('PostSignIn');
    expect(body.userIp).toBe('203.0.113.7');
    expect(body.user.primaryEmail.split('@')[1]).toBe('example.com');
    await remove();
  });
  walk.says([11, 11], 'suspensions and deletions are told', async () => {
    const { remove } = await endpoint();
    expect((await told('User.SuspensionStatus.Updated')).body.data.isSuspended).toBe(true);
    expect((await told('User.Deleted')).body.data.id).toBe('xz7nbya58wb7');
    await remove();
  });
  walk.says([12, 12], 'reports: sign-ins stay in the log, by type and time', async () => {
    const { remove } = await endpoint();
    await told('PostSignIn');
    const { items } = await product.api.listEvents({ tenant, type: 'PostSignIn' });
    expect(items.length).toBeGreaterThan(0);
    await remove();
  });
  walk.prose([13, 15], 'head of the table');
  walk.says([16, 16], 'Event: PostRegister when somebody signed up', async () => {
    const { remove } = await endpoint();
    expect((await told('PostRegister')).body.event).toBe('PostRegister');
    await remove();
  });
  walk.prose([17, 17], 'Hook: an action for an event; of its kinds webhooks are built');
  walk.says(
    [18, 18],
    'Webhook: the API of a security service is called for PostSignIn, and can check it',
    async () => {
      const accepted: string[] = [];
      const receiver = await startReceiver(async (req, res) => {
        const chunks: Buffer[] = [];
        for await (const chunk of req) chunks.push(chunk);
        const raw = Buffer.concat(chunks);
        // As documented, but comparing in constant time and over the raw bytes.
        const given = Buffer.from(String(req.headers['logto-signature-sha-256']));
        const expected = Buffer.from(createHmac('sha256', secret).update(raw).digest('hex'));
        const good = given.length === expected.length && timingSafeEqual(given, expected);
        if (good) accepted.push(JSON.parse(raw.toString()).event);
        res.writeHead(good ? 200 : 401).end();
      });
      const { secret, remove } = await endpoint({ url: receiver.url });
      await product.api.publishEvents({ tenant, body: { type: 'PostSignIn', data: {} } });
      await eventually(() => accepted.length === 1, 'it is accepted');
      const forged = await fetch(receiver.url, {
        method: 'POST',
        body: '{}',
        headers: { 'logto-signature-sha-256': '0'.repeat(64) },
      });
      expect(forged.status).toBe(401);
      await remove();
      await receiver.close();
    },
  );
  walk.says(
    [19, 20],
    'two webhooks for one PostSignIn: both are told, each under its own hook id',
    async () => {
      const first = await endpoint({ url: `${target.url}/email`, eventTypes: ['PostSignIn'] });
      const second = await endpoint({ url: `${target.url}/security`, eventTypes: ['PostSignIn'] });
      const before = target.requests.length;
      const posted = await product.api.publishEvents({
        tenant,
        body: { type: 'PostSignIn', data: {} },
      });
      expect(posted).toMatchObject({ deliveries: 2 });
      const both = [await target.request(before + 1), await target.request(before + 2)];
      expect(both.map((one) => one.target).sort()).toEqual(['/email', '/security']);
      const hooks = new Set(both.map((one) => JSON.parse(one.body.toString()).hookId));
      expect(hooks.size).toBe(2);
      await first.remove();
      await second.remove();
    },
  );
  walk.end();
});
