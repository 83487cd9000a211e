import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemes } from '@posthorn/wire';
import { createTestKit } from '@posthorn/wire/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Commands, commandsFor } from './command.ts';
import { type Product, startProduct, startTarget } from './product.ts';
import { hasPython, onTerminal } from './terminal.ts';

/** The commands about what an inbox captured, as a script in CI would use them. */

const tenant = 'default';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let product: Product;
let commands: Commands;
let count = 0;

beforeAll(async () => {
  product = await startProduct();
  commands = commandsFor(product);
});
afterAll(async () => {
  commands.remove();
  await product.stop();
});

async function newInbox() {
  count += 1;
  const name = `ci-${count}`;
  const body = { name, signing: { secrets: [SECRET] } };
  const { id: inbox, url } = await product.api.createInbox({ tenant, body });
  const place = { tenant, inbox };
  return {
    name,
    place,
    async send(data: unknown, headers: Record<string, string> = {}) {
      const raw = JSON.stringify(data);
      await fetch(`${url}/hooks`, { method: 'POST', headers, body: raw });
      const [row] = (await product.api.listCaptures({ ...place, limit: 1 })).items;
      return row?.id ?? '';
    },
    run: (...argv: string[]) => commands.run([...argv, '--inbox', name]),
  };
}

test('wait ends when something that fits was captured, and prints it', async () => {
  const { send, run } = await newInbox();
  const waiting = run(
    'wait',
    '--match',
    'type:order.*',
    '--timeout',
    '20',
    '--since',
    'start',
    '--json',
  );
  await send({ type: 'user.created' });
  await send({ type: 'order.paid', n: 1 });
  const { exitCode, out } = await waiting;
  expect(exitCode).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ type: 'order.paid', method: 'POST', path: '/hooks' });
});

test('wait fails when it did not come in time, or not often enough', async () => {
  const { send, run } = await newInbox();
  await send({ type: 'order.paid' });
  const none = await run('wait', '--match', 'type:order.paid', '--timeout', '1');
  expect(none).toMatchObject({ exitCode: 1, out: '' });
  expect(none.err).toContain('Nothing that fits type:order.paid was captured within 1 s.');
  const some = await run('wait', '--since', '60', '--count', '2', '--timeout', '1');
  expect(some.err).toContain('Only 1 of 2');
});

test('forward sends to a URL, signed anew, and says what was answered', async () => {
  const { send, run } = await newInbox();
  const target = await startTarget();
  const body = { type: 'order.paid', timestamp: '2030-01-01T00:00:00Z', data: {} };
  const raw = Buffer.from(JSON.stringify(body));
  const at = new Date(Date.now() - 60_000);
  const headers = await schemes.standard().sign({ raw, id: 'msg_1', at, secret: SECRET });
  const id = await send(body, headers);
  const { exitCode, out } = await run(
    'forward',
    id,
    '--to',
    target.url,
    '--resign',
    '--times',
    '2',
  );
  expect({ exitCode, out }).toMatchObject({ exitCode: 0, out: expect.stringContaining(' 200 ') });
  const [first] = [await target.request(1), await target.request(2)];
  const sent = new Map(first.headers.map(([name, value]) => [name.toLowerCase(), value]));
  expect(sent.get('webhook-id')).toBe('msg_1');
  expect(sent.get('webhook-signature')).not.toBe(headers['webhook-signature']);
  await target.close();
  expect((await run('forward', '--match', 'type:order.paid')).exitCode).toBe(1);
  expect((await run('forward')).exitCode).toBe(2);
  expect((await run('forward', 'evt_1', '--to', target.url)).err).toContain('cap_');
});

test('diff shows members that differ, with the last good one by default', async () => {
  const { send, run } = await newInbox();
  const good = await send({ type: 'a', data: { n: 1, list: [1, 2] } });
  const other = await send({ type: 'a', data: { n: 2, list: [1] } }, { 'X-New': 'yes' });
  const { exitCode, out } = await run('diff', other);
  expect(exitCode).toBe(1);
  expect(out.split('\n')).toEqual(
    expect.arrayContaining([
      `${good} -> ${other}`,
      '- body data.n: 1',
      '+ body data.n: 2',
      '- body data.list.1: 2',
      '+ header x-new: yes',
    ]),
  );
  expect((await run('diff', good, good)).exitCode).toBe(0);
});

test('a fixture is what the test kit starts from', async () => {
  const { send, run } = await newInbox();
  const body = { type: 'order.paid', timestamp: '2030-01-01T00:00:00Z', data: { n: 1 } };
  const id = await send(body, { Authorization: 'Bearer s3cret' });
  const { exitCode, out } = await run('fixture', 'save', id, 'fixtures');
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: 'fixtures/order.paid.json\n' });
  const text = readFileSync(join(commands.directory, 'fixtures/order.paid.json'), 'utf8');
  expect(text).not.toContain('s3cret');
  const kit = createTestKit({ scheme: schemes.standard(), secret: SECRET });
  const { raw } = await kit.fromCapture(JSON.parse(text)).parts();
  expect(JSON.parse(Buffer.from(raw).toString())).toEqual(body);
});

test('export and show print what other tools read', async () => {
  const { send, run } = await newInbox();
  const id = await send({ type: 'order.paid' });
  expect((await run('export', '--format', 'csv')).out).toContain(`${id},1,`);
  expect(JSON.parse((await run('export', '--match', 'type:order.paid')).out)).toMatchObject({ id });
  expect((await run('show', id)).out).toContain('signature unsigned: There is no signature.');
  expect((await run('show', id, '--body')).out).toBe('{"type":"order.paid"}');
  expect((await run('show', id, '--curl')).out).toMatch(/^curl /);
  const saved = await run('export', '--format', 'har', '--out', 'shop.har');
  expect(saved).toMatchObject({ exitCode: 0, out: '' });
  expect(readFileSync(join(commands.directory, 'shop.har'), 'utf8')).toContain('"version":"1.2"');
});

test('an inbox that is not there, or is not named, is said', async () => {
  const there = await commands.run(['wait', '--inbox', 'nowhere']);
  expect(there).toMatchObject({ exitCode: 1, err: 'There is no inbox nowhere in default.\n' });
  const unnamed = await commands.run(['show', 'cap_1']);
  expect(unnamed).toMatchObject({ exitCode: 2, err: expect.stringContaining('--inbox') });
});

describe.skipIf(!hasPython)('listen on a terminal (apt-get install python3)', () => {
  const terminalFor = (argv: readonly string[], env: Record<string, string> = {}) =>
    onTerminal(product, ['listen', ...argv], { cwd: commands.directory, env });

  test('a request is seen, opened, replayed, edited, and the terminal left as it was', async () => {
    const { name, send } = await newInbox();
    const target = await startTarget();
    const terminal = terminalFor([target.url, '--inbox', name], {
      EDITOR: 'sed -i s/paid/refunded/',
    });
    await terminal.shows(/● connected .*\/in\/ci-/);
    await send({ type: 'order.paid', data: { n: 1 } });
    await terminal.shows(/▌.* POST +\/hooks +order\.paid +- 200 +\d+ ms/);
    expect((await target.request(1)).target).toBe('/hooks');

    terminal.type('\r');
    await terminal.shows(/There is no signature[\s\S]*"type": "order\.paid"/);
    terminal.type('r');
    await terminal.shows(/replayed +200[\s\S]*Sent again: 200/);
    expect((await target.request(2)).body.toString()).toContain('order.paid');
    terminal.type('e');
    const edited = await target.request(3);
    expect(edited.body.toString()).toBe('{"type":"order.refunded","data":{"n":1}}');
    await terminal.shows(/replayed +200.*\n.*replayed +200/);

    terminal.type('c');
    await terminal.shows(/Copied, if this terminal lets programs copy/);
    expect(terminal.emulator.copied).toEqual([expect.stringMatching(/^curl [\s\S]*order\.paid/)]);
    terminal.resize(40, 10);
    await terminal.shows(/^ ● connected {2}http:.*…$/m);
    terminal.type('q');
    expect(await terminal.ended).toEqual({ exit: 0, same: true });
    const { emulator } = terminal;
    expect([...'1049 25 7 2004'.split(' ')].map((mode) => emulator.on(mode))).toEqual([
      ...[false, true, true, false],
    ]);
    expect(emulator.outside).toMatch(
      /Listened at http.*What comes meanwhile is delivered next time/,
    );
    await target.close();
  });

  test('it is left as it was when the program is ended, or breaks', async () => {
    const { name } = await newInbox();
    const breaks = 'process.once("SIGUSR2",()=>{throw new Error("it broke")})';
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(breaks)}` };
    const signals = ['SIGTERM', 'SIGUSR2'] as const;
    const ends = signals.map(async (signal, i) => {
      const terminal = terminalFor(['1', '--inbox', name, '--listener', `l${i}`], env);
      await terminal.shows(/● connected/);
      process.kill(await terminal.pid, signal);
      const { exit, same } = await terminal.ended;
      const { emulator } = terminal;
      expect([emulator.on('1049'), emulator.on('25'), emulator.on('7')]).toEqual([
        ...[false, true, true],
      ]);
      return { exit, same, outside: emulator.outside };
    });
    const [ended, broke] = await Promise.all(ends);
    expect(ended).toMatchObject({ exit: 0, same: true });
    expect(broke?.exit).toBeGreaterThan(0);
    expect(broke?.outside).toContain('Error: it broke');
  });
});
