import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp } from './admin/backup.ts';
import { MANIFEST, type Manifest } from './admin/manifest.ts';
import { restore } from './admin/restore.ts';
import {
  eventually,
  gate,
  type Harness,
  start,
  startReceiver,
  temporaryDirectory,
  verifies,
} from './delivery/harness.suite.ts';
import { snapshot } from './store/sqlite/snapshot.ts';

/** Backups of a running server, and what becomes of them. */

const tenant = 'default';
const HOURLY = { retryPolicy: { schedule: [3600, 3600], jitter: 0 } };

async function backUpOf(directory: string, target = join(temporaryDirectory(), 'backup')) {
  const settings = { external: false, version: '1.2.3', now: Date.now(), progress() {} };
  const manifest = await backUp({ ...settings, directory, target, work: snapshot });
  return { target, manifest };
}

async function restored(backup: string): Promise<string> {
  const directory = join(temporaryDirectory(), 'data');
  await restore({ backup, directory, work: snapshot, progress() {} });
  return directory;
}

/** What a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('was not refused');
  return error.message;
}

/** Some that are delivered, one that is tried again in an hour, and a capture. */
async function populated() {
  const app = await start();
  const good = await startReceiver(app.clock);
  const bad = await startReceiver(app.clock, () => 500);
  const headers = [{ name: 'Authorization', value: 'Bearer of-the-receiver' }];
  const { secret } = await app.endpoint({ url: good.url, eventTypes: ['a.b'], headers });
  await app.endpoint({ url: bad.url, eventTypes: ['c.d'], ...HOURLY });
  await app.publishMany(20);
  await app.publish({ type: 'c.d' });
  await app.attempted(21);
  const inbox = await app.api.createInbox({ tenant, body: {} });
  await fetch(new URL(`/in/${inbox.name}`, app.app.url), { method: 'POST', body: 'captured' });
  return { app, good, bad, secret, inbox: inbox.id };
}

const everything = async (app: Harness) => ({
  events: (await app.api.listEvents({ tenant, limit: 200 })).items,
  deliveries: await app.deliveries(),
  attempts: await app.attempts(),
  endpoints: (await app.api.listEndpoints({ tenant })).items,
});

test('a restored backup has everything, and sends nothing again that was delivered', async () => {
  const { app, good, bad, secret, inbox } = await populated();
  const before = await everything(app);
  const { target, manifest } = await backUpOf(app.directory);
  expect(manifest).toMatchObject({
    format: 1,
    madeBy: 'posthorn 1.2.3',
    masterKey: 'file',
    rows: { event: 21, delivery: 1, attempt: 21, capture: 1 },
  });
  await app.close();
  const directory = await restored(target);
  expect(readdirSync(directory).sort()).toEqual(['captures.db', 'master-key', 'posthorn.db']);
  const next = await start({ directory, clock: app.clock });
  expect(await everything(next)).toEqual(before);
  const { items } = await next.api.listCaptures({ tenant, inbox });
  expect(items).toMatchObject([{ method: 'POST', bodyBytes: 8 }]);
  next.clock.advance(3_600_000);
  await bad.request(2);
  expect(good.requests).toHaveLength(20);
  // Secrets are those that receivers know.
  await next.publish();
  const request = await good.request(21);
  expect(verifies(request, secret)).toBe(true);
  expect(request.headers.authorization).toBe('Bearer of-the-receiver');
});

test('what was sent after the backup is sent again, under the same webhook-id', async () => {
  const { app, bad } = await populated();
  const { target } = await backUpOf(app.directory);
  bad.answer = () => 204;
  app.clock.advance(3_600_000);
  await app.settled();
  await app.close();
  const next = await start({ directory: await restored(target), clock: app.clock });
  await bad.request(3);
  expect(new Set(bad.ids()).size).toBe(1);
  await next.settled();
});

test('made while events are stored and delivered, it has all that was acknowledged before', async () => {
  const app = await start();
  const hold = gate();
  const receiver = await startReceiver(app.clock, async ({ n }) => {
    if (n % 3 === 0) await hold.opened;
    return 204;
  });
  await app.endpoint({ url: receiver.url });
  const acknowledged: string[] = [];
  let stopped = false;
  const produce = async () => {
    while (!stopped) acknowledged.push(...(await app.publishMany(10)).map(({ id }) => id));
  };
  const producing = produce();
  await eventually(() => acknowledged.length > 100, 'some are stored');
  const before = [...acknowledged];
  const { target } = await backUpOf(app.directory);
  stopped = true;
  await producing;
  hold.open();
  await app.settled();
  const sent = new Set(receiver.ids());
  await app.close();
  const next = await start({ directory: await restored(target), clock: app.clock });
  for (const event of before as `evt_${string}`[]) {
    expect((await next.api.getEvent({ tenant, event })).id).toBe(event);
  }
  await next.settled();
  // None of them is owed to nobody, and whatever came twice came under its own id.
  const ids = new Set(receiver.ids());
  expect(before.filter((id) => !ids.has(id))).toEqual([]);
  expect([...ids].filter((id) => !sent.has(id))).toEqual([]);
});

test('what was erased before is not in it', async () => {
  const app = await start();
  const mark = 'mark-of-the-erased';
  const { id: event } = await app.publish({ data: { text: mark.repeat(2000) }, subject: mark });
  await app.publish({ data: { kept: true } });
  await app.api.erasePayload({ tenant, event });
  const { target } = await backUpOf(app.directory);
  expect(readFileSync(join(target, 'posthorn.db')).includes(mark)).toBe(false);
});

test('it is read by nobody but its owner', async () => {
  const { app } = await populated();
  const { target } = await backUpOf(app.directory);
  expect(statSync(target).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(target)) {
    expect([name, statSync(join(target, name)).mode & 0o777]).toEqual([name, 0o600]);
  }
});

test('a changed byte anywhere is refused, and nothing is restored', async () => {
  const { app } = await populated();
  const { target, manifest } = await backUpOf(app.directory);
  const directory = join(temporaryDirectory(), 'data');
  for (const { name } of manifest.files) {
    const path = join(target, name);
    const bytes = readFileSync(path);
    const changed = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    writeFileSync(path, changed);
    const call = restore({ backup: target, directory, work: snapshot, progress() {} });
    expect(await refusal(call)).toBe(`${path} is not what was backed up: take another backup.`);
    writeFileSync(path, bytes);
  }
  expect(existsSync(directory)).toBe(false);
  await restored(target);
});

test('a manifest that names other files, or another format, is refused', async () => {
  const { app } = await populated();
  const { target, manifest } = await backUpOf(app.directory);
  const write = (value: unknown) => writeFileSync(join(target, MANIFEST), JSON.stringify(value));
  const files = [{ ...(manifest.files[0] as Manifest['files'][0]), name: '../outside' }];
  write({ ...manifest, files });
  expect(await refusal(restored(target))).toMatch(/was changed: it does not list the files/);
  write({ ...manifest, format: 2 });
  expect(await refusal(restored(target))).toMatch(/has format 2, this release knows 1/);
  expect(await refusal(restored(temporaryDirectory()))).toMatch(/is no backup/);
});

test('a damaged database is not backed up, and nothing is left of the attempt', async () => {
  const { app } = await populated();
  await app.close();
  const path = join(app.directory, 'posthorn.db');
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4096 * 3, 4096 * 6);
  writeFileSync(path, bytes);
  const home = temporaryDirectory();
  expect(await refusal(backUpOf(app.directory, join(home, 'backup')))).toMatch(/damaged|malformed/);
  expect(readdirSync(home)).toEqual([]);
});

test('it goes neither into the data directory nor over anything', async () => {
  const { app } = await populated();
  expect(await refusal(backUpOf(app.directory, join(app.directory, 'b')))).toMatch(
    /lies in the data directory/,
  );
  const taken = temporaryDirectory();
  writeFileSync(join(taken, 'a'), '');
  expect(await refusal(backUpOf(app.directory, taken))).toMatch(/a backup needs a new or empty/);
  const { target } = await backUpOf(app.directory, temporaryDirectory());
  expect(existsSync(join(target, MANIFEST))).toBe(true);
  expect(await refusal(backUpOf(temporaryDirectory()))).toMatch(/There is nothing to back up in/);
  const other = join(temporaryDirectory(), 'other');
  mkdirSync(`${other}.partial`);
  expect(await refusal(backUpOf(app.directory, other))).toMatch(/another backup is writing there/);
});

test('a directory in use is left alone, also by another name', async () => {
  const { app } = await populated();
  const { target } = await backUpOf(app.directory);
  const before = readFileSync(join(app.directory, 'posthorn.db'));
  const link = join(temporaryDirectory(), 'link');
  symlinkSync(app.directory, link);
  for (const directory of [app.directory, link]) {
    const call = restore({ backup: target, directory, work: snapshot, progress() {} });
    expect(await refusal(call)).toMatch(/is not empty .*stop the server that uses it/);
  }
  expect(readFileSync(join(app.directory, 'posthorn.db')).equals(before)).toBe(true);
});

test('a restore that was broken off is not started, and is done by the next one', async () => {
  const { app } = await populated();
  const { target } = await backUpOf(app.directory);
  await app.close();
  const directory = await restored(target);
  writeFileSync(join(directory, 'restoring'), JSON.stringify(['posthorn.db', 'master-key']));
  expect(await refusal(start({ directory }))).toMatch(/was broken off: run posthorn restore again/);
  const call = () => restore({ backup: target, directory, work: snapshot, progress() {} });
  // captures.db is not of it: whoever put it there may want it.
  expect(await refusal(call())).toMatch(/is not empty \(captures.db\)/);
  writeFileSync(
    join(directory, 'restoring'),
    JSON.stringify(['posthorn.db', 'master-key', 'captures.db']),
  );
  await call();
  const next = await start({ directory, clock: app.clock });
  expect((await next.api.listEvents({ tenant })).items).toHaveLength(21);
});
