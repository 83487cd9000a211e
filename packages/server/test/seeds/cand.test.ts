import { presets } from '@posthorn/wire/catalogue';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  eventually,
  type Product,
  startListener,
  startProduct,
  startReceiver,
  startTarget,
  type Target,
} from '../product.ts';
import { Walk } from './walk.ts';

/** The document of canD, "Webhook", 42 lines. */

const tenant = 'C2';
let product: Product;
let target: Target;
beforeAll(async () => {
  [product, target] = await Promise.all([startProduct(), startTarget()]);
  await product.api.putTenant({ tenant: 'C1', body: {} });
  await product.api.putTenant({ tenant, body: { parent: 'C1' } });
  await product.api.loadPreset({ tenant, preset: 'cand' });
});
afterAll(async () => {
  await product.stop();
  await target.close();
});

async function told(event: object, more: object = {}) {
  const body = { url: `${target.url}/webhook`, dialect: 'cand', ...more } as const;
  const { id: endpoint } = await product.api.createEndpoint({ tenant, body });
  const before = target.requests.length;
  await product.api.publishEvents({
    tenant,
    body: { type: 'MOIM:product.created', data: { id: 'CP:AK290DKFJD' }, ...event },
  });
  const request = await target.request(before + 1);
  await product.api.deleteEndpoint({ tenant, endpoint });
  return { request, body: JSON.parse(request.body.toString()) };
}

const actor = { id: 'U1', profileId: 'P1' };

/** The documented handler, with a body that is read first. */
async function startHandler() {
  const handled: string[] = [];
  const receiver = await startReceiver(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    res.end();
    const { module, type, context, payload } = JSON.parse(text);
    switch (`${module}:${type}`) {
      case 'MOIM:product.created':
        handled.push(`product ${payload.id} with the token of ${context.originCommunityId}`);
        break;
      default:
        handled.push(`No case statement for ${module}:${type}`);
    }
  });
  return { ...receiver, handled };
}

describe('cand', () => {
  const walk = new Walk('cand', 42);
  walk.prose([1, 3], 'headings');
  walk.says(
    [4, 4],
    'an app is told of things it asked for, such as likes past a number',
    async () => {
      const { id: endpoint } = await product.api.createEndpoint({
        tenant,
        body: {
          url: target.url,
          dialect: 'cand',
          eventTypes: ['MOIM:content.liked'],
          filter: { 'data.likes': { gte: 100 } },
        },
      });
      const before = target.requests.length;
      const liked = (likes: number) =>
        product.api.publishEvents({
          tenant,
          body: { type: 'MOIM:content.liked', data: { id: 'CT:1', likes } },
        });
      await liked(99);
      await liked(100);
      const { body } = await target.request(before + 1);
      expect(JSON.parse(body.toString()).payload).toEqual({ id: 'CT:1', likes: 100 });
      await product.api.deleteEndpoint({ tenant, endpoint });
    },
  );
  walk.prose([5, 5], 'heading');
  walk.says(
    [6, 6],
    'the webhook URL may be as complicated as a secret: it is called exactly as it is',
    async () => {
      const path = '/webhook/7Jq2-x_9/%7Bsecret%7D?k=a%2Fb&e=';
      expect((await told({}, { url: target.url + path })).request.target).toBe(path);
    },
  );
  walk.elsewhere(
    [7, 7],
    'subscriptions are OAuth scopes (`webhook:…`) that a community admin grants, and grants again for more',
    {
      file: 'packages/server/src/http/oauth/consent.test.ts',
      test: 'one scope more asks again, marks what is new, and the same grant hears both',
    },
  );
  walk.prose([8, 8], 'heading');
  walk.says(
    [9, 9],
    'a POST with a JSON body; ending the response is enough, the work may come after',
    async () => {
      const order: string[] = [];
      const receiver = await startReceiver((req, res) => {
        res.end();
        order.push('ended');
        let body = '';
        req.on('data', (chunk) => {
          body += chunk;
        });
        req.on('end', () => order.push(`worked on ${JSON.parse(body).type}`));
      });
      const { id: endpoint } = await product.api.createEndpoint({
        tenant,
        body: { url: `${receiver.url}/webhook`, dialect: 'cand' },
      });
      await product.api.publishEvents({ tenant, body: { type: 'MOIM:member.joined', data: {} } });
      await eventually(() => order.length === 2, 'the receiver is done');
      expect(order).toEqual(['ended', 'worked on member.joined']);
      await eventually(async () => {
        const { items } = await product.api.listDeliveries({ tenant, endpoint });
        return items[0]?.state === 'succeeded';
      }, 'it counts as delivered');
      await product.api.deleteEndpoint({ tenant, endpoint });
      await receiver.close();
    },
  );
  walk.prose([10, 12], 'head of the table');
  walk.says([13, 13], '`module`, such as MOIM', async () => {
    expect((await told({})).body.module).toBe('MOIM');
    expect((await told({ type: 'product.created' })).body.module).toBe('MOIM');
    expect((await told({ type: 'BLOG:post.created' })).body.module).toBe('BLOG');
  });
  walk.says([14, 14], '`type`, such as product.created, of every documented event', async () => {
    for (const { name } of presets.cand.eventTypes) {
      expect((await product.api.getEventType({ tenant, type: name })).name).toBe(name);
    }
    const { items } = await product.api.listEventTypes({ tenant });
    expect(items).toHaveLength(13);
    expect((await told({ type: 'MOIM:payment.purchaseItemConfirmed' })).body.type).toBe(
      'payment.purchaseItemConfirmed',
    );
  });
  walk.says([15, 15], '`context` is an object of four ids', async () => {
    expect(Object.keys((await told({ actor })).body.context)).toEqual([
      'originCommunityId',
      'userId',
      'communityId',
      'profileId',
    ]);
  });
  walk.says(
    [16, 16],
    '`payload` depends on the event, and the body has no other keys',
    async () => {
      const { body, request } = await told({ data: { id: 'CP:1', voted: true } });
      expect(body.payload).toEqual({ id: 'CP:1', voted: true });
      expect(Object.keys(body)).toEqual(['module', 'type', 'context', 'payload']);
      expect(request.headers.filter(([name]) => /^webhook-/i.test(name))).toEqual([]);
    },
  );
  walk.prose([17, 19], 'head of the table');
  walk.says([20, 20], '`originCommunityId` is the parent of the community', async () => {
    expect((await told({})).body.context.originCommunityId).toBe('C1');
  });
  walk.says([21, 21], '`userId` is the user in the origin community', async () => {
    expect((await told({ actor })).body.context.userId).toBe('U1');
  });
  walk.says([22, 22], '`communityId` is where it happened', async () => {
    expect((await told({})).body.context.communityId).toBe('C2');
  });
  walk.says([23, 23], '`profileId` is who did it, in that community', async () => {
    expect((await told({ actor })).body.context.profileId).toBe('P1');
    expect((await told({ actor: { id: 'U1' } })).body.context.profileId).toBe('U1');
  });
  walk.prose([24, 25], 'heading');
  walk.says(
    [26, 39],
    'the handler dispatches on `module:type` (with a body that is read first)',
    async () => {
      const { handled, ...receiver } = await startHandler();
      const { id: endpoint } = await product.api.createEndpoint({
        tenant,
        body: { url: `${receiver.url}/webhook`, dialect: 'cand', ordering: 'endpoint' },
      });
      for (const type of ['MOIM:product.created', 'MOIM:member.joined']) {
        await product.api.publishEvents({ tenant, body: { type, data: { id: 'CP:1' } } });
      }
      await eventually(() => handled.length === 2, 'both are handled');
      expect(handled).toEqual([
        'product CP:1 with the token of C1',
        'No case statement for MOIM:member.joined',
      ]);
      await product.api.deleteEndpoint({ tenant, endpoint });
      await receiver.close();
    },
  );
  walk.prose([40, 40], 'heading');
  walk.says(
    [41, 41],
    'the handler is tried on a laptop, through a URL that is open to the internet',
    async () => {
      const local = await startHandler();
      const tunnel = await startListener(product, [local.url, '--inbox', 'cand-dev'], tenant);
      const body = { url: `${tunnel.url}/webhook`, dialect: 'cand' } as const;
      const { id: endpoint } = await product.api.createEndpoint({ tenant, body });
      const type = 'MOIM:product.created';
      await product.api.publishEvents({ tenant, body: { type, data: { id: 'CP:1' } } });
      const [attempt] = await eventually(async () => {
        const { items } = await product.api.listAttempts({ tenant, endpoint });
        return items.length > 0 && items;
      }, 'the laptop has answered');
      expect(attempt?.status).toBe(200);
      expect(local.handled).toEqual(['product CP:1 with the token of C1']);
      await product.api.deleteEndpoint({ tenant, endpoint });
      await tunnel.stop();
      await local.close();
    },
  );
  walk.says(
    [42, 42],
    'nothing is exposed to a third party, and secrets can be rotated',
    async () => {
      const body = { url: target.url, dialect: 'cand', standardHeaders: true } as const;
      const { id: endpoint, secret } = await product.api.createEndpoint({ tenant, body });
      const rotated = await product.api.rotateEndpointSecret({ tenant, endpoint });
      expect(rotated.secret).not.toBe(secret);
      await product.api.deleteEndpoint({ tenant, endpoint });
    },
  );
  walk.end();
});
