import { createServer, type RequestListener, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { captureRawBody, express } from '@posthorn/wire/express';
import { fastify, fastifyHandler } from '@posthorn/wire/fastify';
import { fetchHandler } from '@posthorn/wire/fetch';
import { hono } from '@posthorn/wire/hono';
import { koa } from '@posthorn/wire/koa';
import { lambda } from '@posthorn/wire/lambda';
import { nextApp, nextPages } from '@posthorn/wire/next';
import { node } from '@posthorn/wire/node';
import { conformance, type Mount, type Mounted } from '@posthorn/wire/testkit';
import express5, { type Express } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { describe, test } from 'vitest';

/** Every adapter with its real framework, over real HTTP, through the suite that we ship. */

// Express 4 has no types of its own here; what is used of it is the same.
const express4: typeof express5 = createRequire(import.meta.url)('express4');

async function listening(server: Server): Promise<Mounted> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks/in?from=test`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const listen = (listener: RequestListener) => listening(createServer(listener));

function expressMount(create: () => Express, before?: (app: Express) => void): Mount {
  return (receiver) => {
    const app = create();
    before?.(app);
    app.post('/hooks/in', express(receiver));
    return listen(app);
  };
}

function honoMount(before?: (app: Hono) => void): Mount {
  return async (receiver) => {
    const app = new Hono();
    before?.(app);
    app.post('/hooks/in', hono(receiver));
    return honoServer((request) => app.fetch(request));
  };
}

function honoServer(fetch: (request: Request) => Response | Promise<Response>): Promise<Mounted> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({
        url: `http://127.0.0.1:${port}/hooks/in?from=test`,
        close: () => {
          (server as Server).closeAllConnections();
          return new Promise((done) => server.close(() => done()));
        },
      }),
    );
  });
}

async function fastifyServer(
  register: (app: ReturnType<typeof Fastify>) => void,
): Promise<Mounted> {
  const app = Fastify();
  // The other routes of the same server go on parsing JSON.
  app.post('/json', async (request) => ({ got: request.body }));
  register(app);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url: `${url}/hooks/in?from=test`, close: () => app.close() };
}

function koaMount(before?: Koa.Middleware): Mount {
  return (receiver) => {
    const app = new Koa();
    if (before !== undefined) app.use(before);
    app.use(koa(receiver));
    return listen(app.callback());
  };
}

/** The events that an API gateway makes of requests. */
function lambdaMount(change: (event: LambdaInput) => LambdaInput = (event) => event): Mount {
  return (receiver) => {
    const handler = lambda(receiver);
    return listen(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const result = await handler(
        change({
          rawPath: '/hooks/in',
          rawQueryString: 'from=test',
          headers: req.headers as Record<string, string>,
          requestContext: { http: { method: 'POST' } },
          body: Buffer.concat(chunks).toString('base64'),
          isBase64Encoded: true,
        }),
      );
      res.writeHead(result.statusCode, result.headers).end(result.body);
    });
  };
}

type LambdaInput = Parameters<ReturnType<typeof lambda>>[0];

const readAll: Koa.Middleware = async (ctx, next) => {
  for await (const _ of ctx.req) {
    // A parser that keeps no bytes.
  }
  await next();
};

const mounts: Record<string, { mount: Mount; mountBehindParser?: Mount }> = {
  'node:http': {
    mount: (receiver) => listen(node(receiver)),
    mountBehindParser: (receiver) => {
      const handle = node(receiver);
      return listen(async (req, res) => {
        for await (const _ of req) {
          // Somebody else read it.
        }
        handle(req, res);
      });
    },
  },
  'Express 4': {
    mount: expressMount(express4),
    mountBehindParser: expressMount(express4, (app) => app.use(express4.json())),
  },
  'Express 5': {
    mount: expressMount(express5),
    mountBehindParser: expressMount(express5, (app) => app.use(express5.json())),
  },
  'Express 5 behind express.json() that keeps the bytes': {
    mount: expressMount(express5, (app) => app.use(express5.json({ verify: captureRawBody }))),
  },
  'Express 4 behind express.raw()': {
    mount: expressMount(express4, (app) => app.use(express4.raw({ type: '*/*' }))),
  },
  'Fastify 5': {
    mount: (receiver) =>
      fastifyServer((app) => {
        app.register(fastify(receiver, { path: '/in' }), { prefix: '/hooks' });
      }),
    mountBehindParser: (receiver) =>
      fastifyServer((app) => {
        app.post('/hooks/in', fastifyHandler(receiver));
      }),
  },
  Hono: {
    mount: honoMount(),
    mountBehindParser: honoMount((app) =>
      app.use(async (c, next) => {
        await c.req.raw.json();
        await next();
      }),
    ),
  },
  'Hono behind a middleware that read the bytes': {
    mount: honoMount((app) =>
      app.use(async (c, next) => {
        await c.req.arrayBuffer();
        await next();
      }),
    ),
  },
  fetch: {
    mount: (receiver) => {
      const handle = fetchHandler(receiver);
      return honoServer((request) => handle(request));
    },
    mountBehindParser: (receiver) => {
      const handle = fetchHandler(receiver);
      return honoServer(async (request) => {
        await request.json();
        return handle(request);
      });
    },
  },
  'Next route handler': { mount: (receiver) => honoServer(nextApp(receiver).POST) },
  'Next pages': { mount: (receiver) => listen(nextPages(receiver)) },
  Koa: { mount: koaMount(), mountBehindParser: koaMount(readAll) },
  'AWS Lambda': {
    mount: lambdaMount(),
    mountBehindParser: lambdaMount((event) => ({
      ...event,
      body: { type: 'user.created' } as unknown as string,
      isBase64Encoded: false,
    })),
  },
};

for (const [name, options] of Object.entries(mounts)) {
  conformance(options).register(name, { describe, test });
}
