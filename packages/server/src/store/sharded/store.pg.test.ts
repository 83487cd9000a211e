import { describe, expect, test } from 'vitest';
import { hasPostgres, needing } from '../postgres/cluster.suite.ts';
import { openPostgres } from '../postgres/open.ts';
import { openShardedPostgres } from '../postgres/open-shards.ts';
import { masterKey } from '../sqlite/open-for-suite.suite.ts';
import { storeSuite } from '../store.suite.ts';
import { World } from '../suite/world.suite.ts';
import { crossingCases } from './crossing.suite.ts';
import { TwoDatabases, throwTrouble } from './two-databases.suite.ts';

/**
 * The suite takes half a minute on two databases, and what is about two of them is not about
 * PostgreSQL: it runs whole on two shards in memory (memory.test.ts), and on one database
 * (postgres/store.pg.test.ts). Here runs what crosses; POSTHORN_TEST_SHARDS=all runs all of it.
 */
const WHOLE = process.env['POSTHORN_TEST_SHARDS'] === 'all';

describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TwoDatabases();
  const { map } = postgres;
  const sharded = (...urls: [string, ...string[]]) =>
    openShardedPostgres({ urls, masterKey, trouble: throwTrouble });

  if (WHOLE) {
    storeSuite('two shards on PostgreSQL', (options) => postgres.open(options), { capped: false });
  }

  for (const [title, run] of Object.entries(crossingCases)) {
    test(title, async () => {
      await using w = new World((options) => postgres.open(options));
      await w.open();
      const [first, second] = await postgres.urls();
      const now = () => w.now;
      const one = await openPostgres({
        ...{ url: first, masterKey, now, place: { map, shard: 0, installation: undefined } },
      });
      const installation = one.place?.installation;
      const place = { map, shard: 1, installation };
      const other = await openPostgres({ url: second, masterKey, now, place });
      const further = await openShardedPostgres({
        ...{ urls: [first, second], masterKey, now, trouble: throwTrouble },
      });
      await run({ w, stores: [one, other], another: async () => further });
      await Promise.all([one, other, further].map((store) => store.close()));
    });
  }

  test('a map that does not fit is refused, and says what to do', async () => {
    const [a, b, c] = [
      await postgres.database(),
      await postgres.database(),
      await postgres.database(),
    ];
    await (await sharded(a, b)).close();
    const refusals: [() => Promise<{ close(): Promise<void> }>, RegExp][] = [
      [
        () => sharded(b, a),
        /number 2 of the 2 .* names it as database 1\. DATABASE_URL is the first/,
      ],
      [() => sharded(a, c, b), /number 1 of the 2 .* names 3\. Name all 2/],
      [() => sharded(a, a), /number 1 of the 2 .* names it as database 2/],
      [() => openPostgres({ url: a, masterKey }), /number 1 of the 2 .* Set DATABASE_URL/],
      [() => openPostgres({ url: b, masterKey }), /number 2 of the 2 .* Set DATABASE_URL/],
      [() => sharded(c, b), /database 2 of POSTHORN_SHARDS belongs to another installation/i],
    ];
    for (const [open, reason] of refusals) await expect(open()).rejects.toThrow(reason);
    await (await sharded(a, b)).close();
  });

  test('an undivided store is the first of several only as long as all it has lies there', async () => {
    const [first, second] = [await postgres.database(), await postgres.database()];
    await using w = new World(() => openPostgres({ url: first, masterKey }));
    await w.open();
    await w.feed(await w.endpoint({ tenant: 'other' }));
    await w.close();
    await expect(sharded(second, first)).rejects.toThrow('is a store of its own already');
    // What was refused has left no trace.
    await (await openPostgres({ url: second, masterKey })).close();
    await using v = new World(() => openPostgres({ url: first, masterKey }));
    await v.open();
    v.version = 100;
    await v.feed(await v.endpoint());
    await v.close();
    const third = await postgres.database();
    await expect(sharded(first, third)).rejects.toThrow('would live in the databases of');
  });
});
