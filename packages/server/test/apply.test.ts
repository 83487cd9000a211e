import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Commands, commandsFor } from './command.ts';
import { type Product, startProduct } from './product.ts';

/** `posthorn apply` and `dump` of the built product, through its terminal and its environment. */

const FILE = `
tenants:
  - id: shop
    parent: acme                 # stands before its parent, and is made after it
    endpoints:
      - name: Orders
        url: http://127.0.0.1:4500/orders
        eventTypes: [order.*]
        headers: [{ name: Authorization, value: "Bearer \${TOKEN}" }, { name: X-Shop, value: "1" }]
        secret: \${SECRET}
      - { name: Everything, url: "http://127.0.0.1:4500/all", maxConcurrency: 2 }
  - id: acme
    name: Acme
    defaults: { dialect: logto, retryPolicy: { attempts: 3, base: 10 } }
    metadata: { team: a }
    eventTypes:
      - { name: order.paid, label: Order paid, schema: { type: object, required: [id] } }
      - { name: order.sent, example: { data: { id: 7 } } }
`;
const VARIABLES = { TOKEN: 'token-of-the-shop', SECRET: 'a-text-that-signs' };

let product: Product;
let commands: Commands;
beforeEach(async () => {
  product = await startProduct();
  commands = commandsFor(product);
});
afterEach(async () => {
  commands.remove();
  await product.stop();
});

const apply = (...argv: string[]) =>
  commands.run(['apply', '-f', '-', ...argv], { stdin: FILE, env: VARIABLES });

test('apply twice changes nothing the second time, and its dump makes the same elsewhere', async () => {
  const first = await apply('--yes');
  expect(first).toMatchObject({ exitCode: 0, out: expect.stringContaining('Done: 6 created.') });
  expect(first.err).toContain('`posthorn dump --secrets` shows them');
  const second = await apply('--yes', '--json');
  expect(JSON.parse(second.out)).toEqual({
    ...{ dryRun: false, applied: false, created: 0, updated: 0, deleted: 0, unchanged: 6 },
    ...{ left: 0, changes: [] },
  });

  const dumped = await commands.run(['dump', '--secrets']);
  expect(dumped.out).toContain('a-text-that-signs');
  const other = await startProduct();
  const there = commandsFor(other);
  try {
    const applied = await there.run(['apply', '-f', '-', '--yes'], { stdin: dumped.out });
    expect(applied.exitCode).toBe(0);
    expect((await there.run(['dump', '--secrets'])).out).toBe(dumped.out);
  } finally {
    there.remove();
    await other.stop();
  }
}, 60_000);
