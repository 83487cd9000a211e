import { afterAll, expect, test } from 'vitest';
import { commandsFor } from './command.ts';

/** Commands of the built program that need no server, through pipes and files. */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const commands = commandsFor();
afterAll(() => commands.remove());

test('what trigger prints is what verify reads', async () => {
  const data = '{"name":"Zoë","n":1.0}';
  const made = await commands.run(['trigger', 'a.b', '-', '--secret', SECRET], { stdin: data });
  expect(made).toMatchObject({ exitCode: 0, err: '' });
  expect(made.out).toContain(data);
  const verified = await commands.run(['verify', '--secret', SECRET, '--json'], {
    stdin: made.out,
  });
  expect(verified.exitCode).toBe(0);
  expect(JSON.parse(verified.out)).toMatchObject({
    state: 'valid',
    scheme: 'standard',
    type: 'a.b',
  });
}, 60_000);
