import fc from 'fast-check';
import { expect, test } from 'vitest';
import { start } from '../../delivery/harness.suite.ts';
import { Browser, postForm, queryOf, REDIRECT, type Tokens, VERIFIER } from './flow.suite.ts';

/**
 * Whoever does what in which order: an app is owed an event exactly if an admin agreed to a scope that
 * covers it and nobody revoked that since (A44).
 */

const tenant = 'acme';
const TYPES = [
  'MOIM:product.created',
  'MOIM:product.voted',
  'MOIM:payment.paid',
  'MOIM:member.joined',
];
const COVERED: Readonly<Record<string, readonly string[]>> = {
  'webhook:MOIM:product': ['MOIM:product.created', 'MOIM:product.voted'],
  'webhook:MOIM:product.created': ['MOIM:product.created'],
  'webhook:MOIM:payment': ['MOIM:payment.paid'],
  'member:MOIM:product:read': [],
  'webhook:*': [],
  'webhook:MOIM:*': [],
  'webhook:MOIM:prоduct': [],
  'webhook:MOIM': [],
  'WEBHOOK:MOIM:member': [],
};
const FORGED = new Set(Object.keys(COVERED).slice(4));

type Step =
  | { readonly do: 'agree'; readonly role: 'admin' | 'member'; readonly scopes: readonly string[] }
  | { readonly do: 'deny'; readonly scopes: readonly string[] }
  | { readonly do: 'revoke' }
  | { readonly do: 'refresh'; readonly scope: string }
  | { readonly do: 'publish'; readonly type: string };

const scopes = fc.uniqueArray(fc.constantFrom(...Object.keys(COVERED)), {
  minLength: 1,
  maxLength: 3,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('agree' as const),
      role: fc.constantFrom('admin' as const, 'member' as const),
      scopes,
    }),
  },
  fc.record({ do: fc.constant('deny' as const), scopes }),
  fc.record({ do: fc.constant('revoke' as const) }),
  fc.record({
    do: fc.constant('refresh' as const),
    scope: fc.constantFrom(...Object.keys(COVERED)),
  }),
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('publish' as const), type: fc.constantFrom(...TYPES) }),
  },
);

test('an app is owed what a living grant of an admin covers, and nothing else', async () => {
  const app = await start({ flags: { loginUrl: 'https://host.example.com/login' } });
  await app.api.putTenant({ tenant, body: {} });
  await app.api.loadPreset({ tenant, preset: 'cand' });

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const world = await makeWorld();
      for (const one of steps) await world.run(one);
      await world.end();
    }),
    { numRuns: 25 },
  );

  async function makeWorld() {
    const { id } = await app.api.createApp({
      tenant,
      body: {
        name: 'A',
        redirectUris: [REDIRECT],
        webhookUrl: 'http://127.0.0.1:45999/hooks',
        public: true,
      },
    });
    /** What an admin agreed to and nobody took back. */
    let granted = new Set<string>();
    let tokens: Tokens | undefined;

    async function agree({ role, scopes: asked }: Extract<Step, { do: 'agree' }>) {
      const browser = new Browser(app.app.url, app.api);
      const query = queryOf(id, { scope: asked.join(' ') });
      const who = { tenant, role, id: role };
      const forged = asked.some((scope) => FORGED.has(scope));
      const denied = role === 'member' && asked.some((scope) => /^webhook:/i.test(scope));
      const to = forged ? undefined : await browser.consent(query, who);
      const code = to?.searchParams.get('code');
      if (forged) expect((await browser.open(query, who)).response.status).not.toBe(200);
      expect(typeof code === 'string').toBe(!forged && !denied);
      if (typeof code !== 'string' || role === 'member') return;
      granted = new Set([...granted, ...asked]);
      tokens = (
        await postForm(`${app.app.url}/oauth2/token`, {
          grant_type: 'authorization_code',
          client_id: id,
          code,
          redirect_uri: REDIRECT,
          code_verifier: VERIFIER,
        })
      ).body;
    }

    async function refresh(scope: string) {
      if (!tokens) return;
      const { status, body } = await postForm(`${app.app.url}/oauth2/token`, {
        grant_type: 'refresh_token',
        client_id: id,
        refresh_token: tokens.refresh_token,
        scope,
      });
      if (status === 200) expect(granted.has(scope)).toBe(true);
      if (status === 200) tokens = body;
    }

    async function revoke() {
      for (const grant of (await app.api.listAppGrants({ tenant, app: id })).items) {
        if (grant.role === 'admin') await app.api.revokeGrant({ tenant, grant: grant.id });
      }
      granted = new Set();
    }

    async function publish(type: string) {
      const [made] = [await app.api.publishEvents({ tenant, body: { type, data: {} } })].flat();
      const covered = [...granted].some((scope) => COVERED[scope]?.includes(type));
      expect([type, made?.deliveries]).toEqual([type, covered ? 1 : 0]);
    }

    return {
      async run(one: Step) {
        if (one.do === 'agree') await agree(one);
        else if (one.do === 'revoke') await revoke();
        else if (one.do === 'refresh') await refresh(one.scope);
        else if (one.do === 'publish') await publish(one.type);
        else if (!one.scopes.some((scope) => FORGED.has(scope))) {
          const browser = new Browser(app.app.url, app.api);
          const query = queryOf(id, { scope: one.scopes.join(' ') });
          const to = await browser.consent(query, { tenant }, 'deny');
          expect(to.searchParams.has('code')).toBe(false);
        }
      },
      end: () => app.api.deleteApp({ tenant, app: id }),
    };
  }
});
