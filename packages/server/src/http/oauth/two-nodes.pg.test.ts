import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@posthorn/api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startApp } from '../../app.ts';
import { loadConfig } from '../../config.ts';
import { startReceiver } from '../../delivery/harness.suite.ts';
import { hasPostgres, needing, TestPostgres } from '../../store/postgres/cluster.suite.ts';
import { createLogger, createMetrics } from '../../telemetry.ts';
import { Browser, postForm, queryOf, REDIRECT, VERIFIER } from './flow.suite.ts';

/** Apps and grants on two nodes of one PostgreSQL. */

const KEY = 'test-admin-key-of-32-characters-or-more';
const tenant = 'default';

interface Node {
  readonly url: string;
  readonly api: Client;
}

async function startNode(databaseUrl: string): Promise<Node> {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-oauth-'));
  const app = await startApp({
    config: loadConfig({
      command: 'dev',
      flags: {
        data: directory,
        port: '0',
        adminKey: KEY,
        masterKey: KEY,
        databaseUrl,
        loginUrl: 'https://host.example.com/login',
      },
      env: {},
      cwd: directory,
    }),
    logger: createLogger({ level: 'silent', format: 'json', stream: process.stdout }),
    metrics: createMetrics(),
    inline: true,
  });
  onTestFinished(async () => {
    await app.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { url: app.url, api: createClient({ baseUrl: app.url, key: KEY }) };
}

async function knows(bot: Client, wanted: boolean): Promise<boolean> {
  const known = await bot.listDeliveries({ tenant }).then(
    () => true,
    () => false,
  );
  return known === wanted;
}

/** Asked ten times a second: who asks more often with what nobody knows yet is taken for a guesser. */
async function within(ms: number, look: () => Promise<boolean>): Promise<void> {
  await expect.poll(look, { timeout: ms, interval: 100 }).toBe(true);
}

describe.skipIf(!hasPostgres)(needing('PostgreSQL: apps and grants on two nodes'), () => {
  const postgres = new TestPostgres();

  async function stage() {
    const url = await postgres.database();
    const [a, b] = [await startNode(url), await startNode(url)] as const;
    const receiver = await startReceiver({ now: () => Date.now() });
    await a.api.loadPreset({ tenant, preset: 'cand' });
    const { id } = await a.api.createApp({
      tenant,
      body: { name: 'A', redirectUris: [REDIRECT], webhookUrl: receiver.url, public: true },
    });
    const agree = async () =>
      (await new Browser(a.url, a.api).consent(queryOf(id), { tenant })).searchParams.get('code');
    const redeem = (node: Node, code: string | null) =>
      postForm(`${node.url}/oauth2/token`, {
        grant_type: 'authorization_code',
        client_id: id,
        code: code ?? '',
        redirect_uri: REDIRECT,
        code_verifier: VERIFIER,
      });
    const publish = (node: Node) =>
      node.api.publishEvents({ tenant, body: { type: 'MOIM:product.created', data: { id: 'x' } } });
    return { a, b, receiver, agree, redeem, publish };
  }

  test('agreed to on one, redeemed and heard on the other, revoked for both', async () => {
    const { a, b, receiver, agree, redeem, publish } = await stage();
    const { status, body } = await redeem(b, await agree());
    expect(status).toBe(200);
    await publish(b);
    await receiver.request(1);
    const bots = [a, b].map(({ url }) =>
      createClient({ baseUrl: url, key: body.bot_access_token ?? '' }),
    );
    for (const bot of bots) await within(1000, () => knows(bot, true));
    const [grant] = (await b.api.listGrants({ tenant })).items;
    await b.api.revokeGrant({ tenant, grant: grant?.id as `grt_${string}` });
    const [made] = [await publish(a)].flat();
    expect(made?.deliveries).toBe(0);
    for (const bot of bots) await within(1000, () => knows(bot, false));
    expect(receiver.requests).toHaveLength(1);
  });

  test('a code that is redeemed on both at once gives tokens on one at most', async () => {
    const { a, b, agree, redeem } = await stage();
    for (let i = 0; i < 5; i++) {
      const code = await agree();
      const answers = await Promise.all([redeem(a, code), redeem(b, code)]);
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    }
  });
});
